package dig

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// dialogue is one query: all that is sent, received and printed for it.
type dialogue struct {
	Options
	command *command
	query   *query // changed when it has to be asked in another way
	out     *bufio.Writer
	kept    *kept
}

// reply is what a server said.
type reply struct {
	*message
	server         server
	tcp            bool
	sent, received time.Time
	forged         error  // why its signature is not valid
	remark         string // what a trace says about it
	printed        bool
}

func (r *reply) rrset(section int, rtype uint16) []rr {
	var set []rr
	for _, rr := range r.sections[section] {
		if rr.rtype == rtype {
			set = append(set, rr)
		}
	}
	return set
}

// connection is a socket with what was sent on it.
type connection struct {
	net.Conn
	stream bool
	id     uint16
	mac    string // of the signature that the next one covers; "" when there is no key
	later  bool   // the next message is not the first
	forged bool   // a signature was not valid
}

// setupError is why nothing could be sent at all.
type setupError struct{ error }

// run does the query and returns the exit code.
func (d *dialogue) run(ctx context.Context) int {
	if err := d.chooseCookie(); err != nil {
		fmt.Fprintf(d.out, ";; %v\n", err)
		return exitInternal
	}
	switch d.query.walk {
	case walkTrace:
		return d.trace(ctx)
	case walkServers:
		return d.searchServers(ctx)
	}
	return d.lookUp(ctx)
}

// lookUp asks for the name, below the origins of the search list first.
func (d *dialogue) lookUp(ctx context.Context) (code int) {
	search, greeting := &d.command.search, d.command.greeting
	names := search.names(d.query.name)
	for i, name := range names {
		var r *reply
		d.query.name = name
		r, code = d.ask(ctx)
		if r == nil {
			return code
		}
		another := r.rcode() == dns.RcodeNameError && i < len(names)-1
		if !r.printed && (!another || search.show) {
			d.printReply(r)
		}
		if !another {
			break
		}
		d.command.greeting = greeting
	}
	return code
}

