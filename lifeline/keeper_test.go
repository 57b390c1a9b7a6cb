package lifeline_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/lifeline"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/store"
)

// keeping is a Keeper in a world, with what it has told.
type keeping struct {
	*lifeline.Keeper
	w       *world
	options lifeline.Options
	parent  lifeline.Parent
	known   atomic.Pointer[lookup.Func] // what the path by the known delegation answers
	paths   atomic.Int32                // how many were made

	mu   sync.Mutex
	errs []string
}

func newKeeping(w *world, change ...func(*lifeline.Options)) *keeping {
	k := &keeping{w: w, parent: w.io(false)}
	k.parent.Unsigned = true
	k.options = lifeline.Options{
		Zones:  []lifeline.Protected{{Zone: example}},
		Caller: w.caller(),
		Parent: func(context.Context, lookup.Name) (lifeline.Parent, error) { return k.parent, nil },
		Path: func(lifeline.Snapshot) lookup.Resolver {
			k.paths.Add(1)
			return lookup.Func(func(ctx context.Context, q lookup.Query) (*lookup.Response, error) {
				if f := k.known.Load(); f != nil {
					return (*f)(ctx, q)
				}
				return answer("192.0.2.80"), nil
			})
		},
		Report: func(_ lookup.Name, err error) {
			k.mu.Lock()
			defer k.mu.Unlock()
			k.errs = append(k.errs, err.Error())
		},
		Jitter: func() float64 { return 0 },
	}
	for _, f := range change {
		f(&k.options)
	}
	k.restart(w.tb)
	return k
}

// restart is what a new process finds.
func (k *keeping) restart(tb testing.TB) {
	fresh, err := lifeline.New(k.options)
	if err != nil {
		tb.Fatal(err)
	}
	k.Keeper = fresh
}

func (k *keeping) call(tb testing.TB, times int) {
	tb.Helper()
	for range times {
		if _, err := k.RollCall(tb.Context(), example); err != nil {
			tb.Fatal(err)
		}
	}
}

func (k *keeping) state(tb testing.TB) lifeline.Status {
	tb.Helper()
	s, ok := k.StatusOf("\x03www" + example)
	if !ok {
		tb.Fatal("not protected")
	}
	return s
}

func answer(a string) *lookup.Response {
	return &lookup.Response{Answer: lookup.MustRRsets("www.example.io. 60 A " + a)}
}

func vault(tb testing.TB) (*store.Vault, string) {
	tb.Helper()
	folder := filepath.Join(tb.TempDir(), "state")
	v, err := store.OpenVault(folder)
	if err != nil {
		tb.Fatal(err)
	}
	return v, folder
}

// T8: a process that dies in the middle of an outage goes on where it was.
func TestRestartInAnOutage(t *testing.T) {
	t.Parallel()
	v, _ := vault(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		k := newKeeping(w, func(o *lifeline.Options) { o.Records = v })
		k.call(t, 3)
		w.all(0, 7, w.silent())
		k.call(t, 1)
		if s := k.state(t); s.State != lifeline.Emergency || s.Stand != lifeline.Held {
			t.Fatalf("%+v", s)
		}
		time.Sleep(10 * time.Hour)
		k.options.Parent = func(context.Context, lookup.Name) (lifeline.Parent, error) {
			return lifeline.Parent{}, errors.New("nobody can be asked")
		}
		k.restart(t)
		s := k.state(t)
		if s.State != lifeline.Emergency || s.Stand != lifeline.Held || !s.Snapshot.Delegation.Agrees(good()) || s.Snapshot.Unproven() {
			t.Errorf("after the restart: %+v", s)
		}
		w.forget()
		k.call(t, 1) // it knows whom to ask
		if w.count("example.io. NS") != 14 {
			t.Errorf("sent %v", w.sent)
		}
		w.all(0, 7, w.refers(lookup.MustRRsets(glued)...))
		for range 4 {
			time.Sleep(time.Minute)
			k.call(t, 1)
		}
		if s := k.state(t); s.State != lifeline.Recovering {
			t.Errorf("%s", s.State)
		}
		if len(k.errs) > 0 {
			t.Errorf("reported: %v", k.errs)
		}
	})
}

