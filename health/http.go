package health

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"
)

// agent is what requests say of who makes them.
const agent = "sextant-health"

// request makes an HTTP request over a connection of its own: that one can be made, and
// TLS agreed on, is a part of what is checked.
func (m *Monitor) request(ctx context.Context, c Check, addr netip.Addr) Outcome {
	transport, err := m.transport(c, addr)
	if err != nil {
		return blind(err)
	}
	defer transport.CloseIdleConnections()
	r, err := c.request(ctx, addr)
	if err != nil {
		return blind(err)
	}
	start := m.options.Now()
	// A round trip, and not a client's Do: redirects are not followed.
	response, err := transport.RoundTrip(r)
	if err != nil {
		return m.failed(ctx, addr, err)
	}
	defer response.Body.Close()
	rtt := m.options.Now().Sub(start)
	if !c.expects(response.StatusCode) {
		reason := fmt.Sprintf("status %d", response.StatusCode)
		if to := response.Header.Get("Location"); to != "" {
			reason += ", to " + to + "; redirects are not followed"
		}
		return Outcome{Result: Failed, Reason: printable(reason), RTT: rtt}
	}
	if c.match == "" && c.pattern == nil {
		return Outcome{Result: Passed, RTT: rtt}
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	switch {
	case c.match != "" && !bytes.Contains(body, []byte(c.match)), c.pattern != nil && !c.pattern.Match(body):
		if err != nil {
			return m.failed(ctx, addr, fmt.Errorf("body: %w", err))
		}
		return Outcome{Result: Failed, Reason: "the body does not match", RTT: rtt}
	}
	return Outcome{Result: Passed, RTT: rtt}
}

// request is what is asked of addr.
func (c Check) request(ctx context.Context, addr netip.Addr) (*http.Request, error) {
	path, err := url.ParseRequestURI(c.path)
	if err != nil {
		return nil, err
	}
	path.Scheme, path.Host = c.kind.String(), c.hostHeader(addr)
	r, err := http.NewRequestWithContext(ctx, c.method, path.String(), nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("User-Agent", agent)
	return r, nil
}

// hostHeader is the host that the request is for. RFC 9110 7.2: with the port, unless
// it is the scheme's own.
func (c Check) hostHeader(addr netip.Addr) string {
	host := c.host
	if host == "" {
		host = addr.WithZone("").String() // RFC 6874 1: a zone means nothing to others
	}
	if c.port != defaultPort(c.kind) {
		return net.JoinHostPort(host, strconv.Itoa(int(c.port)))
	}
	if c.host == "" && addr.Is6() {
		return "[" + host + "]"
	}
	return host
}

// transport reaches addr, whatever the request says.
func (m *Monitor) transport(c Check, addr netip.Addr) (*http.Transport, error) {
	to := netip.AddrPortFrom(addr, c.port).String()
	t := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return m.options.Dial(ctx, "tcp", to)
		},
		DisableKeepAlives:      true,
		DisableCompression:     true,
		ForceAttemptHTTP2:      true,
		MaxResponseHeaderBytes: 32 << 10,
	}
	if c.kind != HTTPS {
		return t, nil
	}
	name := c.host
	if name == "" {
		name = addr.WithZone("").String() // the certificate is for the address; RFC 6066 3: no SNI then
	}
	t.TLSClientConfig = &tls.Config{
		ServerName:         name,
		MinVersion:         tls.VersionTLS12,
		CipherSuites:       suites(),
		InsecureSkipVerify: c.insecure, // for those who ask for it, by name
	}
	if c.ca != "" {
		roots, err := readRoots(c.ca)
		if err != nil {
			return nil, err
		}
		t.TLSClientConfig.RootCAs = roots
	}
	return t, nil
}

// suites are those of TLS 1.2 that are still recommended (RFC 9325 4.2); those of TLS
// 1.3 all are.
func suites() []uint16 {
	return []uint16{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	}
}

// readRoots reads the file at each check: it is small, and may have been replaced.
func readRoots(path string) (*x509.CertPool, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, errors.New("ca: no certificate in " + path)
	}
	return pool, nil
}
