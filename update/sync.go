package update

import (
	"fmt"
	"io"

	"github.com/sextant-dns/sextant/store"
)

// Mode is what Sync does with a master file that was edited while there were changes.
type Mode uint8

// The modes.
const (
	Refuse    Mode = iota // nothing: it is an EditedError
	Overwrite             // the edits are lost
	Discard               // the changes are lost: the zone becomes what the file says
)

// Sync writes the zone into its master file, canonically, an RR a line: comments,
// directives and the order of the old file are lost. With Discard it is the other way
// round. After that the file lacks nothing.
func (z *Zone) Sync(m Mode) error {
	z.mu.Lock()
	defer z.mu.Unlock()
	now := z.now.Load()
	if now == nil || !z.opened {
		return fmt.Errorf("zone %s takes no updates", z.options.Apex)
	}
	if m == Discard {
		return z.discard()
	}
	if m == Refuse {
		file, err := z.options.Read()
		if err != nil {
			return err
		}
		v := versionOf(file)
		if _, known := z.chain.find(v); !known {
			return z.edited(v)
		}
	}
	serial := z.chain.last().serial
	err := store.Replace(z.options.File, zeroTime, func(w io.Writer) error {
		if _, err := fmt.Fprintf(w, "; Zone %s, serial %d, with all updates until then, written by Sextant.\n", z.options.Apex, serial); err != nil {
			return err
		}
		return now.zone.Write(w)
	})
	if err != nil {
		return err
	}
	z.chain.file = len(z.chain.steps)
	z.dirty = true
	z.options.Observe(Event{Kind: Synced, Zone: z.options.Apex, Serial: serial})
	return z.settle()
}

// discard makes the zone what its file says. z.mu is held.
func (z *Zone) discard() error {
	file, err := z.options.Read()
	if err != nil {
		return err
	}
	z.dirty = true
	c, was := chain{first: versionOf(file)}, z.now.Load().zone
	if c.first == z.chain.last() {
		file = was
	}
	z.set(c, file)
	err = z.settle()
	z.options.Use()
	z.options.Observe(Event{Kind: Dropped, Zone: z.options.Apex, Serial: c.first.serial})
	return err
}
