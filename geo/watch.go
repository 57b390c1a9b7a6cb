package geo

import (
	"context"
	"crypto/sha256"
	"maps"
	"net/netip"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// WatchOptions are what a Watcher is made of. Files and Selectors are all that a
// server needs to give.
type WatchOptions struct {
	Files     []File
	Lists     []List // sets of networks, beside those in Sources
	Selectors []Selector
	Sources   Sources // what is there beside Files and Lists; its Databases come after those of Files

	Every time.Duration // how often files are looked at; default 5 s
	Quiet time.Duration // how long a file must have stayed as it is; default 7 s

	// Accept has the last word on a new Map, and its error is what Report is told.
	// nil: every Map is accepted. The first Map is not asked about.
	Accept func(*Map) error
	// Report is told of each attempt to compile anew: nil, or why the Map that was
	// in use stays. It must not call the Watcher. nil: nobody is told.
	Report func(error)
}

// A File is an mmdb file and, where its type does not tell, where its values stand.
type File struct {
	Name  string
	Paths Layout // may be nil
}

// A List is a file with the networks of a set, as ParseNetworks reads them.
type List struct {
	Set  string
	Name string // of the file
}

// A Watcher keeps a Map up to date with its files: they are read and compiled beside
// the Map that is in use, which is replaced at once and as a whole, or not at all. It
// is safe for concurrent use.
type Watcher struct {
	options WatchOptions

	current atomic.Pointer[Map]

	compiling sync.Mutex // one at a time

	mu       sync.Mutex
	previous *Map
	digests  [][sha256.Size]byte // of the files that were compiled last
	compiled time.Time           // when
	seen     []stamp
	since    time.Time // when seen was seen first
	due      bool      // seen is not compiled
}

// A stamp tells without reading whether a file is another one.
type stamp struct {
	modified time.Time
	size     int64 // -1: there is no file
}

// NewWatcher reads the files and compiles the first Map. It starts nothing.
func NewWatcher(o WatchOptions) (*Watcher, error) {
	if o.Every <= 0 {
		o.Every = 5 * time.Second
	}
	if o.Quiet <= 0 {
		o.Quiet = 7 * time.Second
	}
	if o.Accept == nil {
		o.Accept = func(*Map) error { return nil }
	}
	if o.Report == nil {
		o.Report = func(error) {}
	}
	w := &Watcher{options: o, seen: o.stamps()} // before they are read: no change is missed
	m, digests, err := w.compile()
	if err != nil {
		return nil, err
	}
	w.current.Store(m)
	w.digests, w.compiled = digests, time.Now()
	return w, nil
}

// Compiled is when the files were compiled last into a Map that was accepted.
func (w *Watcher) Compiled() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.compiled
}

// Map is the one in use. Whoever takes several decisions for one answer asks once.
func (w *Watcher) Map() *Map { return w.current.Load() }

// Rollback puts the Map before the present one back into use, and says whether there
// was one. A second Rollback undoes the first. The files are not read again before
// they change again.
func (w *Watcher) Rollback() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.previous == nil {
		return false
	}
	w.previous = w.current.Swap(w.previous)
	return true
}

// Run looks at the files until ctx ends, and returns its error.
func (w *Watcher) Run(ctx context.Context) error {
	tick := time.NewTicker(w.options.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case now := <-tick.C:
			w.look(now)
		}
	}
}

// look compiles anew when files changed, and then stayed for the quiet period: they
// are copied into place one after the other, and some slowly.
func (w *Watcher) look(now time.Time) {
	if w.settled(now, w.options.stamps()) {
		w.Refresh()
	}
}

// Refresh reads the files and, when they are others than those of the Map in use, compiles
// them, without waiting for the quiet period. Report is told what has come of it.
func (w *Watcher) Refresh() {
	w.compiling.Lock()
	defer w.compiling.Unlock()
	m, digests, err := w.compile()
	w.mu.Lock()
	same := slices.Equal(digests, w.digests)
	w.mu.Unlock()
	if err == nil && same {
		return // touched, but the same
	}
	if err == nil {
		err = w.options.Accept(m)
	}
	if err == nil {
		w.mu.Lock()
		w.previous, w.digests, w.compiled = w.current.Swap(m), digests, time.Now()
		w.mu.Unlock()
	}
	w.options.Report(err)
}

// settled says, once for each change, that it is over.
func (w *Watcher) settled(now time.Time, found []stamp) bool {
	if !slices.Equal(found, w.seen) {
		w.seen, w.since, w.due = found, now, true
	}
	if !w.due || now.Sub(w.since) < w.options.Quiet {
		return false
	}
	w.due = false
	return true
}

// compile reads everything. It gives the databases up when it is done.
func (w *Watcher) compile() (*Map, [][sha256.Size]byte, error) {
	from := w.options.Sources
	from.Databases = nil
	var digests [][sha256.Size]byte
	for _, f := range w.options.Files {
		d, err := Open(f.Name, f.Paths)
		if err != nil {
			return nil, nil, err
		}
		from.Databases = append(from.Databases, d)
		digests = append(digests, d.Digest)
	}
	from.Databases = append(from.Databases, w.options.Sources.Databases...)
	from.Sets = maps.Clone(from.Sets)
	for _, l := range w.options.Lists {
		networks, content, err := openNetworks(l.Name)
		if err != nil {
			return nil, nil, err
		}
		if from.Sets == nil {
			from.Sets = map[string][]netip.Prefix{}
		}
		from.Sets[l.Set] = networks
		digests = append(digests, sha256.Sum256(content))
	}
	m, err := Compile(w.options.Selectors, from)
	return m, digests, err
}

func (o WatchOptions) stamps() (all []stamp) {
	for _, f := range o.Files {
		all = append(all, stampOf(f.Name))
	}
	for _, l := range o.Lists {
		all = append(all, stampOf(l.Name))
	}
	return all
}

func stampOf(name string) stamp {
	if info, err := os.Stat(name); err == nil {
		return stamp{modified: info.ModTime(), size: info.Size()}
	}
	return stamp{size: -1}
}
