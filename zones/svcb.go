package zones

import (
	"encoding/binary"
	"fmt"
	"iter"
	"slices"

	"github.com/sextant-dns/sextant/lookup"
)

// Keys of SvcParams that a zone can be held to (RFC 9460 14.3.2).
const (
	svcMandatory     = 0
	svcALPN          = 1
	svcNoDefaultALPN = 2
	svcIPv4Hint      = 4
	svcIPv6Hint      = 6
)

// service is the rdata of an SVCB or HTTPS RR (RFC 9460 2.2).
type service struct {
	priority uint16
	target   lookup.Name
	params   string
}

// parseService takes rdata apart; ok is false when it is too short for its type.
func parseService(rdata string) (s service, ok bool) {
	if len(rdata) < 3 {
		return service{}, false
	}
	target, n, err := lookup.NameFromWire(rdata[2:])
	return service{binary.BigEndian.Uint16([]byte(rdata[:2])), target, rdata[min(2+n, len(rdata)):]}, err == nil
}

// all yields the SvcParams, up to one that is cut short.
func (s service) all() iter.Seq2[uint16, string] {
	return func(yield func(uint16, string) bool) {
		for rest := s.params; len(rest) >= 4; {
			key, n := binary.BigEndian.Uint16([]byte(rest[:2])), int(binary.BigEndian.Uint16([]byte(rest[2:4])))
			if len(rest) < 4+n || !yield(key, rest[4:4+n]) {
				return
			}
			rest = rest[4+n:]
		}
	}
}

// param is the value of a SvcParam.
func (s service) param(key uint16) (value string, ok bool) {
	for k, v := range s.all() {
		if k == key {
			return v, true
		}
	}
	return "", false
}

// wrong tells what contradicts itself in the SvcParams, "" if nothing does.
func (s service) wrong() string {
	last := -1
	for key := range s.all() {
		if int(key) <= last {
			return "the SvcParams are not in order (RFC 9460 2.2)"
		}
		last = int(key)
	}
	if mandatory, ok := s.param(svcMandatory); ok {
		if text := s.wrongMandatory(mandatory); text != "" {
			return text
		}
	}
	alpn, ok := s.param(svcALPN)
	if _, without := s.param(svcNoDefaultALPN); without && !ok {
		return "no-default-alpn without alpn leaves no protocol (RFC 9460 7.1.1)"
	}
	if ok && (alpn == "" || alpn[0] == 0) {
		return "alpn names no protocol (RFC 9460 7.1.1)"
	}
	return ""
}

func (s service) wrongMandatory(keys string) string {
	var seen []uint16
	for ; len(keys) >= 2; keys = keys[2:] {
		key := binary.BigEndian.Uint16([]byte(keys[:2]))
		switch _, there := s.param(key); {
		case key == svcMandatory:
			return "mandatory names itself (RFC 9460 8)"
		case slices.Contains(seen, key):
			return fmt.Sprintf("mandatory names key %d twice (RFC 9460 8)", key)
		case !there:
			return fmt.Sprintf("mandatory names key %d, which is not there (RFC 9460 8)", key)
		}
		seen = append(seen, key)
	}
	if len(seen) == 0 || keys != "" {
		return "mandatory names no key (RFC 9460 8)"
	}
	return ""
}

// checkServices sees to what the RRs of an SVCB or HTTPS RRset say of themselves.
func (b *builder) checkServices(owner lookup.Name, t lookup.Type, records []record) {
	for _, r := range records {
		s, ok := parseService(b.data(r))
		switch text := s.wrong(); {
		case !ok:
		case text != "":
			b.errorf(r.at, "%s: %s", about(owner, t), text)
		case s.priority == 0 && s.params != "":
			b.warnf(r.at, "%s: an alias has no use for SvcParams (RFC 9460 2.4.2)", about(owner, t))
		}
	}
}

// checkHints tells which address hints of an SVCB or HTTPS RRset are not the
// addresses of the target, where the zone has these (RFC 9460 7.3).
func (b *builder) checkHints(set lookup.RRset, at position) {
	for rdata := range set.Data.All() {
		s, ok := parseService(rdata)
		if !ok || s.priority == 0 {
			continue
		}
		if s.target == lookup.Root { // RFC 9460 2.5.2: the owner itself
			s.target = set.Name
		}
		for _, hint := range []struct {
			key  uint16
			name string
			t    lookup.Type
			size int
		}{{svcIPv4Hint, "ipv4hint", lookup.TypeA, 4}, {svcIPv6Hint, "ipv6hint", lookup.TypeAAAA, 16}} {
			value, ok := s.param(hint.key)
			m := b.zone.Find(s.target, hint.t)
			if ok && m.Kind == Answer && !sameAddresses(value, hint.size, m.Set.Data) {
				b.warnf(at, "%s: %s is not what %s %s has (RFC 9460 7.3)", about(set.Name, set.Type), hint.name, s.target, hint.t)
			}
		}
	}
}

// sameAddresses tells whether a hint has the addresses of an RRset, in any order.
func sameAddresses(hint string, size int, data lookup.Rdata) bool {
	var hinted, held []string
	for ; len(hint) >= size; hint = hint[size:] {
		hinted = append(hinted, hint[:size])
	}
	for rdata := range data.All() {
		held = append(held, rdata)
	}
	slices.Sort(hinted)
	slices.Sort(held)
	return slices.Equal(hinted, held)
}
