package scenario

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/message"
	"github.com/sextant-dns/sextant/transport"
)

// relay builds a system that passes each query to one server and tells the
// client its answer, or SERVFAIL; it tries as often as it is told.
func relay(tries int) Build {
	return func(_ *Story, n *Network) (System, error) {
		return System{Respond: func(query []byte, _ netip.AddrPort, _ bool) []byte {
			p, err := Unpack(query)
			if err != nil {
				return nil
			}
			q := p.Asked()
			p.Header.QR = true
			r := transport.Request{
				Server:   netip.MustParseAddrPort("192.0.2.1:53"),
				Question: lookup.Question{Name: lookup.Name(q.Name), Type: q.Type, Class: q.Class},
			}
			for range tries {
				reply, err := n.Exchange(context.Background(), r)
				if err != nil {
					continue
				}
				packed, _ := message.AppendResponse(nil, message.Header{RD: p.Header.RD, Rcode: reply.Rcode},
					message.Question{Raw: q.Name, Name: lookup.Name(q.Name), Type: q.Type, Class: q.Class},
					&lookup.Response{Rcode: reply.Rcode, Answer: reply.Answer}, false)
				return packed
			}
			p.Header.Rcode = lookup.SERVFAIL
			return p.Bytes()
		}}, nil
	}
}

const (
	question = "\tSECTION QUESTION\n\t\twww.example. IN A\n"
	record   = "\tSECTION ANSWER\n\t\twww.example. IN A 192.0.2.80\n"
	speaker  = "RANGE_BEGIN 0 100\nADDRESS 192.0.2.1\nENTRY_BEGIN\nMATCH opcode qname\nREPLY QR NOERROR\n" + question + record + "ENTRY_END\nRANGE_END\n"
	ask      = "QUERY\nENTRY_BEGIN\nREPLY RD\n" + question + "ENTRY_END\n"
	good     = "CHECK_ANSWER\nENTRY_BEGIN\nMATCH all\nREPLY QR RD NOERROR\n" + question + record + "ENTRY_END\n"
	bad      = "CHECK_ANSWER\nENTRY_BEGIN\nMATCH all\nREPLY QR RD SERVFAIL\n" + question + "ENTRY_END\n"
	out      = "CHECK_OUT_QUERY\nENTRY_BEGIN\nMATCH qname\n" + question + "ENTRY_END\n"
	answers  = "REPLY\nENTRY_BEGIN\nMATCH qname\nREPLY QR NOERROR\n" + question + record + "ENTRY_END\n"
)

func TestThePlayerObeysTheSteps(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, config, body string
		tries              int
		want               string // the reason of the failure; "" when the story passes
	}{
		{"answer from a range", "", speaker + "STEP 1 " + ask + "STEP 2 " + good, 1, ""},
		{"the wrong answer", "", speaker + "STEP 1 " + ask + "STEP 2 " + bad, 1, "rcode: want SERVFAIL, got NOERROR"},
		{"a range that has not begun", "",
			strings.Replace(speaker, "BEGIN 0", "BEGIN 2", 1) + "STEP 1 " + ask + "STEP 2 " + good, 1, ""}, // QUERY belongs to the next step
		{"a range that is over", "",
			strings.Replace(speaker, "0 100", "0 1", 1) + "STEP 1 " + ask + "STEP 2 " + bad, 1, ""},
		{"the last range comes first", "",
			speaker + strings.Replace(speaker, ".80", ".81", 1) + "STEP 1 " + ask + "STEP 2 " + good, 1, "answer lacks"},
		{"silence ends in a timeout", "", "STEP 1 " + ask + "STEP 2 " + bad, 2, ""},
		{"silence for ever", "", "STEP 1 " + ask + "STEP 2 " + bad, 1000, "no answer came"},
		{"an answer too many", "", speaker + "STEP 1 " + ask + "STEP 2 " + good + "STEP 3 " + ask + "STEP 4 TRAFFIC\n", 1, "no step asks for"},
		{"scripted reply", "", "STEP 1 " + ask + "STEP 2 " + out + "STEP 3 " + answers + "STEP 4 " + good, 1, ""},
		{"reply by copy_id", "", "STEP 1 " + ask + "STEP 2 " + strings.Replace(strings.Replace(out, "MATCH", "ADJUST copy_id\nREPLY QR\nMATCH", 1), "ENTRY_END", record+"ENTRY_END", 1) + "STEP 4 " + good, 1, ""},
		{"nobody asks", "", "STEP 1 " + ask + "STEP 2 " + strings.Replace(out, "www", "web", 1), 1, "nobody asked for web.example. A"},
		{"scripted timeout and error", "", "STEP 1 " + ask + "STEP 2 TIMEOUT\nSTEP 3 ERROR\nSTEP 4 " + bad, 2, ""},
		{"a whitebox story waits", "", "STEP 1 " + ask + "STEP 2 TIME_PASSES ELAPSE 100\nSTEP 3 TIMEOUT\nSTEP 4 " + answers + "STEP 5 " + good, 2, ""},
		{"nothing is pending", "", "STEP 1 TIMEOUT\n", 1, "no query is pending"},
		{"time passes", "", "STEP 1 " + ask + "STEP 2 ASSIGN a = ${1 + 1}\nSTEP 3 TIME_PASSES EVAL ${$a * 1}\nSTEP 4 " + bad, 1, ""},
		{"in time", "expect: most-exchanges: 1\n", speaker + "STEP 1 " + ask + "STEP 2 " + good, 1, ""},
		{"too many messages", "expect: most-exchanges: 1\n", "STEP 1 " + ask + "STEP 2 " + bad, 2, "2 messages were sent"},
		{"a step of Unbound", "", "STEP 1 FLUSH_MESSAGE a. A IN\n", 1, "cannot be played"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, err := Parse("t.rpl", strings.NewReader(c.config+"CONFIG_END\nSCENARIO_BEGIN t\n"+c.body+"SCENARIO_END\n"))
			if err != nil {
				t.Fatal(err)
			}
			got := Play(t, s, relay(c.tries), Comparison{})
			switch {
			case c.want == "" && got.Status != Passed, c.want != "" && (got.Status != Fail || !strings.Contains(got.Reason, c.want)):
				t.Errorf("%s: %s\n%s", got.Status, got.Reason, got.Details)
			}
		})
	}
}

