package geo_test

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/geo"
)

// A watched file, and what the Watcher reports of it.
type watched struct {
	t       *testing.T
	file    string
	version time.Time
	*geo.Watcher

	mu      sync.Mutex
	reports []error
}

func (w *watched) report(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reports = append(w.reports, err)
}

func (w *watched) reported() []error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.reports)
}

func watch(t *testing.T, accept func(*geo.Map) error) *watched {
	t.Helper()
	w := &watched{t: t, file: filepath.Join(t.TempDir(), "country.mmdb"), version: time.Unix(1767225600, 0)}
	w.write(mmdb(t, "country", record{"192.0.2.0/24", country("DE")}))
	var err error
	w.Watcher, err = geo.NewWatcher(geo.WatchOptions{
		Files: []geo.File{{Name: w.file}}, Selectors: selectors(t, "de"),
		Accept: accept, Report: w.report,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	return w
}

// write puts content into the file, a second later than the last time.
func (w *watched) write(content []byte) {
	w.t.Helper()
	w.version = w.version.Add(time.Second)
	if err := errors.Join(os.WriteFile(w.file, content, 0o644), os.Chtimes(w.file, w.version, w.version)); err != nil {
		w.t.Fatal(err)
	}
}

// says checks the scope of a client after some time, and how many reports there were.
func (w *watched) says(after time.Duration, scope string, reports int) {
	w.t.Helper()
	time.Sleep(after) // in the bubble's time
	synctest.Wait()
	if _, got := w.Map().Locate(netip.MustParsePrefix("192.0.2.1/32")); got.String() != scope {
		w.t.Errorf("the scope is %s, not %s", got, scope)
	}
	if got := w.reported(); len(got) != reports {
		w.t.Errorf("%d reports, not %d: %v", len(got), reports, got)
	}
}

func TestWatcherFollowsItsFiles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, nil)
		w.says(time.Minute, "192.0.2.0/24", 0)

		w.write(mmdb(t, "country", record{"192.0.0.0/16", country("DE")}))
		w.says(6*time.Second, "192.0.2.0/24", 0) // seen, and not quiet yet
		w.write(mmdb(t, "country", record{"192.0.0.0/20", country("DE")}))
		w.says(10*time.Second, "192.0.2.0/24", 0) // the period begins anew
		w.says(10*time.Second, "192.0.0.0/20", 1)

		w.write(mmdb(t, "country", record{"192.0.0.0/20", country("DE")}))
		w.says(time.Minute, "192.0.0.0/20", 1) // touched, but the same

		if !w.Rollback() {
			t.Error("nothing to roll back to")
		}
		w.says(time.Minute, "192.0.2.0/24", 1)
		if !w.Rollback() {
			t.Error("nothing to undo")
		}
		w.says(0, "192.0.0.0/20", 1)
	})
}

func TestWatcherKeepsWhatIsGood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		refused := errors.New("an expectation fails")
		w := watch(t, func(m *geo.Map) error {
			if _, scope := m.Locate(netip.MustParsePrefix("192.0.2.1/32")); scope.Bits() < 9 {
				return refused
			}
			return nil
		})
		if w.Rollback() {
			t.Error("there is nothing before the first Map")
		}
		w.write([]byte("not a database"))
		w.says(time.Minute, "192.0.2.0/24", 1)
		if err := w.reported()[0]; !errors.Is(err, geo.ErrDatabase) {
			t.Error(err)
		}
		if err := os.Remove(w.file); err != nil {
			t.Fatal(err)
		}
		w.says(time.Minute, "192.0.2.0/24", 2)
		w.write(mmdb(t, "country", record{"192.0.0.0/8", country("DE")}))
		w.says(time.Minute, "192.0.2.0/24", 3)
		if err := w.reported()[2]; !errors.Is(err, refused) {
			t.Error(err)
		}
		w.write(mmdb(t, "country", record{"192.0.2.0/23", country("DE")}))
		w.says(time.Minute, "192.0.2.0/23", 4)
		if err := w.reported()[3]; err != nil {
			t.Error(err)
		}
	})
}

// Whoever is told to look does so at once; and databases that are no files stay.
func TestRefreshDoesNotWait(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "country.mmdb")
	write := func(network string) {
		if err := os.WriteFile(file, mmdb(t, "country", record{network, country("DE")}), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("192.0.2.0/24")
	reports := 0
	w, err := geo.NewWatcher(geo.WatchOptions{
		Files: []geo.File{{Name: file}}, Selectors: selectors(t, "de", "as64500"),
		Sources: geo.Sources{Databases: []*geo.Database{read(t, "GeoLite2-ASN", toyASN()...)}},
		Report:  func(error) { reports++ },
	})
	if err != nil {
		t.Fatal(err)
	}
	began := w.Compiled()
	w.Refresh()
	if reports != 0 {
		t.Error("nothing has changed, and something is reported")
	}
	write("192.0.0.0/16")
	w.Refresh()
	if _, scope := w.Map().Locate(netip.MustParsePrefix("192.0.2.1/32")); scope.String() != "192.0.0.0/16" || reports != 1 || w.Compiled().Before(began) {
		t.Errorf("the scope is %s after %d reports", scope, reports)
	}
	if class, _ := w.Map().Locate(netip.MustParsePrefix("203.0.113.9/32")); !w.Map().Has(class, geo.Selector{Kind: geo.ASN, Value: "64500"}) {
		t.Error("the database that is no file is lost")
	}
}
