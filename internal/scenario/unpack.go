package scenario

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

var errPacketShort = errors.New("packet ends too early")

// Unpack reads a packet. It leans on miekg/dns and not on package message, so
// that the program's encoder is judged by somebody else.
func Unpack(b []byte) (*Packet, error) {
	if len(b) < 12 {
		return nil, errPacketShort
	}
	u := unpacker{b: b, off: 12}
	p := &Packet{Header: headerOf(binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:]))}
	for range binary.BigEndian.Uint16(b[4:]) {
		q := RR{Name: u.name(), Type: lookup.Type(u.number(2)), Class: lookup.Class(u.number(2))}
		if u.err != nil {
			return nil, u.err
		}
		p.Question = append(p.Question, q)
	}
	for section := range p.Sections {
		for range binary.BigEndian.Uint16(b[6+2*section:]) {
			rr := u.rr()
			switch {
			case u.err != nil:
				return nil, u.err
			case rr.Type != lookup.TypeOPT:
				p.Sections[section] = append(p.Sections[section], rr)
			case p.OPT != nil || section != Additional:
				return nil, errors.New("an OPT too many or out of place") // RFC 6891 6.1.1
			default:
				p.OPT = &OPT{
					Size: uint16(rr.Class), Upper: uint8(rr.TTL >> 24), Version: uint8(rr.TTL >> 16),
					DO: rr.TTL&flagDO != 0, CO: rr.TTL&flagCO != 0, Data: rr.Rdata,
				}
			}
		}
	}
	if u.off != len(b) {
		return nil, fmt.Errorf("%d octets after the end of the packet", len(b)-u.off)
	}
	return p, nil
}

// unpacker is a cursor; after an error it stays where it is.
type unpacker struct {
	b   []byte
	off int
	err error
}

func (u *unpacker) name() string {
	if u.err != nil {
		return ""
	}
	text, off, err := dns.UnpackDomainName(u.b, u.off)
	if err != nil {
		u.err = err
		return ""
	}
	wire, err := lookup.ParseNameCase(text)
	if err != nil {
		u.err = err
		return ""
	}
	u.off = off
	return wire
}

// number reads a number of that many octets, 2 or 4.
func (u *unpacker) number(octets int) uint32 {
	if u.err != nil {
		return 0
	}
	if u.off+octets > len(u.b) {
		u.err = errPacketShort
		return 0
	}
	at := u.b[u.off:]
	u.off += octets
	if octets == 2 {
		return uint32(binary.BigEndian.Uint16(at))
	}
	return binary.BigEndian.Uint32(at)
}

func (u *unpacker) rr() RR {
	rr := RR{Name: u.name(), Type: lookup.Type(u.number(2)), Class: lookup.Class(u.number(2)), TTL: u.number(4)}
	length := int(u.number(2))
	if u.err != nil {
		return RR{}
	}
	end := u.off + length
	if end > len(u.b) {
		u.err = errPacketShort
		return RR{}
	}
	rr.Rdata = string(u.b[u.off:end])
	if compressible(rr.Type) {
		h := dns.RR_Header{Name: ".", Rrtype: uint16(rr.Type), Class: dns.ClassINET, Rdlength: uint16(length)}
		parsed, off, err := dns.UnpackRRWithHeader(h, u.b[:end], u.off)
		if err == nil && off == end {
			rr.Rdata, err = lookup.PackRR(parsed)
		}
		if err != nil {
			u.err = fmt.Errorf("%s: %w", rr.Type, err)
		}
	}
	u.off = end
	return rr
}

// compressible lists the types whose rdata may hold compressed names (RFC 3597
// 4) as far as the stories use them.
func compressible(t lookup.Type) bool {
	switch uint16(t) {
	case dns.TypeNS, dns.TypeCNAME, dns.TypeSOA, dns.TypePTR, dns.TypeMX, dns.TypeMINFO, dns.TypeRP, dns.TypeAFSDB:
		return true
	}
	return false
}
