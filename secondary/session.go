package secondary

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/message"
	"github.com/sextant-dns/sextant/tsig"
)

// session is one question to one primary, over a connection of its own, and the
// messages that answer it. It is always TCP, for the SOA, too: what decides
// whether a zone is transferred shall not be a datagram that anybody can forge.
type session struct {
	ctx      context.Context
	conn     net.Conn
	end      func() bool // of watching ctx
	timeout  time.Duration
	id       uint16
	question message.Question
	replies  int
	good     time.Duration // for how long the first reply says that the zone is good; negative: it does not
	signed   *tsig.Session // nil: with this primary there is no key
	now      func() time.Time
}

// ask connects and sends a question of type t about the zone. For IXFR, known is
// the rdata of the SOA that we have (RFC 1995 3).
func (c *Copy) ask(ctx context.Context, primary netip.AddrPort, t lookup.Type, known string) (*session, error) {
	dialing, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	conn, err := c.options.Dial(dialing, primary)
	if err != nil {
		return nil, err
	}
	zone := c.options.Zone
	s := &session{
		ctx:      ctx,
		conn:     conn,
		end:      context.AfterFunc(ctx, func() { conn.Close() }),
		timeout:  c.options.Timeout,
		id:       uint16(c.options.IntN(1 << 16)),
		good:     -1,
		now:      c.options.Now,
		question: message.Question{Raw: string(zone), Name: zone, Type: t, Class: lookup.ClassIN},
	}
	key, signed := c.options.Key(primary)
	if err := s.send(known, c.plain[primary], key, signed); err != nil {
		s.close()
		return nil, s.cause(err)
	}
	return s, nil
}

func (s *session) close() {
	s.end()
	s.conn.Close()
}

// send sends the question, signed if there is a key, and asks for how long the zone is
// good (RFC 7314 4) unless it is to be plain.
func (s *session) send(known string, plain bool, key tsig.Key, signed bool) error {
	const nscount, arcount, toQuestion = 8, 10, 0xc00c
	b := message.AppendQuery(nil, message.Header{ID: s.id}, s.question, nil)
	if known != "" {
		binary.BigEndian.PutUint16(b[nscount:], 1)
		b = binary.BigEndian.AppendUint16(b, toQuestion)
		b = binary.BigEndian.AppendUint16(b, uint16(lookup.TypeSOA))
		b = binary.BigEndian.AppendUint16(b, uint16(lookup.ClassIN))
		b = binary.BigEndian.AppendUint32(b, 0)
		b = binary.BigEndian.AppendUint16(b, uint16(len(known)))
		b = append(b, known...)
	}
	if !plain {
		binary.BigEndian.PutUint16(b[arcount:], 1)
		b = message.AppendOPT(b, message.OPT{Size: udpSize, Options: []message.Option{{Code: message.OptionExpire}}}, lookup.NOERROR)
	}
	if signed {
		b, s.signed = tsig.Ask(b, key, s.now())
	}
	_ = s.conn.SetDeadline(time.Now().Add(s.timeout)) // fails where writing will fail, too
	_, err := s.conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...))
	return err
}

// next reads one message of the answer, and tells how large it was.
func (s *session) next() (m *message.Records, octets int, err error) {
	_ = s.conn.SetDeadline(time.Now().Add(s.timeout)) // fails where reading will fail, too
	var length [2]byte
	if _, err := io.ReadFull(s.conn, length[:]); err != nil {
		return nil, 0, s.cause(err)
	}
	b := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(s.conn, b); err != nil {
		return nil, 0, s.cause(err)
	}
	if s.signed != nil {
		if err := s.signed.Check(b, s.now()); err != nil {
			return nil, 0, err
		}
	}
	if m, err = message.DecodeRecords(b); err != nil {
		return nil, 0, err
	}
	if err := s.judge(m); err != nil {
		return nil, 0, err
	}
	if s.replies == 0 {
		s.good = expireOf(m)
	}
	s.replies++
	return m, len(b), nil
}

// udpSize is what an OPT must say, though nothing comes over UDP.
const udpSize = 1232

// expireOf is the time that is left to the zone at the primary (RFC 7314 2); negative: it
// is not told.
func expireOf(m *message.Records) time.Duration {
	const length = 4
	for _, r := range m.Additional {
		for rest := r.Data; r.Type == lookup.TypeOPT && len(rest) >= 4; {
			code, n := binary.BigEndian.Uint16([]byte(rest)), int(binary.BigEndian.Uint16([]byte(rest[2:])))
			if rest = rest[4:]; n > len(rest) {
				break
			}
			if code == message.OptionExpire && n == length {
				return time.Duration(binary.BigEndian.Uint32([]byte(rest))) * time.Second
			}
			rest = rest[n:]
		}
	}
	return -1
}

// done tells what is wrong with an answer that seems to be complete.
func (s *session) done() error {
	if s.signed == nil {
		return nil
	}
	return s.signed.Done()
}

// What is wrong with a message that should answer.
var (
	errForeign   = errors.New("the reply does not belong to the question")
	errNoAnswer  = errors.New("the reply does not come from an authority")
	errTruncated = errors.New("the reply is truncated")
	errCutOff    = errors.New("the connection ended before the answer did")
)

// rcodeError is an RCODE in the place of an answer.
type rcodeError lookup.Rcode

func (e rcodeError) Error() string { return "answered " + lookup.Rcode(e).String() }

// judge tells what is wrong with m as a part of the answer (RFC 5936 2.2.1, 2.2.2).
func (s *session) judge(m *message.Records) error {
	echoed := len(m.Question) == 1 && m.Question[0].Name == s.question.Name && m.Question[0].Type == s.question.Type && m.Question[0].Class == s.question.Class
	silent := len(m.Question) == 0 && s.replies > 0 // RFC 5936 2.2.2: only the first has to repeat it
	switch {
	case m.ID != s.id || !m.QR || m.Opcode != 0:
		return errForeign
	case m.Rcode != lookup.NOERROR: // some leave the question out of errors
		return rcodeError(m.Rcode)
	case !echoed && !silent:
		return errForeign
	case m.TC:
		return errTruncated
	case !m.AA && s.question.Type == lookup.TypeSOA: // Knot 3.2 leaves it out of transfers, against RFC 5936 2.2.1
		return errNoAnswer
	}
	return nil
}

// cause is what an error of the connection comes down to.
func (s *session) cause(err error) error {
	switch {
	case s.ctx.Err() != nil:
		return context.Cause(s.ctx)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errCutOff
	}
	return err
}
