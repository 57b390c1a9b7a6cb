package server

import (
	"strings"
	"sync/atomic"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/message"
	"github.com/sextant-dns/sextant/server/internal/wire"
)

// packet is a response packed once, ready to be rendered for many clients: all
// of a reply but its header, question and OPT, which differ from client to
// client. It is never changed once it was put among the packets. Errors are
// packets without a body.
//
// A server has as many of these as its memory holds, so they are small: all that
// has no fixed size is one string, and what few packets have is elsewhere.
type packet struct {
	born  int64  // when the TTLs were right, in nanoseconds of Unix time
	image string // the question, then where the TTLs stand in the body, then the body
	rare  *rare  // nil for most

	variant  variant // whom it answers (packets.go)
	rcode    lookup.Rcode
	flags    wire.Flags // AA and TC
	counts   wire.Counts
	question uint16 // length of the question in image: name in lower case, type, class
	ttls     uint16 // how many there are
	optional uint16 // where in the body begins what may be left out of the additional section
	glue     uint16 // how many RRs of that section stand before
	ring     ring   // of addresses (order.go)
	traits   traits
	shared   uint8 // octets of the name that rate limits overlook (ratelimit.go)
}

// traits are what is or is not so of a packet.
type traits uint8

const (
	secure  traits = 1 << iota // validated
	ageless                    // the data is our own: its TTLs do not run
	wide                       // the ring is of AAAA, not of A
)

func (p *packet) is(t traits) bool { return p.traits&t != 0 }

// rare is what most packets do not have.
type rare struct {
	wanted uint8 // as in lookup.Response
	ede    []lookup.EDE

	counter *atomic.Uint64 // as in lookup.Response
	chosen  *chosen        // nil: there is no other answer (choices.go)
}

// asked is the question.
func (p *packet) asked() string { return p.image[:p.question] }

// offsets are where the TTLs stand in the body, ascending, two octets each.
func (p *packet) offsets() string {
	return p.image[p.question : int(p.question)+wire.OffsetLen*int(p.ttls)]
}

// body holds the three sections, in the positions that they have after the
// question: compression pointers count from the start of the message.
func (p *packet) body() string { return p.image[int(p.question)+wire.OffsetLen*int(p.ttls):] }

// wanted is as in lookup.Response.
func (p *packet) wanted() uint8 {
	if p.rare == nil {
		return 0
	}
	return p.rare.wanted
}

// ede are the Extended DNS Errors that go with the packet.
func (p *packet) ede() []lookup.EDE {
	if p.rare == nil {
		return nil
	}
	return p.rare.ede
}

// bench is the memory that an answer is made with and that is not part of it.
type bench struct {
	encoder message.Encoder
	msg     []byte
	at      message.Layout // of the message that was packed last
}

// pack makes a packet of the response to q.
func (s *Server) pack(q *query, r *lookup.Response) packet {
	on := s.benches.Get().(*bench)
	defer s.leave(on)
	p := on.pack(q, r)
	p.image = on.image(q)
	return p
}

// renderOnce appends the response to q, as render does with the packet that it would make,
// without laying that down: for answers of our own zones that nobody will ask for again.
func (s *Server) renderOnce(dst []byte, q *query, r *lookup.Response) []byte {
	on := s.benches.Get().(*bench)
	defer s.leave(on)
	p := on.pack(q, r)
	p.traits |= ageless
	if p.ring.count > 0 || // the addresses are to change places, which takes an image
		int(p.optional) < on.at.End-on.at.Answer && on.at.End+s.optLen(q) > s.limit(q) { // and so does it to leave some out
		p.image = on.image(q)
		return s.render(dst, q, &p)
	}
	p.ttls, p.question = 0, 0
	return s.renderBody(dst, q, &p, on.msg[on.at.Answer:on.at.End])
}

// image is that of the packet that was packed last, for q.
func (on *bench) image(q *query) string {
	msg, at, key := on.msg, &on.at, q.Key()
	var image strings.Builder
	image.Grow(len(key) + wire.OffsetLen*len(at.TTLs) + at.End - at.Answer)
	image.Write(key)
	for _, ttl := range at.TTLs {
		offset := ttl - uint16(at.Answer)
		image.Write([]byte{byte(offset >> 8), byte(offset)})
	}
	image.Write(msg[at.Answer:at.End])
	return image.String()
}

// leave gives a bench back.
func (s *Server) leave(on *bench) {
	if cap(on.msg) > keptReply {
		on.msg = nil
	}
	s.benches.Put(on)
}

// pack makes a packet but for its image.
func (on *bench) pack(q *query, r *lookup.Response) packet {
	name := q.Name()
	asked := message.Question{Raw: string(name), Name: name, Type: q.Type, Class: q.Class}
	msg, at := on.encoder.AppendResponse(on.msg[:0], message.Header{}, asked, r, q.DO)
	on.msg, on.at = msg, at
	flags, counts := wire.ReadHead(msg)
	p := packet{
		rcode:    r.Rcode,
		flags:    flags & (wire.AA | wire.TC),
		counts:   counts,
		question: uint16(len(q.Key())),
		ttls:     uint16(len(at.TTLs)),
		optional: uint16(at.Optional - at.Answer),
		glue:     at.Glue,
	}
	if r.Security == lookup.Secure {
		p.traits |= secure
	}
	p.shared = shares(name, r)
	p.setRing(r.Answer, q.DO)
	if r.Wanted > 0 || len(r.EDE) > 0 || r.Counter != nil {
		p.rare = &rare{wanted: r.Wanted, ede: r.EDE, counter: r.Counter}
	}
	return p
}

// age is how many whole seconds old the packet is at that time.
func (p *packet) age(now time.Time) uint32 {
	if p.is(ageless) {
		return 0
	}
	return uint32(max(now.UnixNano()-p.born, 0) / int64(time.Second))
}