// ask asks the servers one after the other. There is no reply when the exit code
// is not 0. The tries are for all of them together: only one is left when the
// first server has failed.
func (d *dialogue) ask(ctx context.Context) (*reply, int) {
	q := d.query
	tries := q.tries
	sent := false
	for next := 0; next < len(q.servers); {
		r, err := d.exchange(ctx, q.servers[next])
		switch {
		case ctx.Err() != nil:
			return nil, exitInternal
		case err == nil && r.err != nil && q.strict:
			d.unreadable(r.message)
			return nil, exitOK
		case err == nil && d.askAnew(r):
			tries = q.tries
			continue
		case err == nil && d.goOn(r, next == len(q.servers)-1):
			next++
			continue
		case err == nil:
			return r, exitOK
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
		d.noServers()
	}
	return nil, exitNoReply
}

// goOn tells whether r, a SERVFAIL, is left for what the next server says.
func (d *dialogue) goOn(r *reply, last bool) bool {
	if !d.query.onward || r.rcode() != dns.RcodeServerFailure {
		return false
	}
	text := "Got SERVFAIL reply from " + r.server.name
	if !last {
		text += ", trying next server"
	}
	d.comment(text)
	return !last
}

// noServers says that nobody answered, below the greeting.
func (d *dialogue) noServers() {
	d.failed(d.command.greeting)
	d.command.greeting = ""
}

func (d *dialogue) failed(greeting string) {
	const text = "no servers could be reached"
	switch d.command.form {
	case formYAML:
		fmt.Fprintf(d.out, "%s- type: DIG_ERROR\n  message: |\n    %s\n", greeting, text)
	case formJSON:
		d.printJSON(jsonError{text})
	default:
		fmt.Fprintf(d.out, "%s;; %s\n", greeting, text)
	}
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

// unreadable prints a reply that cannot be read as what it is: its octets.
func (d *dialogue) unreadable(m *message) {
	why := "unexpected end of input"
	switch {
	case errors.Is(m.err, errPointer):
		why = "bad compression pointer"
	case errors.Is(m.err, errName):
		why = "bad label type"
	}
	d.tell(";; Got bad packet: %s\n%s\n%s", why, count(len(m.octets), "byte"), dump(m.octets))
}

// dump is octets in lines of 16, with their characters behind them.
func dump(octets []byte) string {
	var b strings.Builder
	for row := range slices.Chunk(octets, 16) {
		fmt.Fprintf(&b, "%-57s%s\n", fmt.Sprintf("% x", row), lettersAndDigits(row))
	}
	return b.String()
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
		if d.query.show.badCookie {
			d.printReply(r)
		}
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
	switch {
	case d.command.form != formText && ok:
		d.failed("")
		return false
	case d.command.form != formText:
		return true
	case !ok:
		fmt.Fprintf(d.out, ";; communications error to %s: %s\n", d.endpoint(s), reason(err))
		return true
	}
	doing := "UDP setup with"
	if d.query.stream() {
		doing = "Connection to"
	}
	fmt.Fprintf(d.out, ";; %s %s(%s) for %s failed: %s.\n", doing, d.endpoint(s), s.name, d.query.name, reason(setup.error))
	if final {
		d.failed("")
	}
	return false
}

// endpoint is an address and port as BIND writes them: 192.0.2.1#53.
func (d *dialogue) endpoint(s server) string {
	return fmt.Sprintf("%s#%d", s.addr, d.port())
}

// port is that of the servers.
func (d *dialogue) port() uint16 {
	switch {
	case d.command.port != 0:
		return d.command.port
	case d.query.http.plain:
		return 80
	case d.query.http.on():
		return 443
	case d.query.tls.on:
		return 853 // RFC 7858 3.1
	}
	return 53
}

// exchange sends the query to one server and waits for its reply. Transfers are
// printed as they come.
func (d *dialogue) exchange(ctx context.Context, s server) (*reply, error) {
	if d.query.http.on() {
		return d.exchangeHTTP(ctx, s)
	}
	if d.query.stream() {
		if conn := d.kept.take(d.where(s)); conn != nil {
			if r, err := d.converse(ctx, s, conn); err == nil || ctx.Err() != nil {
				return r, err
			} // the server has closed what was idle
		}
	}
	limit, cancel := context.WithTimeout(ctx, d.query.timeout)
	defer cancel()
	conn, err := d.dial(limit, s)
	if err != nil {
		return nil, setupError{err}
	}
	return d.converse(ctx, s, conn)
}

// converse is exchange over a connection, which it closes unless it is kept.
func (d *dialogue) converse(ctx context.Context, s server, conn net.Conn) (_ *reply, err error) {
	q := d.query
	c := &connection{Conn: conn, stream: q.stream()}
	defer func() {
		if err == nil && d.command.keep && c.stream {
			d.kept.give(d.where(s), conn)
		} else {
			_ = c.Close()
		}
	}()
	d.patience(c)
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	defer stop()

	octets, err := d.pack(c)
	if err != nil {
		return nil, err
	}
	sent := d.Now()
	if err := send(c, octets, c.stream); err != nil {
		return nil, err
	}
	if q.show.sent {
		d.printQuery(s, sent, decode(octets))
	}
	m, forged, err := d.next(c)
	if err != nil {
		return nil, err
	}
	r := &reply{message: m, server: s, tcp: c.stream, sent: sent, received: d.Now(), forged: forged}
	if q.isTransfer() && c.stream {
		return d.transfer(ctx, c, r)
	}
	return r, nil
}

// patience begins the time to wait for the next message. The caller has to look
// at its context behind it.
func (d *dialogue) patience(c *connection) { _ = c.SetDeadline(time.Now().Add(d.query.timeout)) }

// pack is the query with its ID, signed if there is a key.
func (d *dialogue) pack(c *connection) (octets []byte, err error) {
	var random [2]byte
	if _, err := io.ReadFull(d.Rand, random[:]); err != nil {
		return nil, err
	}
	c.id = binary.BigEndian.Uint16(random[:])
	switch {
	case d.query.id >= 0:
		c.id = uint16(d.query.id)
	case d.query.http.on():
		c.id = 0 // RFC 8484 4.1: what is asked twice is the same for HTTP's caches
	}
	m := compose(d.query, c.id)
	if d.command.key == nil {
		return m.Pack()
	}
	octets, c.mac, err = d.command.key.sign(m, d.Now())
	return octets, err
}

// next is the next message that answers the query, with what is wrong with its
// signature.
func (d *dialogue) next(c *connection) (m *message, forged, err error) {
	for m == nil {
		octets, err := receive(c, c.stream)
		if err != nil {
			return nil, nil, err
		}
		m = d.accept(octets, c.id)
	}
	return m, d.verify(c, m), nil
}

// verify tells what is wrong with a message's signature; nil when nothing is, and
// when it was said before.
func (d *dialogue) verify(c *connection, m *message) error {
	if d.command.key == nil || c.forged {
		return nil
	}
	if forged := d.command.key.verify(m, c.mac, c.later); forged != nil {
		c.forged = true
		d.tell(";; Couldn't verify signature: %v\n", forged)
		return forged
	}
	r := &rdata{m: m, at: m.tsig.at, end: m.tsig.end}
	c.mac, c.later = hex.EncodeToString(newSignature(r).mac), true
	return nil
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
	if m.err != nil && d.query.strict {
		return m
	}
	if m.err != nil {
		d.warn("Message parser reports malformed message packet.")
	} else if !m.sameQuestion(d.query) {
		for _, got := range m.question {
			d.tell(";; ;; Question section mismatch: got %s\n", got)
		}
		return nil
	}
	if sent, got := d.query.edns.client, m.cookie(); d.query.edns.cookie && got != nil && verdict(got, sent) == " (bad)" {
		d.warn("Client COOKIE mismatch")
	}
	return m
}

func (d *dialogue) warn(format string, args ...any) {
	d.tell(";; Warning: "+format+"\n", args...)
}

// comment prints what is being done, for those who want to know.
func (d *dialogue) comment(text string) {
	if d.query.show.comments {
		d.tell(";; %s\n", text)
	}
}

// tell prints a text that is for people only.
func (d *dialogue) tell(format string, args ...any) {
	if d.command.form == formText {
		fmt.Fprintf(d.out, format, args...)
	}
}
