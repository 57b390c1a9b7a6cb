package resolver_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
)

// RFC 5011 2.1: a revocation counts at once, whoever has come across it.
func TestKeysOfAnchorsAreShownBeforeTheyCount(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		after func(before resolver.Anchor) (resolver.Anchor, bool)
		want  string
	}{
		{"nothing changes", func(a resolver.Anchor) (resolver.Anchor, bool) { return a, true }, "secure NOERROR"},
		{"none is left", func(resolver.Anchor) (resolver.Anchor, bool) { return resolver.Anchor{}, false }, "insecure NOERROR"},
		{"a negative one", func(a resolver.Anchor) (resolver.Anchor, bool) {
			return resolver.Anchor{Zone: a.Zone, Negative: true}, true
		}, "insecure NOERROR"},
		{"other keys", func(a resolver.Anchor) (resolver.Anchor, bool) {
			ds := a.DS[0]
			ds.Digest = strings.Repeat("x", len(ds.Digest))
			return resolver.Anchor{Zone: a.Zone, DS: []dnssec.DS{ds}}, true
		}, "error: 9 "},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := signedShops(t)
				var shown []lookup.RRset
				r := n.resolver(n.validating, func(o *resolver.Options) {
					root, _ := o.Validation.Anchor(lookup.Root)
					o.Validation.Anchor = func(lookup.Name) (resolver.Anchor, bool) {
						if len(shown) > 0 {
							return c.after(root)
						}
						return root, true
					}
					o.Validation.Seen = func(keys lookup.RRset) { shown = append(shown, keys) }
				})
				if got := judged(t, r, "www.bank.com. A"); !strings.HasPrefix(got, c.want) {
					t.Errorf("got %s, want %s", got, c.want)
				}
				for _, s := range shown {
					if s.Name != lookup.Root || s.Type != lookup.TypeDNSKEY || s.Sigs == "" {
						t.Errorf("%v was shown", s)
					}
				}
				if c.name == "nothing changes" && len(shown) != 1 {
					t.Errorf("%d RRsets were shown, not only that of the anchor's zone", len(shown))
				}
			})
		})
	}
}

// An anchor below the root is revoked altogether: the one above it counts.
func TestTheAnchorAboveCountsWhenOneIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, gone := signedShops(t), false
		r := n.resolver(n.validating, func(o *resolver.Options) {
			root := o.Validation.Anchor
			o.Validation.Anchor = func(name lookup.Name) (resolver.Anchor, bool) {
				if name.IsSubdomainOf("\x04bank\x03com\x00") && !gone {
					ds := dnssec.DS{Tag: 1, Algorithm: dnssec.ECDSAP256SHA256, Type: dnssec.SHA256, Digest: strings.Repeat("x", 32)}
					return resolver.Anchor{Zone: "\x04bank\x03com\x00", DS: []dnssec.DS{ds}}, true
				}
				return root(name)
			}
			o.Validation.Seen = func(keys lookup.RRset) { gone = gone || keys.Name == "\x04bank\x03com\x00" }
		})
		if got := judged(t, r, "www.bank.com. A"); got != "secure NOERROR" {
			t.Errorf("got %s", got)
		}
		// What is remembered is not shown again.
		time.Sleep(time.Minute)
		if got := judged(t, r, "cards.bank.com. TXT"); got != "secure NOERROR" {
			t.Errorf("got %s", got)
		}
	})
}
