package transport

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"syscall"
	"testing"
)

// loaded dice fall as the numbers say.
func loaded(numbers ...uint16) *dice {
	var b []byte
	for _, n := range numbers {
		b = binary.BigEndian.AppendUint16(b, n)
	}
	return &dice{source: io.MultiReader(bytes.NewReader(append(b, make([]byte, 64-len(b))...)), bytes.NewReader(nil))}
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

	c, server := New(Options{}), netip.MustParseAddrPort("127.0.0.1:53")
	conn, err := c.dialUDP(context.Background(), server, loaded(used, 80, used, unused))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got := port(conn); got != unused {
		t.Errorf("port %d, want %d", got, unused)
	}

	always := make([]uint16, 32)
	for i := range always {
		always[i] = used
	}
	if _, err := c.dialUDP(context.Background(), server, loaded(always...)); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("got %v; it must give up some day", err)
	}
}

func port(conn *net.UDPConn) uint16 { return conn.LocalAddr().(*net.UDPAddr).AddrPort().Port() }
