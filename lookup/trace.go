package lookup

import (
	"net/netip"
	"sync"
	"time"
)

// maxEvents bounds what one Trace holds, whatever a query causes.
const maxEvents = 1000

// Trace records what is done for one query, for somebody who wants to know why it
// came out as it did. The nil *Trace is that of nearly all queries: nobody is
// curious, nothing is recorded, nothing is allocated. Its methods are safe for
// concurrent use, on nil, too.
//
// A Trace is a place in a recording: what [Trace.Deeper] and [Trace.Begin]
// return records into the same, one level deeper.
type Trace struct {
	recording *recording
	span      int
}

// recording is what all Traces of one query share.
type recording struct {
	now   func() time.Time
	start time.Time

	mu     sync.Mutex
	events []Event
	lost   int
	spans  []span
}

// span is a piece of work that was needed for another one.
type span struct {
	within int // the span that needed it
	after  int // its event after which this one began; -1: before all of them
	depth  int
	last   int // its own latest event; -1: none
}

// NewTrace begins a recording; now tells the time, nil is time.Now.
func NewTrace(now func() time.Time) *Trace {
	if now == nil {
		now = time.Now
	}
	return &Trace{recording: &recording{now: now, start: now(), spans: []span{{after: -1, last: -1}}}}
}

// Add records e, with its At and Depth set here. After 1000 events, further ones
// are only counted.
func (t *Trace) Add(e Event) {
	if t != nil {
		t.recording.add(t.span, &e)
	}
}

func (r *recording) add(span int, e *Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.note(span, e)
}

func (r *recording) note(span int, e *Event) {
	if len(r.events) == maxEvents {
		r.lost++
		return
	}
	e.At, e.Depth, e.span = r.now().Sub(r.start), r.spans[span].depth, span
	r.spans[span].last = len(r.events)
	r.events = append(r.events, *e)
}

// Elapsed is how long ago the recording began.
func (t *Trace) Elapsed() time.Duration {
	if t == nil {
		return 0
	}
	return t.recording.now().Sub(t.recording.start)
}

// Deeper is a Trace for work that is done for the sake of what t has recorded last.
func (t *Trace) Deeper() *Trace {
	if t == nil {
		return nil
	}
	t.recording.mu.Lock()
	defer t.recording.mu.Unlock()
	return t.deeper()
}

// Begin records e and returns a Trace for the work that begins with it. Where such
// work is done by several at the same time, it tells them apart better than Add
// and Deeper.
func (t *Trace) Begin(e Event) *Trace {
	if t == nil {
		return nil
	}
	return t.begin(&e)
}

func (t *Trace) begin(e *Event) *Trace {
	t.recording.mu.Lock()
	defer t.recording.mu.Unlock()
	t.recording.note(t.span, e)
	return t.deeper()
}

// deeper needs the lock of the recording.
func (t *Trace) deeper() *Trace {
	r := t.recording
	if len(r.spans) == maxEvents {
		return t
	}
	above := r.spans[t.span]
	r.spans = append(r.spans, span{within: t.span, after: above.last, depth: above.depth + 1, last: -1})
	return &Trace{recording: r, span: len(r.spans) - 1}
}

// Events is what has been recorded until now, and how many events were not for
// want of room. Deeper work stands behind the event after which it began, also
// when other work went on at the same time; apart from that the order is that of
// time.
func (t *Trace) Events() (events []Event, lost int) {
	if t == nil {
		return nil, 0
	}
	r := t.recording
	r.mu.Lock()
	defer r.mu.Unlock()
	own := make([][]int, len(r.spans))            // the events of each span
	begun := make(map[[2]int][]int, len(r.spans)) // by span and event: those that began after it
	for i, e := range r.events {
		own[e.span] = append(own[e.span], i)
	}
	for id, s := range r.spans[1:] {
		at := [2]int{s.within, s.after}
		begun[at] = append(begun[at], id+1)
	}
	var tell func(id int)
	tell = func(id int) {
		for _, deeper := range begun[[2]int{id, -1}] {
			tell(deeper)
		}
		for _, i := range own[id] {
			events = append(events, r.events[i])
			for _, deeper := range begun[[2]int{id, i}] {
				tell(deeper)
			}
		}
	}
	tell(0)
	return events, r.lost
}

// EventKind says what an Event is about.
type EventKind uint8

// The kinds, with the fields of Event that they use beside Name and Type, which
// are the question at hand.
const (
	EventView     EventKind = iota // who answers was chosen by who asks. Text: which view
	EventRule                      // DNS64 has decided. Text: what, and why
	EventZone                      // zones that we hold. Target: the apex; Rcode; Text: what they say
	EventCopy                      // a copy that we hold of somebody's zone. Target: its apex; Text: what it says
	EventOverride                  // a configured zone decides whom to ask. Target: its apex; Text
	EventSpecial                   // a special-use name. Text: why
	EventFilter                    // something was taken out of an answer. Text
	EventHit                       // it is in memory. Rcode, TTL left; Target: where an alias leads
	EventStale                     // it is in memory, expired, and given all the same. Rcode, Target; Text: why
	EventFailure                   // it has failed lately and is not tried again. Err
	EventFlight                    // somebody else is fetching it, and is waited for: nothing is known of the details
	EventRefresh                   // it is fetched anew in the background
	EventPrime                     // the root servers are asked for
	EventCut                       // where the way begins. Target: the zone; Count: name servers; TTL left, 0 for ever; Text
	EventMinimise                  // Name and Type are all that the servers get to see
	EventServer                    // is asked next. Server; Took: as expected, 0 unknown; Text: why this one
	EventExchange                  // with a server has ended. Server, Took; Rcode, Count: octets, Marks; or Err
	EventVerdict                   // on a reply. Server; Text: what it means; Target: where it leads; Count: name servers; TTL
	EventAddress                   // Name is a name server that has to be looked up first; Text: how
	EventAlias                     // Name is an alias. Target: of what
	EventDead                      // a piece of the way ended without success. Target: the zone; Err
	EventBudget                    // something was not done because the query has used up what it may. Text
	EventScope                     // whom an answer is for, or what a server is told of the client. Text
	EventSecurity                  // a validator's word, on an answer, or with Target alone on a zone. Text; Err: why it does not validate; TTL left if it is remembered
	eventKinds
)

// String is the kind in one lower-case word.
func (k EventKind) String() string {
	if k >= eventKinds {
		return "unknown"
	}
	return [...]string{"view", "rule", "zone", "copy", "override", "special", "filter", "hit", "stale", "failure", "flight", "refresh",
		"prime", "cut", "minimise", "server", "exchange", "verdict", "address", "alias", "dead", "budget", "scope", "security"}[k]
}

// Marks are what there is to say of a reply in yes and no.
type Marks uint8

// The marks.
const (
	MarkAA      Marks = 1 << iota // authoritative
	MarkTC                        // truncated, even over TCP
	MarkTCP                       // came over TCP
	MarkNoEDNS                    // asked without EDNS
	MarkShared                    // a reply to the same message of another query
	MarkSuspect                   // TCP was used because a reply over UDP looked forged
)

// Event is one step that was taken for a query. Which fields mean something
// depends on Kind. What it refers to is immutable.
type Event struct {
	At    time.Duration // since the recording began
	Depth int           // how many pieces of work wait for the one that this belongs to
	Kind  EventKind

	Name   Name
	Type   Type
	Target Name
	Server netip.AddrPort
	Rcode  Rcode
	Marks  Marks
	Count  int
	Took   time.Duration
	TTL    time.Duration
	Text   string
	Err    error

	span int
}
