package update

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/message"
	"github.com/sextant-dns/sextant/zones"
)

// oracle is a zone as nothing but a list of RRs, changed the slow way, in the words of
// RFC 2136 3.2.5 and 3.4.2.7.
type oracle struct {
	apex lookup.Name
	rrs  map[zones.Record]bool
}

func (o oracle) of(name lookup.Name, t lookup.Type) (all []zones.Record) {
	for r := range o.rrs {
		if r.Name == name && (t == lookup.TypeANY || r.Type == t) {
			all = append(all, r)
		}
	}
	return all
}

func (o oracle) prerequisites(list []message.Record) lookup.Rcode {
	temp := map[[2]any]map[string]bool{}
	for _, r := range list {
		there := len(o.of(r.Name, r.Type)) > 0
		switch {
		case r.TTL != 0:
			return lookup.FORMERR
		case !r.Name.IsSubdomainOf(o.apex):
			return lookup.NOTZONE
		case r.Class == lookup.ClassANY && r.Type == lookup.TypeANY && !there:
			return lookup.NXDOMAIN
		case r.Class == lookup.ClassANY && !there:
			return lookup.NXRRSET
		case r.Class == lookup.ClassNONE && r.Type == lookup.TypeANY && there:
			return lookup.YXDOMAIN
		case r.Class == lookup.ClassNONE && there:
			return lookup.YXRRSET
		case r.Class == lookup.ClassIN:
			k := [2]any{r.Name, r.Type}
			if temp[k] == nil {
				temp[k] = map[string]bool{}
			}
			temp[k][r.Data] = true
		}
	}
	for k, want := range temp {
		have := map[string]bool{}
		for _, r := range o.of(k[0].(lookup.Name), k[1].(lookup.Type)) {
			have[r.Data] = true
		}
		if !maps.Equal(want, have) {
			return lookup.NXRRSET
		}
	}
	return lookup.NOERROR
}

func (o oracle) change(r message.Record) {
	apexNS := func(t lookup.Type) bool { return r.Name == o.apex && t == lookup.TypeNS }
	switch r.Class {
	case lookup.ClassIN:
		alias, others := o.of(r.Name, lookup.TypeCNAME), o.of(r.Name, lookup.TypeANY)
		switch r.Type {
		case lookup.TypeCNAME:
			if len(others) > len(alias) {
				return
			}
			for _, old := range alias {
				delete(o.rrs, old)
			}
		case lookup.TypeDNAME:
			if len(alias) > 0 {
				return
			}
			for _, old := range o.of(r.Name, lookup.TypeDNAME) {
				delete(o.rrs, old)
			}
		default:
			if len(alias) > 0 {
				return
			}
		}
		for _, old := range o.of(r.Name, r.Type) { // one TTL for all
			delete(o.rrs, old)
			old.TTL = r.TTL
			o.rrs[old] = true
		}
		o.rrs[zones.Record{Name: r.Name, Type: r.Type, TTL: r.TTL, Data: r.Data}] = true
	case lookup.ClassANY:
		for _, old := range o.of(r.Name, r.Type) {
			if old.Type != lookup.TypeSOA && !apexNS(old.Type) {
				delete(o.rrs, old)
			}
		}
	case lookup.ClassNONE:
		for _, old := range o.of(r.Name, r.Type) {
			if old.Data == r.Data && old.Type != lookup.TypeSOA && !(apexNS(r.Type) && len(o.of(r.Name, r.Type)) == 1) {
				delete(o.rrs, old)
			}
		}
	}
}

// random makes UPDATEs of so few names and values that they meet all the time.
type random struct{ *rand.Rand }

func (r random) pick(words ...string) string { return words[r.IntN(len(words))] }

func (r random) name() string { return r.pick("@", "a", "b", "*", "b.a", "c.b.a", "sub") }

func (r random) data() string {
	return r.pick("A 192.0.2.1", "A 192.0.2.2", "TXT x", "TXT y", "CNAME a", "CNAME elsewhere.", "NS ns", "NS x.", "DNAME elsewhere.")
}

func (r random) message(t *testing.T) *message.Records {
	var lines []string
	for range r.IntN(3) {
		what := r.data()
		t, _, _ := strings.Cut(what, " ")
		lines = append(lines, r.name()+" 0 "+r.pick("IN "+what, "ANY "+t, "NONE "+t, "ANY ANY", "NONE ANY"))
	}
	lines = append(lines, "---")
	for range 1 + r.IntN(5) {
		what := r.data()
		t, _, _ := strings.Cut(what, " ")
		lines = append(lines, r.name()+r.pick(" 1 IN "+what, " 2 IN "+what, " 1 IN "+what, " 0 ANY "+t, " 0 ANY ANY", " 0 NONE "+what))
	}
	return ask(t, lines...)
}

