package lifeline

import (
	"net/netip"
	"slices"
	"time"
)

// What the refresh of a zone is taken to be when its SOA says something odd.
const (
	leastRefresh = 5 * time.Minute
	mostRefresh  = 2 * time.Hour
)

// markLaggards is b with Lags for the servers that have had an older zone than the
// newest for more than two refreshes: whatever they say is of yesterday, signed or not.
func (m *Machine) markLaggards(b Ballot, now time.Time) Ballot {
	newest, ok := b.newest()
	if !ok {
		return b
	}
	votes := slices.Clone(b.Votes)
	behind := map[netip.Addr]time.Time{}
	for i, v := range votes {
		since, known := m.behind[v.Server]
		switch {
		case !v.HasSOA: // nothing heard is no news
			if known {
				behind[v.Server] = since
			}
			continue
		case !newer(newest, v.Serial):
			continue
		case !known:
			since = now
		}
		behind[v.Server] = since
		if now.Sub(since) > 2*min(max(v.Refresh, leastRefresh), mostRefresh) {
			votes[i].Finding = Lags
		}
	}
	m.behind = behind
	return Ballot{At: b.At, Votes: votes}
}

// newest is the highest serial that two operators show, or the only one that shows any:
// one server that lies about its serial must not make all others old.
func (b Ballot) newest() (serial uint32, ok bool) {
	shown := b.serials()
	if len(shown) == 0 {
		return 0, false
	}
	return shown[min(1, len(shown)-1)], true
}

// highest is newest for people, who see more: of two operators who differ one is behind.
func (b Ballot) highest() (serial uint32, ok bool) {
	if shown := b.serials(); len(shown) == 2 {
		return shown[0], true
	}
	return b.newest()
}

// serials are the highest of each operator, the newest first.
func (b Ballot) serials() (shown []uint32) {
	for _, g := range b.Groups() {
		var highest uint32
		found := false
		for _, v := range g.Votes {
			if v.HasSOA && (!found || newer(v.Serial, highest)) {
				highest, found = v.Serial, true
			}
		}
		if found {
			shown = append(shown, highest)
		}
	}
	slices.SortFunc(shown, func(a, b uint32) int { return int(int32(b - a)) })
	return shown
}
