package main

import (
	"bytes"
	"iter"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestPlan(t *testing.T) {
	t.Parallel()
	h, _ := placedHousehold(t)
	h.write("sextant.yaml", placed)
	h.write("more.mmdb", countries(t, map[string]string{"203.0.112.0/22": "DE", "203.0.116.0/22": "AT", "203.0.120.0/22": "DE", "2001:db8::/32": "DE"}))
	h.write("gone.mmdb", countries(t, map[string]string{"203.0.116.0/22": "AT"}))
	h.write("other.zone", strings.Replace(goodZone, "192.0.2.10", "192.0.2.11", 1))
	h.write("other.geo", strings.ReplaceAll(worked, "PORT", "80")+"$WHEN at,us\nns A 192.0.2.99\n")
	h.write("queries", "203.0.113.9 db.corp.example A\n203.0.121.0/24 db.corp.example A # of a resolver\n\n203.0.121.9 www.elsewhere A\n10.1.1.1 db.corp.example. A\n")
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"--mmdb more.mmdb --queries queries", exitOK, `less than 0.01 % of IPv4 and less than 0.01 % of IPv6 addresses hear something else
  db.corp.example. A in view all: less than 0.01 % of IPv4, less than 0.01 % of IPv6, such as 203.0.120.0/22
25.00 % of 4 logged queries are answered otherwise
`},
		{"--mmdb places.mmdb=gone.mmdb", exitFailed, `less than 0.01 % of IPv4 and 0.00 % of IPv6 addresses hear something else
  db.corp.example. A in view all: less than 0.01 % of IPv4, 0.00 % of IPv6, such as 203.0.112.0/22
zone corp.example.: corp.geo:15:1: $EXPECT fails: the answer is 198.51.100.80; $EXPECT db A from 203.0.113.9 = 127.0.0.1
1 $EXPECT fail: this would be refused
`},
		{"--zone other.zone", exitOK, `0.00 % of IPv4 and 0.00 % of IPv6 addresses hear something else
zone file of corp.example.: 2 RRsets are others
`},
		{"--geo corp.example=other.geo", exitOK, `less than 0.01 % of IPv4 and 0.00 % of IPv6 addresses hear something else
  ns.corp.example. A in view office: less than 0.01 % of IPv4, 0.00 % of IPv6, such as 203.0.116.0/22
  ns.corp.example. A in view all: less than 0.01 % of IPv4, 0.00 % of IPv6, such as 203.0.116.0/22
`},
		{"", exitUsage, "sextant: nothing is to change: want --mmdb, --zone or --geo\n"},
		{"--mmdb corp.zone", exitUsage, "not a usable mmdb database"},
		{"--geo nowhere=other.geo", exitUsage, "sextant: --geo: no zone nowhere. of a file is configured\n"},
		{"--zone places.mmdb", exitUsage, "places.mmdb:1:"},
		{"--mmdb more.mmdb --queries corp.zone", exitUsage, "corp.zone:1: want a client, a name and a type"},
	} {
		args := []string{"plan", "--config", h.path("sextant.yaml")}
		for _, a := range strings.Fields(c.args) {
			if zone, file, named := strings.Cut(a, "="); named {
				if strings.HasSuffix(zone, ".mmdb") {
					zone = h.path(zone)
				}
				a = zone + "=" + h.path(file)
			} else if !strings.HasPrefix(a, "--") {
				a = h.path(a)
			}
			args = append(args, a)
		}
		var out bytes.Buffer
		code := run(t.Context(), args, &out, &out)
		if got := strings.ReplaceAll(out.String(), h.dir+"/", ""); code != c.code || got != c.want && (code != exitUsage || !strings.Contains(got, c.want)) {
			t.Errorf("%s: exit code %d, want %d; got\n%swant\n%s", c.args, code, c.code, got, c.want)
		}
	}
}

// Two worlds that chance has made, by the slow way: address by address.
func TestOtherwiseAgreesWithEveryAddress(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 6))
	world := func() (texts [256]string, all iter.Seq2[netip.Prefix, string]) {
		var prefixes []netip.Prefix
		var split func(p netip.Prefix)
		split = func(p netip.Prefix) {
			if p.Bits() == 32 || random.IntN(3) == 0 {
				prefixes = append(prefixes, p)
				text := string(rune('a' + random.IntN(2)))
				for i := range 1 << (32 - p.Bits()) {
					texts[int(p.Addr().As4()[3])+i] = text
				}
				return
			}
			half := p.Addr().As4()
			split(netip.PrefixFrom(p.Addr(), p.Bits()+1))
			half[3] |= 1 << (31 - p.Bits())
			split(netip.PrefixFrom(netip.AddrFrom4(half), p.Bits()+1))
		}
		split(netip.MustParsePrefix("192.0.2.0/24"))
		return texts, func(yield func(netip.Prefix, string) bool) {
			for _, p := range prefixes {
				if !yield(p, texts[p.Addr().As4()[3]]) {
					return
				}
			}
		}
	}
	for range 500 {
		one, first := world()
		other, second := world()
		changed, n := otherwise(first, second), 0
		for i := range 256 {
			at := netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})
			told := slices.ContainsFunc(changed, func(p netip.Prefix) bool { return p.Contains(at) })
			if told != (one[i] != other[i]) {
				t.Fatalf("%s: told %v, but hears %s and %s; %v", at, told, one[i], other[i], changed)
			}
			if told {
				n++
			}
		}
		if v4, v6 := shares(append(changed, changed...)); int(v4/100*(1<<32)+0.5) != n || v6 != 0 {
			t.Fatalf("%v and %v percent of %d", v4, v6, n)
		}
	}
}
