package override_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/override"
)

// teller answers from texts by question, and notes what it was asked.
type teller struct {
	mu    sync.Mutex
	says  map[string]string // "www.example.io. A": RRs a line; "!NXDOMAIN zone", "!SERVFAIL", "!fail", "!slow 500ms RRs"
	asked []string
}

func (w *teller) Resolve(ctx context.Context, q lookup.Query) (*lookup.Response, error) {
	w.mu.Lock()
	key := q.Name.String() + " " + q.Type.String()
	w.asked = append(w.asked, key)
	text, ok := w.says[key]
	if !ok {
		text = w.says["*"]
	}
	w.mu.Unlock()
	if rest, ok := strings.CutPrefix(text, "!slow "); ok {
		wait, rr, _ := strings.Cut(rest, " ")
		d, _ := time.ParseDuration(wait)
		select {
		case <-ctx.Done():
			w.mu.Lock()
			w.asked = append(w.asked, "cancelled")
			w.mu.Unlock()
			return nil, ctx.Err()
		case <-time.After(d):
		}
		text = rr
	}
	switch {
	case text == "!fail":
		return nil, lookup.Fail(lookup.EDENoReachableAuth, "nobody is there")
	case text == "!panic":
		panic("as told")
	case text == "!SERVFAIL":
		return &lookup.Response{Rcode: lookup.SERVFAIL}, nil
	case strings.HasPrefix(text, "!STALE "):
		return &lookup.Response{Answer: lookup.MustRRsets(text[7:]), EDE: []lookup.EDE{{Code: lookup.EDEStaleAnswer}}}, nil
	case strings.HasPrefix(text, "!NODATA "):
		return &lookup.Response{Authority: lookup.MustRRsets(text[8:] + " 900 IN SOA a. b. 1 2 3 4 900")}, nil
	case strings.HasPrefix(text, "!NXDOMAIN "):
		return &lookup.Response{Rcode: lookup.NXDOMAIN, Authority: lookup.MustRRsets(text[10:] + " 900 IN SOA a. b. 1 2 3 4 900")}, nil
	case strings.HasPrefix(text, "!REFERRAL "):
		return &lookup.Response{Authority: lookup.MustRRsets(text[10:])}, nil
	}
	r := &lookup.Response{AA: true, Security: lookup.Secure}
	if rest, ok := strings.CutPrefix(text, "!INSECURE "); ok {
		r.Security, text = lookup.Insecure, rest
	}
	if text != "" {
		r.Answer = lookup.MustRRsets(text)
	}
	return r, nil
}

func (w *teller) tell(key, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.says[key] = text
}

func (w *teller) heard() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := strings.Join(w.asked, ", ")
	w.asked = nil
	return all
}

// asks is heard, which stays.
func (w *teller) asks() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.asked, ", ")
}

// world is a Set in which what is behind an override is a teller, by its first address
// or its file.
type world struct {
	*override.Set
	options override.Options
	next    *teller
	tellers map[string]*teller
	expired bool // copies are
	gone    bool // copies are, for good
	outage  bool
	mu      sync.Mutex
	events  []string
	running int
	broken  string // the target that cannot be made
}

func newWorld(overrides ...override.Override) *world {
	w := &world{next: &teller{says: map[string]string{}}, tellers: map[string]*teller{}}
	w.options = override.Options{
		Source: w.source,
		Outage: func(lookup.Name) (string, bool) {
			w.mu.Lock()
			defer w.mu.Unlock()
			return "7 silent", w.outage
		},
		Guarded:   func(zone lookup.Name) bool { return zone == "\x07guarded\x02io\x00" },
		Elsewhere: []lookup.Name{lookup.MustName("stub.example.io.")},
		Observe: func(e override.Event) {
			w.mu.Lock()
			defer w.mu.Unlock()
			text := fmt.Sprintf("%s %s", e.Kind, e.Override.Zone)
			if e.Kind == override.Trouble {
				text = fmt.Sprintf("%s %v", e.Kind, e.Err)
			}
			if e.Why != "" {
				text += ": " + e.Why
			}
			w.events = append(w.events, text)
		},
	}
	w.Set = override.New(w.options)
	w.configure(overrides...)
	return w
}