func TestAFailureTellsItsStory(t *testing.T) {
	t.Parallel()
	s, err := Parse("t.rpl", strings.NewReader("CONFIG_END\nSCENARIO_BEGIN t\n"+speaker+
		"STEP 1 "+ask+"STEP 2 "+good+"STEP 3 "+strings.Replace(ask, "www", "web", 1)+"STEP 4 "+good+"SCENARIO_END\n"))
	if err != nil {
		t.Fatal(err)
	}
	got := Play(t, s, relay(1), Comparison{})
	const want = `STEP 4 CHECK_ANSWER (line 35): rcode: want NOERROR, got SERVFAIL
  rcode: want NOERROR, got SERVFAIL
  answer lacks:        www.example. IN A 192.0.2.80
  question lacks:        www.example. IN A
  question has besides:  web.example. IN A
expected:
;; opcode 0, NOERROR, flags: QR RD
;www.example. IN A
;; ANSWER
www.example.	3600	IN	A	192.0.2.80
actual:
;; opcode 0, SERVFAIL, flags: QR RD
;web.example. IN A
what happened (time, step, event):
      0s  step 1   client 127.0.0.1 asks www.example. IN A, flags RD
      0s  step 2   asked 192.0.2.1  www.example. A (udp) -> line 5: NOERROR; answer www.example. A
      0s  step 2   client 127.0.0.1 gets NOERROR; RD; answer www.example. A
      0s  step 3   client 127.0.0.1 asks web.example. IN A, flags RD
      0s  step 4   asked 192.0.2.1  web.example. A (udp) -> no entry answers, timed out at 1.5s
    1.5s  step 4   client 127.0.0.1 gets SERVFAIL; RD
`
	if got.Details != want {
		t.Errorf("got\n%s\nwant\n%s", got.Details, want)
	}
}

func TestTheNetworkActsAsTransportDoes(t *testing.T) {
	t.Parallel()
	s, err := Parse("t.rpl", strings.NewReader(`CONFIG_END
SCENARIO_BEGIN t
RANGE_BEGIN 0 9
	ENTRY_BEGIN
		MATCH UDP qname
		REPLY QR TC
		SECTION QUESTION
			large. IN A
	ENTRY_END
	ENTRY_BEGIN
		MATCH TCP qname
		REPLY QR
		SECTION QUESTION
			large. IN A
		SECTION ANSWER
			large. IN A 192.0.2.1
	ENTRY_END
	ENTRY_BEGIN
		MATCH qname
		REPLY QR TC
		SECTION QUESTION
			larger. IN A
	ENTRY_END
	ENTRY_BEGIN
		MATCH subdomain
		REPLY QR
		SECTION QUESTION
			other. IN A
	ENTRY_END
	ENTRY_BEGIN
		MATCH qname
		SECTION QUESTION
			broken. IN A
		HEX_ANSWER_BEGIN
			0000 8000 0001
		HEX_ANSWER_END
	ENTRY_END
RANGE_END
STEP 1 TIME_PASSES ELAPSE 2
SCENARIO_END
`))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		want string
	}{
		{"large.", "TCP, 2 sent, 1 RRsets"},
		{"larger.", "TCP TC, 1 sent, 0 RRsets"},
		{"another.other.", "timeout"}, // the reply repeats another question
		{"broken.", "timeout"},
		{"silent.", "timeout"},
	} {
		var got string
		Play(t, s, func(_ *Story, n *Network) (System, error) {
			return System{Run: func(ctx context.Context) error {
				reply, err := n.Exchange(ctx, transport.Request{
					Server:   netip.MustParseAddrPort("192.0.2.1:53"),
					Question: lookup.Question{Name: lookup.MustName(c.name), Type: lookup.TypeA, Class: lookup.ClassIN},
					Timeout:  time.Second,
				})
				got = outcomeText(reply, err)
				return nil
			}}, nil
		}, Comparison{})
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func outcomeText(r *transport.Reply, err error) string {
	switch {
	case errors.Is(err, transport.ErrTimeout):
		return "timeout"
	case err != nil:
		return err.Error()
	case r.TC:
		return fmt.Sprintf("TCP TC, %d sent, %d RRsets", r.Sent, len(r.Answer))
	}
	return fmt.Sprintf("TCP, %d sent, %d RRsets", r.Sent, len(r.Answer))
}
