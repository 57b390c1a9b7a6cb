package dig

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

// printReply prints what a server said, in the short or the long form.
func (d *dialogue) printReply(r *reply) {
	if d.command.short {
		if d.query.show.answer {
			for _, rr := range r.sections[0] {
				fmt.Fprintln(d.out, r.rdataText(rr))
			}
		}
		return
	}
	d.greet()
	var b strings.Builder
	d.printMessage(&b, r.message, ";; Got answer:")
	if d.query.show.stats {
		d.printStats(&b, r)
	}
	_, _ = d.out.WriteString(b.String())
}

// printQuery prints what is sent.
func (d *dialogue) printQuery(m *message) {
	if d.command.short {
		return
	}
	d.greet()
	var b strings.Builder
	d.printMessage(&b, m, ";; Sending:")
	if d.query.show.stats {
		fmt.Fprintf(&b, ";; QUERY SIZE: %d\n\n", len(m.octets))
	}
	_, _ = d.out.WriteString(b.String())
}

// greet prints the greeting once.
func (d *dialogue) greet() {
	if d.command.greet {
		_, _ = d.out.WriteString(d.command.greeting)
	}
	d.command.greeting = ""
}

// printMessage prints a message in the long form, what the query's show allows.
func (d *dialogue) printMessage(b *strings.Builder, m *message, title string) {
	show := d.query.show
	if show.comments {
		b.WriteString(title + "\n")
		d.printHeader(b, m)
		b.WriteByte('\n')
		if m.opt != nil {
			var cookie []byte
			if m.has(flagQR) {
				cookie = append([]byte{}, d.query.edns.client...)
			}
			pseudosection(b, m.opt, cookie)
		}
	}
	if show.question && len(m.question) > 0 {
		d.heading(b, "QUESTION")
		for _, q := range m.question {
			d.printQuestion(b, q)
		}
		d.ending(b)
	}
	for i, section := range []struct {
		name string
		show bool
	}{{"ANSWER", show.answer}, {"AUTHORITY", show.authority}, {"ADDITIONAL", show.additional}} {
		if !section.show || len(m.sections[i]) == 0 {
			continue
		}
		d.heading(b, section.name)
		for _, rr := range m.sections[i] {
			d.printRR(b, m, rr)
		}
		d.ending(b)
	}
}

func (d *dialogue) heading(b *strings.Builder, name string) {
	if d.query.show.comments {
		b.WriteString(";; " + name + " SECTION:\n")
	}
}

func (d *dialogue) ending(b *strings.Builder) {
	if d.query.show.comments {
		b.WriteByte('\n')
	}
}

func (d *dialogue) printHeader(b *strings.Builder, m *message) {
	for _, q := range m.question {
		if isLocal(q.name) {
			b.WriteString(";; WARNING: .local is reserved for Multicast DNS\n" +
				";; You are currently testing what happens when an mDNS query is leaked to DNS\n")
			break
		}
	}
	fmt.Fprintf(b, ";; ->>HEADER<<- opcode: %s, status: %s, id: %d\n;; flags:", opcodeText(m.opcode()), rcodeText(m.rcode()), m.id)
	for _, f := range []struct {
		bit  uint16
		name string
	}{{flagQR, " qr"}, {flagAA, " aa"}, {flagTC, " tc"}, {flagRD, " rd"}, {flagRA, " ra"}, {flagAD, " ad"}, {flagCD, " cd"}, {flagZ, "; MBZ: 0x4"}} {
		if m.has(f.bit) {
			b.WriteString(f.name)
		}
	}
	fmt.Fprintf(b, "; QUERY: %d, ANSWER: %d, AUTHORITY: %d, ADDITIONAL: %d\n", m.counts[0], m.counts[1], m.counts[2], m.counts[3])
	if !m.has(flagQR) {
		return
	}
	if m.has(flagRD) && !m.has(flagRA) {
		b.WriteString(";; WARNING: recursion requested but not available\n")
	}
	if rcode := m.rcode(); d.query.edns.version >= 0 && m.opt == nil && (rcode == dns.RcodeFormatError || rcode == dns.RcodeNotImplemented) {
		advice := "+noedns"
		if d.query.edns.do {
			advice = "+nodnssec +noedns"
		}
		fmt.Fprintf(b, "\n;; WARNING: EDNS query returned status %s - retry with '%s'\n", rcodeText(rcode), advice)
	}
	if m.extra > 0 {
		fmt.Fprintf(b, ";; WARNING: Message has %s at end\n", count(m.extra, "extra byte"))
	}
}

