package dnssec_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
)

func plenty() *lookup.Budget { return lookup.NewBudget(lookup.Limits{Hashes: 1 << 20}) }

// What follows from ranges is so, whatever part of the chain is known; and with all
// of it, everything that is so follows.
func TestRangesAgainstTheOracle(t *testing.T) {
	t.Parallel()
	types := []lookup.Type{lookup.TypeA, lookup.TypeTXT, lookup.TypeDS, lookup.TypeNS, lookup.TypeCNAME}
	kinds := map[dnssec.DeniedKind]int{}
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 2))
		z := randomZone(r)
		chain := z.nsec()
		if seed%2 == 1 {
			chain = z.nsec3(uint16(r.IntN(3)), "salt"[:r.IntN(5)], false)
		}
		whole := r.IntN(2) == 0
		r.Shuffle(len(chain), func(i, j int) { chain[i], chain[j] = chain[j], chain[i] })
		if !whole {
			chain = chain[:r.IntN(len(chain)+1)]
		}
		store := dnssec.NewRanges(0, dnssec.Policy{})
		for _, s := range chain { // one response after the other
			store.Add(z.apex, []lookup.RRset{s}, now)
		}
		if store.Len() != len(chain) {
			t.Fatalf("seed %d: %d of %d records", seed, store.Len(), len(chain))
		}
		for range 30 {
			n, ty := randomName(r, "aabc*"), types[r.IntN(len(types))]
			d, ok := store.Deny(n, ty, now, plenty())
			so := false
			switch d.Kind {
			case dnssec.DeniedName:
				so = z.nxdomain(n) && d.Encloser == z.encloser(n)
			case dnssec.DeniedType:
				so = z.nodata(n, ty) && d.Encloser == ""
			case dnssec.DeniedCloser:
				so = !z.exists(n) && !z.cut(n) && d.Encloser == z.encloser(n) && len(d.Sets) == 1
			}
			switch {
			case ok && (!so || d.Zone != z.apex || len(d.Sets) == 0):
				t.Errorf("seed %d: %s %s: %+v is not so", seed, n, ty, d)
			case whole && z.nxdomain(n) && d.Kind != dnssec.DeniedName, whole && z.nodata(n, ty) && d.Kind != dnssec.DeniedType:
				t.Errorf("seed %d: %s %s: %+v does not deny what could be", seed, n, ty, d)
			}
			if ok {
				proves(t, d, n, ty)
				kinds[d.Kind]++
			}
		}
	}
	if len(kinds) != 3 {
		t.Errorf("kinds seen: %v", kinds)
	}
}

// proves checks that what Deny hands out convinces another validator.
func proves(t *testing.T, d dnssec.Denied, n lookup.Name, ty lookup.Type) {
	t.Helper()
	v := verifier()
	v.Budget = plenty()
	denial := v.Denial(d.Zone, d.Sets)
	p := denial.Expansion(n, d.Encloser)
	switch d.Kind {
	case dnssec.DeniedName:
		p = denial.NXDOMAIN(n)
	case dnssec.DeniedType:
		p = denial.NODATA(n, ty)
	}
	if p.Status != dnssec.Secure {
		t.Errorf("%s %s: %+v proves nothing: %+v", n, ty, d, p)
	}
}

func TestRangesExpire(t *testing.T) {
	t.Parallel()
	z := zoneOf("example.", "example. SOA NS\nm.example. A")
	soa := signedBy(z.apex, one(t, "example. 100 IN SOA n.example. r.example. 1 2 3 4 5"))
	for _, chain := range [][]lookup.RRset{z.nsec(), z.nsec3(0, "", false)} {
		store := dnssec.NewRanges(0, dnssec.Policy{})
		store.Add(z.apex, append(chain, soa), now)
		d, ok := store.Deny(name("x.example."), lookup.TypeA, now.Add(40*time.Second), plenty())
		if !ok || d.Kind != dnssec.DeniedName || d.SOA != soa.WithTTL(60) || d.Sets[0].TTL != 260 {
			t.Errorf("%+v", d)
		}
		if d, ok := store.Deny(name("x.example."), lookup.TypeA, now.Add(100*time.Second), plenty()); !ok || d.SOA.Data != "" {
			t.Errorf("after the SOA: %+v", d)
		}
		if d, ok := store.Deny(name("x.example."), lookup.TypeA, now.Add(300*time.Second), plenty()); ok {
			t.Errorf("after all: %+v", d)
		}
		store.Forget(z.apex)
		if d, ok := store.Deny(name("x.example."), lookup.TypeA, now, plenty()); ok || store.Len() != 0 {
			t.Errorf("forgotten: %+v, %d records", d, store.Len())
		}
	}
}

