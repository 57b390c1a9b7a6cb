package lint

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/ecs"
)

// A Witness is an authority for one zone which answers every name below it, A with an
// address of 198.18.0.0/15 and TXT with what the query told of its client, and remembers that. The first label says what SCOPE the
// answer has: s16-anything is for the /16. No two answers are equal, so that an answer
// from a cache is known. It is safe for concurrent use.
type Witness struct {
	zone string // with a dot at the end, in lower case

	mu      sync.Mutex
	seen    map[string][]Sight // by name in lower case
	answers int
}

// A Sight is one query that the Witness has seen.
type Sight struct {
	From   netip.AddrPort
	Option *ecs.Option // nil: there was none
	Bad    string      // what was wrong with it; ""
}

// NewWitness makes a Witness. Serve makes it answer.
func NewWitness(zone string) *Witness {
	return &Witness{zone: strings.ToLower(dns.Fqdn(zone)), seen: map[string][]Sight{}}
}

// Zone is the zone, with a dot at its end.
func (w *Witness) Zone() string { return w.zone }

// Seen is what queries for a name have told, in their order.
func (w *Witness) Seen(name string) []Sight {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]Sight(nil), w.seen[strings.ToLower(dns.Fqdn(name))]...)
}

// idle is how long a connection may say nothing.
const idle = 5 * time.Second

// Serve answers on both sockets until ctx is done, and closes them. The error is that one
// of them has failed before.
func (w *Witness) Serve(ctx context.Context, udp net.PacketConn, tcp net.Listener) error {
	stop := context.AfterFunc(ctx, func() { udp.Close(); tcp.Close() })
	defer stop()
	var group sync.WaitGroup
	failed := make(chan error, 2)
	group.Go(func() { failed <- w.serveUDP(udp); tcp.Close() })
	group.Go(func() { failed <- w.serveTCP(ctx, tcp, &group); udp.Close() })
	group.Wait()
	if err := <-failed; ctx.Err() == nil {
		return err
	}
	return nil
}

func (w *Witness) serveUDP(udp net.PacketConn) error {
	for buf := make([]byte, 65535); ; {
		n, from, err := udp.ReadFrom(buf)
		if errors.Is(err, net.ErrClosed) {
			return err
		}
		if err != nil {
			continue // of one packet, such as a port that was not reached
		}
		if reply := w.respond(buf[:n], from); reply != nil {
			_, _ = udp.WriteTo(reply, from)
		}
	}
}

func (w *Witness) serveTCP(ctx context.Context, tcp net.Listener, group *sync.WaitGroup) error {
	for {
		conn, err := tcp.Accept()
		if err != nil {
			return err
		}
		group.Go(func() {
			defer conn.Close()
			stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
			defer stop()
			for {
				_ = conn.SetDeadline(time.Now().Add(idle))
				var length [2]byte
				if _, err := io.ReadFull(conn, length[:]); err != nil {
					return
				}
				query := make([]byte, binary.BigEndian.Uint16(length[:]))
				if _, err := io.ReadFull(conn, query); err != nil {
					return
				}
				reply := w.respond(query, conn.RemoteAddr())
				if reply == nil {
					return
				}
				if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)); err != nil {
					return
				}
			}
		})
	}
}

// respond is the reply to a query in octets; nil when there is none.
func (w *Witness) respond(octets []byte, from net.Addr) []byte {
	q := new(dns.Msg)
	if q.Unpack(octets) != nil || q.Response || len(q.Question) != 1 {
		return nil
	}
	sight := Sight{}
	sight.From, _ = netip.ParseAddrPort(from.String())
	if opt := q.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if subnet, ok := o.(*dns.EDNS0_SUBNET); ok {
				sight.read(subnet)
			}
		}
	}
	packed, err := w.answer(q, sight).Pack()
	if err != nil {
		return nil
	}
	return packed
}

