package anchors

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
)

// The whole roll of a key-signing key, over 14 months and two restarts (RFC 5011 2.4,
// 6.3).
func TestAKeyIsRolled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		z := &zone{t: t, name: name("example."), now: time.Now, keys: "A* z:Z"}
		heard := &events{}
		path := filepath.Join(t.TempDir(), "state")
		options := Options{
			Positive: z.anchor('A'), Managed: []lookup.Name{z.name}, Fetch: z.fetch, Report: heard.report, Store: File(path),
		}
		k := mustKeeper(t, options)
		stop := run(k)
		restart := func() {
			stop()
			k = mustKeeper(t, options)
			stop = run(k)
		}
		defer func() { stop() }()

		start := time.Now()
		for _, step := range []struct {
			after   time.Duration
			publish string
			states  string
			tags    string // trusted, by letter
			events  string
		}{
			{time.Hour, "", "A valid", "A", ""},
			{10 * day, "A* B z:Z", "A valid", "A", ""},
			{11 * day, "", "A valid, B addpend", "A", "a new key"},
			{25 * day, "restart", "A valid, B addpend", "A", ""},
			{26 * day, "", "A valid, B addpend", "A", ""},
			{39 * day, "", "A valid, B addpend", "A", ""},
			{42*day + time.Hour, "", "A valid, B valid", "AB", "a key is a trust anchor now"},
			{50 * day, "A* B* z:Z", "A valid, B valid", "AB", ""},
			{60 * day, "r:A* B* z:Z", "A valid, B valid", "AB", ""},
			{61 * day, "", "A revoked, B valid", "B", "a trust anchor has been revoked"},
			{70 * day, "restart", "A revoked, B valid", "B", ""}, // though the configuration still has A
			{80 * day, "B* z:Y", "A revoked, B valid", "B", ""},
			{113 * day, "", "A removed, B valid", "B", "a key is not remembered"},
			{420 * day, "restart", "A removed, B valid", "B", ""},
			{421 * day, "A* B* z:Y", "A removed, B valid", "B", ""}, // a thief has A, and it is of no use
			{480 * day, "", "A removed, B valid", "B", ""},
		} {
			time.Sleep(time.Until(start.Add(step.after)))
			synctest.Wait()
			got := z.states(k)
			for n := range 2000 { // how often it was seen
				got = strings.ReplaceAll(got, fmt.Sprintf("(%d)", n), "")
			}
			if got != step.states {
				t.Fatalf("after %s: got %s, want %s", step.after, got, step.states)
			}
			var tags string
			for _, letter := range "AB" {
				if k.Set().Trusts(z.name, z.signer(byte(letter), sep).Key.Tag) {
					tags += string(letter)
				}
			}
			if tags != step.tags {
				t.Errorf("after %s: %s are trusted, want %s", step.after, tags, step.tags)
			}
			if heard := heard.take(); !strings.Contains(heard, step.events) || step.events == "" && heard != "" {
				t.Errorf("after %s: heard %q, want %q", step.after, heard, step.events)
			}
			switch step.publish {
			case "":
			case "restart":
				restart()
				synctest.Wait()
			default:
				z.publish(step.publish)
			}
		}
		// RFC 5011 2.3: half of the TTL of two days, or up to a tenth earlier.
		for i := range z.asked[1:] {
			if d := z.asked[i+1].Sub(z.asked[i]); d > day+time.Second || d < day*9/10-time.Second {
				t.Errorf("asked after %s", d)
			}
		}
		if n := len(z.asked); n < 480 || n > 480*10/9+4 {
			t.Errorf("asked %d times in 480 days", n)
		}
	})
}

