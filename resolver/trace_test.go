package resolver_test

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
	"github.com/sextant-dns/sextant/transport"
)

// story resolves and tells what was done for it: milliseconds, two spaces for each
// level, the kind and the text of each event; then the answer.
func story(t *testing.T, r *resolver.Resolver, q lookup.Query) string {
	t.Helper()
	q.Trace = lookup.NewTrace(nil)
	response, err := r.Resolve(t.Context(), q)
	var b strings.Builder
	events, _ := q.Trace.Events()
	for _, e := range events {
		fmt.Fprintf(&b, "%d %s%s: %s\n", e.At.Milliseconds(), strings.Repeat("  ", e.Depth), e.Kind, e)
	}
	if err != nil {
		return b.String() + "error: " + lookup.EDEOf(err).String()
	}
	return b.String() + short(response)
}

// tells compares a story with what is wanted, line by line.
func tells(t *testing.T, got, want string) {
	t.Helper()
	want = strings.TrimPrefix(want, "\n")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestTheStoryOfAnAnswerFromTheRootDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := branches(t)
		n.host("198.51.100.11").delay = 20 * time.Millisecond
		r := n.resolver(minimised)
		tells(t, story(t, r, question("alias.example.com. A")), `
0 cut: alias.example.com. A: start at . (2 name servers, 30 seconds left)
0 minimise: minimised: the servers of . get to see only com. A
0 server: 198.51.100.1:53  com. A (not asked before)
0 exchange: 198.51.100.1:53  NOERROR, 0.0 ms
0 verdict: referral to com., 2 name servers, TTL 86400
0 minimise: minimised: the servers of com. get to see only example.com. A
0 server: 198.51.100.11:53  example.com. A (not asked before)
20 exchange: 198.51.100.11:53  NOERROR, 20.0 ms
20 verdict: referral to example.com., 2 name servers, TTL 86400
20 server: 192.0.2.1:53  alias.example.com. A (not asked before)
20 exchange: 192.0.2.1:53  NOERROR aa, 0.0 ms
20 verdict: alias to www.example.com., TTL 60
20 alias: alias.example.com. is an alias of www.example.com.
20 hit: www.example.com. A: in the cache: answer, 60 seconds left
NOERROR | alias.example.com. 60 CNAME www.example.com., www.example.com. 60 A 192.0.2.80 , www.example.com. 60 A 192.0.2.81`)
		time.Sleep(10 * time.Second)
		tells(t, story(t, r, question("nope.example.com. A")), `
0 cut: nope.example.com. A: start at example.com. (2 name servers, 86389 seconds left)
0 server: 192.0.2.1:53  nope.example.com. A (0.0 ms as a rule)
0 exchange: 192.0.2.1:53  NXDOMAIN aa, 0.0 ms
0 verdict: no such name in example.com. (NXDOMAIN), TTL 300
NXDOMAIN |  | example.com. 300`)
		tells(t, story(t, r, question("nope.example.com. TXT")), `
0 hit: nope.example.com. TXT: in the cache: denial (NXDOMAIN), 300 seconds left
NXDOMAIN |  | example.com. 300`)
	})
}

// inOrder looks for the lines of want in a story, in their order.
func inOrder(t *testing.T, story, want string) {
	t.Helper()
	rest := story
	for line := range strings.Lines(strings.TrimSpace(want)) {
		_, after, ok := strings.Cut(rest, " "+strings.TrimSuffix(line, "\n"))
		if !ok {
			t.Fatalf("the story lacks, at this place,\n%sin\n%s", line, story)
		}
		rest = after
	}
}

