package secondary

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/tsig"
)

// With a key, only what is signed with it counts: a zone comes whole, or not at all.
func TestSignedTransfers(t *testing.T) {
	t.Parallel()
	key := tsig.Key{Name: lookup.MustName("key."), Algorithm: tsig.HMACSHA256, Secret: []byte("secret")}
	wrong, unknown := key, key
	wrong.Secret = []byte("other")
	unknown.Name = lookup.MustName("stranger.")
	for _, c := range []struct {
		what string
		key  tsig.Key // of the primary
		want string
	}{
		{"the same key", key, ""},
		{"another secret", wrong, "BADSIG"},
		{"another name", unknown, "BADKEY"},
		{"no key", tsig.Key{}, "not signed"},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			zoneCopy, w, p := newCopy(t, zone(7), func(o *Options) {
				o.Key = func(netip.AddrPort) (tsig.Key, bool) { return key, true }
			})
			p.key = c.key
			p.script = nil
			_ = zoneCopy.refresh(context.Background())
			_, ok := zoneCopy.Zone()
			reason := zoneCopy.Status().Reason
			if ok != (c.want == "") || !strings.Contains(reason, c.want) {
				t.Errorf("used: %v, reason %q, want %q", ok, reason, c.want)
			}
			if want := map[bool]string{true: "SOA, AXFR", false: "SOA"}[ok]; w.asked(p) != want {
				t.Errorf("want %s", want)
			}
		})
	}
}

// Who says that there is something new is asked first: others may not know yet.
func TestWhoNotifiesIsAskedFirst(t *testing.T) {
	t.Parallel()
	zoneCopy, w, p := newCopy(t, zone(7))
	other := &primary{zone: zone(8)}
	w.primaries["192.0.2.2"] = other
	for _, c := range []struct {
		from string
		want uint32
	}{{"192.0.2.1", 7}, {"192.0.2.9", 7}, {"192.0.2.2", 8}} {
		zoneCopy.Hear(netip.MustParseAddr(c.from))
		_ = zoneCopy.refresh(context.Background())
		if got := zoneCopy.Status().Serial; got != c.want {
			t.Errorf("%s notifies: serial %d, want %d", c.from, got, c.want)
		}
	}
	if w.asked(other) != "SOA, IXFR 7" || w.asked(p) != "SOA, AXFR, SOA" {
		t.Error("other questions than expected")
	}
}

// A copy expires on time, whatever a refresh is waiting for meanwhile.
func TestExpiryDuringRefresh(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var expired time.Time
		zoneCopy, w, p := newCopy(t, strings.Replace(zone(7), " 86370 ", " 3605 ", 1), func(o *Options) {
			o.Timeout, o.MaxTime = time.Hour, time.Hour
			o.Observe = func(e Event) {
				if e.Kind == Ended {
					expired = time.Now()
				}
			}
		})
		start := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); _ = zoneCopy.Run(ctx) }()
		synctest.Wait()
		w.change(func() { p.silent = true }) // when it is asked after 3600 s it says nothing for an hour
		time.Sleep(2 * time.Hour)            // of the bubble's time
		cancel()
		<-ended
		if took := expired.Sub(start); took != 3605*time.Second {
			t.Errorf("expired after %v", took)
		}
	})
}
