package transport_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/transport"
)

// authority signs certificates.
type authority struct {
	roots *x509.CertPool
	cert  *x509.Certificate
	key   *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{roots: x509.NewCertPool(), key: newKey(t)}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a test"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.cert = a.sign(t, template, template, &a.key.PublicKey)
	a.roots.AddCert(a.cert)
	return a
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (a *authority) sign(t testing.TB, template, parent *x509.Certificate, key *ecdsa.PublicKey) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key, a.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// certificate is one for dns.example and the loopback address.
func (a *authority) certificate(t testing.TB) tls.Certificate {
	key := newKey(t)
	cert := a.sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: []string{"dns.example"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, a.cert, &key.PublicKey)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}
}

// tlsServer is a server over TLS on a loopback address.
type tlsServer struct {
	*authority
	addr     netip.AddrPort
	leaf     *x509.Certificate
	accepted atomic.Int32 // connections that were made
	asked    atomic.Int32 // queries
	ended    chan error   // has what each connection ended with
}

// serveTLS starts one that has each connection served by serve, in its own
// goroutine; nil answers.
func serveTLS(t testing.TB, serve func(s *tlsServer, conn net.Conn, nth int)) *tlsServer {
	t.Helper()
	s := &tlsServer{authority: newAuthority(t), ended: make(chan error, 1000)}
	cert := s.certificate(t)
	s.leaf = cert.Leaf
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = listener.Addr().(*net.TCPAddr).AddrPort()
	if serve == nil {
		serve = (*tlsServer).answer
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer conn.Close()
				secure := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{cert}})
				if err := secure.Handshake(); err != nil {
					s.ended <- err
					return
				}
				serve(s, secure, int(s.accepted.Add(1)))
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		all.Wait()
	})
	return s
}

// answer answers until the client hangs up.
func (s *tlsServer) answer(conn net.Conn, _ int) {
	for {
		q, err := s.query(conn)
		if err != nil {
			s.ended <- err
			return
		}
		_, _ = conn.Write(frame(answer(q, overTCP)))
	}
}

// query is the next one.
func (s *tlsServer) query(conn net.Conn) ([]byte, error) {
	q, err := readFrame(conn)
	if err == nil {
		s.asked.Add(1)
	}
	return q, err
}

// trusted is what is right about s.
func (s *tlsServer) trusted() *transport.TLS {
	return &transport.TLS{Name: "dns.example", Roots: s.roots}
}

// newClient is one that is run until the test ends.
func newClient(t testing.TB, o transport.Options) *transport.Client {
	c := transport.New(o)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return c
}

// over asks s over TLS.
func (s *tlsServer) over(c *transport.Client, by *transport.TLS, timeout time.Duration, name string) (*transport.Reply, error) {
	q := lookup.Question{Name: lookup.MustName(name), Type: lookup.TypeA, Class: lookup.ClassIN}
	return c.Exchange(context.Background(), transport.Request{Server: s.addr, TLS: by, Question: q, Timeout: timeout, RD: true})
}

const patient = 20 * time.Second

func TestQueriesShareAConnectionOverTLS(t *testing.T) {
	t.Parallel()
	s := serveTLS(t, nil)
	c, by := newClient(t, transport.Options{}), s.trusted()
	for range 3 {
		reply, err := s.over(c, by, patient, "www.example.")
		if err != nil || !reply.TLS || !reply.TCP || reply.Sent != 1 || reply.Answer[0].Name != lookup.MustName("www.example.") {
			t.Fatalf("got %+v, %v", reply, err)
		}
	}
	if n := s.accepted.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestAServerOverTLSMustProveWhoItIs(t *testing.T) {
	t.Parallel()
	s, stranger := serveTLS(t, nil), newAuthority(t)
	pin, other := sha256.Sum256(s.leaf.RawSubjectPublicKeyInfo), [sha256.Size]byte{}
	for title, c := range map[string]struct {
		by   transport.TLS
		want string // of the error
	}{
		"the right name":             {transport.TLS{Name: "dns.example", Roots: s.roots}, ""},
		"its address":                {transport.TLS{Roots: s.roots}, ""},
		"another name":               {transport.TLS{Name: "dns.example.net", Roots: s.roots}, "not dns.example.net"},
		"another authority":          {transport.TLS{Name: "dns.example", Roots: stranger.roots}, "unknown authority"},
		"whom the system trusts":     {transport.TLS{Name: "dns.example"}, "certificate"},
		"its key":                    {transport.TLS{Pins: [][sha256.Size]byte{other, pin}}, ""},
		"another key":                {transport.TLS{Pins: [][sha256.Size]byte{other}}, "public key"},
		"name and key":               {transport.TLS{Name: "dns.example", Roots: s.roots, Pins: [][sha256.Size]byte{pin}}, ""},
		"the right key, wrong name":  {transport.TLS{Name: "dns.example.net", Roots: s.roots, Pins: [][sha256.Size]byte{pin}}, "not dns.example.net"},
		"the right name, wrong key":  {transport.TLS{Name: "dns.example", Roots: s.roots, Pins: [][sha256.Size]byte{other}}, "public key"},
		"anything, if that is right": {transport.TLS{NoVerify: true}, ""},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, transport.Options{})
			for range 2 { // the second time there may be a ticket
				_, err := s.over(client, &c.by, patient, "www.example.")
				e, isError := errors.AsType[*transport.Error](err)
				switch {
				case (err == nil) != (c.want == ""):
					t.Errorf("got %v", err)
				case err != nil && (!strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "over TLS") || !isError || !e.TLS || e.Sent != 1):
					t.Errorf("got %v, want %q in it", err, c.want)
				}
			}
		})
	}
}

