package tsig

import (
	"crypto/hmac"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"slices"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// Code is what a TSIG says to be wrong (RFC 8945 3). 0: nothing.
type Code uint16

// The codes.
const (
	BADSIG   Code = 16
	BADKEY   Code = 17
	BADTIME  Code = 18
	BADTRUNC Code = 22
)

// String is the code's mnemonic.
func (c Code) String() string {
	switch c {
	case 0:
		return "NOERROR"
	case BADSIG:
		return "BADSIG"
	case BADKEY:
		return "BADKEY"
	case BADTIME:
		return "BADTIME"
	case BADTRUNC:
		return "BADTRUNC"
	}
	return fmt.Sprintf("TSIG error %d", uint16(c))
}

// Error is why a message is not believed. The RCODE for it is NOTAUTH.
type Error struct {
	Code Code
	Key  lookup.Name
	// Peer: it is what the other side says of our message.
	Peer bool
}

// Error says it in words.
func (e Error) Error() string {
	if e.Peer {
		return fmt.Sprintf("TSIG with key %s: the other side says %s", e.Key, e.Code)
	}
	return fmt.Sprintf("TSIG with key %s: %s", e.Key, e.Code)
}

var (
	errUnsigned = errors.New("TSIG: the reply is not signed")
	errOpenEnd  = errors.New("TSIG: the end of the reply is not signed")
)

// maxUnsigned is how many messages of a reply may come between two that are signed
// (RFC 8945 5.3.1).
const maxUnsigned = 99

// Session is an exchange that is signed: a request and the messages of its reply.
// It is not safe for concurrent use.
type Session struct {
	key    Key
	prior  []byte // the MAC of the message before
	later  bool   // a message of the reply has been signed
	failed record // of a request that was not believed
	code   Code   // why

	unsigned int       // messages since the last that was signed
	digest   hash.Hash // begun with them; nil: there are none
}

// Ask appends a TSIG to the request msg and returns it, with the Session for its
// reply. The key must be good.
func Ask(msg []byte, key Key, now time.Time) ([]byte, *Session) {
	s := &Session{key: key}
	r := s.fresh(msg, now)
	r.mac = s.sum(s.begin(), msg, r)
	s.prior = r.mac
	return r.append(msg), s
}

// Accept checks the TSIG of a request. A message without one has no Session; who it
// comes from is not known. An error is ErrMalformed, without a Session, or an Error,
// whose Session has to sign the reply to say so.
func Accept(msg []byte, keys func(lookup.Name) (Key, bool), now time.Time) (*Session, error) {
	r, there, err := find(msg)
	if err != nil || !there {
		return nil, err
	}
	r.mac, r.other = slices.Clone(r.mac), slices.Clone(r.other)
	key, known := keys(r.key)
	if !known || r.algorithm != key.Algorithm.wire() { // RFC 8945 5.2.1
		return failed(Session{key: Key{Name: r.key}}, r, BADKEY)
	}
	s := Session{key: key}
	if len(r.mac) > key.size() || len(r.mac) < min(key.shortest(), key.size()) { // RFC 8945 5.2.2.1
		return nil, ErrMalformed
	}
	genuine := s.matches(s.begin(), msg, r)
	s.prior = r.mac
	switch { // RFC 8945 5.2: in this order
	case !genuine:
		return failed(s, r, BADSIG)
	case !r.timely(now):
		return failed(s, r, BADTIME)
	case len(r.mac) < key.least():
		return failed(s, r, BADTRUNC)
	}
	return &s, nil
}

func failed(s Session, r record, code Code) (*Session, error) {
	s.failed, s.code = r, code
	return &s, Error{Code: code, Key: r.key}
}

// Key is the key that the request was signed with. Of one that was not believed it
// is only the name that it claims.
func (s *Session) Key() lookup.Name { return s.key.Name }

// Overhead is how many octets Sign appends at most.
func (s *Session) Overhead() int {
	algorithm := s.key.Algorithm.wire()
	if s.code == BADKEY {
		algorithm = s.failed.algorithm
	}
	return len(s.key.Name) + 10 + len(algorithm) + 10 + s.maxMAC() + 6 + 6
}

func (s *Session) maxMAC() int {
	if s.code == BADKEY {
		return 0
	}
	return s.key.size()
}

// Sign appends a TSIG to msg, the next message of the reply, and returns it.
func (s *Session) Sign(msg []byte, now time.Time) []byte {
	r := s.fresh(msg, now)
	r.code = s.code
	switch s.code {
	case BADKEY, BADSIG: // RFC 8945 5.3.2: not signed
		r.algorithm, r.signed, r.fudge = s.failed.algorithm, s.failed.signed, s.failed.fudge
		return r.append(msg)
	case BADTIME: // RFC 8945 5.2.3: the client's time, so that it can check it, and ours
		r.signed, r.other = s.failed.signed, appendTime(nil, seconds(now))
	}
	if s.later {
		r.mac = s.sumLater(s.begin(), msg, r)
	} else {
		r.mac = s.sum(s.begin(), msg, r)
	}
	s.prior, s.later = r.mac, true
	return r.append(msg)
}

// Check checks msg, the next message of the reply. The first must be signed, and of
// the others one in a hundred. The error is ErrMalformed, an Error, or one that says
// that a signature is missing.
func (s *Session) Check(msg []byte, now time.Time) error {
	r, there, err := find(msg)
	if err != nil {
		return err
	}
	if s.digest == nil {
		s.digest = s.begin()
	}
	if !there {
		s.unsigned++
		if !s.later || s.unsigned > maxUnsigned {
			return errUnsigned
		}
		s.digest.Write(msg)
		return nil
	}
	switch {
	case r.key != s.key.Name || r.algorithm != s.key.Algorithm.wire():
		return Error{Code: BADKEY, Key: r.key}
	case len(r.mac) == 0 && (r.code == BADKEY || r.code == BADSIG): // nobody can sign this
		return Error{Code: r.code, Key: r.key, Peer: true}
	case len(r.mac) > s.key.size() || len(r.mac) < min(s.key.shortest(), s.key.size()):
		return ErrMalformed
	case !s.matches(s.digest, msg, r):
		return Error{Code: BADSIG, Key: r.key}
	case r.code != 0:
		return Error{Code: r.code, Key: r.key, Peer: true}
	case !r.timely(now):
		return Error{Code: BADTIME, Key: r.key}
	case len(r.mac) < s.key.least():
		return Error{Code: BADTRUNC, Key: r.key}
	}
	s.prior, s.later, s.unsigned, s.digest = slices.Clone(r.mac), true, 0, nil
	return nil
}

// Done tells whether a reply may end after the last message that was checked:
// RFC 8945 5.3.1 wants that to be signed.
func (s *Session) Done() error {
	if !s.later || s.unsigned > 0 {
		return errOpenEnd
	}
	return nil
}

// fresh is a TSIG of now for msg, without its MAC.
func (s *Session) fresh(msg []byte, now time.Time) record {
	return record{
		start: len(msg), key: s.key.Name, algorithm: s.key.Algorithm.wire(),
		signed: seconds(now), fudge: fudge, id: binary.BigEndian.Uint16(msg),
	}
}

// begin begins the MAC of the next message: with that of the one before, if there
// is one (RFC 8945 4.3.1, 5.3.1).
func (s *Session) begin() hash.Hash {
	h := s.key.mac()
	if s.prior != nil {
		h.Write(binary.BigEndian.AppendUint16(nil, uint16(len(s.prior))))
		h.Write(s.prior)
	}
	return h
}

// matches tells whether the MAC in r is that of msg.
func (s *Session) matches(h hash.Hash, msg []byte, r record) bool {
	want := s.sum
	if s.later {
		want = s.sumLater
	}
	return hmac.Equal(want(h, msg, r)[:len(r.mac)], r.mac)
}

// sum is the MAC of a request, or of the first message of a reply (RFC 8945 4.3.3).
func (s *Session) sum(h hash.Hash, msg []byte, r record) []byte {
	writeMessage(h, msg, r)
	b := append([]byte{}, r.key...)
	b = binary.BigEndian.AppendUint16(b, classANY)
	b = binary.BigEndian.AppendUint32(b, 0) // TTL
	b = append(b, r.algorithm...)
	h.Write(r.appendOther(r.appendTimers(b)))
	return h.Sum(nil)[:s.key.size()]
}

// sumLater is the MAC of a later message of a reply (RFC 8945 5.3.1).
func (s *Session) sumLater(h hash.Hash, msg []byte, r record) []byte {
	writeMessage(h, msg, r)
	h.Write(r.appendTimers(nil))
	return h.Sum(nil)[:s.key.size()]
}

// writeMessage writes the message as it was before r was appended (RFC 8945 4.3.2).
func writeMessage(h hash.Hash, msg []byte, r record) {
	head := [headerLen]byte(msg)
	binary.BigEndian.PutUint16(head[:], r.id)
	if r.start < len(msg) {
		binary.BigEndian.PutUint16(head[10:], binary.BigEndian.Uint16(head[10:])-1)
	}
	h.Write(head[:])
	h.Write(msg[headerLen:r.start])
}

// timely tells whether the message was signed about now (RFC 8945 5.2.3).
func (r record) timely(now time.Time) bool {
	difference := int64(seconds(now)) - int64(r.signed)
	return max(difference, -difference) <= int64(r.fudge)
}
