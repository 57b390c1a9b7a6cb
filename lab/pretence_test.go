package lab

import (
	"context"
	"net/netip"
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/transport"
)

// pretend is a TLD on which a trouble can be pretended.
func pretend(t *testing.T) (*TLD, *Pretence) {
	t.Helper()
	tld, err := NewTLD(TLDOptions{Instant: true, Hosts: []string{"a", "b"}})
	if err != nil {
		t.Fatal(err)
	}
	// Of b, the address is not known yet.
	return tld, NewPretence(PretenceOptions{Next: tld, Parent: "\x02io\x00", Zone: tld.Zone(), Serial: 100, Servers: []Server{
		{Name: "\x01a\x02io\x00", Addrs: tld.Servers()[:1]}, {Name: "\x01b\x02io\x00"},
	}})
}

// Table: what each trouble has the servers say of the zone and of their own, and that
// others are left alone.
func TestPretence(t *testing.T) {
	t.Parallel()
	for trouble, want := range map[Trouble]string{
		"":       "a: refers to ns1.example.io., ns2.example.io.; b: refers to ns1.example.io., ns2.example.io.; serial 100",
		Quiet:    "a: no reply; b: no reply; no reply",
		Denial:   "a: NXDOMAIN; b: NXDOMAIN; serial 100",
		Forgery:  "a: refers to ns1.example.io., ns2.example.io.; b: refers to ns1.example.io., ns2.example.io.; serial 100",
		Laggards: "a: NXDOMAIN; b: refers to ns1.example.io., ns2.example.io.; serial 099",
		Hijack:   "a: refers to hijack.example.io.; b: refers to hijack.example.io.; serial 100",
		Emptied:  "a: NXDOMAIN; b: NXDOMAIN; serial 100",
	} {
		tld, p := pretend(t)
		ask := func(server netip.Addr, name lookup.Name, kind lookup.Type) *transport.Reply {
			r, err := p.Exchange(t.Context(), toAddr(server, name, kind))
			if err != nil {
				return nil
			}
			return r
		}
		ask(tld.Servers()[1], "\x01b\x02io\x00", lookup.TypeA) // where the address of b is told
		p.Set(trouble)
		var got []string
		for i, server := range tld.Servers() {
			got = append(got, string(rune('a'+i))+": "+saysOf(ask(server, tld.Zone(), lookup.TypeA)))
		}
		soa := ask(tld.Servers()[0], "\x02io\x00", lookup.TypeSOA)
		got = append(got, saysOf(soa))
		if got := strings.Join(got, "; "); got != want {
			t.Errorf("%q: %s\nwant %s", trouble, got, want)
		}
		if child := ask(tld.Children()[0], lookup.MustName("host1.example.io."), lookup.TypeA); child == nil || len(child.Answer) != 1 {
			t.Errorf("%q: a server of the zone says %+v", trouble, child)
		}
		if soa != nil && trouble == Forgery {
			honest, _ := tld.Exchange(t.Context(), toAddr(tld.Servers()[0], "\x02io\x00", lookup.TypeSOA))
			if soa.Answer[0].Sigs == honest.Answer[0].Sigs || len(soa.Answer[0].Sigs) != len(honest.Answer[0].Sigs) {
				t.Error("the signature is as it was")
			}
		}
	}
}

// saysOf is a reply in few words.
func saysOf(r *transport.Reply) string {
	switch {
	case r == nil:
		return "no reply"
	case r.Rcode != lookup.NOERROR:
		return r.Rcode.String()
	}
	var hosts []string
	for _, s := range append(r.Authority, r.Answer...) {
		for rdata := range s.Data.All() {
			switch s.Type {
			case lookup.TypeNS:
				hosts = append(hosts, lookup.Presentation(rdata))
			case lookup.TypeSOA:
				return "serial " + string('0'+rdata[len(rdata)-17]/100) + string('0'+rdata[len(rdata)-17]/10%10) + string('0'+rdata[len(rdata)-17]%10)
			}
		}
	}
	return "refers to " + strings.Join(hosts, ", ")
}

// Each server is asked each question once, and the hijacker never, not even when the
// trouble is over.
func TestPretenceIsSparing(t *testing.T) {
	t.Parallel()
	tld, p := pretend(t)
	for _, trouble := range append(Troubles(), "") {
		p.Set(trouble)
		for range 3 {
			_, _ = p.Exchange(t.Context(), toAddr(tld.Servers()[0], "\x02io\x00", lookup.TypeDNSKEY))
			_, _ = p.Exchange(t.Context(), toAddr(tld.Children()[0], tld.Zone(), lookup.TypeSOA))
		}
	}
	if n := tld.Sent(tld.Servers()[0], tld.Children()[0]); n != 2 {
		t.Errorf("%d messages", n)
	}
	for kind, want := range map[lookup.Type]int{lookup.TypeA: 1, lookup.TypeAAAA: 1, lookup.TypeMX: 0} {
		r, err := p.Exchange(t.Context(), toAddr(Hijacker(), tld.Zone(), kind))
		if err != nil || len(r.Answer) != want || want > 0 && !IsHijacked(r.Answer[0]) {
			t.Errorf("%s: %+v, %v", kind, r, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Exchange(ctx, toAddr(tld.Servers()[1], tld.Zone(), lookup.TypeNS)); err == nil {
		t.Error("a reply after the end")
	}
	if r, err := p.Exchange(t.Context(), toAddr(tld.Servers()[1], tld.Zone(), lookup.TypeNS)); err != nil || r == nil {
		t.Errorf("what was interrupted is remembered: %v", err)
	}
}
