package main

import (
	"io/fs"
	"log/slog"
	"time"

	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/geo"
	"github.com/sextant-dns/sextant/lifeline"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/overlay"
	"github.com/sextant-dns/sextant/resolver"
	"github.com/sextant-dns/sextant/zones"
)

// wiring is what the parts are connected to beside the configuration: the
// outside world, which the lab replaces. Zero fields mean the real one.
type wiring struct {
	log       *slog.Logger
	exchanger resolver.Exchanger
	unsigned  bool // nobody signs there
	hints     []resolver.Server
	intN      func(int) int   // chance
	databases []*geo.Database // of places, beside those of the configuration
	files     fs.FS           // where zones and overlays are; nil: where everything is

	now   func() time.Time                              // the clock that answers age by; timers go by the real one
	moved func(zone lookup.Name, t lifeline.Transition) // is told of protected zones, and nobody else is
}

// zone reads the file of a zone, and holds it against its digest.
func (w wiring) zone(z config.Zone) (*zones.Zone, error) {
	zone, err := w.read(z.File, z.Name)
	if err == nil {
		err = checkDigest(zone, z)
	}
	if err != nil {
		return nil, err
	}
	return zone, nil
}

func (w wiring) read(file string, name lookup.Name) (*zones.Zone, error) {
	if w.files == nil {
		return zones.LoadFile(file, name)
	}
	f, err := w.files.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return zones.Load(f, file, zones.LoadOptions{Origin: name})
}

// overlay reads an overlay.
func (w wiring) overlay(file string, o overlay.Options) (*overlay.Overlay, error) {
	if w.files == nil {
		return overlay.LoadFile(file, o)
	}
	f, err := w.files.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return overlay.Load(f, file, o)
}
