package survey

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/ecs"
)

// Ask asks as if from a network, which is masked and is sent as ADDRESS and SOURCE
// PREFIX-LENGTH. An error is that there was no reply. It is called from several
// goroutines.
type Ask func(ctx context.Context, source netip.Prefix) (Heard, error)

// Heard is what a server said.
type Heard struct {
	Rcode   int
	Answers []string // in an order that does not depend on the reply's
	TTL     uint32
	Took    time.Duration
	Option  *ecs.Option // nil: the reply has none
	Bad     string      // why its option cannot be read; ""
}

// Options is what is sought. Ask is required, and one network at least.
type Options struct {
	Ask      Ask
	Networks []netip.Prefix // from which to ask, in this order
	Adaptive bool           // ask on within them until scopes cover them

	// Bits4 and Bits6 are how much of an address is told when asking adaptively;
	// defaults 24 and 56 (RFC 7871 11.1). A longer network tells as much as it has.
	Bits4, Bits6 int

	Most     int // queries in all; default 1000
	Parallel int // queries at the same time; default 1
	Checks   int // further queries, of Most, which see whether scopes are right

	Rand     *rand.Rand            // chooses what is checked; default: seeded by chance
	Progress func(asked, most int) // is called after each round of queries; may be nil
}

// ErrNothing is the error of a survey without networks.
var ErrNothing = errors.New("there is no network to ask from")

const (
	defaultMost = 1000
	// later is by how many bits a network waits longer whose neighbour was answered like
	// the network around it.
	later = 4
	// giveUp is how many failures in a row at the beginning say that nobody is there, or
	// nobody who answers us.
	giveUp = 3
)

