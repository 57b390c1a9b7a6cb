package health

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// pipes is a network in memory: whoever dials reaches the listener, and nobody else.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	to    chan string // where connections were wanted to
}

func newPipes(t *testing.T) *pipes {
	p := &pipes{conns: make(chan net.Conn), done: make(chan struct{}), to: make(chan string, 100)}
	t.Cleanup(func() { close(p.done) })
	return p
}

func (p *pipes) dial(ctx context.Context, network, address string) (net.Conn, error) {
	near, far := net.Pipe()
	p.to <- network + " " + address
	select {
	case p.conns <- far:
		return near, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// authority is a CA that signs for names, and its file.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	file string
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "own CA"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	a := authority{key: key, file: filepath.Join(t.TempDir(), "ca.pem")}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(a.file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return a
}

func (a authority) certificate(t *testing.T, until time.Time, name string) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: until}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.key}
}

// checked makes one check against what is at the other end of dial.
func checked(t *testing.T, check, addr string, dial func(context.Context, string, string) (net.Conn, error)) Outcome {
	t.Helper()
	m := New(Options{Dial: dial})
	m.Watch([]Target{{Site: "fra", Addr: netip.MustParseAddr(addr), Check: check}})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	return m.probe(ctx, m.order[0])
}

func verify(t *testing.T, what string, got Outcome, want Result, reason string) {
	t.Helper()
	if got.Result != want || !strings.Contains(got.Reason, reason) || reason == "" && got.Reason != "" {
		t.Errorf("%s: %s, %q; want %s, %q", what, got.Result, got.Reason, want, reason)
	}
}

