package main

import (
	"bytes"
	"os"
)

// What the file of results begins with: how to read it.
const resultsHead = "# Sextant beside its peers\n\n" +
	"`make bench-peers` has written this file, with the machine, the versions and the commands. How the figures are made, and which\n" +
	"of them were aimed at, stands in [What the speed figures mean](../docs/explanation/performance.md).\n\n" +
	"What they are not:\n\n" +
	"- They are not about another machine, nor about another day. Only the ratios of one run mean something, and rounds that are far\n" +
	"  apart, and a load much above 2, say that the machine had other work: then the ratios of CPU still mean something, and those of\n" +
	"  answers/s and of waiting do not.\n" +
	"- They are not about a network. All is on one machine, on loopback or a pair of virtual interfaces; whoever asks takes one of two\n" +
	"  cores, and takes from the caches and the memory's time that the server would have for itself.\n" +
	"- They are not about each server at its best. One thread, and settings as they come but for those that the programs in bench/peers\n" +
	"  name: somebody who knows a peer well may make it faster.\n" +
	"- They are not about real questions. Names are asked for in random order, each as often as any other.\n\n```\n"

// writeResults puts what a run has printed into a file.
func writeResults(file string, printed []byte) error {
	text := append([]byte(resultsHead), bytes.TrimSpace(printed)...)
	return os.WriteFile(file, append(text, "\n```\n"...), 0o644)
}
