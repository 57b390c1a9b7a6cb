package survey_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/ecs"
	"github.com/sextant-dns/sextant/survey"
)

// authority is a server whose scopes are known: disjoint networks that fill the address
// space, each with an answer.
type authority struct {
	mu      sync.Mutex
	scopes  map[netip.Prefix]string
	queries int
	change  func(source netip.Prefix, h *survey.Heard)
}

// grow divides p by chance, down to the longest length.
func (a *authority) grow(r *rand.Rand, p netip.Prefix, longest, answers int) {
	if p.Bits() == longest || p.Bits() > 0 && r.IntN(3) == 0 {
		a.scopes[p] = fmt.Sprintf("192.0.2.%d", r.IntN(answers))
		return
	}
	for _, half := range halves(p) {
		a.grow(r, half, longest, answers)
	}
}

func halves(p netip.Prefix) []netip.Prefix {
	octets := p.Addr().AsSlice()
	octets[p.Bits()/8] |= 0x80 >> (p.Bits() % 8)
	upper, _ := netip.AddrFromSlice(octets)
	return []netip.Prefix{netip.PrefixFrom(p.Addr(), p.Bits()+1), netip.PrefixFrom(upper, p.Bits()+1)}
}

func newAuthority(seed uint64, all string, longest, answers int) *authority {
	a := &authority{scopes: map[netip.Prefix]string{}}
	a.grow(rand.New(rand.NewPCG(seed, 1)), netip.MustParsePrefix(all), longest, answers)
	return a
}

func (a *authority) ask(_ context.Context, source netip.Prefix) (survey.Heard, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.queries++
	for bits := source.Addr().BitLen(); bits >= 0; bits-- {
		scope := netip.PrefixFrom(source.Addr(), bits).Masked()
		if answer, ok := a.scopes[scope]; ok {
			h := survey.Heard{Answers: []string{answer}, TTL: 60, Option: &ecs.Option{Source: source, Scope: uint8(bits)}}
			if a.change != nil {
				a.change(source, &h)
			}
			return h, nil
		}
	}
	return survey.Heard{}, errors.New("no such network")
}

func fixed() *rand.Rand { return rand.New(rand.NewPCG(7, 7)) }

// One query for each scope, and every scope is found with its answer.
func TestAdaptiveSurveyFindsEachScopeWithOneQuery(t *testing.T) {
	t.Parallel()
	for _, space := range []struct {
		all     string
		longest int
	}{{"0.0.0.0/0", 12}, {"2000::/3", 16}, {"10.0.0.0/8", 20}} {
		for seed := range uint64(20) {
			a := newAuthority(seed, space.all, space.longest, 5)
			r, err := survey.Run(t.Context(), survey.Options{Ask: a.ask, Networks: []netip.Prefix{netip.MustParsePrefix(space.all)}, Adaptive: true, Most: 1 << 20})
			if err != nil {
				t.Fatal(err)
			}
			if a.queries != len(a.scopes) || r.Queries != a.queries {
				t.Errorf("%s, seed %d: %d queries for %d scopes", space.all, seed, a.queries, len(a.scopes))
			}
			if len(r.Regions) != len(a.scopes) || len(r.Problems)+len(r.Unasked)+len(r.Silent) != 0 {
				t.Errorf("%s, seed %d: %d regions, %v", space.all, seed, len(r.Regions), r.Problems)
			}
			for _, region := range r.Regions {
				if a.scopes[region.Network] != region.Answer() {
					t.Fatalf("%s, seed %d: %s has %q, not %q", space.all, seed, region.Network, a.scopes[region.Network], region.Answer())
				}
			}
		}
	}
}

// Joined networks are disjoint, say what the scopes say, and have no neighbours that
// could be one.
func TestJoinedNetworksSayTheSameInFewerLines(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		a := newAuthority(seed, "0.0.0.0/0", 10, 2)
		r, err := survey.Run(t.Context(), survey.Options{Ask: a.ask, Networks: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}, Adaptive: true, Most: 1 << 20, Parallel: 3})
		if err != nil {
			t.Fatal(err)
		}
		joined, scopes := r.Joined(), 0
		for i, j := range joined {
			scopes += j.Scopes
			for scope, answer := range a.scopes {
				if j.Network.Overlaps(scope) && (answer != j.Answer || scope.Bits() < j.Network.Bits()) {
					t.Fatalf("seed %d: %s is %s, and in it %s is %s", seed, j.Network, j.Answer, scope, answer)
				}
			}
			if i > 0 && joined[i-1].Answer == j.Answer && joined[i-1].Network.Bits() == j.Network.Bits() &&
				netip.PrefixFrom(j.Network.Addr(), j.Network.Bits()-1).Masked().Contains(joined[i-1].Network.Addr()) {
				t.Errorf("seed %d: %s and %s could be one", seed, joined[i-1].Network, j.Network)
			}
		}
		if scopes != len(a.scopes) {
			t.Errorf("seed %d: %d scopes of %d", seed, scopes, len(a.scopes))
		}
	}
}