// cut is how many of the body's octets are sent if there is room for so many, and the
// flags and counts that go with it: all; all but some of what in the additional section is a
// mere courtesy; or nothing, with TC set (RFC 2181 9).
func (p *packet) cut(body, room int) (octets int, flags wire.Flags, counts wire.Counts) {
	switch {
	case body <= room:
		return body, p.flags, p.counts
	case int(p.optional) <= room: // RFC 9471 3: glue is no courtesy
		octets, additional := p.courtesy(room)
		return octets, p.flags, wire.Counts{p.counts[0], p.counts[1], additional}
	}
	return 0, p.flags | wire.TC, wire.Counts{}
}

// courtesy is how many octets of the body, and RRs of its additional section, there are when
// that has no more of the RRsets that may be left out than there is room for.
func (p *packet) courtesy(room int) (octets int, rrs uint16) {
	const typeLen, classLen, ttlLen, lengthLen = 2, 2, 4, 2
	body, n, start := p.body(), p.counts[2]-p.glue, int(p.optional)
	ttls := p.offsets()[int(p.ttls-n)*wire.OffsetLen:]
	number := func(s string) int { return int(s[0])<<8 | int(s[1]) }
	for i, last := uint16(0), ""; i < n && start <= room; i++ {
		ttl := number(ttls[int(i)*wire.OffsetLen:])
		// An RR of the same RRset points to where the name of the one before stands, or to
		// where that points.
		head := body[start : ttl-classLen]
		if last == "" || last != head {
			octets, rrs = start, p.glue+i
		}
		if last = head; head[0] < 0xc0 {
			at := wire.HeaderLen + int(p.question) + start
			last = string([]byte{0xc0 | byte(at>>8), byte(at)}) + head[len(head)-typeLen:]
		}
		start = ttl + ttlLen + lengthLen + number(body[ttl+ttlLen:])
	}
	return octets, rrs
}

// render appends p as the reply to q, or what a rate limit leaves of it; nil when that is
// nothing.
func (s *Server) render(dst []byte, q *query, p *packet) []byte { return s.renderBody(dst, q, p, nil) }

// renderBody is render for a p that has no image, but this body; with nil, its own. Every
// reply is made here.
func (s *Server) renderBody(dst []byte, q *query, p *packet, body []byte) []byte {
	// Clients that are who they say have no limits: this is decided here, for the sake of
	// the many replies that are not limited.
	if s.limiter == nil || q.proto != UDP || q.options.trust.proven() {
		return s.write(dst, q, p, body)
	}
	instead, may := s.judge(q, p)
	if may {
		return s.write(dst, q, p, body)
	}
	q.reach = reach{} // what is said in place of the answer is for everyone
	switch instead {
	case Truncated:
		return s.write(dst, q, &packet{flags: wire.TC}, nil)
	case Cookie:
		return s.write(dst, q, &packet{rcode: lookup.BADCOOKIE}, nil)
	}
	q.tally.drop(DropLimit)
	return nil
}

// write appends p, with that body if it is not nil, as the reply to q.
func (s *Server) write(dst []byte, q *query, p *packet, body []byte) []byte {
	limit, whole := s.limit(q), len(body)
	if body == nil {
		whole = len(p.body())
	}
	if p.rare != nil && p.rare.counter != nil {
		p.rare.counter.Add(1)
	}
	octets, flags, counts := p.cut(whole, limit-q.QuestionEnd-s.optLen(q))
	q.rcode = p.rcode
	if q.EDNS {
		counts[2]++
	} else if q.rcode > 15 { // there is no room for its upper bits
		q.rcode = lookup.SERVFAIL
	}
	flags |= wire.Flags(q.rcode & 0xf)
	if q.view >= 0 && q.Flags.Opcode() == 0 && q.generation.views[q.view].Recursive != nil {
		flags |= wire.RA
	}
	// RFC 6840 5.7 and 5.8: AD goes to those who asked for it, or set DO.
	if p.is(secure) && (q.DO || q.Flags&wire.AD != 0) {
		flags |= wire.AD
	}

	start := len(dst)
	dst = q.AppendHead(dst, q.msg, flags, counts)
	sections := len(dst)
	if body == nil {
		dst = append(dst, p.body()[:octets]...)
	} else {
		dst = append(dst, body[:octets]...)
	}
	wire.Age(dst[sections:], p.offsets(), p.age(q.arrived))
	if places := s.turn(q, p); places > 0 {
		p.rotate(dst[sections:], places)
	}
	if q.EDNS {
		dst = s.appendOPT(dst, start, q, p, start+limit)
	}
	q.tally.reply(q)
	if q.signed != nil && len(dst)-start+q.signed.Overhead() > s.limitSigned(q) {
		return dst // names so long that not even the question leaves room to say what is wrong
	}
	return q.sign(dst, start, s.options.Now)
}

// sign signs the message at dst[start:] if the query was signed.
func (q *query) sign(dst []byte, start int, now func() time.Time) []byte {
	if q.signed == nil {
		return dst
	}
	return append(dst[:start], q.signed.Sign(dst[start:], now())...)
}

// limit is how long the reply to q may be, without its signature.
func (s *Server) limit(q *query) int {
	if q.signed != nil {
		return max(s.limitSigned(q)-q.signed.Overhead(), wire.HeaderLen)
	}
	return s.limitSigned(q)
}

func (s *Server) limitSigned(q *query) int {
	switch {
	case q.proto != UDP:
		return wire.MaxMessage
	case !q.EDNS:
		return minUDP // RFC 1035 4.2.1
	}
	// RFC 6891 6.2.3: values below 512 are treated as 512.
	return min(max(int(q.Size), minUDP), s.options.UDPSize)
}
