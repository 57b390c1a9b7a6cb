package dns64_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/sextant-dns/sextant/dns64"
)

func addrs(texts ...string) (all []netip.Addr) {
	for _, t := range texts {
		all = append(all, netip.MustParseAddr(t))
	}
	return all
}

func TestDiscoverFindsThePrefixesOfRFC7050(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		in   []netip.Addr
		want string
	}{
		{"nothing", nil, "[]"},
		{"the well-known prefix", addrs("64:ff9b::192.0.0.170", "64:ff9b::192.0.0.171"), "[64:ff9b::/96]"},
		{"one of both is enough", addrs("64:ff9b::192.0.0.171"), "[64:ff9b::/96]"},
		{"two prefixes", addrs("64:ff9b::192.0.0.170", "2001:db8:1:2:c0:0:aa00:0"), "[64:ff9b::/96 2001:db8:1:2::/64]"},
		{"real addresses of somebody", addrs("2001:db8::1", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"), "[]"},
		{"bits 64 to 71 are set", addrs("2001:db8:1:2:ff00:1:c000:aa"), "[]"},
		{"mapped", addrs("::ffff:192.0.0.170"), "[]"},
		// The address stands at /32 and at /96 in the first; the second tells which.
		{"ambiguous", addrs("2001:db8:c000:aa::c000:aa", "2001:db8:c000:aa::c000:ab"), "[2001:db8:c000:aa::/96]"},
		{"ambiguous, the other way", addrs("2001:db8:c000:aa::c000:aa", "2001:db8:c000:ab::"), "[2001:db8::/32]"},
		{"ambiguous for ever", addrs("2001:db8:c000:aa::c000:aa"), "[]"},
	} {
		if got := fmt.Sprint(dns64.Discover(c.in)); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// What is embedded is found again, whatever the prefix.
func TestCandidatesHoldWhatIsEmbedded(t *testing.T) {
	t.Parallel()
	v4 := netip.MustParseAddr("192.0.2.33")
	for _, text := range []string{"2001:db8::/32", "2001:db8:100::/40", "2001:db8:122::/48", "2001:db8:122:300::/56", "2001:db8:122:344::/64", "2001:db8:122:344::/96", "64:ff9b::/96"} {
		p := netip.MustParsePrefix(text)
		if !slices.Contains(dns64.Candidates(dns64.Embed(p, v4)), dns64.Candidate{Prefix: p, V4: v4}) {
			t.Errorf("%s: not in %v", p, dns64.Candidates(dns64.Embed(p, v4)))
		}
		known := []netip.Addr{dns64.Embed(p, netip.MustParseAddr("192.0.0.170")), dns64.Embed(p, netip.MustParseAddr("192.0.0.171"))}
		if got := dns64.Discover(known); !slices.Equal(got, []netip.Prefix{p}) {
			t.Errorf("%s is discovered as %v", p, got)
		}
	}
	if got := dns64.Candidates(v4); got != nil {
		t.Errorf("of an IPv4 address: %v", got)
	}
}
