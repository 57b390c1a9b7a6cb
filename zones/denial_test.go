package zones

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

// chain is how a test has a zone deny things.
type chain struct {
	hashed, optOut bool
	iterations     uint16
	salt           string // hex
}

// signed is the zone of text with a chain of NSEC or NSEC3 for it, made the slow
// way: from the list of names.
func signed(t testing.TB, text string, c chain) (*Zone, string) {
	t.Helper()
	z, err := Load(strings.NewReader(text), "unsigned", LoadOptions{})
	if err != nil {
		return nil, ""
	}
	owners := map[string][]uint16{} // the name, or its hash, and its types
	for i, node := range z.nodes[:len(z.nodes)-1] {
		n := z.name(uint32(i))
		cut := node.stop != noStop
		if cut && int(node.stop) != n.Labels() {
			continue
		}
		var types []uint16
		for _, s := range z.At(n) {
			if node.marks&isCut == 0 || s.Type == lookup.TypeNS || s.Type == lookup.TypeDS {
				types = append(types, uint16(s.Type))
			}
		}
		insecure := node.marks&isCut != 0 && !slices.Contains(types, dns.TypeDS)
		switch {
		case !c.hashed && len(types) == 0: // an empty non-terminal
		case !c.hashed:
			owners[n.String()] = append(types, dns.TypeNSEC)
		case c.optOut && (insecure || len(types) == 0 && onlyInsecure(z, n)):
		default:
			owners[strings.ToLower(dns.HashName(n.String(), dns.SHA1, c.iterations, c.salt))] = types
		}
	}
	return load(t, text+lines(z, owners, c)), lines(z, owners, c)
}

// onlyInsecure tells whether nothing but insecure delegations is below n.
func onlyInsecure(z *Zone, n lookup.Name) bool {
	for i, node := range z.nodes[:len(z.nodes)-1] {
		m := z.name(uint32(i))
		if m != n && m.IsSubdomainOf(n) && len(z.At(m)) > 0 && node.stop != uint8(m.Labels()) && node.stop == noStop {
			return false
		}
		if node.marks&isDNAME != 0 && m.IsSubdomainOf(n) {
			return false
		}
		if _, ds := z.typed(uint32(i), lookup.TypeDS); ds && m.IsSubdomainOf(n) {
			return false
		}
	}
	return true
}

// lines is the chain over the owners as text.
func lines(z *Zone, owners map[string][]uint16, c chain) string {
	var b strings.Builder
	var order []string
	for o := range owners {
		order = append(order, o)
	}
	slices.SortFunc(order, func(a, b string) int {
		if c.hashed {
			return strings.Compare(a, b)
		}
		return name(a).Compare(name(b))
	})
	for i, o := range order {
		next, types := order[(i+1)%len(order)], owners[o]
		slices.Sort(types)
		types = slices.Compact(types)
		h := dns.RR_Header{Class: dns.ClassINET, Ttl: 60}
		var rr dns.RR
		if c.hashed {
			h.Name, h.Rrtype = o+"."+z.apex.String(), dns.TypeNSEC3
			flags := uint8(0)
			if c.optOut {
				flags = 1
			}
			rr = &dns.NSEC3{Hdr: h, Hash: 1, Flags: flags, Iterations: c.iterations, SaltLength: uint8(len(c.salt) / 2), Salt: c.salt,
				HashLength: 20, NextDomain: next, TypeBitMap: types}
		} else {
			h.Name, h.Rrtype = o, dns.TypeNSEC
			rr = &dns.NSEC{Hdr: h, NextDomain: next, TypeBitMap: types}
		}
		b.WriteString(rr.String() + "\n")
	}
	if c.hashed {
		salt := c.salt
		if salt == "" {
			salt = "-"
		}
		fmt.Fprintf(&b, "%s 0 IN NSEC3PARAM 1 0 %d %s\n", z.apex, c.iterations, salt)
	}
	return b.String()
}

// verifier believes nothing but the proof, as a validator does.
type verifier struct {
	apex lookup.Name
	c    chain
	rrs  []dns.RR
}

func newVerifier(z *Zone, c chain, sets []lookup.RRset) verifier {
	v := verifier{apex: z.apex, c: c}
	for _, s := range sets {
		rr, err := lookup.UnpackRR(s.Name, s.Type, s.TTL, s.Data.First())
		if err != nil {
			panic(err)
		}
		v.rrs = append(v.rrs, rr)
	}
	return v
}

