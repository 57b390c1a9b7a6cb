package transport_test

import (
	"context"
	"fmt"
	"net"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/transport"
)

// A server that has nothing to say but that it refuses, and a client that asks it.
func Example() {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	go func() {
		packet := make([]byte, 512)
		n, from, err := conn.ReadFromUDPAddrPort(packet)
		if err != nil {
			return
		}
		packet[2] |= 0x80 // QR
		packet[3] |= 5    // REFUSED
		_, _ = conn.WriteToUDPAddrPort(packet[:n], from)
	}()

	client := transport.New(transport.Options{})
	reply, err := client.Exchange(context.Background(), transport.Request{
		Server:   conn.LocalAddr().(*net.UDPAddr).AddrPort(),
		Question: lookup.Question{Name: lookup.MustName("www.example."), Type: lookup.TypeA, Class: lookup.ClassIN},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(reply.Rcode, "after", reply.Sent, "message")
	// Output: REFUSED after 1 message
}
