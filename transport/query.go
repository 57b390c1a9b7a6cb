package transport

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strings"

	"github.com/sextant-dns/sextant/ecs"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/message"
)

// query is a message on its way, with what a reply to it must show. Its memory
// is used again when it is over: nothing that outlives it may refer to it.
type query struct {
	dice     dice
	id       uint16
	question []byte       // its question section as it was sent, a piece of packet
	subnet   netip.Prefix // as it was sent, masked
	cookie   string       // as it was sent; "" without
	source   netip.Addr   // where it has to be sent from because of that; not valid: from anywhere
	demand   bool         // a reply over UDP must have a cookie, too
	tasted   string       // the cookie in the reply
	limit    int          // octets that a reply over UDP may have
	options  [2]message.Option
	watcher  watcher
	decoder  *message.Decoder // of replies
	packet   []byte           // the message behind two octets of its length, as TCP wants it
	room     []byte           // for replies over UDP, one octet larger than any limit
}

const (
	prefixLen = 2   // of a message over TCP (RFC 1035 4.2.2)
	headerLen = 12  // RFC 1035 4.1.1
	plainUDP  = 512 // what UDP carries without EDNS (RFC 1035 4.2.1)
)

// newQuery draws an ID and letter case and lays down the message. The query is
// good until it is released.
func (c *Client) newQuery(r Request) (*query, error) {
	q, _ := c.queries.Get().(*query)
	if q == nil {
		q = &query{packet: make([]byte, 0, 512), room: make([]byte, c.limit()+1), decoder: new(message.Decoder)}
	}
	*q = query{dice: dice{source: c.options.Rand}, limit: plainUDP, packet: q.packet[:prefixLen], room: q.room, decoder: q.decoder}
	q.id = q.dice.uint16()

	var opt *message.OPT
	if !r.NoEDNS {
		q.limit = c.limit()
		opt = &message.OPT{Size: c.options.UDPSize, DO: r.Question.DO, Options: q.options[:0]}
		if r.Subnet.IsValid() {
			q.subnet = r.Subnet.Masked()
			opt.Options = append(opt.Options, message.Option{Code: message.OptionSubnet, Data: ecs.Option{Source: q.subnet}.Data()})
		}
		if r.TLS != nil {
			opt.Options = append(opt.Options, padding(r.Question.Name, opt.Options))
		} else if c.bake(q, r.Server); q.cookie != "" {
			opt.Options = append(opt.Options, message.Option{Code: message.OptionCookie, Data: q.cookie})
		}
	}
	q.packet = message.AppendQuery(q.packet,
		message.Header{ID: q.id, RD: r.RD, CD: r.Question.CD},
		message.Question{Raw: string(r.Question.Name), Name: r.Question.Name, Type: r.Question.Type, Class: r.Question.Class},
		opt)
	binary.BigEndian.PutUint16(q.packet, uint16(len(q.packet)-prefixLen))
	name := len(r.Question.Name)
	q.question = q.packet[prefixLen+headerLen:][:name+4]
	if !c.options.NoCase0x20 {
		q.dice.spell(q.question[:name])
	}
	if q.dice.err != nil {
		err := q.dice.err
		c.release(q)
		return nil, err
	}
	return q, nil
}

// padding makes the length of a query for name with these options a multiple of
// 128 octets, so that those who listen learn little from it (RFC 8467 4.1).
func padding(name lookup.Name, options []message.Option) message.Option {
	const block, opt, option = 128, 11, 4
	size := headerLen + len(name) + 4 + opt + option
	for _, o := range options {
		size += option + len(o.Data)
	}
	return message.Option{Code: message.OptionPadding, Data: strings.Repeat("\x00", (block-size%block)%block)}
}

// from is the address to ask from: that of the cookie, or one of sources; nothing
// says that any will do.
func (q *query) from(sources []netip.Addr) netip.Addr {
	if q.source.IsValid() || len(sources) == 0 {
		return q.source
	}
	return sources[q.dice.below(len(sources))].Unmap()
}

// release gives the memory of a query that is over to those to come. Replies do
// not refer to it, see message.Decoder.
func (c *Client) release(q *query) { c.queries.Put(q) }

// limit is how many octets a reply to a query with EDNS may have (RFC 6891 6.2.3).
func (c *Client) limit() int { return max(plainUDP, int(c.options.UDPSize)) }

// message is the query as it goes over UDP.
func (q *query) message() []byte { return q.packet[prefixLen:] }

// verdict is what to do about a packet that came back.
type verdict uint8

const (
	ignored    verdict = iota // it is none of ours: go on waiting
	suspicious                // somebody may be guessing: ask over TCP
	incomplete                // the server has more to say than it could: ask over TCP
	unbaked                   // the server wants another cookie: ask again
	accepted
)

// judge looks at a packet that came over UDP from the right address and port,
// without decoding it: an attacker can send many. A packet that does not belong
// to the query must not end the wait for the one that does (RFC 5452 9.1).
func (q *query) judge(b []byte) verdict {
	if len(b) < headerLen || !isReply(b) {
		return ignored
	}
	sameID := binary.BigEndian.Uint16(b) == q.id
	same, folded := q.echoed(b)
	switch {
	case sameID && bare(b):
		return incomplete
	case !folded:
		return ignored
	case !sameID, !same:
		return suspicious
	case truncated(b), len(b) > q.limit: // what is larger than we offered came in fragments
		return incomplete
	}
	return accepted
}

// belongs tells whether a message that came over TCP answers the query. Letter
// case does not matter there: no one can have guessed the sequence numbers.
func (q *query) belongs(b []byte) bool {
	if len(b) < headerLen || !isReply(b) || binary.BigEndian.Uint16(b) != q.id {
		return false
	}
	_, folded := q.echoed(b)
	return folded || bare(b)
}

// echoed compares the question section of a message with the one that was sent,
// exactly and without letter case in its name.
func (q *query) echoed(b []byte) (same, folded bool) {
	if binary.BigEndian.Uint16(b[4:]) != 1 || len(b) < headerLen+len(q.question) {
		return false, false
	}
	echo, name := b[headerLen:][:len(q.question)], len(q.question)-4
	same = bytes.Equal(echo, q.question)
	return same, same || foldEqual(echo[:name], q.question[:name]) && bytes.Equal(echo[name:], q.question[name:])
}

// foldEqual compares wire-form names of one length without ASCII letter case.
func foldEqual(a, b []byte) bool {
	for i, c := range a {
		if d := c ^ b[i]; d != 0 && (d != 0x20 || c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}

// isReply tells whether QR is set and OPCODE is QUERY.
func isReply(b []byte) bool { return b[2]&0xf8 == 0x80 }

func truncated(b []byte) bool { return b[2]&0x02 != 0 }

// bare tells whether a message is the kind without a question that some servers
// send: an error about a query that they do not understand, most often its OPT,
// or TC and nothing else. Over UDP it is so easily forged that it counts only as
// a reason to ask over TCP.
func bare(b []byte) bool {
	if binary.BigEndian.Uint16(b[4:]) != 0 {
		return false
	}
	switch rcode := lookup.Rcode(b[3] & 0xf); rcode {
	case lookup.FORMERR, lookup.SERVFAIL, lookup.NOTIMP, lookup.REFUSED:
		return true
	}
	return truncated(b)
}
