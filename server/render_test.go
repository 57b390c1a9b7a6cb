package server

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

// How replies are cut. The answer has n RRs of 50 octets with their fixed parts,
// the additional section m; header and question are 31 octets, an OPT is 11.
func TestRepliesAreCutWhereTheyMayBe(t *testing.T) {
	t.Parallel()
	const name = "large.example. TXT"
	plain := func(*dns.Msg) {}
	for _, c := range []struct {
		what       string
		answer     int
		additional int
		glue       bool
		change     func(*dns.Msg)
		proto      Proto
		want       string
	}{
		{"all fits into 512", 8, 1, false, plain, UDP, "NOERROR rd ra 1/8/0/1"},
		{"additional data is a courtesy (RFC 2181 9)", 8, 2, false, plain, UDP, "NOERROR rd ra 1/8/0/0"},
		{"glue is not (RFC 9471 3)", 8, 2, true, plain, UDP, "NOERROR tc rd ra 1/0/0/0"},
		{"the answer does not fit (RFC 1035 4.2.1)", 10, 0, false, plain, UDP, "NOERROR tc rd ra 1/0/0/0"},
		{"EDNS makes room", 22, 0, false, edns(1232, false), UDP, "NOERROR rd ra 1/22/0/0 edns0:1232"},
		{"but not more than the client has", 22, 0, false, edns(1000, false), UDP, "NOERROR tc rd ra 1/0/0/0 edns0:1232"},
		{"nor more than we send", 30, 0, false, edns(4096, false), UDP, "NOERROR tc rd ra 1/0/0/0 edns0:1232"},
		{"the OPT takes room, too", 8, 1, false, edns(512, false), UDP, "NOERROR rd ra 1/8/0/1 edns0:1232"},
		{"and what is in it", 8, 1, false, edns(512, false, option(3, "")), UDP, "NOERROR rd ra 1/8/0/0 edns0:1232 option3:6e616d652d7365727665722e746573742e"},
		{"less than 512 is 512 (RFC 6891 6.2.3)", 8, 0, false, edns(0, false), UDP, "NOERROR rd ra 1/8/0/0 edns0:1232"},
		{"DO is kept when there is no room", 30, 0, false, edns(512, true), UDP, "NOERROR tc rd ra 1/0/0/0 edns0:1232 do"},
		{"TCP takes all", 500, 500, false, plain, TCP, "NOERROR rd ra 1/500/0/500"},
		{"TCP does not care about the UDP size", 500, 0, true, edns(512, false), TCP, "NOERROR rd ra 1/500/0/0 edns0:1232"},
		{"TCP takes 65535 octets at most", 1400, 1, true, plain, TCP, "NOERROR tc rd ra 1/0/0/0"},
	} {
		r := &lookup.Response{}
		if c.answer > 0 {
			r.Answer = lookup.MustRRsets(large("large.example.", c.answer))
		}
		if c.additional > 0 {
			r.Additional = lookup.MustRRsets(large("large.example.", c.additional))
		}
		if c.glue {
			r.Glue = len(r.Additional)
		}
		s := New(Options{NSID: "name-server.test.", Views: everyone(lookup.Func(func(context.Context, lookup.Query) (*lookup.Response, error) { return r, nil }))})
		for _, turn := range []string{"first", "second"} {
			msg := packed(t, ask(name, c.change))
			if got := brief(tell(t, s, msg, c.proto, somebody)); got != c.want {
				t.Errorf("%s, %s reply:\ngot  %s\nwant %s", c.what, turn, got, c.want)
			}
		}
	}
}

