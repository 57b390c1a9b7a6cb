package secondary

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/zones"
)

// diary is what was told, with the time since its beginning.
type diary struct {
	mu    sync.Mutex
	start time.Time
	lines []string
}

func (d *diary) note(e Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	line := fmt.Sprintf("%v %s", time.Since(d.start), e.Kind)
	if e.Serial != 0 {
		line += fmt.Sprint(" ", e.Serial)
	}
	if e.Err != nil {
		line += ": " + strings.ReplaceAll(e.Err.Error(), "\n", "; ")
	}
	d.lines = append(d.lines, line)
}

// read is what was noted since it was last read.
func (d *diary) read() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := strings.Join(d.lines, "\n")
	d.lines = nil
	return all
}

func keep(d *diary) func(*Options) {
	return func(o *Options) {
		d.start = time.Now()
		o.Observe = d.note
	}
}

// run runs c until the end of the test or until stop is called.
func run(t *testing.T, c *Copy) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- c.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func expect(t *testing.T, got, want string) {
	t.Helper()
	if want = strings.TrimSpace(want); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// refresh 1 h, retry 10 min, expire 24 h less 30 s: the life of a copy.
func TestTheTimersOfTheZoneAreKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var d diary
		c, w, p := newCopy(t, zone(7), keep(&d))
		if s := c.Status(); s.State != Missing {
			t.Errorf("%+v", s)
		}
		defer run(t, c)()
		time.Sleep(90*time.Minute + time.Second)
		expect(t, d.read(), "0s transferred 7\n1h0m0s confirmed 7")
		if s := c.Status(); s.State != Current || s.Serial != 7 || s.Source != first || s.Reason != "" || s.Transfers != 1 || s.Confirmations != 1 ||
			!s.Next.Equal(d.start.Add(2*time.Hour)) || !s.Expires.Equal(d.start.Add(25*time.Hour-30*time.Second)) {
			t.Errorf("%+v", s)
		}

		w.change(func() { p.zone = zone(8) })
		time.Sleep(time.Hour)
		expect(t, d.read(), "2h0m0s transferred 8")

		w.change(func() { delete(w.primaries, "192.0.2.1") })
		time.Sleep(time.Hour)
		const gone = ": 192.0.2.1:53: connection refused; 192.0.2.2:53: connection refused"
		expect(t, d.read(), "3h0m0s failed 8"+gone+"\n3h10m0s failed 8"+gone+"\n3h20m0s failed 8"+gone+"\n3h30m0s failed 8"+gone)
		if s := c.Status(); s.State != Overdue || s.Reason != gone[2:] || s.Failures != 4 {
			t.Errorf("%+v", s)
		}

		time.Sleep(22*time.Hour + 29*time.Minute) // 25h59m
		if _, ok := c.Zone(); !ok {
			t.Error("expired too early")
		}
		d.read()
		time.Sleep(time.Minute)
		expect(t, d.read(), "25h59m30s expired 8: no primary has confirmed it for as long as its SOA allows\n26h0m0s failed 8"+gone)
		if _, ok := c.Zone(); ok {
			t.Error("used although it has expired")
		}
		if s := c.Status(); s.State != Expired || !strings.HasPrefix(s.Reason, "no primary has confirmed") || !strings.HasSuffix(s.Reason, "refused") {
			t.Errorf("%+v", s)
		}

		w.change(func() { w.primaries["192.0.2.1"] = p })
		time.Sleep(11 * time.Minute)
		expect(t, d.read(), "26h10m0s confirmed 8")
		if _, ok := c.Zone(); !ok {
			t.Error("confirmed, and not used")
		}
	})
}

func TestAFirstCopyIsTriedForMoreAndMoreSlowly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var d diary
		c, _, _ := newCopy(t, "", keep(&d), func(o *Options) { o.Primaries = o.Primaries[1:] })
		defer run(t, c)()
		time.Sleep(50*time.Minute + time.Second)
		var at []string
		for line := range strings.Lines(d.read()) {
			at = append(at, strings.Fields(line)[0])
		}
		expect(t, strings.Join(at, " "), "0s 30s 1m30s 3m30s 7m30s 15m30s 30m30s 45m30s")
	})
}

func TestWaitsHaveBoundsAndAreNotAllTheSame(t *testing.T) {
	t.Parallel()
	most := func(n int) int { return n - 1 }
	c := New(Options{MinWait: time.Minute, MaxWait: time.Hour, IntN: most})
	for wait, want := range map[time.Duration]time.Duration{
		0:                54 * time.Second,
		time.Minute:      54 * time.Second,
		30 * time.Minute: 27 * time.Minute,
		99 * time.Hour:   54 * time.Minute,
	} {
		if got := c.within(wait); got != want {
			t.Errorf("%v: %v, want %v", wait, got, want)
		}
	}
}

