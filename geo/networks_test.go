package geo_test

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/geo"
)

func TestParseNetworks(t *testing.T) {
	t.Parallel()
	got, err := geo.ParseNetworks("cdn.txt", []byte("# ours\n192.0.2.0/24 ; a comment\n\n  2001:db8::1\r\n198.51.100.7\n"))
	if err != nil || fmt.Sprint(got) != "[192.0.2.0/24 2001:db8::1/128 198.51.100.7/32]" {
		t.Errorf("%v %v", got, err)
	}
	_, err = geo.ParseNetworks("cdn.txt", []byte("192.0.2.0/24\n  192.0.2.1/24\nnonsense\nfe80::1%eth0\n"))
	want := `cdn.txt:2:3: not a usable network: 192.0.2.1/24: bits are set after the prefix; did you mean 192.0.2.0/24?
cdn.txt:3:1: not a usable network: "nonsense", expected a prefix such as 192.0.2.0/24
cdn.txt:4:1: not a usable network: "fe80::1%eth0", expected a prefix such as 192.0.2.0/24`
	if fmt.Sprint(err) != want {
		t.Errorf("%v\nwant\n%s", err, want)
	}
	if _, err := geo.ParseNetworks("f", []byte(strings.Repeat("x\n", 1000))); strings.Count(fmt.Sprint(err), "\n") != 19 {
		t.Errorf("an error of %d lines", strings.Count(fmt.Sprint(err), "\n")+1)
	}
}

// A list is watched like a database, and one that is wrong changes nothing.
func TestWatcherFollowsLists(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "cdn.txt")
		version := time.Unix(1767225600, 0)
		write := func(content string) {
			version = version.Add(time.Second)
			if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(file, version, version); err != nil {
				t.Fatal(err)
			}
		}
		write("192.0.2.0/24\n")
		var reports []error
		w, err := geo.NewWatcher(geo.WatchOptions{
			Lists: []geo.List{{Set: "cdn", Name: file}}, Selectors: selectors(t, "net:cdn"),
			Report: func(err error) { reports = append(reports, err) },
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- w.Run(ctx) }()
		says := func(want string) {
			t.Helper()
			time.Sleep(time.Minute) // in the bubble's time
			synctest.Wait()
			if _, got := w.Map().Locate(netip.MustParsePrefix("192.0.2.1/32")); got.String() != want {
				t.Errorf("the scope is %s, want %s", got, want)
			}
		}
		says("192.0.2.0/24")
		write("192.0.0.0/16\n")
		says("192.0.0.0/16")
		write("192.0.0.0/33\n")
		says("192.0.0.0/16")
		cancel()
		<-ended
		if len(reports) != 2 || reports[0] != nil || reports[1] == nil || !strings.Contains(reports[1].Error(), "cdn.txt:1:1: ") {
			t.Errorf("%v", reports)
		}
	})
}
