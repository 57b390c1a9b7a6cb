package anchors

import (
	"fmt"

	"github.com/sextant-dns/sextant/lookup"
)

// EventKind is what an Event is about.
type EventKind string

// What may happen to trust anchors.
const (
	KeySeen      EventKind = "a new key is waiting to be trusted"
	KeyDropped   EventKind = "a key that was waiting to be trusted is not any more"
	KeyTrusted   EventKind = "a key is a trust anchor now"
	KeyMissing   EventKind = "a trust anchor is missing from its zone"
	KeyReturned  EventKind = "a trust anchor that was missing is back"
	KeyRevoked   EventKind = "a trust anchor has been revoked"
	KeyRemoved   EventKind = "a key is not remembered any longer"
	PointDeleted EventKind = "all trust anchors have been revoked: the zone is not secured by any of its own"

	ProbeFailed EventKind = "no DNSKEY RRset could be had that a trust anchor has signed"

	StateUnusable EventKind = "the history of the trust anchors cannot be used: the configured ones count"
	StateUnsaved  EventKind = "the history of the trust anchors cannot be written"
	StateIgnored  EventKind = "the history of the trust anchors has a zone that is not managed"

	NegativeAdded   EventKind = "a negative trust anchor is in force"
	NegativeRemoved EventKind = "a negative trust anchor has been taken away"
	NegativeOver    EventKind = "a negative trust anchor has ended"
	NegativeHealed  EventKind = "a negative trust anchor has been taken away: the zone validates again"
)

// IsTrouble tells whether the event is one that an operator should hear of even
// when nothing else is worth hearing.
func (k EventKind) IsTrouble() bool {
	switch k {
	case KeyMissing, PointDeleted, ProbeFailed, StateUnusable, StateUnsaved, StateIgnored:
		return true
	}
	return false
}

// Event is something that happened to the trust anchors of a zone.
type Event struct {
	Kind EventKind
	Zone lookup.Name // "" when it is about all
	Tag  uint16      // of the key; 0 when it is not about one
	Err  error       // may be nil
}

// String is the event in a line.
func (e Event) String() string {
	s := string(e.Kind)
	if e.Tag != 0 {
		s = fmt.Sprintf("%s: tag %d", s, e.Tag)
	}
	if e.Zone != "" {
		s = e.Zone.String() + ": " + s
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}