func TestStoriesOfWhatGoesWrong(t *testing.T) {
	t.Parallel()
	stale := func(o *resolver.Options) { o.Stale.Enabled = true }
	for _, c := range []struct {
		name   string
		change func(*resolver.Options)
		before func(t *testing.T, n *internet, r *resolver.Resolver)
		q      string
		want   string // lines of the story, in this order
	}{
		{name: "a server is silent and lame is another", q: "www.example.com. A", before: func(_ *testing.T, n *internet, _ *resolver.Resolver) {
			n.silence("192.0.2.1")
			n.host("192.0.2.2").script = says("", "REFUSED")
		}, want: `
exchange: 192.0.2.1:53  no reply, 1500.0 ms
server: 192.0.2.2:53  www.example.com. A (not asked before)
exchange: 192.0.2.2:53  REFUSED, 0.0 ms
verdict: lame: REFUSED
server: 192.0.2.1:53  www.example.com. A (once more)
dead: www.example.com. A: nothing from example.com.: EDE 22`},
		{name: "it has failed lately", q: "host.silent.org. A", before: func(t *testing.T, _ *internet, r *resolver.Resolver) {
			ask(t, r, "host.silent.org. A")
		}, want: `
failure: host.silent.org. A: has failed lately: EDE 13`},
		{name: "servers that fail and an answer that has expired", q: "www.example.com. A", change: stale, before: func(t *testing.T, n *internet, r *resolver.Resolver) {
			ask(t, r, "www.example.com. A")
			n.silence("192.0.2.1", "192.0.2.2")
			time.Sleep(2 * time.Minute)
		}, want: `
exchange: 192.0.2.1:53  no reply, 300.0 ms
stale: www.example.com. A: in the cache, expired: given all the same: there is no fresh one in time`},
		{name: "an answer that is given at once although it has expired", q: "www.example.com. A", change: func(o *resolver.Options) {
			o.Stale = resolver.Stale{Enabled: true, ClientTimer: -1}
		}, before: func(t *testing.T, _ *internet, r *resolver.Resolver) {
			ask(t, r, "www.example.com. A")
			time.Sleep(2 * time.Minute)
		}, want: `
stale: www.example.com. A: in the cache, expired: given all the same: it is fetched anew in the background`},
		{name: "an answer that is about to expire", q: "www.example.com. A", change: prefetching, before: func(t *testing.T, _ *internet, r *resolver.Resolver) {
			ask(t, r, "www.example.com. A")
			time.Sleep(59 * time.Second)
		}, want: `
hit: www.example.com. A: in the cache: answer, 1 second left
refresh: www.example.com. A: fetched anew in the background`},
		{name: "somebody else is asking", q: "www.example.com. A", before: func(t *testing.T, n *internet, r *resolver.Resolver) {
			n.host("192.0.2.1").delay = 100 * time.Millisecond
			go ask(t, r, "www.example.com. A")
			synctest.Wait()
		}, want: `
flight: www.example.com. A: another query was fetching it and was waited for`},
		{name: "priming", q: "www.example.com. A", change: func(o *resolver.Options) { o.NoPriming = false }, want: `
prime: the root servers are asked for
  server: 198.51.100.1:53  . NS (not asked before)
  exchange: 198.51.100.1:53  NOERROR aa, 0.0 ms
  verdict: answer, TTL 86400
cut: www.example.com. A: start at . (2 name servers, 86400 seconds left)`},
		{name: "a forward zone, and then the Internet", q: "www.example.com. A", change: func(o *resolver.Options) {
			o.Zones = []resolver.Zone{{Name: lookup.MustName("example.com."), Servers: []netip.AddrPort{netip.MustParseAddrPort("203.0.113.66:53")}, Forward: true, First: true}}
		}, want: `
override: www.example.com. A: forward zone example.com. (1 server)
dead: www.example.com. A: nothing from example.com.
cut: www.example.com. A: start at . (2 name servers`},
		{name: "a stub zone", q: "www.example.com. A", change: func(o *resolver.Options) {
			o.Zones = []resolver.Zone{{Name: lookup.MustName("example.com."), Servers: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:53")}}}
		}, want: `
override: www.example.com. A: stub zone example.com. (1 server)
verdict: answer, TTL 60`},
		{name: "a server without glue", q: "www.client.net. A", want: `
verdict: referral without glue for ns.hosts.org. to client.net., 1 name server, TTL 60
address: ns.hosts.org. A: needed to reach a server of client.net.
  cut: ns.hosts.org. A: start at .
  verdict: answer, TTL 60
server: 192.0.2.1:53  www.client.net. A (not asked before)
verdict: answer, TTL 60`},
		{name: "glue that the parent has left out", q: "www.example.com. A", before: func(_ *testing.T, n *internet, _ *resolver.Resolver) {
			for _, a := range []string{"198.51.100.11", "198.51.100.12"} {
				n.host(a).script = func(r transport.Request, honest *transport.Reply) *transport.Reply {
					if !strings.HasPrefix(r.Question.Name.String(), "ns") {
						honest.Additional = nil
					}
					return honest
				}
			}
		}, want: `
address: ns1.example.com. A: needed to reach a server of example.com.: the zone above is asked for the glue
  server: 198.51.100.11:53  ns
  verdict: answer
server: 192.0.2.`},
		{name: "nothing is left to pay with", q: "www.example.com. A", change: func(o *resolver.Options) { o.Limits.Upstream = 2 }, want: `
budget: the query has used up its messages`},
		{name: "too many aliases", q: "alias.example.com. A", change: func(o *resolver.Options) { o.Limits.Aliases = 1 }, before: func(_ *testing.T, n *internet, _ *resolver.Resolver) {
			n.zones[lookup.MustName("example.com.")].add("again.example.com. 60 CNAME alias.example.com.")
		}, want: `
alias: alias.example.com. is an alias of www.example.com.`},
		{name: "a server that chokes on EDNS", q: "www.example.com. A", before: func(_ *testing.T, n *internet, _ *resolver.Resolver) {
			n.host("192.0.2.1").script = func(r transport.Request, honest *transport.Reply) *transport.Reply {
				if r.NoEDNS {
					honest.TCP, honest.Size = true, 90
					return honest
				}
				return &transport.Reply{Rcode: lookup.FORMERR, Sent: 1}
			}
		}, want: `
exchange: 192.0.2.1:53  FORMERR, 0.0 ms
exchange: 192.0.2.1:53  NOERROR aa over TCP, asked without EDNS, 90 octets, 0.0 ms`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := hostless(t)
				var changes []func(*resolver.Options)
				if c.change != nil {
					changes = append(changes, c.change)
				}
				r := n.resolver(changes...)
				if c.before != nil {
					c.before(t, n, r)
				}
				got := story(t, r, question(c.q))
				time.Sleep(time.Minute) // for work in the background
				inOrder(t, got, c.want)
			})
		})
	}
}

