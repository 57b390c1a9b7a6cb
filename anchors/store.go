package anchors

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/sextant-dns/sextant/store"
)

// Store is where a Keeper's memory is between two runs. Its methods are not called
// concurrently. Printed with fmt, it is what errors call it.
type Store interface {
	// Load is what was saved last; ok is false when nothing ever was.
	Load() (text string, ok bool, err error)
	// Save replaces all that was saved before: after a crash there is either the one
	// text or the other.
	Save(text string) error
	// SetAside keeps what cannot be read where it does not disturb, for people to look
	// at.
	SetAside() error
}

// File is a Store that is a file on disk.
type File string

// Load reads the file.
func (f File) Load() (text string, ok bool, err error) {
	text, err = readLimited(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	return text, err == nil, err
}

// Save replaces the file as a whole or not at all.
func (f File) Save(text string) error {
	return store.Replace(string(f), time.Time{}, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
}

// SetAside renames the file to one that ends in .bad. An older one of that name is
// lost.
func (f File) SetAside() error { return os.Rename(string(f), string(f)+".bad") }

// Recollection is a Store in memory: for tests, and for whoever keeps it elsewhere.
// It is safe for concurrent use; the zero value is empty.
type Recollection struct {
	mu    sync.Mutex
	text  string
	saved bool
}

// String says that it is no file.
func (r *Recollection) String() string { return "memory" }

// Load is what was saved last.
func (r *Recollection) Load() (text string, ok bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text, r.saved, nil
}

// Save remembers the text.
func (r *Recollection) Save(text string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.text, r.saved = text, true
	return nil
}

// SetAside forgets the text.
func (r *Recollection) SetAside() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.text, r.saved = "", false
	return nil
}
