package authoritative

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/zones"
)

// oracle answers as an Authority should, from nothing but lists of RRsets, the slow
// way: RFC 1034 4.3.2 read aloud, with RFC 4592 3.3.1 and RFC 6672 3.2 where they
// amend it.
type oracle map[lookup.Name][]lookup.RRset // by the apex

// outcome is a response whose order does not matter.
type outcome struct {
	rcode                         lookup.Rcode
	aa                            bool
	answer, authority, additional []lookup.RRset
}

func (o outcome) String() string {
	lines := func(sets []lookup.RRset) string {
		var all []string
		for _, s := range sets {
			all = append(all, "  "+strings.ReplaceAll(s.String(), "\t", " ")+"\n")
		}
		slices.Sort(all)
		return strings.Join(all, "")
	}
	return fmt.Sprintf("%s aa=%v\n%s authority\n%s additional\n%s", o.rcode, o.aa, lines(o.answer), lines(o.authority), lines(o.additional))
}

// owns tells whether a zone has anything at or below a name.
func owns(zone []lookup.RRset, name lookup.Name) bool {
	return slices.ContainsFunc(zone, func(s lookup.RRset) bool { return s.Name.IsSubdomainOf(name) })
}

// nearest is step 2: the zone that is the nearest ancestor to the name.
func (o oracle) nearest(name lookup.Name, t lookup.Type) (apex lookup.Name, ok bool) {
	for labels := name.Labels(); labels >= 0; labels-- {
		at := name.Suffix(labels)
		if _, held := o[at]; !held {
			continue
		}
		if t == lookup.TypeDS && at == name && labels > 0 { // RFC 4035 3.1.4.1
			up, _ := name.Parent()
			if above, held := o.nearest(up, lookup.TypeA); held && o.cut(above, name) == name {
				return above, true
			}
		}
		return at, true
	}
	return "", false
}

// cut is the topmost zone cut at or above a name of the zone, "" if there is none.
// A DNAME further up leaves nothing below it to be a cut.
func (o oracle) cut(apex, name lookup.Name) lookup.Name {
	for labels := apex.Labels(); labels <= name.Labels(); labels++ {
		at := name.Suffix(labels)
		if _, ns := lookup.Find(o[apex], at, lookup.TypeNS); ns && at != apex {
			return at
		}
		if _, dname := lookup.Find(o[apex], at, lookup.TypeDNAME); dname {
			return ""
		}
	}
	return ""
}

// respond is the algorithm from step 1 to step 6.
func (o oracle) respond(name lookup.Name, t lookup.Type) outcome {
	r := outcome{aa: true}
	seen := map[lookup.Name]bool{}
	for followed := 0; ; followed++ {
		apex, held := o.nearest(name, t)
		if !held {
			if followed == 0 {
				return outcome{rcode: lookup.REFUSED}
			}
			return r
		}
		target, alias := o.matchDown(&r, apex, name, t)
		seen[name] = true
		if !alias || seen[target] || followed == 11 {
			return r
		}
		name = target
	}
}

// matchDown is step 3: label by label.
func (o oracle) matchDown(r *outcome, apex, name lookup.Name, t lookup.Type) (target lookup.Name, alias bool) {
	zone := o[apex]
	for labels := apex.Labels(); ; labels++ {
		at := name.Suffix(labels)
		if !owns(zone, at) { // step 3c: a match is impossible
			star, err := name.Suffix(labels - 1).Child("*")
			if err != nil || !owns(zone, star) {
				r.rcode = lookup.NXDOMAIN
				o.soa(r, apex)
				return "", false
			}
			return o.atNode(r, apex, star, name, t)
		}
		if _, ns := lookup.Find(zone, at, lookup.TypeNS); ns && at != apex && (at != name || t != lookup.TypeDS) {
			o.refer(r, apex, at) // step 3b
			return "", false
		}
		if at == name { // step 3a
			return o.atNode(r, apex, name, name, t)
		}
		if dname, ok := lookup.Find(zone, at, lookup.TypeDNAME); ok { // RFC 6672 3.2, step 3c
			return synthesise(r, dname, name, t)
		}
	}
}

