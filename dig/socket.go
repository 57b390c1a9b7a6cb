package dig

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
)

// socket is where a server listens.
func (d *dialogue) socket(s server) string { return netip.AddrPortFrom(s.addr, d.port()).String() }

// dialer sends from where -b says.
func (d *dialogue) dialer(network string) *net.Dialer {
	from := d.command.source
	switch {
	case !from.IsValid():
		return &net.Dialer{}
	case network == "tcp":
		return &net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(from)}
	}
	return &net.Dialer{LocalAddr: net.UDPAddrFromAddrPort(from)}
}

// dial opens a socket for messages.
func (d *dialogue) dial(ctx context.Context, s server) (net.Conn, error) {
	switch {
	case d.query.tls.on:
		return d.query.tls.dial(ctx, d.dialer("tcp"), d.socket(s), s)
	case d.query.stream():
		return d.dialer("tcp").DialContext(ctx, "tcp", d.socket(s))
	}
	return d.dialer("udp").DialContext(ctx, "udp", d.socket(s))
}

// send writes one message, with its length before it over TCP (RFC 1035 4.2.2).
func send(conn net.Conn, octets []byte, tcp bool) error {
	if tcp {
		octets = append(binary.BigEndian.AppendUint16(nil, uint16(len(octets))), octets...)
	}
	_, err := conn.Write(octets)
	return err
}

// receive reads one message.
func receive(conn net.Conn, tcp bool) ([]byte, error) {
	if !tcp {
		octets := make([]byte, 65535)
		n, err := conn.Read(octets)
		return octets[:n], err
	}
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return nil, err
	}
	octets := make([]byte, binary.BigEndian.Uint16(length[:]))
	_, err := io.ReadFull(conn, octets)
	return octets, err
}

// reason is an error of the network in BIND's words.
func reason(err error) string {
	for _, known := range []struct {
		err  error
		text string
	}{
		{os.ErrDeadlineExceeded, "timed out"},
		{context.DeadlineExceeded, "timed out"},
		{io.EOF, "end of file"},
		{io.ErrUnexpectedEOF, "end of file"},
		{syscall.ECONNREFUSED, "connection refused"},
		{syscall.ECONNRESET, "connection reset"},
		{syscall.ENETUNREACH, "network unreachable"},
		{syscall.EHOSTUNREACH, "host unreachable"},
		{syscall.EADDRNOTAVAIL, "address not available"},
	} {
		if errors.Is(err, known.err) {
			return known.text
		}
	}
	return err.Error()
}