func (w *world) configure(overrides ...override.Override) {
	p, err := w.Prepare(overrides)
	if err != nil {
		panic(err)
	}
	w.Use(p)
}

func (w *world) told() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := strings.Join(w.events, "; ")
	w.events = nil
	return all
}

func (w *world) source(o override.Override) (override.Source, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken != "" && w.broken == o.Target() {
		return override.Source{}, fmt.Errorf("%s cannot be made", o.Target())
	}
	behind := w.tellers[o.Target()]
	if behind == nil {
		behind = &teller{says: map[string]string{}}
		w.tellers[o.Target()] = behind
	}
	run := func(ctx context.Context) error {
		w.mu.Lock()
		w.running++
		w.mu.Unlock()
		<-ctx.Done()
		w.mu.Lock()
		w.running--
		w.mu.Unlock()
		return nil
	}
	if o.Kind == override.Local {
		return override.Source{Run: run, Held: func() (lookup.Resolver, bool, bool) {
			w.mu.Lock()
			defer w.mu.Unlock()
			return behind, w.expired, !w.gone
		}}, nil
	}
	return override.Source{Path: behind, Run: run}, nil
}

// ask asks in a view, and gives the response on one line.
func (w *world) ask(t testing.TB, view, question string) string {
	t.Helper()
	return asked(t, w.Before(override.View{Name: view, Next: w.next}), question)
}

func query(question string) lookup.Query {
	name, kind, _ := strings.Cut(question, " ")
	types := map[string]lookup.Type{"": lookup.TypeA, "A": lookup.TypeA, "MX": lookup.TypeMX, "CNAME": lookup.TypeCNAME, "DS": lookup.TypeDS, "SRV": lookup.TypeSRV, "SOA": lookup.TypeSOA, "DNSKEY": lookup.TypeDNSKEY, "NS": lookup.TypeNS, "HTTPS": lookup.TypeHTTPS}
	t, ok := types[kind]
	if !ok {
		panic(kind)
	}
	return lookup.Query{RD: true, Question: lookup.Question{Name: lookup.MustName(name), Type: t, Class: lookup.ClassIN}}
}

func asked(t testing.TB, by lookup.Resolver, question string) string {
	t.Helper()
	r, err := by.Resolve(t.Context(), query(question))
	if err != nil {
		return err.Error()
	}
	return strings.Join(strings.Fields(strings.ReplaceAll(strings.TrimSpace(r.String()), "\n", " | ")), " ")
}

func expect(t testing.TB, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func zone(name string) lookup.Name { return lookup.MustName(name) }

func servers(name string, when override.When, addrs ...string) override.Override {
	o := override.Override{Zone: zone(name), Kind: override.Servers, When: when}
	for _, a := range addrs {
		o.Servers = append(o.Servers, netip.AddrPortFrom(netip.MustParseAddr(a), 53))
	}
	return o
}

func mirror(name, of string, when override.When) override.Override {
	return override.Override{Zone: zone(name), Kind: override.Mirror, Mirror: zone(of), When: when}
}

func local(name string, when override.When, absent override.Absent) override.Override {
	return override.Override{Zone: zone(name), Kind: override.Local, File: "copy", When: when, Absent: absent}
}

func inViews(o override.Override, views ...string) override.Override {
	o.Views = slices.Clone(views)
	return o
}

// choose is ours for example.io., and next for all else.
type choose struct{ ours, next lookup.Resolver }

func (c choose) Resolve(ctx context.Context, q lookup.Query) (*lookup.Response, error) {
	if q.Name.IsSubdomainOf(zone("example.io.")) {
		return c.ours.Resolve(ctx, q)
	}
	return c.next.Resolve(ctx, q)
}

// fixed says the same to everything.
// fixed has one response, for whoever asks; if it is of a name, other names do not exist.
type fixed struct {
	r  *lookup.Response
	of lookup.Name
}

func (f *fixed) Resolve(_ context.Context, q lookup.Query) (*lookup.Response, error) {
	if f.of != "" && q.Name != f.of {
		return &lookup.Response{Rcode: lookup.NXDOMAIN}, nil
	}
	return f.r, nil
}
