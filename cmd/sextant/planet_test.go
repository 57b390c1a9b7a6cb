package main

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sextant-dns/sextant/lab"
	"github.com/sextant-dns/sextant/lifeline"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
)

// planet is a lab.TLD for tests.
type planet struct {
	*lab.TLD
	tb    testing.TB
	naive bool // nobody validates
	fixed bool // nothing is left to chance
}

var (
	tlds     = addrs("198.51.100.1 198.51.101.1 198.51.102.1 198.51.103.1 198.51.104.1 198.51.105.1 198.51.106.1")
	children = addrs("192.0.2.1 203.0.113.1")
	roots    = addrs("198.41.1.1")
)

func addrs(text string) (all []netip.Addr) {
	for _, f := range strings.Fields(text) {
		all = append(all, netip.MustParseAddr(f))
	}
	return all
}

func newPlanet(tb testing.TB, signed bool) *planet {
	tb.Helper()
	t, err := lab.NewTLD(lab.TLDOptions{Signed: signed})
	if err != nil {
		tb.Fatal(err)
	}
	return &planet{TLD: t, tb: tb}
}

// add makes a variant.
func (p *planet) add(name string, v lab.Variant) {
	p.tb.Helper()
	if err := p.Add(name, v); err != nil {
		p.tb.Fatal(err)
	}
}

// parts makes the parts of a configuration.
func (p *planet) parts(t *testing.T, yaml string) *parts {
	t.Helper()
	w := wiring{exchanger: p}
	for _, root := range p.Roots() {
		w.hints = append(w.hints, resolver.Server(root))
	}
	if p.naive { // and chance is the same each time
		var last atomic.Uint64
		w.unsigned, w.intN = true, func(n int) int { return int(last.Add(7) % uint64(n)) }
	}
	if p.fixed {
		w.intN = func(n int) int { return n - 1 }
	}
	yaml += fmt.Sprintf("\ndnssec: {builtin-anchor: false, trust-anchors: [%q]}\n", p.Anchor())
	built, err := build(parsed(t, yaml), w)
	if err != nil {
		t.Fatal(err)
	}
	return built
}

// run makes the parts of a configuration and has protected zones be kept.
func (p *planet) run(t *testing.T, yaml string) *outage {
	t.Helper()
	built := p.parts(t, yaml)
	r := &outage{parts: built, t: t}
	t.Cleanup(func() { time.Sleep(30 * time.Second) }) // what was begun for others ends, too
	if built.lifeline != nil {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { _ = built.lifeline.Run(ctx); close(ended) }()
		r.stop = func() { cancel(); <-ended }
		t.Cleanup(r.stop)
	}
	return r
}

// outage is a server without its sockets.
type outage struct {
	*parts
	t    *testing.T
	stop func()
}

// ask is what a client of the first view hears, in few words.
func (r *outage) ask(name string, kind lookup.Type) string {
	ctx, cancel := context.WithTimeout(r.t.Context(), 6*time.Second)
	defer cancel()
	response, err := r.state.Load().served[0].Recursive.Resolve(ctx, lookup.Query{RD: true, Question: lookup.Question{Name: lookup.MustName(name), Type: kind, Class: lookup.ClassIN}})
	if err != nil {
		return err.Error()
	}
	_, end := response.Chase(lookup.MustName(name))
	if set, ok := lookup.Find(response.Answer, end, kind); ok {
		set.Sigs = ""
		text := strings.Fields(set.String())
		if response.Security == lookup.Secure {
			text = append(text, "AD")
		}
		return strings.Join(text[4:], " ")
	}
	return response.Rcode.String()
}

func (r *outage) a(name string) string { return r.ask(name, lookup.TypeA) }

func (r *outage) zone() lifeline.Status {
	r.t.Helper()
	s, ok := r.lifeline.StatusOf("\x07example\x02io\x00")
	if !ok {
		r.t.Fatal("not protected")
	}
	return s
}

// expect is the state that the zone is in.
func (r *outage) expect(want lifeline.State) {
	r.t.Helper()
	if s := r.zone(); s.State != want {
		r.t.Errorf("%s, want %s: %s (%s)", s.State, want, s.Reason, s.Last)
	}
}