// anyTag is a story with N for all key tags, which differ each time.
func anyTag(story string) string {
	return regexp.MustCompile(`\bkey \d+\b`).ReplaceAllString(story, "key N")
}

func TestTheStoryOfAChainOfTrust(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := signedShops(t)
		r := n.resolver(n.validating)
		inOrder(t, anyTag(story(t, r, question("www.bank.com. A"))), `
exchange: 192.0.2.9:53  NOERROR aa
verdict: answer, TTL 60
security: bank.com.: can its keys be trusted?
  security: com.: can its keys be trusted?
    security: .: can its keys be trusted?
      exchange: 198.51.100.1:53  NOERROR aa
      security: . DNSKEY: secure: it has key N ECDSAP256SHA256
    security: .: secure: a trust anchor names key N ECDSAP256SHA256, which has signed its keys
    security: com. DS: secure: signed by . with key N ECDSAP256SHA256 until 2000-06-01T00:00:00Z, names key N ECDSAP256SHA256
    security: com. DNSKEY: secure: it has key N ECDSAP256SHA256
    security: com.: secure: its DS in . names key N ECDSAP256SHA256, which has signed its keys
  security: bank.com. DS: secure: signed by com. with key N ECDSAP256SHA256 until
  security: bank.com.: secure: its DS in com. names key N ECDSAP256SHA256, which has signed its keys
security: www.bank.com. A: secure: signed by bank.com. with key N ECDSAP256SHA256 until 2000-06-01T00:00:00Z`)
		const known = "security: bank.com.: in memory, 3600 seconds left: secure: . key N ECDSAP256SHA256 -> com. key N ECDSAP256SHA256 -> bank.com. key N ECDSAP256SHA256\n"
		for name, says := range map[string]string{
			"none.bank.com. A":  "secure: there is no such name, says NSEC in.bank.com., NSEC bank.com., signed by bank.com. with key N ECDSAP256SHA256",
			"www.bank.com. TXT": "secure: there is no such type, says NSEC www.bank.com., signed by bank.com. with key N ECDSAP256SHA256",
			"x.wild.bank.com. A": "secure: signed by bank.com. with key N ECDSAP256SHA256 until 2000-06-01T00:00:00Z, made from *.wild.bank.com.; " +
				"nothing else is as close as the wildcard, says NSEC *.wild.bank.com., signed by",
		} {
			inOrder(t, anyTag(story(t, r, question(name))), known+"security: "+name+": "+says)
		}
		inOrder(t, anyTag(story(t, r, question("www.example.org. A"))), `
security: example.org. DS: secure: there is no such type, says NSEC example.org., signed by org. with key N ECDSAP256SHA256
security: example.org.: insecure: it has no DS in org., which is proven
security: www.example.org. A: insecure`)
		inOrder(t, anyTag(story(t, r, question("none.example.org. A"))), `
security: example.org.: in memory, 300 seconds left: insecure: it has no DS in org., which is proven: . key N ECDSAP256SHA256 -> org. key N ECDSAP256SHA256`)
		n.spoil("www.bank.com. A", func(s *lookup.RRset) { s.Data = lookup.PackRdata("\x06\x06\x06\x06") })
		r.Flush()
		inOrder(t, story(t, r, question("www.bank.com. A")), `
exchange: 192.0.2.9:53  NOERROR aa
security: www.bank.com. A: does not validate: EDE 6 (DNSSEC Bogus)
exchange: 192.0.2.10:53  NOERROR aa
security: www.bank.com. A: does not validate: EDE 6 (DNSSEC Bogus)
dead: www.bank.com. A: nothing from bank.com.: EDE 6 (DNSSEC Bogus)`)
	})
}

// The page has to show which keys there are, and which one the zone above wants.
func TestTheStoryOfAZoneWithTheWrongKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := signedShops(t)
		n.spoil("bank.com. DS", func(s *lookup.RRset) { s.Data = lookup.PackRdata("\x12\x34" + s.Data.First()[2:]) })
		n.zones["\x03com\x00"].resign()
		r := n.resolver(n.validating)
		inOrder(t, anyTag(story(t, r, question("www.bank.com. A"))), `
security: bank.com. DS: secure: signed by com. with key N ECDSAP256SHA256 until 2000-06-01T00:00:00Z, names key N ECDSAP256SHA256
security: bank.com. DNSKEY: does not validate: it has key N ECDSAP256SHA256: EDE 9 (DNSKEY Missing)
security: bank.com.: its keys cannot be trusted: EDE 9 (DNSKEY Missing): no DNSKEY of bank.com. matches its DS`)
		r.Forget(resolver.Forget{Name: "\x03www\x04bank\x03com\x00"})
		inOrder(t, story(t, r, question("www.bank.com. A")), `
failure: bank.com. DNSKEY: has failed lately: EDE 9 (DNSKEY Missing)`)
	})
}
