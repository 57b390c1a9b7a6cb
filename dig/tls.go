package dig

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
)

// security is how DNS over TLS (RFC 7858) and HTTPS is done. As in BIND the
// server's name is verified only when somebody asked for it, by naming authorities
// or the name: the opportunistic profile of RFC 7858 4.1 is the default.
type security struct {
	on     bool
	verify bool
	roots  *x509.CertPool                    // nil: the system's
	files  struct{ certificate, key string } // of this side, PEM; "": none

	certificate *tls.Certificate // what is in them
	hostname    string           // to expect; "" is the server's name as it was typed
}

// dial opens a connection for messages with their length before them.
func (s security) dial(ctx context.Context, dialer *net.Dialer, address string, to server) (net.Conn, error) {
	d := tls.Dialer{NetDialer: dialer, Config: s.config(to, []string{"dot"})}
	return d.DialContext(ctx, "tcp", address)
}

// config is that of TLS to a server with one of the protocols (RFC 7301).
func (s security) config(to server, protocols []string) *tls.Config {
	c := &tls.Config{
		ServerName: s.hostname, RootCAs: s.roots, InsecureSkipVerify: !s.verify,
		NextProtos: protocols, MinVersion: tls.VersionTLS12, // RFC 9325 3.1.1
	}
	if c.ServerName == "" {
		c.ServerName = to.name
	}
	if s.certificate != nil {
		c.Certificates = []tls.Certificate{*s.certificate}
	}
	return c
}

// load reads this side's certificate, when there is one.
func (s *security) load(p *parser) error {
	f := s.files
	switch {
	case f.certificate == "" && f.key == "":
		return nil
	case f.certificate == "" || f.key == "":
		return fatal(exitUsage, "+tls-certfile and +tls-keyfile belong together")
	}
	chain, err := p.readFile(f.certificate)
	if err != nil {
		return fatal(exitUsage, "couldn't read the certificate from %s: %v", f.certificate, errors.Unwrap(err))
	}
	secret, err := p.readFile(f.key)
	if err != nil {
		return fatal(exitUsage, "couldn't read the key from %s: %v", f.key, errors.Unwrap(err))
	}
	pair, err := tls.X509KeyPair(chain, secret)
	if err != nil {
		return fatal(exitUsage, "%s and %s: %v", f.certificate, f.key, err)
	}
	s.certificate = &pair
	return nil
}

func tlsOptions() []plusOption {
	file := func(name string, field func(s *security) *string) plusOption {
		return plusOption{names: []string{name}, value: needed, set: func(_ *parser, q *query, on bool, value string) error {
			if *field(&q.tls) = ""; on {
				*field(&q.tls) = value
			}
			return nil
		}}
	}
	return []plusOption{
		sets(func(q *query) *bool { return &q.tls.on }, "tls"),
		{names: []string{"tls-ca"}, value: optional, set: func(p *parser, q *query, on bool, value string) error {
			q.tls.verify, q.tls.roots = on, nil
			if !on || value == "" {
				return nil
			}
			text, err := p.readFile(value)
			q.tls.roots = x509.NewCertPool()
			if err != nil || !q.tls.roots.AppendCertsFromPEM(text) {
				return fatal(exitUsage, "no certificates in '%s'", value)
			}
			return nil
		}},
		{names: []string{"tls-hostname"}, value: needed, set: func(_ *parser, q *query, on bool, value string) error {
			q.tls.hostname = ""
			if on {
				q.tls.hostname, q.tls.verify = value, true
			}
			return nil
		}},
		file("tls-certfile", func(s *security) *string { return &s.files.certificate }),
		file("tls-keyfile", func(s *security) *string { return &s.files.key }),
	}
}
