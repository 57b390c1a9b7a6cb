package dig

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
)

// security is how DNS over TLS (RFC 7858) is done. As in BIND the server's name
// is verified only when somebody asked for it: the opportunistic profile of RFC
// 7858 4.1 is the default.
type security struct {
	on       bool
	verify   bool
	roots    *x509.CertPool // nil: the system's
	hostname string         // to expect; "" is the server's name as it was typed
}

// dial opens a connection for messages with their length before them.
func (s security) dial(ctx context.Context, dialer *net.Dialer, address string, to server) (net.Conn, error) {
	name := s.hostname
	if name == "" {
		name = to.name
	}
	d := tls.Dialer{NetDialer: dialer, Config: &tls.Config{
		ServerName: name, RootCAs: s.roots, InsecureSkipVerify: !s.verify,
		NextProtos: []string{"dot"}, MinVersion: tls.VersionTLS12, // RFC 9325 3.1.1
	}}
	return d.DialContext(ctx, "tcp", address)
}

func tlsOptions() []plusOption {
	return []plusOption{
		sets(func(q *query) *bool { return &q.tls.on }, "tls"),
		{names: []string{"tls-ca"}, value: optional, set: func(_ *parser, q *query, on bool, value string) error {
			q.tls.verify, q.tls.roots = on, nil
			if !on || value == "" {
				return nil
			}
			text, err := readSmall(value)
			q.tls.roots = x509.NewCertPool()
			if err != nil || !q.tls.roots.AppendCertsFromPEM(text) {
				return fatal(exitUsage, "no certificates in '%s'", value)
			}
			return nil
		}},
		{names: []string{"tls-hostname"}, value: needed, set: func(_ *parser, q *query, on bool, value string) error {
			q.tls.hostname = ""
			if on {
				q.tls.hostname = value
			}
			return nil
		}},
	}
}
