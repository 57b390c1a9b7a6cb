package anchors

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
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

// zone is a zone that publishes and signs keys, and counts who asks.
type zone struct {
	t    testing.TB
	name lookup.Name
	now  func() time.Time

	mu    sync.Mutex
	keys  string // in the words of sighting
	err   error
	asked []time.Time
}

// signer is a key by its letter; the REVOKE bit changes the flags and nothing else.
func (z *zone) signer(letter byte, flags uint16) dnssec.Signer {
	seed := strings.Repeat(string(rune(letter)), ed25519.SeedSize)
	s, err := dnssec.NewSigner(z.name, dnssec.ED25519, flags, ed25519.NewKeyFromSeed([]byte(seed)))
	if err != nil {
		z.t.Fatal(err)
	}
	return s
}

// dnskey is the RRset that words such as "A* r:B* z:C" describe, signed for 14 days.
func (z *zone) dnskey(words string) lookup.RRset {
	var rdata []string
	var signers []dnssec.Signer
	for word := range strings.FieldsSeq(words) {
		flags := sep
		switch {
		case strings.HasPrefix(word, "r:"):
			flags, word = revoked, word[2:]
		case strings.HasPrefix(word, "z:"):
			flags, word = plainZK, word[2:]
		}
		s := z.signer(word[0], flags)
		rdata = append(rdata, s.Key.Rdata)
		if strings.HasSuffix(word, "*") {
			signers = append(signers, s)
		}
	}
	set := lookup.RRset{Name: z.name, Type: lookup.TypeDNSKEY, TTL: 172800, Data: lookup.PackRdata(rdata...)}
	for _, s := range signers {
		var err error
		if set, err = s.Sign(set, z.now().Add(-time.Hour), z.now().Add(14*day)); err != nil {
			z.t.Fatal(err)
		}
	}
	return set
}

func (z *zone) publish(words string) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.keys, z.err = words, nil
}

func (z *zone) fail(err error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.err = err
}

func (z *zone) fetch(_ context.Context, of lookup.Name) (lookup.RRset, error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.asked = append(z.asked, z.now())
	if z.err != nil {
		return lookup.RRset{}, z.err
	}
	return z.dnskey(z.keys), nil
}

// letters puts the letters of keys in the place of what they are, in text.
func (z *zone) letters(p Point) string {
	for i, k := range p.Keys {
		for letter := byte('A'); letter <= 'Z'; letter++ {
			for _, flags := range []uint16{sep, plainZK} {
				if k.Type == lookup.TypeDNSKEY && k.plain() == z.signer(letter, flags).Key.Rdata {
					p.Keys[i].Rdata = rdataOf(letter, sep)
				}
			}
		}
	}
	return states(p)
}

func (z *zone) states(k *Keeper) string {
	p := k.Points()[0]
	p.Keys = slices.Clone(p.Keys)
	return z.letters(p)
}

// events collects what a Keeper reports.
type events struct {
	mu   sync.Mutex
	list []Event
}

func (e *events) report(one Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, one)
}

// take is what has been reported since it was last called, but for failed probes if
// nothing else was.
func (e *events) take() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []string
	for _, one := range e.list {
		out = append(out, one.String())
	}
	e.list = nil
	return strings.Join(out, "\n")
}

// anchor is the anchor of the key called by a letter.
func (z *zone) anchor(letter byte) []lookup.RRset {
	return []lookup.RRset{oneRR(z.name, lookup.TypeDNSKEY, z.signer(letter, sep).Key.Rdata)}
}

