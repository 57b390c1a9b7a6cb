// Package sextant carries the files that the binary has inside.
package sextant

import (
	"embed"
	"io/fs"
)

//go:embed testdata/lab/*.zone
var files embed.FS

// LabZones is the master files of the lab Internet, at the top of the file
// system, one zone each.
func LabZones() fs.FS {
	zones, err := fs.Sub(files, "testdata/lab")
	if err != nil {
		panic(err) // the path is a constant, and a valid one
	}
	return zones
}
