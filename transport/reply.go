package transport

import (
	"errors"
	"net/netip"

	"github.com/sextant-dns/sextant/ecs"
	"github.com/sextant-dns/sextant/message"
)

// errSubnet says that a reply is about other clients than the query was
// (RFC 7871 11.2).
var errSubnet = errors.New("reply for another client subnet")

// read decodes a reply that has been judged. An error means that it must be
// treated as if it had not come.
func (q *query) read(b []byte) (*Reply, error) {
	m, err := q.decoder.Decode(b)
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
		Misfits:    m.Misfits,
		Size:       len(b),
	}
	if m.OPT == nil {
		m.OPT = &message.OPT{}
	} else {
		reply.EDNS = true
	}
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
			// RFC 7871 7.3 and 11.2: FAMILY, SOURCE and ADDRESS are those of the query,
			// and which of two options would count?
			said, err := ecs.Parse(o.Data)
			if err != nil || said.Source != q.subnet || said.NoFamily || reply.Subnet {
				return nil, errSubnet
			}
			reply.Subnet, reply.Scope = true, netip.PrefixFrom(q.subnet.Addr(), int(said.Scope))
		case message.OptionCookie:
			if err := q.taste(o); err != nil {
				return nil, err
			}
		}
	}
	if reply.Cookie = q.tasted != ""; q.demand && !reply.Cookie {
		return nil, errNoCookie
	}
	return reply, nil
}
