package dig

import (
	"encoding/base64"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/miekg/dns"
)

// startWeb is the test server behind HTTP/2 at /dns-query (RFC 8484 4.1), with
// or without TLS. Other paths do not exist, and /text is no DNS.
func startWeb(t testing.TB, plain bool) *testServer {
	t.Helper()
	s := startServer(t)
	mux := http.NewServeMux()
	mux.HandleFunc("/text", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "text") })
	mux.HandleFunc("/dns-query", s.serveHTTP)
	web := httptest.NewUnstartedServer(mux)
	web.Config.ErrorLog = log.New(io.Discard, "", 0) // BIND ends TLS without a farewell
	web.Config.Protocols = new(http.Protocols)
	if plain {
		web.Config.Protocols.SetUnencryptedHTTP2(true)
		web.Start()
	} else {
		web.Config.Protocols.SetHTTP2(true)
		web.EnableHTTP2 = true
		web.StartTLS()
	}
	t.Cleanup(web.Close)
	s.addr = web.Listener.Addr().(*net.TCPAddr).AddrPort()
	return s
}

func (s *testServer) serveHTTP(w http.ResponseWriter, r *http.Request) {
	octets, err := io.ReadAll(r.Body)
	if r.Method == http.MethodGet {
		octets, err = base64.RawURLEncoding.DecodeString(r.FormValue("dns"))
	}
	q := new(dns.Msg)
	if err != nil || q.Unpack(octets) != nil || r.ProtoMajor != 2 || r.Method == http.MethodPost && r.Header.Get("Content-Type") != mediaType {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", mediaType)
	if q.Question[0].Qtype != dns.TypeAXFR { // of which there is none
		s.ServeDNS(&webWriter{to: w}, q)
	}
}

// webWriter is what the handler answers to, in place of a socket.
type webWriter struct {
	dns.ResponseWriter
	to http.ResponseWriter
}

func (w *webWriter) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (w *webWriter) Write(octets []byte) (int, error) { return w.to.Write(octets) }
