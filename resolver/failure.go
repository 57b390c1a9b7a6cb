package resolver

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/sextant-dns/sextant/cache"
	"github.com/sextant-dns/sextant/lookup"
)

// RFC 9520 3.2: a failure is remembered for at least 1 second, for at most 5
// minutes, and for longer when it comes again.
const (
	firstFailure = 5 * time.Second
	lastFailure  = 5 * time.Minute
	maxFailures  = 10_000
)

// failures remembers what could not be resolved.
type failures struct {
	cache *cache.Cache[lookup.Question, failure]
}

type failure struct {
	cause error
	life  time.Duration
}

func newFailures(o Options) *failures {
	return &failures{cache.New[lookup.Question, failure](cache.Options[lookup.Question, failure]{
		Entries: maxFailures,
		Bytes:   o.CacheBytes / 12 * failureShare,
		Size:    failureSize,
		Hash:    questionHash(),
	})}
}

// recent is the error for a question that has failed shortly before, or nil.
func (fs *failures) recent(q lookup.Question, now time.Time) error {
	f, _, ok := fs.cache.Get(q, netip.Prefix{}, now)
	if !ok {
		return nil
	}
	ede := lookup.EDEOf(f.cause)
	if !errors.Is(f.cause, errBogus) { // which says more than that it is remembered
		ede.Code = lookup.EDECachedError
	}
	return &lookup.Failure{EDE: ede, Cause: f.cause}
}

// note remembers that q has failed, for that life at least. One that failed again as soon as it was tried
// again is remembered for twice as long as before.
func (fs *failures) note(q lookup.Question, cause error, life time.Duration, now time.Time) {
	fs.noteUpTo(lastFailure, q, cause, life, now)
}

// noteUpTo is note with another bound on how long a failure is remembered.
func (fs *failures) noteUpTo(most time.Duration, q lookup.Question, cause error, life time.Duration, now time.Time) {
	if before, _, expired, ok := fs.cache.GetStale(q, netip.Prefix{}, now); ok && now.Sub(expired) < most {
		life = max(life, min(2*before.life, most))
	}
	q.Name = owned(q.Name)
	fs.cache.Put(q, netip.Prefix{}, failure{cause, life}, now.Add(life))
}

func (fs *failures) forget(q lookup.Question) { fs.cache.Remove(q) }

// isCrowded tells whether err means nothing but that there are too many.
func isCrowded(err error) bool {
	return errors.Is(err, errCrowd) || errors.Is(err, errBusy) || errors.Is(err, errTurn)
}

// isCircumstantial tells whether err says more about who asked than about what
// was asked for.
func isCircumstantial(err error) bool {
	for _, circumstance := range []error{errBudget, errDepth, errCycle, errCrowd, errBusy, errTurn, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, circumstance) {
			return true
		}
	}
	return false
}

// explain makes a Failure of any error; of the end of ctx, too, unless whoever
// asked has hung up.
func explain(ctx context.Context, err error) error {
	if f, ok := errors.AsType[*lookup.Failure](err); ok {
		return f
	}
	switch {
	case errors.Is(err, errBudget):
		return &lookup.Failure{EDE: lookup.EDE{Code: lookup.EDEOther, Text: errBudget.Error()}, Cause: err}
	case errors.Is(err, errDepth), errors.Is(err, errCycle):
		return &lookup.Failure{EDE: lookup.EDE{Code: lookup.EDENoReachableAuth, Text: err.Error()}, Cause: err}
	case ctx.Err() == context.Canceled:
		return context.Canceled
	}
	return &lookup.Failure{EDE: lookup.EDE{Code: lookup.EDENoReachableAuth, Text: "no answer in time"}, Cause: err}
}
