package lifeline_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lifeline"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/transport"
)

// world is the servers of io. and example.io., each with what it says.
type world struct {
	tb     testing.TB
	parent dnssec.Signer
	child  dnssec.Signer

	mu      sync.Mutex
	servers map[netip.Addr]script
	sent    []string
}

// script is what a server replies; nil: nothing.
type script func(r transport.Request) *transport.Reply

func newWorld(tb testing.TB) *world {
	w := &world{tb: tb, servers: map[netip.Addr]script{}}
	w.parent, w.child = newKey(tb, "io."), newKey(tb, "example.io.")
	for i := range 7 {
		w.set(server(i), w.refers(lookup.MustRRsets(glued)...))
	}
	for _, a := range []string{"192.0.2.1", "192.0.2.2"} {
		w.set(netip.MustParseAddr(a), w.holds(w.child))
	}
	return w
}

const glued = `example.io. 3600 NS ns1.example.io.
example.io. 3600 NS ns2.example.io.
ns1.example.io. 3600 A 192.0.2.1
ns2.example.io. 3600 A 192.0.2.2
`

func newKey(tb testing.TB, zone string) dnssec.Signer {
	k, err := dnssec.GenerateKey(lookup.MustName(zone), dnssec.ED25519, dnssec.FlagZone|dnssec.FlagSEP)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

// server is the address of one of the parent's, each in a network of its own.
func server(i int) netip.Addr { return netip.AddrFrom4([4]byte{198, 51, byte(100 + i), 1}) }

func (w *world) set(a netip.Addr, s script) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.servers[a] = s
}

// all has the parent's servers from one to before another say the same.
func (w *world) all(from, to int, s script) {
	for i := from; i < to; i++ {
		w.set(server(i), s)
	}
}

func (w *world) Exchange(ctx context.Context, r transport.Request) (*transport.Reply, error) {
	w.mu.Lock()
	w.sent = append(w.sent, fmt.Sprintf("%s %s %s", r.Server.Addr(), r.Question.Name, r.Question.Type))
	s := w.servers[r.Server.Addr()]
	w.mu.Unlock()
	if s != nil {
		if reply := s(r); reply != nil {
			reply.TCP = reply.TCP || r.TCP
			return reply, nil
		}
	}
	select {
	case <-ctx.Done():
		return nil, &transport.Error{Server: r.Server, Sent: 1, Cause: ctx.Err()}
	case <-time.After(r.Timeout):
		return nil, &transport.Error{Server: r.Server, Sent: 1, Cause: transport.ErrTimeout}
	}
}

// count is how many messages were sent that contain part, and forget begins anew.
func (w *world) count(part string) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, line := range w.sent {
		if strings.Contains(line, part) {
			n++
		}
	}
	return n
}

func (w *world) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent = nil
}

func (w *world) signed(s lookup.RRset, by dnssec.Signer) lookup.RRset {
	s, err := by.Sign(s, time.Now().Add(-time.Hour), time.Now().Add(30*24*time.Hour))
	if err != nil {
		w.tb.Fatal(err)
	}
	return s
}

// soa is that of the parent.
func soa(serial int) lookup.RRset {
	return lookup.MustRRsets(fmt.Sprintf("io. 900 SOA a.io. host.io. %d 1800 900 604800 900", serial))[0]
}

// refers is a server that refers to a delegation, and gives the SOA of its zone. beside
// is what stands in the authority section with the NS: DS, or the proof that there is none.
func (w *world) refers(sets ...lookup.RRset) script {
	return func(r transport.Request) *transport.Reply {
		if r.Question.Type == lookup.TypeSOA {
			return &transport.Reply{AA: true, Cookie: true, Answer: []lookup.RRset{soa(100)}}
		}
		reply := &transport.Reply{Cookie: true}
		for _, s := range sets {
			if s.Type == lookup.TypeA || s.Type == lookup.TypeAAAA {
				reply.Additional = append(reply.Additional, s)
			} else {
				reply.Authority = append(reply.Authority, s)
			}
		}
		return reply
	}
}

// denies is a server that says that the zone does not exist, with that proof.
func (w *world) denies(proof ...lookup.RRset) script {
	return func(r transport.Request) *transport.Reply {
		if r.Question.Type == lookup.TypeSOA {
			return &transport.Reply{AA: true, Cookie: true, Answer: []lookup.RRset{soa(100)}}
		}
		return &transport.Reply{AA: true, Cookie: true, Rcode: lookup.NXDOMAIN, Authority: append([]lookup.RRset{soa(100)}, proof...)}
	}
}

func (w *world) silent() script { return nil }

// holds is a server of the zone itself, whose key that is.
func (w *world) holds(key dnssec.Signer) script {
	return func(r transport.Request) *transport.Reply {
		if r.Question.Type != lookup.TypeDNSKEY {
			return &transport.Reply{AA: true, Cookie: true, Rcode: lookup.REFUSED}
		}
		return &transport.Reply{AA: true, Cookie: true, Answer: []lookup.RRset{w.signed(dnssec.DNSKEY(3600, key), key)}}
	}
}

func (w *world) ds(key dnssec.Signer) lookup.RRset {
	ds, _ := dnssec.DSOf(key.Key, dnssec.SHA256)
	return w.signed(lookup.RRset{Name: key.Key.Owner, Type: lookup.TypeDS, TTL: 3600, Data: lookup.PackRdata(ds.Rdata())}, w.parent)
}

// nsec is one of the parent's, signed.
func (w *world) nsec(text string) lookup.RRset { return w.signed(lookup.MustRRsets(text)[0], w.parent) }

// optOut is the only NSEC3 of the parent: all but its apex lies in the span that opts out.
func (w *world) optOut() lookup.RRset {
	hash := dnssec.NSEC3Hash("\x02io\x00", 0, "")
	return w.nsec(fmt.Sprintf("%s.io. 900 NSEC3 1 1 0 - %s NS SOA RRSIG DNSKEY NSEC3PARAM", hash, hash))
}

func (w *world) caller() *lifeline.Caller { return &lifeline.Caller{Exchanger: w} }

// io is the parent with its seven servers.
func (w *world) io(signed bool) lifeline.Parent {
	p := lifeline.Parent{Zone: "\x02io\x00"}
	for i := range 7 {
		p.Hosts = append(p.Hosts, lifeline.Host{Name: lookup.MustName(fmt.Sprintf("ns-%c1.io.", 'a'+i)), Addrs: []netip.Addr{server(i)}})
	}
	if signed {
		p.Keys = []dnssec.Key{w.parent.Key}
	}
	return p
}
