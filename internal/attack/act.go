package attack

import (
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/transport"
)

// Message is a query as its server gets it.
type Message struct {
	transport.Request
	Nth int // how many messages the server has had, this one included
}

// Server is how a server behaves. It is called from several goroutines at once.
type Server func(Message) Act

// Act is what a server does about one message. The zero Act is silence.
type Act struct {
	Reply *transport.Reply // nil: nothing comes back; may be shared, and is never changed
	Err   error            // what the network says in its place, such as syscall.ECONNREFUSED
	After time.Duration    // how long it takes until that comes; default RTT, and for ever for silence
	Plain bool             // the reply has no OPT: the server has never heard of EDNS
}

// forever is longer than anybody waits.
const forever = time.Hour

func (a Act) after() time.Duration {
	switch {
	case a.After > 0:
		return a.After
	case a.Reply == nil && a.Err == nil:
		return forever
	}
	return RTT
}

// In is the same act, d after the question was sent.
func (a Act) In(d time.Duration) Act {
	a.After = d
	return a
}

// Silence is no reply at all.
func Silence() Act { return Act{} }

// Say is an authoritative answer.
func Say(sets ...lookup.RRset) Act {
	return Act{Reply: &transport.Reply{AA: true, Answer: sets}}
}

// Refer is a referral to the zone that owns ns.
func Refer(ns lookup.RRset, glue ...lookup.RRset) Act {
	return Act{Reply: &transport.Reply{Authority: []lookup.RRset{ns}, Additional: glue}}
}

// Deny is NXDOMAIN, with the SOA of the zone (RFC 2308 2.1).
func Deny(zone string) Act {
	return Act{Reply: &transport.Reply{Rcode: lookup.NXDOMAIN, AA: true, Authority: []lookup.RRset{SOA(zone)}}}
}

// Lack is NODATA, with the SOA of the zone (RFC 2308 2.2).
func Lack(zone string) Act {
	return Act{Reply: &transport.Reply{AA: true, Authority: []lookup.RRset{SOA(zone)}}}
}

// Fail is nothing but an rcode; NOERROR makes the emptiest of replies.
func Fail(rcode lookup.Rcode) Act { return Act{Reply: &transport.Reply{Rcode: rcode}} }

// Truncate is a reply that fits into nothing, not even TCP.
func Truncate() Act { return Act{Reply: &transport.Reply{TC: true}} }
