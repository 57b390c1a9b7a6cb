package secondary

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

// left has a primary say in each first message how many seconds its own copy is good for.
func left(p *primary, seconds uint32) {
	p.script = func(q *dns.Msg) []reply {
		replies := p.honest(q)
		opt := q.IsEdns0()
		if opt == nil || len(opt.Option) != 1 || opt.Option[0].Option() != dns.EDNS0EXPIRE {
			return replies
		}
		replies[0].change = func(m *dns.Msg) {
			m.SetEdns0(1232, false)
			m.IsEdns0().Option = []dns.EDNS0{
				&dns.EDNS0_NSID{Code: dns.EDNS0NSID, Nsid: "aa"},
				&dns.EDNS0_EXPIRE{Code: dns.EDNS0EXPIRE, Expire: seconds},
			}
		}
		return replies
	}
}

// RFC 7314 4: what is left of a zone's time is what the primary says, which may be a
// secondary itself; never more than the SOA allows, and refreshes take nothing away. The
// next start knows it, too.
func TestTimeThatIsLeftToThePrimary(t *testing.T) {
	t.Parallel()
	const allowed = 86370 * time.Second // by the SOA
	file := filepath.Join(t.TempDir(), "store")
	synctest.Test(t, func(t *testing.T) {
		c, w, p := newCopy(t, zone(7), func(o *Options) { o.Store = file })
		left(p, 10_000)
		start := time.Now()
		expires := func(what string, want time.Duration) {
			t.Helper()
			if got := c.Status().Expires.Sub(start); got != want {
				t.Errorf("%s: expires after %v, want %v", what, got, want)
			}
		}
		stop := run(t, c)
		synctest.Wait()
		expires("transferred", 10_000*time.Second)
		w.change(func() { left(p, 5_000) })
		time.Sleep(time.Hour + time.Second)
		expires("confirmed by one who has less", 10_000*time.Second)
		w.change(func() { left(p, 9_000) })
		time.Sleep(time.Hour)
		expires("confirmed by one who has more", 2*time.Hour+9_000*time.Second)
		next := New(c.options)
		if err := next.Load(); err != nil || !next.Status().Expires.Equal(c.Status().Expires) {
			t.Errorf("after the next start: expires %v, want %v; %v", next.Status().Expires, c.Status().Expires, err)
		}
		w.change(func() { left(p, 1_000_000) })
		time.Sleep(time.Hour)
		expires("more than the SOA allows", 3*time.Hour+allowed)
		w.change(func() { p.script = nil })
		time.Sleep(time.Hour)
		expires("not told", 4*time.Hour+allowed)
		w.change(func() { p.zone = zone(8); left(p, 50) })
		time.Sleep(time.Hour)
		expires("transferred anew", 5*time.Hour+50*time.Second)
		stop()
	})
}

// A primary that knows no EDNS is asked without, for good (RFC 6891 7); any other error
// is one.
func TestPrimaryWithoutEDNS(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, w, p := newCopy(t, zone(7))
		odd := dns.RcodeFormatError
		p.script = func(q *dns.Msg) []reply {
			if q.IsEdns0() == nil {
				return nil
			}
			p.asked = append(p.asked, "with EDNS")
			return []reply{{change: func(m *dns.Msg) { m.Rcode = odd }}}
		}
		for _, want := range []string{"SOA, with EDNS, SOA, AXFR", "SOA"} {
			if err := c.consult(t.Context(), netip.MustParseAddrPort(first)); err != nil || w.asked(p) != want {
				t.Errorf("want %s: %v", want, err)
			}
		}
		other, _, q := newCopy(t, zone(7))
		q.script, odd = p.script, dns.RcodeRefused
		if err := other.consult(t.Context(), netip.MustParseAddrPort(first)); fmt.Sprint(err) != "answered REFUSED" {
			t.Errorf("got %v", err)
		}
	})
}
