package server

import (
	"context"
	"net"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// readPlain serves a socket packet by packet, with nothing but what every system
// has. It is what there is where messages cannot be had in batches.
func (u *udpSocket) readPlain(work context.Context) error {
	is4 := u.conn.LocalAddr().(*net.UDPAddr).IP.To4() != nil
	if u.wildcard {
		// Where this is not to be had, replies leave from an address of the
		// system's choice.
		if is4 {
			_ = ipv4.NewPacketConn(u.conn).SetControlMessage(ipv4.FlagDst, true)
		} else {
			_ = ipv6.NewPacketConn(u.conn).SetControlMessage(ipv6.FlagDst|ipv6.FlagInterface, true)
		}
	}
	msg, control, reply := make([]byte, maxUDP), make([]byte, 256), make([]byte, 0, maxUDP)
	for {
		n, nc, _, from, err := u.conn.ReadMsgUDPAddrPort(msg, control)
		if ended(err) {
			return nil
		}
		if err != nil {
			u.s.options.Log.Debug("receive", "socket", u.conn.LocalAddr(), "error", err)
			continue // of one packet: an ICMP message, say
		}
		var q query
		q.begin(msg[:n], from, UDP, u.s.options.Now(), u.tally)
		answer, done := u.s.quick(reply[:0], &q)
		if done && answer == nil {
			continue
		}
		back := source(control[:nc], is4)
		if done {
			u.send(answer, back, from)
		} else {
			u.later(work, &q, back)
		}
	}
}

// source is the control message that has a reply leave from the address to which
// the query with this control message came; nil when the system shall choose.
func source(control []byte, is4 bool) []byte {
	if is4 {
		var came ipv4.ControlMessage
		if came.Parse(control) != nil || came.Dst == nil || came.Dst.IsMulticast() {
			return nil
		}
		return (&ipv4.ControlMessage{Src: came.Dst}).Marshal()
	}
	var came ipv6.ControlMessage
	if came.Parse(control) != nil || came.Dst == nil || came.Dst.IsMulticast() {
		return nil
	}
	back := ipv6.ControlMessage{Src: came.Dst}
	if came.Dst.IsLinkLocalUnicast() { // such an address means nothing without its link
		back.IfIndex = came.IfIndex
	}
	return back.Marshal()
}