// The server reads all queries before it answers the first, and answers the last one
// first.
func TestRepliesOverTLSComeInAnyOrder(t *testing.T) {
	t.Parallel()
	const queries = 30
	s := serveTLS(t, func(s *tlsServer, conn net.Conn, _ int) {
		var all [][]byte
		for range queries {
			q, err := s.query(conn)
			if err != nil {
				return
			}
			all = append(all, q)
		}
		for _, q := range slices.Backward(all) {
			_, _ = conn.Write(frame(answer(q, overTCP)))
		}
		_, err := s.query(conn)
		s.ended <- err
	})
	c, by := newClient(t, transport.Options{}), s.trusted()
	var all sync.WaitGroup
	for i := range queries {
		all.Go(func() {
			name := fmt.Sprintf("n%d.example.", i)
			reply, err := s.over(c, by, patient, name)
			if err != nil || reply.Answer[0].Name != lookup.MustName(name) {
				t.Errorf("%s: got %+v, %v", name, reply, err)
			}
		})
	}
	all.Wait()
}

func TestConnectionsOverTLSAreFew(t *testing.T) {
	t.Parallel()
	const queries = 300
	release := make(chan struct{})
	s := serveTLS(t, func(s *tlsServer, conn net.Conn, _ int) {
		for {
			q, err := s.query(conn)
			if err != nil {
				return
			}
			if s.asked.Load() == queries {
				close(release)
			}
			go func() {
				<-release
				_, _ = conn.Write(frame(answer(q, overTCP)))
			}()
		}
	})
	c, by := newClient(t, transport.Options{}), s.trusted()
	var all sync.WaitGroup
	for i := range queries {
		all.Go(func() {
			name := fmt.Sprintf("n%d.example.", i)
			reply, err := s.over(c, by, patient, name)
			if err != nil || reply.Answer[0].Name != lookup.MustName(name) {
				t.Errorf("%s: got %+v, %v", name, reply, err)
			}
		})
	}
	all.Wait()
	if n := s.accepted.Load(); n != 4 {
		t.Errorf("%d queries on %d connections", queries, n)
	}
}

func TestAConnectionThatTheServerHasClosedIsOpenedAnew(t *testing.T) {
	t.Parallel()
	for title, atOnce := range map[string]bool{"while it was idle": true, "when the next query came": false} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			closed := make(chan struct{})
			s := serveTLS(t, func(s *tlsServer, conn net.Conn, nth int) {
				q, err := s.query(conn)
				if err != nil {
					return
				}
				_, _ = conn.Write(frame(answer(q, overTCP)))
				if nth > 1 {
					s.answer(conn, nth)
					return
				}
				if !atOnce {
					_, _ = s.query(conn)
				}
				_ = conn.Close()
				close(closed)
			})
			c, by := newClient(t, transport.Options{}), s.trusted()
			for i := range 3 {
				if i == 1 && atOnce {
					<-closed
				}
				if _, err := s.over(c, by, patient, "www.example."); err != nil {
					t.Fatalf("%d: %v", i, err)
				}
			}
			if n := s.accepted.Load(); n != 2 {
				t.Errorf("%d connections", n)
			}
		})
	}
}

