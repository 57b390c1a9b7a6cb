package zones

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
)

// oracle answers as Find should, from nothing but the list of RRsets, the slow
// way, in the order in which RFC 1034 4.3.2 tells it.
type oracle struct {
	apex lookup.Name
	sets []lookup.RRset
}

func (o oracle) has(n lookup.Name, t lookup.Type) (lookup.RRset, bool) {
	return lookup.Find(o.sets, n, t)
}

func (o oracle) exists(n lookup.Name) bool {
	return n == o.apex || slices.ContainsFunc(o.sets, func(s lookup.RRset) bool { return s.Name.IsSubdomainOf(n) && !o.isOnlyHash(s.Name) })
}

// isOnlyHash is RFC 5155 7.2.8: nothing but an NSEC3 is there.
func (o oracle) isOnlyHash(n lookup.Name) bool {
	types := 0
	for _, s := range o.sets {
		if s.Name == n {
			types++
		}
	}
	_, nsec3 := o.has(n, lookup.TypeNSEC3)
	return nsec3 && types == 1 && n.Labels() == o.apex.Labels()+1 && len(n.Label()) == 32
}

func (o oracle) find(n lookup.Name, t lookup.Type) Match {
	if !n.IsSubdomainOf(o.apex) {
		return Match{}
	}
	m := Match{Encloser: o.apex}
	for labels := o.apex.Labels(); labels <= n.Labels(); labels++ { // matching down, label by label
		at := n.Suffix(labels)
		if !o.exists(at) {
			break
		}
		m.Encloser = at
		if ns, cut := o.has(at, lookup.TypeNS); cut && at != o.apex && !(at == n && t == lookup.TypeDS) {
			m.Kind, m.Set = Delegation, ns
			return m
		}
		if dname, ok := o.has(at, lookup.TypeDNAME); ok && at != n {
			m.Kind, m.Set = DNAME, dname
			return m
		}
	}
	if m.Encloser == n {
		return o.data(m, n, t)
	}
	star, err := m.Encloser.Child("*")
	if err == nil && o.exists(star) {
		m.Wildcard = true
		return o.data(m, star, t)
	}
	m.Kind = NXDomain
	return m
}

func (o oracle) data(m Match, at lookup.Name, t lookup.Type) Match {
	if s, ok := o.has(at, t); ok {
		m.Kind, m.Set = Answer, s
	} else if c, ok := o.has(at, lookup.TypeCNAME); ok {
		m.Kind, m.Set = CNAME, c
	} else {
		m.Kind = NoData
	}
	return m
}

// random makes zones and names of so few labels that they meet all the time.
type random struct{ *rand.Rand }

func (r random) name() string {
	var b strings.Builder
	for range r.IntN(5) {
		b.WriteString([]string{"a.", "b.", "*.", "c."}[r.IntN(4)])
	}
	return b.String() + "z."
}

func (r random) zone() string {
	text := "$TTL 60\nz. SOA . . 1 2 3 4 5\nz. NS ns.elsewhere.\n"
	for range r.IntN(8) {
		rdata := []string{"A 192.0.2.1", "TXT x", "CNAME a.z.", "NS ns.elsewhere.", "DNAME elsewhere.", "DS 1 13 2 00"}[r.IntN(6)]
		text += r.name() + " " + rdata + "\n"
	}
	return text
}

func TestFindAgreesWithTheOracle(t *testing.T) {
	t.Parallel()
	r := random{rand.New(rand.NewPCG(1, 2))}
	types := []lookup.Type{lookup.TypeA, lookup.TypeTXT, lookup.TypeCNAME, lookup.TypeNS, lookup.TypeDNAME, lookup.TypeDS, lookup.TypeAAAA}
	loaded := 0
	for range 4000 {
		text := r.zone()
		z, err := Load(strings.NewReader(text), "random", LoadOptions{})
		if err != nil {
			continue // most often a CNAME beside other data
		}
		loaded++
		o := oracle{z.Apex(), slices.Collect(z.All())}
		for range 30 {
			q, qtype := name(r.name()), types[r.IntN(len(types))]
			if got, want := z.Find(q, qtype), o.find(q, qtype); got != want {
				t.Fatalf("%s %s: got %s, want %s in\n%s", q, qtype, inWords(got), inWords(want), text)
			}
		}
	}
	if loaded < 1000 {
		t.Errorf("only %d zones were good; the test tests little", loaded)
	}
}

// FuzzFind lets the fuzzer write the zone and the question.
func FuzzFind(f *testing.F) {
	f.Add(corners, "x.w.example.", uint16(lookup.TypeA))
	f.Add(corners, "ns.sub.example.", uint16(lookup.TypeDS))
	f.Add(corners, strings.Repeat("x.", 120)+"example.", uint16(lookup.TypeTXT))
	f.Fuzz(func(t *testing.T, text, question string, qtype uint16) {
		q, err := lookup.ParseName(question)
		if err != nil || lookup.Type(qtype) == lookup.TypeANY || besideCNAME(lookup.Type(qtype)) {
			return
		}
		z, err := Load(strings.NewReader(text), "fuzz", LoadOptions{Generate: 1000})
		if err != nil {
			return
		}
		o := oracle{z.Apex(), slices.Collect(z.All())}
		if got, want := z.Find(q, lookup.Type(qtype)), o.find(q, lookup.Type(qtype)); got != want {
			t.Fatalf("%s %d: got %s, want %s in\n%s", q, qtype, inWords(got), inWords(want), text)
		}
	})
}

// FuzzLoad sees that no file breaks the loader and that what it takes is sound.
func FuzzLoad(f *testing.F) {
	f.Add(corners)
	f.Add(top + "$GENERATE 1-3/2 h${1,4,x} A 192.0.2.$\n")
	f.Add(top + "$INCLUDE x\n")
	f.Add(" TXT ")
	f.Add(top + "www A\n")
	f.Add(top + "www ( ; comment\n 60 ) IN A \\# 4 c0000201\n")
	f.Fuzz(func(t *testing.T, text string) {
		z, err := Load(strings.NewReader(text), "fuzz", LoadOptions{Generate: 1000})
		if err != nil {
			if fmt.Sprint(err) == "" {
				t.Fatal("an error without words")
			}
			return
		}
		if z.SOA().Data.Len() != 1 || z.SOA().Name != z.Apex() {
			t.Fatalf("SOA %v at %s", z.SOA(), z.Apex())
		}
		var last lookup.RRset
		for s := range z.All() {
			if last.Name != "" && (last.Name.Compare(s.Name) > 0 || last.Name == s.Name && last.Type >= s.Type) {
				t.Fatalf("%s after %s", about(s.Name, s.Type), about(last.Name, last.Type))
			}
			if !s.Name.IsSubdomainOf(z.Apex()) || s.Data.Len() == 0 || s.TTL > maxTTL {
				t.Fatalf("RRset %v", s)
			}
			if s.Type == lookup.TypeNSEC3 {
				continue // its owner may not exist
			}
			if m := z.Find(s.Name, s.Type); m.Kind == NXDomain || m.Kind == Outside || m.Wildcard {
				t.Fatalf("%s: %s", about(s.Name, s.Type), inWords(m))
			}
			last = s
		}
	})
}
