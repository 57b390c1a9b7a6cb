package lint

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// patience is for servers that never answer, and for machines that are busy.
const patience = 5 * time.Second

// habits are what a resolver may do, and should not.
type habits struct {
	strips    bool // tells authorities nothing, and echoes nothing
	leaks     bool // tells them whatever it was told, all of it
	curious   bool // tells the client's network when it asks for privacy
	mixes     bool // keeps answers by name only
	refuses   bool // who asks for privacy
	unasked   bool // options for those who sent none
	misquotes bool // another network in the reply
	lost      bool // does not find the Witness
}

// resolving is a resolver with habits, which knows the Witness.
func resolving(t *testing.T, w *Witness, h habits) responder {
	cache := map[string]*dns.Msg{}
	lock := make(chan struct{}, 1)
	return func(q *dns.Msg) *dns.Msg {
		lock <- struct{}{}
		defer func() { <-lock }()
		r := new(dns.Msg).SetReply(q)
		r.RecursionAvailable = true
		o := subnet(q)
		if h.lost {
			r.Rcode = dns.RcodeServerFailure
			return r
		}
		if h.refuses && o != nil && o.SourceNetmask == 0 {
			r.Rcode = dns.RcodeRefused
			return r
		}
		told := shorten(o, h)
		key := fmt.Sprint(q.Question[0].Name, q.Question[0].Qtype)
		if !h.mixes && told != nil {
			key += told.String()
		}
		known := cache[key]
		if known == nil {
			ask := new(dns.Msg).SetQuestion(q.Question[0].Name, q.Question[0].Qtype)
			ask.SetEdns0(1232, false)
			if told != nil {
				ask.IsEdns0().Option = []dns.EDNS0{told}
			}
			packed, err := ask.Pack()
			if err != nil {
				t.Error(err)
				return nil
			}
			known = new(dns.Msg)
			if err := known.Unpack(w.respond(packed, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 5353})); err != nil {
				t.Error(err)
				return nil
			}
			cache[key] = known
		}
		r.Answer, r.Ns, r.Rcode = known.Answer, known.Ns, known.Rcode
		return withOption(r, q, o, h)
	}
}

// shorten is what is told of a client.
func shorten(o *dns.EDNS0_SUBNET, h habits) *dns.EDNS0_SUBNET {
	switch {
	case h.curious && o != nil && o.SourceNetmask == 0:
		return &dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 24, Address: net.IPv4(9, 9, 8, 0)}
	case o == nil || o.SourceNetmask == 0 || h.strips:
		return nil
	case h.leaks:
		return o
	case o.Address.IsPrivate() || o.Address.IsLoopback():
		return nil
	}
	most, bits := uint8(24), 32
	if o.Family == 2 {
		most, bits = 56, 128
	}
	n := *o
	n.SourceNetmask = min(n.SourceNetmask, most)
	n.Address = n.Address.Mask(net.CIDRMask(int(n.SourceNetmask), bits))
	return &n
}

// withOption is the reply with what is echoed.
func withOption(r, q *dns.Msg, o *dns.EDNS0_SUBNET, h habits) *dns.Msg {
	if q.IsEdns0() == nil {
		return r
	}
	r.SetEdns0(1232, false)
	switch {
	case o == nil && h.unasked:
		o = &dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 24, Address: net.IPv4(9, 9, 9, 0)}
	case o == nil || h.strips:
		return r
	case h.misquotes && o.SourceNetmask == 24:
		o = &dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 24, Address: net.IPv4(9, 9, 7, 0)}
	}
	r.IsEdns0().Option = []dns.EDNS0{o}
	return r
}

func TestResolversAreSeenThroughAWitness(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		h    habits
		want []string
	}{
		"good":          {habits{}, nil},
		"tells nothing": {habits{strips: true}, nil},
		"tells all":     {habits{leaks: true}, []string{"limit-ipv4", "limit-ipv6", "private"}},
		"is curious":    {habits{curious: true}, []string{"privacy"}},
		"mixes":         {habits{mixes: true}, []string{"separate", "apart"}},
		"refuses":       {habits{refuses: true}, []string{"nobody-ipv4", "nobody-ipv6"}},
		"unasked":       {habits{unasked: true}, []string{"unasked"}},
		"misquotes":     {habits{misquotes: true}, []string{"echo"}},
		"lost":          {habits{lost: true}, []string{"led"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := NewWitness("probe.example.com")
			r, err := ECSResolver(t.Context(), client(t, resolving(t, w, c.h)), Resolver{Witness: w, Nonce: "n"})
			if err != nil {
				t.Fatal(err)
			}
			got := slices.DeleteFunc(wrong(r), func(id string) bool { return strings.HasPrefix(id, "formerr-") }) // it knows none of them
			if !slices.Equal(got, c.want) {
				t.Errorf("%v, want %v\n%+v", got, c.want, r.Checks)
			}
			if p, _ := r.Find("cached"); name == "tells nothing" && p.Result != Skipped {
				t.Errorf("%+v", p)
			}
		})
	}
}

func TestWithoutAWitnessLittleIsSeen(t *testing.T) {
	t.Parallel()
	w := NewWitness("probe.example.com")
	r, err := ECSResolver(t.Context(), client(t, resolving(t, w, habits{})), Resolver{Name: "probe.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	if c, _ := r.Find("echo"); c.Result != OK {
		t.Errorf("%+v", c)
	}
	for _, id := range []string{"passes", "separate", "privacy"} {
		if c, found := r.Find(id); !found || c.Result != Skipped || len(c.Why) == 0 {
			t.Errorf("%s: %+v", id, c)
		}
	}
}

func TestTheWitnessServesOverBothTransports(t *testing.T) {
	t.Parallel()
	udp, tcp := pair(t)
	w := NewWitness("probe.example.com")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.Serve(ctx, udp, tcp) }()
	seen := map[string]bool{}
	for _, network := range []string{"udp", "tcp"} {
		q := new(dns.Msg).SetQuestion("S16-x.Probe.example.com.", dns.TypeA)
		q.SetEdns0(1232, false)
		q.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 24, Address: net.IPv4(9, 9, 9, 0)}}
		r, _, err := (&dns.Client{Net: network, Timeout: patience}).Exchange(q, udp.LocalAddr().String())
		if err != nil || len(r.Answer) != 1 || subnet(r) == nil || subnet(r).SourceScope != 16 || seen[r.Answer[0].String()] {
			t.Errorf("%s: %v\n%v", network, err, r)
			continue
		}
		seen[r.Answer[0].String()] = true
	}
	if all := w.Seen("s16-x.probe.example.com"); len(all) != 2 || all[0].String() != "9.9.9.0/24" {
		t.Errorf("%v", all)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