// printStats prints how the reply came.
func (d *dialogue) printStats(b *strings.Builder, r *reply) {
	took := r.received.Sub(r.sent)
	if d.query.show.micros {
		fmt.Fprintf(b, ";; Query time: %d usec\n", took.Microseconds())
	} else {
		fmt.Fprintf(b, ";; Query time: %d msec\n", took.Milliseconds())
	}
	protocol := "UDP"
	if r.tcp {
		protocol = "TCP"
	}
	fmt.Fprintf(b, ";; SERVER: %s(%s) (%s)\n", d.endpoint(r.server), r.server.name, protocol)
	fmt.Fprintf(b, ";; WHEN: %s\n", r.received.Format("Mon Jan 02 15:04:05 MST 2006"))
	fmt.Fprintf(b, ";; MSG SIZE  rcvd: %d\n\n", len(r.octets))
}

// columns are where the fields of an RR begin.
type columns struct{ ttl, class, rtype, rdata int }

func (s show) columns() columns {
	switch {
	case s.ttl && s.class:
		return columns{24, 32, 40, 48}
	case s.ttl || s.class:
		return columns{24, 24, 32, 40}
	}
	return columns{24, 24, 24, 32}
}

// line is a line in columns that are reached with tabs.
type line struct {
	strings.Builder
	column int
}

func (l *line) add(text string) {
	l.WriteString(text)
	l.column += len(text)
}

// indent goes on to a column, or leaves one space when it has been passed. It
// uses tabs, of eight columns, as far as they go.
func (l *line) indent(column int) {
	const tab = 8
	column = max(column, l.column+1)
	if tabs := column/tab - l.column/tab; tabs > 0 {
		l.WriteString(strings.Repeat("\t", tabs))
		l.column = column / tab * tab
	}
	l.add(strings.Repeat(" ", column-l.column))
}

func (d *dialogue) printRR(b *strings.Builder, m *message, rr rr) {
	show, at := d.query.show, d.query.show.columns()
	var l line
	l.add(lookup.Presentation(rr.name))
	if show.ttl {
		l.indent(at.ttl)
		l.add(strconv.FormatUint(uint64(rr.ttl), 10))
	}
	if show.class {
		l.indent(at.class)
		l.add(dns.Class(rr.class).String())
	}
	l.indent(at.rtype)
	l.add(dns.Type(rr.rtype).String())
	l.indent(at.rdata)
	l.add(m.rdataText(rr))
	b.WriteString(l.String() + "\n")
}

func (d *dialogue) printQuestion(b *strings.Builder, q question) {
	at := d.query.show.columns()
	var l line
	l.WriteByte(';') // BIND does not count it
	l.add(lookup.Presentation(q.name))
	l.indent(at.class)
	l.add(dns.Class(q.qclass).String())
	l.indent(at.rtype)
	l.add(dns.Type(q.qtype).String())
	b.WriteString(l.String() + "\n")
}

// String is name/type/class, the name without its final dot.
func (q question) String() string {
	name := strings.TrimSuffix(lookup.Presentation(q.name), ".")
	return fmt.Sprintf("%s/%s/%s", name, dns.Type(q.qtype), dns.Class(q.qclass))
}

// isLocal tells whether a name belongs to Multicast DNS (RFC 6762 3).
func isLocal(wire string) bool {
	name, _, err := lookup.NameFromWire(wire)
	return err == nil && name.IsSubdomainOf("\x05local\x00")
}

func opcodeText(opcode int) string {
	names := [...]string{"QUERY", "IQUERY", "STATUS", "RESERVED3", "NOTIFY", "UPDATE"}
	if opcode < len(names) {
		return names[opcode]
	}
	return "RESERVED" + strconv.Itoa(opcode)
}

func rcodeText(rcode int) string {
	names := [...]string{"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE"}
	switch {
	case rcode < len(names):
		return names[rcode]
	case rcode == dns.RcodeBadVers:
		return "BADVERS"
	case rcode == dns.RcodeBadCookie:
		return "BADCOOKIE"
	case rcode < 16:
		return "RESERVED" + strconv.Itoa(rcode)
	}
	return "?" + strconv.Itoa(rcode)
}
