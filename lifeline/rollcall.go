package lifeline

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/transport"
)

// How much a roll-call may do.
const (
	maxServers = 26 // addresses that are asked
	tries      = 2
	patience   = 1500 * time.Millisecond // for one try
)

// An Exchanger sends one message to one server; a transport.Client does.
type Exchanger interface {
	Exchange(ctx context.Context, r transport.Request) (*transport.Reply, error)
}

// A Caller sends roll-calls. It is safe for concurrent use.
type Caller struct {
	Exchanger Exchanger
	Port      uint16 // that servers listen on; 0: 53
	Policy    dnssec.Policy
	Now       func() time.Time // nil: time.Now
}

// A Parent is the zone above a zone, and who serves it.
type Parent struct {
	Zone  lookup.Name
	Hosts []Host
	// Keys are its DNSKEYs, validated; none: it is not known to be signed.
	Keys []dnssec.Key
	// Unsigned: it is proven to be outside the signed tree, or nobody validates.
	Unsigned bool
	// Young are addresses whose votes do not count yet.
	Young []netip.Addr
}

// Call asks every server of the parent who serves zone, all at once, and brings their
// votes back within a few seconds. known is what the votes are to be compared with.
func (c *Caller) Call(ctx context.Context, zone lookup.Name, p Parent, known Snapshot) Ballot {
	type server struct {
		name lookup.Name
		addr netip.Addr
	}
	var servers []server
	for _, h := range p.Hosts {
		for _, a := range h.Addrs {
			servers = append(servers, server{h.Name, a})
		}
	}
	servers = servers[:min(len(servers), maxServers)]
	b := Ballot{Votes: make([]Vote, len(servers))}
	var all sync.WaitGroup
	for i, s := range servers {
		all.Go(func() {
			b.Votes[i] = c.ask(ctx, zone, p, known, s.addr)
			b.Votes[i].Name, b.Votes[i].Young = s.name, slices.Contains(p.Young, s.addr)
		})
	}
	all.Wait()
	c.continuity(ctx, zone, known, b.Votes)
	b.At = c.now()
	return b
}

func (c *Caller) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}

// ask gets one vote.
func (c *Caller) ask(ctx context.Context, zone lookup.Name, p Parent, known Snapshot, server netip.Addr) Vote {
	v := Vote{Server: server}
	reply, err := c.sure(ctx, server, p.Zone, zone, known)
	if err != nil {
		v.Err = err.Error()
		if e, ok := errors.AsType[*transport.Error](err); ok { // where is told beside it
			v.Err = e.Cause.Error()
		}
		return v
	}
	v.RTT = reply.RTT
	j := judge{vote: &v, zone: zone, parent: p, reply: reply, checks: c.verifier()}
	j.find()
	if v.Finding == Refers && !j.spoke && len(p.Keys) > 0 {
		// It holds the zone, too, or leaves DS to those who ask for it.
		if ds, err := c.exchange(ctx, server, zone, lookup.TypeDS, false); err == nil {
			j.reply = ds
			j.findDS(ds.Answer, ds.Authority)
		}
	}
	if soa, err := c.exchange(ctx, server, p.Zone, lookup.TypeSOA, false); err == nil {
		v.noteSOA(soa, p.Zone)
	}
	return v
}

// sure asks so that one forged packet is not enough: over UDP with a cookie that comes
// back (RFC 7873), or over TCP. A server that speaks neither may confirm what is known
// and nothing else.
func (c *Caller) sure(ctx context.Context, server netip.Addr, parent, zone lookup.Name, known Snapshot) (*transport.Reply, error) {
	reply, err := c.exchange(ctx, server, zone, lookup.TypeNS, false)
	if err != nil || reply.Cookie || reply.TCP {
		return reply, err // the silent are not waited for once more
	}
	better, worse := c.exchange(ctx, server, zone, lookup.TypeNS, true)
	if worse == nil {
		return better, nil
	}
	if d, ok := referral(reply, parent, zone); ok && known.Known() && d.Agrees(known.Delegation) {
		return reply, nil
	}
	return nil, lookup.Fail(lookup.EDENetworkError, "it replies over UDP alone, without a cookie, and TCP fails: %v", worse)
}

