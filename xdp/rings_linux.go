package xdp

import (
	"errors"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// This file is the only one of the package with unsafe in it. What it needs it for: to
// tell the kernel where the frames are, to read the two structs that the kernel fills in,
// and to look at the rings, which are memory of the kernel that mmap(2) puts into ours, as
// at numbers of 32 bits and descriptors. That memory is no part of Go's heap: nothing
// moves it, the garbage collector does not know it, and it is there from openRings until
// close, which must be called after its last use. An offset that the kernel gives is
// checked against the mapping once, in slot; what is in a ring later, an address of a
// frame, is only ever used as an index of a slice, which Go checks.
//
// A ring has one writer and one reader, of which one is the kernel (if_xdp.h). Whoever
// writes puts down what it has and then moves the producer; whoever reads moves the
// consumer when it is done. Package atomic orders that as the kernel does.

const (
	frameSize            = 2048
	bindTries, bindPause = 40, 25 * time.Millisecond

	ringSize = 2048 // places of each ring, and frames to receive into; as many to send from
)

// ring is one of the four rings, seen from our side. It is not safe for concurrent use.
type ring struct {
	memory             []byte // the mapping
	producer, consumer *uint32
	flags              *uint32
	addrs              []uint64       // of fill and completion
	descs              []unix.XDPDesc // of rx and tx
	at                 uint32         // where we are: of the one of producer and consumer that is ours
}

// rings are a queue's AF_XDP socket with its frames. The first half of them is for what
// comes in, the second for what goes out.
type rings struct {
	fd                       int
	memory                   []byte // the frames
	fill, completion, rx, tx ring
}

// openRings makes a socket for a queue of the interface.
func openRings(index, queue int) (*rings, error) {
	fd, err := unix.Socket(unix.AF_XDP, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	r := &rings{fd: fd}
	if err := r.open(index, queue); err != nil {
		return nil, errors.Join(err, r.close(), unix.Close(fd))
	}
	return r, nil
}

func (r *rings) open(index, queue int) (err error) {
	if r.memory, err = unix.Mmap(-1, 0, 2*ringSize*frameSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_POPULATE); err != nil {
		return os.NewSyscallError("mmap", err)
	}
	reg := unix.XDPUmemReg{Addr: uint64(uintptr(unsafe.Pointer(&r.memory[0]))), Len: uint64(len(r.memory)), Size: frameSize}
	if _, _, errno := unix.Syscall6(unix.SYS_SETSOCKOPT, uintptr(r.fd), unix.SOL_XDP, unix.XDP_UMEM_REG, uintptr(unsafe.Pointer(&reg)), unsafe.Sizeof(reg), 0); errno != 0 {
		return os.NewSyscallError("setsockopt XDP_UMEM_REG", errno)
	}
	for _, option := range []int{unix.XDP_UMEM_FILL_RING, unix.XDP_UMEM_COMPLETION_RING, unix.XDP_RX_RING, unix.XDP_TX_RING} {
		if err := unix.SetsockoptInt(r.fd, unix.SOL_XDP, option, ringSize); err != nil {
			return os.NewSyscallError("setsockopt, of a ring", err)
		}
	}
	// Old kernels send 32 frames with each call and do not let us choose.
	_ = unix.SetsockoptInt(r.fd, unix.SOL_XDP, unix.XDP_MAX_TX_SKB_BUDGET, batchSize)
	// Where frames are copied, those under way count as what a socket may have in its send buffer.
	_ = unix.SetsockoptInt(r.fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, 16<<20)

	var offsets unix.XDPMmapOffsets
	if err := r.get(unix.XDP_MMAP_OFFSETS, unsafe.Pointer(&offsets), unsafe.Sizeof(offsets)); err != nil {
		return err
	}
	for _, each := range []struct {
		ring *ring
		page int64
		at   unix.XDPRingOffset
		desc bool
	}{
		{&r.fill, unix.XDP_UMEM_PGOFF_FILL_RING, offsets.Fr, false},
		{&r.completion, unix.XDP_UMEM_PGOFF_COMPLETION_RING, offsets.Cr, false},
		{&r.rx, unix.XDP_PGOFF_RX_RING, offsets.Rx, true},
		{&r.tx, unix.XDP_PGOFF_TX_RING, offsets.Tx, true},
	} {
		if err := each.ring.open(r.fd, each.page, each.at, each.desc); err != nil {
			return err
		}
	}
	for i := range uint64(ringSize) {
		r.fill.offer(i * frameSize)
	}
	r.fill.publish()
	return os.NewSyscallError("bind", r.bind(index, queue))
}

// bind takes the queue. The kernel gives back one that a process before us had some time
// after that has ended, so whoever is started anew has to be patient.
func (r *rings) bind(index, queue int) (err error) {
	for range bindTries {
		err = unix.Bind(r.fd, &unix.SockaddrXDP{Flags: unix.XDP_USE_NEED_WAKEUP, Ifindex: uint32(index), QueueID: uint32(queue)})
		if err != unix.EBUSY {
			break
		}
		time.Sleep(bindPause)
	}
	return err
}

// wake has the kernel send what is in the ring tx, or as much as it sends with one call.
// The call does not wait for anything, and the runtime is not told of it: it would take
// the processor away from us and give it back each time, as sending takes longer than
// the system calls that it bears with. What is wrong with a frame or the interface shows
// in nothing but an error here, and nothing can be done about it; EAGAIN is also what the
// kernel says when there is more than it sends with one call.
func (r *rings) wake() {
	_, _, _ = unix.RawSyscall6(unix.SYS_SENDTO, uintptr(r.fd), 0, 0, unix.MSG_DONTWAIT, 0, 0)
}

// get reads a struct of size octets that the kernel has of the socket.
func (r *rings) get(option uintptr, into unsafe.Pointer, size uintptr) error {
	length := uint32(size)
	if _, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(r.fd), unix.SOL_XDP, option, uintptr(into), uintptr(unsafe.Pointer(&length)), 0); errno != 0 {
		return os.NewSyscallError("getsockopt", errno)
	}
	return nil
}

// warm reads where the next frames that have come in begin, and what follows there, so that
// the processor fetches that of all of them at once: another one has written them.
func (r *rings) warm(frames uint32) (sum byte) {
	const line = 64
	for i := range frames {
		at := r.rx.descs[(r.rx.at+i)%ringSize].Addr
		sum += r.memory[at] + r.memory[at+line]
	}
	return sum
}

// lost is how many frames the kernel could not put into the queue.
func (r *rings) lost() (uint64, error) {
	var s unix.XDPStatistics
	err := r.get(unix.XDP_STATISTICS, unsafe.Pointer(&s), unsafe.Sizeof(s))
	return s.Rx_dropped + s.Rx_ring_full, err // no frame to fill is counted as dropped, too
}

// close gives back all memory, but not the socket.
func (r *rings) close() error {
	var err error
	for _, memory := range [][]byte{r.fill.memory, r.completion.memory, r.rx.memory, r.tx.memory, r.memory} {
		if memory != nil {
			err = errors.Join(err, unix.Munmap(memory))
		}
	}
	*r = rings{fd: -1}
	return err
}

// open maps the ring into our memory.
func (g *ring) open(fd int, page int64, at unix.XDPRingOffset, desc bool) (err error) {
	size := unsafe.Sizeof(uint64(0))
	if desc {
		size = unsafe.Sizeof(unix.XDPDesc{})
	}
	end := at.Desc + ringSize*uint64(size)
	if g.memory, err = unix.Mmap(fd, page, int(end), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE); err != nil {
		return os.NewSyscallError("mmap, of a ring", err)
	}
	g.producer, g.consumer, g.flags = g.number(at.Producer), g.number(at.Consumer), g.number(at.Flags)
	first := unsafe.Pointer(&g.memory[at.Desc])
	if desc {
		g.descs = unsafe.Slice((*unix.XDPDesc)(first), ringSize)
	} else {
		g.addrs = unsafe.Slice((*uint64)(first), ringSize)
	}
	return nil
}

// number is the one that stands there in the mapping.
func (g *ring) number(offset uint64) *uint32 {
	return (*uint32)(unsafe.Pointer(&g.memory[offset : offset+4][0]))
}

// The side that writes: fill and tx.

// offer puts an address into the ring, which must have room; publish lets it be seen.
func (g *ring) offer(addr uint64) {
	g.addrs[g.at%ringSize] = addr
	g.at++
}

// send puts a frame into the ring, which must have room.
func (g *ring) send(addr uint64, length int) {
	g.descs[g.at%ringSize] = unix.XDPDesc{Addr: addr, Len: uint32(length)}
	g.at++
}

// publish lets the kernel see what was put into the ring.
func (g *ring) publish() { atomic.StoreUint32(g.producer, g.at) }

// pending is how much of it the kernel has not taken yet.
func (g *ring) pending() uint32 { return g.at - atomic.LoadUint32(g.consumer) }

// sleeps tells whether the kernel waits for a system call before it looks.
func (g *ring) sleeps() bool { return atomic.LoadUint32(g.flags)&unix.XDP_RING_NEED_WAKEUP != 0 }

// The side that reads: completion and rx.

// available is how many there are.
func (g *ring) available() uint32 { return atomic.LoadUint32(g.producer) - g.at }

// addr is what comes next.
func (g *ring) addr() uint64 {
	a := g.addrs[g.at%ringSize]
	g.at++
	return a
}

// received is the frame that comes next.
func (g *ring) received() (addr uint64, length uint32) {
	d := &g.descs[g.at%ringSize]
	g.at++
	return d.Addr, d.Len
}

// release gives their places to the kernel.
func (g *ring) release() { atomic.StoreUint32(g.consumer, g.at) }
