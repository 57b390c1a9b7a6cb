package geo_test

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/sextant-dns/sextant/geo"
)

// A country database of the real Internet with flat country_code records, held
// against what its own reader says of every network in a scope: `make test-geo`.
func TestRealDatabase(t *testing.T) {
	file := os.Getenv("GEO_MMDB")
	if file == "" {
		t.Skip("GEO_MMDB names no database; make test-geo fetches one")
	}
	d, err := geo.Open(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := maxminddb.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.Close() }()
	t.Logf("%s, built %s, %d nodes", d.Type, d.Built.Format(time.DateOnly), reader.Metadata.NodeCount)
	for _, n := range []int{1, 10, 200} {
		start := time.Now()
		m, err := geo.Compile(used(n), geo.Sources{Databases: []*geo.Database{d}})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%d selectors: compiled in %s: %+v", n, time.Since(start).Round(time.Millisecond), m.Size())
		slots := [2]int{}
		byClass := m.Equivalence(func(c geo.Class) uint32 { return uint32(c) })
		for p := range byClass.Prefixes() {
			slots[p.Addr().BitLen()/128]++
		}
		t.Logf("%d selectors: %d cache slots for IPv4, %d for IPv6", n, slots[0], slots[1])
		real := reality{reader: reader, used: used(n)}
		for seed := range uint64(3) { // the same Map in three states of health
			real.check(t, m, seed)
		}
	}
}

// reality is what a reader says.
type reality struct {
	reader *maxminddb.Reader
	used   []geo.Selector
}

func (o reality) at(t *testing.T, result maxminddb.Result) string {
	t.Helper()
	var record struct {
		Code string `maxminddb:"country_code"`
	}
	if err := result.Decode(&record); err != nil {
		t.Fatal(err)
	}
	if slices.Contains(o.used, geo.Selector{Kind: geo.Country, Value: record.Code}) {
		return record.Code
	}
	return ""
}

func (o reality) check(t *testing.T, m *geo.Map, seed uint64) {
	t.Helper()
	site := func(code string) uint32 { // seed 0: every class has an answer of its own
		var n uint32
		for _, b := range []byte(code) {
			n = n*31 + uint32(b)
		}
		return []uint32{n, n % 3, n % 2}[seed]
	}
	e := m.Equivalence(func(c geo.Class) uint32 {
		if s := m.Selectors(c); len(s) > 0 {
			return site(s[0].Value)
		}
		return site("")
	})
	r := rand.New(rand.NewPCG(seed, 23))
	exact := 0
	for range 4000 {
		p := someClient(r)
		class, _ := m.Locate(p)
		want := o.at(t, o.reader.Lookup(p.Addr()))
		if s := m.Selectors(class); want == "" && len(s) > 0 || want != "" && (len(s) != 1 || s[0].Value != want) {
			t.Fatalf("%s: %v, and the database says %q", p, s, want)
		}
		_, scope := e.Locate(p)
		if scope.Bits() < 10 {
			continue // too many networks to look at each
		}
		exact++
		if answers := o.answers(t, scope, site); len(answers) != 1 || answers[0] != site(want) {
			t.Fatalf("%s: in the scope %s are %d answers", p, scope, len(answers))
		}
		if answers := o.answers(t, parent(scope), site); len(answers) == 1 {
			t.Fatalf("%s: the scope %s could be wider", p, scope)
		}
	}
	if exact < 500 {
		t.Errorf("only %d scopes were compared in full", exact)
	}
}

// someClient is an address of unicast space, outside of what embeds IPv4 addresses.
func someClient(r *rand.Rand) netip.Prefix {
	if r.IntN(3) > 0 {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, r.Uint32N(0xe0000000)))), 32)
	}
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], r.Uint64())
	b[0], b[1] = []byte{0x24, 0x26, 0x28, 0x2a, 0x2c}[r.IntN(5)], byte(r.IntN(32))
	return netip.PrefixFrom(netip.AddrFrom16(b), 128)
}

func (o reality) answers(t *testing.T, p netip.Prefix, site func(string) uint32) (found []uint32) {
	t.Helper()
	for result := range o.reader.NetworksWithin(p, maxminddb.IncludeNetworksWithoutData()) {
		if a := site(o.at(t, result)); !slices.Contains(found, a) {
			found = append(found, a)
			if len(found) > 1 {
				break
			}
		}
	}
	return found
}
