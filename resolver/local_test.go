package resolver_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/authoritative"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
	"github.com/sextant-dns/sextant/zones"
)

// held is a copy of a zone, made of the zone as it was then, which can be taken
// out of use.
type held struct {
	name   lookup.Name
	copied lookup.Resolver
	gone   atomic.Bool
}

func (n *internet) held(apex string, change ...func([]zones.Record) []zones.Record) *held {
	n.tb.Helper()
	z := n.zones[lookup.MustName(apex)]
	sets := slices.Clone(z.sets)
	if z.chain != nil {
		for _, s := range z.chain.nsec {
			sets = append(sets, s)
		}
	}
	var records []zones.Record
	for _, s := range sets {
		for rdata := range s.Data.All() {
			records = append(records, zones.Record{Name: s.Name, Type: s.Type, TTL: s.TTL, Data: rdata})
		}
		for rdata := range s.Sigs.All() {
			records = append(records, zones.Record{Name: s.Name, Type: lookup.TypeRRSIG, TTL: s.TTL, Data: rdata})
		}
	}
	for _, f := range change {
		records = f(records)
	}
	copied, err := zones.New(z.apex, records, "copy")
	if err != nil {
		n.tb.Fatal(err)
	}
	tree, err := zones.NewTree(copied)
	if err != nil {
		n.tb.Fatal(err)
	}
	return &held{name: z.apex, copied: authoritative.New(tree)}
}

func (h *held) zone() resolver.Zone {
	return resolver.Zone{Name: h.name, Local: func() (lookup.Resolver, bool) { return h.copied, !h.gone.Load() }}
}

// root tells how many messages the root servers got.
func (n *internet) root() int { return n.count("198.51.100.1 ") + n.count("198.51.100.2 ") }

func TestTheRootIsNotAskedWhenThereIsACopyOfIt(t *testing.T) {
	t.Parallel()
	for what, change := range map[string]func(*resolver.Options){"all shown": func(*resolver.Options) {}, "minimised": minimised} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			n := shops(t)
			r := n.resolver(primed, change, with(n.held(".").zone()))
			expect(t, r, "www.example.com. A", www)
			expect(t, r, "www.example.org. A", "NOERROR | www.example.org. 120 A 203.0.113.80")
			expect(t, r, "a.b.secret.nosuch. A", "NXDOMAIN |  | . 300")
			expect(t, r, "com. DS", "NOERROR |  | . 300")
			if got := ask(t, r, ". NS"); !strings.HasPrefix(got, "NOERROR | . 86400 NS ns1. , . 86400 NS ns2.") {
				t.Errorf("got %s", got)
			}
			if n.root() > 0 || n.count("secret") > 0 {
				t.Errorf("sent\n%s", n.log())
			}
			if what == "minimised" && n.count("198.51.100.11 www.example.com.") > 0 {
				t.Errorf("the servers of com saw more than they needed:\n%s", n.log())
			}
			if s := r.Stats(); s.Local < 5 {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestACopyThatMayNotBeUsedIsAsIfThereWereNone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := shops(t)
		copied := n.held(".")
		copied.gone.Store(true)
		r := n.resolver(primed, with(copied.zone()))
		expect(t, r, "www.example.com. A", www)
		if n.count(" . NS") != 1 || n.root() != 2 || r.Stats().Local != 0 {
			t.Errorf("sent\n%s", n.log())
		}
		copied.gone.Store(false)
		n.forget()
		expect(t, r, "www.example.org. A", "NOERROR | www.example.org. 120 A 203.0.113.80")
		if n.root() != 0 {
			t.Errorf("sent\n%s", n.log())
		}
		copied.gone.Store(true)
		expect(t, r, "x.nosuch. A", "NXDOMAIN |  | . 300")
		if n.root() != 1 {
			t.Errorf("sent\n%s", n.log())
		}
	})
}

