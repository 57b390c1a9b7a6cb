package server

import (
	"encoding/binary"
	"net/netip"

	"github.com/sextant-dns/sextant/ecs"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/message"
	"github.com/sextant-dns/sextant/server/internal/wire"
)

const (
	optFixed    = 11 // octets of an OPT without options (RFC 6891 6.1.2)
	optionFrame = 4  // octets of an option without its data
	maxNSID     = 128
)

// options is what the edge obeys of a query's EDNS options.
type options struct {
	subnet    wire.Span // data of the Client Subnet option; empty: none
	cookie    wire.Span // data of the COOKIE option; empty: none
	trust     trust     // that the cookie deserves
	nsid      bool
	keepalive bool
	expire    bool
	padding   bool
}

// readOptions reads the options that the edge knows; others are overlooked, as
// RFC 6891 6.1.2 wants. It is false when one of them is malformed.
func (q *query) readOptions() bool {
	at := q.Options.From
	for {
		code, data, _, ok := wire.NextOption(q.msg[at:q.Options.To])
		if !ok {
			return true
		}
		data, at = data[:len(data):len(data)], at+optionFrame+len(data)
		switch code {
		case message.OptionSubnet:
			if q.subnet.IsValid() { // which of the two would be meant?
				return false
			}
			if q.subnet, ok = clientSubnet(data, clientOf(q.from)); !ok {
				return false // RFC 7871 7.2.1
			}
			q.options.subnet = wire.Span{From: at - len(data), To: at}
		case message.OptionCookie:
			if !q.readCookie(data, at-len(data)) {
				return false
			}
		case message.OptionNSID: // RFC 5001 2.1: its data is ignored
			q.options.nsid = true
		case message.OptionKeepalive: // RFC 7828 3.3.1: ignored over UDP
			q.options.keepalive = q.proto != UDP
		case message.OptionExpire: // RFC 7314 3.1: it has no data in queries
			q.options.expire = q.asksForVersion()
		case message.OptionPadding: // RFC 7830 4: what is in it does not matter
			q.options.padding = q.proto.encrypted()
		}
	}
}

// clientSubnet reads the data of a query's Client Subnet option strictly
// (RFC 7871 6). A client that tells no address family wants nothing told about
// it; it is taken to be of the family that it came with.
func clientSubnet(data []byte, client netip.Addr) (netip.Prefix, bool) {
	o, err := ecs.Parse(data)
	if err != nil || o.Scope != 0 {
		return netip.Prefix{}, false
	}
	return o.For(client), true
}

// audience is for whom an answer to q must be valid: the subnet that was sent, or
// else the client itself.
func (q *query) audience() netip.Prefix {
	if q.subnet.IsValid() {
		return q.subnet
	}
	client := clientOf(q.from)
	return netip.PrefixFrom(client, client.BitLen())
}

// optLen is how long the OPT of the reply to q will be, without what is only put
// in if there is room.
func (s *Server) optLen(q *query) int {
	if !q.EDNS {
		return 0
	}
	n := optFixed
	if subnet := q.options.subnet.Of(q.msg); len(subnet) > 0 {
		n += optionFrame + len(subnet)
	}
	if s.options.NSID != "" && q.options.nsid {
		n += optionFrame + len(s.options.NSID)
	}
	if q.options.keepalive {
		n += optionFrame + 2
	}
	if q.options.trust != noCookie {
		n += optionFrame + cookieLen
	}
	if q.options.expire {
		n += optionFrame + 4
	}
	return n
}

