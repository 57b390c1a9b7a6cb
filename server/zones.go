package server

import (
	"context"
	"encoding/binary"
	"iter"
	"net/netip"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/message"
	"github.com/sextant-dns/sextant/server/internal/wire"
	"github.com/sextant-dns/sextant/tsig"
)

// Zones is who speaks with other servers for the same zones. It decides who may do
// what by address and key; views have no part in it. It must be safe for concurrent
// use.
type Zones interface {
	// Key is the key of that name (RFC 8945).
	Key(name lookup.Name) (tsig.Key, bool)

	// Transfer yields the RRs that answer a server at that address, which has signed
	// with the key ("": with none), for all of the zone, or for what has changed since
	// the serial if have is not nil. Or it gives a response without RRs.
	Transfer(from netip.Addr, key, zone lookup.Name, have *uint32) (iter.Seq[message.Record], *lookup.Response)

	// Notify hears that the zone has changed (RFC 1996) and tells what to reply.
	Notify(from netip.Addr, key, zone lookup.Name) lookup.Rcode

	// Update does an UPDATE (RFC 2136), or does not, and tells what to reply: an RCODE
	// and what explains it. It may take a while.
	Update(from netip.Addr, key lookup.Name, m *message.Records) *lookup.Response
}

// among tells whether a message is one among servers for a zone, or from who may change
// it: a transfer, NOTIFY, UPDATE, or anything signed.
func (s *Server) among(q *query, verdict wire.Verdict) bool {
	if s.options.Zones == nil {
		return false
	}
	return verdict == wire.Notify || verdict == wire.Update || q.Signed() || q.transfers()
}

// transfers tells whether q asks for a whole zone, or what has changed in it. Over UDP
// there is no AXFR (RFC 5936 4.2).
func (q *query) transfers() bool {
	return q.Class == lookup.ClassIN && q.Flags.Opcode() == 0 && (q.Type == lookup.TypeIXFR || q.Type == lookup.TypeAXFR && q.proto != UDP)
}

// serve replies to a message among servers. The reply to one that is signed is signed.
func (s *Server) serve(ctx context.Context, dst []byte, q *query) []byte {
	session, err := tsig.Accept(q.msg, s.options.Zones.Key, s.options.Now())
	q.signed = session
	if err != nil {
		s.options.Log.Info("signature not believed", "client", q.from, "reason", err)
		if session == nil {
			return s.fail(dst, q, lookup.FORMERR)
		}
		return s.fail(dst, q, lookup.NOTAUTH) // RFC 8945 5.2
	}
	key := lookup.Name("")
	if session != nil {
		key = session.Key()
		q.view, q.within = q.generation.view(clientOf(q.from), key, q.subnet)
	}
	switch {
	case q.Flags.Opcode() == wire.OpcodeNotify:
		return s.fail(dst, q, s.notify(q, key))
	case q.Flags.Opcode() == wire.OpcodeUpdate:
		return s.update(dst, q, key)
	case q.transfers():
		return s.transfer(ctx, dst, q, key)
	case s.isSecluded(q):
		return s.seclude(ctx, dst, q, key)
	case q.view < 0:
		return s.fail(dst, q, lookup.REFUSED, lookup.EDE{Code: lookup.EDEProhibited})
	}
	if q.Special() {
		if p, ok := s.special(q); ok {
			return s.render(dst, q, &p)
		}
	}
	return s.look(ctx, dst, q)
}

// notify hears a NOTIFY.
func (s *Server) notify(q *query, key lookup.Name) lookup.Rcode {
	if q.Class != lookup.ClassIN || q.Type != lookup.TypeSOA {
		return lookup.NOTIMP // RFC 1996 knows no other
	}
	return s.options.Zones.Notify(clientOf(q.from), key, q.Name())
}

// update has an UPDATE done. RFC 2136 3.8: the reply repeats the zone section at most.
func (s *Server) update(dst []byte, q *query, key lookup.Name) []byte {
	m, err := message.DecodeUpdate(q.msg)
	if err != nil {
		return s.fail(dst, q, lookup.FORMERR)
	}
	response := s.options.Zones.Update(clientOf(q.from), key, m)
	return s.fail(dst, q, response.Rcode, response.EDE...)
}

// transfer replies to AXFR or IXFR. All messages of the reply but the last go to
// q.stream.
func (s *Server) transfer(ctx context.Context, dst []byte, q *query, key lookup.Name) []byte {
	have, ok := q.have()
	if !ok {
		return s.fail(dst, q, lookup.FORMERR)
	}
	records, otherwise := s.options.Zones.Transfer(clientOf(q.from), key, q.Name(), have)
	if otherwise == nil && q.proto != UDP && q.stream == nil {
		otherwise = &lookup.Response{Rcode: lookup.REFUSED, EDE: []lookup.EDE{{Code: lookup.EDENotSupported}}}
	}
	if otherwise != nil {
		s.transfers.count(q, TransferRefused)
		s.logTransfer(q, key, "transfer refused", "rcode", otherwise.Rcode)
		return s.fail(dst, q, otherwise.Rcode, otherwise.EDE...)
	}
	if q.proto == UDP {
		return s.send(ctx, dst, *q, key, records)
	}
	who := household(clientOf(q.from))
	if !s.transfers.begin(ctx, who) {
		s.transfers.count(q, TransferBusy)
		s.logTransfer(q, key, "transfer refused", "reason", "too many transfers at once")
		return s.fail(dst, q, lookup.REFUSED, lookup.EDE{Code: lookup.EDENotReady, Text: "too many transfers at once"})
	}
	defer s.transfers.end(who)
	return s.send(ctx, dst, *q, key, records)
}

