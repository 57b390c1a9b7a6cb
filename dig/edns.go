package dig

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/ecs"
)

// Options that the library has no names for, of IANA's registry.
const (
	optionChain         = 13 // RFC 7901
	optionKeyTag        = 14 // RFC 8145
	optionClientTag     = 16
	optionServerTag     = 17
	optionReportChannel = 18 // RFC 9567
	optionDeviceID      = 26946
)

// toSend is the options of a query, in BIND's order; padding is not among them.
func (e *edns) toSend() []option {
	var all []option
	if e.nsid {
		all = append(all, option{dns.EDNS0NSID, nil})
	}
	if e.subnet.IsValid() {
		all = append(all, option{dns.EDNS0SUBNET, subnetData(e.subnet)})
	}
	if e.cookie {
		all = append(all, option{dns.EDNS0COOKIE, e.client})
	}
	if e.expire {
		all = append(all, option{dns.EDNS0EXPIRE, nil})
	}
	if e.keepalive {
		all = append(all, option{dns.EDNS0TCPKEEPALIVE, nil})
	}
	return append(all, e.options...)
}

// subnetData is a Client Subnet option for a query: no more octets of the
// address than its length needs, SCOPE 0 (RFC 7871 6).
func subnetData(p netip.Prefix) []byte {
	return []byte(ecs.Option{Source: p}.Data())
}

// pseudosection prints an OPT as comments. The cookie is the one that was sent,
// which may be empty; nil when the message is the query itself.
func pseudosection(b *strings.Builder, o *opt, cookie []byte) {
	fmt.Fprintf(b, ";; OPT PSEUDOSECTION:\n; EDNS: version: %d, flags:", o.version)
	b.WriteString(o.flagNames())
	if rest := o.flags &^ (flagDO | flagCO); rest != 0 {
		fmt.Fprintf(b, "; MBZ: 0x%04x, udp: %d\n", rest, o.size)
	} else {
		fmt.Fprintf(b, "; udp: %d\n", o.size)
	}
	for _, each := range o.options {
		name, value := each.describe()
		switch {
		case each.code == dns.EDNS0COOKIE && cookie != nil:
			value += verdict(each.data, cookie)
		case each.code == dns.EDNS0PADDING && cookie == nil:
			value = "" // BIND pads a query after it has printed it
		}
		b.WriteString("; " + name + ":")
		if value != "" {
			b.WriteString(" " + value)
		}
		b.WriteByte('\n')
	}
}

// flagNames are the flags that have a name, each behind a space.
func (o *opt) flagNames() string {
	names := ""
	if o.flags&flagDO != 0 {
		names += " do"
	}
	if o.flags&flagCO != 0 {
		names += " co"
	}
	return names
}

// verdict is what a server did with a cookie (RFC 7873 5.3).
func verdict(got, sent []byte) string {
	const clientLen = 8
	switch {
	case len(got) < clientLen || len(sent) < clientLen || !bytes.Equal(got[:clientLen], sent[:clientLen]):
		return " (bad)"
	case len(got) == clientLen:
		return " (echoed)"
	}
	return " (good)"
}

// describe is an option's name and its value as people read it.
func (o option) describe() (name, value string) {
	switch o.code {
	case dns.EDNS0NSID:
		return "NSID", hexAndText(o.data)
	case dns.EDNS0SUBNET:
		if text, ok := subnetText(o.data); ok {
			return "CLIENT-SUBNET", text
		}
		return "CLIENT-SUBNET", hexAndText(o.data)
	case dns.EDNS0COOKIE:
		return "COOKIE", hex.EncodeToString(o.data)
	case dns.EDNS0EXPIRE:
		if len(o.data) == 4 {
			seconds := binary.BigEndian.Uint32(o.data)
			return "EXPIRE", fmt.Sprintf("%d (%s)", seconds, inWords(seconds))
		}
		return "EXPIRE", hexAndText(o.data)
	case dns.EDNS0TCPKEEPALIVE:
		if len(o.data) == 2 {
			tenths := binary.BigEndian.Uint16(o.data)
			return "TCP KEEPALIVE", fmt.Sprintf("%d.%d secs", tenths/10, tenths%10)
		}
		return "TCP KEEPALIVE", hexAndText(o.data)
	case dns.EDNS0PADDING:
		if len(o.data) == 0 {
			return "PAD", ""
		}
		return "PAD", fmt.Sprintf("(%d bytes)", len(o.data))
	case dns.EDNS0EDE:
		if len(o.data) >= 2 {
			return "EDE", edeText(o.data)
		}
		return "EDE", hexAndText(o.data)
	}
	return o.describeMore()
}