// Whatever is asked, in a row, one version leads to the next as the oracle says; and
// what cannot be a zone is refused as a whole.
func TestUpdatesAgreeWithTheOracle(t *testing.T) {
	t.Parallel()
	outcomes := map[string]int{}
	for seed := range uint64(60) {
		r := random{rand.New(rand.NewPCG(seed, 1))}
		z := load(t, top)
		for range 60 {
			m := r.message(t)
			o := oracle{z.Apex(), map[zones.Record]bool{}}
			for rr := range z.Records() {
				o.rrs[rr] = true
			}
			want := o.prerequisites(m.Answer)
			if want == lookup.NOERROR {
				for _, change := range m.Authority {
					o.change(change)
				}
			}
			is, diff, response := Apply(z, m)
			outcomes[response.Rcode.String()]++
			if response.Rcode == lookup.REFUSED {
				if _, err := zones.New(z.Apex(), slices.Collect(maps.Keys(o.rrs)), "oracle"); err == nil || is != z {
					t.Fatalf("seed %d: %v was refused: %v", seed, m.Authority, response.EDE)
				}
				continue
			}
			if response.Rcode != want {
				t.Fatalf("seed %d: got %s, want %s for %v in\n%s", seed, response.Rcode, want, m.Answer, strings.Join(brief(z), "\n"))
			}
			if want != lookup.NOERROR {
				continue
			}
			got := map[zones.Record]bool{}
			for rr := range is.Records() {
				got[rr] = true
			}
			soa := is.SOARecord()
			delete(got, soa)
			delete(o.rrs, z.SOARecord())
			if !maps.Equal(got, o.rrs) {
				t.Fatalf("seed %d: %v makes\n%s\nof\n%s", seed, m.Authority, strings.Join(brief(is), "\n"), strings.Join(brief(z), "\n"))
			}
			if changed := len(diff.Deleted)+len(diff.Added) > 0; changed != (soa.Serial() == z.SOARecord().Serial()+1) || changed == (is == z) {
				t.Fatalf("seed %d: serial %d after %d", seed, soa.Serial(), z.SOARecord().Serial())
			}
			checkDifference(t, fmt.Sprint("seed ", seed), z, is, diff)
			z = is
		}
	}
	for _, want := range []string{"NOERROR", "NXDOMAIN", "NXRRSET", "YXDOMAIN", "YXRRSET", "REFUSED"} {
		if outcomes[want] < 20 {
			t.Errorf("only %d times %s: the test tests little", outcomes[want], want)
		}
	}
}

// FuzzUpdate sees that no message breaks anything, and that a zone stays a zone: what
// New makes of its RRs.
func FuzzUpdate(f *testing.F) {
	for _, lines := range [][]string{
		{"www 0 ANY A", "---", "new 5 IN A 192.0.2.9", "www 0 ANY ANY"},
		{"www 0 IN TXT Text", "---", "mail 0 NONE MX 10 mail.example.", "@ 1 IN SOA ns host 9 1 2 3 4"},
	} {
		f.Add(packed(ask(f, lines...)))
	}
	z := load(f, text)
	f.Fuzz(func(t *testing.T, msg []byte) {
		m, err := message.DecodeUpdate(msg)
		if err != nil {
			return
		}
		if _, response := ZoneOf(m); response != nil {
			return
		}
		is, diff, response := Apply(z, m)
		if response.Rcode != lookup.NOERROR {
			if is != z || len(diff.Deleted)+len(diff.Added) > 0 {
				t.Fatal("it is changed, and the answer is", response.Rcode)
			}
			return
		}
		again, err := zones.New(is.Apex(), slices.Collect(is.Records()), "fuzz")
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(brief(again), brief(is)) {
			t.Fatalf("%s is not\n%s", brief(is), brief(again))
		}
		checkDifference(t, "fuzz", z, is, diff)
		c, err := chainOf(z, diff)
		if err != nil {
			t.Fatal(err)
		}
		if is != z && (c.last() != versionOf(is)) {
			t.Fatal("the journal leads elsewhere")
		}
	})
}

// chainOf writes a difference into a journal and reads it again.
func chainOf(z *zones.Zone, diff zones.Difference) (chain, error) {
	c := chain{first: versionOf(z)}
	b := appendFrame([]byte(magic), appendFirst(nil, z.Apex(), c))
	if diff.To.Data != "" {
		b = appendFrame(b, appendSteps(nil, c.extended(diff).steps))
	}
	c, _, err := parseJournal(b, z.Apex())
	return c, err
}

// packed is an UPDATE as octets.
func packed(m *message.Records) []byte {
	b := []byte{0, 1, 5 << 3, 0, 0, 1, 0, byte(len(m.Answer)), 0, byte(len(m.Authority)), 0, 0}
	b = append(append(b, m.Question[0].Name...), 0, 6, 0, 1)
	for _, r := range append(slices.Clone(m.Answer), m.Authority...) {
		b = append(append(b, r.Name...), byte(r.Type>>8), byte(r.Type), byte(r.Class>>8), byte(r.Class),
			byte(r.TTL>>24), byte(r.TTL>>16), byte(r.TTL>>8), byte(r.TTL), byte(len(r.Data)>>8), byte(len(r.Data)))
		b = append(b, r.Data...)
	}
	return b
}

// FuzzJournal sees that no file breaks the reader, and that what it says to be good is:
// it is read alike without what follows.
func FuzzJournal(f *testing.F) {
	z := load(f, text)
	_, diff, _ := Apply(z, ask(f, "new 5 IN A 192.0.2.9", "www 0 ANY ANY"))
	c := chain{first: versionOf(z)}
	b := appendFrame([]byte(magic), appendFirst(nil, z.Apex(), c))
	f.Add(b)
	b = appendFrame(b, appendSteps(nil, c.extended(diff).steps))
	f.Add(b)
	f.Add(b[:len(b)-1])
	f.Fuzz(func(t *testing.T, file []byte) {
		c, good, err := parseJournal(file, z.Apex())
		if good > len(file) || err == nil && c.file > len(c.steps) {
			t.Fatalf("%d of %d octets", good, len(file))
		}
		if err != nil {
			return
		}
		again, n, err := parseJournal(file[:good], z.Apex())
		if err != nil || n != good || len(again.steps) != len(c.steps) {
			t.Fatalf("%d octets, then %d, %v", good, n, err)
		}
	})
}
