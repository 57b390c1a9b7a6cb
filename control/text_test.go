package control_test

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sextant-dns/sextant/control"
	"github.com/sextant-dns/sextant/lookup"
)

func TestADumpIsAMasterFile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		record control.Record
		want   string
	}{
		{control.Record{Kind: control.KindAnswer, Name: "a.", Type: "A", TTL: 5, Age: 3, Scope: "192.0.2.0/24", Security: "secure",
			RRs: []string{"a.\t5\tIN\tA\t192.0.2.1", "a.\t5\tIN\tA\t192.0.2.2"}},
			"a.\t5\tIN\tA\t192.0.2.1 ; answer, 3 s old, for 192.0.2.0/24, secure\na.\t5\tIN\tA\t192.0.2.2\n"},
		{control.Record{Kind: control.KindAnswer, Name: "a.", Type: "A", TTL: -7, Age: 67, RRs: []string{"a.\t0\tIN\tA\t192.0.2.1"}},
			"; a. A: answer, expired 7 s ago, 67 s old\n;   a.\t0\tIN\tA\t192.0.2.1\n"},
		{control.Record{Kind: control.KindDenial, Name: "a.", Rcode: "NXDOMAIN", TTL: 9, Note: "says ."},
			"; a.: denial NXDOMAIN, 9 s left, says .\n"},
		{control.Record{Kind: control.KindPacket, Name: "a.", Type: "A", Rcode: "NOERROR", TTL: 9, View: "v", Flags: []string{"rd", "do"}, Size: 12},
			"; a. A: packet NOERROR, 9 s left, view v rd do, 12 octets\n"},
	} {
		if got := c.record.String(); got != c.want {
			t.Errorf("got\n%swant\n%s", got, c.want)
		}
	}
}

// resolved is an explanation of a query that somebody answers with r and err after
// the events.
func resolved(q lookup.Query, r *lookup.Response, err error, events ...lookup.Event) control.Explanation {
	by := lookup.Func(func(_ context.Context, q lookup.Query) (*lookup.Response, error) {
		at := q.Trace
		for _, e := range events {
			if e.Kind == lookup.EventAddress {
				at = at.Begin(e)
				continue
			}
			at.Add(e)
		}
		q.Budget.Upstream()
		q.Budget.Alias()
		return r, err
	})
	e := control.Explain(context.Background(), by, q, lookup.Limits{})
	e.Took = 12.34
	for i := range e.Steps {
		e.Steps[i].At = float64(i) / 2
	}
	return e
}

func printed(e control.Explanation, paint control.Paint) string {
	var b strings.Builder
	_ = e.Print(&b, paint)
	return b.String()
}

