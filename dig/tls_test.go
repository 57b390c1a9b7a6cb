package dig

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/pem"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// startTLS is the test server over TLS only, with a certificate for 127.0.0.1
// and example.com that is returned as a file of authorities.
func startTLS(t testing.TB) (s *testServer, authorities string) {
	t.Helper()
	s = startServer(t)
	web := httptest.NewTLSServer(nil)
	t.Cleanup(web.Close)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = listener.Addr().(*net.TCPAddr).AddrPort()
	config := &tls.Config{Certificates: web.TLS.Certificates, NextProtos: []string{"dot"}}
	server := &dns.Server{Listener: tls.NewListener(listener, config), Handler: s, MsgAcceptFunc: acceptAll,
		TsigSecret: map[string]string{"k.example.": testSecret}}
	go func() { _ = server.ActivateAndServe() }()
	t.Cleanup(func() { _ = server.Shutdown() })
	authorities = filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw})
	if err := os.WriteFile(authorities, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return s, authorities
}

func TestTheNameOfATLSServerIsVerifiedWhenThatIsAskedFor(t *testing.T) {
	t.Parallel()
	s, authorities := startTLS(t)
	for args, code := range map[string]int{
		"+tls":            exitOK,
		"+tls +tls-ca=CA": exitOK,
		"+tls +tls-ca=CA +tls-hostname=example.com":   exitOK,
		"+tls +tls-ca=CA +tls-hostname=other.example": exitNoReply,
		"+tls +tls-hostname=other.example":            exitNoReply,
		"+tls +tls-ca":                                exitNoReply,
		"+tls +tls-ca=no-such-file":                   exitUsage,
	} {
		var out, errOut bytes.Buffer
		line := strings.Fields(strings.ReplaceAll(args, "CA", authorities) + " +short a.example")
		if got := Run(context.Background(), s.all(line), &out, &errOut, Options{}); got != code {
			t.Errorf("%s: exit code %d, want %d: %s %s", args, got, code, out.String(), errOut.String())
		}
	}
}
