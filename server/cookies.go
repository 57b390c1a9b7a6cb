package server

import (
	"crypto/rand"
	"encoding/binary"
	"net/netip"
	"slices"
	"sync/atomic"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/message"
	"github.com/sextant-dns/sextant/server/internal/wire"
)

// CookieOptions are how DNS cookies of clients are treated (RFC 7873, RFC 9018). The
// zero value answers them, made with a secret of our own.
type CookieOptions struct {
	// Off has cookies ignored, as by a server that does not know of them.
	Off bool

	// Secrets make and check cookies. The first makes them, all check them, so that a
	// secret can be rolled (RFC 9018 5). Servers of one anycast address need the same.
	// Empty: one that is drawn at random, and gone when the Server is.
	Secrets []CookieSecret

	// Require is when a client that knows of cookies has to bring one of ours to be
	// answered over UDP.
	Require CookiePolicy
}

// CookieSecret is a key of SipHash-2-4 (RFC 9018 4.4).
type CookieSecret [16]byte

// CookiePolicy is when BADCOOKIE is the answer to a client that has sent a cookie of
// its own and none that we made for it. The client is told one, and asks again. Who
// sends no cookie is never told BADCOOKIE (RFC 7873 5.2.1).
type CookiePolicy uint8

// The policies.
const (
	RequireNever     CookiePolicy = iota // whoever is over a rate limit is treated like one without cookies
	RequireOverLimit                     // instead of a truncated reply when it is over a rate limit
	RequireAlways                        // for every question over UDP (RFC 7873 5.2.3)
)

// Where things stand in a COOKIE option (RFC 7873 4, RFC 9018 4).
const (
	clientCookieLen = 8
	serverCookieLen = 16 // version, three reserved octets, timestamp, hash
	cookieLen       = clientCookieLen + serverCookieLen
	cookieVersion   = 1
)

// For how long cookies are good, in seconds (RFC 9018 4.3).
const (
	cookiePast   = 3600
	cookieFuture = 300
	cookieRenew  = 1800 // an older one is renewed
)

// trust is what a query's cookie is worth.
type trust uint8

const (
	noCookie     trust = iota // none was sent, or we take no notice of it
	clientCookie              // the client's alone
	badCookie                 // with something that is not of our making, or too old
	oldCookie                 // with ours, which is to be renewed
	goodCookie                // with ours
)

// cookies makes and checks server cookies. It is safe for concurrent use.
type cookies struct {
	secrets atomic.Pointer[[]CookieSecret] // never empty
	policy  CookiePolicy
}

// newCookies is nil when cookies are ignored.
func newCookies(o CookieOptions) *cookies {
	if o.Off {
		return nil
	}
	c := &cookies{policy: o.Require}
	secrets := slices.Clone(o.Secrets)
	if len(secrets) == 0 {
		secrets = make([]CookieSecret, 1)
		_, _ = rand.Read(secrets[0][:]) // which never fails
	}
	c.secrets.Store(&secrets)
	return c
}

// SetCookieSecrets changes the secrets of cookies, as [CookieOptions] has them. Without
// any, those that there are stay.
func (s *Server) SetCookieSecrets(secrets []CookieSecret) {
	if s.cookies != nil && len(secrets) > 0 {
		secrets = slices.Clone(secrets)
		s.cookies.secrets.Store(&secrets)
	}
}

// check finds out what the cookie of q is worth.
func (c *cookies) check(q *query) trust {
	cookie := q.options.cookie.Of(q.msg)
	switch {
	case c == nil || len(cookie) == 0:
		return noCookie
	case len(cookie) == clientCookieLen:
		return clientCookie
	case len(cookie) != cookieLen || cookie[clientCookieLen] != cookieVersion:
		return badCookie
	}
	// RFC 9018 4.3: the difference is one of serial numbers (RFC 1982).
	age := int32(timestamp(q) - binary.BigEndian.Uint32(cookie[12:]))
	if age > cookiePast || age < -cookieFuture {
		return badCookie
	}
	client := clientOf(q.from)
	for i, secret := range *c.secrets.Load() {
		// The reserved octets count as they came (RFC 9018 4.2).
		if hashCookie(secret, cookie[:16], client) == binary.LittleEndian.Uint64(cookie[16:]) {
			if i > 0 || age > cookieRenew {
				return oldCookie
			}
			return goodCookie
		}
	}
	return badCookie
}

// appendCookie appends the COOKIE option of the reply to q, which has a cookie: the one
// that it came with if that is good, or a new one.
func (c *cookies) appendCookie(dst []byte, q *query) []byte {
	cookie := q.options.cookie.Of(q.msg)
	dst = appendFrame(dst, message.OptionCookie, cookieLen)
	if q.options.trust == goodCookie {
		return append(dst, cookie...)
	}
	start := len(dst)
	dst = append(dst, cookie[:clientCookieLen]...)
	dst = append(dst, cookieVersion, 0, 0, 0)
	dst = binary.BigEndian.AppendUint32(dst, timestamp(q))
	return binary.LittleEndian.AppendUint64(dst, hashCookie((*c.secrets.Load())[0], dst[start:], clientOf(q.from)))
}

// timestamp is when q came, in seconds (RFC 9018 4.3).
func timestamp(q *query) uint32 { return uint32(q.arrived.Unix()) }

// hashCookie is the hash of RFC 9018 4.4 over the client cookie, version, reserved
// octets and timestamp, and the client's address.
func hashCookie(secret CookieSecret, head []byte, client netip.Addr) uint64 {
	var input [16 + 16]byte
	n := copy(input[:], head)
	if client.Is4() {
		a := client.As4()
		n += copy(input[n:], a[:])
	} else {
		a := client.As16()
		n += copy(input[n:], a[:])
	}
	return sipHash24((*[16]byte)(&secret), input[:n])
}

// wants tells whether the question q, which is no business of Zones, has to be asked
// again with a cookie.
func (c *cookies) wants(q *query) bool {
	return c != nil && c.policy == RequireAlways && q.proto == UDP && q.options.trust.mayLearn()
}

// mayLearn tells whether the client knows of cookies and has none of ours yet, or none
// that is good any more.
func (t trust) mayLearn() bool { return t == clientCookie || t == badCookie }

// proven tells whether the client can be nobody else, since it has our cookie.
func (t trust) proven() bool { return t == oldCookie || t == goodCookie }

// cookieOnly answers a query without question, which is there for its cookie
// (RFC 7873 5.4).
func (s *Server) cookieOnly(dst []byte, q *query) []byte {
	switch q.options.trust {
	case noCookie:
		return s.fail(dst, q, lookup.FORMERR)
	case badCookie:
		return s.fail(dst, q, lookup.BADCOOKIE)
	}
	return s.fail(dst, q, lookup.NOERROR)
}

// readCookie takes over the data of the first COOKIE option; it is false for one of a
// length that cannot be (RFC 7873 5.2.2: eight octets of the client's, then nothing or
// 8 to 32 of the server's).
func (q *query) readCookie(data []byte, from int) bool {
	if q.options.cookie.To > 0 {
		return true // RFC 7873 5.2: all but the first are ignored
	}
	q.options.cookie = wire.Span{From: from, To: from + len(data)}
	n := len(data)
	return n == clientCookieLen || n >= 2*clientCookieLen && n <= clientCookieLen+32
}
