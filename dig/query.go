package dig

import (
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"
)

// query is one lookup: what is asked, of whom, and how the reply is shown.
type query struct {
	name              string // as it was typed
	qtype, class      uint16
	typeSet, classSet bool   // they were typed, too
	serial            uint32 // that IXFR asks from
	servers           []server

	header  dns.MsgHdr // opcode and flags to send; no ID
	edns    edns
	tcp     bool
	tcpSet  bool // +tcp or +notcp was typed
	ignore  bool // a truncated reply is good enough
	onward  bool // SERVFAIL of one server is not the last word while there is another
	strict  bool // a malformed reply is shown as octets only
	bare    bool // there is no question
	id      int  // to send; -1: a random one
	prefix  bool // what is looked for is the Pref64 (RFC 7050)
	timeout time.Duration
	tries   int // messages to one server over one protocol

	tls  security
	http web
	idn  struct{ in, out bool } // U-labels are read, and printed
	walk walk
	show show
}

// walk is whether a query goes to more servers than were named.
type walk int

const (
	walkNot     walk = iota
	walkTrace        // from the root down
	walkServers      // to all servers of the zone
)

// server is where a query may go.
type server struct {
	addr netip.Addr
	name string // as it was typed
}

// show is what of a reply is printed.
type show struct {
	question, answer, authority, additional bool
	comments, stats                         bool
	ttl, class                              bool
	wanted                                  struct{ comments, question bool } // of a transfer, too
	sent                                    bool                              // the query, too
	micros                                  bool                              // times in microseconds
	identify                                bool                              // who said it, in the short form
	badCookie                               bool                              // BADCOOKIE, too, before it is asked anew
	oneSOA                                  bool                              // of a transfer

	multiline bool // RRs over several lines
	ttlUnits  bool // 1h in place of 3600
	crypto    bool // keys and signatures
	remarks   int  // about keys and timers: 1 yes, -1 no, 0 when multiline
	expanded  bool // AAAA without ::
	unknown   bool // rdata as octets (RFC 3597 5)
}

// edns is the OPT to send.
type edns struct {
	version   int // -1: no OPT
	size      uint16
	do, co    bool
	flags     uint16 // those that mean nothing yet
	nsid      bool
	subnet    netip.Prefix // the zero Prefix: none
	place     string       // where the subnet is, when it is looked up; "": it is not
	cookie    bool
	client    []byte // the whole cookie to send; empty: a random client cookie
	expire    bool
	keepalive bool
	padding   int // octets that the message's size is made a multiple of; 0: no padding
	options   []option
	negotiate bool // BADVERS: take the server's version
	badCookie bool // BADCOOKIE: send the server's cookie
}

const defaultSize = 1232 // DNS Flag Day 2020; what BIND announces

// newQuery is what a query is before any argument.
func newQuery() *query {
	return &query{
		qtype: dns.TypeA, class: dns.ClassINET, id: -1,
		header: dns.MsgHdr{RecursionDesired: true, AuthenticatedData: true},
		edns:   edns{size: defaultSize, cookie: true, negotiate: true, badCookie: true},
		show: show{question: true, answer: true, authority: true, additional: true,
			comments: true, stats: true, ttl: true, class: true, crypto: true},
		timeout: 5 * time.Second, tries: 3,
	}
}

// clone is a copy that can be changed without changing q.
func (q *query) clone() *query {
	c := *q
	c.servers = slices.Clone(q.servers)
	c.edns.options = slices.Clone(q.edns.options)
	return &c
}

// setType takes a type that was typed. ANY goes over TCP unless somebody said
// otherwise (RFC 8482 4.4: servers give more over TCP).
func (q *query) setType(t uint16) {
	q.qtype, q.typeSet = t, true
	switch {
	case t == dns.TypeANY && !q.tcpSet, t == dns.TypeIXFR && !q.tcpSet, t == dns.TypeAXFR: // RFC 5936 4.2
		q.tcp = true
	}
	if q.isTransfer() {
		q.show.comments, q.show.question = q.show.wanted.comments, q.show.wanted.question
	}
}

// protocol is over what it goes.
func (q *query) protocol() string {
	switch {
	case q.http.on():
		return q.http.protocol()
	case q.tls.on:
		return "TLS"
	case q.tcp:
		return "TCP"
	}
	return "UDP"
}

// stream tells whether what carries the messages is TCP.
func (q *query) stream() bool { return q.tcp || q.tls.on || q.http.on() }

// use sends an OPT, of version 0 when none was sent so far.
func (e *edns) use() { e.version = max(e.version, 0) }

func (s *show) all(on bool) {
	s.question, s.answer, s.authority, s.additional = on, on, on, on
	s.comments, s.stats = on, on
	s.wanted.comments, s.wanted.question = on, on
}