// describeMore is describe for what is seen less often.
func (o option) describeMore() (name, value string) {
	switch o.code {
	case dns.EDNS0LLQ:
		if len(o.data) == 18 { // RFC 8764 3.2
			be := binary.BigEndian
			return "LLQ", fmt.Sprintf("Version: %d, Opcode: %d, Error: %d, Identifier: %d, Lifetime: %d",
				be.Uint16(o.data), be.Uint16(o.data[2:]), be.Uint16(o.data[4:]), be.Uint64(o.data[6:]), be.Uint32(o.data[14:]))
		}
		return "LLQ", hexAndText(o.data)
	case optionKeyTag:
		if len(o.data) == 0 || len(o.data)%2 != 0 {
			return "KEY-TAG", hexAndText(o.data)
		}
		var tags []string
		for tag := range slices.Chunk(o.data, 2) {
			tags = append(tags, strconv.Itoa(int(binary.BigEndian.Uint16(tag))))
		}
		return "KEY-TAG", strings.Join(tags, ", ")
	case optionClientTag, optionServerTag:
		name = "CLIENT-TAG"
		if o.code == optionServerTag {
			name = "SERVER-TAG"
		}
		if len(o.data) == 2 {
			return name, strconv.Itoa(int(binary.BigEndian.Uint16(o.data)))
		}
		return name, hexAndText(o.data)
	}
	return fmt.Sprintf("OPT=%d", o.code), hexAndText(o.data)
}

// lettersAndDigits is data with a dot for everything else.
func lettersAndDigits(data []byte) string {
	text := bytes.Clone(data)
	for i, c := range text {
		if !(c >= '!' && c <= '~') {
			text[i] = '.'
		}
	}
	return string(text)
}

// hexAndText is data as octets and as characters: 61 07 ("a.").
func hexAndText(data []byte) string {
	if len(data) == 0 {
		return ""
	}
	return fmt.Sprintf("% x (\"%s\")", data, printable(data))
}

// printable is data with a dot for what is not printable ASCII.
func printable(data []byte) string {
	text := bytes.Clone(data)
	for i, c := range text {
		if c < ' ' || c > '~' {
			text[i] = '.'
		}
	}
	return string(text)
}

// subnetText is ADDRESS/SOURCE/SCOPE (RFC 7871 6).
func subnetText(data []byte) (string, bool) {
	if len(data) < 4 {
		return "", false
	}
	source, scope, octets := data[2], data[3], data[4:]
	var a netip.Addr
	switch family := binary.BigEndian.Uint16(data); {
	case family == 0 && source == 0 && scope == 0 && len(octets) == 0:
		return "0/0/0", true
	case family == 1 && len(octets) <= 4:
		a = netip.AddrFrom4([4]byte(append(octets[:len(octets):len(octets)], make([]byte, 4-len(octets))...)))
	case family == 2 && len(octets) <= 16:
		a = netip.AddrFrom16([16]byte(append(octets[:len(octets):len(octets)], make([]byte, 16-len(octets))...)))
	default:
		return "", false
	}
	return fmt.Sprintf("%s/%d/%d", addressText(a), source, scope), true
}

// edeText is an Extended DNS Error: code, name, text (RFC 8914 2).
func edeText(data []byte) string {
	code := binary.BigEndian.Uint16(data)
	text := fmt.Sprint(code)
	if name, ok := dns.ExtendedErrorCodeToString[code]; ok {
		text += " (" + name + ")"
	}
	if len(data) > 2 {
		text += ": (" + printable(data[2:]) + ")"
	}
	return text
}
