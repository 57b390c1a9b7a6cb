package secondary

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/sextant-dns/sextant/store"
	"github.com/sextant-dns/sextant/zones"
)

// The last line of a store is this and the SHA-256 of all above it in hex. Without
// it a file that was cut off at the end of a line would be a good zone with some
// names missing.
const seal = "; sha256 "

var (
	errUnsealed = errors.New("not whole: the last line is not the digest of all above it")
	errOversize = errors.New("too large")
)

// restore takes the copy of the Store into use, if there is one.
func (c *Copy) restore() error {
	path := c.options.Store
	if path == "" {
		return nil
	}
	start := c.options.Now()
	h, err := c.readStore(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err == nil:
		err = c.judge(h)
	}
	if errors.Is(err, errOutOfDate) && c.options.Now().Before(h.confirmed.Add(c.options.Hold)) {
		c.held.Store(h) // for Late alone
	}
	if err != nil {
		return fmt.Errorf("store %s: %w", path, err)
	}
	c.use(h, Event{Kind: Restored, Took: c.options.Now().Sub(start)})
	return nil
}

// readStore reads what writeStore has written.
func (c *Copy) readStore(path string) (*held, error) {
	text, modified, err := c.readFile(path)
	if err != nil {
		return nil, err
	}
	records, err := readZone(text)
	if err != nil {
		return nil, err
	}
	zone, err := zones.New(c.options.Zone, records, path)
	if err != nil {
		return nil, err
	}
	return &held{zone: zone, soa: soaOf(zone), source: path, confirmed: modified}, nil
}

// readFile reads a file that is not larger than a zone may be, and tells when it
// was written, in the eyes of our clock.
func (c *Copy) readFile(path string) (text []byte, modified time.Time, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, modified, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, modified, err
	}
	limit := 4 * int64(c.options.MaxOctets) // text takes more than the wire
	text, err = io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = errOversize
	}
	if modified = info.ModTime(); modified.After(c.options.Now()) {
		modified = c.options.Now()
	}
	return text, modified, err
}

// store writes h down for the next start. A failure does no harm until then, so
// it is told and that is all.
func (c *Copy) store(h *held) {
	if c.options.Store == "" {
		return
	}
	if err := writeStore(c.options.Store, h); err != nil {
		c.unstored(h, err)
	}
}

// touch notes in the Store that it was confirmed then.
func (c *Copy) touch(confirmed time.Time) {
	if c.options.Store == "" {
		return
	}
	h := c.held.Load()
	err := os.Chtimes(c.options.Store, confirmed, confirmed)
	if errors.Is(err, fs.ErrNotExist) { // it could not be written, or somebody has taken it away
		err = writeStore(c.options.Store, h)
	}
	if err != nil {
		c.unstored(h, err)
	}
}

func (c *Copy) unstored(h *held, err error) {
	c.observe(Event{Zone: c.options.Zone, Kind: NotStored, Source: c.options.Store, Serial: h.soa.serial, Err: err})
}

// writeStore replaces the file at path as a whole or, when anything fails, not at
// all.
func writeStore(path string, h *held) error {
	return store.Replace(path, h.confirmed, func(w io.Writer) error { return writeZone(w, h) })
}

// readZone reads what writeZone has written.
func readZone(text []byte) (records []zones.Record, err error) {
	end := bytes.LastIndexByte(bytes.TrimSuffix(text, []byte("\n")), '\n') + 1
	sum := sha256.Sum256(text[:end])
	if string(text[end:]) != seal+hex.EncodeToString(sum[:])+"\n" {
		return nil, errUnsealed
	}
	number := 0
	for s := range strings.Lines(string(text[:end])) {
		if number++; s[0] == ';' {
			continue
		}
		r, err := parseLine(strings.TrimSuffix(s, "\n"))
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		records = append(records, r)
	}
	return records, nil
}

// writeZone writes the zone as a master file, and the seal.
func writeZone(to io.Writer, h *held) error {
	sum := sha256.New()
	w := bufio.NewWriterSize(to, 1<<16)
	all := io.MultiWriter(w, sum)
	fmt.Fprintf(all, "; A copy of zone %s, serial %d, taken from %s on %s.\n", h.zone.Apex(), h.soa.serial, h.source, h.confirmed.UTC().Format(time.RFC3339))
	fmt.Fprintf(all, "; Sextant has written it and replaces it: what you change here is refused.\n")
	for r := range h.zone.Records() {
		if _, err := io.WriteString(all, line(r)); err != nil {
			return err
		}
	}
	fmt.Fprintf(w, "%s%x\n", seal, sum.Sum(nil))
	return w.Flush()
}