// site serves HTTP and says what it was asked.
func site(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Location", "/elsewhere")
	switch r.URL.Path {
	case "/healthz":
		fmt.Fprintf(w, "%s %s %s %s %s", r.Method, r.Host, r.RequestURI, r.UserAgent(), r.Proto)
	case "/moved":
		w.WriteHeader(http.StatusFound)
	case "/long":
		fmt.Fprint(w, "early ", strings.Repeat("x", maxBody), " late")
	default:
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

func TestHTTPChecks(t *testing.T) {
	t.Parallel()
	p := newPipes(t)
	server := &http.Server{Handler: http.HandlerFunc(site), ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = server.Serve(p) }()
	for _, c := range []struct {
		check, addr, to string
		result          Result
		reason          string
	}{
		{`http://{addr}/healthz`, fra, fra + ":80", Passed, ""},
		{`http://{addr}:8080/healthz?a=b match="GET 192.0.2.1:8080 /healthz?a=b sextant-health HTTP/1.1"`, fra, fra + ":8080", Passed, ""},
		{`http://{addr}/healthz match="GET [2001:db8::1] /"`, "2001:db8::1", "[2001:db8::1]:80", Passed, ""},
		{`http://{addr}:81/healthz match="GET [2001:db8::1]:81 /"`, "2001:db8::1", "[2001:db8::1]:81", Passed, ""},
		{`http://www.example.com/healthz match="GET www.example.com /"`, fra, fra + ":80", Passed, ""},
		{`http://{addr}:81/healthz host=www.example.com match="GET www.example.com:81 /"`, fra, fra + ":81", Passed, ""},
		{`http://{addr}/healthz regexp="^GET .* HTTP/1\.1$"`, fra, fra + ":80", Passed, ""},
		{`http://{addr}/healthz regexp="^POST"`, fra, fra + ":80", Failed, "the body does not match"},
		{`http://{addr}/healthz match=GET regexp="^POST"`, fra, fra + ":80", Failed, "the body does not match"},
		{`http://{addr}/healthz match=POST`, fra, fra + ":80", Failed, "the body does not match"},
		{`http://{addr}/healthz method=HEAD`, fra, fra + ":80", Passed, ""},
		{`http://{addr}/long match=early`, fra, fra + ":80", Passed, ""},
		{`http://{addr}/long match=late`, fra, fra + ":80", Failed, "the body does not match"}, // too far down
		{`http://{addr}/moved`, fra, fra + ":80", Failed, "status 302, to /elsewhere; redirects are not followed"},
		{`http://{addr}/moved status=200,300-399`, fra, fra + ":80", Passed, ""},
		{`http://{addr}/broken`, fra, fra + ":80", Failed, "status 503"},
		{`http://{addr}/broken status=503`, fra, fra + ":80", Passed, ""},
		{`http://{addr}/healthz status=503`, fra, fra + ":80", Failed, "status 200"},
	} {
		verify(t, c.check, checked(t, c.check, c.addr, p.dial), c.result, c.reason)
		if got := <-p.to; got != "tcp "+c.to {
			t.Errorf("%s: connected to %s; want %s", c.check, got, c.to)
		}
	}
}

func TestHTTPSChecks(t *testing.T) {
	t.Parallel()
	a, other := newAuthority(t), newAuthority(t)
	soon := time.Now().Add(time.Hour)
	broken := filepath.Join(t.TempDir(), "broken.pem")
	if err := os.WriteFile(broken, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	named := a.certificate(t, soon, "www.example.com")
	for _, c := range []struct {
		name   string
		config *tls.Config
		check  string
		result Result
		reason string
	}{
		{"by name", &tls.Config{Certificates: []tls.Certificate{named}}, "https://{addr}/healthz host=www.example.com match=HTTP/1.1 ca=" + a.file, Passed, ""},
		{"by address", &tls.Config{Certificates: []tls.Certificate{a.certificate(t, soon, fra)}}, "https://{addr}/healthz ca=" + a.file, Passed, ""},
		{"HTTP/2", &tls.Config{Certificates: []tls.Certificate{named}, NextProtos: []string{"h2"}}, "https://www.example.com/healthz match=HTTP/2.0 ca=" + a.file, Passed, ""},
		{"TLS 1.2", &tls.Config{Certificates: []tls.Certificate{named}, MaxVersion: tls.VersionTLS12}, "https://www.example.com/healthz ca=" + a.file, Passed, ""},
		{"TLS 1.1", &tls.Config{Certificates: []tls.Certificate{named}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, "https://www.example.com/healthz ca=" + a.file, Failed, "protocol version"},
		{"an old suite", &tls.Config{Certificates: []tls.Certificate{named}, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}},
			"https://www.example.com/healthz ca=" + a.file, Failed, "handshake failure"},
		{"an unknown CA", &tls.Config{Certificates: []tls.Certificate{named}}, "https://www.example.com/healthz", Failed, "unknown authority"},
		{"another CA", &tls.Config{Certificates: []tls.Certificate{named}}, "https://www.example.com/healthz ca=" + other.file, Failed, "unknown authority"},
		{"another name", &tls.Config{Certificates: []tls.Certificate{named}}, "https://mail.example.com/healthz ca=" + a.file, Failed, "not mail.example.com"},
		{"no address", &tls.Config{Certificates: []tls.Certificate{named}}, "https://{addr}/healthz ca=" + a.file, Failed, "doesn't contain any IP SANs"},
		{"expired", &tls.Config{Certificates: []tls.Certificate{a.certificate(t, time.Now().Add(-time.Minute), "www.example.com")}}, "https://www.example.com/healthz ca=" + a.file, Failed, "expired"},
		{"insecure", &tls.Config{Certificates: []tls.Certificate{named}}, "https://{addr}/healthz insecure=yes", Passed, ""},
		{"no CA file", &tls.Config{Certificates: []tls.Certificate{named}}, "https://www.example.com/healthz ca=/nowhere/ca.pem", Blind, "no such file"},
		{"a broken CA file", &tls.Config{Certificates: []tls.Certificate{named}}, "https://www.example.com/healthz ca=" + broken, Blind, "no certificate in"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPipes(t)
			var sni atomic.Value
			c.config.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) { sni.Store(h.ServerName); return nil, nil }
			server := &http.Server{Handler: http.HandlerFunc(site), TLSConfig: c.config, ErrorLog: log.New(io.Discard, "", 0)}
			if c.name != "HTTP/2" {
				server.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){}
			}
			go func() { _ = server.ServeTLS(p, "", "") }()
			got := checked(t, c.check, fra, p.dial)
			verify(t, c.check, got, c.result, c.reason)
			want, _, _ := strings.Cut(strings.TrimPrefix(c.check, "https://"), "/")
			if strings.Contains(c.check, "host=") {
				want = "www.example.com"
			} else if want == "{addr}" {
				want = "" // RFC 6066 3: addresses are not told
			}
			if got.Result == Passed && sni.Load() != want {
				t.Errorf("SNI %q; want %q", sni.Load(), want)
			}
		})
	}
}