// T9: what was changed, put back from the past or is of no use is told and not used, and
// nothing breaks.
func TestTamperedRecords(t *testing.T) {
	t.Parallel()
	old := lookup.MustRRsets(strings.ReplaceAll(glued, "ns2", "ns9"))
	for _, c := range []struct {
		name   string
		tamper func(t *testing.T, folder string, was map[string][]byte)
		epoch  uint64 // of what is used
		err    string
	}{
		{"nothing", func(*testing.T, string, map[string][]byte) {}, 4, ""},
		{"one octet", func(t *testing.T, folder string, _ map[string][]byte) {
			change(t, filepath.Join(folder, "record-example.io."), func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
		}, 3, "seal is broken"},
		{"cut short", func(t *testing.T, folder string, _ map[string][]byte) {
			change(t, filepath.Join(folder, "record-example.io."), func(b []byte) []byte { return b[:7] })
		}, 3, "seal is broken"},
		{"all of it", func(t *testing.T, folder string, _ map[string][]byte) {
			for _, f := range []string{"record-example.io.", "record-example.io..1", "record-example.io..2"} {
				change(t, filepath.Join(folder, f), func(b []byte) []byte { return bytes.Repeat([]byte{0}, 100_000) })
			}
		}, 0, "seal is broken"},
		{"the past", func(t *testing.T, folder string, was map[string][]byte) {
			for _, f := range []string{"record-example.io.", "record-example.io..1", "record-example.io..2"} {
				change(t, filepath.Join(folder, f), func([]byte) []byte { return was["record-example.io."] })
			}
		}, 0, "older record"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			v, folder := vault(t)
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				k := newKeeping(w, func(o *lifeline.Options) {
					o.Records = v
					o.Zones[0].Policy = lifeline.Policy{Change: lifeline.Follow}
				})
				k.call(t, 1)
				was := files(t, folder)
				for i := range 3 { // three changes, so that the first record is older than all that are kept
					w.all(0, 7, w.refers([][]lookup.RRset{old, lookup.MustRRsets(glued)}[i%2]...))
					for range 3 {
						time.Sleep(10 * time.Minute)
						k.call(t, 1)
					}
				}
				if s := k.state(t); s.Snapshot.Epoch != 4 {
					t.Fatalf("epoch %d", s.Snapshot.Epoch)
				}
				c.tamper(t, folder, was)
				k.restart(t)
				if s := k.state(t); s.Snapshot.Epoch != c.epoch || s.Snapshot.Known() != (c.epoch > 0) {
					t.Errorf("epoch %d, want %d", s.Snapshot.Epoch, c.epoch)
				}
				if got := strings.Join(k.errs, "; "); !strings.Contains(got, c.err) || (got == "") != (c.err == "") {
					t.Errorf("reported %q, want %q", got, c.err)
				}
				k.call(t, 1) // and it goes on
			})
		})
	}
}

func files(t *testing.T, folder string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if all[e.Name()], err = os.ReadFile(filepath.Join(folder, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func change(t *testing.T, path string, f func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, f(b), 0o600); err != nil {
		t.Fatal(err)
	}
}

// records are what a sealed file may hold although its seal is whole.
type records map[string][]byte

func (r records) Save(name string, _ uint64, content []byte) error {
	r[name] = content
	return nil
}

func (r records) Load(name string) ([]byte, uint64, error) { return r[name], 1, nil }

func TestUselessRecords(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		kept := records{}
		k := newKeeping(newWorld(t), func(o *lifeline.Options) { o.Records = kept })
		k.call(t, 1)
		good := string(kept["example.io."])
		for _, c := range []struct{ text, want string }{
			{good, ""},
			{"", "JSON"},
			{"{}", "version 0"},
			{strings.Replace(good, `"Zone":"example.io."`, `"Zone":"else.io."`, 1), "of the zone else.io."},
			{strings.Replace(good, `"Zone":"example.io."`, `"Zone":"..."`, 1), "empty label"},
			{strings.Replace(good, `"First":"2000`, `"First":"2001`, 1), "seen first at 2001"},
			{strings.Replace(good, `"Confirmed":"2000-01`, `"Confirmed":"1999-10`, 1), "more than 30 days ago"},
		} {
			kept["example.io."], k.errs = []byte(c.text), nil
			k.restart(t)
			if got := strings.Join(k.errs, "; "); !strings.Contains(got, c.want) || (got == "") != (c.want == "") {
				t.Errorf("%s: reported %q, want %q", c.text, got, c.want)
			}
			if k.state(t).Snapshot.Known() != (c.want == "") {
				t.Errorf("%s: known %v", c.text, k.state(t).Snapshot.Known())
			}
		}
		if !json.Valid([]byte(good)) {
			t.Error("no JSON")
		}
	})
}

// What is protected costs memory and messages, and is a list that somebody has made by hand.
func TestZonesAreFew(t *testing.T) {
	t.Parallel()
	var o lifeline.Options
	for range lifeline.MaxZones + 1 {
		o.Zones = append(o.Zones, lifeline.Protected{Zone: lookup.MustName(fmt.Sprintf("z%d.io.", len(o.Zones)))})
	}
	if _, err := lifeline.New(o); err == nil {
		t.Error("1001 zones are protected")
	}
	o.Zones = o.Zones[1:]
	if _, err := lifeline.New(o); err != nil {
		t.Error(err)
	}
}

