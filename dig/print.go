package dig

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

// printReply prints what a server said, in the short or the long form.
func (d *dialogue) printReply(r *reply) {
	switch {
	case d.command.form == formJSON:
		d.jsonReply(r)
		return
	case d.command.form == formYAML:
		d.yamlReply(r)
		return
	case d.query.prefix:
		d.printPrefixes(r)
		return
	case d.command.short:
		d.printShort(r)
		return
	}
	d.greet()
	var b strings.Builder
	d.printMessage(&b, r.message, ";; Got answer:")
	b.WriteString(r.remark)
	switch {
	case d.query.show.stats:
		d.printStats(&b, r)
	case d.query.show.identify:
		d.printReceived(&b, r)
	}
	_, _ = d.out.WriteString(b.String())
}

// printShort prints the answers alone.
func (d *dialogue) printShort(r *reply) {
	d.command.greeting = ""
	if !d.query.show.answer {
		return
	}
	from := ""
	if d.query.show.identify {
		from = fmt.Sprintf(" from server %s in %s.", r.server.addr, d.elapsed(r, "ms", "us"))
	}
	for _, rr := range r.sections[0] {
		kind := ""
		if d.query.walk != walkNot {
			kind = typeName(rr.rtype) + " "
		}
		fmt.Fprintln(d.out, kind+r.rdataText(rr, d.shortStyle())+from)
	}
}

// elapsed is the time that r took, in milliseconds or, with -u, in microseconds.
func (d *dialogue) elapsed(r *reply, milli, micro string) string {
	took := r.received.Sub(r.sent)
	if d.query.show.micros {
		return fmt.Sprintf("%d %s", took.Microseconds(), micro)
	}
	return fmt.Sprintf("%d %s", took.Milliseconds(), milli)
}

