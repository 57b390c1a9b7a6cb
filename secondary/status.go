package secondary

import (
	"errors"
	"strings"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// State is how a Copy is doing.
type State uint8

// The states of a Copy.
const (
	Missing State = iota // there has been no good copy
	Current              // the copy is used, and the last refresh was good
	Overdue              // the copy is used, and the last refresh has failed
	Expired              // the copy is too old to be used
)

// String is the state as a word.
func (s State) String() string { return [...]string{"missing", "current", "overdue", "expired"}[s] }

// Status is what there is to know of a Copy at one moment.
type Status struct {
	Zone   lookup.Name
	State  State
	Serial uint32 // of the copy that there is, used or not
	Source string // where it came from: an address, or a file

	Confirmed time.Time // when it was last known to be what the primary has, or the primary's own primary (RFC 7314)
	Expires   time.Time // when it ceases to be used, if nothing confirms it
	Next      time.Time // when it is refreshed next; the zero Time before Run

	Reason string // why it is not used, or what the last refresh failed of; "" when all is well

	Transfers, Confirmations, Failures uint64 // how refreshes have ended so far
}

// Status is the state of the copy now.
func (c *Copy) Status() Status {
	c.mu.Lock()
	s := c.status
	c.mu.Unlock()
	h := c.held.Load()
	if h == nil {
		return s
	}
	s.Serial, s.Source, s.Confirmed, s.Expires = h.soa.serial, h.source, h.confirmed, h.until
	switch {
	case !c.options.Now().Before(h.until):
		s.State = Expired
		s.Reason = strings.Join(append([]string{h.why}, nonEmpty(s.Reason)...), "; ")
	case s.Reason != "":
		s.State = Overdue
	default:
		s.State = Current
	}
	return s
}

func nonEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// Kind is what an Event is about.
type Kind uint8

// The kinds of Event.
const (
	Restored    Kind = iota // the copy was read from a file
	Transferred             // a new copy came
	Confirmed               // a primary has what we have
	Failed                  // nothing of that; what there was stays
	Ended                   // the copy is too old to be used from now on
	NotStored               // the copy is good, and could not be written down
)

// String is the kind in words.
func (k Kind) String() string {
	return [...]string{"restored", "transferred", "confirmed", "failed", "expired", "not stored"}[k]
}

// Event is something that happened to a Copy.
type Event struct {
	Zone   lookup.Name
	Kind   Kind
	Source string // an address, or a file; "" when there were several
	Serial uint32 // of the copy that there is now, 0 if there is none
	Err    error  // of Failed, Ended and NotStored
	RRsets int    // of Restored and Transferred
	Took   time.Duration
	// Incremental: of Transferred, only changes came.
	Incremental bool
}

// reason is text as an error.
func reason(text string) error { return errors.New(text) }

// planned notes when the next refresh is.
func (c *Copy) planned(next time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status.Next = next
}

// failed notes why a refresh came to nothing.
func (c *Copy) failed(err error) {
	c.mu.Lock()
	c.status.Failures++
	c.status.Reason = strings.ReplaceAll(err.Error(), "\n", "; ")
	c.mu.Unlock()
	e := Event{Zone: c.options.Zone, Kind: Failed, Err: err}
	if h := c.held.Load(); h != nil {
		e.Serial = h.soa.serial
	}
	c.observe(e)
}

// use puts h into the place of what there was and tells of it.
func (c *Copy) use(h *held, e Event) {
	c.held.Store(h)
	select {
	case c.other <- struct{}{}:
	default:
	}
	c.mu.Lock()
	c.status.Reason = ""
	switch e.Kind {
	case Transferred:
		c.status.Transfers++
	case Confirmed:
		c.status.Confirmations++
	}
	c.mu.Unlock()
	e.Zone, e.Source, e.Serial, e.RRsets = c.options.Zone, h.source, h.soa.serial, h.zone.Len()
	c.observe(e)
}
