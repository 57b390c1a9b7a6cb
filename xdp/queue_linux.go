package xdp

import (
	"errors"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// batchSize is how many queries are answered before their replies are sent.
	batchSize = 64

	// patience is how often the kernel is asked to send before queries are looked at
	// again, when it does not get on.
	patience = 4
)

// longAgo is a deadline that makes a wait end at once.
var longAgo = time.Unix(1, 0)

// Queue is one receive queue of an Interface. Serve must be called once at most.
type Queue struct {
	iface  *Interface
	number int

	rings *rings
	file  *os.File // the socket, so that the runtime's poller waits for it
	free  []uint64 // frames that replies can be written into; what was used last is used next

	asked []asked            // queries that the Answerer has, not more than a batch
	next  int                // which of them is replied to next
	reply func(reply []byte) // send, made once because it would be allocated each time
	seen  byte               // of frames; nobody wants it, but reads that nobody wants are not made

	batch  Counts                                                                 // of the batch that is at work
	counts struct{ queries, replies, malformed, checksums, unsent atomic.Uint64 } // of all before
}

// asked is a query with the frame that its reply is written into.
type asked struct {
	datagram
	at uint64
}

// openQueue makes the socket of a queue. Nothing comes in before Serve.
func (i *Interface) openQueue(number int) (*Queue, error) {
	r, err := openRings(i.link.index, number)
	if err != nil {
		return nil, err
	}
	q := &Queue{iface: i, number: number, rings: r, file: os.NewFile(uintptr(r.fd), "xdp:"+i.link.name), asked: make([]asked, 0, batchSize)}
	q.reply = q.send
	for n := range uint64(ringSize) {
		q.free = append(q.free, (2*ringSize-1-n)*frameSize)
	}
	return q, nil
}

// close gives everything back.
func (q *Queue) close() error { return errors.Join(q.file.Close(), q.rings.close()) }

// Stop has Serve return. It may be called at any time, and from any goroutine.
func (q *Queue) Stop() { _ = q.file.SetReadDeadline(longAgo) } // it fails on a closed file only

// Serve takes queries from the queue and has them answered until Stop is called, which
// makes the error nil. Then the kernel has the queue again, and what was in it has been
// answered.
func (q *Queue) Serve(a Answerer) error {
	raw, err := q.file.SyscallConn()
	if err != nil {
		return err
	}
	if err := q.iface.program.sockets.Put(uint32(q.number), uint32(q.rings.fd)); err != nil {
		return problem(q.iface.link.name, "take a queue", err)
	}
	for {
		if err = q.wait(raw); err != nil {
			break
		}
		q.serve(a)
	}
	// Without a socket in its map the program passes queries on.
	_ = q.iface.program.sockets.Delete(uint32(q.number)) // it is gone when the interface is
	for q.rings.rx.available() > 0 {
		q.serve(a)
	}
	q.flush()
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, os.ErrClosed) {
		return nil
	}
	return problem(q.iface.link.name, "receive", err)
}

// wait returns when there is something in the queue.
func (q *Queue) wait(raw syscall.RawConn) error {
	// Replies that the kernel would not take have to go before we sleep.
	for q.rings.rx.available() == 0 && q.rings.tx.pending() > 0 && q.rings.tx.sleeps() {
		q.flush()
		if q.rings.tx.pending() > 0 && q.rings.tx.sleeps() {
			if _, err := unix.Poll([]unix.PollFd{{Fd: int32(q.rings.fd), Events: unix.POLLIN}}, 1); err != nil && err != unix.EINTR {
				return os.NewSyscallError("poll", err)
			}
		}
	}
	return raw.Read(func(uintptr) bool { return q.rings.rx.available() > 0 })
}

