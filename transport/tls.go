package transport

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"slices"
	"time"
)

// TLS says how a server over TLS proves who it is (RFC 7858). The zero value wants
// a certificate for the address of the server from somebody whom the system trusts;
// that is the strict profile of RFC 8310 5, as is all but NoVerify. Requests with the
// same *TLS share connections. It must not be changed any more once it is in use.
type TLS struct {
	Name  string         // that the certificate has to be for; "": the server's address
	Roots *x509.CertPool // who may have signed it; nil: whom the system trusts

	// Pins are SHA-256 hashes of public keys (SubjectPublicKeyInfo), one of which must
	// be that of the certificate (RFC 7858 4.2). With pins and without a Name nobody has
	// to have signed it.
	Pins [][sha256.Size]byte

	// NoVerify takes every certificate: only those who listen and do nothing are kept
	// out (the opportunistic profile of RFC 8310 5, without falling back to clear text).
	NoVerify bool
}

// errPin says that a server has another key than was expected.
var errPin = errors.New("the public key of the server is none of those that were pinned")

// config is what the TLS library needs to know about a server at addr.
func (t *TLS) config(addr netip.Addr, tickets tls.ClientSessionCache) *tls.Config {
	name := t.Name
	if name == "" {
		name = addr.WithZone("").String()
	}
	c := &tls.Config{ServerName: name, RootCAs: t.Roots, ClientSessionCache: tickets}
	c.InsecureSkipVerify = t.NoVerify || t.Name == "" && len(t.Pins) > 0
	if len(t.Pins) > 0 && !t.NoVerify {
		c.VerifyConnection = func(state tls.ConnectionState) error {
			if !slices.Contains(t.Pins, sha256.Sum256(state.PeerCertificates[0].RawSubjectPublicKeyInfo)) {
				return errPin
			}
			return nil
		}
	}
	return c
}

// overTLS sends one query over a connection that others may use, too. A connection
// that was there before may break just now: then the query is sent once more, over a
// new one (RFC 7766 6.2.4).
func (c *Client) overTLS(ctx context.Context, r Request) (reply *Reply, sent int, err error) {
	for {
		sent++
		s, used := c.sessions.take(c, sessionKey{r.Server, r.TLS})
		reply, err = c.converse(ctx, r, s)
		if err == nil || !used || sent == 2 || !errors.Is(err, errBroken) || ctx.Err() != nil {
			return reply, sent, err
		}
	}
}

// converse sends one query over s, which it leaves in the end.
func (c *Client) converse(ctx context.Context, r Request, s *session) (*Reply, error) {
	defer s.leave()
	q, err := c.newQuery(r)
	if err != nil {
		return nil, err
	}
	defer c.release(q)
	deadline, start := time.Now().Add(r.Timeout), c.options.Now()
	ctx, cancel := context.WithDeadlineCause(ctx, deadline, ErrTimeout)
	defer cancel()
	select {
	case <-s.ready:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	b, err := s.exchange(ctx, q, deadline)
	if err != nil {
		return nil, err
	}
	return c.accept(q, b, start)
}

// dialTLS connects and lets the server prove who it is.
func (c *Client) dialTLS(ctx context.Context, key sessionKey, tickets tls.ClientSessionCache) (*tls.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	deadline, _ := ctx.Deadline()
	tcp, err := c.dialTCP(ctx, key.server, deadline, &query{dice: dice{source: c.options.Rand}})
	if err != nil {
		return nil, err
	}
	conn := tls.Client(tcp, key.tls.config(key.server.Addr(), tickets))
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = tcp.Close()
		if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
			return nil, ErrTimeout
		}
		return nil, err
	}
	return conn, nil
}
