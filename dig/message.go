package dig

import (
	"encoding/binary"
	"errors"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

// message is a DNS message as it is shown. It is taken apart as far as that is
// possible: err says why not further.
type message struct {
	octets   []byte
	id       uint16
	bits     uint16    // the flags, opcode and rcode of the header
	counts   [4]uint16 // as the header gives them
	question []question
	sections [3][]rr // answer, authority and additional; no OPT, no TSIG
	opt      *opt    // nil: there is none
	tsig     *rr     // nil: there is none
	extra    int     // octets behind what could be read
	err      error
}

type question struct {
	name          string // wire form
	qtype, qclass uint16
}

// rr is an RR whose frame could be read; its rdata may be nonsense.
type rr struct {
	name         string // wire form
	rtype, class uint16
	ttl          uint32
	at, end      int // where in the message the rdata stands
}

// opt is an OPT RR (RFC 6891 6.1).
type opt struct {
	size    uint16
	rcode   uint8 // the upper bits
	version uint8
	flags   uint16
	options []option
}

// option is an EDNS option (RFC 6891 6.1.2).
type option struct {
	code uint16
	data []byte
}

const (
	flagQR uint16 = 1 << 15
	flagAA uint16 = 1 << 10
	flagTC uint16 = 1 << 9
	flagRD uint16 = 1 << 8
	flagRA uint16 = 1 << 7
	flagZ  uint16 = 1 << 6 // RFC 1035 4.1.1: must be zero
	flagAD uint16 = 1 << 5
	flagCD uint16 = 1 << 4
	flagDO uint16 = 1 << 15 // of the OPT (RFC 6891 6.1.4)
	flagCO uint16 = 1 << 14 // of the OPT (RFC 9824 5)
)

const headerLen = 12

var (
	errShort   = errors.New("message ends too early")
	errPointer = errors.New("bad compression pointer")
	errName    = errors.New("bad name")
)

// decode takes a message apart that has a header.
func decode(octets []byte) *message {
	m := &message{
		octets: octets,
		id:     binary.BigEndian.Uint16(octets),
		bits:   binary.BigEndian.Uint16(octets[2:]),
	}
	for i := range m.counts {
		m.counts[i] = binary.BigEndian.Uint16(octets[4+2*i:])
	}
	var end int
	end, m.err = m.body()
	m.extra = len(octets) - end
	return m
}

// body reads what stands behind the header and tells how far that was possible.
func (m *message) body() (at int, err error) {
	at = headerLen
	for range m.counts[0] {
		name, next, err := m.name(at)
		if err != nil || next+4 > len(m.octets) {
			return at, errors.Join(errShort, err)
		}
		fixed := m.octets[next:]
		m.question = append(m.question, question{name, binary.BigEndian.Uint16(fixed), binary.BigEndian.Uint16(fixed[2:])})
		at = next + 4
	}
	for i := range m.sections {
		for range m.counts[1+i] {
			r, err := m.rr(at)
			if err != nil {
				return at, err
			}
			at = r.end
			if r.rtype == dns.TypeOPT && m.opt == nil {
				m.opt = newOPT(r, m.octets[r.at:r.end])
				continue
			}
			if r.rtype == dns.TypeTSIG && i == len(m.sections)-1 && m.tsig == nil {
				m.tsig = &r
				continue
			}
			m.sections[i] = append(m.sections[i], r)
		}
	}
	return at, nil
}

// rr reads the frame of the RR at an offset.
func (m *message) rr(at int) (rr, error) {
	name, at, err := m.name(at)
	if err != nil {
		return rr{}, err
	}
	if at+10 > len(m.octets) {
		return rr{}, errShort
	}
	fixed := m.octets[at:]
	r := rr{
		name:  name,
		rtype: binary.BigEndian.Uint16(fixed),
		class: binary.BigEndian.Uint16(fixed[2:]),
		ttl:   binary.BigEndian.Uint32(fixed[4:]),
		at:    at + 10,
	}
	r.end = r.at + int(binary.BigEndian.Uint16(fixed[8:]))
	if r.end > len(m.octets) {
		return rr{}, errShort
	}
	return r, nil
}

// name reads the name at an offset, in wire form without compression
// (RFC 1035 4.1.4), and tells where it ends. Pointers must point backwards.
func (m *message) name(at int) (name string, end int, err error) {
	var wire []byte
	for bound := at; ; {
		if at >= len(m.octets) {
			return "", 0, errShort
		}
		switch n := int(m.octets[at]); {
		case n == 0:
			return string(append(wire, 0)), max(end, at+1), nil
		case n < 64:
			if at+1+n > len(m.octets) {
				return "", 0, errShort
			}
			wire = append(wire, m.octets[at:at+1+n]...)
			at += 1 + n
		case n >= 0xc0 && at+1 < len(m.octets):
			end = max(end, at+2)
			target := n&0x3f<<8 | int(m.octets[at+1])
			if target >= bound {
				return "", 0, errPointer
			}
			at, bound = target, target
		default:
			return "", 0, errName
		}
		if len(wire) > 254 { // RFC 1035 2.3.4, the root's octet counted
			return "", 0, errName
		}
	}
}

// newOPT reads the parts of an OPT; options that overrun it are left out.
func newOPT(r rr, rdata []byte) *opt {
	o := &opt{size: r.class, rcode: uint8(r.ttl >> 24), version: uint8(r.ttl >> 16), flags: uint16(r.ttl)}
	for len(rdata) >= 4 {
		end := 4 + int(binary.BigEndian.Uint16(rdata[2:]))
		if end > len(rdata) {
			break
		}
		o.options = append(o.options, option{binary.BigEndian.Uint16(rdata), rdata[4:end]})
		rdata = rdata[end:]
	}
	return o
}

func (m *message) has(flag uint16) bool { return m.bits&flag != 0 }

func (m *message) opcode() int { return int(m.bits >> 11 & 0xf) }

// rcode is the response code with the OPT's bits (RFC 6891 6.1.3).
func (m *message) rcode() int {
	code := int(m.bits & 0xf)
	if m.opt != nil {
		code |= int(m.opt.rcode) << 4
	}
	return code
}

// cookie is the data of the COOKIE option, nil when there is none.
func (m *message) cookie() []byte {
	if m.opt == nil {
		return nil
	}
	for _, o := range m.opt.options {
		if o.code == dns.EDNS0COOKIE {
			return o.data
		}
	}
	return nil
}

// encode packs a query with the given ID.
func encode(q *query, id uint16) ([]byte, error) { return compose(q, id).Pack() }

// compose is a query with the given ID.
func compose(q *query, id uint16) *dns.Msg {
	m := &dns.Msg{MsgHdr: q.header}
	m.Id = id
	if !q.bare {
		m.Question = []dns.Question{{Name: dns.Fqdn(q.name), Qtype: q.qtype, Qclass: q.class}}
	}
	if q.isTransfer() { // as BIND asks: whoever transfers does not want recursion
		m.RecursionDesired = false
	}
	if q.qtype == dns.TypeIXFR { // RFC 1995 3
		m.AuthenticatedData, m.Compress = false, true
		soa := &dns.SOA{Hdr: dns.RR_Header{Name: dns.Fqdn(q.name), Rrtype: dns.TypeSOA, Class: q.class}, Ns: ".", Mbox: ".", Serial: q.serial}
		m.Ns = []dns.RR{soa}
	}
	if q.edns.version >= 0 {
		q.edns.add(m)
	}
	return m
}

// add puts the OPT into m.
func (e *edns) add(m *dns.Msg) {
	o := &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT, Class: e.size}}
	o.Hdr.Ttl = uint32(e.version)<<16 | uint32(e.flags&^(flagDO|flagCO))
	if e.do {
		o.SetDo()
	}
	if e.co {
		o.Hdr.Ttl |= uint32(flagCO)
	}
	for _, each := range e.toSend() {
		o.Option = append(o.Option, &dns.EDNS0_LOCAL{Code: each.code, Data: each.data})
	}
	m.Extra = []dns.RR{o}
	if block := e.padding; block > 0 { // RFC 7830 3, RFC 8467 4.1
		pad := &dns.EDNS0_PADDING{}
		o.Option = append(o.Option, pad)
		pad.Padding = make([]byte, (block-m.Len()%block)%block)
	}
}

// sameQuestion tells whether the message is about what q asks.
func (m *message) sameQuestion(q *query) bool {
	if len(m.question) == 0 {
		return true // servers leave it out of errors
	}
	asked, err := lookup.ParseName(q.name)
	if err != nil || len(m.question) != 1 {
		return false
	}
	got, _, err := lookup.NameFromWire(m.question[0].name)
	return err == nil && got == asked && m.question[0].qtype == q.qtype && m.question[0].qclass == q.class
}
