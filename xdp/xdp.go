package xdp

import (
	"errors"
	"fmt"
	"net/netip"
)

// MaxReply is the longest reply in octets that leaves through a Queue: with its headers
// it fits into 1280 octets over IPv6, which every link carries (RFC 8200 5), so that the
// DF bit does no harm over IPv4.
const MaxReply = 1232

// ErrUnsupported is why there is nothing of this on another system than Linux.
var ErrUnsupported = errors.New("there is no XDP on this system, expected Linux")

// Mode is how the program hangs on the interface.
type Mode uint8

// The modes.
const (
	Auto    Mode = iota // Native if the driver can, otherwise Generic
	Native              // in the driver
	Generic             // before the network stack, with any driver, and slower
)

// String is the mode in one lower-case word.
func (m Mode) String() string { return [...]string{"auto", "native", "generic"}[m] }

// Options are what Open is told.
type Options struct {
	Interface string // its name
	Mode      Mode
	Queues    int // of the receive queues that the interface has, the first so many; 0: all

	// Listens are what sockets are bound to: addresses and ports, an unspecified address
	// standing for all of its family that the host has. Only queries for these are taken.
	Listens []netip.AddrPort
}

// Answerer has replies for queries. Each Queue has one of its own, and calls it from one
// goroutine.
type Answerer interface {
	// Begin says that queries have come in.
	Begin()
	// Take takes in a query, a DNS message. Its reply is to be appended to dst, which has
	// room for the longest that can be sent. Both are the Answerer's until Answer has
	// returned. When more is false, Answer must be called before there is another.
	Take(dst, query []byte, from, to netip.AddrPort) (more bool)
	// Answer calls reply for each query taken in since it was called before, in their
	// order. A reply is nil when there is none, or when the Answerer sends it itself, now
	// or later.
	Answer(reply func(reply []byte))
}

// Counts is what a Queue has done since it was opened.
type Counts struct {
	Interface string
	Queue     int

	Queries   uint64 // given to the Answerer
	Replies   uint64 // that the Answerer had at once, and that were handed to the driver
	Malformed uint64 // frames that were dropped, because a length or address is not what it should be
	Checksums uint64 // frames that were dropped, because a checksum is wrong
	Full      uint64 // frames that the kernel dropped, because the queue had no place for them
	Unsent    uint64 // replies that were dropped, because the driver had no place for them
}

// problem is an error of one interface.
func problem(name, doing string, err error) error {
	return fmt.Errorf("xdp: %s: %s: %w", name, doing, err)
}
