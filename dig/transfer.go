package dig

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/miekg/dns"
)

// transfer follows a zone transfer to its end (RFC 5936 2.2, RFC 1995 4).
type transfer struct {
	incremental bool   // IXFR was asked for
	have        uint32 // the serial that IXFR was asked from

	records, messages, octets int
	newest                    uint32 // serial of the first SOA
	differences               bool   // the second RR is a SOA, too
	additions                 bool   // the newest version's additions have begun
	failed, done              bool
	why                       string // it failed, with two spaces before it, or nothing
}

// take counts a message and looks for the last SOA in it.
func (t *transfer) take(m *message) {
	t.messages++
	t.octets += len(m.octets)
	if m.rcode() != dns.RcodeSuccess || m.err != nil {
		t.failed = true
		return
	}
	for _, rr := range m.sections[0] {
		t.records++
		serial, soa := m.serial(rr)
		switch {
		case t.records == 1 && !soa:
			t.failed, t.why = true, "  Didn't start with SOA answer."
			return
		case t.records == 1:
			t.newest = serial
			t.done = t.incremental && int32(t.have-serial) >= 0 // RFC 1982 3.2: nothing is newer
		case t.records == 2 && soa && t.incremental:
			t.differences = true
		case soa && t.differences && !t.additions:
			t.additions = serial == t.newest
		case soa:
			t.done = true
		}
		if t.done {
			return
		}
	}
	t.failed = t.records == 0
}

// serial is that of a SOA; false when rr is no SOA.
func (m *message) serial(rr rr) (uint32, bool) {
	if rr.rtype != dns.TypeSOA {
		return 0, false
	}
	r := &rdata{m: m, at: rr.at, end: rr.end}
	name(r)
	name(r)
	serial := binary.BigEndian.Uint32(r.take(4))
	return serial, !r.bad
}

func (q *query) isTransfer() bool { return q.qtype == dns.TypeAXFR || q.qtype == dns.TypeIXFR }

// transfer reads and prints the messages of a zone transfer, of which first is
// the first.
func (d *dialogue) transfer(ctx context.Context, c *connection, first *reply) (*reply, error) {
	t := &transfer{incremental: d.query.qtype == dns.TypeIXFR, have: d.query.serial}
	for r := first; ; {
		r.printed = true
		d.printTransfer(r, t)
		t.take(r.message)
		if t.done && !t.failed {
			d.printTransferred(r, t, first.forged)
			return r, nil
		}
		if t.failed {
			d.tell("; Transfer failed.%s\n", t.why)
			return r, nil
		}
		d.patience(c)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		m, forged, err := d.next(c)
		if err != nil {
			return nil, err
		}
		if first.forged == nil {
			first.forged = forged
		}
		r = &reply{message: m, server: r.server, tcp: true, sent: r.sent, received: d.Now(), forged: first.forged}
	}
}

// printTransfer prints one message. +onesoa leaves out the last SOA.
func (d *dialogue) printTransfer(r *reply, t *transfer) {
	if d.query.show.oneSOA && !t.incremental {
		kept := r.sections[0][:0:0]
		for i, rr := range r.sections[0] {
			if rr.rtype != dns.TypeSOA || t.records+i == 0 {
				kept = append(kept, rr)
			}
		}
		m := *r.message
		m.sections[0] = kept
		shown := *r
		shown.message = &m
		r = &shown
	}
	switch {
	case d.command.form == formYAML:
		d.yamlReply(r)
	case d.command.form == formJSON:
		d.jsonReply(r)
	case d.command.short:
		d.command.greeting = ""
		d.printShort(r)
	default:
		d.greet()
		var b strings.Builder
		d.printMessage(&b, r.message, ";; Got answer:")
		_, _ = d.out.WriteString(b.String())
	}
}

// printTransferred prints how much came.
func (d *dialogue) printTransferred(r *reply, t *transfer, forged error) {
	if !d.query.show.stats || d.command.short || d.command.form != formText {
		return
	}
	var b strings.Builder
	d.printOrigin(&b, r)
	fmt.Fprintf(&b, ";; XFR size: %d records (messages %d, bytes %d)\n", t.records, t.messages, t.octets)
	if forged != nil {
		b.WriteString(invalidTSIG)
	}
	b.WriteByte('\n')
	_, _ = d.out.WriteString(b.String())
}
