package lifeline

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// maxAge is how old a record may be that a restart begins with.
const maxAge = 30 * 24 * time.Hour

// A record is what of a zone outlives a restart.
type record struct {
	Version  int
	Snapshot Snapshot
	Previous []Snapshot `json:",omitempty"`
	State    State
	Gone     bool `json:",omitempty"`
	Pinned   bool `json:",omitempty"`
	Saved    time.Time
	Parents  []Host                   // who served the parent
	Ages     map[netip.Addr]time.Time // when each of their addresses was seen first
}

// seal and open: names and rdata are octets, which JSON strings cannot hold.
type sealedHost struct {
	Name  string
	Addrs []netip.Addr
}

func (h Host) MarshalJSON() ([]byte, error) {
	return json.Marshal(sealedHost{h.Name.String(), h.Addrs})
}

// UnmarshalJSON reads a name in presentation form.
func (h *Host) UnmarshalJSON(b []byte) error {
	var s sealedHost
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	name, err := lookup.ParseName(s.Name)
	h.Name, h.Addrs = name, s.Addrs
	return err
}

type sealedSnapshot struct {
	Zone, Parent     string
	Hosts            []Host
	DS, Keys         [][]byte
	Standing         Standing
	Insecure         int
	Serial, TTL      uint32
	First, Confirmed time.Time
	Epoch            uint64
}

// MarshalJSON writes names in presentation form and rdata in base64.
func (s Snapshot) MarshalJSON() ([]byte, error) {
	return json.Marshal(sealedSnapshot{
		Zone: s.Zone.String(), Parent: s.Parent.String(), Hosts: s.Hosts, DS: octets(s.DS), Keys: octets(s.Keys),
		Standing: s.Standing, Insecure: s.Insecure, Serial: s.Serial, TTL: s.TTL, First: s.First, Confirmed: s.Confirmed, Epoch: s.Epoch,
	})
}

// UnmarshalJSON is the reverse.
func (s *Snapshot) UnmarshalJSON(b []byte) error {
	var r sealedSnapshot
	if err := json.Unmarshal(b, &r); err != nil {
		return err
	}
	zone, err := lookup.ParseName(r.Zone)
	if err != nil {
		return err
	}
	parent, err := lookup.ParseName(r.Parent)
	if err != nil {
		return err
	}
	*s = Snapshot{
		Zone: zone, Parent: parent, Delegation: NewDelegation(r.Hosts, texts(r.DS)), Standing: r.Standing, Insecure: r.Insecure,
		Keys: texts(r.Keys), Serial: r.Serial, TTL: r.TTL, First: r.First, Confirmed: r.Confirmed, Epoch: r.Epoch,
	}
	return nil
}

func octets(texts []string) (all [][]byte) {
	for _, t := range texts {
		all = append(all, []byte(t))
	}
	return all
}

func texts(octets [][]byte) (all []string) {
	for _, o := range octets {
		all = append(all, string(o))
	}
	return all
}

// parseRecord reads what a Vault kept for zone. What is of another zone, from the future
// or too old is of no use.
func parseRecord(content []byte, zone lookup.Name, now time.Time) (record, error) {
	var r record
	if err := json.Unmarshal(content, &r); err != nil {
		return record{}, err
	}
	switch {
	case r.Version != 1:
		return record{}, fmt.Errorf("version %d, expected 1", r.Version)
	case r.Snapshot.Zone != zone:
		return record{}, fmt.Errorf("of the zone %s", r.Snapshot.Zone)
	case now.Before(r.Snapshot.First.Add(-time.Hour)):
		return record{}, fmt.Errorf("its delegation was seen first at %s, and the clock says %s", r.Snapshot.First.Format(time.RFC3339), now.Format(time.RFC3339))
	case now.Sub(r.Snapshot.Confirmed) > maxAge:
		return record{}, fmt.Errorf("its delegation was confirmed last at %s, more than 30 days ago", r.Snapshot.Confirmed.Format(time.RFC3339))
	}
	return r, nil
}
