package server

import (
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sextant-dns/sextant/datagram"
)

const (
	batchSize = 64
	// controlSize holds a cmsghdr with an in_pktinfo or an in6_pktinfo.
	controlSize = 64

	// Where a reader has found so many batches waiting, one after the other, and then none,
	// it waits for so long before it goes to sleep (ADR 0021). The kernel makes up to 50 µs
	// more of it.
	inARow = 2
	lull   = 5 * time.Microsecond
)

// batch is the memory of one reader: queries as they came, with their senders
// and the addresses that they came to, and the replies. All of it is made once, and the
// headers that the kernel is shown hold the rest by ordinary pointers. Sockets do not
// block (package net sees to that): when there is nothing to do, the runtime's poller
// waits, as for any other socket. A batch is not safe for concurrent use.
type batch struct {
	raw      syscall.RawConn
	outlet   int // which replies leave by
	is4      bool
	wildcard bool
	size     int // room for each reply

	received int
	in       [batchSize]datagram.Message
	inVec    [batchSize]unix.Iovec
	names    [batchSize]datagram.Name
	controls [batchSize][controlSize]byte
	messages []byte // maxUDP octets for each

	out    [batchSize]datagram.Message
	outVec [batchSize]unix.Iovec
	rooms  []byte // size octets for each
	queued int    // how many of out are to be sent
	sent   int    // how many of them have been
	back   bool   // they have to leave by the socket that they came to

	row  int                 // batches since the reader has waited for one
	may  func() bool         // nobody else waits for this processor; nil: somebody might
	rest func(time.Duration) // datagram.Rest

	// The calls, made once because they would be allocated each time, and where
	// they leave their results: how many messages, or what went wrong.
	recvmmsg, sendmmsg func(fd uintptr) (done bool)
	count              int
	errno              syscall.Errno
}

// newBatch makes a batch for the socket and its outlet, with replies of at most size octets.
func newBatch(conn *net.UDPConn, outlet, size int) (*batch, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	at := conn.LocalAddr().(*net.UDPAddr).IP
	b := &batch{
		raw:      raw,
		outlet:   outlet,
		is4:      at.To4() != nil,
		wildcard: at.IsUnspecified(),
		size:     size,
		messages: make([]byte, batchSize*maxUDP),
		rooms:    make([]byte, batchSize*size),
		rest:     datagram.Rest,
	}
	for i := range batchSize {
		b.inVec[i].Base = &b.messages[i*maxUDP]
		b.inVec[i].SetLen(maxUDP)
		h := &b.in[i].Header
		h.Iov, h.Name, h.Control = &b.inVec[i], &b.names[i][0], &b.controls[i][0]
		h.SetIovlen(1)
		b.clear(i)
		b.out[i].Header.Iov = &b.outVec[i]
		b.out[i].Header.SetIovlen(1)
	}
	b.recvmmsg = func(fd uintptr) bool {
		b.count, b.errno = datagram.ReceiveAll(int(fd), b.in[:])
		if b.errno == unix.EAGAIN && b.row >= inARow && b.may != nil && b.may() {
			b.row = 0
			b.rest(lull)
			b.count, b.errno = datagram.ReceiveAll(int(fd), b.in[:])
		}
		if b.row++; b.errno == unix.EAGAIN {
			b.row = 0
		}
		return b.errno != unix.EAGAIN
	}
	b.sendmmsg = func(fd uintptr) bool {
		b.count, b.errno = datagram.SendAll(int(fd), b.out[b.sent:b.queued])
		return b.errno != unix.EAGAIN
	}
	return b, nil
}

// clear readies the header of message i for the next call: the kernel has left
// in it how much of the memory it used.
func (b *batch) clear(i int) {
	h := &b.in[i].Header
	h.Namelen = uint32(len(b.names[i]))
	h.SetControllen(controlSize)
	h.Flags = 0
}

// receive waits for messages and takes as many as there are, at most batchSize.
// What a former call gave is gone.
func (b *batch) receive() (n int, err error) {
	for i := range b.received {
		b.clear(i)
	}
	b.queued, b.received, b.back = 0, 0, false
	if err := b.raw.Read(b.recvmmsg); err != nil {
		return 0, err
	}
	if b.errno != 0 {
		return 0, os.NewSyscallError("recvmmsg", b.errno)
	}
	b.received = b.count
	return b.received, nil
}

// message is message i, in memory of the batch. One that is longer than maxUDP
// is cut.
func (b *batch) message(i int) []byte {
	return b.messages[i*maxUDP : i*maxUDP+int(b.in[i].Length)]
}

// from is who sent message i.
func (b *batch) from(i int) netip.AddrPort { return b.names[i].AddrPort() }

// room is memory for the reply to message i.
func (b *batch) room(i int) []byte { return b.rooms[i*b.size : i*b.size : (i+1)*b.size] }

// reply has msg sent to the sender of message i, by the next call to send.
func (b *batch) reply(i int, msg []byte) {
	b.outVec[b.queued].Base = &msg[0]
	b.outVec[b.queued].SetLen(len(msg))
	h := &b.out[b.queued].Header
	h.Name, h.Namelen = b.in[i].Header.Name, b.in[i].Header.Namelen
	h.Control = nil
	control := b.control(i)
	h.SetControllen(len(control))
	if len(control) > 0 {
		h.Control = &control[0]
	} else if b.wildcard {
		b.back = true // the outlet has become one of a single address, when it was connected
	}
	b.queued++
}

// control is the control message that has a reply leave from the address to
// which message i came; nil when the system shall choose. It is the one that came
// with the message, less the interface: the way back may be another.
func (b *batch) control(i int) []byte {
	h := &b.in[i].Header
	n, data := int(h.Controllen), unix.CmsgLen(0)
	control := b.controls[i][:]
	if n < data || h.Flags&unix.MSG_CTRUNC != 0 {
		return nil
	}
	if b.is4 { // struct in_pktinfo: interface, our address, the address in the header
		if n < unix.CmsgLen(unix.SizeofInet4Pktinfo) {
			return nil
		}
		clear(control[data : data+4])
		return control[:n]
	}
	if n < unix.CmsgLen(unix.SizeofInet6Pktinfo) { // struct in6_pktinfo: address, interface
		return nil
	}
	switch addr := netip.AddrFrom16([16]byte(control[data:])); {
	case addr.IsMulticast():
		return nil
	case !addr.IsLinkLocalUnicast(): // which means nothing without its link
		clear(control[data+16 : data+20])
	}
	return control[:n]
}

// send sends the replies and tells how many the system refused.
func (b *batch) send() (refused int) {
	for b.sent = 0; b.sent < b.queued; {
		if b.outlet == none || b.back || !b.sendmmsg(uintptr(b.outlet)) { // or it has no room
			if err := b.raw.Write(b.sendmmsg); err != nil { // the socket was closed
				return refused + b.queued - b.sent
			}
		}
		if b.errno != 0 { // it is the first of them that was refused
			refused++
			b.count = 1
		}
		b.sent += b.count
	}
	return refused
}
