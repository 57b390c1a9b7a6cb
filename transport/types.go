package transport

import (
	"net/netip"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// Request is one message to one server, as the asker thinks of it. What goes
// into the packet beside it (ID, port, letter case) is the transport's.
type Request struct {
	Server   netip.AddrPort
	Question lookup.Question // DO and CD are the bits to send
	RD       bool
	TCP      bool // do not try UDP first
	TLS      *TLS // ask over TLS and in no other way (RFC 7858); nil: without

	// NoEDNS leaves the OPT out, and with it DO and Subnet, for servers that
	// choke on it.
	NoEDNS bool
	Subnet netip.Prefix // EDNS Client Subnet to send; the zero Prefix sends none

	// Timeout bounds one attempt over one protocol; 0 takes the transport's
	// default. The context bounds the whole exchange.
	Timeout time.Duration
}

// Reply is what a server said: a message that matched its Request in address,
// ID, question and, over UDP, letter case. Nothing in it has been judged beyond
// that.
type Reply struct {
	Rcode      lookup.Rcode
	AA         bool
	TC         bool // still truncated although TCP was tried
	RA         bool
	AD         bool
	Answer     []lookup.RRset
	Authority  []lookup.RRset
	Additional []lookup.RRset
	Misfits    int // RRs of the answer section that were left out, since their rdata does not fit their type

	EDNS   bool         // the reply had an OPT
	EDE    []lookup.EDE // Extended DNS Errors that the server sent
	Subnet bool         // the reply had an EDNS Client Subnet option that echoes the request's

	// Scope is whom the answer is valid for by that option: the address that was
	// sent with SCOPE as its length, which may be longer than the request's
	// (RFC 7871 7.2.1); bits that were not sent are zero in it.
	Scope netip.Prefix

	Cookie  bool          // it had the DNS cookie that was sent (RFC 7873)
	TCP     bool          // it came over TCP in the end
	TLS     bool          // and over TLS
	Suspect bool          // TCP was asked because a UDP reply looked forged
	Sent    int           // messages sent for it, at least 1
	Size    int           // octets of the reply
	RTT     time.Duration // from sending until the reply; over TCP it holds the handshake, too
}
