package server

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func TestThePacketCacheCanBeSeen(t *testing.T) {
	t.Parallel()
	clock, w := newClock(), new(world)
	s := New(Options{Views: []View{
		{Name: "lab", Clients: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}, Recursive: w},
		{Name: "rest", Recursive: w},
	}, Now: clock.now})
	talk(t, s, ask("www.example. A", edns(1232, true)))
	talk(t, s, ask("nx.example. TXT", func(m *dns.Msg) { m.CheckingDisabled = true }))
	talk(t, s, ask("client.example. TXT"))
	talk(t, s, ask("zero.example. A"))
	clock.advance(time.Second)
	var got []string
	for p := range s.Packets() {
		left := p.Expires.Sub(clock.now())
		got = append(got, fmt.Sprintf("%s rd %t do %t cd %t %s %s %v %v", p.Question, p.RD, p.Question.DO, p.Question.CD, p.View, p.Rcode, p.Scope.IsValid(), left))
		if p.Size < 30 {
			t.Errorf("%s: %d octets", p.Question, p.Size)
		}
	}
	slices.Sort(got)
	want := []string{
		"client.example. IN TXT rd true do false cd false rest NOERROR true 59s",
		"nx.example. IN TXT rd true do false cd true rest NXDOMAIN false 4m59s",
		"www.example. IN A rd true do true cd false rest NOERROR false 59s",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	for range s.Packets() {
		break // may be left in the middle
	}
	s.Flush()
	for p := range s.Packets() {
		t.Errorf("after the flush: %+v", p)
	}
	for range New(Options{Packets: -1}).Packets() {
		t.Error("a server that remembers nothing shows something")
	}
}

func TestWhoHearsWhatCanBeSeen(t *testing.T) {
	t.Parallel()
	recursive, own := new(world), new(world)
	s := New(Options{Views: []View{
		{Name: "lab", Clients: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}, Recursive: recursive, Authoritative: own},
		{Name: "six", Clients: []netip.Prefix{netip.MustParsePrefix("2001:db8::/32")}},
	}})
	for client, want := range map[string]string{
		"198.51.100.9": "lab", "::ffff:198.51.100.9": "lab", "2001:db8::1": "six", "192.0.2.1": "",
	} {
		if v, ok := s.View(netip.MustParseAddr(client)); v.Name != want || ok != (want != "") {
			t.Errorf("%s: %s, %t", client, v.Name, ok)
		}
	}
	views := s.Views()
	if len(views) != 2 || views[0].Resolver(true) != recursive || views[0].Resolver(false) != own || views[1].Resolver(true) != nil {
		t.Errorf("got %+v", views)
	}
}
