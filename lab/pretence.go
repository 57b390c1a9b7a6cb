package lab

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/transport"
)

// Trouble is what the servers of a zone seem to be in, for a zone below it.
type Trouble string

// The troubles.
const (
	Quiet    Trouble = "silent" // they do not reply
	Denial   Trouble = "nx"     // they say with authority, and without a proof, that there is no such zone
	Forgery  Trouble = "bogus"  // none of their signatures is right
	Laggards Trouble = "lag"    // every other one has a zone of yesterday, in which the zone below is not there yet
	Hijack   Trouble = "hijack" // they refer to servers of somebody else, who answers anything
	Emptied  Trouble = "empty"  // they have a zone with nothing in it, which is not signed
)

// Troubles are all there are.
func Troubles() []Trouble { return []Trouble{Quiet, Denial, Forgery, Laggards, Hijack, Emptied} }

// Hijacker is where the somebody of a Hijack is, and what he gives out as everybody's
// address (RFC 5737). Nobody is asked there: what he says is made up here.
func Hijacker() netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, 66}) }

// mostRemembered is how many replies a Pretence remembers.
const mostRemembered = 4096

// Exchanger sends one message to one server; a transport.Client and an Internet do.
type Exchanger interface {
	Exchange(ctx context.Context, r transport.Request) (*transport.Reply, error)
}

// PretenceOptions are what a Pretence is about. All fields are required.
type PretenceOptions struct {
	Next    Exchanger   // who asks the servers that there are
	Parent  lookup.Name // the zone whose servers seem to be in trouble
	Zone    lookup.Name // the zone below it
	Servers []Server    // of Parent; addresses of theirs that come up later count, too
	Serial  uint32      // of Parent, for the SOA in denials
}

// Pretence is the Internet as it would be if the servers of one zone were in trouble. It
// asks each server that is there each question once, and remembers what it said; so it is
// for a drill of a few seconds. It is safe for concurrent use.
type Pretence struct {
	options PretenceOptions

	mu      sync.Mutex
	trouble Trouble
	stolen  bool               // there was a Hijack
	host    map[netip.Addr]int // which of the servers is there
	said    map[asked]said
}

type asked struct {
	server      netip.AddrPort
	question    lookup.Question
	tcp, noEDNS bool
	subnet      netip.Prefix
}

type said struct {
	reply *transport.Reply
	err   error
}

// NewPretence makes a Pretence in which there is no trouble yet.
func NewPretence(o PretenceOptions) *Pretence {
	p := &Pretence{options: o, host: map[netip.Addr]int{}, said: map[asked]said{}}
	for i, s := range o.Servers {
		for _, a := range s.Addrs {
			p.host[a] = i
		}
	}
	return p
}

// Set has there be a trouble from now on; "" ends it.
func (p *Pretence) Set(t Trouble) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trouble, p.stolen = t, p.stolen || t == Hijack
}

// Exchange asks the server at an address, or makes up what it says.
func (p *Pretence) Exchange(ctx context.Context, r transport.Request) (*transport.Reply, error) {
	a := r.Server.Addr().Unmap()
	p.mu.Lock()
	host, theirs := p.host[a]
	trouble, stolen := p.trouble, p.stolen
	p.mu.Unlock()
	if stolen && a == Hijacker() {
		return p.hijacked(r.Question), nil
	}
	if theirs && trouble == Quiet {
		return nil, &transport.Error{Server: r.Server, TCP: r.TCP, Sent: 1, Cause: transport.ErrTimeout}
	}
	below := r.Question.Name.IsSubdomainOf(p.options.Zone)
	switch {
	case !theirs:
	case trouble == Denial && below, trouble == Laggards && host%2 == 0 && below,
		trouble == Emptied && r.Question.Name != p.options.Parent && r.Question.Name.IsSubdomainOf(p.options.Parent):
		return p.denial(lookup.NXDOMAIN), nil
	case trouble == Emptied && r.Question.Name == p.options.Parent && r.Question.Type != lookup.TypeSOA && r.Question.Type != lookup.TypeNS:
		return p.denial(lookup.NOERROR), nil
	case trouble == Hijack && below && r.Question.Type != lookup.TypeDS:
		return p.referral(), nil
	}
	reply, err := p.real(ctx, r)
	if err != nil || !theirs {
		return reply, err
	}
	switch {
	case trouble == Forgery:
		return with(reply, forged), nil
	case trouble == Emptied:
		return with(reply, func(s lookup.RRset) lookup.RRset { s.Sigs = ""; return s }), nil
	case trouble == Laggards && host%2 == 0:
		return with(reply, p.yesterday), nil
	}
	return reply, nil
}

