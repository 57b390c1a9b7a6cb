package message

import (
	"encoding/binary"

	"github.com/sextant-dns/sextant/lookup"
)

// Least sizes of what the header counts, for checking the counts against the
// octets that are there: a name takes at least one.
const (
	minQuestion = 1 + 4
	minRR       = 1 + 10
)

// additional is the last of the sections answer, authority, additional.
const additional = 2

// Decode reads a whole message; octets after its end are ignored.
//
// RRs become RRsets section by section, in the order in which each set first
// appears: RRSIGs join the set that they cover and stand as sets of their own,
// behind the others, when it is missing; duplicates are dropped (RFC 2181 5);
// the lowest TTL of a set counts (RFC 2181 5.2). An RR whose rdata does not fit
// its type is dropped alone, as long as its length field leads to the next one.
//
// The work is bounded whatever b holds. All strings of the Message share one
// piece of memory, as a rule a little larger than b: who keeps a small part of a
// large message for long should strings.Clone it. Nothing refers to b.
func Decode(b []byte) (*Message, error) { return new(Decoder).Decode(b) }

// A Decoder is the memory that a message is taken apart in, to be used again and
// again: for a small one that is more than what is left of it in the end. The zero
// value is ready. It is not safe for concurrent use.
type Decoder struct {
	d     decoder
	whole whole
}

// maxKept is how much a Decoder keeps for the next message, in octets of text and in
// RRs, or questions. Large messages are rare.
const (
	maxKept    = 4096
	maxKeptRRs = 64
)

// Decode is the function of that name. The Message is good until the next call; its
// sections, and all strings in it, are for whoever wants to keep them.
func (again *Decoder) Decode(b []byte) (*Message, error) {
	if len(b) < headerLen {
		return nil, errShort
	}
	var n counts
	for i := range n {
		n[i] = binary.BigEndian.Uint16(b[4+2*i:])
	}
	rrs := int(n[1]) + int(n[2]) + int(n[3])
	if headerLen+int(n[0])*minQuestion+rrs*minRR > len(b) {
		return nil, errCounts
	}
	d := &again.d
	d.begin(b, rrs)
	defer d.end()
	off := headerLen
	var err error
	for range n[0] {
		if off, err = d.question(off); err != nil {
			return nil, err
		}
	}
	for section, count := range n[1:] {
		if off, err = d.section(off, section, count); err != nil {
			return nil, err
		}
	}
	return d.message(&again.whole), nil
}

// decoder goes through a message once and keeps what it finds as spans of buf,
// where names and rdata are laid down uncompressed.
type decoder struct {
	msg     []byte
	buf     []byte
	visited int // octets of labels and pointers
	most    int // of visited

	questions []question
	grouping  grouping
	ends      [3]int // how many sets there are by the end of each section
	opt       pseudo
	misfits   int // RRs of the answer section that were dropped

	owner   span // of the latest RR, in lower case
	pointed int  // where the owner stands or its pointer leads; -1 at first
}

// begin makes d ready for a message with that many RRs.
func (d *decoder) begin(msg []byte, rrs int) {
	if cap(d.buf) < 2*len(msg) {
		d.buf = make([]byte, 0, 2*len(msg))
	}
	d.msg, d.buf, d.visited, d.most = msg, d.buf[:0], 0, maxVisited
	d.questions, d.ends, d.opt, d.misfits = d.questions[:0], [3]int{}, pseudo{}, 0
	d.owner, d.pointed = span{}, -1
	d.grouping.reset(rrs)
}

// end lets go of the message, and of more memory than is worth keeping.
func (d *decoder) end() {
	d.msg, d.opt.rdata = nil, nil
	if cap(d.buf) > maxKept {
		d.buf = nil
	}
	if cap(d.questions) > maxKeptRRs {
		d.questions = nil
	}
	if cap(d.grouping.rrs) > maxKeptRRs {
		d.grouping.sets, d.grouping.rrs = nil, nil
	}
}

// span is a piece of decoder.buf.
type span struct{ from, to uint32 }

func (s span) of(buf []byte) []byte { return buf[s.from:s.to] }

func (s span) len() int { return int(s.to - s.from) }

// question is a Question before there are strings.
type question struct {
	raw, name span
	t         lookup.Type
	class     lookup.Class
}