// What the rules keep out.
func TestRangesAreChoosy(t *testing.T) {
	t.Parallel()
	z := zoneOf("example.", "example. SOA NS\nm.example. A\nb.example. NS")
	minimal := zoneOf("example.", "example. SOA NS\nm.example. A\n\\000.m.example. A").nsec()
	aged := z.nsec()
	for i := range aged {
		aged[i].TTL = 0
	}
	// NSEC3 that cover nothing: the next hash is the owner's and one, with carry.
	narrow := func(hash, next string) lookup.RRset {
		return raw(base32hex.EncodeToString([]byte(hash))+".example.", "\x01\x00\x00\x00\x00\x14"+next, 2)
	}
	zeros := strings.Repeat("\x00", 18)
	elsewhere := z.nsec()
	for i := range elsewhere {
		elsewhere[i] = signedBy(name("test."), elsewhere[i])
	}
	for what, c := range map[string]struct {
		zone string
		sets []lookup.RRset
		want int
	}{
		"NSEC":                  {"example.", z.nsec(), 3},
		"NSEC3":                 {"example.", z.nsec3(50, "", false), 3},
		"RFC 8198 5.2: opt-out": {"example.", z.nsec3(0, "", true), 0},
		"row 31: iterations":    {"example.", z.nsec3(51, "", false), 0},
		"RFC 4470: covers nothing but its own name": {"example.", minimal[1:2], 0},
		"RFC 7129: the same of NSEC3": {"example.", []lookup.RRset{narrow(zeros+"\x00\x01", zeros+"\x00\x02"), narrow(zeros+"\x00\xff", zeros+"\x01\x00"),
			narrow(zeros+"\x07\x01", zeros+"\x07\x03")}, 1},
		"row 39: another zone's":        {"test.", z.nsec(), 0},
		"row 39: another zone's, NSEC3": {"test.", z.nsec3(0, "", false), 0},
		"no time to live":               {"example.", aged, 0},
		"other data":                    {"example.", []lookup.RRset{one(t, "a.example. 9 IN A 192.0.2.1")}, 0},
	} {
		store := dnssec.NewRanges(0, dnssec.Policy{})
		store.Add(name(c.zone), c.sets, now)
		if store.Len() != c.want {
			t.Errorf("%s: %d records, want %d", what, store.Len(), c.want)
		}
	}
	// The zone that is closest speaks, except about its own DS.
	store := dnssec.NewRanges(0, dnssec.Policy{})
	parent := zoneOf("example.", "example. SOA NS\nsub.example. NS DS")
	child := zoneOf("sub.example.", "sub.example. SOA NS")
	store.Add(parent.apex, parent.nsec(), now)
	if d, ok := store.Deny(name("www.sub.example."), lookup.TypeA, now, plenty()); ok {
		t.Errorf("the parent denied %+v", d)
	}
	store.Add(child.apex, child.nsec(), now)
	if d, ok := store.Deny(name("www.sub.example."), lookup.TypeA, now, plenty()); !ok || d.Zone != child.apex {
		t.Errorf("%+v", d)
	}
	if d, ok := store.Deny(name("sub.example."), lookup.TypeDS, now, plenty()); ok {
		t.Errorf("DS was denied: %+v", d)
	}
	parent.names[name("sub.example.")] = []lookup.Type{lookup.TypeNS}
	store.Add(parent.apex, parent.nsec(), now)
	if d, ok := store.Deny(name("sub.example."), lookup.TypeDS, now, plenty()); !ok || d.Zone != parent.apex || d.Kind != dnssec.DeniedType {
		t.Errorf("DS was not denied: %+v", d)
	}
}