func synthesise(r *outcome, dname lookup.RRset, name lookup.Name, t lookup.Type) (target lookup.Name, alias bool) {
	if _, twice := lookup.Find(r.answer, dname.Name, lookup.TypeDNAME); !twice {
		r.answer = append(r.answer, dname)
	}
	to, _ := dname.Target()
	front := string(name[:len(name)-len(dname.Name)])
	if len(front)+len(to) > 255 {
		r.rcode = lookup.YXDOMAIN
		return "", false
	}
	target = lookup.Name(front) + to
	r.answer = append(r.answer, lookup.RRset{Name: name, Type: lookup.TypeCNAME, TTL: dname.TTL, Data: lookup.PackRdata(string(target))})
	return target, t != lookup.TypeCNAME && t != lookup.TypeANY
}

// atNode answers from the RRs of one node, in the name of another if that is a
// wildcard.
func (o oracle) atNode(r *outcome, apex, node, name lookup.Name, t lookup.Type) (target lookup.Name, alias bool) {
	zone := o[apex]
	var here []lookup.RRset
	for _, s := range zone {
		if s.Name == node {
			s.Name = name
			here = append(here, s)
		}
	}
	for _, s := range here {
		if s.Type == t || t == lookup.TypeANY {
			r.answer = append(r.answer, s)
			if t != lookup.TypeANY {
				o.hosts(r, s)
			}
			return "", false // the first is the one with the lowest type
		}
	}
	if c, ok := lookup.Find(here, name, lookup.TypeCNAME); ok {
		r.answer = append(r.answer, c)
		return c.Target()
	}
	o.soa(r, apex)
	return "", false
}

func (o oracle) soa(r *outcome, apex lookup.Name) {
	soa, _ := lookup.Find(o[apex], apex, lookup.TypeSOA)
	r.authority = append(r.authority, soa.WithTTL(lookup.NegativeTTL(soa)))
}

// refer is step 3b: the NS, and the addresses that the zone has for them.
func (o oracle) refer(r *outcome, apex, cut lookup.Name) {
	r.aa = len(r.answer) > 0
	ns, _ := lookup.Find(o[apex], cut, lookup.TypeNS)
	r.authority = append(r.authority, ns)
	for host := range zones.Hosts(ns) {
		r.additional = append(r.additional, addressesAt(o[apex], host)...)
	}
}

func addressesAt(zone []lookup.RRset, host lookup.Name) (sets []lookup.RRset) {
	for _, t := range []lookup.Type{lookup.TypeA, lookup.TypeAAAA} {
		if s, ok := lookup.Find(zone, host, t); ok {
			sets = append(sets, s)
		}
	}
	return sets
}

// hosts is step 6: addresses of the hosts that an answer names, by local data.
func (o oracle) hosts(r *outcome, s lookup.RRset) {
	for host := range zones.Hosts(s) {
		apex, held := o.nearest(host, lookup.TypeA)
		if !held {
			continue
		}
		for _, t := range []lookup.Type{lookup.TypeA, lookup.TypeAAAA} {
			var inner outcome
			if _, alias := o.matchDown(&inner, apex, host, t); alias || len(inner.answer) != 1 || inner.answer[0].Type != t {
				continue
			}
			if _, twice := lookup.Find(r.additional, host, t); !twice {
				r.additional = append(r.additional, inner.answer[0])
			}
		}
		if s.Type == lookup.TypeNS && o.cut(apex, host) != "" { // RFC 8109 4.2
			r.additional = append(r.additional, addressesAt(o[apex], host)...)
		}
	}
}

// chance writes zones of so few labels that their names meet all the time.
type chance struct{ *rand.Rand }

func (c chance) pick(all ...string) string { return all[c.IntN(len(all))] }

func (c chance) owner(apex string) string {
	var b strings.Builder
	for range c.IntN(4) {
		b.WriteString(c.pick("a.", "b.", "*."))
	}
	return b.String() + apex
}