// When the number of queries ends, what was not asked is named: together with the regions
// it fills the address space once.
func TestABoundLeavesNothingUntold(t *testing.T) {
	t.Parallel()
	for _, most := range []int{1, 2, 10, 50, 200} {
		for _, parallel := range []int{1, 4} {
			a := newAuthority(3, "0.0.0.0/0", 14, 4)
			r, err := survey.Run(t.Context(), survey.Options{Ask: a.ask, Networks: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}, Adaptive: true, Most: most, Parallel: parallel})
			if err != nil {
				t.Fatal(err)
			}
			if a.queries > most {
				t.Errorf("%d queries of %d", a.queries, most)
			}
			var size uint64
			for _, region := range r.Regions {
				size += 1 << (32 - region.Network.Bits())
			}
			for _, p := range r.Unasked {
				size += 1 << (32 - p.Bits())
			}
			if size != 1<<32 {
				t.Errorf("%d queries, %d at a time: %d addresses", most, parallel, size)
			}
		}
	}
}

// Networks that an earlier scope covers are not asked for.
func TestAListIsAskedAsFarAsNeeded(t *testing.T) {
	t.Parallel()
	a := &authority{scopes: map[netip.Prefix]string{
		netip.MustParsePrefix("9.0.0.0/8"): "192.0.2.9", netip.MustParsePrefix("11.1.2.0/26"): "192.0.2.11", netip.MustParsePrefix("11.1.3.0/24"): "192.0.2.12",
	}}
	var networks []netip.Prefix
	for _, text := range []string{"9.1.2.0/24", "9.200.0.0/16", "9.9.9.9/32", "11.1.2.0/24", "11.1.3.0/24", "11.1.3.128/25"} {
		networks = append(networks, netip.MustParsePrefix(text))
	}
	r, err := survey.Run(t.Context(), survey.Options{Ask: a.ask, Networks: networks})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, j := range r.Joined() {
		got = append(got, fmt.Sprint(j.Network, " ", j.Answer, " ", j.Wants))
	}
	want := []string{"9.0.0.0/8 192.0.2.9 false", "11.1.2.0/24 192.0.2.11 true", "11.1.3.0/24 192.0.2.12 false"}
	if !slices.Equal(got, want) || a.queries != 3 {
		t.Errorf("%d queries: %q", a.queries, got)
	}
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(source netip.Prefix, h *survey.Heard)
		want   []string
	}{
		{"all is well", nil, nil},
		{"no option", func(_ netip.Prefix, h *survey.Heard) { h.Option = nil }, []string{"no-option 0.0.0.0/0"}},
		{"another network", func(s netip.Prefix, h *survey.Heard) {
			if s.Addr().String() == "64.0.0.0" {
				h.Option.Source = netip.MustParsePrefix("9.9.9.0/24")
			}
		}, []string{"mismatch 64.0.0.0/24 9.9.9.0/24"}},
		{"another length", func(s netip.Prefix, h *survey.Heard) { h.Option.Source = netip.PrefixFrom(s.Addr(), 23) }, []string{"mismatch 0.0.0.0/24 0.0.0.0/23"}},
		{"not an option", func(s netip.Prefix, h *survey.Heard) { h.Bad = "too short" }, []string{"malformed 0.0.0.0/24 0.0.0.0/24"}},
		// The default's scope is said to be as wide as there is room in the whole.
		{"a wide scope over narrow ones", func(s netip.Prefix, h *survey.Heard) {
			if s.Addr().String() == "128.0.0.0" {
				h.Option.Scope = 0
			}
		}, []string{"overlap 0.0.0.0/2 0.0.0.0/0", "overlap 64.0.0.0/2 0.0.0.0/0"}},
	} {
		a := &authority{change: c.change, scopes: map[netip.Prefix]string{
			netip.MustParsePrefix("0.0.0.0/2"): "192.0.2.1", netip.MustParsePrefix("64.0.0.0/2"): "192.0.2.2", netip.MustParsePrefix("128.0.0.0/2"): "192.0.2.3",
		}}
		networks := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/2"), netip.MustParsePrefix("64.0.0.0/2"), netip.MustParsePrefix("128.0.0.0/2")}
		r, err := survey.Run(t.Context(), survey.Options{Ask: a.ask, Networks: networks, Adaptive: true, Rand: fixed()})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range r.Problems {
			text := fmt.Sprint(p.Kind, " ", p.Network)
			if p.Other != p.Network || p.Kind == survey.Malformed {
				text += fmt.Sprint(" ", p.Other)
			}
			got = append(got, text)
			if p.Kind != survey.NoOption && p.Breaches == "" || strings.Contains(p.String(), "nothing") {
				t.Errorf("%s: %s breaches %q", c.name, p, p.Breaches)
			}
		}
		slices.Sort(got)
		if strings.HasPrefix(c.name, "another length") || c.name == "not an option" {
			got = got[:1] // each of the networks
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// Checks ask from elsewhere in a scope, and tell a scope that is too wide from answers
// that change from query to query.
func TestChecksFindScopesThatAreTooWide(t *testing.T) {
	t.Parallel()
	networks := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}
	lie := &authority{scopes: map[netip.Prefix]string{netip.MustParsePrefix("0.0.0.0/0"): "192.0.2.1"}}
	lie.change = func(s netip.Prefix, h *survey.Heard) {
		if s.Addr().As4()[0] >= 128 {
			h.Answers = []string{"192.0.2.2"}
		}
	}
	kinds := func(a *authority, checks int) (found []survey.Kind) {
		t.Helper()
		r, err := survey.Run(t.Context(), survey.Options{Ask: a.ask, Networks: networks, Adaptive: true, Checks: checks, Rand: fixed()})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range r.Problems {
			if !slices.Contains(found, p.Kind) {
				found = append(found, p.Kind)
			}
		}
		return found
	}
	if got := kinds(lie, 0); got != nil {
		t.Errorf("without checks: %v", got)
	}
	if got := kinds(lie, 20); !slices.Equal(got, []survey.Kind{survey.Wrong}) {
		t.Errorf("a scope that is too wide: %v", got)
	}
	turn := 0
	robin := &authority{scopes: lie.scopes, change: func(_ netip.Prefix, h *survey.Heard) {
		turn++
		h.Answers = []string{fmt.Sprint(turn)}
	}}
	if got := kinds(robin, 20); !slices.Equal(got, []survey.Kind{survey.Unsteady}) {
		t.Errorf("a new answer each time: %v", got)
	}
	hidden := &authority{scopes: lie.scopes, change: func(s netip.Prefix, h *survey.Heard) {
		if s.Addr().As4()[0] >= 128 {
			h.Option.Scope = 8
		}
	}}
	if got := kinds(hidden, 20); !slices.Equal(got, []survey.Kind{survey.Overlap}) {
		t.Errorf("narrow scopes in a wide one: %v", got)
	}
}

func TestWhoDoesNotAnswerIsLeftAlone(t *testing.T) {
	t.Parallel()
	asked := 0
	o := survey.Options{Networks: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}, Adaptive: true}
	o.Networks = append(o.Networks, halves(o.Networks[0])...)
	o.Networks = append(o.Networks, halves(o.Networks[2])...)
	o.Ask = func(context.Context, netip.Prefix) (survey.Heard, error) {
		asked++
		return survey.Heard{}, errors.New("no reply")
	}
	r, err := survey.Run(t.Context(), o)
	if err == nil || asked != 3 || len(r.Silent) != 3 || len(r.Unasked) != 2 {
		t.Errorf("silence: %d queries, %+v, %v", asked, r, err)
	}
	asked = 0
	o.Ask = func(_ context.Context, s netip.Prefix) (survey.Heard, error) {
		asked++
		return survey.Heard{Rcode: dns.RcodeRefused}, nil
	}
	if _, err = survey.Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "REFUSED") || asked != 3 {
		t.Errorf("refusal: %d queries, %v", asked, err)
	}
	if _, err := survey.Run(t.Context(), survey.Options{Ask: o.Ask}); !errors.Is(err, survey.ErrNothing) {
		t.Errorf("no networks: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := survey.Run(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("ended: %v", err)
	}
}