// RFC 5011 5: when the last anchor is gone, the zone is as if there had never been
// one, and one above it counts.
func TestATrustPointIsDeleted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		z := &zone{t: t, name: name("example."), now: time.Now, keys: "A* B*"}
		heard, store := &events{}, &Recollection{}
		options := Options{
			Positive: slices.Concat(z.anchor('A'), z.anchor('B'), Root()), Managed: []lookup.Name{z.name},
			Fetch: z.fetch, Report: heard.report, Store: store,
		}
		k := mustKeeper(t, options)
		k.Poll(t.Context())
		if a, _ := k.Closest(name("www.example.")); a.Zone != z.name || len(a.DS) != 2 {
			t.Fatalf("got %+v", a)
		}
		z.publish("r:A* r:B*")
		time.Sleep(2 * day)
		k.Poll(t.Context())
		if a, ok := k.Closest(name("www.example.")); !ok || a.Zone != lookup.Root {
			t.Errorf("got %+v", a)
		}
		if got := heard.take(); !strings.Contains(got, "example.: all trust anchors have been revoked") {
			t.Errorf("heard %s", got)
		}
		if next, ok := k.Due(); ok {
			t.Errorf("looks again at %s", next)
		}
		if k.Observe(z.dnskey("A* r:B*")); heard.take() != "" || !k.Points()[0].Deleted() {
			t.Error("it has come back")
		}
		k = mustKeeper(t, options) // though the configuration still has both
		asked := len(z.asked)
		k.Poll(t.Context())
		if a, _ := k.Closest(name("www.example.")); a.Zone != lookup.Root || len(z.asked) != asked {
			t.Errorf("after a restart: %+v, asked %d times", a, len(z.asked)-asked)
		}
	})
}

func TestSignaturesAreChecked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		z := &zone{t: t, name: name("example."), now: time.Now}
		p := Point{Zone: z.name}.Configured(slices.Concat(z.anchor('A'), z.anchor('B')))
		verifier := func() *dnssec.Verifier {
			return &dnssec.Verifier{Now: time.Now(), Budget: lookup.NewBudget(lookup.Limits{})}
		}
		good := z.dnskey("A* B")
		other := z.dnskey("A* C")
		flipped := []byte(good.Sigs)
		flipped[len(flipped)-1] ^= 1
		for _, c := range []struct {
			name string
			set  lookup.RRset
			want string // the letters of those who signed
		}{
			{"good", good, "A"},
			{"both", z.dnskey("A* B* C*"), "AB"}, // C is of no interest yet
			{"revoked by itself", z.dnskey("r:A* B*"), "AB"},
			{"revoked, unsigned", z.dnskey("r:A B*"), "B"},
			{"a signature over another set", lookup.RRset{Name: z.name, Type: lookup.TypeDNSKEY, Data: other.Data, Sigs: good.Sigs}, ""},
			{"a bad signature", lookup.RRset{Name: z.name, Type: lookup.TypeDNSKEY, TTL: good.TTL, Data: good.Data, Sigs: lookup.Rdata(flipped)}, ""},
			{"no signature", lookup.RRset{Name: z.name, Type: lookup.TypeDNSKEY, Data: good.Data}, ""},
			{"another owner", lookup.RRset{Name: name("other."), Type: lookup.TypeDNSKEY, Data: good.Data, Sigs: good.Sigs}, ""},
			{"another type", lookup.RRset{Name: z.name, Type: lookup.TypeTXT, Data: good.Data, Sigs: good.Sigs}, ""},
		} {
			s := p.Look(c.set, verifier())
			got := ""
			for i, k := range s.Keys {
				for _, letter := range "ABC" {
					if s.Signed[i] && unrevoked(k.Rdata) == z.signer(byte(letter), sep).Key.Rdata {
						got += string(letter)
					}
				}
			}
			if got != c.want {
				t.Errorf("%s: signed by %q, want %q", c.name, got, c.want)
			}
			if c.want == "A" && (s.TTL != 172800 || time.Until(s.Expires).Round(time.Second) != 14*day) {
				t.Errorf("%s: TTL %d, expires %s", c.name, s.TTL, s.Expires)
			}
		}
		var many []string
		for i := range dnssec.MaxKeys {
			many = append(many, string(rune('B'+i)))
		}
		if s := p.Look(z.dnskey("A* "+strings.Join(many, " ")), verifier()); slices.Contains(s.Signed, true) {
			t.Error("a set of too many keys is believed")
		}
		wild := good
		sig, _ := dnssec.ParseSignature(good.Sigs.First())
		sig.Labels = 0 // as if *. had the keys
		rdata, err := z.signer('A', sep).SignAs(good, sig)
		if err != nil {
			t.Fatal(err)
		}
		if wild.Sigs = lookup.PackRdata(rdata); slices.Contains(p.Look(wild, verifier()).Signed, true) {
			t.Error("a set that a wildcard made is believed")
		}
		// A hostile set costs no more than there are anchors.
		v := verifier()
		p.Look(z.dnskey("A* B* C* D* E* F* G* H* r:I* r:J* r:K*"), v)
		if n := v.Budget.Checked(); n != 2 {
			t.Errorf("%d signatures were checked", n)
		}
		time.Sleep(20 * day)
		if s := p.Look(good, verifier()); slices.Contains(s.Signed, true) {
			t.Error("an expired signature is good")
		}
	})
}