func TestAnExplanationIsReadFromTopToBottom(t *testing.T) {
	t.Parallel()
	server := netip.MustParseAddrPort("192.0.2.1:53")
	name, ns := lookup.MustName("www.example.com."), lookup.MustName("ns.example.net.")
	q := lookup.Query{
		Question: lookup.Question{Name: name, Type: lookup.TypeA, Class: lookup.ClassIN, DO: true},
		Client:   netip.MustParseAddr("2001:db8::1"), Subnet: netip.MustParsePrefix("192.0.2.0/24"), Fresh: true,
	}
	r := &lookup.Response{
		Answer: lookup.MustRRsets("www.example.com. 60 A 192.0.2.80"), Security: lookup.Secure,
		EDE: []lookup.EDE{{Code: lookup.EDEStaleAnswer}}, Scope: netip.MustParsePrefix("192.0.2.0/20"),
	}
	e := resolved(q, r, nil,
		lookup.Event{Kind: lookup.EventCut, Name: name, Type: lookup.TypeA, Target: lookup.Root, Count: 13},
		lookup.Event{Kind: lookup.EventAddress, Name: ns, Type: lookup.TypeA, Target: name},
		lookup.Event{Kind: lookup.EventServer, Name: name, Type: lookup.TypeA, Server: server, Took: 20 * time.Millisecond},
		lookup.Event{Kind: lookup.EventExchange, Server: server, Took: time.Second, Err: context.DeadlineExceeded},
		lookup.Event{Kind: lookup.EventExchange, Server: server, Took: 20 * time.Millisecond, Marks: lookup.MarkAA | lookup.MarkSuspect | lookup.MarkShared, Count: 1},
		lookup.Event{Kind: lookup.EventVerdict, Text: "lame: REFUSED"},
		lookup.Event{Kind: lookup.EventHit, Name: name, Type: lookup.TypeA, TTL: time.Second, Text: "answer"},
		lookup.Event{Kind: lookup.EventSecurity, Target: name, Text: "bogus", Err: lookup.Fail(lookup.EDEBogus, "no")},
	)
	e.View = "office"
	const want = `www.example.com. A, view office, asked by 2001:db8::1 for 192.0.2.0/24, fresh do norecurse
     0.0    www.example.com. A: start at . (13 name servers)
     0.5    ns.example.net. A: needed to reach a server of www.example.com.
     1.0    -> 192.0.2.1:53  www.example.com. A (20.0 ms as a rule)
     1.5    <- 192.0.2.1:53  no reply, 1000.0 ms
     2.0    <- 192.0.2.1:53  NOERROR aa, a reply over UDP looked forged, a reply to another query's message, 1 octet, 20.0 ms
     2.5       lame: REFUSED
     3.0    *  www.example.com. A: in the cache: answer, 1 second left
     3.5    !  www.example.com.: bogus: EDE 6 (DNSSEC Bogus): no
    12.3 NOERROR, secure
answer     www.example.com.	60	IN	A	192.0.2.80
EDE        3 (Stale Answer)
valid for  192.0.2.0/20
used       1 of 100 messages, 1 of 11 aliases
`
	if got := printed(e, control.Plain); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got := printed(e, control.ANSI); !strings.Contains(got, "\x1b[31m<- 192.0.2.1:53  no reply, 1000.0 ms\x1b[0m") ||
		!strings.Contains(got, "\x1b[32m*  www.example.com. A: in the cache") {
		t.Errorf("got\n%s", got)
	}
	if s := e.Steps[2]; s.Server != "192.0.2.1:53" || s.Took != 20 || s.Name != "www.example.com." || s.Type != "A" || s.Depth != 1 {
		t.Errorf("got %+v", s)
	}
	if s := e.Steps[3]; s.Error == "" || s.Rcode != "" {
		t.Errorf("got %+v", s)
	}
}

func TestTheOutcomeIsPlain(t *testing.T) {
	t.Parallel()
	q := lookup.Query{Question: lookup.Question{Name: lookup.MustName("a."), Type: lookup.TypeA, Class: lookup.ClassIN}, RD: true}
	for _, c := range []struct {
		response *lookup.Response
		err      error
		want     []string
	}{
		{&lookup.Response{}, nil, []string{"NODATA"}},
		{&lookup.Response{Rcode: lookup.NXDOMAIN, AA: true}, nil, []string{" NXDOMAIN, authoritative\n"}},
		{nil, lookup.Fail(lookup.EDENoReachableAuth, "silence"), []string{"no answer, clients hear SERVFAIL", "EDE        22 (No Reachable Authority): silence"}},
		{nil, errors.New("oh"), []string{"no answer", "EDE        0 (Other)"}},
	} {
		got := printed(resolved(q, c.response, c.err), control.Plain)
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("no %q in\n%s", want, got)
			}
		}
	}
	if e := control.Explain(t.Context(), nil, q, lookup.Limits{}); e.Rcode != "REFUSED" {
		t.Errorf("nobody answers: %+v", e)
	}
	var many []lookup.Event
	for range 1100 {
		many = append(many, lookup.Event{Kind: lookup.EventPrime})
	}
	if got := printed(resolved(q, &lookup.Response{}, nil, many...), control.Plain); !strings.Contains(got, "100 more steps") {
		t.Error("the loss is not told")
	}
	if err := (control.Explanation{}).Print(broken{}, control.Plain); err == nil {
		t.Error("an error in writing is lost")
	}
}

