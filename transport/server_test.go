package transport_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/transport"
)

// server is a name server on a loopback address that says what a test tells it
// to say. Its good answers tell by their address over which protocol they came.
type server struct {
	addr  netip.AddrPort
	asked [2]atomic.Int32 // queries over UDP and over TCP
	from  atomic.Value    // netip.AddrPort of the latest query over UDP
}

const (
	overUDP = "192.0.2.17" // protocol 17
	overTCP = "192.0.2.6"  // protocol 6
)

// An act is what a server does on a query: it sends no packet, one or several.
type act func(query []byte) [][]byte

// serve starts a server on ip. A nil act over UDP is silence, over TCP a good
// answer.
func serve(t testing.TB, ip string, udp, tcp act) *server {
	t.Helper()
	if udp == nil {
		udp = func([]byte) [][]byte { return nil }
	}
	if tcp == nil {
		tcp = func(q []byte) [][]byte { return [][]byte{answer(q, overTCP)} }
	}
	return serveConn(t, ip, func(q []byte, _ netip.AddrPort) [][]byte { return udp(q) }, func(conn net.Conn) {
		query, err := readFrame(conn)
		if err != nil {
			return
		}
		for _, b := range tcp(query) {
			_, _ = conn.Write(frame(b))
		}
	})
}

// serveConn is serve for tests that want to know the client's address or to have
// the connection in their own hands.
func serveConn(t testing.TB, ip string, udp func(query []byte, from netip.AddrPort) [][]byte, tcp func(net.Conn)) *server {
	t.Helper()
	packets, listener := listen(t, ip)
	s := &server{addr: packets.LocalAddr().(*net.UDPAddr).AddrPort()}
	done := make(chan struct{}, 2)
	go func() {
		defer func() { done <- struct{}{} }()
		buf := make([]byte, 65535)
		for {
			n, from, err := packets.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			s.from.Store(from)
			s.asked[0].Add(1)
			for _, b := range udp(buf[:n], from) {
				_, _ = packets.WriteToUDPAddrPort(b, from)
			}
		}
	}()
	go func() {
		defer func() { done <- struct{}{} }()
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.asked[1].Add(1)
			tcp(conn)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = packets.Close()
		_ = listener.Close()
		<-done
		<-done
	})
	return s
}

// listen opens UDP and TCP on the same free port.
func listen(t testing.TB, ip string) (*net.UDPConn, *net.TCPListener) {
	t.Helper()
	for range 20 {
		listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.ParseIP(ip)})
		if err != nil {
			t.Skipf("no %s here: %v", ip, err)
		}
		packets, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(ip), Port: listener.Addr().(*net.TCPAddr).Port})
		if err == nil {
			return packets, listener
		}
		_ = listener.Close()
	}
	t.Fatal("no port that is free for UDP and TCP")
	return nil, nil
}

func readFrame(r io.Reader) ([]byte, error) {
	var size [2]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint16(size[:]))
	_, err := io.ReadFull(r, b)
	return b, err
}

func frame(b []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...)
}

// answer is a good reply to a query, with an address that tells where it comes
// from, after the changes that a test makes to it.
func answer(query []byte, address string, changes ...func(*dns.Msg)) []byte {
	q, r := new(dns.Msg), new(dns.Msg)
	if err := q.Unpack(query); err != nil {
		panic(err)
	}
	r.SetReply(q)
	r.Authoritative, r.Compress = true, true
	r.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: net.ParseIP(address)}}
	if opt := q.IsEdns0(); opt != nil {
		r.SetEdns0(1232, opt.Do())
	}
	for _, change := range changes {
		change(r)
	}
	b, err := r.Pack()
	if err != nil {
		panic(err)
	}
	return b
}

// patch changes octets of a packet.
func patch(b []byte, at int, octets ...byte) []byte {
	copy(b[at:], octets)
	return b
}

// The question of all tests, long enough that its letter case is never all lower.
var question = lookup.Question{Name: lookup.MustName("a-rather-long-name-to-play-with-its-letters.example."), Type: lookup.TypeA, Class: lookup.ClassIN}

// ask asks with time enough for a busy machine, and without cookies.
func ask(t testing.TB, s *server, changes ...func(*transport.Request)) (*transport.Reply, error) {
	t.Helper()
	r := transport.Request{Server: s.addr, Question: question, Timeout: 20 * time.Second}
	for _, change := range changes {
		change(&r)
	}
	return transport.New(transport.Options{NoCookies: true}).Exchange(context.Background(), r)
}

// address is the address in a reply's answer.
func address(t testing.TB, r *transport.Reply) string {
	t.Helper()
	s, ok := lookup.Find(r.Answer, question.Name, lookup.TypeA)
	if !ok {
		t.Fatalf("no address in %+v", r)
	}
	a, ok := netip.AddrFromSlice([]byte(s.Data.First()))
	if !ok {
		t.Fatalf("no address in %+v", r)
	}
	return a.String()
}
