// Package sextant carries the files that the binary has inside.
package sextant

import (
	"embed"
	"io/fs"
)

//go:embed testdata/lab/*.zone testdata/geo/places.example.* testdata/geo/toy-city.mmdb
var files embed.FS

// LabPlaces is a zone of the lab that answers by location, its overlay, and a small
// database of invented places, at the top of the file system.
func LabPlaces() fs.FS {
	places, err := fs.Sub(files, "testdata/geo")
	if err != nil {
		panic(err) // the path is a constant, and a valid one
	}
	return places
}

// LabZones is the master files of the lab Internet, at the top of the file
// system, one zone each.
func LabZones() fs.FS {
	zones, err := fs.Sub(files, "testdata/lab")
	if err != nil {
		panic(err) // the path is a constant, and a valid one
	}
	return zones
}
