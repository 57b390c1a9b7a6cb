package main

import (
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/sextant-dns/sextant/anchors"
	"github.com/sextant-dns/sextant/dns64"
	"github.com/sextant-dns/sextant/ecs"
	"github.com/sextant-dns/sextant/metrics"
	"github.com/sextant-dns/sextant/secondary"
)

// snapshot is what the running parts have counted, in the words of package
// metrics.
func (p *parts) snapshot() metrics.Snapshot {
	return metrics.Snapshot{
		Server: p.serverCounts(), Resolver: p.resolverCounts(), Validation: p.validationCounts(), Copies: p.copyCounts(), Updates: p.updates.results(),
		DNS64: p.synthesisCounts(), Catalogs: p.catalogCounts(),
		Between: p.moved.counts(p.server.Stats().Transfers), Health: healthCounts(p.health), Lifeline: p.lifelineCounts(),
		Overrides: p.overrideCounts(), Geo: p.placeCounts(),
		Drivers: p.driverCounts(),
	}
}

func (p *parts) catalogCounts() (all []metrics.Catalog) {
	for _, s := range p.catalogStatus() {
		all = append(all, metrics.Catalog{Zone: s.zone.String(), Used: s.wrong == "", Members: s.members, Refused: s.refused})
	}
	return all
}

func (p *parts) serverCounts() metrics.Server {
	s := p.server.Stats()
	m := metrics.Server{
		PacketHits:    s.Packets.Hits,
		PacketMisses:  s.Packets.Misses,
		PacketEntries: s.Packets.Entries,
		PacketBytes:   s.Packets.Bytes,
		Dropped:       map[string]uint64{},
		Cookies:       map[string]uint64{"new": s.Cookies.New, "good": s.Cookies.Good, "bad": s.Cookies.Bad},
		Panics:        s.Panics,
		Waiting:       s.Waiting,
		Resolve:       metrics.Histogram(s.Slow),
		TCP:           metrics.TCP{Open: s.TCP.Open, Accepted: s.TCP.Accepted, Refused: s.TCP.Refused, Evicted: s.TCP.Evicted},
	}
	for _, q := range s.Queries {
		m.Queries = append(m.Queries, metrics.Queries{Proto: q.Proto.String(), Type: q.Type.String(), Rcode: q.Rcode.String(), Count: q.Count})
	}
	for _, l := range s.Limited {
		m.Limited = append(m.Limited, metrics.Limited{Kind: l.Kind.String(), Sanction: l.Sanction.String(), Count: l.Count})
	}
	for why, n := range s.Drops {
		m.Dropped[why.String()] = n
	}
	return m
}

// copyStatus is how the copies of zones are, the local root's first.
func (p *parts) copyStatus() (all []secondary.Status) {
	if p.root != nil {
		all = append(all, p.root.Status())
	}
	return append(all, p.copies.status()...)
}

func (p *parts) copyCounts() (all []metrics.Copy) {
	now := time.Now()
	for _, s := range p.copyStatus() {
		all = append(all, metrics.Copy{
			Zone: s.Zone.String(),
			Used: s.State == secondary.Current || s.State == secondary.Overdue,

			Held:   s.State != secondary.Missing,
			Serial: s.Serial,
			Age:    now.Sub(s.Confirmed),
			Left:   s.Expires.Sub(now),

			Transfers: s.Transfers, Confirmations: s.Confirmations, Failures: s.Failures,
		})
	}
	return all
}

func (p *parts) validationCounts() metrics.Validation {
	s := p.recurse.Stats()
	m := metrics.Validation{
		Answers: map[string]uint64{"secure": s.Secure, "insecure": s.Insecure, "bogus": 0, "unchecked": s.Unchecked},
		Bogus:   s.Bogus, Signatures: s.Signatures, Troubles: p.troubles.counts(),
	}
	for _, n := range s.Bogus {
		m.Answers["bogus"] += n
	}
	if p.anchors == nil {
		return m
	}
	m.Negative = len(p.anchors.Negatives())
	for _, point := range p.anchors.Points() {
		told, states := metrics.TrustPoint{Zone: point.Zone.String(), Age: -1}, map[anchors.State]int{}
		if !point.Succeeded.IsZero() {
			told.Age = time.Since(point.Succeeded)
		}
		for _, k := range point.Keys {
			states[k.State]++
		}
		m.Points = append(m.Points, told)
		for state, n := range states {
			m.Keys = append(m.Keys, metrics.TrustKeys{Zone: told.Zone, State: strings.ToLower(state.String()), Count: n})
		}
	}
	return m
}

// troubles counts what operators should hear of trust anchors. The zero value is ready
// for use, and safe for concurrent use.
type troubles struct {
	mu sync.Mutex
	by map[string]uint64
}

func (t *troubles) note(k anchors.EventKind) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.by == nil {
		t.by = map[string]uint64{}
	}
	t.by[troubleWord(k)]++
}

func (t *troubles) counts() map[string]uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.by)
}

// troubleWord is k for a label.
func troubleWord(k anchors.EventKind) string {
	switch k {
	case anchors.KeyMissing:
		return "missing"
	case anchors.PointDeleted:
		return "deleted"
	case anchors.ProbeFailed:
		return "probe"
	case anchors.StateUnusable:
		return "unusable"
	case anchors.StateUnsaved:
		return "unsaved"
	case anchors.StateIgnored:
		return "ignored"
	}
	return "other"
}

func (p *parts) synthesisCounts() []metrics.Synthesis {
	var all []metrics.Synthesis
	for _, d := range p.state.Load().dns64 {
		s := d.Stats()
		all = append(all,
			metrics.Synthesis{View: d.view, Mode: dns64.Standard.String(), Count: s.Standard},
			metrics.Synthesis{View: d.view, Mode: dns64.Forced.String(), Count: s.Forced})
	}
	return all
}

func (p *parts) resolverCounts() metrics.Resolver {
	s := p.recurse.Stats()
	m := metrics.Resolver{Hits: s.Hits, Misses: s.Misses, Entries: s.Answers, Bytes: s.Bytes, Prefetches: s.Prefetches, Local: s.Local}
	m.Exchanges, m.RTT = p.exchanges.counts()
	m.Subnets = metrics.Subnets{
		Sent: s.Subnets.Sent, Withheld: map[string]uint64{}, Confirms: s.Subnets.Confirms,
		Refused: s.Subnets.Refused, Unkept: s.Subnets.Unkept, Kept: s.Subnets.Kept,
	}
	for why, n := range s.Subnets.Withheld {
		m.Subnets.Withheld[shortReason(why)] += n
	}
	return m
}

// shortReason is why nothing was told of a client, as a label.
func shortReason(why ecs.Reason) string {
	switch why {
	case ecs.BecauseOff:
		return "off"
	case ecs.BecauseType:
		return "type"
	case ecs.BecauseOptOut:
		return "opt-out"
	case ecs.BecauseNobody:
		return "no-client"
	case ecs.BecauseNoOption:
		return "no-option"
	case ecs.BecauseNetwork, ecs.BecausePrivate:
		return "private"
	case ecs.BecauseForeign:
		return "foreign"
	case ecs.BecauseDelegating:
		return "delegation"
	case ecs.BecauseServer, ecs.BecauseNoSupport:
		return "server"
	case ecs.BecauseRetry:
		return "retry"
	}
	return "other"
}
