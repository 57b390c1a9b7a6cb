package transport

import (
	"context"
	"crypto/rand"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

func TestSocketsDoNotFragment(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		server             string
		level, name, value int
	}{
		{"127.0.0.1:53", unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_PROBE},
		{"[::1]:53", unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_PROBE},
	} {
		conn, err := New(Options{}).dialUDP(context.Background(), netip.MustParseAddrPort(c.server), &dice{source: rand.Reader})
		if err != nil {
			t.Logf("%s: %v", c.server, err) // a host may have one family only
			continue
		}
		defer conn.Close()
		raw, err := conn.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		if err := raw.Control(func(fd uintptr) {
			if got, err := unix.GetsockoptInt(int(fd), c.level, c.name); err != nil || got != c.value {
				t.Errorf("%s: %d, %v, want %d", c.server, got, err, c.value)
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
}
