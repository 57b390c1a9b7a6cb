package dig

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sextant-dns/sextant/lookup"
)

// style is how rdata is printed. The zero value prints one line without breaks.
type style struct {
	multiline bool
	remarks   bool // what keys and timers mean
	omit      bool // keys and signatures
	expanded  bool // AAAA without ::
	unknown   bool // all octets (RFC 3597 5)
	unicode   bool // names with U-labels
	chunk     int  // characters of base64 or hexadecimal before a break; 0: no breaks
}

// name is a name of wire form in presentation form.
func (s style) name(wire string) string {
	if s.unicode {
		return toUnicode(lookup.Presentation(wire))
	}
	return lookup.Presentation(wire)
}

// unsplit says that nobody typed +split.
const unsplit = -1

// style is that of RRs in columns.
func (d *dialogue) style() style {
	s := d.shortStyle()
	if d.query.show.multiline {
		s.multiline = true
		s.remarks = d.query.show.remarks >= 0
		if d.command.split == unsplit {
			s.chunk = 44 // the line has 80 columns, and 32 come before
		}
	}
	return s
}

// shortStyle is that of the short form, which has one line for each RR.
func (d *dialogue) shortStyle() style {
	show := d.query.show
	s := style{remarks: show.remarks > 0, omit: !show.crypto, expanded: show.expanded, unknown: show.unknown, unicode: d.query.idn.out, chunk: 56}
	if d.command.split != unsplit {
		s.chunk = d.command.split
	}
	return s
}

// lineBreak leads to the column of the rdata in the next line.
const lineBreak = "\n\t\t\t\t"

// chunks breaks what is long.
func (s style) chunks(text string) string {
	if s.chunk == 0 {
		return text
	}
	var parts []string
	for part := range slices.Chunk([]byte(text), s.chunk) {
		parts = append(parts, string(part))
	}
	if s.multiline {
		return strings.Join(parts, lineBreak)
	}
	return strings.Join(parts, " ")
}

// opens and closes stand in a layout around what goes over several lines.
func opens(r *rdata) string {
	if r.style.multiline {
		return "("
	}
	return ""
}

func closes(r *rdata) string {
	if r.style.multiline {
		return ")"
	}
	return ""
}

// ownLine begins a line when there may be several.
func ownLine(f field) field {
	return func(r *rdata) string {
		s := f(r)
		if s != "" && r.style.multiline {
			return lineBreak + s
		}
		return s
	}
}

// crypto is a field that +nocrypto leaves out.
func crypto(f field) field {
	return func(r *rdata) string {
		if s := f(r); !r.style.omit {
			return s
		}
		return "[omitted]"
	}
}

// publicKey is the key of a DNSKEY; +nocrypto leaves its tag.
func publicKey(r *rdata) string {
	if s := restBase64(r); !r.style.omit {
		return s
	}
	return fmt.Sprintf("[key id = %d]", r.keyTag())
}

// zoneKeyEnd is what stands behind the key of a DNSKEY: its role, algorithm and
// tag.
func zoneKeyEnd(r *rdata) string {
	const secureEntryPoint, revoked = 1, 1 << 7 // RFC 4034 2.1.1, RFC 5011 7
	role := "ZSK; "
	switch flags := r.m.octets[min(r.start+1, r.end-1)]; {
	case flags&secureEntryPoint != 0 && flags&revoked != 0:
		role = "revoked KSK; "
	case flags&secureEntryPoint != 0:
		role = "KSK; "
	}
	return r.keyEnd(" ; " + role)
}

// keyEnd is as zoneKeyEnd for keys that have no role.
func keyEnd(r *rdata) string { return r.keyEnd("; ") }

func (r *rdata) keyEnd(begin string) string {
	end := closes(r)
	if !r.style.remarks || r.end-r.start < 4 {
		return end
	}
	if end != "" {
		end = lineBreak + end
	}
	name := algorithmName(r.m.octets[r.start+3])
	return end + fmt.Sprintf("%salg = %s ; key id = %d", begin, name, r.keyTag())
}

// identifierEnd is what stands behind a DHCID: its two types and its digest's
// length (RFC 4701 3.1).
func identifierEnd(r *rdata) string {
	if !r.style.multiline || r.end-r.start < 3 {
		return closes(r)
	}
	octets := r.m.octets[r.start:r.end]
	return fmt.Sprintf(") ; %d %d %d", binary.BigEndian.Uint16(octets), octets[2], len(octets)-3)
}

// keyTag is RFC 4034 appendix B, of RSAMD5 keys, too, as BIND has it.
func (r *rdata) keyTag() uint16 {
	octets := r.m.octets[r.start:r.end]
	var sum uint32
	for i, c := range octets {
		if i%2 == 0 {
			sum += uint32(c) << 8
		} else {
			sum += uint32(c)
		}
	}
	return uint16(sum + sum>>16)
}

// timer is a number of a SOA (RFC 1035 3.3.13) with its meaning.
func timer(meaning string) field {
	return func(r *rdata) string {
		n := binary.BigEndian.Uint32(r.take(4))
		s := strconv.FormatUint(uint64(n), 10)
		if !r.style.multiline {
			return s
		}
		last := meaning == "minimum"
		switch {
		case !r.style.remarks && last:
			return lineBreak + s + ")"
		case !r.style.remarks:
			return lineBreak + s
		case meaning == "serial":
			return lineBreak + fmt.Sprintf("%-10s ; serial", s)
		}
		s = lineBreak + fmt.Sprintf("%-10s ; %s (%s)", s, meaning, inWords(n))
		if last {
			s += lineBreak + ")"
		}
		return s
	}
}

// inUnits is a time such as 1w2d.
func inUnits(seconds uint32) string {
	var b strings.Builder
	for _, u := range units {
		if n := seconds / u.seconds; n > 0 || u.seconds == 1 && b.Len() == 0 {
			fmt.Fprintf(&b, "%d%c", n, u.name[0])
		}
		seconds %= u.seconds
	}
	return b.String()
}

// inWords is a time such as "1 week 2 days".
func inWords(seconds uint32) string {
	var words []string
	for _, u := range units {
		if n := seconds / u.seconds; n > 0 || u.seconds == 1 && len(words) == 0 {
			words = append(words, count(int(n), u.name))
		}
		seconds %= u.seconds
	}
	return strings.Join(words, " ")
}

var units = []struct {
	name    string
	seconds uint32
}{{"week", 604800}, {"day", 86400}, {"hour", 3600}, {"minute", 60}, {"second", 1}}
