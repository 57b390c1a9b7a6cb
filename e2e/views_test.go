//go:build e2e

package e2e_test

import (
	"strings"
	"testing"
)

// Split horizon: three views over one zone, seen with dig from the addresses of their
// clients, by proxies, and with a key; and what secondaries get of it.
func TestSplitHorizon(t *testing.T) {
	needs(t, "root", "ip", "dig", "kdig")
	t.Parallel()
	f := newFamily(t)
	write(t, f.path("split.zone"), `$TTL 300
@ SOA ns host 7 3600 600 604800 60
@ NS ns
ns A 192.0.2.53
www A 192.0.2.80
www AAAA 2001:db8::80
git A 192.0.2.22
mail MX 10 www
*.dev A 192.0.2.99
alias CNAME www
`)
	write(t, f.path("split.geo"), `$WHEN view:corp
www A 10.0.4.80
git A 10.0.4.22
vpn A 10.0.0.1
mail A 10.0.0.25
a.dev A 10.0.0.9
alias CNAME git
$WHEN view:guests
vpn A 192.168.1.1
$WHEN *
$EXPECT git A from 10.1.2.3 view=corp = 10.0.4.22
`)
	f.serve(t, `  - { name: split.example, file: split.zone, overlay: split.geo, allow-transfer: [{ key: transfer.key }] }
views:
  - { name: corp, clients: [127.0.1.0/24, 10.0.0.0/8], keys: [host.key], ecs-proxies: [127.0.9.9, { key: wrong.key }], recursion: false }
  - { name: guests, clients: [127.0.2.0/24, 192.168.0.0/16], ecs-proxies: [127.0.9.9], recursion: false }
  - { name: all, clients: [127.0.0.0/16], recursion: false }
`)
	const corp, guest, public = "127.0.1.5", "127.0.2.5", "127.0.0.5"
	for _, c := range []struct{ question, corp, guest, public string }{
		{"git A", "git A 10.0.4.22", "git A 192.0.2.22", "git A 192.0.2.22"},
		{"www A", "www A 10.0.4.80", "www A 192.0.2.80", "www A 192.0.2.80"},
		{"www AAAA", "NODATA", "www AAAA 2001:db8::80", "www AAAA 2001:db8::80"}, // no public address beside an internal one
		{"vpn A", "vpn A 10.0.0.1", "vpn A 192.168.1.1", "NXDOMAIN"},
		{"mail A", "mail A 10.0.0.25", "NODATA", "NODATA"},
		{"mail MX", "NODATA", "mail MX 10 www.split.example.", "mail MX 10 www.split.example."},
		{"a.dev A", "a.dev A 10.0.0.9", "a.dev A 192.0.2.99", "a.dev A 192.0.2.99"},
		{"b.dev A", "b.dev A 192.0.2.99", "b.dev A 192.0.2.99", "b.dev A 192.0.2.99"}, // as in the zone
		{"alias A", "alias CNAME git.split.example. git A 10.0.4.22", "alias CNAME www.split.example. www A 192.0.2.80", "alias CNAME www.split.example. www A 192.0.2.80"},
		{"ns A", "ns A 192.0.2.53", "ns A 192.0.2.53", "ns A 192.0.2.53"},
		{"nobody A", "NXDOMAIN", "NXDOMAIN", "NXDOMAIN"},
	} {
		name, qtype, _ := strings.Cut(c.question, " ")
		for from, want := range map[string]string{corp: c.corp, guest: c.guest, public: c.public} {
			for _, tool := range []string{"dig", "dig", "kdig"} { // the second time, of packets that are remembered
				out, _ := f.try(t, tool, "@"+ourAddr, "-b", from, name+".split.example", qtype, "+norecurse")
				if got := heard(parseDig(out)); got != want {
					t.Errorf("%s for %s hears %q, want %q", c.question, from, got, want)
				}
			}
		}
	}

	// Who may choose a view, and who may not.
	const inside, outside = "git A 10.0.4.22", "git A 192.0.2.22"
	host, proxy, transfer := "hmac-sha256:host.key:"+goodKey, "hmac-sha256:wrong.key:"+wrongKey, "hmac-sha256:transfer.key:"+goodKey
	for _, c := range []struct{ what, args, want string }{
		{"a stranger's subnet", "-b 127.0.0.5 +subnet=10.1.2.0/24", outside},
		{"who is inside, with a subnet that is outside", "-b 127.0.1.5 +subnet=192.0.2.0/24", inside},
		{"a proxy for who is inside", "-b 127.0.9.9 +subnet=10.1.2.0/24", inside},
		{"a proxy for who is outside", "-b 127.0.9.9 +subnet=192.0.2.0/24", outside},
		{"a proxy for a guest", "-b 127.0.9.9 +subnet=192.168.7.0/24", outside},
		{"beside the proxy", "-b 127.0.0.99 +subnet=10.1.2.0/24", outside},
		{"a proxy by its key", "-b 127.0.0.5 +subnet=10.1.2.0/24 -y " + proxy, inside},
		{"a proxy by its key, over TCP", "-b 127.0.0.5 +subnet=10.1.2.0/24 +tcp -y " + proxy, inside},
		{"a proxy by its key, of nobody", "-b 127.0.0.5 -y " + proxy, outside},
		{"a key that is no proxy's", "-b 127.0.0.5 +subnet=10.1.2.0/24 -y " + transfer, outside},
		{"a key of the view", "-b 127.0.0.5 -y " + host, inside},
		{"a key of the view, over TCP", "-b 127.0.2.5 +tcp -y " + host, inside},
		{"a key of the view, from nowhere", "-b 127.7.7.7 -y " + host, inside},
		{"a key of the view with another secret", "-b 127.0.1.5 -y hmac-sha256:host.key:" + wrongKey, "NOTAUTH"},
		{"nobody's client", "-b 127.7.7.7", "REFUSED"},
	} {
		args := append([]string{"dig", "@" + ourAddr, "git.split.example", "A", "+norecurse"}, strings.Fields(c.args)...)
		out, _ := f.try(t, args...)
		if got := heard(parseDig(out)); got != c.want {
			t.Errorf("%s hears %q, want %q", c.what, got, c.want)
		}
	}

	// In each view a transfer is of the zone alone, and who may have it says allow-transfer.
	var whole []string
	for _, from := range []string{corp, guest, public} {
		got := f.whole(t, ourAddr, "split.example", "-b", from, "-y", transfer)
		if len(got) != 9 || strings.Contains(strings.Join(got, "\n"), " 10.0.") || whole != nil && strings.Join(got, "\n") != strings.Join(whole, "\n") {
			t.Errorf("to %s goes\n%s", from, strings.Join(got, "\n"))
		}
		whole = got
		if got := f.whole(t, ourAddr, "split.example", "-b", from, "-y", host); len(got) != 0 {
			t.Errorf("without allow-transfer, to %s goes\n%s", from, strings.Join(got, "\n"))
		}
	}
}

// heard is the answer of a reply without the zone's name and TTLs, or what there is instead.
func heard(r reply) string {
	if r.status != "NOERROR" {
		return r.status
	}
	if len(r.answer) == 0 {
		return "NODATA"
	}
	var all []string
	for _, rr := range r.answer {
		f := strings.Fields(rr)
		all = append(all, strings.TrimSuffix(f[0], ".split.example.")+" "+strings.Join(f[1:], " "))
	}
	return strings.Join(all, " ")
}
