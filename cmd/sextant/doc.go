// Command sextant is an authoritative and recursive DNS toolkit in one binary.
//
// The commands: serve runs the server, lab runs it in front of a small Internet
// in memory, check reads a configuration file and says what is wrong with it,
// dig asks questions. build.go is the one place where a checked configuration
// becomes running parts, wired by hand from top to bottom; nothing else in the
// program knows which parts there are. Reloading builds the parts anew, beside
// the ones that serve, and swaps them; what fails to build changes nothing.
package main
