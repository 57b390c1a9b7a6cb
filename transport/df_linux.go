package transport

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// dontFragment sets DF on what the socket sends and keeps forged path-MTU
// messages from changing that (RFC 9715 3). Kernels that do not know the option
// are used without it.
func dontFragment(network, _ string, conn syscall.RawConn) error {
	return conn.Control(func(fd uintptr) {
		if network == "udp4" {
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_PROBE)
		} else {
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_PROBE)
		}
	})
}
