package lint

import (
	"context"
	"fmt"
	"strings"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/ednscheck"
	"github.com/sextant-dns/sextant/probe"
)

// EDNS sends the queries of RFC 8906 8 for a zone, and two of RFC 6891. A server that is
// not authoritative for the zone is asked as a resolver. The error is that nobody answers,
// or that ctx is done.
func EDNS(ctx context.Context, c *probe.Client, zone string) (*Report, error) {
	r := &Report{Instrument: "edns", Server: c.Server().String()}
	authoritative, err := present(ctx, c, zone)
	if err != nil {
		return r, err
	}
	for _, test := range ednscheck.Cases() {
		test.RD = test.RD || !authoritative // who asks resolvers wants recursion
		complaints, err := judge(ctx, c, test, zone, authoritative)
		if err != nil {
			return r, err
		}
		r.add("8906-"+strings.TrimPrefix(test.Section, "8.")+suffix(test), "RFC 8906 "+test.Section, test.What, Error, complaints...)
	}
	return r, ednsForm(ctx, c, r, zone, !authoritative)
}

// suffix tells apart the cases of one section.
func suffix(c ednscheck.Case) string {
	if c.HeaderOnly {
		return fmt.Sprintf("/%d", c.Opcode)
	}
	return ""
}

// judge sends a case and says what is wrong with the reply. The error is that ctx is done.
func judge(ctx context.Context, c *probe.Client, test ednscheck.Case, zone string, authoritative bool) ([]string, error) {
	reply, err := c.Exchange(ctx, test.Query(zone), test.TCP)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return []string{"no reply"}, nil // RFC 8906 2: what is worst
	case reply.Msg == nil:
		return []string{"a reply that cannot be read: " + reply.Err.Error()}, nil
	}
	seen := ednscheck.Observe(reply.Msg, reply.Octets)
	complaints := test.Judge(seen, authoritative)
	// RFC 1035 4.2.1: without room for an answer, TC says that there is one.
	if test.Answer == ednscheck.SOA && !seen.SOA && reply.Msg.Truncated && !test.TCP {
		complaints = append(complaints, "the reply is truncated, although an SOA has room")
	}
	return complaints, nil
}

// ednsForm is what RFC 6891 says of OPT besides.
func ednsForm(ctx context.Context, c *probe.Client, r *Report, zone string, rd bool) error {
	two := probe.Query(zone, dns.TypeSOA, rd)
	two.Extra = append(two.Extra, dns.Copy(two.Extra[0]))
	why, err := rejected(ctx, c, two)
	if err != nil {
		return err
	}
	r.add("6891-two-opt", "RFC 6891 6.1.1", "a query with two OPTs is a FORMERR", Error, why...)

	tiny := probe.Query(zone, dns.TypeSOA, rd)
	tiny.IsEdns0().SetUDPSize(0)
	reply, err := c.Exchange(ctx, tiny, false)
	why = nil
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		why = []string{"no reply"}
	case reply.Rcode() != dns.RcodeSuccess || len(reply.Msg.Answer) == 0:
		why = []string{fmt.Sprintf("%s with %d RRs, as if there were no room", rcode(reply), len(answers(reply)))}
	}
	r.add("6891-tiny", "RFC 6891 6.2.3", "a payload size below 512 counts as 512", Error, why...)
	return nil
}

func answers(r *probe.Reply) []dns.RR {
	if r.Msg == nil {
		return nil
	}
	return r.Msg.Answer
}

// rejected says how a query that must be a FORMERR was answered otherwise. The error is
// that ctx is done.
func rejected(ctx context.Context, c *probe.Client, m *dns.Msg) ([]string, error) {
	reply, err := c.Exchange(ctx, m, false)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return []string{"no reply"}, nil
	case reply.Rcode() != dns.RcodeFormatError:
		return []string{rcode(reply)}, nil
	}
	return nil, nil
}
