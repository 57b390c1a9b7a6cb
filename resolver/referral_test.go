package resolver_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
	"github.com/sextant-dns/sextant/transport"
)

// Whoever wants to know where servers refer to hears of it before anybody is asked there.
func TestReferralsAreToldOf(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	n.zone("example.com.", "www.example.com. 60 A 192.0.2.1", "192.0.2.53")
	var mu sync.Mutex
	var told []string
	asked := -1
	r := n.resolver(func(o *resolver.Options) {
		o.Referred = func(r resolver.Referral) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, fmt.Sprintf("%s%v %v %q", r.Zone, r.Servers[0].Addrs, r.Glue, string(r.Answered)))
			if r.Answered == "" && r.Zone == lookup.MustName("example.com.") {
				asked = n.count("192.0.2.53")
			}
		}
	})
	expect(t, r, "www.example.com. A", "NOERROR | www.example.com. 60 A 192.0.2.1")
	mu.Lock()
	defer mu.Unlock()
	if !slices.Contains(told, `example.com.[192.0.2.53] false ""`) || asked != 0 {
		t.Errorf("%q, %d messages by then", told, asked)
	}
	if last := told[len(told)-1]; last != `example.com.[192.0.2.53] false "\x03www\aexample\x03com\x00"` {
		t.Errorf("%s has answered", last)
	}
}

// Glue that is asked for is the parent's to say: whoever says it has not answered in the
// place of the zone's servers.
func TestGlueIsNobodysAnswer(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	n.zone("example.com.", "www.example.com. 60 A 192.0.2.1", "192.0.2.53")
	n.host("198.51.100.11").script = func(r transport.Request, honest *transport.Reply) *transport.Reply {
		if !strings.HasPrefix(r.Question.Name.String(), "ns") {
			honest.Additional = nil
		}
		return honest
	}
	var glue, itself atomic.Int32
	r := n.resolver(func(o *resolver.Options) {
		o.Referred = func(r resolver.Referral) {
			switch {
			case r.Glue:
				glue.Add(1)
			case r.Answered != "" && r.Zone == lookup.MustName("com."):
				itself.Add(1)
			}
		}
	})
	expect(t, r, "www.example.com. A", "NOERROR | www.example.com. 60 A 192.0.2.1")
	if glue.Load() == 0 || itself.Load() > 0 {
		t.Errorf("glue was asked for %d times, and com. has answered %d times", glue.Load(), itself.Load())
	}
}
