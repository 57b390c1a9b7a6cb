package scenario

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/message"
)

// Differences tells in which ways the packet got, which came over TCP or UDP,
// does not fit the entry; none means that it fits. An entry without MATCH fits
// everything. The words "all", "question" and "answer" compare as like says.
func (e *Entry) Differences(got *Packet, tcp bool, like Comparison) []string {
	var d differences
	want, has := &e.Packets[0], func(w Words) bool { return e.Match&w != 0 }
	if has(matchEDE) {
		got = d.ede(e.EDE, got)
	}
	if has(matchClientCookie) {
		got = d.cookie(8, got)
	}
	if has(matchServerCookie) {
		got = d.cookie(24, got)
	}
	asked, wanted := got.Asked().fold(false), want.Asked().fold(false)
	if has(matchOpcode) && want.Header.Opcode != got.Header.Opcode {
		d.add("opcode: want %d, got %d", want.Header.Opcode, got.Header.Opcode)
	}
	if has(matchQtype) && wanted.Type != asked.Type {
		d.add("qtype: want %s, got %s", wanted.Type, asked.Type)
	}
	if has(matchQname) && wanted.Name != asked.Name {
		d.add("qname: want %s, got %s", lookup.Presentation(wanted.Name), lookup.Presentation(asked.Name))
	}
	if has(matchRcode) && want.Header.Rcode != got.Header.Rcode {
		d.add("rcode: want %s, got %s", want.Header.Rcode, got.Header.Rcode)
	}
	if has(matchSubdomain) && !lookup.Name(asked.Name).IsSubdomainOf(lookup.Name(wanted.Name)) {
		d.add("qname %s is not below %s", lookup.Presentation(asked.Name), lookup.Presentation(wanted.Name))
	}
	if has(matchSerial) && soaSerial(got) != e.Serial {
		d.add("serial: want %d, got %d", e.Serial, soaSerial(got))
	}
	d.edns(e.Match, want, got)
	if has(matchUDP) && tcp {
		d.add("want UDP, got TCP")
	}
	if has(matchTCP) && !tcp {
		d.add("want TCP, got UDP")
	}
	like.ttl = has(matchTTL)
	if has(matchQuestion) && !has(matchAll|matchAllNoEDNS) {
		d.question(want, got)
	}
	if has(matchAnswer) && !has(matchAll|matchAllNoEDNS) {
		d.answer(want, got, like)
	}
	if has(matchAll | matchAllNoEDNS) {
		d.whole(want, got, like, has(matchAll))
	}
	return d
}

// differences are sentences about what does not fit.
type differences []string

func (d *differences) add(format string, args ...any) { *d = append(*d, fmt.Sprintf(format, args...)) }

// edns holds the words about EDNS against the packets.
func (d *differences) edns(words Words, want, got *Packet) {
	opt := got.OPT
	if opt == nil {
		opt = &OPT{}
	}
	wanted := want.OPT
	if wanted == nil {
		wanted = &OPT{}
	}
	if words&matchDO != 0 && !opt.DO {
		d.add("want the DO flag")
	}
	if words&matchCO != 0 && !opt.CO {
		d.add("want the CO flag")
	}
	if words&matchNoEDNS != 0 && got.OPT != nil {
		d.add("want no EDNS")
	}
	if words&matchEDNSData != 0 && wanted.Data != opt.Data {
		d.add("EDNS options: want %x, got %x", wanted.Data, opt.Data)
	}
}

// ede wants an Extended DNS Error with that code. The result is the packet
// without it. Only the first one is looked at.
func (d *differences) ede(code int, p *Packet) *Packet {
	data, rest, ok := takeOption(p, message.OptionEDE)
	want := fmt.Sprint("EDE ", code)
	if code == anyEDE {
		want = "some EDE"
	}
	switch {
	case !ok || len(data) < 2:
		d.add("want %s, got none", want)
	case code != anyEDE && code != int(data[0])<<8|int(data[1]):
		got := lookup.EDE{Code: uint16(data[0])<<8 | uint16(data[1]), Text: data[2:]}
		d.add("want %s, got EDE %s", want, got)
	}
	return rest
}

// cookie wants a cookie of that many octets (RFC 7873 4). The result is the
// packet without it.
func (d *differences) cookie(octets int, p *Packet) *Packet {
	data, rest, ok := takeOption(p, message.OptionCookie)
	if !ok || len(data) != octets {
		d.add("want a cookie of %d octets, got %d", octets, len(data))
	}
	return rest
}

// takeOption finds the first EDNS option with that code. rest is the packet
// without it.
func takeOption(p *Packet, code uint16) (data string, rest *Packet, ok bool) {
	if p.OPT == nil {
		return "", p, false
	}
	for at, all := 0, p.OPT.Data; at+4 <= len(all); {
		end := at + 4 + int(binary.BigEndian.Uint16([]byte(all[at+2:])))
		if end > len(all) {
			break
		}
		if binary.BigEndian.Uint16([]byte(all[at:])) == code {
			opt, without := *p.OPT, *p
			opt.Data = all[:at] + all[end:]
			without.OPT = &opt
			return all[at+4 : end], &without, true
		}
		at = end
	}
	return "", p, false
}

// soaSerial is the serial of the SOA in the authority section (RFC 1995 3).
func soaSerial(p *Packet) uint32 {
	for _, rr := range p.Sections[Authority] {
		if uint16(rr.Type) == dns.TypeSOA && len(rr.Rdata) >= 20 {
			return binary.BigEndian.Uint32([]byte(rr.Rdata[len(rr.Rdata)-20:]))
		}
	}
	return 0
}

func (d differences) String() string { return "  " + strings.Join(d, "\n  ") }