// Of two records that contradict each other, the newer one is right.
func TestRangesFollowTheZone(t *testing.T) {
	t.Parallel()
	before := zoneOf("example.", "example. SOA NS\nb.example. A\nd.example. A\nf.example. A")
	after := zoneOf("example.", "example. SOA NS\nc.example. A\nf.example. A")
	for _, chains := range [][2][]lookup.RRset{
		{before.nsec(), after.nsec()},
		{before.nsec3(0, "", false), after.nsec3(0, "", false)},
		{before.nsec3(0, "", false), after.nsec3(0, "salt", false)},
		{before.nsec3(0, "", false), after.nsec3(1, "", false)},
	} {
		for first := range chains[1] {
			store := dnssec.NewRanges(0, dnssec.Policy{})
			store.Add(before.apex, chains[0], now)
			store.Add(before.apex, chains[1][first:first+1], now)
			for n := range after.names {
				set := chains[1][first]
				rdata := set.Data.First()
				if set.Type == lookup.TypeNSEC && set.Name != n ||
					set.Type == lookup.TypeNSEC3 && set.Name.Label() != dnssec.NSEC3Hash(n, uint16(rdata[3]), rdata[5:5+rdata[4]]) {
					continue
				}
				if d, ok := store.Deny(n, lookup.TypeA, now, plenty()); ok && d.Kind == dnssec.DeniedName {
					t.Errorf("%s, which is there now, was denied by %v", n, d.Sets)
				}
			}
			for _, n := range []string{"a.example.", "b.example.", "c.example.", "d.example.", "e.example.", "f.example."} {
				d, ok := store.Deny(name(n), lookup.TypeA, now, plenty())
				if ok && d.Kind == dnssec.DeniedName && !before.nxdomain(name(n)) && !after.nxdomain(name(n)) {
					t.Errorf("%s was denied by %v", n, d.Sets)
				}
			}
			store.Add(before.apex, chains[1], now)
			if store.Len() != len(chains[1]) {
				t.Errorf("%d records are left, want %d", store.Len(), len(chains[1]))
			}
		}
	}
}

// A record that a newer one shows to be out of date is not asked any more, not even
// about what the newer one says nothing of.
func TestOutdatedRangesGo(t *testing.T) {
	t.Parallel()
	before := zoneOf("example.", "example. SOA NS\nb.example. A\nd.example. A\nf.example. A")
	store := dnssec.NewRanges(0, dnssec.Policy{})
	store.Add(before.apex, before.nsec(), now)
	after := zoneOf("example.", "example. SOA NS\nc.example. A\nf.example. A")
	store.Add(before.apex, pick(t, after.nsec(), "c.example."), now) // in b to d, and spans d
	if n := store.Len(); n != 3 {
		t.Errorf("%d records", n)
	}
	for n, want := range map[string]bool{"b.example.": false, "bb.example.": false, "cc.example.": true, "d.example.": true, "ff.example.": true} {
		if d, ok := store.Deny(name(n), lookup.TypeMX, now, plenty()); ok != want {
			t.Errorf("%s: %+v", n, d)
		}
	}
}

// No flood of records takes more than its share; what is of use outlives what is not.
func TestRangesAreBounded(t *testing.T) {
	t.Parallel()
	flood := func(apex string, n int) zone {
		z := zoneOf(apex, apex+" SOA NS")
		for i := range n {
			z.names[name(fmt.Sprintf("n%d.%s", i, apex))] = []lookup.Type{lookup.TypeA}
		}
		return z
	}
	store := dnssec.NewRanges(40, dnssec.Policy{})
	good := zoneOf("good.", "good. SOA NS\nm.good. A")
	store.Add(good.apex, good.nsec(), now)
	for i := range 20 {
		z := flood(fmt.Sprintf("evil%d.", i), 30)
		chain := z.nsec()
		if i%2 == 1 {
			chain = z.nsec3(0, "", false)
		}
		store.Add(z.apex, chain, now)
		if n := store.Len(); n > 40 || i == 0 && n != 12 {
			t.Fatalf("%d records after %d zones", n, i+1)
		}
		if d, ok := store.Deny(name("x.good."), lookup.TypeA, now, plenty()); !ok || d.Kind != dnssec.DeniedName {
			t.Fatalf("the good zone is lost after %d zones", i+1)
		}
	}
	if n := store.Len(); n != 40 {
		t.Errorf("%d records", n)
	}
	for i := range 20 {
		store.Forget(name(fmt.Sprintf("evil%d.", i)))
	}
	if n := store.Len(); n != 2 {
		t.Errorf("%d records are left", n)
	}
}