// refuse fails each attempt to connect over TCP so; route says whether UDP finds a way.
func refuse(err error, route bool) func(context.Context, string, string) (net.Conn, error) {
	return func(_ context.Context, network, _ string) (net.Conn, error) {
		if network == "udp" && route {
			near, _ := net.Pipe()
			return near, nil
		}
		return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", err)}
	}
}

func TestTCPChecks(t *testing.T) {
	t.Parallel()
	p := newPipes(t)
	go func() {
		for {
			if c, err := p.Accept(); err == nil {
				_, _ = bufio.NewReader(c).ReadByte() // until it is closed
				_ = c.Close()
			} else {
				return
			}
		}
	}()
	verify(t, "open", checked(t, "tcp:443", "::ffff:192.0.2.1", p.dial), Passed, "")
	if got := <-p.to; got != "tcp 192.0.2.1:443" {
		t.Errorf("connected to %s", got)
	}
	for _, c := range []struct {
		err    error
		route  bool
		result Result
		reason string
	}{
		{syscall.ECONNREFUSED, true, Failed, "connection refused"},
		{syscall.ENETUNREACH, true, Failed, "network is unreachable"}, // says a router on the way
		{syscall.ENETUNREACH, false, Blind, "no route from here"},
		{syscall.EHOSTUNREACH, true, Failed, "no route to host"},
		{syscall.EMFILE, true, Blind, "too many open files"},
	} {
		verify(t, c.err.Error(), checked(t, "tcp:443", fra, refuse(c.err, c.route)), c.result, c.reason)
	}
	m := New(Options{Dial: func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }})
	m.Watch([]Target{target("fra", fra)})
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	verify(t, "silence", m.probe(ctx, m.order[0]), Failed, "timed out")
	m.Watch([]Target{{Site: "fra", Check: "tcp:1"}})
	verify(t, "no address", m.probe(t.Context(), m.order[0]), Blind, "no address")
}

func TestTCPOverLoopback(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	check := fmt.Sprintf("tcp:%d", l.Addr().(*net.TCPAddr).Port)
	verify(t, "open", checked(t, check, "127.0.0.1", nil), Passed, "")
	l.Close()
	verify(t, "closed", checked(t, check, "127.0.0.1", nil), Failed, "dial: connect: connection refused")
}

func TestICMPChecks(t *testing.T) {
	t.Parallel()
	for want, err := range map[Result]error{Passed: nil, Blind: ErrNotPermitted, Failed: errors.New("silence")} {
		m := New(Options{Echo: func(_ context.Context, a netip.Addr) error {
			if a != netip.MustParseAddr(fra) {
				t.Errorf("to %s", a)
			}
			return err
		}})
		m.Watch([]Target{{Site: "fra", Addr: netip.MustParseAddr(fra), Check: "icmp"}})
		if o := m.probe(t.Context(), m.order[0]); o.Result != want {
			t.Errorf("%v: %+v", err, o)
		}
	}
}

