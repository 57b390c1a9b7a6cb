package transport

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

func TestTheJarIsBounded(t *testing.T) {
	t.Parallel()
	j := newJar()
	at := func(i int) netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 53)
	}
	for i := range maxCrumbs + 100 {
		j.put(at(i), crumb{proven: true})
		if !j.get(at(i)).proven {
			t.Fatal("what was put in last is not there")
		}
		j.get(at(0)) // is asked all the time
	}
	if !j.get(at(0)).proven {
		t.Error("a server that is asked all the time was forgotten")
	}
	if j.of.Len() != maxCrumbs {
		t.Errorf("%d servers, want %d", j.of.Len(), maxCrumbs)
	}
}

// The address that the cookie belongs to is not this host's any more.
func TestWhoHasMovedBeginsWithANewCookie(t *testing.T) {
	t.Parallel()
	conn := neighbour(t)
	lengths := make(chan int, 1)
	go func() {
		packet := make([]byte, 512)
		n, from, err := conn.ReadFromUDPAddrPort(packet)
		if err != nil {
			return
		}
		packet[2] |= 0x80 // QR
		lengths <- n
		_, _ = conn.WriteToUDPAddrPort(packet[:n], from)
	}()
	server := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	c := New(Options{})
	c.jar.put(server, crumb{cookie: "12345678server's", source: netip.MustParseAddr("192.0.2.1"), proven: true})
	question := lookup.Question{Name: lookup.MustName("example."), Type: lookup.TypeA, Class: lookup.ClassIN}
	if _, err := c.Exchange(context.Background(), Request{Server: server, Question: question, Timeout: 20 * time.Second}); err != nil {
		t.Fatal(err)
	}
	if n, want := <-lengths, 12+len(question.Name)+4+11+4+clientCookie; n != want {
		t.Errorf("a query of %d octets, want %d", n, want)
	}
}
