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
	typeSet, classSet bool // they were typed, too
	servers           []server

	header  dns.MsgHdr // opcode and flags to send; no ID
	edns    edns
	tcp     bool
	tcpSet  bool // +tcp or +notcp was typed
	ignore  bool // a truncated reply is good enough
	timeout time.Duration
	tries   int // messages to one server over one protocol

	show show
}

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
	sent                                    bool // the query, too
	micros                                  bool // times in microseconds
}

// edns is the OPT to send.
type edns struct {
	version   int // -1: no OPT
	size      uint16
	do        bool
	flags     uint16 // those that mean nothing yet
	nsid      bool
	subnet    netip.Prefix // the zero Prefix: none
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
		qtype: dns.TypeA, class: dns.ClassINET,
		header: dns.MsgHdr{RecursionDesired: true, AuthenticatedData: true},
		edns:   edns{size: defaultSize, cookie: true, negotiate: true, badCookie: true},
		show: show{question: true, answer: true, authority: true, additional: true,
			comments: true, stats: true, ttl: true, class: true},
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
	if t == dns.TypeANY && !q.tcpSet {
		q.tcp = true
	}
}

// use sends an OPT, of version 0 when none was sent so far.
func (e *edns) use() { e.version = max(e.version, 0) }

func (s *show) all(on bool) {
	s.question, s.answer, s.authority, s.additional = on, on, on, on
	s.comments, s.stats = on, on
}
