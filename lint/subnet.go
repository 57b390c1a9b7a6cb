package lint

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/ecs"
	"github.com/sextant-dns/sextant/probe"
	"github.com/sextant-dns/sextant/survey"
)

// Networks as which checks ask: well known, and those of nobody in particular.
var (
	public4  = netip.MustParsePrefix("9.9.9.0/24")
	public6  = netip.MustParsePrefix("2620:fe::/48")
	private4 = netip.MustParsePrefix("10.1.2.0/24")
	nobody4  = netip.MustParsePrefix("0.0.0.0/0")
	nobody6  = netip.MustParsePrefix("::/0")
)

func option(data string) probe.Option { return probe.Option{Code: dns.EDNS0SUBNET, Data: data} }

func told(source netip.Prefix) probe.Option { return option(ecs.Option{Source: source}.Data()) }

// mistake is an option of queries that RFC 7871 calls wrong.
type mistake struct {
	id, rfc, what, data string
	otherwise           Result // than FORMERR
}

// malformed are mistakes: FORMERR is a MUST for what is malformed (7.2.1), and a SHOULD for
// octets and bits that do not fit SOURCE (6). That SCOPE is 0 is the asker's duty.
func malformed() []mistake {
	return []mistake{
		{"family", "RFC 7871 7.2.1", "an unknown FAMILY", "\x00\x03\x18\x00\x09\x09\x09", Error},
		{"source", "RFC 7871 7.2.1", "SOURCE longer than an address", "\x00\x01\x21\x00\x09\x09\x09\x09\x09", Error},
		{"short", "RFC 7871 7.2.1", "an option that ends early", "\x00\x01\x18", Error},
		{"bits", "RFC 7871 6", "bits of ADDRESS beyond SOURCE", "\x00\x01\x14\x00\x09\x09\x09", Warning},
		{"few", "RFC 7871 6", "fewer octets than SOURCE needs", "\x00\x01\x18\x00\x09\x09", Warning},
		{"many", "RFC 7871 6", "more octets than SOURCE needs", "\x00\x01\x18\x00\x09\x09\x09\x00", Warning},
		{"scope", "RFC 7871 6", "a SCOPE in a query", "\x00\x01\x18\x18\x09\x09\x09", Note},
	}
}

// checkMalformed has each of them rejected.
func checkMalformed(ctx context.Context, c *probe.Client, r *Report, name string, rd bool) error {
	for _, bad := range malformed() {
		why, err := rejected(ctx, c, probe.Query(name, dns.TypeSOA, rd, option(bad.data)))
		if err != nil {
			return err
		}
		r.add("formerr-"+bad.id, bad.rfc, bad.what+" is a FORMERR", bad.otherwise, why...)
	}
	return nil
}

// echo is what is wrong with the option of a reply to a query with an option.
func echo(reply *probe.Reply, sent netip.Prefix) (got ecs.Option, complaints []string) {
	found := reply.Find(dns.EDNS0SUBNET)
	switch {
	case len(found) == 0:
		return got, []string{"there is no option in the reply (" + rcode(reply) + ")"}
	case len(found) > 1:
		return got, []string{fmt.Sprintf("there are %d options in the reply", len(found))}
	}
	got, err := ecs.Parse(found[0].Data)
	switch {
	case err != nil:
		return got, []string{fmt.Sprintf("%v: %x", err, found[0].Data)}
	case got.NoFamily || got.Source != sent:
		return got, []string{fmt.Sprintf("asked as %s, the reply is for %s", sent, got.Source)}
	}
	return got, nil
}

// Asker asks a server for a name as if from networks. rd asks for recursion.
func Asker(c *probe.Client, name string, qtype uint16, rd bool) survey.Ask {
	return func(ctx context.Context, source netip.Prefix) (h survey.Heard, err error) {
		reply, err := c.Ask(ctx, probe.Query(name, qtype, rd, told(source)))
		if err != nil {
			return h, err
		}
		if reply.Msg == nil && len(reply.Find(dns.EDNS0SUBNET)) == 0 {
			return h, fmt.Errorf("%s: %w", c.Server(), reply.Err)
		}
		h.Rcode, h.Took = max(reply.Rcode(), 0), reply.Took
		h.Answers, h.TTL = data(answers(reply), qtype)
		found := reply.Find(dns.EDNS0SUBNET)
		switch {
		case len(found) > 1:
			h.Bad = fmt.Sprintf("there are %d options", len(found))
		case len(found) == 1:
			o, err := ecs.Parse(found[0].Data)
			if err != nil {
				h.Bad = err.Error()
				break
			}
			h.Option = &o
		}
		return h, nil
	}
}

// data is the rdata of a type in an answer section, sorted, with the lowest TTL; where
// there is none, that of the aliases.
func data(section []dns.RR, qtype uint16) (texts []string, ttl uint32) {
	for _, t := range []uint16{qtype, dns.TypeCNAME} {
		for _, rr := range section {
			if h := rr.Header(); h.Rrtype == t {
				if len(texts) == 0 || h.Ttl < ttl {
					ttl = h.Ttl
				}
				texts = append(texts, rr.String()[len(h.String()):])
			}
		}
		if len(texts) > 0 {
			break
		}
	}
	slices.Sort(texts)
	return texts, ttl
}