// The root servers that the copy names are known when it ends; nothing had to be
// sent for that.
func TestACopyOfTheRootPrimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := shops(t)
		root := n.zones[lookup.Root]
		root.add(". 86400 NS ns3.\nns3. 86400 A 198.51.100.3")
		n.host("198.51.100.3").zones = []*zone{root}
		copied := n.held(".")
		r := n.resolver(primed, with(copied.zone()))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- r.Run(ctx) }()
		time.Sleep(3 * 24 * time.Hour)
		if n.count("") != 0 {
			t.Errorf("sent\n%s", n.log())
		}
		copied.gone.Store(true)
		n.silence("198.51.100.1", "198.51.100.2")
		expect(t, r, "www.example.com. A", www)
		if n.count("198.51.100.3 www") != 1 || n.count(" . NS") != 0 {
			t.Errorf("sent\n%s", n.log())
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// Whatever a copy says that makes no sense, the servers of the zone are asked.
func TestACopyThatDoesNotHelpIsPassedOver(t *testing.T) {
	t.Parallel()
	for what, say := range map[string]lookup.Func{
		"an error": func(context.Context, lookup.Query) (*lookup.Response, error) { return nil, errors.New("broken") },
		"REFUSED": func(context.Context, lookup.Query) (*lookup.Response, error) {
			return &lookup.Response{Rcode: lookup.REFUSED}, nil
		},
		"nothing": func(context.Context, lookup.Query) (*lookup.Response, error) { return &lookup.Response{AA: true}, nil },
		"upwards": func(context.Context, lookup.Query) (*lookup.Response, error) {
			return &lookup.Response{Authority: lookup.MustRRsets(". 60 IN NS ns.elsewhere.")}, nil
		},
	} {
		for _, apex := range []string{".", "com."} {
			n := shops(t)
			r := n.resolver(primed, minimised, with(resolver.Zone{Name: lookup.MustName(apex), Local: func() (lookup.Resolver, bool) { return say, true }}))
			expect(t, r, "www.example.com. A", www)
			if n.root() == 0 || n.count("198.51.100.11 example.com. A") != 1 || r.Stats().Local != 0 {
				t.Errorf("%s, %s: sent\n%s", apex, what, n.log())
			}
		}
	}
}

func TestACopyOfAnotherZoneKeepsAllAboveOutOfIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := shops(t)
		copied := n.held("com.")
		r := n.resolver(primed, minimised, with(copied.zone()))
		n.silence("198.51.100.1", "198.51.100.2")
		expect(t, r, "www.example.com. A", www)
		if s := r.Stats(); s.Cuts != 1 {
			t.Errorf("%d cuts are remembered, want that of example.com.", s.Cuts)
		}
		expect(t, r, "nosuch.com. A", "NXDOMAIN |  | com. 300")
		expect(t, r, "com. SOA", "NOERROR | com. 3600 SOA ns1. host. 1 7200 3600 1209600 300")
		if n.root() != 0 || n.count("198.51.100.11 ") != 0 {
			t.Errorf("sent\n%s", n.log())
		}
		// The delegation that the copy has given lives as long as it says, not longer.
		n.silence("192.0.2.1", "192.0.2.2")
		time.Sleep(25 * time.Hour)
		copied.gone.Store(true)
		n.wake("198.51.100.1", "198.51.100.2", "192.0.2.1", "192.0.2.2")
		n.forget()
		expect(t, r, "www.example.com. A", www)
		if n.root() == 0 || n.count("198.51.100.11 example.com. A") != 1 {
			t.Errorf("sent\n%s", n.log())
		}
	})
}

func TestACopyComesBeforeTheServersOfAStubZoneAndNotBeforeAForwarder(t *testing.T) {
	t.Parallel()
	n := office(t)
	n.zones["\x04corp\x00"] = n.host("10.0.0.53").zones[0]
	copied := n.held("corp.")
	stub := pin("corp.", "10.0.0.53")
	stub.Local = copied.zone().Local
	r := n.resolver(with(stub))
	expect(t, r, "db.corp. A", "NOERROR | db.corp. 60 A 10.0.0.1")
	if n.count("") != 0 {
		t.Errorf("sent\n%s", n.log())
	}
	copied.gone.Store(true)
	expect(t, r, "nope.corp. A", "NXDOMAIN |  | corp. 60")
	if n.count("10.0.0.53 ") != 1 || n.count("") != 1 {
		t.Errorf("sent\n%s", n.log())
	}
	copied.gone.Store(false)
	forwarded := forward(pin("corp.", "192.0.2.53"))
	forwarded.Local = copied.zone().Local
	expect(t, n.resolver(with(forwarded)), "db.corp. A", "NOERROR | db.corp. 60 A 10.66.66.66")
}

