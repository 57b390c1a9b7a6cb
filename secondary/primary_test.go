package secondary

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/tsig"
	"github.com/sextant-dns/sextant/zones"
)

// world is the primaries that there are, by address; dialling another fails.
type world struct {
	t         testing.TB
	mu        sync.Mutex
	primaries map[string]*primary
}

// primary is a server of somebody else.
type primary struct {
	zone   string // its RRs, the SOA first
	asked  []string
	silent bool
	key    tsig.Key // with which it signs; the zero Key: it does not
	// script, if there is one, answers with messages of the RRs on each line
	// instead; nil is what an honest server says.
	script func(q *dns.Msg) []reply
}

// reply is a message: RRs by text, or octets.
type reply struct {
	rrs    []string
	change func(*dns.Msg)
	raw    []byte
}

func msg(rrs ...string) reply { return reply{rrs: rrs} }

var errRefused = errors.New("connection refused")

func (w *world) dial(_ context.Context, to netip.AddrPort) (net.Conn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.primaries[to.Addr().String()]
	if p == nil {
		return nil, errRefused
	}
	ours, theirs := net.Pipe()
	if !p.silent {
		go w.serve(p, theirs)
	}
	return ours, nil
}

// serve answers one query.
func (w *world) serve(p *primary, conn net.Conn) {
	defer conn.Close()
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return
	}
	b := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(conn, b); err != nil {
		return
	}
	q := new(dns.Msg)
	if err := q.Unpack(b); err != nil {
		w.t.Errorf("the query is malformed: %v", err)
		return
	}
	w.mu.Lock()
	what := dns.TypeToString[q.Question[0].Qtype]
	if len(q.Ns) == 1 {
		what += fmt.Sprint(" ", q.Ns[0].(*dns.SOA).Serial)
	}
	p.asked = append(p.asked, what)
	var replies []reply
	if p.script != nil {
		replies = p.script(q)
	}
	if replies == nil {
		replies = p.honest(q)
	}
	var signed *tsig.Session
	if p.key.Name != "" {
		signed, _ = tsig.Accept(b, func(n lookup.Name) (tsig.Key, bool) { return p.key, n == p.key.Name }, time.Now())
	}
	w.mu.Unlock()
	for _, r := range replies {
		b := r.pack(w.t, q)
		if signed != nil {
			b = signed.Sign(b, time.Now())
		}
		b = append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...)
		if _, err := conn.Write(b); err != nil {
			return
		}
	}
}

func (p *primary) honest(q *dns.Msg) []reply {
	rrs := slices.Collect(strings.Lines(strings.TrimSpace(p.zone)))
	if q.Question[0].Qtype == dns.TypeSOA {
		return []reply{msg(rrs[0])}
	}
	return []reply{msg(append(rrs, rrs[0])...)}
}

func (r reply) pack(t testing.TB, q *dns.Msg) []byte {
	if r.raw != nil {
		b := slices.Clone(r.raw)
		binary.BigEndian.PutUint16(b, q.Id)
		return b
	}
	m := new(dns.Msg)
	m.SetReply(q)
	m.Authoritative, m.Compress = true, true
	for _, text := range r.rrs {
		rr, err := dns.NewRR(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		m.Answer = append(m.Answer, rr)
	}
	if r.change != nil {
		r.change(m)
	}
	b, err := m.Pack()
	if err != nil {
		t.Error(err)
	}
	return b
}

// zone is one with that serial, and an address more than the one before.
func zone(serial int) string {
	return fmt.Sprintf(`example. 60 IN SOA ns.example. host.example. %d 3600 600 86370 60
example. 60 IN NS ns.example.
ns.example. 60 IN A 192.0.2.%d
`, serial, serial&0xff)
}

const (
	first  = "192.0.2.1:53"
	second = "192.0.2.2:53"
)

func addrs(texts ...string) (all []netip.AddrPort) {
	for _, s := range texts {
		all = append(all, netip.MustParseAddrPort(s))
	}
	return all
}

// newCopy is a Copy of example. with two primaries, of which the first is there.
func newCopy(t testing.TB, text string, change ...func(*Options)) (*Copy, *world, *primary) {
	p := &primary{zone: text}
	w := &world{t: t, primaries: map[string]*primary{"192.0.2.1": p}}
	o := Options{
		Zone:      lookup.MustName("example."),
		Primaries: addrs(first, second),
		Dial:      w.dial,
		IntN:      func(int) int { return 0 },
	}
	for _, f := range change {
		f(&o)
	}
	return New(o), w, p
}

// change has the primary do something else from now on.
func (w *world) change(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

func (w *world) asked(p *primary) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := strings.Join(p.asked, ", ")
	p.asked = nil
	return all
}

// text is a zone's RRs, sorted.
func text(z *zones.Zone) string {
	if z == nil {
		return ""
	}
	var lines []string
	for s := range z.All() {
		lines = append(lines, strings.Split(strings.ReplaceAll(s.String(), "\t", " "), "\n")...)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// sorted is text as a zone's text would be.
func sorted(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
