//go:build e2e

package e2e_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// outcome is a response brought into a form in which the order of RRs, letter case,
// compression and options do not show.
type outcome struct {
	rcode    string // "none": no response came
	aa, tc   bool
	opt      bool
	octets   int
	flags    string      // the others, and whether the question came back
	sections [3][]string // sorted, an RR each
}

// normal is the outcome that a message is, to the query q.
func normal(q peerQuery, b []byte) outcome {
	var m dns.Msg
	if err := m.Unpack(b); err != nil {
		return outcome{rcode: "unreadable: " + err.Error()}
	}
	o := outcome{octets: len(b), rcode: dns.RcodeToString[m.Rcode], aa: m.Authoritative, tc: m.Truncated}
	if opt := m.IsEdns0(); opt != nil {
		o.opt = true
		o.rcode = dns.RcodeToString[opt.ExtendedRcode()|m.Rcode&0xf]
		if m.Rcode > 15 {
			o.rcode = dns.RcodeToString[m.Rcode]
		}
		if opt.Do() {
			o.flags += " do"
		}
	}
	for _, f := range []struct {
		set  bool
		name string
	}{{m.RecursionDesired, "rd"}, {m.RecursionAvailable, "ra"}, {m.AuthenticatedData, "ad"}, {m.CheckingDisabled, "cd"}, {m.Zero, "z"}} {
		if f.set {
			o.flags += " " + f.name
		}
	}
	asked := q.message()
	if end := len(asked) - q.optLen(); len(b) < end || !bytes.Equal(b[12:end], asked[12:end]) {
		o.flags += " other-question"
	}
	for i, section := range [][]dns.RR{m.Answer, m.Ns, m.Extra} {
		for _, rr := range section {
			if rr.Header().Rrtype != dns.TypeOPT {
				o.sections[i] = append(o.sections[i], flat(rr))
			}
		}
		slices.Sort(o.sections[i])
	}
	return o
}

// flat is an RR in one line: owner, type, TTL and rdata.
func flat(rr dns.RR) string {
	h := rr.Header()
	rdata := strings.TrimPrefix(rr.String(), h.String())
	if sig, ok := rr.(*dns.RRSIG); ok {
		rdata = dns.Type(sig.TypeCovered).String() + fmt.Sprintf(" %d %d", sig.Labels, sig.OrigTtl) // the rest is the file's
	} else if h.Rrtype != dns.TypeTXT {
		rdata = strings.ToLower(rdata)
	}
	return fmt.Sprintf("%s %s %d %s", strings.ToLower(h.Name), dns.Type(h.Rrtype), h.Ttl, rdata)
}

// traits are what rules may want to know of a query beside its text: how many
// CNAMEs stand in our answer, how long it is over UDP, and whether it has names of
// other zones than the question's.
func (o outcome) traits(all []peerZone, q peerQuery) string {
	var b strings.Builder
	home := zoneOf(all, q.name)
	chain, crosses := 0, false
	for i, section := range o.sections[:2] {
		for _, rr := range section {
			owner, rest, _ := strings.Cut(rr, " ")
			if i == 0 && strings.HasPrefix(rest, "CNAME ") {
				chain++
			}
			crosses = crosses || zoneOf(all, owner) != home
		}
	}
	if chain > 0 {
		fmt.Fprintf(&b, " chain=%d", chain)
	}
	if !q.tcp {
		fmt.Fprintf(&b, " octets=%d", o.octets)
	}
	if crosses {
		b.WriteString(" crosses")
	}
	return b.String()
}

// zoneOf is the closest zone that a name is in, "" if it is in none.
func zoneOf(all []peerZone, name string) string {
	closest := ""
	for _, z := range all {
		if len(z.name) > len(closest) && dns.IsSubDomain(z.name+".", name) {
			closest = z.name
		}
	}
	return closest
}

