package scenario

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/message"
)

// The sections that hold RRs, as indices of Packet.Sections.
const (
	Answer = iota
	Authority
	Additional
)

// Packet is a message down to its single RRs, so that it can say what the
// richer types of the program cannot: broken rdata, other classes, RRs twice.
type Packet struct {
	Header   message.Header // Rcode without the OPT's upper bits
	Question []RR           // Name, Type and Class
	Sections [3][]RR        // without the OPT
	OPT      *OPT           // nil without EDNS

	// Raw are the octets of HEX_ANSWER, which are what is sent; nil when there
	// are none. The fields above still serve for matching.
	Raw []byte
}

// OPT is the pseudo-RR of EDNS (RFC 6891 6.1) with its rdata as octets.
type OPT struct {
	Size    uint16
	Upper   uint8 // the upper bits of the extended RCODE
	Version uint8
	DO      bool
	CO      bool   // compact answers OK, RFC 9824 4.1
	Data    string // the options, perhaps malformed
}

const (
	flagDO = 1 << 15
	flagCO = 1 << 14
)

func (o *OPT) ttl() uint32 {
	ttl := uint32(o.Upper)<<24 | uint32(o.Version)<<16
	if o.DO {
		ttl |= flagDO
	}
	if o.CO {
		ttl |= flagCO
	}
	return ttl
}

// String is the OPT as dig shows it, with the options in hex.
func (o *OPT) String() string {
	flags := ""
	if o.DO {
		flags += " do"
	}
	if o.CO {
		flags += " co"
	}
	s := fmt.Sprintf("; EDNS: version: %d; flags:%s; udp: %d", o.Version, flags, o.Size)
	if o.Data != "" {
		s += fmt.Sprintf("; options: %x", o.Data)
	}
	return s
}

// Asked is the first question; the zero RR when there is none.
func (p *Packet) Asked() RR {
	if len(p.Question) == 0 {
		return RR{}
	}
	return p.Question[0]
}

// Bytes is the packet in wire form, uncompressed: Raw if there is one.
func (p *Packet) Bytes() []byte {
	if p.Raw != nil {
		return p.Raw
	}
	var b []byte
	additional := p.Sections[Additional]
	if p.OPT != nil {
		additional = append(additional[:len(additional):len(additional)], RR{
			Name: string(lookup.Root), Type: lookup.TypeOPT, Class: lookup.Class(p.OPT.Size), TTL: p.OPT.ttl(), Rdata: p.OPT.Data,
		})
	}
	for _, v := range []int{
		int(p.Header.ID), int(flagsOf(p.Header)),
		len(p.Question), len(p.Sections[Answer]), len(p.Sections[Authority]), len(additional),
	} {
		b = binary.BigEndian.AppendUint16(b, uint16(v))
	}
	for _, q := range p.Question {
		b = append(b, q.Name...)
		b = binary.BigEndian.AppendUint16(b, uint16(q.Type))
		b = binary.BigEndian.AppendUint16(b, uint16(q.Class))
	}
	for _, section := range [][]RR{p.Sections[Answer], p.Sections[Authority], additional} {
		for _, rr := range section {
			b = appendRR(b, rr)
		}
	}
	return b
}

func appendRR(b []byte, rr RR) []byte {
	b = append(b, rr.Name...)
	b = binary.BigEndian.AppendUint16(b, uint16(rr.Type))
	b = binary.BigEndian.AppendUint16(b, uint16(rr.Class))
	b = binary.BigEndian.AppendUint32(b, rr.TTL)
	b = binary.BigEndian.AppendUint16(b, uint16(len(rr.Rdata)))
	return append(b, rr.Rdata...)
}

// headerFlags are the flag bits of the header by their names (RFC 1035 4.1.1,
// RFC 4035 3.2.3).
func headerFlags(h *message.Header) []struct {
	name string
	bit  uint16
	on   *bool
} {
	return []struct {
		name string
		bit  uint16
		on   *bool
	}{
		{"QR", 1 << 15, &h.QR}, {"AA", 1 << 10, &h.AA}, {"TC", 1 << 9, &h.TC}, {"RD", 1 << 8, &h.RD},
		{"RA", 1 << 7, &h.RA}, {"AD", 1 << 5, &h.AD}, {"CD", 1 << 4, &h.CD},
	}
}

func flagsOf(h message.Header) uint16 {
	v := uint16(h.Opcode&15)<<11 | uint16(h.Rcode)&15
	for _, f := range headerFlags(&h) {
		if *f.on {
			v |= f.bit
		}
	}
	return v
}

func headerOf(id, flags uint16) message.Header {
	h := message.Header{ID: id, Opcode: uint8(flags >> 11 & 15), Rcode: lookup.Rcode(flags & 15)}
	for _, f := range headerFlags(&h) {
		*f.on = flags&f.bit != 0
	}
	return h
}

func flagNames(h message.Header) string {
	var on []string
	for _, f := range headerFlags(&h) {
		if *f.on {
			on = append(on, f.name)
		}
	}
	return strings.Join(on, " ")
}

// String is the packet as text, much as dig prints it.
func (p *Packet) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, ";; opcode %d, %s, flags: %s\n", p.Header.Opcode, p.Header.Rcode, flagNames(p.Header))
	if p.OPT != nil {
		fmt.Fprintln(&b, p.OPT)
	}
	for _, q := range p.Question {
		fmt.Fprintf(&b, ";%s %s %s\n", lookup.Presentation(q.Name), q.Class, q.Type)
	}
	for i, name := range []string{"ANSWER", "AUTHORITY", "ADDITIONAL"} {
		if len(p.Sections[i]) > 0 {
			fmt.Fprintf(&b, ";; %s\n", name)
		}
		for _, rr := range p.Sections[i] {
			fmt.Fprintln(&b, rr)
		}
	}
	return b.String()
}
