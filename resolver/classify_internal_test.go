package resolver

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/transport"
)

// What servers of example.com may say when they are asked for www.example.com A,
// and what it means: scenario-format 5.4, rule by rule.
func TestRepliesAreClassified(t *testing.T) {
	t.Parallel()
	const (
		a    = "www.example.com. 60 A 192.0.2.1"
		soa  = "example.com. 60 SOA . . 1 1 1 1 60"
		down = "www.example.com. 60 NS ns.example.com."
	)
	for _, c := range []struct {
		name              string
		flags             string // AA RA TC
		rcode             lookup.Rcode
		answer, authority string
		question          string // default www.example.com. A
		want              string // kind, and then what is notable
	}{
		{name: "truncated", flags: "TC AA", answer: a, want: "useless"},
		{name: "SERVFAIL", rcode: lookup.SERVFAIL, want: "useless"},
		{name: "REFUSED", rcode: lookup.REFUSED, want: "useless lame"},
		{name: "FORMERR", rcode: lookup.FORMERR, answer: a, want: "useless"},
		{name: "NXDOMAIN", flags: "AA", rcode: lookup.NXDOMAIN, authority: soa, want: "nameError soa"},
		{name: "NXDOMAIN without SOA", flags: "AA", rcode: lookup.NXDOMAIN, want: "nameError"},
		{name: "NXDOMAIN with the SOA of a zone above", flags: "AA", rcode: lookup.NXDOMAIN, authority: "com. 60 SOA . . 1 1 1 1 60", want: "nameError"},
		{name: "NXDOMAIN with the SOA of a zone beside", flags: "AA", rcode: lookup.NXDOMAIN, authority: "ftp.example.com. 60 SOA . . 1 1 1 1 60", want: "nameError"},
		{name: "NXDOMAIN from a cache", flags: "RA", rcode: lookup.NXDOMAIN, authority: soa, want: "nameError soa secondHand"},
		{name: "NXDOMAIN behind an alias", flags: "AA", rcode: lookup.NXDOMAIN, answer: "www.example.com. 60 CNAME x.example.org.", authority: soa, want: "alias x.example.org."},
		{name: "NXDOMAIN behind an alias in the zone", flags: "AA", rcode: lookup.NXDOMAIN, answer: "www.example.com. 60 CNAME x.example.com.", authority: soa, want: "alias x.example.com. +x.example.com.:nameError"},
		{name: "answer", flags: "AA", answer: a, want: "answer"},
		{name: "answer without AA", answer: a, want: "answer"},
		{name: "answer from a cache", flags: "RA", answer: a, want: "answer secondHand"},
		{name: "answer of an authority that also recurses", flags: "AA RA", answer: a, want: "answer"},
		{name: "answer without AA beside a referral", answer: a, authority: down, want: "referral www.example.com."},
		{name: "answer with AA beside a referral", flags: "AA", answer: a, authority: down, want: "answer"},
		{name: "alias", flags: "AA", answer: "www.example.com. 60 CNAME x.example.org.\nx.example.org. 60 A 192.0.2.66", want: "alias x.example.org."},
		{name: "alias and its target", flags: "AA", answer: "www.example.com. 60 CNAME x.example.com.\nx.example.com. 60 A 192.0.2.2", want: "alias x.example.com. +x.example.com.:answer"},
		{name: "alias and its target without AA", answer: "www.example.com. 60 CNAME x.example.com.\nx.example.com. 60 A 192.0.2.2", want: "alias x.example.com."},
		{name: "alias to itself", flags: "AA", answer: "www.example.com. 60 CNAME www.example.com.", want: "alias www.example.com. +www.example.com.:alias"},
		{name: "alias asked for", flags: "AA", question: "CNAME", answer: "www.example.com. 60 CNAME x.example.com.\nx.example.com. 60 A 192.0.2.2", want: "answer x.example.com."},
		{name: "DNAME of the zone", flags: "AA", answer: "example.com. 60 DNAME example.org.", want: "redirection www.example.org."},
		{name: "DNAME of a zone above", flags: "AA", answer: "com. 60 DNAME org.", want: "useless"},
		{name: "answer of another name", flags: "AA", answer: "ftp.example.com. 60 A 192.0.2.66", want: "useless"},
		{name: "NS in the answer section", question: "NS", answer: down, want: "referral www.example.com."},
		{name: "NS that are an answer", flags: "AA", question: "NS", answer: down, want: "answer"},
		{name: "no data", flags: "AA", authority: soa, want: "noData soa"},
		{name: "no data without AA", authority: soa, want: "noData soa"},
		{name: "no data from a cache", flags: "RA", authority: soa, want: "noData soa secondHand"},
		{name: "no data and the SOA of a zone above", authority: "com. 60 SOA . . 1 1 1 1 60", want: "useless lame"},
		{name: "no data and NS of the zone", flags: "AA", authority: "example.com. 60 NS ns.example.com.", want: "noData"},
		{name: "referral to the zone itself", authority: "example.com. 60 NS ns.example.com.", want: "useless lame"},
		{name: "referral upwards", authority: "com. 60 NS ns.example.com.", want: "useless lame"},
		{name: "referral to the root", authority: ". 60 NS ns.example.com.", want: "useless lame"},
		{name: "referral beside", authority: "ftp.example.com. 60 NS ns.example.com.", want: "useless"},
		{name: "referral", authority: down, want: "referral www.example.com."},
		{name: "referral with AA", flags: "AA", authority: down, want: "referral www.example.com."},
		{name: "referral for a DS", question: "DS", authority: down, want: "noData"},
		{name: "nothing", flags: "AA", want: "empty"},
	} {
		q := lookup.Question{Name: lookup.MustName("www.example.com."), Type: lookup.TypeA, Class: lookup.ClassIN}
		if t, ok := map[string]lookup.Type{"NS": lookup.TypeNS, "CNAME": lookup.TypeCNAME, "DS": lookup.TypeDS}[c.question]; ok {
			q.Type = t
		}
		got := describe(classify(lookup.MustName("example.com."), q, &transport.Reply{
			Rcode:     c.rcode,
			AA:        strings.Contains(c.flags, "AA"),
			RA:        strings.Contains(c.flags, "RA"),
			TC:        strings.Contains(c.flags, "TC"),
			Answer:    lookup.MustRRsets(c.answer),
			Authority: lookup.MustRRsets(c.authority),
		}))
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func (k kind) String() string {
	return [...]string{"useless", "empty", "answer", "alias", "redirection", "noData", "nameError", "referral"}[k]
}

func describe(v verdict) string {
	text := v.kind.String()
	if v.next != "" {
		text += " " + v.next.String()
	}
	if v.kind == referral {
		text += " " + v.cut.zone.String()
	}
	for what, is := range map[string]bool{" lame": v.lame, " soa": v.soa.Type == lookup.TypeSOA} {
		if is {
			text += what
		}
	}
	if v.secondHand {
		text += " secondHand"
	}
	for _, f := range v.rest {
		text += fmt.Sprintf(" +%s:%s", f.question.Name, f.verdict.kind)
	}
	return text
}

func TestAReferralIsTakenInPartOnly(t *testing.T) {
	t.Parallel()
	var ns, glue strings.Builder
	for i := range 40 {
		fmt.Fprintf(&ns, "example.com. 600 NS ns%d.example.com.\n", i)
		for j := range 20 {
			fmt.Fprintf(&glue, "ns%d.example.com. 500 A 192.0.%d.%d\n", i, i, j+1)
		}
	}
	c := newCut(lookup.MustName("com."), lookup.MustRRsets(ns.String())[0], lookup.MustRRsets(glue.String()))
	if len(c.servers) != maxNames || c.ttl != 500 {
		t.Errorf("%d servers, TTL %d", len(c.servers), c.ttl)
	}
	for _, s := range c.servers {
		if len(s.Addrs) != maxAddresses {
			t.Errorf("%s has %d addresses", s.Name, len(s.Addrs))
		}
	}
}

func FuzzClassify(f *testing.F) {
	f.Add("www.example.com. 60 A 192.0.2.1", "example.com. 60 NS ns.example.com.", uint8(1), uint8(0))
	f.Add("example.com. 60 DNAME example.org.", "example.com. 60 SOA . . 1 1 1 1 60", uint8(0), uint8(3))
	f.Fuzz(func(t *testing.T, answer, authority string, flags, rcode uint8) {
		sections := [2][]lookup.RRset{}
		for i, text := range []string{answer, authority} {
			sets, err := lookup.ParseRRsets(text)
			if err != nil {
				return
			}
			sections[i] = sets
		}
		zone, q := lookup.MustName("example.com."), hopQuestion(lookup.MustName("www.example.com."), lookup.TypeA)
		v := classify(zone, q, &transport.Reply{
			Rcode: lookup.Rcode(rcode), AA: flags&1 != 0, RA: flags&2 != 0, Answer: sections[0], Authority: sections[1], Additional: sections[0],
		})
		for _, s := range v.sets {
			if s.Name != q.Name && !(v.kind == redirection && isAbove(s.Name, q.Name)) || !s.Name.IsSubdomainOf(zone) {
				t.Errorf("believed %v", s)
			}
		}
		if v.kind == referral && (!isAbove(zone, v.cut.zone) || !q.Name.IsSubdomainOf(v.cut.zone)) {
			t.Errorf("referred to %v", v.cut.zone)
		}
		if v.soa.Type == lookup.TypeSOA && !v.soa.Name.IsSubdomainOf(zone) {
			t.Errorf("believed %v", v.soa)
		}
		newAnswers(Options{}.withDefaults(), nil).keep(q, v, Options{}.withDefaults().Now())
	})
}