// differences are what sets our outcome apart from a peer's, an item each: what
// only we have has "+", what only the peer has "-", other pairs are ours/theirs.
func differences(ours, theirs outcome) []string {
	var items []string
	if ours.rcode != theirs.rcode {
		items = append(items, "rcode "+ours.rcode+"/"+theirs.rcode)
	}
	for _, f := range []struct {
		name         string
		ours, theirs bool
	}{{"aa", ours.aa, theirs.aa}, {"tc", ours.tc, theirs.tc}, {"opt", ours.opt, theirs.opt}} {
		if f.ours != f.theirs {
			items = append(items, fmt.Sprintf("%s %s", f.name, map[bool]string{true: "+", false: "-"}[f.ours]))
		}
	}
	if ours.flags != theirs.flags {
		items = append(items, fmt.Sprintf("flags%s/%s", ours.flags, theirs.flags))
	}
	if ours.tc || theirs.tc {
		return items // what is left of a truncated message does not matter
	}
	for i, section := range []string{"answer", "authority", "additional"} {
		for _, rr := range ours.sections[i] {
			if !slices.Contains(theirs.sections[i], rr) {
				items = append(items, section+" +"+rr)
			}
		}
		for _, rr := range theirs.sections[i] {
			if !slices.Contains(ours.sections[i], rr) {
				items = append(items, section+" -"+rr)
			}
		}
		if len(ours.sections[i]) != len(slices.Compact(slices.Clone(ours.sections[i]))) {
			items = append(items, section+" has an RR twice")
		}
	}
	return items
}

// peerServer is one of the servers that are asked.
type peerServer struct {
	name    string
	address string
}

const (
	peerWorkers = 4
	peerTime    = 2 * time.Second
	peerTries   = 3
)

// askAll puts all queries to the server, some at a time, and returns the outcomes
// in their order.
func (s peerServer) askAll(queries []peerQuery) []outcome {
	out := make([]outcome, len(queries))
	var workers sync.WaitGroup
	for w := range peerWorkers {
		workers.Go(func() {
			a := &asker{address: s.address}
			defer a.close()
			for i := w; i < len(queries); i += peerWorkers {
				out[i] = a.ask(queries[i])
			}
		})
	}
	workers.Wait()
	return out
}

// asker asks one query after the other.
type asker struct {
	address  string
	udp, tcp net.Conn
}

func (a *asker) close() {
	for _, c := range []net.Conn{a.udp, a.tcp} {
		if c != nil {
			c.Close()
		}
	}
}

func (a *asker) ask(q peerQuery) outcome {
	msg := q.message()
	exchange := a.overUDP
	if q.tcp {
		exchange = a.overTCP
	}
	for range peerTries {
		if b, err := exchange(msg); err == nil {
			return normal(q, b)
		}
	}
	return outcome{rcode: "none"}
}

func (a *asker) overUDP(msg []byte) ([]byte, error) {
	if a.udp == nil {
		c, err := net.Dial("udp", a.address)
		if err != nil {
			return nil, err
		}
		a.udp = c
	}
	a.udp.SetDeadline(time.Now().Add(peerTime))
	if _, err := a.udp.Write(msg); err != nil {
		return nil, err
	}
	b := make([]byte, 65535)
	for {
		n, err := a.udp.Read(b)
		if err != nil {
			return nil, err
		}
		if n >= 2 && b[0] == msg[0] && b[1] == msg[1] { // else one that came late
			return b[:n], nil
		}
	}
}

func (a *asker) overTCP(msg []byte) (b []byte, err error) {
	if a.tcp == nil {
		if a.tcp, err = net.Dial("tcp", a.address); err != nil {
			a.tcp = nil
			return nil, err
		}
	}
	defer func() {
		if err != nil {
			a.tcp.Close()
			a.tcp = nil
		}
	}()
	a.tcp.SetDeadline(time.Now().Add(peerTime))
	if _, err := a.tcp.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(msg))), msg...)); err != nil {
		return nil, err
	}
	var length [2]byte
	if _, err := io.ReadFull(a.tcp, length[:]); err != nil {
		return nil, err
	}
	b = make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(a.tcp, b); err != nil {
		return nil, err
	}
	if len(b) < 2 || b[0] != msg[0] || b[1] != msg[1] {
		return nil, errors.New("a response to another query")
	}
	return b, nil
}