func TestTheNextPrimaryHelpsAndIsAskedFirstFromThenOn(t *testing.T) {
	t.Parallel()
	for what, break1 := range map[string]func(*primary){
		"silent": func(p *primary) { p.silent = true },
		"behind": func(p *primary) { p.zone = zone(6) },
		"refuses": func(p *primary) {
			p.script = func(*dns.Msg) []reply { return []reply{{change: func(m *dns.Msg) { m.Rcode = 5 }}} }
		},
		"broken": func(p *primary) {
			p.script = func(q *dns.Msg) []reply {
				if q.Question[0].Qtype == dns.TypeSOA {
					return []reply{msg(soaLine(9))}
				}
				return []reply{msg(soaLine(9), ns)}
			}
		},
		"lies": func(p *primary) { p.script = func(*dns.Msg) []reply { return []reply{msg(ns)} } },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, w, p := newCopy(t, zone(7))
				if err := c.consult(t.Context(), c.options.Primaries[0]); err != nil {
					t.Fatal(err)
				}
				p2 := &primary{zone: zone(8)}
				w.primaries["192.0.2.2"] = p2
				break1(p)
				if wait := c.refresh(t.Context()); wait != time.Hour || c.Status().Serial != 8 || c.Status().Source != second {
					t.Errorf("%v, %+v", wait, c.Status())
				}
				w.asked(p)
				c.refresh(t.Context())
				if got, got2 := w.asked(p), w.asked(p2); got != "" || !strings.HasSuffix(got2, ", SOA") {
					t.Errorf("asked %q and %q", got, got2)
				}
			})
		})
	}
}

func TestSerialsAreComparedInACircle(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b uint32
		want bool
	}{ // RFC 1982 5.1 for 32 bits
		{1, 0, true}, {0, 1, false}, {44, 44, false}, {100, 4294967196, true}, {4294967196, 100, false}, {1 << 31, 0, false}, {0, 1 << 31, false}, {1<<31 - 1, 0, true},
	} {
		if got := newer(c.a, c.b); got != c.want {
			t.Errorf("%d after %d: %v", c.a, c.b, got)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		c, w, p := newCopy(t, zone(4294967295))
		if c.refresh(t.Context()); c.Status().Serial != 4294967295 {
			t.Fatalf("%+v", c.Status())
		}
		w.change(func() { p.zone = zone(3) })
		if c.refresh(t.Context()); c.Status().Serial != 3 {
			t.Errorf("%+v", c.Status())
		}
	})
}

// A copy that has expired is no reason to refuse what there is.
func TestWhatIsOlderThanAnExpiredCopyIsTaken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, w, p := newCopy(t, zone(7))
		c.refresh(t.Context())
		w.change(func() { p.zone = zone(5) })
		if c.refresh(t.Context()); c.Status().Serial != 7 || !strings.Contains(c.Status().Reason, "behind") {
			t.Errorf("%+v", c.Status())
		}
		time.Sleep(25 * time.Hour)
		if c.refresh(t.Context()); c.Status().Serial != 5 || c.Status().State != Current {
			t.Errorf("%+v", c.Status())
		}
	})
}

func TestRefreshDoesNotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var d diary
		c, w, p := newCopy(t, zone(7), keep(&d))
		c.Refresh() // before it runs, too
		defer run(t, c)()
		time.Sleep(time.Second)
		w.change(func() { p.zone = zone(8) })
		c.Refresh()
		c.Refresh()
		time.Sleep(time.Second)
		if got := d.read(); !strings.HasSuffix(got, "1s transferred 8") && !strings.Contains(got, "1s transferred 8\n") {
			t.Errorf("got %s", got)
		}
	})
}

func TestRunEndsWithItsContextWhateverItDoes(t *testing.T) {
	t.Parallel()
	for what, p := range map[string]*primary{"asking the silent": {silent: true}, "waiting": {zone: zone(7)}} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var d diary
				c, w, _ := newCopy(t, "", keep(&d))
				w.primaries["192.0.2.1"] = p
				stop := run(t, c)
				time.Sleep(time.Second)
				begin := time.Now()
				stop()
				if time.Since(begin) != 0 {
					t.Errorf("took %v", time.Since(begin))
				}
				if got := d.read(); strings.Contains(got, "failed") {
					t.Errorf("the end is no failure: %s", got)
				}
			})
		})
	}
	if wait := New(Options{Zone: lookup.Root, IntN: func(int) int { return 0 }}).refresh(t.Context()); wait != 30*time.Second {
		t.Errorf("without primaries: %v", wait)
	}
}

