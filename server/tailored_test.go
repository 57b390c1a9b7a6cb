package server

import (
	"context"
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/authoritative"
	"github.com/sextant-dns/sextant/geo"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/overlay"
	"github.com/sextant-dns/sextant/tailor"
	"github.com/sextant-dns/sextant/zones"
)

// tailored is an authority whose www.example. depends on who asks.
func tailored(t testing.TB) *authoritative.Authority {
	base, err := zones.Load(strings.NewReader("@ 300 SOA ns host 1 2 3 4 300\n@ 300 NS ns\nns 300 A 192.0.2.53\nwww 300 A 192.0.2.80\n"), "", zones.LoadOptions{Origin: lookup.MustName("example.")})
	if err != nil {
		t.Fatal(err)
	}
	o := &overlay.Overlay{Apex: base.Apex()}
	for network, text := range map[string]string{"198.51.100.0/24": "www.example. 60 IN A 192.0.2.24", "10.0.0.0/8": "www.example. 60 IN A 192.0.2.10"} {
		o.Rules = append(o.Rules, overlay.Rule{
			When: overlay.Condition{Terms: []overlay.Term{{Selector: geo.Selector{Kind: geo.Network, Value: network}}}},
			Set:  lookup.MustRRsets(text)[0]})
	}
	return laidOver(t, base, o, tailor.Options{})
}

// laidOver is an authority of a zone with an overlay that no database decides about.
func laidOver(t testing.TB, base *zones.Zone, o *overlay.Overlay, options tailor.Options) *authoritative.Authority {
	t.Helper()
	m, err := geo.Compile(o.Selectors(), geo.Sources{})
	if err != nil {
		t.Fatal(err)
	}
	tree, err := zones.NewTree(base)
	if err != nil {
		t.Fatal(err)
	}
	options.Atlas = tailor.NewAtlas(func() *geo.Map { return m })
	a := authoritative.New(nil)
	a.Serve(authoritative.Data{Tree: tree, Tailored: map[lookup.Name]*tailor.Zone{base.Apex(): tailor.New(base, o, options)}})
	return a
}

// What our zones tailor is kept for those who hear the same, with the option and without,
// and for nobody else; and who sends no option gets none. Asked directly, they are asked
// once for each of the answers, of which the first must come twice to be kept.
func TestE26E27E28E39E40TailoredPackets(t *testing.T) {
	t.Parallel()
	for _, recursive := range []bool{false, true} {
		asked := 0
		count := func(r lookup.Resolver) lookup.Resolver {
			return lookup.Func(func(ctx context.Context, q lookup.Query) (*lookup.Response, error) {
				asked++
				return r.Resolve(ctx, q)
			})
		}
		view := View{Authoritative: count(tailored(t))}
		if recursive {
			view = View{Recursive: count(tailored(t).Before(always(&lookup.Response{Rcode: lookup.REFUSED})))}
		}
		s := New(Options{Views: []View{view}})
		for _, c := range []struct {
			from, subnet, want string
			scope              int // -1: no option
			alone, before      int // questions so far: to the zones themselves, and before a resolver
		}{
			{"203.0.113.9", "", "192.0.2.80", -1, 1, 1},
			{"198.51.100.7", "", "192.0.2.24", -1, 2, 2},
			{"203.0.113.9", "", "192.0.2.80", -1, 3, 2},
			{"198.51.100.200", "", "192.0.2.24", -1, 3, 2},
			{"203.0.113.9", "198.51.100.0/24", "192.0.2.24", 24, 3, 2},
			{"198.51.100.7", "203.0.113.0/24", "192.0.2.80", 5, 3, 2},
			{"10.1.1.1", "", "192.0.2.10", -1, 4, 3},
			{"10.200.1.1", "", "192.0.2.10", -1, 4, 3},
			{"203.0.113.9", "10.1.2.0/24", "192.0.2.80", 8, 4, 4}, // who asks decides, and that is not kept
			{"198.51.100.7", "10.1.2.0/24", "192.0.2.24", 8, 4, 5},
			{"203.0.113.9", "10.1.2.0/24", "192.0.2.80", 8, 4, 6},
			{"10.1.1.1", "10.1.2.0/24", "192.0.2.10", 8, 4, 7},
			{"198.51.100.7", "0.0.0.0/0", "192.0.2.24", 0, 4, 8},
			{"203.0.113.9", "0.0.0.0/0", "192.0.2.80", 0, 4, 9},
			{"203.0.113.9", "198.51.0.0/16", "192.0.2.80", 17, 4, 10}, // too coarse: one of its halves is all alike
			{"198.51.100.7", "198.51.0.0/16", "192.0.2.80", 17, 4, 10},
			{"198.51.100.7", "", "192.0.2.24", -1, 4, 10},
		} {
			m := ask("www.example. A")
			if c.subnet != "" {
				p := netip.MustParsePrefix(c.subnet)
				data := append([]byte{0, 1, byte(p.Bits()), 0}, p.Addr().AsSlice()[:(p.Bits()+7)/8]...)
				edns(1232, false, option(8, string(data)))(m)
			}
			reply := tell(t, s, packed(t, m), UDP, c.from+":1024")
			scope, want := -1, c.alone
			if recursive {
				want = c.before
			}
			if opt := reply.IsEdns0(); opt != nil {
				for _, o := range opt.Option {
					if subnet, ok := o.(*dns.EDNS0_SUBNET); ok {
						scope = int(subnet.SourceScope)
					}
				}
			}
			if got := reply.Answer[0].(*dns.A).A.String(); got != c.want || scope != c.scope || asked != want {
				t.Errorf("recursive %v: %s with %q: %s, scope %d after %d questions, not %s, scope %d after %d", recursive, c.from, c.subnet, got, scope, asked, c.want, c.scope, want)
			}
		}
	}
}