// real is what the server says, or has said.
func (p *Pretence) real(ctx context.Context, r transport.Request) (*transport.Reply, error) {
	key := asked{r.Server, r.Question, r.TCP, r.NoEDNS, r.Subnet}
	p.mu.Lock()
	before, ok := p.said[key]
	p.mu.Unlock()
	if ok {
		return before.reply, before.err
	}
	reply, err := p.options.Next.Exchange(ctx, r)
	if ctx.Err() != nil {
		return reply, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.said) < mostRemembered {
		p.said[key] = said{reply, err}
	}
	if err == nil {
		p.learn(reply)
	}
	return reply, err
}

// learn notes addresses of the servers that were not known. p.mu is held.
func (p *Pretence) learn(reply *transport.Reply) {
	for _, s := range slices.Concat(reply.Answer, reply.Additional) {
		if s.Type != lookup.TypeA && s.Type != lookup.TypeAAAA {
			continue
		}
		i := slices.IndexFunc(p.options.Servers, func(h Server) bool { return h.Name == s.Name })
		if i < 0 {
			continue
		}
		for rdata := range s.Data.All() {
			if a, ok := netip.AddrFromSlice([]byte(rdata)); ok {
				p.host[a] = i
			}
		}
	}
}

// with is a reply with other RRsets.
func with(r *transport.Reply, change func(lookup.RRset) lookup.RRset) *transport.Reply {
	other := *r
	for _, section := range []*[]lookup.RRset{&other.Answer, &other.Authority, &other.Additional} {
		*section = slices.Clone(*section)
		for i, s := range *section {
			(*section)[i] = change(s)
		}
	}
	return &other
}

// forged has one bit of each signature be wrong.
func forged(s lookup.RRset) lookup.RRset {
	var sigs []string
	for rdata := range s.Sigs.All() {
		octets := []byte(rdata)
		octets[len(octets)-1] ^= 1
		sigs = append(sigs, string(octets))
	}
	if len(sigs) > 0 {
		s.Sigs = lookup.PackRdata(sigs...)
	}
	return s
}

// yesterday has the SOA of the parent be an older one.
func (p *Pretence) yesterday(s lookup.RRset) lookup.RRset {
	if s.Type == lookup.TypeSOA && s.Name == p.options.Parent {
		s.Data = p.soa(p.options.Serial - 1).Data
	}
	return s
}

func (p *Pretence) soa(serial uint32) lookup.RRset {
	numbers := []uint32{serial, 1800, 900, 604800, 900} // RFC 1035 3.3.13
	rdata := []byte(string(p.options.Parent) + string(p.options.Parent))
	for _, n := range numbers {
		rdata = append(rdata, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	return lookup.RRset{Name: p.options.Parent, Type: lookup.TypeSOA, TTL: 900, Data: lookup.PackRdata(string(rdata))}
}

func (p *Pretence) denial(rcode lookup.Rcode) *transport.Reply {
	return reply(transport.Reply{Rcode: rcode, AA: true, Authority: []lookup.RRset{p.soa(p.options.Serial)}})
}

// reply is one as a good server sends it, so far.
func reply(r transport.Reply) *transport.Reply {
	r.EDNS, r.Cookie, r.Sent, r.Size = true, true, 1, 200
	return &r
}

// referral leads to the hijacker.
func (p *Pretence) referral() *transport.Reply {
	host, err := p.options.Zone.Child("hijack")
	if err != nil { // too long
		host = p.options.Zone
	}
	return reply(transport.Reply{
		Authority:  []lookup.RRset{{Name: p.options.Zone, Type: lookup.TypeNS, TTL: 3600, Data: lookup.PackRdata(string(host))}},
		Additional: []lookup.RRset{{Name: host, Type: lookup.TypeA, TTL: 3600, Data: lookup.PackRdata(hijackerData())}},
	})
}

func hijackerData() string { return string(Hijacker().AsSlice()) }

// hijacked is what the hijacker says.
func (p *Pretence) hijacked(q lookup.Question) *transport.Reply {
	r := transport.Reply{AA: true}
	switch q.Type {
	case lookup.TypeA:
		r.Answer = []lookup.RRset{{Name: q.Name, Type: q.Type, TTL: 60, Data: lookup.PackRdata(hijackerData())}}
	case lookup.TypeAAAA:
		mapped := "\x20\x01\x0d\xb8" + strings.Repeat("\x00", 8) + hijackerData() // RFC 3849
		r.Answer = []lookup.RRset{{Name: q.Name, Type: q.Type, TTL: 60, Data: lookup.PackRdata(mapped)}}
	default:
		soa := p.soa(1)
		soa.Name = p.options.Zone
		r.Authority = []lookup.RRset{soa}
	}
	return reply(r)
}

// IsHijacked tells whether an address RRset is the hijacker's.
func IsHijacked(s lookup.RRset) bool {
	return strings.HasSuffix(s.Data.First(), hijackerData())
}