// What is in the store is of no use: this is said, the configured anchors count, and
// what was there is kept for people.
// broken is a Store that cannot be written.
// Who only wants to know whether the configuration is good changes nothing.
func TestProbesThatFail(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		z := &zone{t: t, name: name("example."), now: time.Now, keys: "A*"}
		heard, store := &events{}, &Recollection{}
		z.fail(errors.New("no network"))
		k := mustKeeper(t, Options{Positive: z.anchor('A'), Managed: []lookup.Name{z.name}, Fetch: z.fetch, Report: heard.report, Store: store})
		defer run(k)()
		synctest.Wait()
		time.Sleep(3*time.Hour + time.Minute)
		synctest.Wait()
		if got := len(z.asked); got != 4 { // RFC 5011 2.3: once an hour
			t.Errorf("asked %d times", got)
		}
		if got := heard.take(); !strings.Contains(got, "example.: no DNSKEY RRset could be had that a trust anchor has signed: no network") {
			t.Errorf("heard %s", got)
		}
		if _, saved, _ := store.Load(); saved {
			t.Error("nothing was learned, and it was saved")
		}
		z.publish("B*")
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := z.states(k); got != "A valid" {
			t.Errorf("got %s", got)
		}
		if _, saved, _ := store.Load(); saved {
			t.Error("nothing was validated yet, and it was saved")
		}
		z.publish("A*")
		time.Sleep(time.Hour)
		synctest.Wait()
		first, saved, _ := store.Load()
		if !saved || k.Points()[0].Failed != 0 {
			t.Errorf("not saved: %+v", k.Points())
		}
		z.publish("B*")
		time.Sleep(day)
		synctest.Wait()
		if second, _, _ := store.Load(); second == first || !strings.Contains(second, ";;query_failed: 1\n") {
			t.Errorf("got %s", second)
		}
	})
}

// A revocation that somebody else has come across counts at once (RFC 5011 2.1).
func TestObserve(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		z := &zone{t: t, name: name("example."), now: time.Now, keys: "A* B*"}
		heard := &events{}
		k := mustKeeper(t, Options{Positive: slices.Concat(z.anchor('A'), z.anchor('B')), Managed: []lookup.Name{z.name}, Fetch: z.fetch, Report: heard.report})
		k.Poll(t.Context())
		before := k.Points()[0]
		time.Sleep(time.Hour)
		k.Observe(z.dnskey("C*")) // forged: it does not even put off the next look
		k.Observe(lookup.RRset{Name: name("other."), Type: lookup.TypeDNSKEY})
		if after := k.Points()[0]; !after.Next.Equal(before.Next) || after.Failed != 0 || !after.Queried.Equal(before.Queried) || heard.take() != "" {
			t.Errorf("got %+v", after)
		}
		k.Observe(z.dnskey("r:A* C*"))
		if got := z.states(k); got != "A revoked, B valid" || !strings.Contains(heard.take(), "revoked") {
			t.Errorf("got %s", got)
		}
		if a, _ := k.Closest(z.name); len(a.DS) != 1 {
			t.Errorf("got %+v", a)
		}
		k.Observe(z.dnskey("B* C"))
		if got := z.states(k); got != "A revoked, B valid, C addpend(1)" {
			t.Errorf("got %s", got)
		}
	})
}