func TestSummariesCountPlaces(t *testing.T) {
	t.Parallel()
	a := &authority{scopes: map[netip.Prefix]string{netip.MustParsePrefix("0.0.0.0/1"): "192.0.2.1", netip.MustParsePrefix("128.0.0.0/2"): "192.0.2.2", netip.MustParsePrefix("192.0.0.0/2"): "192.0.2.1"}}
	r, err := survey.Run(t.Context(), survey.Options{Ask: a.ask, Networks: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}, Adaptive: true})
	if err != nil {
		t.Fatal(err)
	}
	got := r.Summaries(func(at netip.Addr) survey.Place {
		if at.As4()[0] == 0 {
			return survey.Place{Country: "JP", AS: "AS64500"}
		}
		return survey.Place{Country: "SG"}
	})
	text := fmt.Sprintf("%v", got)
	if want := "[{192.0.2.1 [192.0.2.1] 2 0.75 [{JP 1} {SG 1}] [{AS64500 1}]} {192.0.2.2 [192.0.2.2] 1 0.25 [{SG 1}] []}]"; text != want {
		t.Errorf("got\n%s, want\n%s", text, want)
	}
}

// Against an oracle that counts addresses.
func TestWithoutLeavesTheRest(t *testing.T) {
	t.Parallel()
	r := fixed()
	network := func() netip.Prefix {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(r.IntN(256))}), 24+r.IntN(9)).Masked()
	}
	for range 300 {
		all := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")}
		out := []netip.Prefix{network(), network(), network()}
		left := survey.Without(all, out)
		for i := range 256 {
			at := netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})
			in := func(p netip.Prefix) bool { return p.Contains(at) }
			n := 0
			for _, p := range left {
				if in(p) {
					n++
				}
			}
			if want := !slices.ContainsFunc(out, in); (n == 1) != want || n > 1 {
				t.Fatalf("%v without %v: %v has %s %d times", all, out, left, at, n)
			}
		}
	}
}