// at is the types that an RR says name has; ok is false when none is about name.
func (v verifier) at(n lookup.Name) (types []uint16, ok bool) {
	for _, rr := range v.rrs {
		switch rr := rr.(type) {
		case *dns.NSEC:
			if name(rr.Hdr.Name) == n {
				return rr.TypeBitMap, true
			}
			// RFC 4592 2.2.2: what is above the next name exists, if it is not above the owner
			if next := name(rr.NextDomain); next != n && next.IsSubdomainOf(n) && name(rr.Hdr.Name).Compare(n) < 0 && n.Compare(next) < 0 {
				return nil, true
			}
		case *dns.NSEC3:
			if rr.Match(n.String()) {
				return rr.TypeBitMap, true
			}
		}
	}
	return nil, false
}

// denies tells whether an RR says that n does not exist; by opt-out, when one of
// NSEC3 leaves open whether there is an insecure delegation.
func (v verifier) denies(n lookup.Name) (denied, optOut bool) {
	for _, rr := range v.rrs {
		switch rr := rr.(type) {
		case *dns.NSEC:
			owner, next := name(rr.Hdr.Name), name(rr.NextDomain)
			if owner.Compare(n) < 0 && (n.Compare(next) < 0 || next == v.apex) && !next.IsSubdomainOf(n) {
				return true, false
			}
		case *dns.NSEC3:
			if rr.Cover(n.String()) {
				return true, rr.Flags&1 != 0
			}
		}
	}
	return false, false
}

// encloser is the closest encloser of a name that does not exist, and whether all
// of the path below it is denied.
func (v verifier) encloser(n lookup.Name) (ce lookup.Name, optOut, ok bool) {
	for labels := n.Labels() - 1; labels >= v.apex.Labels(); labels-- {
		ce = n.Suffix(labels)
		if _, exists := v.at(ce); exists && v.c.hashed {
			denied, optOut := v.denies(n.Suffix(labels + 1))
			return ce, optOut, denied
		}
		if v.c.hashed {
			continue
		}
		for _, rr := range v.rrs { // RFC 4035 5.4: owner and next of the span tell
			s := rr.(*dns.NSEC)
			if covers, _ := (verifier{apex: v.apex, rrs: []dns.RR{rr}}).denies(n); covers {
				shared := max(name(s.Hdr.Name).CommonLabels(n), name(s.NextDomain).CommonLabels(n))
				return n.Suffix(shared), false, true
			}
		}
	}
	return "", false, false
}

// proves tells what is wrong with the proof of m, "" if nothing.
func (v verifier) proves(m Match, n lookup.Name, t lookup.Type) string {
	lacks := func(at lookup.Name, t lookup.Type) bool {
		types, ok := v.at(at)
		return ok && !slices.Contains(types, uint16(t)) && !slices.Contains(types, dns.TypeCNAME)
	}
	star := func(ce lookup.Name) lookup.Name { s, _ := ce.Child("*"); return s }
	ce, optOut, enclosed := v.encloser(n)
	switch {
	case m.Kind == NXDomain:
		if denied, _ := v.denies(star(ce)); !enclosed || !denied && !optOut || !optOut && ce != m.Encloser {
			return fmt.Sprintf("encloser %s (%v), wildcard denied: %v", ce, enclosed, denied)
		}
	case m.Kind == NoData && m.Wildcard:
		if !enclosed || !lacks(star(ce), t) && !optOut {
			return fmt.Sprintf("encloser %s (%v), wildcard without the type: %v", ce, enclosed, lacks(star(ce), t))
		}
	case m.Kind == NoData:
		if !lacks(n, t) && !(enclosed && optOut) {
			return "the type is not denied"
		}
	case m.Kind == Delegation:
		cut := m.Set.Name
		types, ok := v.at(cut)
		if ok && (!slices.Contains(types, dns.TypeNS) || slices.Contains(types, dns.TypeDS) || slices.Contains(types, dns.TypeSOA)) {
			return fmt.Sprintf("at the cut are %v", types)
		}
		if _, optOut, enclosed := v.encloser(cut); !ok && !(enclosed && optOut) {
			return "DS is not denied"
		}
	case m.Wildcard:
		next := n
		if v.c.hashed {
			next = n.Suffix(m.Encloser.Labels() + 1)
		}
		if denied, _ := v.denies(next); !denied {
			return "there may be something closer than the wildcard"
		}
	}
	return ""
}

