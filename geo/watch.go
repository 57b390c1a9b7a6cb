package geo

import (
	"context"
	"crypto/sha256"
	"os"
	"slices"
	"sync"
	"time"
)

// WatchOptions are what a Watcher is made of. Files and Selectors are all that a
// server needs to give.
type WatchOptions struct {
	Files     []File
	Selectors []Selector
	Sources   Sources // without its Databases, which are read from Files

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

// A Watcher keeps a Map up to date with its files: they are read and compiled beside
// the Map that is in use, which is replaced at once and as a whole, or not at all. It
// is safe for concurrent use.
type Watcher struct {
	options WatchOptions

	mu       sync.Mutex
	current  *Map
	previous *Map
	digests  [][sha256.Size]byte // of the files that were compiled last
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
	w := &Watcher{options: o, seen: stamps(o.Files)} // before they are read: no change is missed
	m, digests, err := w.compile()
	if err != nil {
		return nil, err
	}
	w.current, w.digests = m, digests
	return w, nil
}

// Map is the one in use. Whoever takes several decisions for one answer asks once.
func (w *Watcher) Map() *Map {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.current
}

// Rollback puts the Map before the present one back into use, and says whether there
// was one. A second Rollback undoes the first. The files are not read again before
// they change again.
func (w *Watcher) Rollback() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.previous == nil {
		return false
	}
	w.current, w.previous = w.previous, w.current
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
	if !w.settled(now, stamps(w.options.Files)) {
		return
	}
	m, digests, err := w.compile()
	if err == nil && slices.Equal(digests, w.digests) {
		return // touched, but the same
	}
	if err == nil {
		err = w.options.Accept(m)
	}
	if err == nil {
		w.mu.Lock()
		w.current, w.previous, w.digests = m, w.current, digests
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
	m, err := Compile(w.options.Selectors, from)
	return m, digests, err
}

func stamps(files []File) []stamp {
	all := make([]stamp, len(files))
	for i, f := range files {
		all[i] = stamp{size: -1}
		if info, err := os.Stat(f.Name); err == nil {
			all[i] = stamp{modified: info.ModTime(), size: info.Size()}
		}
	}
	return all
}