// The clock on the wall was wrong when the memory was written, or is now.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	now := noon
	z := &zone{t: t, name: name("example."), now: func() time.Time { return now }, keys: "A* B"}
	store, asked := &Recollection{}, 0
	poll := func() *Keeper {
		k := mustKeeper(t, Options{Positive: z.anchor('A'), Managed: []lookup.Name{z.name}, Fetch: z.fetch, Store: store, Now: z.now})
		asked = len(z.asked)
		k.Poll(t.Context())
		return k
	}
	poll()
	now = noon.Add(-3650 * day) // back: do not wait ten years for the next look
	k := poll()
	if len(z.asked) == asked || z.states(k) != "A valid, B addpend(2)" {
		t.Errorf("back: asked %d times, %s", len(z.asked)-asked, z.states(k))
	}
	if next, _ := k.Due(); next.Sub(now) > day {
		t.Errorf("back: due %s", next)
	}
	now = noon // and forward again: the hold-down began when the clock was behind, and has passed on this one
	if k = poll(); len(z.asked) == asked || z.states(k) != "A valid, B valid" {
		t.Errorf("forward: asked %d times, %s", len(z.asked)-asked, z.states(k))
	}
}

// The clock is set while the Keeper runs: what is due now is done within an hour.
func TestTheClockIsSetForward(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ahead atomic.Int64
		z := &zone{t: t, name: name("example."), now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }, keys: "A*"}
		k := mustKeeper(t, Options{Positive: z.anchor('A'), Managed: []lookup.Name{z.name}, Fetch: z.fetch, Now: z.now})
		defer run(k)()
		synctest.Wait()
		ahead.Store(int64(5 * day))
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(z.asked) != 2 {
			t.Errorf("asked %d times", len(z.asked))
		}
	})
}

// What is neither an anchor nor configured is forgotten.
func TestRemovedKeysAreForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		z := &zone{t: t, name: name("example."), now: time.Now, keys: "A*"}
		store := &Recollection{}
		p := Point{Zone: z.name}.Configured(slices.Concat(z.anchor('A'), z.anchor('B')))
		p.Queried = time.Now().Truncate(time.Second)
		_ = store.Save(Memory{Points: []Point{p}}.String())
		k := mustKeeper(t, Options{Managed: []lookup.Name{z.name}, Fetch: z.fetch, Store: store, Timing: Timing{KeepMissing: day}})
		k.Poll(t.Context())
		if got := z.states(k); got != "A valid, B missing" {
			t.Errorf("got %s", got)
		}
		time.Sleep(2 * day)
		k.Poll(t.Context())
		if got := z.states(k); got != "A valid" {
			t.Errorf("got %s", got)
		}
	})
}

func TestWhatIsNotManagedStaysAsItIs(t *testing.T) {
	t.Parallel()
	z := &zone{t: t, name: name("example."), now: time.Now, keys: "A*"}
	heard, store := &events{}, &Recollection{}
	_ = store.Save(Memory{Points: memory().Points}.String())
	k := mustKeeper(t, Options{Positive: z.anchor('A'), Fetch: z.fetch, Report: heard.report, Store: store})
	k.Poll(t.Context())
	if _, ok := k.Due(); ok || len(z.asked) > 0 || len(k.Points()) > 0 {
		t.Errorf("asked %d times", len(z.asked))
	}
	if a, _ := k.Closest(name("www.example.")); a.Zone != z.name {
		t.Errorf("got %+v", a)
	}
	if got := heard.take(); !strings.Contains(got, "a.: the history of the trust anchors has a zone that is not managed") {
		t.Errorf("heard %s", got)
	}
	// What is known of it is not lost.
	k = mustKeeper(t, Options{Positive: z.anchor('A'), Managed: []lookup.Name{z.name}, Fetch: z.fetch, Report: heard.report, Store: store})
	k.Poll(t.Context())
	if text, _, _ := store.Load(); !strings.Contains(text, memory().Points[0].String()) || !strings.Contains(text, ";;id: example.") {
		t.Errorf("got %s", text)
	}
	if _, err := NewKeeper(Options{Positive: []lookup.RRset{{Name: z.name, Type: lookup.TypeA, Data: lookup.PackRdata("1234")}}}); err == nil {
		t.Error("an A record is an anchor")
	}
}