// Random zones, random questions: what the zone denies, a validator that has
// nothing but the proof finds denied.
func TestProofsHold(t *testing.T) {
	t.Parallel()
	r := random{rand.New(rand.NewPCG(3, 4))}
	types := []lookup.Type{lookup.TypeA, lookup.TypeTXT, lookup.TypeDS, lookup.TypeAAAA}
	proven := map[string]int{}
	for range 3000 {
		c := []chain{{}, {hashed: true}, {hashed: true, iterations: 2, salt: "aabbccdd"}, {hashed: true, optOut: true}}[r.IntN(4)]
		text := r.zone()
		z, added := signed(t, text, c)
		if z == nil {
			continue
		}
		for range 20 {
			q, qtype := name(r.name()), types[r.IntN(len(types))]
			m := z.Find(q, qtype)
			sets := z.Prove(m, q)
			_, ds := lookup.Find(z.At(m.Set.Name), m.Set.Name, lookup.TypeDS)
			needed := m.Kind == NXDomain || m.Kind == NoData || m.Kind == Delegation && !ds || m.Wildcard
			most := 2
			if c.hashed {
				most = 3
			}
			if !needed && len(sets) > 0 || len(sets) > most {
				t.Fatalf("%s %s: %s with %v", q, qtype, inWords(m), sets)
			}
			if !needed {
				continue
			}
			if why := newVerifier(z, c, sets).proves(m, q, qtype); why != "" {
				t.Fatalf("%+v: %s %s: %s: %s\n%v\n%s%s", c, q, qtype, inWords(m), why, sets, text, added)
			}
			proven[fmt.Sprint(m.Kind, m.Wildcard, c.hashed, c.optOut)]++
		}
	}
	if len(proven) < 15 {
		t.Errorf("only these cases came up: %v", proven)
	}
}

func TestTheHashIsThatOfRFC5155(t *testing.T) {
	t.Parallel()
	d := denial{hashed: true, iterations: 12, salt: "\xaa\xbb\xcc\xdd"} // RFC 5155 appendix A
	for n, want := range map[string]string{
		"example.":       "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom",
		"*.w.example.":   "r53bq7cc2uvmubfu5ocmm6pers9tk9en",
		"xx.example.":    "t644ebqk9bibcna874givr6joj62mlhv",
		"ns1.example.":   "2t7b4g4vsa5smi47k61mv5bv1a22bojr",
		"a.example.":     "35mthgpgcu1qg68fab165klnsnk3dpvl",
		"x.y.w.example.": "2vptu5timamqttgl4luu9kg21e0aor3s",
	} {
		if got := d.hash(name(n)); got != want {
			t.Errorf("%s: %s, want %s", n, got, want)
		}
	}
}

// Names that are there for NSEC3 only do not exist (RFC 5155 7.2.8); they neither
// stand in the way of a wildcard nor answer.
func TestHashesAreNoNames(t *testing.T) {
	t.Parallel()
	z, _ := signed(t, top+"*.example. TXT everything\nwww A 192.0.2.1\n", chain{hashed: true})
	hash := dns.HashName("www.example.", 1, 0, "") + ".example."
	for _, typ := range []lookup.Type{lookup.TypeNSEC3, lookup.TypeTXT} {
		want := map[lookup.Type]string{lookup.TypeNSEC3: "NODATA - example. wildcard", lookup.TypeTXT: "answer *.example. example. wildcard"}[typ]
		if got := inWords(z.Find(name(hash), typ)); got != want {
			t.Errorf("%s: %s, want %s", typ, got, want)
		}
	}
	found := 0
	for s := range z.All() {
		if s.Type == lookup.TypeNSEC3 {
			found++
		}
	}
	if found != 4 {
		t.Errorf("%d NSEC3 in the zone", found)
	}
}

