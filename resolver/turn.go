package resolver

import (
	"context"
	"errors"
	"runtime"

	"github.com/sextant-dns/sextant/lookup"
)

// Turns are for those who check signatures and proofs: no more do at once than there
// are processors for, so that whoever makes us check a lot (KeyTrap, CVE-2023-50387)
// keeps others from checking, but not from what is in memory. Resolvers of one process
// share them. They are safe for concurrent use.
type Turns chan struct{}

// NewTurns are so many turns at once; 0 stands for runtime.GOMAXPROCS.
func NewTurns(n int) Turns {
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	return make(Turns, n)
}

// errTurn says something about us and nothing about what was to be checked.
var errTurn = errors.New("too many signatures are being checked")

// Take waits for a turn, which Give ends, until ctx does. Who has one waits for
// nothing, and so it comes.
func (ts Turns) Take(ctx context.Context) error {
	select {
	case ts <- struct{}{}:
		return nil
	case <-ctx.Done():
	}
	if err := ctx.Err(); errors.Is(err, context.Canceled) {
		return err
	}
	return &lookup.Failure{EDE: lookup.EDE{Code: lookup.EDEOther, Text: errTurn.Error()}, Cause: errTurn}
}

// Give ends a turn.
func (ts Turns) Give() { <-ts }