// serve has a batch of queries answered.
func (q *Queue) serve(a Answerer) {
	r := q.rings
	q.batch = Counts{}
	a.Begin()
	n := min(r.rx.available(), batchSize)
	q.seen += r.warm(n)
	for range n {
		addr, length := r.rx.received()
		if !q.take(a, r.memory[addr:addr+uint64(length)]) {
			q.answer(a)
		}
		// The address is where the frame's content begins, which is not where the frame does.
		r.fill.offer(addr &^ (frameSize - 1))
	}
	q.answer(a)
	r.rx.release()
	r.fill.publish()
	if r.fill.sleeps() { // a driver that has run out of frames
		_, _ = unix.Poll([]unix.PollFd{{Fd: int32(r.fd), Events: unix.POLLIN}}, 0)
	}
	q.flush()
	q.count()
}

// take gives a query to the Answerer. When more is false, there must be none before it has
// answered.
func (q *Queue) take(a Answerer, frame []byte) (more bool) {
	q.asked = q.asked[:len(q.asked)+1]
	t := &q.asked[len(q.asked)-1]
	switch t.read(frame) {
	case malformed:
		q.batch.Malformed++
	case badChecksum:
		q.batch.Checksums++
	default:
		q.batch.Queries++
		if at, ok := q.frame(); ok {
			t.at = at
			begin := at + uint64(t.headers)
			return a.Take(q.rings.memory[begin:begin:begin+MaxReply], t.message, t.from, t.to)
		}
		q.batch.Unsent++ // it is as if the query had been lost
	}
	q.asked = q.asked[:len(q.asked)-1]
	return true
}

// frame takes a frame for a reply, if there is one.
func (q *Queue) frame() (at uint64, ok bool) {
	if len(q.free) == 0 {
		q.reclaim()
	}
	if len(q.free) == 0 {
		return 0, false
	}
	at = q.free[len(q.free)-1]
	q.free = q.free[:len(q.free)-1]
	return at, true
}

// answer has the queries answered that the Answerer has.
func (q *Queue) answer(a Answerer) {
	q.next = 0
	a.Answer(q.reply)
	q.asked = q.asked[:0]
}

// send puts the reply to the next query among those that are to be sent, if there is one.
func (q *Queue) send(reply []byte) {
	t := &q.asked[q.next]
	q.next++
	if len(reply) > MaxReply {
		q.batch.Unsent++
		reply = nil
	}
	if reply == nil {
		q.free = append(q.free, t.at)
		return
	}
	end := t.at + uint64(t.headers+len(reply))
	t.datagram.reply(q.rings.memory[t.at:end])
	q.rings.tx.send(t.at, int(end-t.at))
	q.batch.Replies++
}

// flush has the kernel send what there is. If it does not get on, the rest waits.
func (q *Queue) flush() {
	tx := &q.rings.tx
	tx.publish()
	for idle := 0; idle < patience && tx.sleeps(); {
		before := tx.pending()
		if before == 0 {
			break
		}
		q.rings.wake()
		q.reclaim()
		if tx.pending() == before {
			idle++
		}
	}
	q.reclaim()
}

// reclaim takes back the frames that have been sent.
func (q *Queue) reclaim() {
	c := &q.rings.completion
	n := c.available()
	for range n {
		q.free = append(q.free, c.addr()&^(frameSize-1))
	}
	if n > 0 {
		c.release()
	}
}

// count adds up what a batch was.
func (q *Queue) count() {
	for _, each := range []struct {
		total *atomic.Uint64
		n     uint64
	}{
		{&q.counts.queries, q.batch.Queries},
		{&q.counts.replies, q.batch.Replies},
		{&q.counts.malformed, q.batch.Malformed},
		{&q.counts.checksums, q.batch.Checksums},
		{&q.counts.unsent, q.batch.Unsent},
	} {
		if each.n > 0 {
			each.total.Add(each.n)
		}
	}
}

// counted is what the queue has done.
func (q *Queue) counted() Counts {
	c := Counts{
		Interface: q.iface.link.name, Queue: q.number,
		Queries: q.counts.queries.Load(), Replies: q.counts.replies.Load(),
		Malformed: q.counts.malformed.Load(), Checksums: q.counts.checksums.Load(), Unsent: q.counts.unsent.Load(),
	}
	c.Full, _ = q.rings.lost() // it fails on a closed socket only
	return c
}
