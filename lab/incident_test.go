package lab

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/transport"
)

// Each script can be played: its servers and variants are there, in the order of time, and
// it ends with all servers well.
func TestIncidentsArePlayable(t *testing.T) {
	t.Parallel()
	for _, i := range Incidents() {
		tld, err := i.Play()
		if err != nil {
			t.Errorf("%s: %v", i.Name, err)
			continue
		}
		if len(i.Facts) == 0 || len(i.Sources) == 0 || len(i.Here) == 0 || i.Began.IsZero() {
			t.Errorf("%s: nothing is told of it", i.Name)
		}
		last := time.Duration(-1)
		for _, s := range i.Steps {
			if s.After <= last {
				t.Errorf("%s: %q comes too late", i.Name, s.Says)
			}
			last = s.After
			for _, turn := range s.Turn {
				if _, there := tld.variants[turn.Variant]; !there && turn.Variant != Mute {
					t.Errorf("%s: there is no variant %q", i.Name, turn.Variant)
				}
			}
			tld.Take(s)
		}
		if last != i.Lasted {
			t.Errorf("%s: ends after %v, want %v", i.Name, last, i.Lasted)
		}
		for n := range i.TLD.Hosts {
			host := fmt.Sprintf("%s.%s", i.TLD.Hosts[n], tld.options.TLD)
			r, err := tld.Exchange(t.Context(), toAddr(tld.Servers()[n], tld.Zone(), lookup.TypeNS))
			if err != nil || len(r.Authority) == 0 || r.Authority[0].Type != lookup.TypeNS {
				t.Errorf("%s: in the end %s says %+v, %v", i.Name, host, r, err)
			}
		}
	}
	if _, err := FindIncident("io-1066"); err == nil {
		t.Error("found")
	}
}

// A stolen key has the tag of the published one, and its signatures do not validate; the
// rest of a zone does.
func TestSign(t *testing.T) {
	t.Parallel()
	apex := lookup.MustName("example.")
	const text = "example. 300 SOA ns host 1 2 3 4 5\nexample. 300 NS ns.example.\nns.example. 300 A 192.0.2.1\nsub.example. 300 NS ns.sub.example.\nns.sub.example. 300 A 192.0.2.2\n"
	for _, nsec3 := range []bool{false, true} {
		signed, ds, err := Sign(apex, text, Signing{NSEC3: nsec3, Stolen: func(s lookup.RRset) bool { return s.Type == lookup.TypeA }})
		if err != nil {
			t.Fatal(err)
		}
		good, bad, none := checked(t, apex, signed, ds)
		if bad != 1 || none != 2 || good < 6 { // ns; the cut and its glue
			t.Errorf("NSEC3 %v: %d good, %d bad, %d not signed\n%s", nsec3, good, bad, none, signed)
		}
	}
	if _, _, err := Sign(apex, "what?", Signing{}); err == nil {
		t.Error("signed")
	}
}

// checked counts the RRsets of a zone by how their signatures are.
func checked(t *testing.T, apex lookup.Name, zone, ds string) (good, bad, none int) {
	t.Helper()
	sets, err := lookup.ParseRRsets(zone)
	if err != nil {
		t.Fatal(err)
	}
	keyset, _ := lookup.Find(sets, apex, lookup.TypeDNSKEY)
	v := dnssec.Verifier{Now: time.Date(2016, 10, 28, 0, 0, 0, 0, time.UTC), Budget: lookup.NewBudget(lookup.Limits{})}
	keys, result := v.Keys(keyset, dnssec.ParseDS(lookup.MustRRsets(ds)[0]))
	if result.Status != dnssec.Secure {
		t.Fatalf("the keys are %v", result)
	}
	for _, s := range sets {
		switch {
		case s.Sigs == "":
			none++
		case v.Verify(s, apex, keys).Status == dnssec.Secure:
			good++
		default:
			bad++
		}
	}
	return good, bad, none
}

func toAddr(server netip.Addr, name lookup.Name, t lookup.Type) transport.Request {
	return transport.Request{Server: netip.AddrPortFrom(server, 53), Question: lookup.Question{Name: name, Type: t, Class: lookup.ClassIN}}
}
