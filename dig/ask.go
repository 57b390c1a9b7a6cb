package dig

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/miekg/dns"
)

// dialogue is one query: all that is sent, received and printed for it.
type dialogue struct {
	Options
	command *command
	query   *query // changed when it has to be asked in another way
	out     *bufio.Writer
}

// reply is what a server said.
type reply struct {
	*message
	server         server
	tcp            bool
	sent, received time.Time
}

// setupError is why nothing could be sent at all.
type setupError struct{ error }

const noServers = ";; no servers could be reached\n"

// run asks the servers one after the other and returns the exit code. The tries
// are for all of them together: only one is left when the first server has
// failed.
func (d *dialogue) run(ctx context.Context) int {
	if err := d.chooseCookie(); err != nil {
		fmt.Fprintf(d.out, ";; %v\n", err)
		return exitInternal
	}
	q := d.query
	tries := q.tries
	sent := false
	for next := 0; next < len(q.servers); {
		r, err := d.exchange(ctx, q.servers[next])
		switch {
		case ctx.Err() != nil:
			return exitInternal
		case err == nil && d.askAnew(r):
			tries = q.tries
			continue
		case err == nil:
			d.printReply(r)
			return exitOK
		}
		retry := tries > 1
		sent = d.complain(q.servers[next], err, retry || next == len(q.servers)-1)
		if retry {
			tries--
		} else {
			next++
		}
	}
	if sent {
		_, _ = d.out.WriteString(d.command.greeting + noServers)
		d.command.greeting = ""
	}
	return exitNoReply
}

// chooseCookie fills in a random client cookie (RFC 7873 4.1).
func (d *dialogue) chooseCookie() error {
	e := &d.query.edns
	if !e.cookie || len(e.client) > 0 {
		return nil
	}
	e.client = make([]byte, 8)
	_, err := io.ReadFull(d.Rand, e.client)
	return err
}

// askAnew tells whether r calls for asking in another way, and changes the query
// so.
func (d *dialogue) askAnew(r *reply) bool {
	e := &d.query.edns
	switch {
	case r.has(flagTC) && !r.tcp && !d.query.ignore:
		d.comment("Truncated, retrying in TCP mode.")
		d.query.tcp = true
	case r.rcode() == dns.RcodeBadVers && r.opt != nil && e.negotiate && int(r.opt.version) < e.version:
		e.version = int(r.opt.version) // RFC 6891 6.1.3
		d.comment(fmt.Sprintf("BADVERS, retrying with EDNS version %d.", e.version))
	case r.rcode() == dns.RcodeBadCookie && e.badCookie && len(r.cookie()) > 8:
		e.client, e.badCookie = r.cookie(), false // RFC 7873 5.3: once
		d.comment("BADCOOKIE, retrying.")
	default:
		return false
	}
	return true
}

// complain prints why a server gave no reply and tells whether the query was sent
// to it. When it was not, and final says that no other server is next, the line
// about that follows at once.
func (d *dialogue) complain(s server, err error, final bool) (sent bool) {
	setup, ok := errors.AsType[setupError](err)
	if !ok {
		fmt.Fprintf(d.out, ";; communications error to %s: %s\n", d.endpoint(s), reason(err))
		return true
	}
	doing := "UDP setup with"
	if d.query.tcp {
		doing = "Connection to"
	}
	fmt.Fprintf(d.out, ";; %s %s(%s) for %s failed: %s.\n", doing, d.endpoint(s), s.name, d.query.name, reason(setup.error))
	if final {
		_, _ = d.out.WriteString(noServers)
	}
	return false
}

// endpoint is an address and port as BIND writes them: 192.0.2.1#53.
func (d *dialogue) endpoint(s server) string {
	return fmt.Sprintf("%s#%d", s.addr, d.command.port)
}

// exchange sends the query to one server and waits for its reply.
func (d *dialogue) exchange(ctx context.Context, s server) (*reply, error) {
	q := d.query
	ctx, cancel := context.WithTimeout(ctx, q.timeout)
	defer cancel()
	conn, err := d.dial(ctx, s)
	if err != nil {
		return nil, setupError{err}
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()

	var random [2]byte
	if _, err := io.ReadFull(d.Rand, random[:]); err != nil {
		return nil, err
	}
	id := binary.BigEndian.Uint16(random[:])
	octets, err := encode(q, id)
	if err != nil {
		return nil, err
	}
	sent := d.Now()
	if err := send(conn, octets, q.tcp); err != nil {
		return nil, err
	}
	if q.show.sent {
		d.printQuery(decode(octets))
	}
	for {
		octets, err := receive(conn, q.tcp)
		if err != nil {
			return nil, err
		}
		if m := d.accept(octets, id); m != nil {
			return &reply{m, s, q.tcp, sent, d.Now()}, nil
		}
	}
}

// dial opens a socket for one exchange.
func (d *dialogue) dial(ctx context.Context, s server) (net.Conn, error) {
	to, from := netip.AddrPortFrom(s.addr, d.command.port).String(), d.command.source
	var dialer net.Dialer
	if d.query.tcp {
		if from.IsValid() {
			dialer.LocalAddr = net.TCPAddrFromAddrPort(from)
		}
		return dialer.DialContext(ctx, "tcp", to)
	}
	if from.IsValid() {
		dialer.LocalAddr = net.UDPAddrFromAddrPort(from)
	}
	return dialer.DialContext(ctx, "udp", to)
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

// accept takes a message apart that answers the query; nil when it does not.
func (d *dialogue) accept(octets []byte, id uint16) *message {
	if len(octets) < headerLen {
		d.warn("short (< header size) message received")
		return nil
	}
	m := decode(octets)
	if m.id != id {
		d.warn("ID mismatch: expected ID %d, got %d", id, m.id)
		return nil
	}
	if m.err != nil {
		d.warn("Message parser reports malformed message packet.")
	} else if !m.sameQuestion(d.query) {
		for _, got := range m.question {
			fmt.Fprintf(d.out, ";; ;; Question section mismatch: got %s\n", got)
		}
		return nil
	}
	if sent, got := d.query.edns.client, m.cookie(); d.query.edns.cookie && got != nil && verdict(got, sent) == " (bad)" {
		d.warn("Client COOKIE mismatch")
	}
	return m
}

func (d *dialogue) warn(format string, args ...any) {
	fmt.Fprintf(d.out, ";; Warning: "+format+"\n", args...)
}

// comment prints what is being done, for those who want to know.
func (d *dialogue) comment(text string) {
	if d.query.show.comments {
		fmt.Fprintf(d.out, ";; %s\n", text)
	}
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