// The default Dial is TCP to the address.
func TestTheDefaultIsTCP(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := New(Options{}).options.Dial(ctx, netip.MustParseAddrPort("192.0.2.1:53")); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

const zonemd = "example. 60 IN ZONEMD %d 1 1 " + "b1b2b3b4b5b6b7b8b9b0b1b2b3b4b5b6b7b8b9b0b1b2b3b4b5b6b7b8b9b0b1b2b3b4b5b6b7b8b9b0\n"

func TestTheDigestIsChecked(t *testing.T) {
	t.Parallel()
	errWrong := errors.New("the digest is another one")
	judge := func(err error) func(*Options) {
		return func(o *Options) {
			o.Verify = func(apex lookup.Name, sets iter.Seq[lookup.RRset]) error {
				if all := slices.Collect(sets); apex != o.Zone || len(all) != 4 {
					t.Errorf("%s: %v", apex, all)
				}
				return err
			}
		}
	}
	mode := func(d Digest) func(*Options) { return func(o *Options) { o.Digest = d } }
	with, without := zone(7)+fmt.Sprintf(zonemd, 7), zone(7)
	for _, c := range []struct {
		what, zone string
		mode       Digest
		verify     func(*Options)
		want       error
	}{
		{"good", with, CheckDigest, judge(nil), nil},
		{"good, required", with, RequireDigest, judge(nil), nil},
		{"wrong", with, CheckDigest, judge(errWrong), errWrong},
		{"wrong, required", with, RequireDigest, judge(errWrong), errWrong},
		{"wrong, ignored", with, IgnoreDigest, judge(errWrong), nil},
		{"none", without, CheckDigest, judge(errWrong), nil},
		{"none, required", without, RequireDigest, judge(nil), errNoDigest},
		{"of an unknown kind", with, CheckDigest, judge(fmt.Errorf("hash 240: %w", errors.ErrUnsupported)), nil},
		{"of an unknown kind, required", with, RequireDigest, judge(fmt.Errorf("hash 240: %w", errors.ErrUnsupported)), errors.ErrUnsupported},
		{"nobody to check it", with, CheckDigest, func(*Options) {}, nil},
		{"nobody to check it, required", with, RequireDigest, func(*Options) {}, errUnverified},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				copied, _, _ := newCopy(t, c.zone, mode(c.mode), c.verify)
				err := copied.consult(t.Context(), copied.options.Primaries[0])
				if _, ok := copied.Zone(); !errors.Is(err, c.want) || ok != (c.want == nil) {
					t.Errorf("got %v, want %v", err, c.want)
				}
			})
		})
	}
}

func TestACopyThatFailsTheCheckDoesNotReplaceTheLastGoodOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		good := true
		c, w, p := newCopy(t, zone(7)+fmt.Sprintf(zonemd, 7), func(o *Options) {
			o.Verify = func(lookup.Name, iter.Seq[lookup.RRset]) error {
				if !good {
					return errors.New("the digest is another one")
				}
				return nil
			}
		})
		c.refresh(t.Context())
		good = false
		w.change(func() { p.zone = zone(8) + fmt.Sprintf(zonemd, 8) })
		if wait := c.refresh(t.Context()); wait != 10*time.Minute {
			t.Errorf("wait %v", wait)
		}
		if z, ok := c.Zone(); !ok || soaOf(z).serial != 7 || c.Status().State != Overdue || !strings.Contains(c.Status().Reason, "another one") {
			t.Errorf("%+v", c.Status())
		}
		if got := w.asked(p); got != "SOA, AXFR, SOA, IXFR 7, AXFR" {
			t.Errorf("asked %s", got)
		}
	})
}

// rrsig is a signature from start+begin to start+end.
func rrsig(t lookup.Type, begin, end time.Duration) string {
	at := func(d time.Duration) string { return time.Now().Add(d).UTC().Format("20060102150405") }
	return fmt.Sprintf("example. 60 IN RRSIG %s 13 1 60 %s %s 1 example. AAAA\n", t, at(end), at(begin))
}