func (o Options) withDefaults() Options {
	o.Bits4, o.Bits6 = cmp.Or(o.Bits4, 24), cmp.Or(o.Bits6, 56)
	o.Most, o.Parallel = cmp.Or(o.Most, defaultMost), max(1, o.Parallel)
	if o.Rand == nil {
		o.Rand = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	return o
}

// A Region is a network with the answer that holds in it.
type Region struct {
	Network netip.Prefix // masked: the scope, or the source when that tells less
	Source  netip.Prefix // as which it was asked
	Scope   int          // SCOPE PREFIX-LENGTH as it came; -1 when the reply had no option
	Rcode   int
	Answers []string
	TTL     uint32
	Took    time.Duration
}

// Wants says that the authority wanted to know more than it was told (RFC 7871 7.2.1):
// within Network there may be other answers.
func (r *Region) Wants() bool { return r.Scope > r.Source.Bits() }

// same says whether two answers are the same.
func (r *Region) same(s *Region) bool {
	return r.Rcode == s.Rcode && slices.Equal(r.Answers, s.Answers)
}

// Result is what was found out.
type Result struct {
	Regions  []*Region      // by address, wider ones first
	Unasked  []netip.Prefix // where the number of queries ended before the networks
	Silent   []netip.Prefix // as which there was no reply
	Queries  int
	Problems []Problem
}

// Run asks until nothing is left or the number of queries is reached. The error says that
// there was no reply at all, or that ctx is done; the Result is then what was found before.
func Run(ctx context.Context, o Options) (*Result, error) {
	w := &walk{Options: o.withDefaults(), known: map[netip.Prefix]*Region{}, told: map[Problem]bool{}, result: &Result{}}
	if len(o.Networks) == 0 {
		return w.result, ErrNothing
	}
	for i, n := range o.Networks {
		if !n.IsValid() {
			return w.result, fmt.Errorf("network %d is none", i+1)
		}
		w.add(piece{network: n.Masked(), wait: w.order(i, n)})
	}
	err := w.run(ctx)
	if err == nil {
		err = w.check(ctx)
	}
	w.finish()
	return w.result, err
}

// piece is a network about which something is to be found out.
type piece struct {
	network netip.Prefix
	wait    int     // the lowest comes first
	number  int     // and then the first
	around  *Region // what was said for a part of the network that it is a piece of
}

// walk is a survey under way.
type walk struct {
	Options
	queue  []piece // a heap would be faster, and the server is slower than both
	pieces int
	known  map[netip.Prefix]*Region
	told   map[Problem]bool
	result *Result
	failed int // in a row, from the beginning; -1 once there was a reply
	barred int // replies that refuse; -1 once there was another
	last   error
}

// order is how long one of the networks waits: adaptively the largest is the first.
func (w *walk) order(i int, n netip.Prefix) int {
	if w.Adaptive {
		return n.Bits()
	}
	return i
}

func (w *walk) add(p piece) {
	p.number = w.pieces
	w.pieces++
	at, _ := slices.BinarySearchFunc(w.queue, p, func(a, b piece) int {
		return cmp.Or(cmp.Compare(a.wait, b.wait), cmp.Compare(a.number, b.number))
	})
	w.queue = slices.Insert(w.queue, at, p)
}

// run asks round by round, as many queries at a time as may be.
func (w *walk) run(ctx context.Context) error {
	for ctx.Err() == nil {
		var round []piece
		for len(w.queue) > 0 && len(round) < w.Parallel && w.result.Queries+len(round) < w.Most-w.Checks {
			p := w.queue[0]
			w.queue = w.queue[1:]
			if w.covering(p.network) == nil {
				round = append(round, p)
			}
		}
		if len(round) == 0 {
			return nil
		}
		sources := make([]netip.Prefix, len(round))
		for i, p := range round {
			sources[i] = w.source(p.network)
		}
		for i, a := range w.ask(ctx, sources) {
			if r := w.take(sources[i], a); r != nil {
				w.divide(round[i], r)
			}
		}
		if n := max(w.failed, w.barred); n >= giveUp || n > 0 && len(w.queue) == 0 {
			return w.last
		}
	}
	return ctx.Err()
}

// source is as which network to ask for what is known of p.
func (w *walk) source(p netip.Prefix) netip.Prefix {
	if !w.Adaptive {
		return p
	}
	bits := w.Bits6
	if p.Addr().Is4() {
		bits = w.Bits4
	}
	return netip.PrefixFrom(p.Addr(), max(p.Bits(), bits))
}

// heard is what came of one query.
type heard struct {
	Heard
	err error
}

// ask asks all sources at the same time.
func (w *walk) ask(ctx context.Context, sources []netip.Prefix) []heard {
	all := make([]heard, len(sources))
	var group sync.WaitGroup
	for i, source := range sources {
		group.Go(func() { all[i].Heard, all[i].err = w.Ask(ctx, source) })
	}
	group.Wait()
	w.result.Queries += len(sources)
	if w.Progress != nil {
		w.Progress(w.result.Queries, w.Most)
	}
	return all
}

// take makes a region of what came, and notes what is wrong with it. It is nil when there
// is nothing to believe.
func (w *walk) take(source netip.Prefix, a heard) *Region {
	if a.err != nil {
		w.result.Silent = append(w.result.Silent, source)
		if w.failed >= 0 {
			w.failed, w.last = w.failed+1, a.err
		}
		return nil
	}
	w.failed = -1 // somebody is there
	r := &Region{Network: source, Source: source, Scope: -1, Rcode: a.Rcode, Answers: a.Answers, TTL: a.TTL, Took: a.Took}
	switch o := a.Option; {
	case a.Bad != "":
		w.tell(Malformed, source, source, a.Bad)
		return nil
	case o == nil && a.Rcode != dns.RcodeSuccess && a.Rcode != dns.RcodeNameError:
		if w.barred >= 0 {
			w.barred, w.last = w.barred+1, fmt.Errorf("the server says %s", dns.RcodeToString[a.Rcode&0xf])
		}
		return w.keep(r)
	case o == nil:
		r.Network = netip.PrefixFrom(source.Addr(), 0).Masked() // RFC 7871 7.3: as if SCOPE were 0
		w.tell(NoOption, r.Network, r.Network, "")
	case o.Source != source && !(o.NoFamily && source.Bits() == 0):
		w.tell(Mismatch, source, o.Source, "") // RFC 7871 7.3: the response must be dropped
		return nil
	default:
		r.Scope = int(o.Scope)
		if r.Scope <= source.Bits() {
			r.Network = netip.PrefixFrom(source.Addr(), r.Scope).Masked()
		}
	}
	w.barred = -1
	return w.keep(r)
}

// keep puts a region beside those that are known.
func (w *walk) keep(r *Region) *Region {
	if old := w.known[r.Network]; old != nil {
		if !old.same(r) {
			w.differ(old, r)
		}
		return old
	}
	w.overlaps(r)
	w.known[r.Network] = r
	return r
}

// divide queues what is left of a piece when a part of it is known.
func (w *walk) divide(p piece, r *Region) {
	if !w.Adaptive || r.Network.Bits() <= p.network.Bits() {
		return
	}
	penalty := 0
	if p.around != nil && p.around.same(r) {
		penalty = later
	}
	for at := r.Network; at.Bits() > p.network.Bits(); at = parent(at) {
		sibling := sibling(at)
		w.add(piece{network: sibling, wait: sibling.Bits() + penalty, around: r})
	}
}

// covering is a region that p lies in.
func (w *walk) covering(p netip.Prefix) *Region {
	for at := p; ; at = parent(at) {
		if r := w.known[at]; r != nil {
			return r
		}
		if at.Bits() == 0 {
			return nil
		}
	}
}

// finish puts the result in order.
func (w *walk) finish() {
	for _, r := range w.known {
		w.result.Regions = append(w.result.Regions, r)
	}
	sortRegions(w.result.Regions)
	for _, p := range w.queue {
		if w.covering(p.network) == nil {
			w.result.Unasked = append(w.result.Unasked, p.network)
		}
	}
	slices.SortFunc(w.result.Unasked, compare)
	slices.SortFunc(w.result.Silent, compare)
}

// compare orders networks by their first address, wider ones first.
func compare(a, b netip.Prefix) int {
	return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
}

func parent(p netip.Prefix) netip.Prefix {
	return netip.PrefixFrom(p.Addr(), p.Bits()-1).Masked()
}

// sibling is the other half of p's parent.
func sibling(p netip.Prefix) netip.Prefix {
	octets := p.Addr().AsSlice()
	bit := p.Bits() - 1
	octets[bit/8] ^= 0x80 >> (bit % 8)
	a, _ := netip.AddrFromSlice(octets) // as long as it was
	return netip.PrefixFrom(a, p.Bits())
}