func mustKeeper(t testing.TB, o Options) *Keeper {
	t.Helper()
	k, err := NewKeeper(o)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// run lets the Keeper run until the test says stop.
func run(k *Keeper) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = k.Run(ctx) })
	return func() {
		cancel()
		running.Wait()
	}
}

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
func TestADamagedMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		z := &zone{t: t, name: name("example."), now: time.Now, keys: "A*"}
		path := filepath.Join(t.TempDir(), "state")
		whole := memory().String()
		for what, text := range map[string]string{
			"empty": "", "cut short": whole[:len(whole)/2], "changed": strings.Replace(whole, "state=2", "state=3", 1), "nonsense": "\x00\x01\x02",
		} {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			heard := &events{}
			k := mustKeeper(t, Options{Positive: z.anchor('A'), Managed: []lookup.Name{z.name}, Fetch: z.fetch, Report: heard.report, Store: File(path)})
			if got := heard.take(); !strings.Contains(got, "the configured ones count: "+path) {
				t.Errorf("%s: heard %q", what, got)
			}
			if got := z.states(k); got != "A valid" {
				t.Errorf("%s: got %s", what, got)
			}
			if kept, err := os.ReadFile(path); err != nil || string(kept) != text {
				t.Errorf("%s: the file was touched before there was anything to write: %v", what, err)
			}
			k.Poll(t.Context())
			kept, err := os.ReadFile(path + ".bad")
			if err != nil || string(kept) != text {
				t.Errorf("%s: not kept: %q, %v", what, kept, err)
			}
			k = mustKeeper(t, Options{Positive: z.anchor('A'), Managed: []lookup.Name{z.name}, Fetch: z.fetch, Report: heard.report, Store: File(path)})
			if got := heard.take(); got != "" || k.Points()[0].Succeeded.IsZero() {
				t.Errorf("%s: the next start: heard %q, %+v", what, got, k.Points())
			}
			// Without a configured anchor there would be nothing left to trust.
			_ = os.WriteFile(path, []byte(text), 0o600)
			if _, err := NewKeeper(Options{Managed: []lookup.Name{z.name}, Fetch: z.fetch, Store: File(path)}); err == nil || !strings.Contains(err.Error(), "no anchor to begin with") {
				t.Errorf("%s: without a configured anchor: %v", what, err)
			}
		}
	})
}

// broken is a Store that cannot be written.
type broken struct{ Recollection }

func (b *broken) Save(string) error { return errors.New("no space") }
func (b *broken) String() string    { return "broken" }

func TestAStoreThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		z := &zone{t: t, name: name("example."), now: time.Now, keys: "A*"}
		heard := &events{}
		options := Options{Positive: z.anchor('A'), Managed: []lookup.Name{z.name}, Fetch: z.fetch, Report: heard.report}

		options.Store = File(filepath.Join(t.TempDir(), "no", "such", "folder", "state"))
		mustKeeper(t, options).Poll(t.Context())
		if got := heard.take(); !strings.Contains(got, "cannot be written") {
			t.Errorf("no folder: heard %q", got)
		}

		b := &broken{}
		b.text, b.saved = memory().String(), true
		options.Store = b
		k := mustKeeper(t, options) // known at the start, and not when it matters
		if got := heard.take(); !strings.Contains(got, "cannot be written: no space") {
			t.Errorf("at the start: heard %q", got)
		}
		k.Poll(t.Context())
		if got := heard.take(); !strings.Contains(got, "cannot be written: no space") || z.states(k) != "A valid" {
			t.Errorf("later: heard %q, %s", got, z.states(k))
		}
	})
}

func TestFilesAreReplacedWhole(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	f := File(filepath.Join(folder, "state"))
	if text, ok, err := f.Load(); ok || err != nil {
		t.Errorf("no file: %q, %v, %v", text, ok, err)
	}
	for _, text := range []string{"one", "two"} {
		if err := f.Save(text); err != nil {
			t.Fatal(err)
		}
		if got, ok, err := f.Load(); got != text || !ok || err != nil {
			t.Errorf("got %q, %v, %v", got, ok, err)
		}
	}
	if err := f.SetAside(); err != nil {
		t.Fatal(err)
	}
	if _, ok, _ := f.Load(); ok {
		t.Error("it is still there")
	}
	// What could not be put in its place leaves nothing behind.
	if err := os.Mkdir(string(f), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := f.Save("three"); err == nil {
		t.Error("a folder was overwritten")
	}
	left, _ := os.ReadDir(folder)
	if len(left) != 2 {
		t.Errorf("left behind: %v", left)
	}
}

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
