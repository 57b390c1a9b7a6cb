package geo_test

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/sextant-dns/sextant/geo"
)

// Whatever a file holds, it is read, or refused with an error.
func FuzzRead(f *testing.F) {
	f.Add(mmdb(f, "GeoLite2-City", toyCity()...))
	f.Add(mmdb(f, "GeoLite2-ASN", toyASN()...))
	f.Add(mmdb(f, "country ipvAll", record{"192.0.2.0/24", country("DE")}))
	f.Add([]byte("\xab\xcd\xefMaxMind.com"))
	used := []geo.Selector{{Kind: geo.Continent, Value: "EU"}, {Kind: geo.Country, Value: "DE"}}
	f.Fuzz(func(t *testing.T, content []byte) {
		d, err := geo.Read("fuzzed", content, nil)
		if err != nil {
			return
		}
		m, err := geo.Compile(used, geo.Sources{Databases: []*geo.Database{d}})
		if err == nil {
			m.Locate(netip.MustParsePrefix("192.0.2.0/24"))
		}
	})
}

// Rules of six octets each, a set and a prefix; every scope is as the oracle says.
func FuzzLocate(f *testing.F) {
	f.Add([]byte{0, 24, 192, 0, 2, 0, 1, 25, 192, 0, 2, 0}, uint32(0xc0000201), uint8(32), uint8(1))
	f.Add([]byte{0, 0, 0, 0, 0, 0, 1, 32, 255, 255, 255, 255}, uint32(0), uint8(0), uint8(0))
	f.Fuzz(func(t *testing.T, raw []byte, address uint32, length, alike uint8) {
		var rules []rule
		for ; len(raw) >= 6 && len(rules) < 40; raw = raw[6:] {
			p := netip.PrefixFrom(netip.AddrFrom4([4]byte(raw[2:6])), int(raw[1]%33)).Masked()
			rules = append(rules, rule{"net:" + string(rune('a'+raw[0]%4)), p})
		}
		m := compileRules(t, rules)
		o := newOracle(rules, true)
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, address))), int(length%33)).Masked()
		class, scope := m.Locate(p)
		o.check(t, p, scope, said(m, class), func(where string) string { return where })
		if scope.Bits() > p.Bits() {
			o.checkMajority(t, p, said(m, class), o.at)
		}
		answer := func(where string) string {
			if len(where)%4 == int(alike%4) {
				return "one"
			}
			return "other"
		}
		e := m.Equivalence(func(c geo.Class) uint32 { return uint32(len(answer(said(m, c)))) })
		class, scope = e.Locate(p)
		o.check(t, p, scope, answer(said(m, class)), answer)
	})
}