// The SOA allows 24 hours less 30 seconds; signatures may allow less.
func TestACopyEndsBeforeItsSignaturesDo(t *testing.T) {
	t.Parallel()
	const h = time.Hour
	for _, c := range []struct {
		what string
		sigs func() string
		want time.Duration // for which it is used
		why  string
	}{
		{"not signed", func() string { return "" }, 24*h - 30*time.Second, "no primary"},
		{"signed for long", func() string { return rrsig(lookup.TypeSOA, -h, 99*h) }, 24*h - 30*time.Second, "no primary"},
		{"a quarter is left", func() string { return rrsig(lookup.TypeSOA, -4*h, 12*h) }, 8 * h, "about to end"},
		{"the earlier of two", func() string { return rrsig(lookup.TypeSOA, -4*h, 12*h) + rrsig(lookup.TypeSOA, -4*h, 16*h) }, 8 * h, "about to end"},
		{"another set at the apex", func() string { return rrsig(lookup.TypeSOA, -h, 99*h) + rrsig(lookup.TypeNS, -4*h, 12*h) }, 12 * h, "signature of its NS ends"},
		{"a signature that makes no sense", func() string { return rrsig(lookup.TypeSOA, 12*h, -4*h) }, 24*h - 30*time.Second, "no primary"},
		{"hardly anything is left", func() string { return rrsig(lookup.TypeSOA, -30*h, 4*h) }, 0, "about to end"},
		{"nothing is left", func() string { return rrsig(lookup.TypeNS, -30*h, -h) }, 0, "signature of its NS ends"},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				copied, _, _ := newCopy(t, zone(7)+c.sigs())
				err := copied.consult(t.Context(), copied.options.Primaries[0])
				if c.want == 0 {
					if _, ok := copied.Zone(); ok || !errors.Is(err, errOutOfDate) || !strings.Contains(err.Error(), c.why) {
						t.Errorf("%v", err)
					}
					return
				}
				time.Sleep(c.want - time.Second)
				if _, ok := copied.Zone(); !ok || err != nil {
					t.Errorf("ended too early: %v, %+v", err, copied.Status())
				}
				time.Sleep(time.Second)
				if _, ok := copied.Zone(); ok || !strings.Contains(copied.Status().Reason, c.why) {
					t.Errorf("did not end: %+v", copied.Status())
				}
			})
		})
	}
}

// That a primary still has it does not make a copy good whose signatures end.
func TestConfirmingDoesNotProlongSignatures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, w, p := newCopy(t, zone(7)+rrsig(lookup.TypeSOA, -4*time.Hour, 12*time.Hour))
		c.refresh(t.Context())
		time.Sleep(7 * time.Hour)
		c.refresh(t.Context())
		if s := c.Status(); s.State != Current || s.Confirmations != 1 || time.Until(s.Expires) != time.Hour {
			t.Errorf("%+v", s)
		}
		time.Sleep(2 * time.Hour)
		w.asked(p)
		if c.refresh(t.Context()); c.Status().State != Expired || w.asked(p) != "SOA" {
			t.Errorf("%+v", c.Status())
		}
	})
}

// Types that nobody has heard of are copied like others (2023-10-04, T14), also when their
// data looks like a pointer to a name: RFC 3597 4.
func TestUnknownTypesAreCopied(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		odd := `example. 60 IN TYPE65280 \# 4 c00c0102` + "\n" + `x.example. 60 IN TYPE65281 \# 0` + "\n" + fmt.Sprintf(zonemd, 7)
		store := t.TempDir() + "/store"
		c, _, _ := newCopy(t, zone(7)+odd, func(o *Options) { o.Store = store })
		c.refresh(t.Context())
		z, ok := c.Zone()
		if !ok || z.Len() != 6 {
			t.Fatalf("%+v", c.Status())
		}
		if m := z.Find(lookup.MustName("example."), 65280); m.Kind != zones.Answer || m.Set.Data.First() != "\xc0\x0c\x01\x02" {
			t.Errorf("TYPE65280: %v", m)
		}
		if m := z.Find(lookup.MustName("x.example."), 65281); m.Kind != zones.Answer || m.Set.Data.Len() != 1 || m.Set.Data.First() != "" {
			t.Errorf("TYPE65281: %v", m)
		}
		again, _, _ := newCopy(t, "", func(o *Options) { o.Store = store })
		if err := again.Load(); err != nil {
			t.Fatal(err)
		}
		y, _ := again.Zone()
		if text(y) != text(z) {
			t.Errorf("read again:\n%s", text(y))
		}
	})
}

// Who may not ask yet waits, with what there is, and ends when it is told to.
func TestACopyWaitsForItsTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turn, over := make(chan struct{}, 1), 0
		c, w, p := newCopy(t, zone(1), func(o *Options) {
			o.Turn = func(ctx context.Context) (func(), bool) {
				select {
				case <-turn:
					return func() { over++ }, true
				case <-ctx.Done():
					return nil, false
				}
			}
		})
		stop := run(t, c)
		time.Sleep(time.Hour)
		if asked := w.asked(p); asked != "" {
			t.Errorf("asked before its turn: %s", asked)
		}
		turn <- struct{}{}
		synctest.Wait()
		if _, ok := c.Zone(); !ok || over != 1 {
			t.Errorf("no zone, or the turn is not over: %d", over)
		}
		c.Refresh()
		synctest.Wait()
		stop()
		if over != 1 {
			t.Errorf("%d turns were over", over)
		}
	})
}