// RFC 9471 3: of a referral's addresses, those of servers in the zone that is referred to
// have to be there, and those of others may be left out (RFC 2181 9).
func TestG110OnlyGlueThatIsNeededSetsTC(t *testing.T) {
	t.Parallel()
	needed, others := "", ""
	for i := range 3 {
		needed += fmt.Sprintf("ns%d.cut.example. 60 IN A 192.0.2.%d\n", i, i)
	}
	for i := range 20 {
		others += fmt.Sprintf("ns%[1]d.beside.example. 60 IN A 192.0.2.%[1]d\nns%[1]d.beside.example. 60 IN A 198.51.100.%[1]d\n", i)
	}
	r := &lookup.Response{
		Authority:  lookup.MustRRsets("cut.example. 60 IN NS ns0.cut.example."),
		Additional: append(lookup.MustRRsets(needed), lookup.MustRRsets(others)...),
		Glue:       3,
	}
	s := New(Options{Views: everyone(lookup.Func(func(context.Context, lookup.Query) (*lookup.Response, error) { return r, nil }))})
	// 494 of 512 octets: there is room for one of the next two, but an RRset is there as a whole.
	for size, want := range map[uint16]string{512: "NOERROR rd ra 1/0/1/23", 1232: "NOERROR rd ra 1/0/1/43"} {
		for range 2 {
			if got := brief(tell(t, s, packed(t, ask("www.cut.example. A", edns(size, false))), UDP, somebody)); !strings.HasPrefix(got, want+" ") {
				t.Errorf("%d octets: got %s, want %s", size, got, want)
			}
		}
	}
}

// One packet serves clients of all sizes.
func TestAReplyNeverExceedsWhatTheClientTakes(t *testing.T) {
	t.Parallel()
	s := New(Options{Views: everyone(lookup.Func(func(_ context.Context, q lookup.Query) (*lookup.Response, error) {
		r := &lookup.Response{Answer: lookup.MustRRsets(large("large.example.", 12)), Additional: lookup.MustRRsets(large("large.example.", 9))}
		r.EDE = []lookup.EDE{{Code: lookup.EDEStaleAnswer, Text: "a text that may be left out"}, {Code: lookup.EDESynthesized}}
		return r, nil
	}))})
	seen := map[string]int{}
	for size := range 1400 {
		msg := packed(t, ask("large.example. TXT", edns(uint16(size), false)))
		reply := s.Respond(nil, msg, addrPort(somebody), UDP)
		if limit := min(max(size, 512), 1232); len(reply) > limit {
			t.Fatalf("client takes %d, reply has %d octets", limit, len(reply))
		}
		m := new(dns.Msg)
		if err := m.Unpack(reply); err != nil {
			t.Fatal(err)
		}
		seen[brief(m)]++
	}
	for _, want := range []string{
		"NOERROR tc rd ra 1/0/0/0 edns0:1232 ede3:a text that may be left out ede29",
		"NOERROR rd ra 1/12/0/0 edns0:1232 ede3:a text that may be left out ede29",
		"NOERROR rd ra 1/12/0/9 edns0:1232",
		"NOERROR rd ra 1/12/0/9 edns0:1232 ede3",
		"NOERROR rd ra 1/12/0/9 edns0:1232 ede3 ede29",
		"NOERROR rd ra 1/12/0/9 edns0:1232 ede3:a text that may be left out ede29",
	} {
		if seen[want] == 0 {
			t.Errorf("never seen: %s", want)
		}
	}
	if t.Failed() {
		for what, n := range seen {
			t.Logf("%4d times %s", n, what)
		}
	}
}

func TestRcodesThatNeedEDNSBecomeSERVFAILWithout(t *testing.T) {
	t.Parallel()
	s := New(Options{Views: everyone(lookup.Func(func(context.Context, lookup.Query) (*lookup.Response, error) {
		return &lookup.Response{Rcode: lookup.BADCOOKIE}, nil
	}))})
	if got := talk(t, s, ask("a. A")).Rcode; got != dns.RcodeServerFailure {
		t.Errorf("without EDNS: rcode %d", got)
	}
	if got := brief(talk(t, s, ask("a. A", edns(1232, false)))); got != "BADCOOKIE rd ra 1/0/0/0 edns0:1232" {
		t.Errorf("with EDNS: %s", got)
	}
}

func TestRespondAppends(t *testing.T) {
	t.Parallel()
	clock := newClock()
	s := New(Options{Views: everyone(new(world)), Now: clock.now})
	msg := packed(t, ask("www.example. A", edns(1232, false)))
	for range 2 { // a miss, then a hit that has to find its TTLs
		reply := s.Respond([]byte("before"), msg, addrPort(somebody), UDP)
		m := new(dns.Msg)
		if err := m.Unpack(reply[6:]); err != nil || string(reply[:6]) != "before" {
			t.Fatalf("%q, %v", reply, err)
		}
		if got := fmt.Sprint(ttls(m)); got != "[300 60]" && got != "[290 50]" {
			t.Errorf("TTLs %s", got)
		}
		clock.advance(10e9)
	}
}
