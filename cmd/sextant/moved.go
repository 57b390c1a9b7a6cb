package main

import (
	"context"
	"maps"
	"sync"

	"github.com/sextant-dns/sextant/metrics"
	"github.com/sextant-dns/sextant/primary"
	"github.com/sextant-dns/sextant/secondary"
	"github.com/sextant-dns/sextant/server"
)

// turns is a slot for each copy that may ask its primaries at the same time.
type turns chan struct{}

// take is a Copy's Turn.
func (t turns) take(ctx context.Context) (over func(), ok bool) {
	select {
	case t <- struct{}{}:
		return func() { <-t }, true
	case <-ctx.Done():
		return nil, false
	}
}

// moved counts what zones have done between servers. The zero value is ready for use,
// and safe for concurrent use.
type moved struct {
	mu        sync.Mutex
	transfers map[metrics.Transfers]uint64 // by everything but the count
	notifies  map[metrics.Notifies]uint64
}

// copied counts what a copy has done.
func (m *moved) copied(e secondary.Event) {
	t := metrics.Transfers{Direction: "in", Type: "AXFR", Result: "received"}
	switch {
	case e.Kind == secondary.Failed:
		t.Type, t.Result = "any", "failed"
	case e.Kind != secondary.Transferred:
		return
	case e.Incremental:
		t.Type = "IXFR"
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.transfers == nil {
		m.transfers = map[metrics.Transfers]uint64{}
	}
	m.transfers[t]++
}

// told counts NOTIFY, to others and to us.
func (m *moved) told(e primary.Event) {
	var n metrics.Notifies
	switch e.Kind {
	case primary.Notified:
		n = metrics.Notifies{Direction: "out", Result: "sent"}
	case primary.Unnotified:
		n = metrics.Notifies{Direction: "out", Result: "failed"}
	case primary.Notice:
		n = metrics.Notifies{Direction: "in", Result: "received"}
	case primary.Ignored:
		n = metrics.Notifies{Direction: "in", Result: "refused"}
	default:
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.notifies == nil {
		m.notifies = map[metrics.Notifies]uint64{}
	}
	m.notifies[n]++
}

// counts are those of m, and of the transfers that the server has given.
func (m *moved) counts(given map[server.TransferCount]uint64) (between metrics.Between) {
	m.mu.Lock()
	transfers, notifies := maps.Clone(m.transfers), maps.Clone(m.notifies)
	m.mu.Unlock()
	for t, n := range transfers {
		t.Count = n
		between.Transfers = append(between.Transfers, t)
	}
	for kind, n := range given {
		between.Transfers = append(between.Transfers, metrics.Transfers{Direction: "out", Type: kind.Type.String(), Result: kind.Result.String(), Count: n})
	}
	for t, n := range notifies {
		t.Count = n
		between.Notifies = append(between.Notifies, t)
	}
	return between
}
