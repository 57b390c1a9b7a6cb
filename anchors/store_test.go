package anchors

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

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
		z.fail(errors.New("no network"))
		k := mustKeeper(t, options)
		if got := heard.take(); strings.Contains(got, "written") {
			t.Errorf("before it runs: heard %q", got)
		}
		defer run(k)() // known at the start, and not when it matters
		synctest.Wait()
		if got := heard.take(); !strings.Contains(got, "cannot be written: no space") {
			t.Errorf("at the start: heard %q", got)
		}
		z.publish("A*")
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if got := heard.take(); !strings.Contains(got, "cannot be written: no space") || z.states(k) != "A valid" {
			t.Errorf("later: heard %q, %s", got, z.states(k))
		}
	})
}

func TestAKeeperThatDoesNotRunWritesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		z := &zone{t: t, name: name("example."), now: time.Now, keys: "A*"}
		b := &broken{}
		b.text, b.saved = memory().String(), true
		heard := &events{}
		mustKeeper(t, Options{Positive: z.anchor('A'), Managed: []lookup.Name{z.name}, Fetch: z.fetch, Report: heard.report, Store: b})
		if got := heard.take(); strings.Contains(got, "written") {
			t.Errorf("heard %q", got)
		}
		// What was read is not written over what has been learned since.
		store := &Recollection{}
		_ = store.Save(Memory{Points: memory().Points}.String())
		k := mustKeeper(t, Options{Positive: z.anchor('A'), Managed: []lookup.Name{z.name}, Fetch: z.fetch, Store: store})
		k.Poll(t.Context())
		learned, _, _ := store.Load()
		defer run(k)()
		synctest.Wait()
		if now, _, _ := store.Load(); now != learned || !strings.Contains(now, "id: example.") {
			t.Errorf("got %s", now)
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