// appendOPT appends the OPT of the reply to q, which begins at dst[begin]. Extended DNS
// Errors go in as long as dst does not grow beyond limit.
func (s *Server) appendOPT(dst []byte, begin int, q *query, p *packet, limit int) []byte {
	// RFC 6891 6.1.3: the version is the highest that we know. RFC 3225 3: DO is
	// copied.
	dst = message.AppendOPT(dst, message.OPT{Size: uint16(s.options.UDPSize), DO: q.DO}, q.rcode)
	start := len(dst)
	if subnet := q.options.subnet.Of(q.msg); len(subnet) > 0 {
		dst = appendFrame(dst, message.OptionSubnet, len(subnet))
		dst = append(dst, subnet...) // RFC 7871 7.2.1: FAMILY, SOURCE and ADDRESS exactly
		dst[len(dst)-len(subnet)+3] = max(scopeFor(q.subnet, q.reach), q.within)
	}
	if s.options.NSID != "" && q.options.nsid {
		dst = appendFrame(dst, message.OptionNSID, len(s.options.NSID))
		dst = append(dst, s.options.NSID...)
	}
	if q.options.keepalive {
		dst = appendFrame(dst, message.OptionKeepalive, 2)
		dst = binary.BigEndian.AppendUint16(dst, keepalive(s.options.TCP.Idle))
	}
	if q.options.trust != noCookie {
		dst = s.cookies.appendCookie(dst, q)
	}
	if q.options.expire && p.flags&wire.AA != 0 && q.rcode == lookup.NOERROR {
		dst = s.appendExpire(dst, q)
	}
	for _, e := range p.ede() {
		dst = appendEDE(dst, e, limit)
	}
	if q.options.padding {
		dst = pad(dst, begin, limit)
	}
	binary.BigEndian.PutUint16(dst[start-2:], uint16(len(dst)-start))
	return dst
}

// asksForVersion tells whether q is one of the questions that secondaries ask, to which
// alone EXPIRE belongs (RFC 7314 3.1).
func (q *query) asksForVersion() bool {
	return q.Type == lookup.TypeSOA || q.Type == lookup.TypeAXFR || q.Type == lookup.TypeIXFR
}

// appendExpire appends for how long the zone that q asks for is good: 4 octets, in
// seconds (RFC 7314 2). When that is not known there is no option.
func (s *Server) appendExpire(dst []byte, q *query) []byte {
	if s.options.Expire == nil {
		return dst
	}
	seconds, ok := s.options.Expire(q.Name())
	if !ok {
		return dst
	}
	dst = appendFrame(dst, message.OptionExpire, 4)
	return binary.BigEndian.AppendUint32(dst, seconds)
}

// padBlock is what the length of a padded reply is a multiple of (RFC 8467 4.1).
const padBlock = 468

// pad appends padding of zeros, as the last of the options, so that the message that
// begins at dst[begin] gets one of a few lengths, before it is signed. limit is as in
// appendOPT (RFC 7830 4: no padding makes a message too long).
func pad(dst []byte, begin, limit int) []byte {
	length := len(dst) - begin + optionFrame
	n := (padBlock - length%padBlock) % padBlock
	if n = min(n, limit-len(dst)-optionFrame); n < 0 {
		return dst
	}
	dst = appendFrame(dst, message.OptionPadding, n)
	return append(dst, make([]byte, n)...)
}

func appendFrame(dst []byte, code uint16, length int) []byte {
	dst = binary.BigEndian.AppendUint16(dst, code)
	return binary.BigEndian.AppendUint16(dst, uint16(length))
}

// appendEDE appends an Extended DNS Error, without its text if that is what does
// not fit below limit (RFC 8914 3: a reply is not truncated for a text).
func appendEDE(dst []byte, e lookup.EDE, limit int) []byte {
	room := limit - len(dst) - optionFrame - 2
	if room < 0 {
		return dst
	}
	if len(e.Text) > room {
		e.Text = ""
	}
	dst = appendFrame(dst, message.OptionEDE, 2+len(e.Text))
	dst = binary.BigEndian.AppendUint16(dst, e.Code)
	return append(dst, e.Text...)
}

// scopeFor is the SCOPE PREFIX-LENGTH to tell a client that sent subnet: 0 when
// the answer is for everyone or was not found by an address of that family.
func scopeFor(subnet netip.Prefix, r reach) byte {
	switch {
	case !r.limits.IsValid() || r.limits.Addr().Is4() != subnet.Addr().Is4():
		return 0
	case r.wanted > 0: // RFC 7871 7.2.2: longer than SOURCE, as it was told to us
		return r.wanted
	}
	return byte(r.limits.Bits())
}