func TestTheStatusTellsOfCopies(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	got := control.Status{Copies: []control.Copy{
		{Zone: ".", State: "overdue", Serial: 2026112100, Source: "192.0.2.1:53", Confirmed: at, Expires: at.Add(time.Hour), Reason: "192.0.2.1:53: connection refused"},
		{Zone: "example.", State: "missing"},
	}}.String()
	want := "copy        . overdue, serial 2026112100 from 192.0.2.1:53, confirmed 2026-11-21T10:00:00Z, good until 2026-11-21T11:00:00Z: 192.0.2.1:53: connection refused\n" +
		"copy        example. missing\n"
	if !strings.Contains(got, want) {
		t.Errorf("got\n%s", got)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestThePageOfTheTrustAnchors(t *testing.T) {
	t.Parallel()
	day := func(d int) time.Time { return time.Date(2026, 1, d, 12, 0, 0, 0, time.UTC) }
	got := control.Anchors{
		Validation: control.ValidationPermissive,
		Anchors: []control.Anchor{
			{Zone: ".", DS: []string{"1 13 2 00", "2 15 2 01"}, Counts: true},
			{Zone: "a.", DS: []string{"3 200 2 02"}, Why: "it cannot be checked"},
		},
		Managed: []control.TrustPoint{
			{Zone: ".", Asked: day(2), Signed: day(2), Next: day(3), Keys: []control.TrustKey{
				{Tag: 1, Algorithm: "ECDSAP256SHA256", State: "valid", Since: day(1), Seen: true},
				{Tag: 2, Algorithm: "ED25519", State: "addpend", Since: day(2), TrustedFrom: day(31), Seen: true},
			}},
			{Zone: "b.", Failed: 3, Keys: []control.TrustKey{{Tag: 4, Algorithm: "ED25519", State: "valid"}}},
			{Zone: "c.", Asked: day(2)},
			{Zone: "d.", Asked: day(2), Signed: day(1)},
		},
		Negative: []control.NegativeAnchor{{Zone: "x.", Configured: true}, {Zone: "y.", Until: day(4)}},
		Warnings: []string{"a.: none"},
	}.String()
	const want = `validation  permissive
anchor      . DS 1 13 2 00
            . DS 2 15 2 01
            a. DS 3 200 2 02 ; does not count: it cannot be checked
managed     . has shown its keys 2026-01-02T12:00:00Z, is asked 2026-01-03T12:00:00Z
              key 1 ECDSAP256SHA256: valid since 2026-01-01T12:00:00Z
              key 2 ED25519: addpend since 2026-01-02T12:00:00Z, trusted from 2026-01-31T12:00:00Z if it is still there then
            b. was not asked for its keys yet, was asked in vain 3 times
              key 4 ED25519: valid, not seen yet
            c. has shown keys that no trust anchor vouches for 2026-01-02T12:00:00Z
            d. has shown good keys 2026-01-01T12:00:00Z, and others since
negative    x. is not validated (configured)
            y. is not validated until 2026-01-04T12:00:00Z
warning     a.: none
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Clients without DO hear nothing of signatures and proofs, and so the page has none.
func TestProofsAreShownToThoseWhoAskForThem(t *testing.T) {
	t.Parallel()
	const sig = " RRSIG A 13 2 60 20300101000000 20200101000000 1 example. AAAA"
	r := &lookup.Response{Security: lookup.Secure, Answer: lookup.MustRRsets("a.example. 60 A 192.0.2.1\na.example. 60" + sig), Authority: lookup.MustRRsets("example. 60 NSEC a.example. SOA")}
	q := lookup.Query{Question: lookup.Question{Name: lookup.MustName("a.example."), Type: lookup.TypeA, Class: lookup.ClassIN}, RD: true}
	if e := resolved(q, r, nil); len(e.Answer) != 1 || len(e.Authority) != 0 || e.Security != "secure" {
		t.Errorf("without DO: %+v", e)
	}
	q.DO = true
	if e := resolved(q, r, nil); len(e.Answer) != 2 || len(e.Authority) != 1 {
		t.Errorf("with DO: %+v", e)
	}
}

func TestAZonesStatusIsALine(t *testing.T) {
	t.Parallel()
	s := control.ZoneStatus{Zone: "example.", Serial: 9, File: "example.zone", FileSerial: 7, Pending: 2, Journal: "j", JournalOctets: 100}
	if got, want := s.String(), "example. serial 9; example.zone has serial 7 and lacks 2 changes; journal j, 100 octets\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	s.Pending = 0
	if got, want := s.String(), "example. serial 9, and so has example.zone; journal j, 100 octets\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
