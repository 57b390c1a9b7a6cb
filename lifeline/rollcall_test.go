package lifeline_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/lifeline"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/transport"
)

const example = lookup.Name("\x07example\x02io\x00")

// What one server of the parent says, and what it is taken for.
func TestVotes(t *testing.T) {
	t.Parallel()
	sets := func(more ...lookup.RRset) []lookup.RRset { return append(lookup.MustRRsets(glued), more...) }
	says := func(reply transport.Reply) func(*world) script {
		return func(w *world) script {
			return func(r transport.Request) *transport.Reply {
				own := reply
				own.Cookie = true
				return &own
			}
		}
	}
	const covers = "io. 900 NSEC zz.io. NS SOA RRSIG NSEC DNSKEY"
	for _, c := range []struct {
		name     string
		unsigned bool
		say      func(w *world) script
		want     lifeline.Finding
		secure   bool
		err      string
	}{
		{name: "a referral", unsigned: true, say: func(w *world) script { return w.refers(sets()...) }, want: lifeline.Refers},
		{name: "a signed DS", say: func(w *world) script { return w.refers(sets(w.ds(w.child))...) }, want: lifeline.Refers, secure: true},
		{name: "a DS that a stranger has signed", say: func(w *world) script {
			ds := w.ds(w.child)
			stranger := newKey(t, "io.")
			ds.Sigs = ""
			return w.refers(sets(w.signed(ds, stranger))...)
		}, want: lifeline.Bogus, err: "DS"},
		{name: "a proof that there is no DS", say: func(w *world) script {
			return w.refers(sets(w.nsec("example.io. 900 NSEC zz.io. NS RRSIG NSEC"))...)
		}, want: lifeline.Refers, secure: true},
		{name: "an opt-out span", say: func(w *world) script { return w.refers(sets(w.optOut())...) }, want: lifeline.Refers, secure: true},
		{name: "a proof of something else", say: func(w *world) script {
			return w.refers(sets(w.nsec("aaa.io. 900 NSEC bbb.io. NS RRSIG NSEC"))...)
		}, want: lifeline.Bogus, err: "no DS"},
		{name: "no word of DS", say: func(w *world) script { return w.refers(sets()...) }, want: lifeline.Refers},
		{name: "NXDOMAIN", unsigned: true, say: func(w *world) script { return w.denies() }, want: lifeline.Denies},
		{name: "NXDOMAIN that is proven", say: func(w *world) script { return w.denies(w.nsec(covers)) }, want: lifeline.Disproves},
		{name: "NXDOMAIN in an opt-out span", say: func(w *world) script { return w.denies(w.optOut()) }, want: lifeline.OptsOut},
		{name: "NXDOMAIN without the proof that there has to be", say: func(w *world) script { return w.denies() }, want: lifeline.Bogus, err: "denies without a proof"},
		{name: "NXDOMAIN with another's proof", say: func(w *world) script {
			n := w.nsec(covers)
			n.Sigs = ""
			return w.denies(w.signed(n, newKey(t, "io.")))
		}, want: lifeline.Bogus, err: "does not exist"},
		{name: "NXDOMAIN at second hand", say: says(transport.Reply{Rcode: lookup.NXDOMAIN, Authority: []lookup.RRset{soa(1)}}), want: lifeline.Errs, err: "no authority for io."},
		{name: "NODATA", say: says(transport.Reply{AA: true, Authority: []lookup.RRset{soa(1)}}), want: lifeline.Empty},
		{name: "a referral upwards", say: says(transport.Reply{Authority: lookup.MustRRsets(". 60 NS a.root.")}), want: lifeline.Errs, err: "no authority"},
		{name: "REFUSED", say: says(transport.Reply{Rcode: lookup.REFUSED}), want: lifeline.Errs, err: "REFUSED"},
		{name: "SERVFAIL", say: says(transport.Reply{Rcode: lookup.SERVFAIL}), want: lifeline.Errs, err: "SERVFAIL"},
		{name: "truncated over TCP, too", say: says(transport.Reply{TC: true}), want: lifeline.Errs, err: "truncated"},
		{name: "nothing", say: (*world).silent, want: lifeline.Silent, err: "no reply in time"},
		{name: "both zones on one server", say: func(w *world) script {
			return func(r transport.Request) *transport.Reply {
				switch r.Question.Type {
				case lookup.TypeNS: // the zone's own set, with its addresses
					return &transport.Reply{AA: true, Cookie: true, Answer: sets()[:1], Additional: sets()[1:]}
				case lookup.TypeDS: // the parent's (RFC 4035 3.1.4.1)
					return &transport.Reply{AA: true, Cookie: true, Answer: []lookup.RRset{w.ds(w.child)}}
				}
				return nil
			}
		}, want: lifeline.Refers, secure: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.set(server(0), c.say(w))
				p := w.io(!c.unsigned)
				p.Hosts = p.Hosts[:1]
				begun := time.Now()
				b := w.caller().Call(t.Context(), example, p, lifeline.Snapshot{})
				v := b.Votes[0]
				if v.Finding != c.want || v.Secure != c.secure || !strings.Contains(v.Err, c.err) || (c.err == "") != (v.Err == "") {
					t.Errorf("got %s, secure %v, %q", v.Finding, v.Secure, v.Err)
				}
				if v.Finding == lifeline.Refers && len(v.Delegation.Addresses()) != 2 {
					t.Errorf("delegation %+v", v.Delegation)
				}
				if took := time.Since(begun); took > 6*time.Second {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// A packet that anybody may have sent decides nothing; it may confirm what is known.
func TestOnePacketIsNotEnough(t *testing.T) {
	t.Parallel()
	known := lifeline.Snapshot{Delegation: good()}
	other := lookup.MustRRsets("example.io. 3600 NS ns.attacker.io.\nns.attacker.io. 3600 A 203.0.113.66")
	for _, c := range []struct {
		name string
		udp  []lookup.RRset
		tcp  bool // speaks TCP, and tells the truth there
		want lifeline.Finding
	}{
		{"a change without a cookie", other, false, lifeline.Silent},
		{"the same, and TCP has the truth", other, true, lifeline.Refers},
		{"what is known", lookup.MustRRsets(glued), false, lifeline.Refers},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.set(server(0), func(r transport.Request) *transport.Reply {
				sets := c.udp
				switch {
				case r.TCP && !c.tcp:
					return nil
				case r.TCP:
					sets = lookup.MustRRsets(glued)
				}
				reply := w.refers(sets...)(r)
				reply.Cookie = false
				return reply
			})
			p := w.io(false)
			p.Hosts = p.Hosts[:1]
			v := w.caller().Call(t.Context(), example, p, known).Votes[0]
			if v.Finding != c.want || v.Finding == lifeline.Refers && !v.Delegation.Agrees(known.Delegation) {
				t.Errorf("%s: %+v", c.name, v)
			}
		})
	}
}

// A server of the parent has no say about the addresses of names that are not the
// parent's, and no server has one that nobody can have.
func TestGlueIsTheParents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.set(server(0), w.refers(lookup.MustRRsets(glued+"example.io. 3600 NS ns.else.net.\nns.else.net. 3600 A 203.0.113.66\nns1.example.io. 3600 A 0.0.0.0\nns2.example.io. 3600 AAAA ff02::1")...))
	p := w.io(false)
	p.Hosts = p.Hosts[:1]
	d := w.caller().Call(t.Context(), example, p, lifeline.Snapshot{}).Votes[0].Delegation
	if len(d.Hosts) != 3 || len(d.Addresses()) != 2 {
		t.Errorf("%+v", d)
	}
}

// Whoever has a key that was trusted may move the zone; whoever has the parent may not.
func TestContinuity(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		signed bool // the new keys, by the old one
		want   bool
	}{{"a rollover", true, true}, {"a hijack", false, false}} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			fresh := newKey(t, "example.io.")
			w.set(server(0), w.refers(append(lookup.MustRRsets(glued), w.ds(fresh))...))
			for _, a := range good().Addresses() {
				w.set(a, func(r transport.Request) *transport.Reply {
					keys := lookup.RRset{Name: example, Type: lookup.TypeDNSKEY, TTL: 3600, Data: lookup.PackRdata(fresh.Key.Rdata, w.child.Key.Rdata)}
					signed := w.signed(keys, fresh)
					if c.signed {
						signed.Sigs += w.signed(keys, w.child).Sigs
					}
					return &transport.Reply{AA: true, Answer: []lookup.RRset{signed}}
				})
			}
			known := lifeline.Snapshot{Zone: example, Delegation: good(), Standing: lifeline.Secure, Keys: []string{w.child.Key.Rdata}}
			known.DS = []string{w.ds(w.child).Data.First()}
			p := w.io(true)
			p.Hosts = p.Hosts[:1]
			if v := w.caller().Call(t.Context(), example, p, known).Votes[0]; v.Continuous != c.want || !v.Secure {
				t.Errorf("%s: %+v", c.name, v)
			}
		})
	}
}

// All are asked at once, no more than there is use for, and the wait is bounded.
func TestRollCallIsShort(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.all(0, 7, nil)
		p := w.io(false)
		for range 5 {
			p.Hosts = append(p.Hosts, p.Hosts...)
		}
		begun := time.Now()
		b := w.caller().Call(t.Context(), example, p, lifeline.Snapshot{})
		if took := time.Since(begun); took > 3*time.Second || len(b.Votes) != 26 || w.count("") > 2*26 {
			t.Errorf("%d votes in %v with %d messages", len(b.Votes), took, w.count(""))
		}
		if b.String() != "26 silent" {
			t.Errorf("got %s", b)
		}
	})
}
