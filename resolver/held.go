package resolver

import (
	"net/netip"
	"sync"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// brief is the life of what may expire while a query is at work.
const brief = 10 * time.Second

// held is what was learned on the way of one client query and cannot be relied
// upon to be remembered until its end: with a TTL of 0 it is for the transaction in
// progress only (RFC 1035 3.2.1). Without it the same servers would be asked the
// same again for each alias (CAMP). A nil *held holds nothing. It is safe for
// concurrent use.
type held struct {
	mu   sync.Mutex
	cuts map[lookup.Name]*cut
	hops map[heldKey]*hop
}

// heldKey is a question, and for whom it was asked, see task.asks.
type heldKey struct {
	question lookup.Question
	client   netip.Prefix
}

// keep holds what t has learned about q, if it is brief.
func (hd *held) keep(t task, q lookup.Question, h *hop) {
	switch {
	case hd == nil:
	case h.cut != nil:
		hd.keepCut(h.cut)
	case h.life < brief:
		hd.mu.Lock()
		defer hd.mu.Unlock()
		if hd.hops == nil {
			hd.hops = map[heldKey]*hop{}
		}
		hd.hops[heldKey{q, t.asks(q)}] = h
	}
}

// keepCut holds c, if it is brief.
func (hd *held) keepCut(c *cut) {
	if hd == nil || c.life >= brief {
		return
	}
	hd.mu.Lock()
	defer hd.mu.Unlock()
	if hd.cuts == nil {
		hd.cuts = map[lookup.Name]*cut{}
	}
	hd.cuts[c.zone] = c
}

// cut is the held cut at name, or nil.
func (hd *held) cut(name lookup.Name) *cut {
	if hd == nil {
		return nil
	}
	hd.mu.Lock()
	defer hd.mu.Unlock()
	return hd.cuts[name]
}

// hop is the held hop of q, or nil.
func (hd *held) hop(t task, q lookup.Question) *hop {
	if hd == nil {
		return nil
	}
	hd.mu.Lock()
	defer hd.mu.Unlock()
	return hd.hops[heldKey{q, t.asks(q)}]
}

// recall finds what answers q in the memory of all, or in that of t.
func (r *Resolver) recall(t task, q lookup.Question, now time.Time) (*hop, bool) {
	if h, ok := r.answers.recall(q, t.asks(q), now); ok {
		return h, true
	}
	h := t.held.hop(t, q)
	return h, h != nil
}