// A server that always closes is asked once, and not again and again.
func TestAServerThatClosesEveryConnectionIsAnError(t *testing.T) {
	t.Parallel()
	s := serveTLS(t, func(s *tlsServer, conn net.Conn, _ int) { _, _ = s.query(conn) })
	c, by := newClient(t, transport.Options{}), s.trusted()
	_, err := s.over(c, by, patient, "www.example.")
	if e, ok := errors.AsType[*transport.Error](err); !ok || e.Sent > 2 || !strings.Contains(err.Error(), "the connection broke") {
		t.Errorf("got %v", err)
	}
	if n := s.asked.Load(); n > 2 {
		t.Errorf("asked %d times", n)
	}
}

func TestSilenceOverTLSIsATimeoutAndEndsTheConnection(t *testing.T) {
	t.Parallel()
	s := serveTLS(t, func(s *tlsServer, conn net.Conn, nth int) {
		if nth > 1 {
			s.answer(conn, nth)
			return
		}
		for {
			if _, err := s.query(conn); err != nil {
				s.ended <- err
				return
			}
		}
	})
	c, by := newClient(t, transport.Options{}), s.trusted()
	if _, err := s.over(c, by, 100*time.Millisecond, "www.example."); !errors.Is(err, transport.ErrTimeout) {
		t.Fatalf("got %v", err)
	}
	if _, err := s.over(c, by, patient, "www.example."); err != nil {
		t.Fatal(err)
	}
	if err := <-s.ended; err == nil || s.accepted.Load() != 2 {
		t.Errorf("the silent connection: %v; %d connections", err, s.accepted.Load())
	}
}

// One slow question is not the end of a connection on which others are answered.
func TestATimeoutOfOneQueryLeavesTheOthersAlone(t *testing.T) {
	t.Parallel()
	s := serveTLS(t, func(s *tlsServer, conn net.Conn, _ int) {
		for {
			q, err := s.query(conn)
			if err != nil {
				s.ended <- err
				return
			}
			m := new(dns.Msg)
			if err := m.Unpack(q); err == nil && !strings.EqualFold(m.Question[0].Name, "slow.example.") {
				_, _ = conn.Write(frame(answer(q, overTCP)))
			}
		}
	})
	c, by := newClient(t, transport.Options{}), s.trusted()
	slow := make(chan error)
	go func() {
		_, err := s.over(c, by, 200*time.Millisecond, "slow.example.")
		slow <- err
	}()
	for done := false; !done; {
		if _, err := s.over(c, by, patient, "www.example."); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-slow:
			if done = true; !errors.Is(err, transport.ErrTimeout) {
				t.Errorf("got %v", err)
			}
		default:
		}
	}
	if _, err := s.over(c, by, patient, "www.example."); err != nil || s.accepted.Load() != 1 {
		t.Errorf("%v; %d connections", err, s.accepted.Load())
	}
}

func TestAnIdleConnectionOverTLSIsClosed(t *testing.T) {
	t.Parallel()
	s := serveTLS(t, nil)
	c, by := newClient(t, transport.Options{Idle: 10 * time.Millisecond}), s.trusted()
	for i := range 2 {
		if _, err := s.over(c, by, patient, "www.example."); err != nil {
			t.Fatal(err)
		}
		if err := <-s.ended; !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d: the connection ended with %v", i, err)
		}
	}
}

func TestRunClosesConnectionsOverTLS(t *testing.T) {
	t.Parallel()
	s := serveTLS(t, nil)
	c, by := transport.New(transport.Options{}), s.trusted()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- c.Run(ctx) }()
	if _, err := s.over(c, by, patient, "www.example."); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := <-s.ended; err == nil {
		t.Error("the connection goes on")
	}
	if _, err := s.over(c, by, patient, "www.example."); err == nil {
		t.Error("there is a new connection after the end")
	}
}

// RFC 8467 4.1.
func TestQueriesOverTLSArePadded(t *testing.T) {
	t.Parallel()
	sizes := make(chan int, 10)
	s := serveTLS(t, func(s *tlsServer, conn net.Conn, _ int) {
		for {
			q, err := s.query(conn)
			if err != nil {
				return
			}
			sizes <- len(q)
			_, _ = conn.Write(frame(answer(q, overTCP)))
		}
	})
	c, by := newClient(t, transport.Options{}), s.trusted()
	for name, want := range map[string]int{"a.": 128, strings.Repeat("a.", 40): 128, strings.Repeat("a.", 47): 128, strings.Repeat("a.", 48): 128, strings.Repeat("a.", 60): 256} {
		if _, err := s.over(c, by, patient, name); err != nil {
			t.Fatal(err)
		}
		if got := <-sizes; got != want {
			t.Errorf("a name of %d octets: a query of %d, want %d", len(name)+1, got, want)
		}
	}
}
