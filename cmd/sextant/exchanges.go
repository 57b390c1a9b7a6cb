package main

import (
	"errors"
	"os"
	"sync"
	"time"

	"github.com/sextant-dns/sextant/metrics"
	"github.com/sextant-dns/sextant/resolver"
)

// exchanges counts what the resolver tells of each exchange with a server. Its
// methods are safe for concurrent use.
type exchanges struct {
	mu    sync.Mutex
	kinds map[kind]uint64
	rtt   metrics.Histogram
}

type kind struct{ proto, result string }

func newExchanges() *exchanges {
	e := &exchanges{kinds: map[kind]uint64{}}
	for _, ms := range []int{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000} {
		e.rtt.Bounds = append(e.rtt.Bounds, time.Duration(ms)*time.Millisecond)
	}
	e.rtt.Counts = make([]uint64, len(e.rtt.Bounds)+1)
	return e
}

// observe is a resolver's Observe hook.
func (e *exchanges) observe(x resolver.Exchange) {
	k := kind{proto: "udp", result: "reply"}
	if x.TCP {
		k.proto = "tcp"
	}
	switch {
	case x.Err == nil:
	case errors.Is(x.Err, os.ErrDeadlineExceeded):
		k.result = "timeout"
	default:
		k.result = "error"
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.kinds[k]++
	if x.Err != nil {
		return
	}
	i := 0
	for i < len(e.rtt.Bounds) && x.RTT > e.rtt.Bounds[i] {
		i++
	}
	e.rtt.Counts[i]++
	e.rtt.Sum += x.RTT
}

// counts is what has been counted by now.
func (e *exchanges) counts() (kinds []metrics.Exchanges, rtt metrics.Histogram) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for k, n := range e.kinds {
		kinds = append(kinds, metrics.Exchanges{Proto: k.proto, Result: k.result, Count: n})
	}
	rtt = e.rtt
	rtt.Counts = append([]uint64(nil), e.rtt.Counts...)
	return kinds, rtt
}