// send sends RRs. The query is a copy, so that those that are answered at once need no
// memory for theirs.
func (s *Server) send(ctx context.Context, dst []byte, q query, key lookup.Name, records iter.Seq[message.Record]) []byte {
	t := outgoing{server: s, query: &q, dst: dst}
	for r := range records {
		switch added := t.add(r); {
		case !added && q.proto == UDP:
			return s.render(dst, &q, &packet{flags: wire.AA | wire.TC}) // not even the SOA fits
		case !added, ctx.Err() != nil:
			t.query.stream(nil)
			return s.breakOff(t, key)
		}
		if q.proto == UDP {
			break // RFC 1995 2: the SOA says whether it is worth to come again over TCP
		}
	}
	s.transfers.count(&q, TransferSent)
	reply := t.end()
	q.tally.reply(&q)
	s.logTransfer(&q, key, "transferred", "records", t.records, "messages", t.messages)
	return reply
}

// breakOff gives a transfer up, of which the client has a part.
func (s *Server) breakOff(t outgoing, key lookup.Name) []byte {
	s.transfers.count(t.query, TransferBroken)
	s.logTransfer(t.query, key, "transfer broken off", "reason", "the client has gone, or takes nothing", "messages", t.messages)
	return nil
}

func (s *Server) logTransfer(q *query, key lookup.Name, what string, more ...any) {
	args := []any{"zone", q.Name(), "type", q.Type, "client", q.from}
	if key != "" {
		args = append(args, "key", key)
	}
	s.options.Log.Info(what, append(args, more...)...)
}

// have is the serial that who asks for changes has (RFC 1995 3); nil for AXFR. ok is
// false when it does not say.
func (q *query) have() (serial *uint32, ok bool) {
	if q.Type == lookup.TypeAXFR {
		return nil, true
	}
	m, err := message.DecodeRecords(q.msg)
	if err != nil || len(m.Authority) != 1 {
		return nil, false
	}
	soa := m.Authority[0]
	if soa.Type != lookup.TypeSOA || soa.Name != q.Name() {
		return nil, false
	}
	n := binary.BigEndian.Uint32([]byte(soa.Data[len(soa.Data)-20:]))
	return &n, true
}

// outgoing makes messages of the RRs of a transfer.
type outgoing struct {
	server *Server
	query  *query
	dst    []byte
	part   *message.Part // nil: none has begun

	records, messages int
}

// add adds an RR, and sends the message that it does not fit into any more. It is
// false when the transfer cannot go on.
func (t *outgoing) add(r message.Record) bool {
	t.records++
	if t.part != nil && t.part.Add(r) {
		return true
	}
	if t.part != nil {
		message := t.end()
		if !t.query.stream(message) {
			return false
		}
		t.dst = message[:len(t.dst)] // which nobody reads any more
	}
	t.begin()
	return t.part.Add(r) // false for an RR that no message can carry
}

// begin begins a message.
func (t *outgoing) begin() {
	q := t.query
	h := message.Header{ID: q.ID, AA: true, RD: q.Flags&wire.RD != 0} // RFC 5936 2.2.1
	asked := message.Question{Raw: string(q.msg[wire.HeaderLen : q.QuestionEnd-4]), Type: q.Type, Class: q.Class}
	limit := t.server.limit(q)
	limit -= t.server.optLen(q)
	t.part = message.NewPart(t.dst, h, asked, limit)
}

// end ends the message that has begun. RFC 5936 2.2.5: the first has an OPT if the
// query had.
func (t *outgoing) end() []byte {
	start := len(t.dst)
	var opt *message.OPT
	if t.query.EDNS && t.messages == 0 {
		opt = &message.OPT{Size: uint16(t.server.options.UDPSize), DO: t.query.DO, Options: t.server.transferOptions(t.query)}
	}
	t.messages++
	return t.query.sign(t.part.End(opt), start, t.server.options.Now)
}

// transferOptions are the options that go with a transfer, in decoded form.
func (s *Server) transferOptions(q *query) (all []message.Option) {
	take := func(framed []byte) {
		if len(framed) > optionFrame {
			all = append(all, message.Option{Code: binary.BigEndian.Uint16(framed), Data: string(framed[optionFrame:])})
		}
	}
	if q.options.trust != noCookie {
		take(s.cookies.appendCookie(nil, q))
	}
	if q.options.expire {
		take(s.appendExpire(nil, q))
	}
	return all
}
