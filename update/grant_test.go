package update

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
)

func TestGrants(t *testing.T) {
	t.Parallel()
	inside := netip.MustParsePrefix("192.0.2.0/24")
	key, other := lookup.MustName("key."), lookup.MustName("other.")
	hosts := Names{Name: lookup.MustName("hosts.example."), Below: true}
	www := Names{Name: lookup.MustName("www.example.")}
	addresses := []lookup.Type{lookup.TypeA, lookup.TypeAAAA}
	for _, c := range []struct {
		what   string
		grants []Grant
		from   string
		key    lookup.Name
		lines  string
		want   string // of the EXTRA-TEXT; "": it is permitted
	}{
		{"nobody", nil, "192.0.2.1", key, "www 1 IN A 192.0.2.1", "may not update this zone"},
		{"neither network nor key is nobody", []Grant{{}}, "192.0.2.1", key, "www 1 IN A 192.0.2.1", "may not update this zone"},
		{"the key", []Grant{{Key: key}}, "198.51.100.1", key, "www 1 IN A 192.0.2.1", ""},
		{"another key", []Grant{{Key: key}}, "198.51.100.1", other, "www 1 IN A 192.0.2.1", "key other. may not"},
		{"no key", []Grant{{Key: key}}, "192.0.2.1", "", "www 1 IN A 192.0.2.1", "not signed"},
		{"the network", []Grant{{Network: inside}}, "192.0.2.1", "", "www 1 IN A 192.0.2.1", ""},
		{"the network, signed all the same", []Grant{{Network: inside}}, "192.0.2.1", other, "www 1 IN A 192.0.2.1", ""},
		{"another network", []Grant{{Network: inside}}, "198.51.100.1", "", "www 1 IN A 192.0.2.1", "not signed"},
		{"both", []Grant{{Network: inside, Key: key}}, "192.0.2.1", key, "www 1 IN A 192.0.2.1", ""},
		{"one of both", []Grant{{Network: inside, Key: key}}, "198.51.100.1", key, "www 1 IN A 192.0.2.1", "key key. may not"},
		{"the other of both", []Grant{{Network: inside, Key: key}}, "192.0.2.1", "", "www 1 IN A 192.0.2.1", "not signed"},
		{"a name", []Grant{{Key: key, Names: []Names{www}}}, "192.0.2.1", key, "www 1 IN A 192.0.2.1|www 0 ANY ANY", ""},
		{"not below the name", []Grant{{Key: key, Names: []Names{www}}}, "192.0.2.1", key, "a.www 1 IN A 192.0.2.1", "may not update a.www.example. A"},
		{"a subtree and its top", []Grant{{Key: key, Names: []Names{hosts}}}, "192.0.2.1", key, "a.b.hosts 1 IN A 192.0.2.1|hosts 1 IN TXT x", ""},
		{"not beside the subtree", []Grant{{Key: key, Names: []Names{hosts}}}, "192.0.2.1", key, "ahosts 1 IN A 192.0.2.1", "may not update ahosts.example. A"},
		{"types", []Grant{{Key: key, Types: addresses}}, "192.0.2.1", key, "www 1 IN A 192.0.2.1|www 0 ANY AAAA|www 0 NONE A 192.0.2.80", ""},
		{"another type", []Grant{{Key: key, Types: addresses}}, "192.0.2.1", key, "www 1 IN A 192.0.2.1|www 0 ANY TXT", "may not update www.example. TXT"},
		{"whatever there is takes every type", []Grant{{Key: key, Types: addresses}}, "192.0.2.1", key, "www 0 ANY ANY", "may not update www.example. ANY"},
		{"several grants add up", []Grant{{Key: key, Names: []Names{www}}, {Key: key, Names: []Names{hosts}, Types: addresses}}, "192.0.2.1", key, "www 0 ANY TXT|a.hosts 1 IN A 192.0.2.1", ""},
		{"but not crosswise", []Grant{{Key: key, Names: []Names{www}}, {Key: key, Names: []Names{hosts}, Types: addresses}}, "192.0.2.1", key, "a.hosts 0 ANY TXT", "may not update a.hosts.example. TXT"},
		{"grants of others do not", []Grant{{Key: other}, {Key: key, Names: []Names{www}}}, "192.0.2.1", key, "a.hosts 0 ANY TXT", "may not update a.hosts.example. TXT"},
	} {
		response := permit(c.grants, netip.MustParseAddr(c.from), c.key, ask(t, strings.Split(c.lines, "|")...).Authority)
		switch {
		case c.want == "" && response == nil:
		case c.want == "" || response == nil:
			t.Errorf("%s: got %v", c.what, response)
		case response.Rcode != lookup.REFUSED || response.EDE[0].Code != lookup.EDEProhibited || !strings.Contains(response.EDE[0].Text, c.want):
			t.Errorf("%s: got %v, want %s", c.what, response, c.want)
		}
	}
}