// Names that would cost too many hashes are not tried, and a spent budget ends it.
func TestRangesPayForHashes(t *testing.T) {
	t.Parallel()
	z := zoneOf("example.", "example. SOA NS")
	store := dnssec.NewRanges(0, dnssec.Policy{})
	store.Add(z.apex, z.nsec3(50, "", false), now)
	for n, hashes := range map[string]int{"example.": 1, "a.example.": 3, "a.b.c.d.e.f.example.": 8, "a.b.c.d.e.f.g.example.": 0} {
		b := lookup.NewBudget(lookup.Limits{Hashes: 100})
		store.Deny(name(n), lookup.TypeA, now, b)
		left := 0
		for b.Hash() {
			left++
		}
		if left != 100-hashes {
			t.Errorf("%s cost %d hashes, want %d", n, 100-left, hashes)
		}
		for few := 1; few < hashes; few++ {
			if d, ok := store.Deny(name(n), lookup.TypeA, now, lookup.NewBudget(lookup.Limits{Hashes: few})); ok {
				t.Errorf("%s for %d hashes: %+v", n, few, d)
			}
		}
	}
}

func TestRangesAreSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	store := dnssec.NewRanges(64, dnssec.Policy{})
	var wg sync.WaitGroup
	for worker := range uint64(4) {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(worker, 3))
			for range 200 {
				z := randomZone(r)
				z.apex = name("z.")
				store.Add(z.apex, slices.Concat(z.nsec(), z.nsec3(uint16(r.IntN(2)), "", false)), now)
				for range 10 {
					store.Deny(randomName(r, "abc*"), lookup.TypeA, now, plenty())
				}
				if r.IntN(10) == 0 {
					store.Forget(z.apex)
				}
			}
		})
	}
	wg.Wait()
	if n := store.Len(); n > 64 {
		t.Errorf("%d records", n)
	}
}

// The order of the store is the canonical order, for names of any octets.
func TestRangesSortCanonically(t *testing.T) {
	t.Parallel()
	octets := []string{"\\000", "\\001", "a", "B", "-", "\\255", "*", "\\000\\000", "\\000\\001", "aa", "a\\000", "a\\000\\001"}
	z := zoneOf("example.", "example. SOA NS")
	for _, a := range octets {
		z.names[name(a+".example.")] = []lookup.Type{lookup.TypeA}
		for _, b := range octets {
			z.names[name(b+"."+a+".example.")] = []lookup.Type{lookup.TypeA}
		}
	}
	store := dnssec.NewRanges(0, dnssec.Policy{})
	store.Add(z.apex, z.nsec(), now)
	// Of a pair of neighbours \000 apart, one covers nothing else and stays out.
	if n := store.Len(); n < len(z.names)-len(octets)-1 {
		t.Fatalf("%d of %d records", n, len(z.names))
	}
	found := 0
	for n := range z.names {
		if d, ok := store.Deny(n, lookup.TypeTXT, now, plenty()); ok && d.Kind == dnssec.DeniedType {
			found++
		} else if ok {
			t.Errorf("%s is denied: %+v", n, d)
		}
	}
	if found != store.Len() {
		t.Errorf("%d of %d names were found", found, store.Len())
	}
}

func BenchmarkDeny(b *testing.B) {
	z := zoneOf("example.", "example. SOA NS")
	for i := range 4000 {
		z.names[name(fmt.Sprintf("n%d.example.", i))] = []lookup.Type{lookup.TypeA}
	}
	for what, chain := range map[string][]lookup.RRset{"NSEC": z.nsec(), "NSEC3": z.nsec3(0, "", false)} {
		store := dnssec.NewRanges(0, dnssec.Policy{})
		store.Add(z.apex, chain, now)
		q := name("nothing.example.")
		b.Run(what, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := store.Deny(q, lookup.TypeA, now, plenty()); !ok {
					b.Fatal("not denied")
				}
			}
		})
	}
}
