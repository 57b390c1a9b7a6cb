package override_test

import (
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/override"
)

// T15: a zone is answered from one with the same content under another TLD.
func TestAMirrorAnswersUnderItsOwnNames(t *testing.T) {
	t.Parallel()
	w := newWorld(mirror("example.jp.", "example.io.", override.Always))
	const told = " EDE 29 (Synthesized): example.jp. is answered from its mirror example.io."
	for _, c := range [][3]string{ // the question, what the other zone says, what clients hear
		{"www.example.jp. A", "www.example.io. 60 IN A 192.0.2.80\nwww.example.io. 60 IN RRSIG A 13 3 60 20300101000000 20200101000000 1 example.io. AAAA", "answer: | www.example.jp. 60 IN A 192.0.2.80"},
		{"example.jp. MX", "example.io. 60 IN MX 10 Mail.Example.io.\nexample.io. 60 IN MX 20 mx.example.com.", "answer: | example.jp. 60 IN MX 10 Mail.example.jp. | example.jp. 60 IN MX 20 mx.example.com."},
		{"_s._tcp.example.jp. SRV", "_s._tcp.example.io. 60 IN SRV 1 2 443 www.example.io.", "answer: | _s._tcp.example.jp. 60 IN SRV 1 2 443 www.example.jp."},
		{"example.jp. HTTPS", "example.io. 60 IN HTTPS 1 svc.example.io. alpn=\"h2\"", "answer: | example.jp. 60 IN HTTPS 1 svc.example.jp. alpn=\"h2\""},
		{"example.jp. SOA", "example.io. 60 IN SOA ns.example.io. host.example.io. 7 2 3 4 5", "answer: | example.jp. 60 IN SOA ns.example.jp. host.example.jp. 7 2 3 4 5"},
		{"a.example.jp. A", "a.example.io. 60 IN CNAME b.example.io.\nb.example.io. 60 IN CNAME x.example.com.\nx.example.com. 60 IN A 192.0.2.1", "answer: | a.example.jp. 60 IN CNAME b.example.jp. | b.example.jp. 60 IN CNAME x.example.com. | x.example.com. 60 IN A 192.0.2.1"},
		// Each of the zones has an alias to the other.
		{"same.example.jp. A", "same.example.io. 60 IN CNAME same.example.jp.\nsame.example.jp. 60 IN A 192.0.2.2", "answer: | same.example.jp. 60 IN A 192.0.2.2"},
		{"d.old.example.jp. A", "old.example.io. 60 IN DNAME new.example.io.\nd.old.example.io. 60 IN CNAME d.new.example.io.\nd.new.example.io. 60 IN A 192.0.2.3", "answer: | old.example.jp. 60 IN DNAME new.example.jp. | d.old.example.jp. 60 IN CNAME d.new.example.jp. | d.new.example.jp. 60 IN A 192.0.2.3"},
	} {
		name, kind, _ := strings.Cut(c[0], " ")
		w.next.tell(strings.Replace(name, "example.jp.", "example.io.", 1)+" "+kind, c[1])
		expect(t, w.ask(t, "v", c[0]), "NOERROR"+told+" | "+c[2])
	}
	w.next.tell("no.example.io. A", "!NXDOMAIN example.io.")
	expect(t, w.ask(t, "v", "no.example.jp."), "NXDOMAIN"+told+" | authority: | example.jp. 900 IN SOA a. b. 1 2 3 4 900")
	expect(t, w.ask(t, "v", "example.jp. DNSKEY"), "NOERROR"+told+" | authority: | example.jp. 60 IN SOA ns.example.jp. host.example.jp. 7 2 3 4 5")
	w.next.tell("bad.example.io. A", "!fail")
	expect(t, w.ask(t, "v", "bad.example.jp."), "EDE 22 (No Reachable Authority): nobody is there")
}

