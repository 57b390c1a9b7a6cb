package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"strconv"
	"sync/atomic"

	"github.com/miekg/dns"
)

// Answers by network: a zone of 1000 names each of which has another address in each
// of 100 networks of 24 bits, which is how many of a name Sextant keeps. The 100 000 pairs
// of name and network are enough for what a server takes besides not to count.
const (
	subnetZone     = "geo.ecs." // not a TLD: to the servers of those nothing is told
	subnetNames    = 1000
	subnetNetworks = 100
	subnetBits     = 24
)

// clientNetwork is network n that questions tell of: public space, as both resolvers
// are to pass it on.
func clientNetwork(n int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{9, byte(n), 7, 0}), subnetBits)
}

// tailored is the address that every name has in a network.
func tailored(network netip.Addr) netip.Addr {
	a := network.As4()
	a[0] = 198
	return netip.AddrFrom4(a)
}

// The authority for subnetZone is in this process. NSD knows nothing of networks, and
// what the servers that do make of a table of networks is not the same: this one
// echoes the option with SCOPE 24, and has an address for whatever network it hears.
func (n *internet) authority() netip.AddrPort { return netip.AddrPortFrom(address(n.network, 60), 53) }

// A tailor is that authority.
type tailor struct {
	udp   *dns.Server
	asked atomic.Int64 // with an option
}

func startTailor(ctx context.Context, at netip.AddrPort) (*tailor, error) {
	if err := free(at); err != nil {
		return nil, err
	}
	t, ready, failed := &tailor{}, make(chan struct{}), make(chan error, 1)
	t.udp = &dns.Server{Addr: at.String(), Net: "udp", Handler: dns.HandlerFunc(t.serve), NotifyStartedFunc: func() { close(ready) }}
	go func() { failed <- t.udp.ListenAndServe() }()
	select {
	case <-ready:
		return t, nil
	case err := <-failed:
		return nil, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (t *tailor) stop() { t.udp.Shutdown() }

func (t *tailor) serve(w dns.ResponseWriter, q *dns.Msg) { w.WriteMsg(t.answer(q)) }

// answer is for the network that q tells of, or for everyone.
func (t *tailor) answer(q *dns.Msg) *dns.Msg {
	r := new(dns.Msg).SetReply(q)
	r.Authoritative = true
	head := dns.RR_Header{Name: q.Question[0].Name, Rrtype: q.Question[0].Qtype, Class: dns.ClassINET, Ttl: 86400}
	network := clientNetwork(0).Addr()
	if opt := q.IsEdns0(); opt != nil {
		r.SetEdns0(1232, false)
		for _, o := range opt.Option {
			told, ok := o.(*dns.EDNS0_SUBNET)
			if !ok {
				continue
			}
			if a, is4 := netip.AddrFromSlice(told.Address.To4()); is4 && told.SourceNetmask > 0 {
				t.asked.Add(1)
				network = a
				echo := *told
				echo.SourceScope = subnetBits
				r.IsEdns0().Option = append(r.IsEdns0().Option, &echo)
			}
		}
	}
	soa := &dns.SOA{Hdr: head, Ns: "ns." + subnetZone, Mbox: "nobody.invalid.", Serial: 1, Refresh: 1800, Retry: 900, Expire: 604800, Minttl: 3600}
	switch {
	case head.Rrtype == dns.TypeSOA && dns.CanonicalName(head.Name) == subnetZone:
		r.Answer = []dns.RR{soa}
	case head.Rrtype == dns.TypeA && dns.CanonicalName(head.Name) != subnetZone:
		r.Answer = []dns.RR{&dns.A{Hdr: head, A: tailored(network).AsSlice()}}
	default:
		soa.Hdr = dns.RR_Header{Name: subnetZone, Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: 3600}
		r.Ns = []dns.RR{soa}
	}
	return r
}

// subnetQuestion asks for a name on behalf of a network.
func subnetQuestion(name int, network netip.Prefix) *dns.Msg {
	q := new(dns.Msg).SetQuestion(fmt.Sprintf("h%d.%s", name, subnetZone), dns.TypeA)
	q.SetEdns0(1232, false)
	q.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: uint8(network.Bits()), Address: network.Addr().AsSlice()}}
	return q
}

// writeSubnetQuestions writes all pairs as messages with their lengths, which
// dnsperf -B reads, in an order that is the same in each run.
func writeSubnetQuestions(path string) error {
	var stream []byte
	for _, pair := range rand.New(rand.NewPCG(3, 4)).Perm(subnetNames * subnetNetworks) {
		message, err := subnetQuestion(pair/subnetNetworks, clientNetwork(pair%subnetNetworks)).Pack()
		if err != nil {
			return err
		}
		stream = append(binary.BigEndian.AppendUint16(stream, uint16(len(message))), message...)
	}
	return os.WriteFile(path, stream, 0o644)
}

// doSubnets asks for each pair once, which is what the memory is of, and then for
// some seconds.
func doSubnets(ctx context.Context, l *laboratory, s subject) (sample, error) {
	authority, err := startTailor(ctx, s.internet.authority())
	if err != nil {
		return sample{}, err
	}
	defer authority.stop()
	if err := checkSubnets(ctx, s.at); err != nil {
		return sample{}, err
	}
	fill, err := l.cost(ctx, s, "-B", "-d", s.questions, "-n", "1")
	if err != nil {
		return sample{}, err
	}
	if err := fill.good(); err != nil {
		return sample{}, fmt.Errorf("while it fills its cache: %w", err)
	}
	before := authority.asked.Load()
	hits, err := l.cost(ctx, s, "-B", "-d", s.questions, "-l", strconv.Itoa(l.seconds), "-t", "1")
	if err != nil {
		return sample{}, err
	}
	hits.grown, hits.upstream = fill.grown, int(authority.asked.Load()-before)
	return hits, checkSubnets(ctx, s.at)
}

// checkSubnets compares some answers with what the authority says, scope included.
func checkSubnets(ctx context.Context, at netip.AddrPort) error {
	for n := 0; n < subnetNetworks; n += 10 {
		network := clientNetwork(n)
		client := dns.Client{}
		r, _, err := client.ExchangeContext(ctx, subnetQuestion(n%subnetNames, network), at.String())
		if err != nil {
			return err
		}
		if got := subnetAnswer(r); got != fmt.Sprintf("%s for %s", tailored(network.Addr()), network) {
			return fmt.Errorf("the answer for %s is %s", network, got)
		}
	}
	return nil
}

// subnetAnswer is the address in r and whom it is for.
func subnetAnswer(r *dns.Msg) string {
	text := dns.RcodeToString[r.Rcode]
	for _, rr := range r.Answer {
		if a, ok := rr.(*dns.A); ok {
			text = a.A.String()
		}
	}
	opt := r.IsEdns0()
	if opt == nil {
		return text
	}
	for _, o := range opt.Option {
		if told, ok := o.(*dns.EDNS0_SUBNET); ok {
			text += fmt.Sprintf(" for %s/%d", told.Address, told.SourceScope)
		}
	}
	return text
}