// prompter is a Resolver that has to wait for one name.
type prompter struct {
	lookup.Func
	slow     lookup.Name
	prompted *int
}

func (p prompter) Prompt(q lookup.Query) (*lookup.Response, bool) {
	*p.prompted++
	if q.Name == p.slow {
		return nil, false
	}
	r, err := p.Resolve(context.Background(), q)
	return r, err == nil
}

// Who receives queries waits for nothing: what takes time is for somebody else.
func TestWhatOurZonesMustWaitForIsLeftToOthers(t *testing.T) {
	t.Parallel()
	prompted, asked := 0, 0
	p := prompter{slow: lookup.MustName("alias.example."), prompted: &prompted, Func: func(ctx context.Context, q lookup.Query) (*lookup.Response, error) {
		asked++
		if _, bounded := ctx.Deadline(); bounded != (q.Name == lookup.MustName("alias.example.")) {
			t.Errorf("%s: has a deadline: %v", q.Name, bounded)
		}
		return &lookup.Response{AA: true, Answer: []lookup.RRset{{Name: q.Name, Type: lookup.TypeA, TTL: 60, Data: lookup.PackRdata("\xc0\x00\x02\x01")}}}, nil
	}}
	s := New(Options{Views: []View{{Authoritative: p}}})
	for _, c := range []struct {
		question        string
		done            bool
		prompted, asked int
	}{
		{"www.example. A", true, 1, 1},
		{"alias.example. A", false, 2, 1},
	} {
		msg := packed(t, ask(c.question))
		q := query{state: state{msg: msg, from: netip.MustParseAddrPort("192.0.2.1:1024"), arrived: s.options.Now(), tally: s.tally}}
		if reply, done := s.quick(nil, &q); done != c.done || (reply != nil) != c.done || prompted != c.prompted || asked != c.asked {
			t.Errorf("%s: done %v with %d octets, after %d and %d questions", c.question, done, len(reply), prompted, asked)
		}
	}
	if reply := tell(t, s, packed(t, ask("alias.example. A")), UDP, "192.0.2.1:1024"); len(reply.Answer) != 1 || asked != 2 {
		t.Errorf("after %d questions: %v", asked, reply)
	}
}
