package dig

import (
	"bytes"
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/miekg/dns"
)

// counted is a listener that knows how many came.
type counted struct {
	net.Listener
	came atomic.Int32
}

func (c *counted) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err == nil {
		c.came.Add(1)
	}
	return conn, err
}

func TestOneConnectionIsKeptForAllQueries(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]int32{
		"+tcp +keepopen +short a.example x.example mail.example": 1,
		"+tcp +short a.example x.example mail.example":           3,
		// a server that hangs up after its second query: the third gets a connection of its own
		"+tcp +keepopen +short a.example x.example mapped.example": 1,
	} {
		s := startServer(t)
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		c := &counted{Listener: listener}
		server := &dns.Server{Listener: c, Handler: s, MaxTCPQueries: 10}
		if strings.Contains(args, "mapped") {
			server.MaxTCPQueries, want = 2, 2
		}
		go func() { _ = server.ActivateAndServe() }()
		t.Cleanup(func() { _ = server.Shutdown() })
		s.addr = listener.Addr().(*net.TCPAddr).AddrPort()
		var out, errOut bytes.Buffer
		code := Run(context.Background(), s.all(strings.Fields(args)), &out, &errOut, Options{})
		if code != exitOK || c.came.Load() != want || strings.Contains(out.String(), ";") {
			t.Errorf("%s: exit code %d, %d connections, want %d: %s", args, code, c.came.Load(), want, out.String())
		}
	}
}