// read notes an option.
func (s *Sight) read(o *dns.EDNS0_SUBNET) {
	a, _ := netip.AddrFromSlice(o.Address)
	if o.Family == 1 {
		a = a.Unmap()
	}
	p := netip.PrefixFrom(a, int(o.SourceNetmask))
	if !p.IsValid() || p != p.Masked() || o.SourceScope != 0 {
		s.Bad = o.String()
		return
	}
	s.Option = &ecs.Option{Source: p}
}

// answer is the reply to a query.
func (w *Witness) answer(q *dns.Msg, sight Sight) *dns.Msg {
	r := new(dns.Msg).SetReply(q)
	asked := q.Question[0]
	name := strings.ToLower(asked.Name)
	if q.Opcode != dns.OpcodeQuery || asked.Qclass != dns.ClassINET || !dns.IsSubDomain(w.zone, name) {
		r.Rcode = dns.RcodeRefused
		return r
	}
	r.Authoritative = true
	number := w.note(name, asked.Qtype, sight)
	scope := 0
	header := func(name string, t uint16, ttl uint32) dns.RR_Header {
		return dns.RR_Header{Name: name, Rrtype: t, Class: dns.ClassINET, Ttl: ttl}
	}
	soa := &dns.SOA{Hdr: header(w.zone, dns.TypeSOA, 60), Ns: "ns." + w.zone, Mbox: "hostmaster." + w.zone, Serial: 1, Refresh: 7200, Retry: 900, Expire: 1209600, Minttl: 60}
	switch {
	case name == w.zone && asked.Qtype == dns.TypeSOA:
		r.Answer = []dns.RR{soa}
	case name == w.zone && asked.Qtype == dns.TypeNS:
		r.Answer = []dns.RR{&dns.NS{Hdr: header(asked.Name, dns.TypeNS, 300), Ns: "ns." + w.zone}}
	case name != w.zone && asked.Qtype == dns.TypeA:
		scope = scopeOf(name, sight)
		// RFC 2544: 198.18.0.0/15 is nobody's.
		r.Answer = []dns.RR{&dns.A{Hdr: header(asked.Name, dns.TypeA, 300), A: net.IPv4(198, byte(18+number>>16&1), byte(number>>8), byte(number))}}
	case name != w.zone && asked.Qtype == dns.TypeTXT:
		scope = scopeOf(name, sight)
		r.Answer = []dns.RR{&dns.TXT{Hdr: header(asked.Name, dns.TypeTXT, 300), Txt: []string{fmt.Sprintf("answer %d, told %s", number, sight)}}}
	default:
		r.Ns = []dns.RR{soa}
	}
	if q.IsEdns0() != nil {
		r.SetEdns0(udpSize, false)
	}
	if sight.Option != nil {
		o := ecs.Option{Source: sight.Option.Source, Scope: uint8(scope)}
		r.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_LOCAL{Code: dns.EDNS0SUBNET, Data: []byte(o.Data())}}
	}
	return r
}

// udpSize is what the Witness takes over UDP.
const udpSize = 1232

// String is what was told.
func (s Sight) String() string {
	switch {
	case s.Bad != "":
		return "nonsense (" + s.Bad + ")"
	case s.Option == nil:
		return "nothing"
	}
	return s.Option.Source.String()
}

// note remembers a sight, and numbers it.
func (w *Witness) note(name string, qtype uint16, s Sight) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if qtype == dns.TypeA || qtype == dns.TypeTXT {
		w.seen[name] = append(w.seen[name], s)
	}
	w.answers++
	return w.answers
}

// scopeOf is the SCOPE that a name asks for.
func scopeOf(name string, s Sight) int {
	if s.Option == nil {
		return 0
	}
	label, _, _ := strings.Cut(strings.TrimPrefix(name, "s"), "-")
	n, err := strconv.Atoi(label)
	if err != nil || n < 0 {
		return 0
	}
	if s.Option.Source.Bits() == 0 {
		return 0
	}
	return min(n, s.Option.Source.Addr().BitLen())
}
