package override

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/store"
)

// maxState is how many octets of a state file are read.
const maxState = 16 << 20

// state is what outlives the program.
type state struct {
	Version   int           `json:"version"`
	Overrides []stateEntry  `json:"overrides"`
	Switches  []stateSwitch `json:"switches"`
}

type stateSwitch struct {
	Zone  string    `json:"zone"`
	By    string    `json:"by"`
	Since time.Time `json:"since"`
	Until time.Time `json:"until,omitzero"`
}

type stateEntry struct {
	Zone      string           `json:"zone"`
	Kind      Kind             `json:"kind"`
	When      When             `json:"when"`
	Views     []string         `json:"views,omitempty"`
	Servers   []netip.AddrPort `json:"servers,omitempty"`
	Pin       []stateHost      `json:"pin,omitempty"`
	DS        []string         `json:"ds,omitempty"`
	Mirror    string           `json:"mirror,omitempty"`
	File      string           `json:"file,omitempty"`
	Primaries []netip.AddrPort `json:"primaries,omitempty"`
	Keys      []string         `json:"keys,omitempty"`
	Store     string           `json:"store,omitempty"`
	MaxHold   time.Duration    `json:"max_hold,omitempty"`
	Absent    Absent           `json:"absent,omitempty"`
	By        string           `json:"by"`
	Since     time.Time        `json:"since"`
	Until     time.Time        `json:"until,omitzero"`
}

type stateHost struct {
	Name  string       `json:"name"`
	Addrs []netip.Addr `json:"addresses"`
}

func written(e *entry) stateEntry {
	o := e.o
	w := stateEntry{
		Zone: o.Zone.String(), Kind: o.Kind, When: o.When, Views: o.Views, Servers: o.Servers, DS: o.DS, File: o.File,
		Primaries: o.Primaries, Store: o.Store, MaxHold: o.MaxHold, Absent: o.Absent, By: e.by, Since: e.since, Until: e.until,
	}
	for _, key := range o.Keys {
		w.Keys = append(w.Keys, key.String())
	}
	if o.Mirror != "" {
		w.Mirror = o.Mirror.String()
	}
	for _, h := range o.Pin {
		w.Pin = append(w.Pin, stateHost{h.Name.String(), h.Addrs})
	}
	return w
}

func (w stateEntry) entry() (*entry, error) {
	o := Override{
		Kind: w.Kind, When: w.When, Views: w.Views, Servers: w.Servers, DS: w.DS, File: w.File,
		Primaries: w.Primaries, Store: w.Store, MaxHold: w.MaxHold, Absent: w.Absent,
	}
	var err error
	if o.Zone, err = lookup.ParseName(w.Zone); err != nil {
		return nil, err
	}
	if w.Mirror != "" {
		if o.Mirror, err = lookup.ParseName(w.Mirror); err != nil {
			return nil, err
		}
	}
	for _, text := range w.Keys {
		key, err := lookup.ParseName(text)
		if err != nil {
			return nil, err
		}
		o.Keys = append(o.Keys, key)
	}
	for _, h := range w.Pin {
		name, err := lookup.ParseName(h.Name)
		if err != nil {
			return nil, err
		}
		o.Pin = append(o.Pin, Host{name, h.Addrs})
	}
	return &entry{o: o, by: w.By, since: w.Since, until: w.Until}, o.Check()
}

// Load takes what operators have added before from the state file. What is wrong with it
// is told to Observe: a file that cannot be read is left as it is until something has to
// be written, and then kept beside the new one; an override that cannot be made is there,
// and not in force.
func (s *Set) Load() {
	if s.o.State == "" {
		return
	}
	var events []Event
	trouble := func(err error) { events = append(events, Event{Kind: Trouble, Err: err}) }
	s.mu.Lock()
	read, err := readState(s.o.State)
	if err != nil {
		s.spoilt = true
		trouble(fmt.Errorf("what operators have added is lost: %s, which is kept as %s.bad when something is added: %w", s.o.State, filepath.Base(s.o.State), err))
	}
	now := s.o.Now()
	for _, w := range read.Overrides {
		e, err := w.entry()
		if err != nil {
			trouble(fmt.Errorf("override of %s: %w", w.Zone, err))
			continue
		}
		if over(e.until, now) {
			continue
		}
		if e.source, err = s.make(e.o); err != nil {
			e.source = &source{o: e.o, problem: err}
			trouble(fmt.Errorf("override of %s: %w", w.Zone, err))
		}
		s.added = append(s.added, e)
	}
	for _, w := range read.Switches {
		zone, err := lookup.ParseName(w.Zone)
		if err != nil {
			trouble(fmt.Errorf("switch of %s: %w", w.Zone, err))
		} else if !over(w.Until, now) {
			s.switches = append(without(s.switches, zone), Switch{zone, w.By, w.Since, w.Until})
		}
	}
	s.settle()
	s.mu.Unlock()
	s.observe(events...)
}

func readState(path string) (read state, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return read, nil
	}
	if err != nil {
		return read, err
	}
	defer f.Close()
	d := json.NewDecoder(io.LimitReader(f, maxState))
	d.DisallowUnknownFields()
	if err := d.Decode(&read); err != nil {
		return state{}, err
	}
	if _, err := d.Token(); err != io.EOF {
		return state{}, errors.New("there is more behind its end")
	}
	if len(read.Overrides) > maxAdded || len(read.Switches) > maxAdded {
		return state{}, fmt.Errorf("%d overrides and %d switches, and %d of each may be added", len(read.Overrides), len(read.Switches), maxAdded)
	}
	if read.Version != 1 {
		return state{}, fmt.Errorf("version %d, want 1", read.Version)
	}
	return read, nil
}

// save writes what there is into the state file, and notes what goes wrong. s.mu is held.
func (s *Set) save(events *[]Event) {
	if s.o.State == "" {
		return
	}
	if s.spoilt {
		_ = os.Rename(s.o.State, s.o.State+".bad") // if that fails it is the loss that was told of
		s.spoilt = false
	}
	w := state{Version: 1, Overrides: []stateEntry{}, Switches: []stateSwitch{}}
	for _, e := range s.added {
		w.Overrides = append(w.Overrides, written(e))
	}
	for _, on := range s.switches {
		w.Switches = append(w.Switches, stateSwitch{on.Zone.String(), on.By, on.Since, on.Until})
	}
	err := store.Replace(s.o.State, time.Time{}, func(to io.Writer) error {
		e := json.NewEncoder(to)
		e.SetIndent("", "  ")
		return e.Encode(w)
	})
	if err != nil {
		*events = append(*events, Event{Kind: Trouble, Err: fmt.Errorf("what operators have changed will not outlive a restart: %w", err)})
	}
}