func TestWhatACopySaysIsValidated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := signedShops(t)
		r := n.resolver(primed, minimised, n.validating, with(n.held(".").zone(), n.held("com.").zone()))
		for q, want := range map[string]string{
			"www.bank.com. A":    "secure NOERROR",
			"www.example.org. A": "insecure NOERROR", // the copy proves that it has no DS
			"nosuch. A":          "secure NXDOMAIN",
			"x.nosuch. A":        "secure NXDOMAIN",
			"nosuch.com. A":      "secure NXDOMAIN",
			"com. DS":            "secure NOERROR",
			"bank.com. DS":       "secure NOERROR",
			". DNSKEY":           "secure NOERROR",
			". TXT":              "secure NOERROR",
		} {
			if got := judged(t, r, q); got != want {
				t.Errorf("%s: %s, want %s", q, got, want)
			}
		}
		if n.root() != 0 || n.count("198.51.100.11 ") != 0 {
			t.Errorf("sent\n%s", n.log())
		}
	})
}

// A copy that was tampered with, and resealed with all care.
func TestWhatIsBogusInACopyIsAskedOfTheServers(t *testing.T) {
	t.Parallel()
	drop := func(name string, t lookup.Type) func([]zones.Record) []zones.Record {
		return func(all []zones.Record) []zones.Record {
			return slices.DeleteFunc(all, func(r zones.Record) bool { return r.Name == lookup.MustName(name) && r.Type == t })
		}
	}
	for what, c := range map[string]struct {
		change func([]zones.Record) []zones.Record
		q      string
		want   string
	}{
		"the DS is gone":      {drop("com.", lookup.TypeDS), "www.bank.com. A", "secure NOERROR"},
		"the DS is another":   {func(all []zones.Record) []zones.Record { return replaced(all, "com.", lookup.TypeDS) }, "www.bank.com. A", "secure NOERROR"},
		"the keys are others": {func(all []zones.Record) []zones.Record { return replaced(all, ".", lookup.TypeDNSKEY) }, "www.bank.com. A", "secure NOERROR"},
		"no proofs":           {drop(".", lookup.TypeNSEC), "nosuch. A", "secure NXDOMAIN"},
		"no signatures at all": {func(all []zones.Record) []zones.Record {
			return slices.DeleteFunc(all, func(r zones.Record) bool { return r.Type == lookup.TypeRRSIG })
		}, "nosuch. A", "secure NXDOMAIN"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := signedShops(t)
				r := n.resolver(primed, n.validating, with(n.held(".", c.change).zone()))
				if got := judged(t, r, c.q); got != c.want || n.root() == 0 {
					t.Errorf("%s, sent\n%s", got, n.log())
				}
				n.silence("198.51.100.1", "198.51.100.2")
				again := n.resolver(primed, n.validating, with(n.held(".", c.change).zone()))
				if got := judged(t, again, c.q); !strings.HasPrefix(got, "error: ") {
					t.Errorf("with silent servers: %s", got)
				}
				time.Sleep(time.Minute)
			})
		})
	}
}

// replaced is all with an octet changed at the end of those of that name and type.
func replaced(all []zones.Record, name string, t lookup.Type) []zones.Record {
	for i, r := range all {
		if r.Name == lookup.MustName(name) && r.Type == t {
			all[i].Data = r.Data[:len(r.Data)-1] + string(r.Data[len(r.Data)-1]^1)
		}
	}
	return all
}

// Name servers are found without validation, or priming would wait for itself.
func TestPrimingWaitsForNoValidation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := signedShops(t)
		for _, zone := range [][]resolver.Zone{nil, {n.held(".").zone()}} {
			r := n.resolver(primed, n.validating, with(zone...))
			start := time.Now()
			if got := judged(t, r, "www.bank.com. A"); got != "secure NOERROR" || time.Since(start) > 0 {
				t.Errorf("%s after %v", got, time.Since(start))
			}
		}
	})
}

func TestTheTraceTellsOfTheCopy(t *testing.T) {
	t.Parallel()
	n := shops(t)
	r := n.resolver(with(n.held(".").zone()))
	q := question("www.example.com. A")
	q.Trace = lookup.NewTrace(nil)
	if _, err := r.Resolve(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	events, _ := q.Trace.Events()
	if !slices.ContainsFunc(events, func(e lookup.Event) bool {
		return e.Kind == lookup.EventCopy && e.Target == lookup.Root && e.Text == "referral"
	}) {
		t.Errorf("%v", events)
	}
}
