package resolver

import (
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// retryLate is how many seconds later whoever keeps an answer that is being
// refreshed shall ask for it again.
const retryLate = 1

// prefetches tells whether what t asks for is to be refreshed before it expires.
func (r *Resolver) prefetches(t task) bool {
	return r.options.Prefetch && t.depth == 0 && !t.snoop
}

// unseen is the lookup.Response.Keep of h: after so many seconds we want to see
// who still asks for it. Were it kept for its whole life in front of us, nobody
// would seem to.
func (r *Resolver) unseen(t task, h *hop, now time.Time) uint32 {
	if !r.prefetches(t) {
		return 0
	}
	seconds, ends := h.fresh(now)
	if !ends {
		return 0
	}
	return max(seconds, retryLate)
}

// prefetch refreshes q if h, which was in memory and is the caller's own, is late in
// its life. It enters into h for how long to keep it, so that nobody has to copy h
// for that.
func (r *Resolver) prefetch(t task, q lookup.Question, h *hop, now time.Time) {
	seconds, ends := h.fresh(now)
	if !ends {
		return
	}
	h.response.Keep = lookup.LeastKeep(h.response.Keep, max(seconds, retryLate))
	if seconds > 0 {
		return
	}
	t.tell(lookup.Event{Kind: lookup.EventRefresh, Name: q.Name, Type: q.Type})
	if r.refresh(t, q) {
		r.counters.prefetches.Add(1)
	}
}