func TestEchoOverLoopback(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"127.0.0.1", "::1"} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		switch err := sendEcho(ctx, netip.MustParseAddr(addr)); {
		case errors.Is(err, ErrNotPermitted):
			t.Skipf("%v", err)
		case errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.EAFNOSUPPORT), errors.Is(err, syscall.ENETUNREACH):
			t.Logf("%s: not on this machine: %v", addr, err)
		case err != nil:
			t.Errorf("%s: %v", addr, err)
		}
		cancel()
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := sendEcho(ctx, netip.MustParseAddr("127.0.0.1")); err == nil {
		t.Log("the reply came before the end") // loopback is fast; what counts is that it returns
	}
}

func TestFileChecks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(text string) {
		if err := os.WriteFile(filepath.Join(dir, "fra"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	check := "file:" + dir + "/{site}"
	verify(t, "none", checked(t, check, fra, nil), Blind, "no such file")
	for text, want := range map[string]Result{"up": Passed, " DOWN\n": Failed, "drain\n": Drained, "": Blind, "upside": Blind, "up\nand more": Blind} {
		write(text)
		if got := checked(t, check, fra, nil); got.Result != want {
			t.Errorf("%q: %+v; want %s", text, got, want)
		}
	}
	verify(t, "a folder", checked(t, "file:"+dir, fra, nil), Blind, "no regular file")
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	verify(t, "a pipe", checked(t, "file:"+dir+"/pipe", fra, nil), Blind, "no regular file")
	m := New(Options{})
	m.Watch([]Target{{Site: "../fra", Check: check}})
	verify(t, "a site that climbs", m.probe(t.Context(), m.order[0]), Blind, "cannot stand in a path")
}

// script is an executable with this text.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "check")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestExecChecks(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	said := script(t, `echo "$# $1|$2|$SEXTANT_SITE|$SEXTANT_ADDR|$HOME|$PWD" >`+out)
	verify(t, "0", checked(t, "exec:"+said+" '{addr} of {site}' ''", fra, nil), Passed, "")
	if got, err := os.ReadFile(out); err != nil || string(got) != "2 192.0.2.1 of fra||fra|192.0.2.1||/\n" {
		t.Errorf("the command saw %q, %v", got, err)
	}
	verify(t, "1", checked(t, "exec:"+script(t, "echo no answer; echo more >&2; exit 1"), fra, nil), Failed, "exit status 1: no answer")
	loud := checked(t, "exec:"+script(t, "yes '\a' | head -c 100000; exit 3"), fra, nil)
	if loud.Result != Failed || len(loud.Reason) > 2*maxOutput || strings.Contains(loud.Reason, "\a") {
		t.Errorf("much output: %+v", loud)
	}
	verify(t, "none", checked(t, "exec:/nowhere/check", fra, nil), Blind, "no such file")
	verify(t, "killed", checked(t, "exec:"+script(t, "kill -9 $$"), fra, nil), Failed, "signal: killed")
}

// A command that does not end is killed, with all that it has started.
func TestACommandThatTakesTooLongIsKilled(t *testing.T) {
	alive := filepath.Join(t.TempDir(), "alive")
	if err := syscall.Mkfifo(alive, 0o600); err != nil {
		t.Fatal(err)
	}
	m := New(Options{})
	m.Watch([]Target{{Site: "fra", Check: "exec:" + script(t, `exec 9>"$1"; sleep 1000 & echo >&9; wait`) + " " + alive}})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan Outcome)
	go func() { ended <- m.probe(ctx, m.order[0]) }()
	r, err := os.Open(alive) // waits until the command runs
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	cancel()
	verify(t, "too long", <-ended, Failed, "timed out")
	if rest, err := io.ReadAll(r); err != nil || len(rest) != 0 { // ends when the last process with it has
		t.Errorf("got %q, %v", rest, err)
	}
}
