package datagram

import (
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// This file is the only one with unsafe in it. What it needs it for is to hand the kernel
// the address of memory for the length of a call: an octet, a Name, a time, or an array of
// message headers. That memory belongs to whoever calls, who refers to it until the call has
// returned; Go moves stacks but no other memory, and a pointer that is converted in the
// call's own arguments keeps what it points to alive and in its place (rule 4 of package
// unsafe). The headers of an array point to more, by ordinary pointers, and so hold it. The
// kernel writes where it receives and reads where it sends, during the call and at no other
// time.
//
// The scheduler is not told of the calls: none of them but Rest waits, and to be told costs its
// watchman a wakeup each time that the process has been idle, which is a twentieth of what a
// cached answer takes. For as long as a call takes, a fifth of a millisecond at most, nobody
// else runs on this processor.

// Message is the struct mmsghdr of recvmmsg(2). The compiler pads it as C does.
type Message struct {
	Header unix.Msghdr
	Length uint32 // octets of what has been received, or sent
}

// ReceiveAll takes as many packets as there are and all has room for, and tells how many.
// It fails with EAGAIN when there are none. all must not be empty.
func ReceiveAll(fd int, all []Message) (int, syscall.Errno) {
	return many(unix.SYS_RECVMMSG, fd, all)
}

// SendAll sends packets and tells how many of them have gone. The error is about the first
// one, EAGAIN when there is no room for it. all must not be empty.
func SendAll(fd int, all []Message) (int, syscall.Errno) {
	return many(unix.SYS_SENDMMSG, fd, all)
}

func many(trap uintptr, fd int, all []Message) (int, syscall.Errno) {
	for {
		n, _, errno := unix.RawSyscall6(trap, uintptr(fd), uintptr(unsafe.Pointer(&all[0])), uintptr(len(all)), 0, 0, 0)
		if errno != unix.EINTR {
			return int(n), errno
		}
	}
}

// Rest waits for so long, and up to 50 µs more (PR_SET_TIMERSLACK of prctl(2)), or until a
// signal comes. Nobody else runs on this processor meanwhile, so it must be short.
func Rest(d time.Duration) {
	t := unix.NsecToTimespec(int64(d))
	_, _, _ = unix.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&t)), 0, 0)
}

// Bind gives the socket an address and a port; port 0 is one of the system's choice.
func Bind(fd int, to *Name) syscall.Errno { return named(unix.SYS_BIND, fd, to) }

// Connect has the socket send to a server and hear nobody else.
func Connect(fd int, to *Name) syscall.Errno { return named(unix.SYS_CONNECT, fd, to) }

// Disconnect has the socket leave its server and, unless Bind has given it that very
// port, its port: it hears nobody then (connect(2), AF_UNSPEC). What it has received
// before can still be read.
func Disconnect(fd int) syscall.Errno { return named(unix.SYS_CONNECT, fd, new(Name)) }

func named(trap uintptr, fd int, at *Name) syscall.Errno {
	for {
		_, _, errno := unix.RawSyscall(trap, uintptr(fd), uintptr(unsafe.Pointer(at)), at.size())
		if errno != unix.EINTR {
			return errno
		}
	}
}

// Send sends a packet to the server that the socket is connected to. It must not be
// empty.
func Send(fd int, packet []byte) syscall.Errno {
	for {
		_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&packet[0])), uintptr(len(packet)), 0, 0, 0)
		if errno != unix.EINTR {
			return errno
		}
	}
}

// Receive takes a packet, cuts what does not fit into buf, and writes into from who has
// sent it. It fails with EAGAIN when there is none. buf must not be empty.
func Receive(fd int, buf []byte, from *Name) (int, syscall.Errno) {
	for {
		size := uint32(len(from))
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), 0,
			uintptr(unsafe.Pointer(from)), uintptr(unsafe.Pointer(&size)))
		if errno != unix.EINTR {
			return int(n), errno
		}
	}
}
