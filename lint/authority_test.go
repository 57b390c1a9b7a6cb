package lint

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/ecs"
)

// tailors is an authority for example. that has an answer for 9.8.0.0/16 and another one
// for everyone else, and habits.
type tailors struct {
	noECS, unasked, swaps, silentNegative, scopedNegative, private, overlap, takesScope, exception bool
}

func (h tailors) respond(t *testing.T) responder {
	return func(q *dns.Msg) *dns.Msg {
		r := new(dns.Msg).SetReply(q)
		r.Authoritative = true
		asked := q.Question[0]
		switch {
		case asked.Name == "example." && asked.Qtype == dns.TypeSOA:
			r.Answer = []dns.RR{rr(t, "example. 60 SOA ns.example. h.example. 1 2 3 4 5")}
		case asked.Name == "www.example." && asked.Qtype == dns.TypeA:
			r.Answer = []dns.RR{rr(t, "www.example. 60 A 192.0.2.1")}
		case asked.Name != "www.example." && asked.Name != "example.":
			r.Rcode = dns.RcodeNameError
		}
		if q.IsEdns0() == nil {
			return r
		}
		r.SetEdns0(1232, false)
		o := subnet(q)
		if o == nil && h.unasked {
			o = &dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, Address: net.IPv4zero}
		}
		if o == nil || h.noECS {
			return r
		}
		if !h.takesScope && o.SourceScope != 0 {
			r.Rcode, r.Answer = dns.RcodeFormatError, nil
		}
		h.tailor(r, o)
		return r
	}
}

// tailor puts the option into a reply, and the answer that it is about.
func (h tailors) tailor(r *dns.Msg, o *dns.EDNS0_SUBNET) {
	a, _ := netip.AddrFromSlice(o.Address)
	source := netip.PrefixFrom(a, int(o.SourceNetmask))
	if o.Family == 1 {
		source = netip.PrefixFrom(a.Unmap(), int(o.SourceNetmask))
	}
	scope := 0
	west := netip.MustParsePrefix("9.8.0.0/16")
	switch {
	case len(r.Answer) == 0:
		if h.silentNegative {
			return
		}
		if h.scopedNegative {
			scope = 24
		}
	case r.Question[0].Name == "www.example." && source.Addr().Is4():
		for scope = 1; scope < 16 && netip.PrefixFrom(source.Addr(), scope).Masked().Overlaps(west); scope++ {
		}
		if public := netip.MustParsePrefix("9.9.9.0/24"); h.exception {
			scope = 0
			if public.Contains(source.Addr()) {
				scope, r.Answer[0].(*dns.A).A = 24, net.IPv4(192, 0, 2, 3)
			}
		}
		if h.overlap {
			scope = int(source.Addr().As4()[0] & 7) // whatever
		}
		if west.Contains(source.Addr()) {
			r.Answer[0].(*dns.A).A = net.IPv4(192, 0, 2, 2)
		}
		if scope > 8 && !h.private && source.Addr().IsPrivate() {
			scope = 8
		}
	}
	if h.private && source.Addr().IsPrivate() {
		scope = 24
	}
	if h.swaps {
		source = netip.PrefixFrom(source.Addr(), min(source.Bits(), 16)).Masked()
	}
	r.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_LOCAL{Code: dns.EDNS0SUBNET, Data: []byte(ecs.Option{Source: source, Scope: uint8(scope)}.Data())}}
}

func TestAuthoritiesAreSeenThrough(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		h    tailors
		want []string
	}{
		"good":               {tailors{}, nil},
		"takes no part":      {tailors{noECS: true}, nil},
		"unasked":            {tailors{unasked: true}, []string{"unasked"}},
		"another network":    {tailors{swaps: true}, []string{"echo-ipv4", "echo-ipv6", "echo-odd", "echo-negative", "tcp"}},
		"silent negatives":   {tailors{silentNegative: true}, []string{"echo-ipv4", "echo-ipv6", "echo-odd", "echo-nobody-ipv4", "echo-nobody-ipv6", "echo-negative", "tcp"}},
		"negatives for some": {tailors{scopedNegative: true}, []string{"negative", "private"}},
		"private networks":   {tailors{private: true}, []string{"private"}},
		"a small exception":  {tailors{exception: true}, []string{"overlap"}},
		"takes scopes":       {tailors{takesScope: true}, nil},
		"overlapping scopes": {tailors{overlap: true}, []string{"overlap"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := ECSAuthority(t.Context(), client(t, c.h.respond(t)), Authority{Zone: "example", Names: []string{"www.example"}})
			if err != nil {
				t.Fatal(err)
			}
			got := slices.DeleteFunc(wrong(r), func(id string) bool { return strings.HasPrefix(id, "formerr-") })
			if !slices.Equal(got, c.want) {
				t.Errorf("%v, want %v\n%+v", got, c.want, r.Checks)
			}
			if f, _ := r.Find("formerr-scope"); (f.Result == OK) == (c.h.noECS || c.h.takesScope) {
				t.Errorf("%+v", f)
			}
		})
	}
}

func TestWhoDoesNotSpeakForTheZoneIsWarnedOf(t *testing.T) {
	t.Parallel()
	r, err := ECSAuthority(t.Context(), client(t, func(q *dns.Msg) *dns.Msg { return new(dns.Msg).SetRcode(q, dns.RcodeRefused) }), Authority{Zone: "example"})
	if c, _ := r.Find("aa"); err != nil || c.Result != Warning {
		t.Errorf("%v, %+v", err, c)
	}
}