func (c *Caller) exchange(ctx context.Context, server netip.Addr, name lookup.Name, t lookup.Type, tcp bool) (reply *transport.Reply, err error) {
	port := c.Port
	if port == 0 {
		port = 53
	}
	for range tries {
		reply, err = c.Exchanger.Exchange(ctx, transport.Request{
			Server:   netip.AddrPortFrom(server, port),
			Question: lookup.Question{Name: name, Type: t, Class: lookup.ClassIN, DO: true, CD: true},
			TCP:      tcp,
			Timeout:  patience,
		})
		if err == nil || ctx.Err() != nil {
			return reply, err
		}
	}
	return nil, err
}

func (c *Caller) verifier() *dnssec.Verifier {
	return &dnssec.Verifier{Policy: c.Policy, Now: c.now(), Budget: lookup.NewBudget(lookup.Limits{})}
}

func (v *Vote) noteSOA(reply *transport.Reply, parent lookup.Name) {
	soa, ok := lookup.Find(reply.Answer, parent, lookup.TypeSOA)
	rdata := soa.Data.First()
	if !ok || !reply.AA || len(rdata) < 20 {
		return
	}
	numbers := rdata[len(rdata)-20:] // RFC 1035 3.3.13: five of them end it
	v.Serial, v.HasSOA = number(numbers), true
	v.Refresh = time.Duration(number(numbers[4:])) * time.Second
}

func number(octets string) uint32 {
	return uint32(octets[0])<<24 | uint32(octets[1])<<16 | uint32(octets[2])<<8 | uint32(octets[3])
}

// continuity asks the servers of delegations that are new, and validated, for the zone's
// keys: whoever could sign for the zone before may move it.
func (c *Caller) continuity(ctx context.Context, zone lookup.Name, known Snapshot, votes []Vote) {
	if len(known.Keys) == 0 {
		return
	}
	for i, v := range votes {
		if v.Finding != Refers || !v.Secure || len(v.Delegation.DS) == 0 || v.Delegation.Agrees(known.Delegation) {
			continue
		}
		if asked := slices.IndexFunc(votes[:i], func(w Vote) bool { return w.Secure && w.Finding == Refers && w.Delegation.Agrees(v.Delegation) }); asked >= 0 {
			votes[i].Continuous = votes[asked].Continuous
			continue
		}
		set, _, err := c.ChildKeys(ctx, zone, v.Delegation)
		if err != nil {
			continue
		}
		trusted := dnssec.ParseKeys(lookup.RRset{Name: zone, Type: lookup.TypeDNSKEY, Data: lookup.PackRdata(known.Keys...)})
		votes[i].Continuous = c.verifier().Verify(set, zone, trusted).Status == dnssec.Secure
	}
}

// ChildKeys gets the DNSKEY RRset of a zone from the servers of a delegation, and those
// of its keys that the delegation's DS name, when they validate.
func (c *Caller) ChildKeys(ctx context.Context, zone lookup.Name, d Delegation) (set lookup.RRset, named []string, err error) {
	ds := dnssec.ParseDS(lookup.RRset{Name: zone, Type: lookup.TypeDS, Data: lookup.PackRdata(d.DS...)})
	err = lookup.Fail(lookup.EDENoReachableAuth, "no server of %s has an address", zone)
	for i, server := range d.Addresses() {
		if i == 4 { // the first that answers will do
			break
		}
		var reply *transport.Reply
		if reply, err = c.exchange(ctx, server, zone, lookup.TypeDNSKEY, false); err != nil {
			continue
		}
		found, ok := lookup.Find(reply.Answer, zone, lookup.TypeDNSKEY)
		keys, result := c.verifier().Keys(found, ds)
		if !ok || result.Status != dnssec.Secure {
			err = lookup.Fail(lookup.EDEDNSKEYMissing, "%s: keys that the DS name: %s", server, result.Status)
			continue
		}
		for _, k := range keys {
			for _, want := range ds {
				if made, ok := dnssec.DSOf(k, want.Type); ok && made == want {
					named = append(named, k.Rdata)
				}
			}
		}
		slices.Sort(named)
		return found, slices.Compact(named), nil
	}
	return lookup.RRset{}, nil, err
}
