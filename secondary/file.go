package secondary

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"github.com/sextant-dns/sextant/zones"
)

// glance is what a file looks like from outside.
type glance struct {
	size     int64
	modified time.Time
	wrong    string // what was said about it
}

// reread takes the File into use when it looks different from before. The time at
// which it was written counts as the time at which the zone was confirmed: a file
// that nobody refreshes any more expires (RFC 1034 4.3.5). What is wrong with it is
// told once.
func (c *Copy) reread() error {
	path := c.options.File
	info, err := os.Stat(path)
	if err != nil {
		return c.once(glance{}, err)
	}
	now := glance{size: info.Size(), modified: info.ModTime()}
	if now.size == c.seen.size && now.modified.Equal(c.seen.modified) {
		return nil
	}
	start := c.options.Now()
	text, modified, err := c.readFile(path)
	if err != nil {
		return c.once(now, err)
	}
	zone, err := zones.Load(bytes.NewReader(text), path, zones.LoadOptions{Origin: c.options.Zone})
	if err != nil {
		return c.once(now, err)
	}
	h := &held{zone: zone, soa: soaOf(zone), source: path, confirmed: modified}
	if err := c.judge(h); err != nil {
		return c.once(now, err)
	}
	c.seen = now
	c.use(h, Event{Kind: Restored, Took: c.options.Now().Sub(start)})
	return nil
}

// once is err, or nil if it is what was said before.
func (c *Copy) once(now glance, err error) error {
	now.wrong = err.Error()
	told := now.wrong == c.seen.wrong
	c.seen = now
	if told {
		return nil
	}
	return fmt.Errorf("file %s: %w", c.options.File, err)
}