// Signatures may be judged by another clock than the one that says when to look.
func TestTheTimeOfSignatures(t *testing.T) {
	t.Parallel()
	z := &zone{t: t, name: name("example."), now: func() time.Time { return noon }, keys: "A*"}
	later := func() time.Time { return noon.Add(100 * day) }
	for _, c := range []struct {
		validity func() time.Time
		want     bool
	}{{nil, false}, {z.now, true}} {
		k := mustKeeper(t, Options{Positive: z.anchor('A'), Managed: []lookup.Name{z.name}, Fetch: z.fetch, Now: later, Validity: c.validity})
		k.Poll(t.Context())
		if p := k.Points()[0]; p.Succeeded.IsZero() == c.want || !p.Queried.Equal(later()) {
			t.Errorf("got %+v", p)
		}
	}
}

func TestFetching(t *testing.T) {
	t.Parallel()
	z := &zone{t: t, name: name("example."), now: time.Now}
	set, failed := z.dnskey("A*"), errors.New("down")
	var asked lookup.Query
	var answer *lookup.Response
	fetch := FetchBy(lookup.Func(func(_ context.Context, q lookup.Query) (*lookup.Response, error) {
		if asked = q; answer == nil {
			return nil, failed
		}
		return answer, nil
	}))
	if _, err := fetch(t.Context(), z.name); !errors.Is(err, failed) {
		t.Errorf("got %v", err)
	}
	answer = &lookup.Response{}
	if _, err := fetch(t.Context(), z.name); !errors.Is(err, errNoKeys) {
		t.Errorf("got %v", err)
	}
	answer = &lookup.Response{Answer: []lookup.RRset{set}}
	if got, err := fetch(t.Context(), z.name); got != set || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
	if asked.Name != z.name || asked.Type != lookup.TypeDNSKEY || !asked.CD || !asked.DO || !asked.RD || !asked.Fresh {
		t.Errorf("asked %+v", asked)
	}
}

func TestLooksAreSpread(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		random float64
		wait   time.Duration
		want   time.Duration
	}{
		{0, 10 * time.Hour, 10 * time.Hour},
		{1, 10 * time.Hour, 9 * time.Hour},
		{0.5, 10 * time.Hour, 9*time.Hour + 30*time.Minute},
		{1, time.Hour, time.Hour}, // RFC 5011 2.3: not more than once an hour
		{1, 62 * time.Minute, time.Hour},
	} {
		k := mustKeeper(t, Options{Float64: func() float64 { return c.random }})
		if got := k.jitter(noon, noon.Add(c.wait)).Sub(noon); got != c.want {
			t.Errorf("%v of %s: got %s", c.random, c.wait, got)
		}
	}
}

func TestRunEndsAndMayBeUsedByMany(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		z := &zone{t: t, name: name("example."), now: time.Now, keys: "A* B"}
		k := mustKeeper(t, Options{Positive: z.anchor('A'), Managed: []lookup.Name{z.name}, Fetch: z.fetch, Store: &Recollection{}})
		stop := run(k)
		var users sync.WaitGroup
		for i := range 8 {
			users.Go(func() {
				for range 50 {
					k.Closest(name("www.example."))
					k.Observe(z.dnskey("A* B"))
					_ = k.AddNegative(name(fmt.Sprintf("n%d.example.", i)), time.Minute)
					k.RemoveNegative(name(fmt.Sprintf("n%d.example.", i)))
					k.Negatives()
					k.Due()
				}
			})
		}
		users.Wait()
		stop()
	})
}
