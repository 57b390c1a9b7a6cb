package dig

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// form is the language in which replies are printed.
type form int

const (
	formText form = iota
	formYAML      // BIND's
	formJSON      // ours
)

func (d *dialogue) yamlReply(r *reply) {
	kind := "AUTH_RESPONSE"
	if r.has(flagRA) {
		kind = "RECURSIVE_RESPONSE"
	}
	d.yamlFrame(kind, r.server, r.sent, r.received, len(r.octets))
	d.yamlMessage(r.message)
	switch {
	case d.query.prefix:
		d.printPrefixes(r)
	case d.command.short:
		d.printShort(r)
	}
}

func (d *dialogue) yamlQuery(s server, sent time.Time, m *message) {
	kind := "AUTH_QUERY"
	if m.has(flagRD) {
		kind = "RECURSIVE_QUERY"
	}
	d.yamlFrame(kind, s, sent, time.Time{}, len(m.octets))
	d.yamlMessage(m)
}

// yamlFrame prints what went from where to where.
func (d *dialogue) yamlFrame(kind string, s server, sent, received time.Time, size int) {
	layout := "2006-01-02T15:04:05.000Z"
	if d.query.show.micros {
		layout = "2006-01-02T15:04:05.000000Z"
	}
	fmt.Fprintf(d.out, "- type: MESSAGE\n  message:\n    type: %s\n", kind)
	fmt.Fprintf(d.out, "    query_time: !!timestamp %s\n", sent.UTC().Format(layout))
	if !received.IsZero() {
		fmt.Fprintf(d.out, "    response_time: !!timestamp %s\n", received.UTC().Format(layout))
	}
	family, from := "INET", netip.IPv4Unspecified()
	if s.addr.Is6() {
		family, from = "INET6", netip.IPv6Unspecified()
	}
	if d.command.source.IsValid() {
		from = d.command.source.Addr()
	}
	socket := "UDP"
	if d.query.stream() {
		socket = "TCP" // under TLS, too
	}
	fmt.Fprintf(d.out, "    message_size: %db\n    socket_family: %s\n    socket_protocol: %s\n", size, family, socket)
	fmt.Fprintf(d.out, "    response_address: \"%s\"\n    response_port: %d\n", s.addr, d.port())
	fmt.Fprintf(d.out, "    query_address: \"%s\"\n    query_port: %d\n", from, d.command.source.Port())
}

func (d *dialogue) yamlMessage(m *message) {
	show := d.query.show
	direction := "query"
	if m.has(flagQR) {
		direction = "response"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "    %s_message_data:\n      opcode: %s\n      status: %s\n      id: %d\n      flags:", direction, opcodeText(m.opcode()), rcodeText(m.rcode()), m.id)
	for _, f := range headerFlags {
		if m.has(f.bit) {
			b.WriteString(" " + f.name)
		}
	}
	if m.has(flagZ) {
		b.WriteString("\n      MBZ: 0x4")
	}
	b.WriteByte('\n')
	names := m.sectionNames()
	for i, n := range m.counts {
		fmt.Fprintf(&b, "      %s: %d\n", strings.Replace(names[i], "PREREQUISITE", "PREREQ", 1), n)
	}
	if m.opt != nil && show.comments {
		yamlOPT(&b, m.opt, d.cookieToJudge(m))
	}
	if show.question && (len(m.question) > 0 || !m.has(flagQR)) {
		b.WriteString("      " + names[0] + "_SECTION:\n")
		for _, q := range m.question {
			yamlItem(&b, d.style().name(q.name), className(q.qclass), typeName(q.qtype))
		}
	}
	for i, show := range d.sections() {
		if !show || d.command.short || len(m.sections[i]) == 0 {
			continue
		}
		b.WriteString("      " + names[1+i] + "_SECTION:\n")
		for _, rr := range m.sections[i] {
			d.yamlRR(&b, m, rr)
		}
	}
	if m.tsig != nil && show.additional && !d.command.short {
		b.WriteString("      TSIG_PSEUDOSECTION:\n")
		var item strings.Builder
		d.yamlRR(&item, m, *m.tsig)
		b.WriteString(strings.TrimPrefix(item.String(), "  ") + "\n") // BIND's margin and empty line
	}
	_, _ = d.out.WriteString(b.String())
}

// yamlRR prints an RR on one line, with all its columns.
func (d *dialogue) yamlRR(b *strings.Builder, m *message, rr rr) {
	style := style{chunk: 56, unicode: d.query.idn.out}
	if d.command.split != unsplit {
		style.chunk = d.command.split
	}
	yamlItem(b, style.name(rr.name), rr.ttl, className(rr.class), typeName(rr.rtype), m.rdataText(rr, style))
}

// yamlItem is a list's element: words in single quotes.
func yamlItem(b *strings.Builder, words ...any) {
	line := strings.TrimSuffix(fmt.Sprintln(words...), "\n")
	b.WriteString("        - '" + strings.ReplaceAll(line, "'", "''") + "'\n")
}

func yamlOPT(b *strings.Builder, o *opt, cookie []byte) {
	const margin = "          "
	fmt.Fprintf(b, "      OPT_PSEUDOSECTION:\n        EDNS:\n%sversion: %d\n%sflags:", margin, o.version, margin)
	b.WriteString(o.flagNames())
	if rest := o.flags &^ (flagDO | flagCO); rest != 0 {
		fmt.Fprintf(b, "\n%sMBZ: 0x%04x", margin, rest)
	}
	fmt.Fprintf(b, "\n%sudp: %d\n", margin, o.size)
	for _, each := range o.options {
		if each.code == dns.EDNS0EDE && len(each.data) >= 2 {
			yamlEDE(b, margin, each.data)
			continue
		}
		name, value := each.describe()
		switch {
		case each.code == dns.EDNS0COOKIE && cookie != nil:
			value += verdict(each.data, cookie)
		case each.code == dns.EDNS0PADDING && cookie == nil:
			value = "" // BIND pads a query after it has printed it
		case each.code == dns.EDNS0PADDING:
			value = hexAndText(each.data)
		}
		b.WriteString(margin + strings.ReplaceAll(name, " ", "-") + ":")
		if value != "" {
			b.WriteString(" " + value)
		}
		b.WriteByte('\n')
	}
}

// yamlEDE prints an Extended DNS Error with BIND's empty line in place of a text
// that is not there.
func yamlEDE(b *strings.Builder, margin string, data []byte) {
	code := binary.BigEndian.Uint16(data)
	fmt.Fprintf(b, "%sEDE:\n%s  INFO-CODE: %d", margin, margin, code)
	if name, ok := dns.ExtendedErrorCodeToString[code]; ok {
		b.WriteString(" (" + name + ")")
	}
	b.WriteByte('\n')
	if len(data) > 2 {
		fmt.Fprintf(b, "%s  EXTRA-TEXT: \"%s\"", margin, printable(data[2:]))
	}
	b.WriteByte('\n')
}
