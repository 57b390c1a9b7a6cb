//go:build !linux

package server

import (
	"context"
	"net"
	"net/netip"
	"syscall"
)

// readers is how many sockets are opened for an address: systems differ in what
// happens to several on one port.
func readers(int) int { return 1 }

func prepare(syscall.RawConn, netip.Addr) error { return nil }

func (u *udpSocket) read(work context.Context) error { return u.readPlain(work) }

// none is the outlet of a socket that has none.
const none = -1

// openOutlet is for systems where it gains something.
func openOutlet(*net.UDPConn) int { return none }

func closeOutlet(int) {}