// pseudo is the OPT before there are strings.
type pseudo struct {
	present bool
	size    uint16
	ttl     uint32
	rdata   []byte // a piece of the message that has been checked
	options int
}

// question reads the entry at off and tells where it ends.
func (d *decoder) question(off int) (end int, err error) {
	start := len(d.buf)
	next, err := d.name(off, len(d.msg))
	if err != nil {
		return 0, err
	}
	if next+4 > len(d.msg) {
		return 0, errShort
	}
	q := question{
		raw:   d.since(start),
		t:     lookup.Type(binary.BigEndian.Uint16(d.msg[next:])),
		class: lookup.Class(binary.BigEndian.Uint16(d.msg[next+2:])),
	}
	q.name = d.lowered(q.raw)
	d.questions = append(d.questions, q)
	d.owner, d.pointed = q.name, off // most RRs point here
	return next + 4, nil
}

// since is the span from start to the end of buf.
func (d *decoder) since(start int) span { return span{uint32(start), uint32(len(d.buf))} }

// lowered lays down the name once more in lower case.
func (d *decoder) lowered(raw span) span {
	start := len(d.buf)
	d.buf = append(d.buf, raw.of(d.buf)...)
	lower(d.buf[start:])
	return d.since(start)
}

// section reads that many RRs from off on and tells where they end.
func (d *decoder) section(off, section int, count uint16) (end int, err error) {
	for range count {
		if off, err = d.rr(off, section); err != nil {
			return 0, err
		}
	}
	d.ends[section] = d.grouping.close(d.buf)
	return off, nil
}

// rr reads the RR at off and tells where it ends.
func (d *decoder) rr(off, section int) (end int, err error) {
	if off, err = d.ownerName(off); err != nil {
		return 0, err
	}
	if off+10 > len(d.msg) {
		return 0, errShort
	}
	fixed := d.msg[off : off+10]
	t, class := lookup.Type(binary.BigEndian.Uint16(fixed)), binary.BigEndian.Uint16(fixed[2:])
	ttl := binary.BigEndian.Uint32(fixed[4:])
	off += 10
	if end = off + int(binary.BigEndian.Uint16(fixed[8:])); end > len(d.msg) {
		return 0, errShort
	}
	switch {
	case t == lookup.TypeOPT:
		options, ok := countOptions(d.msg[off:end])
		// RFC 6891 6.1.1 and 6.1.2: one, additional, and owned by the root
		if !ok || d.opt.present || section != additional || d.owner.len() != 1 {
			return 0, errOPT
		}
		d.opt = pseudo{present: true, size: class, ttl: ttl, rdata: d.msg[off:end], options: options}
		return end, nil
	case lookup.Class(class) != lookup.ClassIN:
		return end, nil
	}
	if ttl > 1<<31-1 {
		ttl = 0 // RFC 2181 8
	}
	start := len(d.buf)
	if !d.rdata(t, off, end) {
		d.buf = d.buf[:start]
		if d.visited > d.most {
			return 0, errWork
		}
		if section == 0 {
			d.misfits++
		}
		return end, nil
	}
	d.grouping.add(d.buf, d.owner, t, ttl, d.since(start))
	return end, nil
}

// ownerName reads the owner of an RR into d.owner. The owner that is the same
// pointer again, the usual case, is not read again.
func (d *decoder) ownerName(off int) (end int, err error) {
	target := off
	if off+2 <= len(d.msg) && d.msg[off] >= 0xc0 {
		if target = pointerAt(d.msg, off); target == d.pointed {
			return off + 2, nil
		}
	}
	start := len(d.buf)
	if end, err = d.name(off, len(d.msg)); err != nil {
		return 0, err
	}
	lower(d.buf[start:])
	d.owner, d.pointed = d.since(start), target
	return end, nil
}

// rdata lays down the rdata between off and end; false means that it does not
// fit its type.
func (d *decoder) rdata(t lookup.Type, off, end int) bool {
	for _, f := range layoutOf(t) {
		next := off
		if f == name {
			var err error
			if next, err = d.name(off, end); err != nil {
				return false
			}
		} else {
			n, ok := f.span(d.msg[off:end])
			if !ok {
				return false
			}
			next += n
			d.buf = append(d.buf, d.msg[off:next]...)
		}
		off = next
	}
	return off == end
}
