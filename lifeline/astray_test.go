package lifeline_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/lifeline"
	"github.com/sextant-dns/sextant/lookup"
)

// hosts reads "name address address; name".
func hosts(text string) (all []lifeline.Host) {
	for part := range strings.SplitSeq(text, ";") {
		f := strings.Fields(part)
		h := lifeline.Host{Name: lookup.MustName(f[0])}
		for _, a := range f[1:] {
			h.Addrs = append(h.Addrs, netip.MustParseAddr(a))
		}
		all = append(all, h)
	}
	return all
}

// Known are ns1 at 192.0.2.1 and ns2 at 192.0.2.2.
func TestReferralsAreCompared(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		shown string
		glue  bool
		want  lifeline.State
	}{
		{"ns1.example.io. 192.0.2.1; ns2.example.io. 192.0.2.2", false, lifeline.Normal},
		{"ns2.example.io. 192.0.2.2", false, lifeline.Normal},
		{"ns1.example.io.; ns2.example.io.", false, lifeline.Normal},
		{"ns1.example.io. 192.0.2.1 203.0.113.9", false, lifeline.Normal}, // as a roll-call judges
		{"ns1.example.io. 203.0.113.66", false, lifeline.Suspect},
		{"ns1.example.io. 203.0.113.66", true, lifeline.Suspect},
		{"ns1.example.io. 192.0.2.1 2001:db8::66", false, lifeline.Suspect},
		{"ns1.example.io. 2001:db8::66", true, lifeline.Normal}, // it is given to those who ask, and to nobody else
		{"ns1.example.io. 192.0.2.1; ns.zz.io.", false, lifeline.Suspect},
		{"ns.example.com.", false, lifeline.Suspect},
	} {
		synctest.Test(t, func(t *testing.T) {
			k := newKeeping(newWorld(t))
			k.Referred(example, hosts(c.shown), c.glue) // nothing is known yet
			k.call(t, 3)
			k.Referred("\x07example\x03com\x00", hosts(c.shown), c.glue)
			if s := k.state(t); s.State != lifeline.Normal {
				t.Fatal(s.Reason)
			}
			k.Referred(example, hosts(c.shown), c.glue)
			if s := k.state(t); s.State != c.want {
				t.Errorf("%s: %s, want %s", c.shown, s.State, c.want)
			}
		})
	}
}

// What servers say that are not known is held back until the zone is normal again, and then
// forgotten; it is not even given when nobody else answers, or is old.
func TestNobodyIsLedAstray(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var forgotten []lookup.Name
		k := newKeeping(newWorld(t), func(o *lifeline.Options) {
			o.Forget = func(zone lookup.Name) { forgotten = append(forgotten, zone) }
		})
		k.call(t, 3)
		foreign := answer("203.0.113.66")
		g := k.Guard(lookup.Func(func(context.Context, lookup.Query) (*lookup.Response, error) {
			k.Referred(example, hosts("ns.zz.io. 203.0.113.66"), false)
			return foreign, nil
		}), nil)
		heard := func(want string) {
			t.Helper()
			r, err := g.Resolve(t.Context(), ask("www.example.io."))
			got := ""
			if err != nil {
				got = err.Error()
			} else {
				got = r.String()
			}
			if !strings.Contains(got, want) {
				t.Errorf("got %s, want %s", got, want)
			}
		}
		heard("192.0.2.80") // the first query of all
		fail := lookup.Func(func(context.Context, lookup.Query) (*lookup.Response, error) { return nil, errors.New("no reply") })
		k.known.Store(&fail)
		heard("no reply")
		foreign.EDE = []lookup.EDE{{Code: lookup.EDEStaleAnswer}}
		heard("no reply")
		foreign.EDE = nil
		k.known.Store(nil)
		if s := k.state(t); s.State != lifeline.Suspect || s.Reason != string(lifeline.LedAstray) {
			t.Errorf("%s: %s", s.State, s.Reason)
		}
		for range 12 { // all servers of io. confirm what is known
			time.Sleep(30 * time.Second)
			k.call(t, 1)
		}
		if s := k.state(t); s.State != lifeline.Normal || !slices.Equal(forgotten, []lookup.Name{example}) {
			t.Errorf("%s, forgotten %v", s.State, forgotten)
		}
		if err := k.Release(example); err != nil { // and now it is the parent's word that counts
			t.Fatal(err)
		}
		heard("203.0.113.66")
	})
}

// A change that a majority shows is heard after ten minutes when nobody else answers, and
// what somebody else is led to is not.
func TestTheOnlyOnesLeftAreHeard(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		k := newKeeping(w)
		k.call(t, 3)
		fail := lookup.Func(func(context.Context, lookup.Query) (*lookup.Response, error) { return nil, errors.New("no reply") })
		k.known.Store(&fail)
		w.all(0, 7, w.refers(lookup.MustRRsets("example.io. 3600 NS ns.zz.io.\nns.zz.io. 3600 A 203.0.113.66\n")...))
		k.Referred(example, hosts("ns.zz.io. 203.0.113.66"), false)
		g := k.Guard(says(0, answer("203.0.113.66"), nil), nil)
		for since := time.Duration(0); since <= 12*time.Minute; since += time.Minute {
			k.call(t, 1)
			_, err := g.Resolve(t.Context(), ask("www.example.io."))
			if (err == nil) != (since >= 10*time.Minute) {
				t.Errorf("after %v: %v", since, err)
			}
			time.Sleep(time.Minute)
		}
		k.Referred(example, hosts("ns.yy.io."), false)
		if _, err := g.Resolve(t.Context(), ask("www.example.io.")); err == nil {
			t.Error("one server of io. that lies, too, is believed")
		}
	})
}
