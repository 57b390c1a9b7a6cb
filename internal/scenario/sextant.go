package scenario

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sextant-dns/sextant/anchors"
	"github.com/sextant-dns/sextant/dns64"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
	"github.com/sextant-dns/sextant/server"
)

// Sextant builds the program as the story's configuration wants it: a server with
// its views, perhaps a DNS64, and the iterative resolver, from packets to the
// network of the story.
func Sextant(story *Story, network *Network) (System, error) {
	s, err := setUp(story)
	if err != nil {
		return System{}, err
	}
	var iterative *resolver.Resolver
	keeper, clockwork, err := s.keeper(network, lookup.Func(func(ctx context.Context, q lookup.Query) (*lookup.Response, error) {
		return iterative.Resolve(ctx, q)
	}))
	if err != nil {
		return System{}, err
	}
	options, err := s.resolver(network)
	if err != nil {
		return System{}, err
	}
	options.Validation = s.validation.options(keeper, network)
	iterative = resolver.New(options)
	answers, err := s.told(iterative)
	if err != nil {
		return System{}, err
	}
	if answers, err = s.surround(answers); err != nil {
		return System{}, err
	}
	if keeper != nil {
		answers = anchors.Sentinels(answers, keeper.Set)
	}
	if s.dns64 {
		if answers, err = dns64.New(answers, s.synthesis()); err != nil {
			return System{}, err
		}
	}
	edge := server.New(server.Options{
		Views:    s.views(answers),
		Packets:  s.packets(),
		Order:    s.order,
		IntN:     chance(),
		Limits:   lookup.Limits{Upstream: s.quota, Aliases: s.aliases},
		Deadline: s.deadline(),
		NSID:     s.nsid,
		Version:  s.version,
	})
	return System{
		Respond: func(query []byte, from netip.AddrPort, tcp bool) []byte {
			proto := server.UDP
			if tcp {
				proto = server.TCP
			}
			return edge.Respond(nil, query, from, proto)
		},
		Run:       iterative.Run,
		Clockwork: clockwork,
	}, nil
}

// packets is how many packets the server remembers. Who looks into the resolver's
// memory must get there, and so must, in the very second in which something is
// refreshed, who expects to see the new answer.
func (s *setup) packets() int {
	if s.prefetch || s.snoop {
		return -1
	}
	return 0 // the default
}

// deadline is how long the program may think about a query. Whitebox stories
// let time pass while queries are pending.
func (s *setup) deadline() time.Duration {
	if s.story.Whitebox() {
		return 24 * time.Hour
	}
	return 0 // the default
}

func (s *setup) resolver(network *Network) (resolver.Options, error) {
	options := resolver.Options{
		Exchanger:      network,
		NoIPv4:         s.noIPv4,
		NoIPv6:         s.noIPv6,
		Zones:          s.zones,
		Stale:          s.stale,
		Prefetch:       s.prefetch,
		Complete:       s.complete,
		Snoop:          s.snoop,
		NoPriming:      !s.prime,
		NoMinimise:     s.noMinimise,
		NoHardenGlue:   s.noHardenGlue,
		DoNotQuery:     s.around.barred(),
		MaxTTL:         uint32(s.maxTTL),
		MaxNegativeTTL: uint32(s.maxNegative),
		MinTTL:         uint32(s.minTTL),
		MinNegativeTTL: uint32(s.minNegative),
		Deadline:       s.deadline(),
		IntN:           chance(),
	}
	options.Stale.RetryAfter = 5 * time.Second // Unbound's NORR_TTL
	for i, addr := range s.roots {
		name := lookup.MustName(fmt.Sprintf("%c.root-servers.test.", 'a'+i%26))
		options.Hints = append(options.Hints, resolver.Server{Name: name, Addrs: []netip.Addr{addr}})
	}
	if s.hints != "" {
		hints, err := resolver.ParseHints(strings.NewReader(s.hints))
		if err != nil {
			return resolver.Options{}, err
		}
		options.Hints = append(options.Hints, hints...)
	}
	return options, nil
}

// chance is a source of random numbers that are the same in every run.
func chance() func(int) int {
	var mu sync.Mutex
	source := rand.New(rand.NewPCG(1, 2))
	return func(n int) int {
		mu.Lock()
		defer mu.Unlock()
		return source.IntN(n)
	}
}

func (s *setup) synthesis() dns64.Options {
	var o dns64.Options
	if s.dns64Prefix.IsValid() {
		o.Prefixes = []netip.Prefix{s.dns64Prefix}
	}
	if s.dns64All {
		o.Default.Mode = dns64.Forced
	}
	for _, name := range s.dns64Ignore {
		o.Rules = append(o.Rules, dns64.Rule{Suffix: lookup.MustName(name), Mode: dns64.Forced})
	}
	return o
}

// views let in whom the configuration lets in, which without a word are the
// hosts on the machine itself. The longest network that holds a client decides.
func (s *setup) views(answers lookup.Resolver) []server.View {
	rules := append([]clientRule{
		{clients: netip.MustParsePrefix("127.0.0.0/8"), allow: true},
		{clients: netip.MustParsePrefix("::1/128"), allow: true},
	}, s.clients...)
	slices.Reverse(rules) // the last word about a network counts
	slices.SortStableFunc(rules, func(a, b clientRule) int { return cmp.Compare(b.clients.Bits(), a.clients.Bits()) })
	var views []server.View
	for _, r := range rules {
		view := server.View{Name: r.clients.String(), Clients: []netip.Prefix{r.clients}}
		if r.allow {
			view.Recursive = answers
		}
		views = append(views, view)
	}
	return views
}
