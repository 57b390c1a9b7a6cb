package health

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// Echo sends an echo request to an address and returns when the reply is there. The error
// is ErrNotPermitted where the operating system does not let us, or that ctx is done.
func Echo(ctx context.Context, addr netip.Addr) error { return sendEcho(ctx, addr.Unmap()) }

// sendEcho sends an echo request to addr and returns when the reply is there. It uses a
// socket that is for nothing else and needs no privilege where the operating system has
// those, else a raw one.
func sendEcho(ctx context.Context, addr netip.Addr) error {
	conn, raw, err := listenEcho(addr.Is4())
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()

	nonce := make([]byte, 16) // others may be pinging, too
	_, _ = rand.Read(nonce)   // never fails
	id := int(binary.BigEndian.Uint16(nonce))
	var kind icmp.Type = ipv4.ICMPTypeEcho
	if !addr.Is4() {
		kind = ipv6.ICMPTypeEchoRequest
	}
	request, err := (&icmp.Message{Type: kind, Body: &icmp.Echo{ID: id, Seq: 1, Data: nonce}}).Marshal(nil)
	if err != nil {
		return err
	}
	var to net.Addr = &net.UDPAddr{IP: addr.AsSlice(), Zone: addr.Zone()}
	if raw {
		to = &net.IPAddr{IP: addr.AsSlice(), Zone: addr.Zone()}
	}
	if _, err := conn.WriteTo(request, to); err != nil {
		return err
	}
	return awaitEcho(ctx, conn, addr, nonce)
}

// listenEcho opens a socket for echo messages.
func listenEcho(four bool) (conn *icmp.PacketConn, raw bool, err error) {
	unprivileged, privileged, all := "udp4", "ip4:icmp", "0.0.0.0"
	if !four {
		unprivileged, privileged, all = "udp6", "ip6:ipv6-icmp", "::"
	}
	if conn, err = icmp.ListenPacket(unprivileged, all); err == nil {
		return conn, false, nil
	}
	if conn, err = icmp.ListenPacket(privileged, all); err == nil {
		return conn, true, nil
	}
	if errors.Is(err, os.ErrPermission) {
		err = ErrNotPermitted
	}
	return nil, false, err
}

// awaitEcho reads until the reply comes that carries nonce.
func awaitEcho(ctx context.Context, conn *icmp.PacketConn, from netip.Addr, nonce []byte) error {
	protocol := 1 // ICMP
	var want icmp.Type = ipv4.ICMPTypeEchoReply
	if !from.Is4() {
		protocol, want = 58, ipv6.ICMPTypeEchoReply
	}
	buffer := make([]byte, 1500)
	for {
		n, _, err := conn.ReadFrom(buffer)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return err
		}
		m, err := icmp.ParseMessage(protocol, buffer[:n])
		if err != nil || m.Type != want {
			continue
		}
		// The nonce is what nobody else can know; the address may be another one of a
		// host with several.
		if e, ok := m.Body.(*icmp.Echo); ok && bytes.Equal(e.Data, nonce) {
			return nil
		}
	}
}
