package survey

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/sextant-dns/sextant/ecs"
)

// Kind is what is wrong with what a server says.
type Kind uint8

// What can be wrong.
const (
	NoOption  Kind = iota + 1 // there is no option in the reply
	Malformed                 // the option cannot be read
	Mismatch                  // the option is for another network than was asked
	Overlap                   // two scopes overlap
	Wrong                     // within a scope there is another answer
	Unsteady                  // the same network gets one answer and then another
)

// String is the kind in a word.
func (k Kind) String() string {
	return [...]string{"", "no-option", "malformed", "mismatch", "overlap", "wrong-scope", "unsteady"}[min(int(k), 6)]
}

// A Problem is something that a server does not do as RFC 7871 says.
type Problem struct {
	Kind     Kind
	Network  netip.Prefix
	Other    netip.Prefix // the network that it is compared with
	Detail   string
	Breaches string // the section that says otherwise; "" when none does
}

// String says it in a line.
func (p Problem) String() string {
	switch p.Kind {
	case NoOption:
		return "there is no Client Subnet option in the reply, so the answer is for everyone: the server does not take part, or somebody on the way removes it"
	case Malformed:
		return fmt.Sprintf("asked as %s, the reply has an option that cannot be read: %s", p.Network, p.Detail)
	case Mismatch:
		return fmt.Sprintf("asked as %s, the reply is for %s; resolvers drop it", p.Network, p.Other)
	case Overlap:
		return fmt.Sprintf("the scopes %s and %s overlap; which answer a client hears depends on who asked before", p.Other, p.Network)
	case Wrong:
		return fmt.Sprintf("an answer is said to hold in %s, and %s gets another one", p.Other, p.Network)
	case Unsteady:
		return fmt.Sprintf("%s gets one answer and then another", p.Network)
	}
	return "nothing is wrong"
}

// breaches is the section that forbids a kind.
func (k Kind) breaches() string {
	switch k {
	case Malformed:
		return "RFC 7871 6"
	case Mismatch, Overlap:
		return "RFC 7871 7.2.1"
	case Wrong:
		return "RFC 7871 7.2.1"
	}
	return ""
}

// enough is how many problems of a kind are told.
const enough = 20

func (w *walk) tell(k Kind, network, other netip.Prefix, detail string) {
	p := Problem{Kind: k, Network: network, Other: other, Detail: detail, Breaches: k.breaches()}
	if w.told[p] {
		return
	}
	n := 0
	for _, before := range w.result.Problems {
		if before.Kind == k {
			n++
		}
	}
	if n < enough {
		w.told[p] = true
		w.result.Problems = append(w.result.Problems, p)
	}
}

// overlaps notes with which scopes a new one overlaps (RFC 7871 7.2.1: prefix lengths must
// be such that they do not). What the server wanted to know more about is no scope.
func (w *walk) overlaps(r *Region) {
	if r.Scope < 0 || r.Wants() {
		return
	}
	for _, old := range w.known {
		if old.Scope >= 0 && !old.Wants() && old.Network.Overlaps(r.Network) {
			wide, narrow := old.Network, r.Network
			if wide.Bits() > narrow.Bits() {
				wide, narrow = narrow, wide
			}
			w.tell(Overlap, narrow, wide, "")
		}
	}
}

// differ notes that one scope has had two answers.
func (w *walk) differ(old, r *Region) {
	if old.Source == r.Source {
		w.tell(Unsteady, r.Source, r.Source, "")
		return
	}
	w.tell(Wrong, r.Source, old.Network, "")
}

// check asks from elsewhere within scopes that are wider than what is told, whether the
// answer is the same.
func (w *walk) check(ctx context.Context) error {
	var wide []*Region
	for _, r := range w.known {
		if r.Scope >= 0 && r.Network.Bits() < r.Source.Bits() {
			wide = append(wide, r)
		}
	}
	sortRegions(wide)
	w.Rand.Shuffle(len(wide), func(i, j int) { wide[i], wide[j] = wide[j], wide[i] })
	if len(wide) == 0 {
		return nil
	}
	// A wrong answer is asked for twice.
	for i := 0; i < w.Checks && w.result.Queries < w.Most && ctx.Err() == nil; i++ {
		w.checkOne(ctx, wide[i%len(wide)])
	}
	return ctx.Err()
}

// checkOne asks from somewhere in a region.
func (w *walk) checkOne(ctx context.Context, r *Region) {
	source := w.somewhere(r)
	if source == r.Source {
		return
	}
	if _, nobodys := ecs.Nobodys(source); nobodys {
		return // RFC 7871 10: of who has no address of the Internet something else is said
	}
	again := w.ask(ctx, []netip.Prefix{source})[0]
	if again.err != nil || again.Option == nil || again.Option.Source != source {
		return
	}
	other := &Region{Network: source, Source: source, Scope: int(again.Option.Scope), Rcode: again.Rcode, Answers: again.Answers, TTL: again.TTL, Took: again.Took}
	if other.Scope <= source.Bits() {
		other.Network = netip.PrefixFrom(source.Addr(), other.Scope).Masked()
	}
	if other.Network != r.Network && w.known[other.Network] == nil {
		w.overlaps(other)
	}
	if other.same(r) || w.result.Queries >= w.Most {
		return
	}
	// Does it depend on the network, or on chance?
	if first := w.ask(ctx, []netip.Prefix{r.Source})[0]; first.err == nil && !r.same(&Region{Rcode: first.Rcode, Answers: first.Answers}) {
		w.tell(Unsteady, r.Source, r.Source, "")
		return
	}
	w.tell(Wrong, source, r.Network, "")
}

// somewhere is a network in a region, as long as the region's source, by chance.
func (w *walk) somewhere(r *Region) netip.Prefix {
	octets := r.Network.Addr().AsSlice()
	for bit := r.Network.Bits(); bit < r.Source.Bits(); bit++ {
		if w.Rand.IntN(2) == 1 {
			octets[bit/8] |= 0x80 >> (bit % 8)
		}
	}
	a, _ := netip.AddrFromSlice(octets) // as long as it was
	return netip.PrefixFrom(a, r.Source.Bits())
}
