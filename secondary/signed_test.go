package secondary

import (
	"context"
	"net/netip"
	"strings"
	"testing"

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
