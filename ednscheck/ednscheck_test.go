package ednscheck

import (
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// section is the case of that section, the first if there are several.
func section(t *testing.T, s string) Case {
	t.Helper()
	for _, c := range Cases() {
		if c.Section == s {
			return c
		}
	}
	t.Fatalf("no case %s", s)
	return Case{}
}

func TestEverySectionHasItsCase(t *testing.T) {
	t.Parallel()
	for _, s := range strings.Fields("8.1.1 8.1.2 8.1.3.1 8.1.3.2 8.1.3.3 8.1.3.4 8.1.4 8.1.5 8.2.1 8.2.2 8.2.3 8.2.4 8.2.5 8.2.6 8.2.7 8.2.8 8.2.9 8.2.10") {
		section(t, s)
	}
	var seen []string
	for _, c := range Cases() {
		if slices.Contains(seen, c.String()) {
			t.Errorf("%s is there twice", c)
		}
		seen = append(seen, c.String())
	}
}

// The message and the words for dig say the same.
func TestQueriesInBothForms(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"8.1.1":   "+norec +noad +nocd +nozflag +notcp +nocookie +nodnssec +ignore +noedns example. SOA",
		"8.1.3.3": "+norec +noad +nocd +zflag +notcp +nocookie +nodnssec +ignore +noedns example. SOA",
		"8.1.4":   "+norec +noad +nocd +nozflag +notcp +nocookie +nodnssec +ignore +opcode=3 +header-only +noedns",
		"8.2.5":   "+norec +noad +nocd +nozflag +notcp +nocookie +nodnssec +ignore +edns=1 +noednsneg +bufsize=4096 +ednsflags=0x40 example. SOA",
		"8.2.7":   "+norec +noad +nocd +nozflag +notcp +nocookie +dnssec +ignore +edns=0 +noednsneg +bufsize=512 example. DNSKEY",
		"8.2.10":  "+norec +noad +nocd +nozflag +notcp +cookie +nodnssec +ignore +edns=0 +noednsneg +bufsize=4096 +nsid +subnet=0.0.0.0/0 +expire example. SOA",
	} {
		if got := strings.Join(section(t, s).Dig("example"), " "); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", s, got, want)
		}
	}
	for _, c := range Cases() {
		b, err := c.Query("example").Pack()
		if err != nil {
			t.Fatalf("%s: %v", c, err)
		}
		m := new(dns.Msg)
		if err := m.Unpack(b); err != nil {
			t.Fatalf("%s: %v", c, err)
		}
		o := Observe(m, len(b))
		if m.Opcode != c.Opcode || m.Zero != c.Z || m.CheckingDisabled != c.CD || m.AuthenticatedData != c.AD || m.RecursionDesired != c.RD ||
			o.EDNS != c.EDNS || o.Version != c.Version || o.DO != c.DO || o.Flags != c.Flags || !slices.Equal(o.Options, c.Options) || (len(m.Question) == 0) != c.HeaderOnly {
			t.Errorf("%s: the message is\n%v", c, m)
		}
	}
}

// Each thing that can be wrong is found, alone.
func TestJudge(t *testing.T) {
	t.Parallel()
	good := Observation{AA: true, SOA: true, Answers: 1}
	edns := good
	edns.EDNS = true
	badvers := Observation{Rcode: 16, EDNS: true}
	with := func(o Observation, change func(*Observation)) Observation {
		change(&o)
		return o
	}
	for _, c := range []struct {
		section string
		o       Observation
		want    string // "" when all is well
	}{
		{"8.1.1", good, ""},
		{"8.1.1", with(good, func(o *Observation) { o.Rcode = 5 }), "rcode REFUSED, expected NOERROR"},
		{"8.1.1", with(good, func(o *Observation) { o.AA = false }), "AA is missing"},
		{"8.1.1", with(good, func(o *Observation) { o.SOA = false }), "there is no SOA in the answer section"},
		{"8.1.1", edns, "there is an OPT, and the query had none"},
		{"8.1.1", with(good, func(o *Observation) { o.Size = 513 }), "513 octets, expected 512 at most"},
		{"8.1.2", Observation{AA: true}, ""},
		{"8.1.2", good, "there are 1 RRs in the answer section, expected none"},
		{"8.1.3.3", with(good, func(o *Observation) { o.Z = true }), "the reserved bit of the header is set"},
		{"8.1.4", Observation{Rcode: 4}, ""},
		{"8.1.4", Observation{Rcode: 4, AA: true}, "AA is set, which means nothing for an unknown opcode"},
		{"8.1.4", Observation{Rcode: 1}, "rcode FORMERR, expected NOTIMP"},
		{"8.1.5", with(good, func(o *Observation) { o.Size = 5000 }), ""},
		{"8.2.1", good, "there is no OPT, and the query had one"},
		{"8.2.1", with(edns, func(o *Observation) { o.DO = true }), "DO is true, expected what the query has"},
		{"8.2.2", badvers, ""},
		{"8.2.2", with(badvers, func(o *Observation) { o.Version = 1 }), "EDNS version 1, expected 0"},
		{"8.2.2", with(badvers, func(o *Observation) { o.Rcode = 0 }), "rcode NOERROR, expected BADVERS"},
		{"8.2.2", with(badvers, func(o *Observation) { o.Answers, o.SOA = 1, true }), "there are 1 RRs in the answer section, expected none"},
		{"8.2.3", edns, ""},
		{"8.2.3", with(edns, func(o *Observation) { o.Options = []uint16{100} }), "the unknown option comes back"},
		{"8.2.4", with(edns, func(o *Observation) { o.Flags = 0x40 }), "unknown flags of EDNS are set: 0x40"},
		{"8.2.7", Observation{AA: true, EDNS: true, DO: true, Size: 512}, ""},
		{"8.2.8", edns, "DO is false, expected what the query has"},
		{"8.2.10", with(edns, func(o *Observation) { o.Options = []uint16{3, 8, 10} }), ""},
	} {
		if got := strings.Join(section(t, c.section).Judge(c.o, true), "; "); got != c.want {
			t.Errorf("%s %+v:\ngot  %s\nwant %s", c.section, c.o, got, c.want)
		}
	}
	if got := section(t, "8.1.1").Judge(with(good, func(o *Observation) { o.AA = false }), false); got != nil {
		t.Errorf("a resolver is asked for AA: %v", got)
	}
}
