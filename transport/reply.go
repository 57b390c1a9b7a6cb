package transport

import (
	"errors"
	"net/netip"

	"github.com/sextant-dns/sextant/message"
)

// errSubnet says that a reply is about other clients than the query was
// (RFC 7871 11.2).
var errSubnet = errors.New("reply for another client subnet")

// read decodes a reply that has been judged. An error means that it must be
// treated as if it had not come.
func (q *query) read(b []byte) (*Reply, error) {
	m, err := message.Decode(b)
	if err != nil {
		return nil, err
	}
	reply := &Reply{
		Rcode:      m.Rcode,
		AA:         m.AA,
		TC:         m.TC,
		RA:         m.RA,
		AD:         m.AD,
		Answer:     m.Answer,
		Authority:  m.Authority,
		Additional: m.Additional,
		Size:       len(b),
	}
	if m.OPT == nil {
		return reply, nil
	}
	reply.EDNS = true
	for _, o := range m.OPT.Options {
		switch o.Code {
		case message.OptionEDE:
			if e, ok := o.EDE(); ok {
				reply.EDE = append(reply.EDE, e)
			}
		case message.OptionSubnet:
			if !q.subnet.IsValid() {
				continue // nobody asked; what it says holds for the program's own address
			}
			source, scope, ok := o.Subnet()
			if !ok || source != q.subnet {
				return nil, errSubnet
			}
			reply.Subnet, reply.Scope = true, netip.PrefixFrom(source.Addr(), int(scope))
		}
	}
	return reply, nil
}
