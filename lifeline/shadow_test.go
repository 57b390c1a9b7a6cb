package lifeline_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/lifeline"
)

// A shadow begins with what is known, and neither learns of what happens to the other.
func TestShadow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		k := newKeeping(w)
		zone := example
		if _, called := k.ParentOf(zone); called {
			t.Error("there was no roll-call yet")
		}
		if _, err := k.RollCall(t.Context(), zone); err != nil {
			t.Fatal(err)
		}
		known, _ := k.StatusOf(zone)
		later := time.Now().Add(time.Hour)
		parent, called := k.ParentOf(zone)
		if !called || len(parent.Hosts) != 7 {
			t.Errorf("%+v", parent)
		}
		o := k.options
		o.Now = func() time.Time { return later }
		shadow, err := k.Shadow(zone, o)
		if err != nil {
			t.Fatal(err)
		}
		if s, _ := shadow.StatusOf(zone); s.Snapshot.Fingerprint() != known.Snapshot.Fingerprint() || s.Snapshot.Epoch != known.Snapshot.Epoch || s.State != lifeline.Normal {
			t.Errorf("%+v", s)
		}
		w.all(0, 7, w.silent())
		if _, err := shadow.RollCall(t.Context(), zone); err != nil {
			t.Fatal(err)
		}
		after, _ := k.StatusOf(zone)
		if s, _ := shadow.StatusOf(zone); s.State != lifeline.Emergency || after.State != lifeline.Normal || after.Last.At != known.Last.At {
			t.Errorf("the shadow is %s, and the other %s", s.State, after.State)
		}
		if _, err := k.Shadow("\x03com\x00", o); err == nil {
			t.Error("a shadow of nothing")
		}
		if _, called := k.ParentOf("\x03com\x00"); called {
			t.Error("a parent of nothing")
		}
	})
}
