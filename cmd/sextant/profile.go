package main

import (
	"fmt"
	"os"
	"runtime/pprof"
)

// profiled runs work and writes into the file path where the processor's time went; with
// "", it only runs work. The file holds a profile when work has ended and not before.
func profiled(path string, work func() error) (err error) {
	if path == "" {
		return work()
	}
	file, err := os.Create(path)
	if err != nil {
		return failure{fmt.Errorf("CPU profile: %w", err)}
	}
	defer func() {
		if closing := file.Close(); err == nil && closing != nil {
			err = failure{fmt.Errorf("CPU profile: %w", closing)}
		}
	}()
	if err := pprof.StartCPUProfile(file); err != nil {
		return failure{fmt.Errorf("CPU profile: %w", err)}
	}
	defer pprof.StopCPUProfile()
	return work()
}