// printQuery prints what is sent.
func (d *dialogue) printQuery(s server, sent time.Time, m *message) {
	switch {
	case d.command.form == formYAML:
		d.yamlQuery(s, sent, m)
		return
	case d.command.short || d.query.prefix || d.command.form == formJSON:
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
	show, names := d.query.show, m.sectionNames()
	if show.comments {
		b.WriteString(title + "\n")
		d.printHeader(b, m)
		b.WriteByte('\n')
		if m.opt != nil {
			pseudosection(b, m.opt, d.cookieToJudge(m))
		}
	}
	if show.question && (len(m.question) > 0 || !m.has(flagQR)) {
		d.heading(b, names[0])
		for _, q := range m.question {
			d.printQuestion(b, q)
		}
		d.ending(b)
	}
	for i, show := range d.sections() {
		if !show || len(m.sections[i]) == 0 {
			continue
		}
		d.heading(b, names[1+i])
		for _, rr := range m.sections[i] {
			d.printRR(b, m, rr)
		}
		d.ending(b)
	}
	if m.tsig != nil && show.additional {
		if show.comments {
			b.WriteString(";; TSIG PSEUDOSECTION:\n")
		}
		d.printRR(b, m, *m.tsig)
		d.ending(b)
	}
}

// cookieToJudge is the cookie that m may be an answer to; nil when m is the query.
func (d *dialogue) cookieToJudge(m *message) []byte {
	if !m.has(flagQR) {
		return nil
	}
	return append([]byte{}, d.query.edns.client...)
}

// sectionNames are those of the question and the three others: an update has
// names of its own (RFC 2136 2).
func (m *message) sectionNames() [4]string {
	if m.opcode() == dns.OpcodeUpdate {
		return [...]string{"ZONE", "PREREQUISITE", "UPDATE", "ADDITIONAL"}
	}
	return [...]string{"QUESTION", "ANSWER", "AUTHORITY", "ADDITIONAL"}
}

// sections tells which of the three are printed.
func (d *dialogue) sections() [3]bool {
	show := d.query.show
	return [...]bool{show.answer, show.authority, show.additional}
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

// headerFlags are those that have a name.
var headerFlags = []struct {
	bit  uint16
	name string
}{{flagQR, "qr"}, {flagAA, "aa"}, {flagTC, "tc"}, {flagRD, "rd"}, {flagRA, "ra"}, {flagAD, "ad"}, {flagCD, "cd"}}

func (d *dialogue) printHeader(b *strings.Builder, m *message) {
	for _, q := range m.question {
		if isLocal(q.name) {
			b.WriteString(";; WARNING: .local is reserved for Multicast DNS\n" +
				";; You are currently testing what happens when an mDNS query is leaked to DNS\n")
			break
		}
	}
	fmt.Fprintf(b, ";; ->>HEADER<<- opcode: %s, status: %s, id: %d\n;; flags:", opcodeText(m.opcode()), rcodeText(m.rcode()), m.id)
	for _, f := range headerFlags {
		if m.has(f.bit) {
			b.WriteString(" " + f.name)
		}
	}
	if m.has(flagZ) {
		b.WriteString("; MBZ: 0x4")
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

const invalidTSIG = ";; WARNING -- Some TSIG could not be validated\n"

// printStats prints how the reply came.
func (d *dialogue) printStats(b *strings.Builder, r *reply) {
	d.printOrigin(b, r)
	fmt.Fprintf(b, ";; MSG SIZE  rcvd: %d\n", len(r.octets))
	if r.forged != nil {
		b.WriteString(invalidTSIG)
	}
	b.WriteByte('\n')
}

// printOrigin prints when and from where the reply came.
func (d *dialogue) printOrigin(b *strings.Builder, r *reply) {
	fmt.Fprintf(b, ";; Query time: %s\n", d.elapsed(r, "msec", "usec"))
	fmt.Fprintf(b, ";; SERVER: %s(%s) (%s)\n", d.endpoint(r.server), r.server.name, d.query.protocol())
	fmt.Fprintf(b, ";; WHEN: %s\n", r.received.Format("Mon Jan 02 15:04:05 MST 2006"))
}

// printReceived prints how the reply came in one line.
func (d *dialogue) printReceived(b *strings.Builder, r *reply) {
	fmt.Fprintf(b, ";; Received %d bytes from %s(%s) in %s\n\n", len(r.octets), d.endpoint(r.server), r.server.name, d.elapsed(r, "ms", "us"))
}

// columns are where the fields of an RR begin.
type columns struct{ ttl, class, rtype, rdata int }

func (s show) columns() columns {
	switch {
	case s.multiline:
		return columns{24, 24, 24, 32}
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
	l.add(d.style().name(rr.name))
	if show.ttl {
		l.indent(at.ttl)
		l.add(d.ttlText(rr.ttl))
	}
	class, rtype := show.mnemonics(rr.class, rr.rtype)
	if show.class {
		l.indent(at.class)
		l.add(class)
	}
	l.indent(at.rtype)
	l.add(rtype)
	l.indent(at.rdata)
	l.add(m.rdataText(rr, d.style()))
	b.WriteString(l.String() + "\n")
}

// mnemonics are the names of a class and a type (RFC 3597 5).
func (s show) mnemonics(class, rtype uint16) (string, string) {
	if s.unknown {
		return fmt.Sprintf("CLASS%d", class), fmt.Sprintf("TYPE%d", rtype)
	}
	return className(class), typeName(rtype)
}

func (d *dialogue) ttlText(ttl uint32) string {
	if d.query.show.ttlUnits {
		return inUnits(ttl)
	}
	return strconv.FormatUint(uint64(ttl), 10)
}

func (d *dialogue) printQuestion(b *strings.Builder, q question) {
	at := d.query.show.columns()
	var l line
	l.WriteByte(';') // BIND does not count it
	l.add(d.style().name(q.name))
	class, rtype := d.query.show.mnemonics(q.qclass, q.qtype)
	l.indent(at.class)
	l.add(class)
	l.indent(at.rtype)
	l.add(rtype)
	b.WriteString(l.String() + "\n")
}

// String is name/type/class, the name without its final dot.
func (q question) String() string {
	name := strings.TrimSuffix(lookup.Presentation(q.name), ".")
	return fmt.Sprintf("%s/%s/%s", name, typeName(q.qtype), className(q.qclass))
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