func TestWhatNobodyCanUseIsNoChain(t *testing.T) {
	t.Parallel()
	hash := dns.HashName("example.", 1, 0, "")
	nsec3 := hash + ".example. NSEC3 1 0 %d - " + hash + " SOA NS\n"
	for what, text := range map[string]string{
		"not signed":             "",
		"without NSEC3PARAM":     fmt.Sprintf(nsec3, 0),
		"of another NSEC3PARAM":  fmt.Sprintf(nsec3, 1) + "@ NSEC3PARAM 1 0 0 -\n",
		"with flags":             fmt.Sprintf(nsec3, 0) + "@ NSEC3PARAM 1 1 0 -\n",
		"of an unknown hash":     fmt.Sprintf(nsec3, 0) + "@ NSEC3PARAM 2 0 0 -\n",
		"with too many rounds":   fmt.Sprintf(nsec3, 2500) + "@ NSEC3PARAM 1 0 2500 -\n",
		"without the apex' hash": "@ NSEC3PARAM 1 0 0 -\n" + strings.Repeat("0", 32) + " NSEC3 1 0 0 - " + hash + " A\n",
	} {
		z := load(t, top+text)
		n := name("nobody.example.")
		if sets := z.Prove(z.Find(n, lookup.TypeA), n); len(sets) > 1 || len(sets) == 1 && !strings.HasPrefix(what, "without the apex") {
			t.Errorf("%s: %v", what, sets)
		}
	}
	z := load(t, top+"@ NSEC ns.example. SOA NS NSEC\nns NSEC example. A NSEC\n"+fmt.Sprintf(nsec3, 0))
	n := name("nobody.example.")
	if sets := z.Prove(z.Find(n, lookup.TypeA), n); len(sets) != 1 || sets[0].Type != lookup.TypeNSEC {
		t.Errorf("NSEC3 that is being built up: %v", sets)
	}
	z = load(t, top+"@ NSEC sub.example. SOA NS NSEC\nsub NS ns.sub\nsub NSEC example. NS NSEC\nns.sub A 192.0.2.1\nns.sub NSEC x.sub A NSEC\n")
	n = name("x.example.")
	if sets := z.Prove(z.Find(n, lookup.TypeA), n); len(sets) != 2 || sets[0].Name != name("sub.example.") {
		t.Errorf("below a cut nothing is the zone's to tell: %v", sets)
	}
}

func TestANewZoneIsThatOfItsRecords(t *testing.T) {
	t.Parallel()
	const sig = " RRSIG A 13 2 300 20300101000000 20200101000000 1 example. AAAA\n"
	z, _ := signed(t, corners+"www"+sig, chain{hashed: true})
	all := slices.Collect(z.Records())
	rand.New(rand.NewPCG(5, 6)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	again, err := New(z.Apex(), all, "test")
	if err != nil {
		t.Fatal(err)
	}
	text := func(z *Zone) (lines []string) {
		for s := range z.All() {
			lines = append(lines, strings.Split(s.String(), "\n")...)
		}
		slices.Sort(lines)
		return lines
	}
	if got, want := text(again), text(z); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if again.SOA() != z.SOA() || again.Len() != z.Len() {
		t.Errorf("%v", again.SOA())
	}
}

// RFC 2181 8.
func TestATTLWithTheTopBitIsZero(t *testing.T) {
	t.Parallel()
	records := slices.Collect(load(t, top).Records())
	for i := range records {
		records[i].TTL = 1<<31 + 5
	}
	z, err := New(name("example."), records, "primary")
	if err != nil || z.SOA().TTL != 0 {
		t.Errorf("%v, TTL %d", err, z.SOA().TTL)
	}
}

func TestRecordsOfNoZoneAreRefused(t *testing.T) {
	t.Parallel()
	good := slices.Collect(load(t, top).Records())
	for what, c := range map[string]struct {
		change func([]Record) []Record
		want   string
	}{
		"nothing":   {func([]Record) []Record { return nil }, "zone example.: primary: no SOA at example.\nprimary: no NS at example., the apex"},
		"outside":   {func(r []Record) []Record { return append(r, Record{name("example.com."), lookup.TypeA, 1, "abcd"}) }, "zone example.: primary: example.com. A: not in zone example."},
		"a meta RR": {func(r []Record) []Record { return append(r, Record{name("example."), lookup.TypeTSIG, 1, "abcd"}) }, "zone example.: primary: example. TSIG: a type that no zone may hold"},
		"an OPT":    {func(r []Record) []Record { return append(r, Record{lookup.Root, lookup.TypeOPT, 1, ""}) }, "zone example.: primary: . OPT: a type that no zone may hold"},
		"half an RRSIG": {func(r []Record) []Record { return append(r, Record{name("example."), lookup.TypeRRSIG, 1, "a"}) },
			"zone example.: primary: example. RRSIG: too short"},
	} {
		_, err := New(name("example."), c.change(slices.Clone(good)), "primary")
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: %v", what, err)
		}
	}
}
