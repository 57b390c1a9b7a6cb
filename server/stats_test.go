package server

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

func TestQueriesAreCountedByWhatTheyWere(t *testing.T) {
	t.Parallel()
	s := New(Options{Views: everyone(new(world))})
	for _, c := range []struct {
		query *dns.Msg
		proto Proto
	}{
		{ask("www.example. A"), UDP},
		{ask("www.example. A"), UDP},
		{ask("www.example. A"), TCP},
		{ask("nx.example. AAAA"), UDP},
		{ask("fails.example. A"), UDP},
		{ask("example. A", edns(1232, false), func(m *dns.Msg) { m.IsEdns0().SetVersion(1) }), UDP},
		{ask("example. A", func(m *dns.Msg) { m.Question[0].Qtype = 65280 }), UDP},
		{ask("example. A", func(m *dns.Msg) { m.Question = nil }), TCP},
	} {
		tell(t, s, packed(t, c.query), c.proto, somebody)
	}
	want := []QueryCount{
		{UDP, lookup.TypeNone, lookup.NOERROR, 1},
		{UDP, lookup.TypeA, lookup.NOERROR, 2},
		{UDP, lookup.TypeA, lookup.SERVFAIL, 1},
		{UDP, lookup.TypeA, lookup.BADVERS, 1},
		{UDP, lookup.TypeAAAA, lookup.NXDOMAIN, 1},
		{TCP, lookup.TypeNone, lookup.FORMERR, 1},
		{TCP, lookup.TypeA, lookup.NOERROR, 1},
	}
	st := s.Stats()
	if !slices.Equal(st.Queries, want) {
		t.Errorf("got  %v\nwant %v", st.Queries, want)
	}
	if b := st.Packets.Bytes; b < 3*100 || b > 3*1000 {
		t.Errorf("3 packets take %d octets", b)
	}
	if st.Packets.Bytes = 0; st.Packets != (PacketStats{Hits: 2, Misses: 4, Entries: 3}) {
		t.Errorf("packets: %+v", st.Packets)
	}
	if len(st.Drops) != int(drops) {
		t.Errorf("drops: %v", st.Drops)
	}
}

func TestLatenciesOfMissesAreCounted(t *testing.T) {
	t.Parallel()
	clock, takes := newClock(), time.Duration(0)
	s := New(Options{Now: clock.now, Views: everyone(lookup.Func(func(context.Context, lookup.Query) (*lookup.Response, error) {
		clock.advance(takes)
		return &lookup.Response{}, nil
	}))})
	for _, takes = range []time.Duration{0, time.Millisecond, time.Millisecond + 1, 10 * time.Second, time.Minute} {
		talk(t, s, ask("a. A"))
	}
	h := s.Stats().Slow
	if want := []uint64{2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1}; !slices.Equal(h.Counts, want) || len(h.Bounds) != len(want)-1 {
		t.Errorf("got %v", h)
	}
	if want := 70*time.Second + 2*time.Millisecond + 1; h.Sum != want {
		t.Errorf("sum %v, want %v", h.Sum, want)
	}
}

func TestReasonsHaveNames(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for d := range drops {
		seen[d.String()] = true
	}
	if len(seen) != int(drops) || seen[""] {
		t.Errorf("names %v", seen)
	}
	if UDP.String() != "udp" || TCP.String() != "tcp" {
		t.Error("transports")
	}
}