func (c chance) zone(apex string) string {
	text := fmt.Sprintf("$TTL 60\n%s SOA . . 1 2 3 4 %d\n%s NS %s\n", apex, 5+c.IntN(100), apex, c.owner("z."))
	for range c.IntN(9) {
		target := c.owner(c.pick("z.", "z.", "a.z.", "o."))
		text += c.owner(apex) + " " + c.pick("A 192.0.2.1", "A 192.0.2.2", "AAAA 2001:db8::1", "TXT x", "MX 1 "+target, "CNAME "+target, "CNAME "+target,
			"NS "+target, "NS ns.elsewhere.", "DNAME "+target, "DS 1 13 2 00") + "\n"
	}
	return text
}

// held are the zones z., sometimes a.z., and o., as far as they are sound.
func (c chance) held(t *testing.T) (*zones.Tree, oracle, string) {
	t.Helper()
	o, text := oracle{}, ""
	var all []*zones.Zone
	for _, apex := range []string{"z.", "a.z.", "o."} {
		if apex != "z." && c.IntN(2) == 0 {
			continue
		}
		for {
			file := c.zone(apex)
			z, err := zones.Load(strings.NewReader(file), apex, zones.LoadOptions{})
			if err != nil {
				continue // most often a CNAME beside other data
			}
			all, text = append(all, z), text+file
			o[z.Apex()] = slices.Collect(z.All())
			break
		}
	}
	tr, err := zones.NewTree(all...)
	if err != nil {
		t.Fatal(err)
	}
	return tr, o, text
}

// interesting are all names that a zone has, those above, and some below and beside.
func (o oracle) interesting() []lookup.Name {
	seen := map[lookup.Name]bool{}
	for _, sets := range o {
		for _, s := range sets {
			for n, ok := s.Name, true; ok; n, ok = n.Parent() {
				seen[n] = true
				for _, label := range []string{"a", "x", "*"} {
					if below, err := n.Child(label); err == nil {
						seen[below] = true
						if further, err := below.Child("b"); err == nil {
							seen[further] = true
						}
					}
				}
			}
		}
	}
	var names []lookup.Name
	for n := range seen {
		names = append(names, n)
	}
	return names
}

// Whole responses, for all that can be asked about zones that chance has written.
func TestResponsesAgreeWithTheOracle(t *testing.T) {
	t.Parallel()
	c := chance{rand.New(rand.NewPCG(7, 8))}
	types := []lookup.Type{lookup.TypeA, lookup.TypeAAAA, lookup.TypeTXT, lookup.TypeMX, lookup.TypeCNAME, lookup.TypeNS, lookup.TypeDNAME, lookup.TypeDS, lookup.TypeSOA, lookup.TypeANY}
	kinds := map[string]int{}
	for range 800 {
		tr, o, text := c.held(t)
		a := New(tr)
		for _, name := range o.interesting() {
			for _, qtype := range types {
				q := lookup.Query{Question: lookup.Question{Name: name, Type: qtype, Class: lookup.ClassIN}}
				r, err := a.Resolve(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				want := o.respond(name, qtype)
				if got := (outcome{r.Rcode, r.AA, r.Answer, r.Authority, r.Additional}); got.String() != want.String() {
					t.Fatalf("%s %s: got %s\nwant %s\nin\n%s", name, qtype, got, want, text)
				}
				kinds[fmt.Sprintf("%s %v %d", want.rcode, want.aa, min(len(want.answer), 3))]++
			}
		}
	}
	// A model that never sees a case says nothing of it.
	for _, kind := range []string{"NOERROR true 1", "NOERROR true 3", "NOERROR true 0", "NOERROR false 0", "NXDOMAIN true 0", "NXDOMAIN true 3", "REFUSED false 0"} {
		if kinds[kind] < 100 {
			t.Errorf("%s (rcode, AA, answers) came up %d times", kind, kinds[kind])
		}
	}
}
