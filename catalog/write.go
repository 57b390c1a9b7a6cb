package catalog

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/zones"
)

// The timers of the catalogs that we write, in seconds. Between two versions nobody
// hears of anything, so a lost NOTIFY should not take all day; and a catalog that has
// expired is of no use to anybody (RFC 9432 5.1), so it lives for long.
const (
	refresh = 3600
	retry   = 600
	expire  = 28 * 86400
)

// Label is the label under which Write lists a zone: of its name alone, so that it is
// the same in each version, and in every catalog of ours.
func Label(zone lookup.Name) string {
	sum := sha256.Sum256([]byte(zone))
	return hex.EncodeToString(sum[:20])
}

// Write is the catalog zone of that name with these members. A member without a Label
// has the one of the function Label. The error is that a name is too long, or that
// members cannot stand beside each other.
func Write(name lookup.Name, serial uint32, members []Member) (*zones.Zone, error) {
	w := writer{apex: name}
	const invalid = "\x07invalid\x00" // RFC 9432 3: nobody is to be asked about it
	soa := []byte(invalid + invalid)
	for _, n := range []uint32{serial, refresh, retry, expire, 0} {
		soa = binary.BigEndian.AppendUint32(soa, n)
	}
	w.add(lookup.TypeSOA, string(soa))
	w.add(lookup.TypeNS, invalid)
	w.add(lookup.TypeTXT, version, "version")
	for _, m := range members {
		if m.Label == "" {
			m.Label = Label(m.Zone)
		}
		w.add(lookup.TypePTR, string(m.Zone), m.Label, "zones")
		if m.Owner != "" {
			w.add(lookup.TypePTR, string(m.Owner), "coo", m.Label, "zones")
		}
		for _, g := range m.Groups {
			if len(g) == 0 || len(g) > 255 {
				return nil, fmt.Errorf("catalog %s: %s: a group of %d octets", name, m.Zone, len(g))
			}
			w.add(lookup.TypeTXT, string([]byte{byte(len(g))})+g, "group", m.Label, "zones")
		}
	}
	if w.err != nil {
		return nil, fmt.Errorf("catalog %s: %w", name, w.err)
	}
	z, err := zones.New(name, w.records, "catalog")
	if err != nil {
		return nil, err
	}
	if _, err := Read(z); err != nil { // two of one name or label
		return nil, fmt.Errorf("catalog %s: %w", name, err)
	}
	return z, nil
}

// writer collects records, until something is wrong.
type writer struct {
	apex    lookup.Name
	records []zones.Record
	err     error
}

// add adds an RR below the apex.
func (w *writer) add(t lookup.Type, rdata string, labels ...string) {
	owner := w.apex
	for _, label := range slices.Backward(labels) {
		child, err := owner.Child(label)
		if err != nil {
			w.err = fmt.Errorf("%s below %s: %w", label, owner, err)
			return
		}
		owner = child
	}
	// RFC 9432 3: TTLs mean nothing, and 0 says so.
	w.records = append(w.records, zones.Record{Name: owner, Type: t, Data: rdata})
}