// A name may be too long for the other zone, and a target for this one.
func TestNamesThatDoNotFitAreLeft(t *testing.T) {
	t.Parallel()
	long := strings.Repeat(strings.Repeat("x", 60)+".", 4)
	w := newWorld(mirror("jp.", "a-long-name.example.", override.Always))
	if got := w.ask(t, "v", long+"jp."); !strings.Contains(got, "has no equal in a-long-name.example.") {
		t.Error(got)
	}
	w = newWorld(mirror("a-long-name.example.", "jp.", override.Always))
	w.next.tell("www.jp. CNAME", "www.jp. 60 IN CNAME "+long+"jp.")
	if got := w.ask(t, "v", "www.a-long-name.example. CNAME"); !strings.HasSuffix(got, "xxx.jp.") {
		t.Error(got)
	}
}

// Both ways: no name is looked for by two mirrors, and a mirror is asked by the other
// overrides that it has.
func TestTwoMirrorsDoNotLoop(t *testing.T) {
	t.Parallel()
	for _, when := range []override.When{override.Outage, override.Always} {
		w := newWorld(mirror("example.jp.", "example.io.", when), mirror("example.io.", "example.jp.", when))
		w.next.tell("*", "!fail")
		expect(t, w.ask(t, "v", "www.example.jp."), "EDE 22 (No Reachable Authority): nobody is there")
		w.next.tell("www.example.io. A", "www.example.io. 60 IN A 192.0.2.80")
		if got := w.ask(t, "v", "www.example.jp."); !strings.HasSuffix(got, "www.example.jp. 60 IN A 192.0.2.80") {
			t.Errorf("%s: %s", when, got)
		}
		w.next.heard()
		w.next.tell("x.example.io. A", "x.example.io. 60 IN CNAME x.example.jp.")
		w.next.tell("x.example.jp. A", "x.example.jp. 60 IN CNAME x.example.io.")
		w.ask(t, "v", "x.example.jp.")
		if n := strings.Count(w.next.heard(), ","); n > 30 {
			t.Errorf("%d questions", n)
		}
	}
	w := newWorld(mirror("example.jp.", "example.io.", override.Always), servers("example.io.", override.Always, ns))
	w.tellers[ns].tell("*", "www.example.io. 60 IN A 10.0.0.1")
	if got := w.ask(t, "v", "www.example.jp."); !strings.HasSuffix(got, "www.example.jp. 60 IN A 10.0.0.1") || w.next.heard() != "" {
		t.Error(got)
	}
}

// What a mirror is made of goes through what stands before overrides, too.
func TestAMirrorOfAZoneOfOurs(t *testing.T) {
	t.Parallel()
	w := newWorld(mirror("example.jp.", "example.io.", override.Always))
	ours := &teller{says: map[string]string{"*": "www.example.io. 60 IN A 10.0.0.1"}}
	by := w.Before(override.View{Name: "v", Next: w.next, Ours: func(next lookup.Resolver) lookup.Resolver {
		return choose{ours, next}
	}})
	if got := asked(t, by, "www.example.jp."); !strings.HasSuffix(got, "www.example.jp. 60 IN A 10.0.0.1") {
		t.Error(got)
	}
}

func FuzzRdataOfMirrors(f *testing.F) {
	f.Add(uint16(15), "\x00\x0a\x04mail\x07example\x02io\x00")
	f.Add(uint16(35), "\x00\x01\x00\x01\x01u\x00\x00\x07example\x02io\x00")
	f.Add(uint16(6), "\x07example\x02io\x00\x07example\x02io\x00aaaabbbbccccddddeeee")
	f.Add(uint16(5), "\x00")
	f.Fuzz(func(t *testing.T, kind uint16, rdata string) {
		if len(rdata) > 65535 {
			return
		}
		rrs := lookup.RRset{Name: zone("www.example.io."), Type: lookup.Type(kind), TTL: 1, Data: lookup.PackRdata(rdata)}
		next := &fixed{r: &lookup.Response{Answer: []lookup.RRset{rrs}}, of: rrs.Name}
		w := newWorld(mirror("example.jp.", "example.io.", override.Always))
		r, err := w.Before(override.View{Next: next}).Resolve(t.Context(), query("www.example.jp."))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range r.Answer {
			if s.Data.Len() != 1 || s.Name != zone("www.example.jp.") {
				t.Errorf("%v", s)
			}
		}
	})
}
