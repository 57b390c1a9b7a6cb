package transport

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
)

// loaded is a query whose dice fall as the numbers say.
func loaded(numbers ...uint16) *query {
	var b []byte
	for _, n := range numbers {
		b = binary.BigEndian.AppendUint16(b, n)
	}
	return &query{dice: dice{source: io.MultiReader(bytes.NewReader(append(b, make([]byte, 64-len(b))...)), bytes.NewReader(nil))}}
}

// neighbour is a socket on this host, to be asked.
func neighbour(t *testing.T) *net.UDPConn {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestAPortInUseIsPassedOver(t *testing.T) {
	t.Parallel()
	taken, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4zero})
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	free, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4zero})
	if err != nil {
		t.Fatal(err)
	}
	used, unused := port(taken), port(free)
	_ = free.Close()

	server := neighbour(t)
	go func() { // it says who asks
		if _, from, err := server.ReadFromUDPAddrPort(make([]byte, 512)); err == nil {
			_, _ = server.WriteToUDPAddrPort(binary.BigEndian.AppendUint16(nil, from.Port()), from)
		}
	}()

	c, addr := New(Options{}), server.LocalAddr().(*net.UDPAddr).AddrPort()
	conn, err := c.dialUDP(addr, loaded(used, 80, used, unused))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	reply := make([]byte, 512)
	if n, err := conn.receive([]byte("who am I?"), reply); err != nil || n != 2 {
		t.Fatalf("%d octets, %v", n, err)
	}
	if got := binary.BigEndian.Uint16(reply); got != unused {
		t.Errorf("port %d, want %d", got, unused)
	}

	always := make([]uint16, 32)
	for i := range always {
		always[i] = used
	}
	if _, err := c.dialUDP(addr, loaded(always...)); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("got %v; it must give up some day", err)
	}
}

func port(conn *net.UDPConn) uint16 { return conn.LocalAddr().(*net.UDPAddr).AddrPort().Port() }