// Whatever clients ask, there is one roll-call in 30 seconds; and Run ends.
func TestRollCallsByDemand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		k := newKeeping(w)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- k.Run(ctx) }()
		time.Sleep(5 * time.Hour)
		w.forget()
		denied := lookup.Func(func(context.Context, lookup.Query) (*lookup.Response, error) {
			return &lookup.Response{Rcode: lookup.NXDOMAIN, Authority: []lookup.RRset{soa(1)}}, nil
		})
		g := k.Guard(denied, nil)
		for range 600 {
			if r, err := g.Resolve(t.Context(), ask("www.example.io.")); err != nil || r.Rcode != lookup.NOERROR {
				t.Fatalf("%v, %v", r, err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if n := w.count(server(0).String() + " example.io. NS"); n < 2 || n > 3 {
			t.Errorf("%d roll-calls in a minute", n)
		}
		if k.paths.Load() != 1 && k.paths.Load() != 2 { // of the zone whose standing was not known yet, and then was
			t.Errorf("%d paths were made", k.paths.Load())
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func ask(name string) lookup.Query {
	return lookup.Query{RD: true, Question: lookup.Question{Name: lookup.MustName(name), Type: lookup.TypeA, Class: lookup.ClassIN}}
}

// §6, parent address churn: a server that is new has no vote for a day.
func TestYoungServersHaveNoVote(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		k := newKeeping(w, func(o *lifeline.Options) { o.Zones[0].Policy = lifeline.Policy{Change: lifeline.Follow} })
		k.call(t, 3)
		k.parent.Hosts = append(k.parent.Hosts[:0:0], k.parent.Hosts...)
		attacker := lookup.MustRRsets("example.io. 3600 NS ns.attacker.io.\nns.attacker.io. 3600 A 203.0.113.66")
		for i := range k.parent.Hosts {
			a := netip.AddrFrom4([4]byte{203, 1, byte(i), 1})
			k.parent.Hosts[i].Addrs = []netip.Addr{a}
			w.set(a, w.refers(attacker...))
		}
		for range 6 * 23 {
			time.Sleep(10 * time.Minute)
			k.call(t, 1)
		}
		if s := k.state(t); !s.Snapshot.Delegation.Agrees(good()) || s.State != lifeline.Emergency {
			t.Errorf("after 23 hours: %+v", s.Snapshot)
		}
		for range 6 * 2 {
			time.Sleep(10 * time.Minute)
			k.call(t, 1)
		}
		if s := k.state(t); s.Snapshot.Delegation.Agrees(good()) {
			t.Error("who wants to follow does not")
		}
	})
}

func TestOperatorsHand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		k := newKeeping(w)
		if err := k.Pin(example, true); err == nil {
			t.Error("nothing was pinned")
		}
		k.call(t, 3)
		if err := k.Acknowledge(example); err == nil {
			t.Error("nothing was acknowledged")
		}
		if err := k.Release("\x04else\x00"); err == nil {
			t.Error("a stranger was released")
		}
		if err := k.Pin(example, true); err != nil || k.state(t).Stand != lifeline.Held {
			t.Errorf("pinned: %v", err)
		}
		if err := k.Pin(example, false); err != nil || k.state(t).Stand != lifeline.Plain {
			t.Errorf("unpinned: %v", err)
		}
		moved := lookup.MustRRsets("example.io. 3600 NS ns.new.io.\nns.new.io. 3600 A 203.0.113.7")
		w.all(0, 7, w.refers(moved...))
		time.Sleep(time.Hour)
		k.call(t, 2)
		if s := k.state(t); s.Pending == nil || s.Pending.Delegation.Hosts[0].Name != "\x02ns\x03new\x02io\x00" || s.Stand != lifeline.Held {
			t.Errorf("%+v", s)
		}
		if err := k.Acknowledge(example); err != nil {
			t.Error(err)
		}
		k.call(t, 1)
		if s := k.state(t); s.Snapshot.Hosts[0].Name != "\x02ns\x03new\x02io\x00" || len(s.Previous) != 1 || s.Snapshot.Epoch != 2 {
			t.Errorf("%+v", s)
		}
		w.all(0, 7, w.denies())
		k.call(t, 1)
		if err := k.Release(example); err != nil || k.state(t).Stand != lifeline.Plain {
			t.Error(err)
		}
		k.call(t, 3)
		if s := k.state(t); s.Stand != lifeline.Plain || !s.Gone {
			t.Errorf("released: %+v", s)
		}
		w.all(0, 7, w.refers(lookup.MustRRsets(glued)...)) // somebody has it again
		k.call(t, 1)
		if s := k.state(t); s.Gone || !s.Snapshot.Delegation.Agrees(good()) {
			t.Errorf("back: %+v", s)
		}
	})
}
