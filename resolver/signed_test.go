package resolver_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
	"github.com/sextant-dns/sextant/transport"
)

// chain is what makes a zone signed: one key for everything, and NSEC.
type chain struct {
	key   dnssec.Signer
	names []lookup.Name // owners with data or a delegation, in canonical order
	nsec  map[lookup.Name]lookup.RRset
}

// The tests' clock, in the bubble of synctest, begins here.
var (
	inception  = time.Date(1999, 12, 1, 0, 0, 0, 0, time.UTC)
	expiration = time.Date(2000, 6, 1, 0, 0, 0, 0, time.UTC)
)

// sign signs the zone at apex, once it is complete, and puts its DS into the zone
// above. Zones have to be signed from the leaves up.
func (n *internet) sign(apex string) *zone {
	z := n.zones[lookup.MustName(apex)]
	key, err := dnssec.GenerateKey(z.apex, dnssec.ECDSAP256SHA256, dnssec.FlagZone|dnssec.FlagSEP)
	if err != nil {
		n.tb.Fatal(err)
	}
	z.sets = append(z.sets, lookup.RRset{Name: z.apex, Type: lookup.TypeDNSKEY, TTL: 3600, Data: lookup.PackRdata(key.Key.Rdata)})
	z.chain = &chain{key: key, nsec: map[lookup.Name]lookup.RRset{}}
	z.resign()
	ds, ok := dnssec.DSOf(key.Key, dnssec.SHA256)
	if !ok {
		n.tb.Fatal("no DS")
	}
	for name, ok := z.apex.Parent(); ok; name, ok = name.Parent() {
		if above, found := n.zones[name]; found {
			above.sets = append(above.sets, lookup.RRset{Name: z.apex, Type: lookup.TypeDS, TTL: 3600, Data: lookup.PackRdata(ds.Rdata())})
			break
		}
	}
	return z
}

// resign makes the NSEC chain and all signatures anew.
func (z *zone) resign() {
	c, types := z.chain, map[lookup.Name][]lookup.Type{}
	for _, s := range z.sets {
		if !z.isGlue(s) {
			types[s.Name] = append(types[s.Name], s.Type)
		}
	}
	c.names = nil
	for name := range types {
		c.names = append(c.names, name)
	}
	slices.SortFunc(c.names, lookup.Name.Compare)
	for i, name := range c.names {
		next := c.names[(i+1)%len(c.names)]
		all := append([]lookup.Type{lookup.TypeRRSIG, lookup.TypeNSEC}, types[name]...)
		slices.Sort(all)
		words := []string{name.String(), "300 NSEC", next.String()}
		for _, t := range all {
			words = append(words, t.String())
		}
		c.nsec[name] = z.signed(lookup.MustRRsets(strings.Join(words, " "))[0])
	}
	for i, s := range z.sets {
		if !z.isGlue(s) && !(s.Type == lookup.TypeNS && s.Name != z.apex) {
			z.sets[i] = z.signed(s)
		}
	}
}

// isGlue tells whether s lies below a cut of the zone, or at one and is not NS or DS.
func (z *zone) isGlue(s lookup.RRset) bool {
	return slices.ContainsFunc(z.sets, func(cut lookup.RRset) bool {
		return cut.Type == lookup.TypeNS && cut.Name != z.apex && s.Name.IsSubdomainOf(cut.Name) &&
			!(s.Name == cut.Name && (s.Type == lookup.TypeNS || s.Type == lookup.TypeDS))
	})
}

func (z *zone) signed(s lookup.RRset) lookup.RRset {
	s.Sigs = ""
	s, err := z.chain.key.Sign(s, inception, expiration)
	if err != nil {
		panic(err)
	}
	return s
}

// prove adds to a reply what a signed zone has to say with it (RFC 4035 3.1).
func (z *zone) prove(q lookup.Question, r *transport.Reply) {
	if len(r.Authority) == 0 {
		return
	}
	first := r.Authority[0]
	switch {
	case first.Type == lookup.TypeNS && first.Name != z.apex:
		if ds, ok := lookup.Find(z.sets, first.Name, lookup.TypeDS); ok {
			r.Authority = append(r.Authority, ds)
		} else {
			r.Authority = append(r.Authority, z.chain.nsec[first.Name])
		}
	case first.Type == lookup.TypeSOA:
		closest := q.Name
		for !slices.ContainsFunc(z.chain.names, func(n lookup.Name) bool { return n.IsSubdomainOf(closest) }) {
			closest, _ = closest.Parent()
		}
		wildcard := lookup.Name("\x01*" + string(closest))
		seen := map[lookup.Name]bool{}
		for _, name := range []lookup.Name{q.Name, wildcard} {
			owner := z.before(name)
			if !seen[owner] {
				seen[owner], r.Authority = true, append(r.Authority, z.chain.nsec[owner])
			}
		}
	}
}

// before is the owner of the NSEC that matches or covers name.
func (z *zone) before(name lookup.Name) lookup.Name {
	owner := z.chain.names[len(z.chain.names)-1]
	for _, n := range z.chain.names {
		if n.Compare(name) <= 0 {
			owner = n
		}
	}
	return owner
}

// validating makes the resolver of n validate from the root.
func (n *internet) validating(o *resolver.Options) {
	root := n.zones[lookup.Root].chain.key.Key
	ds, _ := dnssec.DSOf(root, dnssec.SHA256)
	o.Validation.Anchor = func(lookup.Name) (resolver.Anchor, bool) {
		return resolver.Anchor{Zone: lookup.Root, DS: []dnssec.DS{ds}}, true
	}
}

// signedShops is shops with everything signed but example.org.
func signedShops(tb testing.TB) *internet {
	n := shops(tb)
	n.zone("bank.com.", "www.bank.com. 60 A 192.0.2.90\n*.wild.bank.com. 60 A 192.0.2.91\nout.bank.com. 60 CNAME www.example.org.\nin.bank.com. 60 CNAME www.example.com.\ncards.bank.com. 60 TXT none", "192.0.2.9", "192.0.2.10")
	for _, apex := range []string{"bank.com.", "example.com.", "com.", "org.", "net.", "."} {
		n.sign(apex)
	}
	return n
}

// verdict is the security of the answer in a word, or the error.
func judged(tb testing.TB, r *resolver.Resolver, text string) string {
	tb.Helper()
	response, err := r.Resolve(tb.Context(), question(text))
	if err != nil {
		return "error: " + lookup.EDEOf(err).String()
	}
	return map[lookup.Security]string{
		lookup.Unchecked: "unchecked", lookup.Insecure: "insecure", lookup.Secure: "secure",
	}[response.Security] + " " + response.Rcode.String()
}

func TestAnswersAreValidatedFromTheAnchorDown(t *testing.T) {
	t.Parallel()
	for _, minimise := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			n := signedShops(t)
			r := n.resolver(n.validating, func(o *resolver.Options) { o.NoMinimise = !minimise })
			for range 2 { // from servers and from memory
				for _, c := range []struct{ question, want string }{
					{"www.bank.com. A", "secure NOERROR"},
					{"www.bank.com. AAAA", "secure NOERROR"}, // NODATA
					{"none.bank.com. A", "secure NXDOMAIN"},  // RFC 4035 5.4
					{"a.b.none.bank.com. A", "secure NXDOMAIN"},
					{"x.wild.bank.com. A", "secure NOERROR"}, // RFC 4035 5.3.4
					{"x.wild.bank.com. TXT", "secure NOERROR"},
					{"out.bank.com. A", "insecure NOERROR"}, // a chain is as secure as its weakest part
					{"in.bank.com. A", "secure NOERROR"},
					{"alias.example.com. A", "secure NOERROR"},
					{"x.old.example.com. A", "insecure NXDOMAIN"}, // a secure DNAME into an insecure zone
					{"www.example.org. A", "insecure NOERROR"},
					{"none.example.org. A", "insecure NXDOMAIN"},
					{"example.org. DS", "secure NOERROR"},
					{"bank.com. DS", "secure NOERROR"},
					{"com. DNSKEY", "secure NOERROR"},
					{"none. A", "secure NXDOMAIN"},
				} {
					if got := judged(t, r, c.question); got != c.want {
						t.Errorf("minimise %v: %s: got %s, want %s", minimise, c.question, got, c.want)
					}
				}
			}
		})
	}
}

// What happens to a reply of the servers of bank.com on its way.
func TestBogusDataAreRefusedAndSayWhy(t *testing.T) {
	t.Parallel()
	strip := func(s *lookup.RRset) { s.Sigs = "" }
	for _, c := range []struct {
		name, question string
		spoil          func(n *internet)
		want           string
	}{
		{"changed data", "www.bank.com. A", func(n *internet) {
			n.spoil("www.bank.com. A", func(s *lookup.RRset) { s.Data = lookup.PackRdata("\x06\x06\x06\x06") })
		}, "error: 6 "},
		{"no signature", "www.bank.com. A", func(n *internet) { n.spoil("www.bank.com. A", strip) }, "error: 10 "},
		{"no DNSKEY", "www.bank.com. A", func(n *internet) {
			n.zones["\x04bank\x03com\x00"].sets = slices.DeleteFunc(n.zones["\x04bank\x03com\x00"].sets, func(s lookup.RRset) bool { return s.Type == lookup.TypeDNSKEY })
		}, "error: 9 "},
		{"unsigned denial", "none.bank.com. A", func(n *internet) { clear(n.zones["\x04bank\x03com\x00"].chain.nsec) }, "error: 12 "},
		{"expired", "www.bank.com. A", func(n *internet) { time.Sleep(time.Until(expiration.Add(25 * time.Hour))) }, "error: 7 "},
		{"DS of another key", "www.bank.com. A", func(n *internet) {
			ds, _ := lookup.Find(n.zones["\x03com\x00"].sets, "\x04bank\x03com\x00", lookup.TypeDS)
			wrong := lookup.PackRdata(ds.Data.First()[:8] + strings.Repeat("x", len(ds.Data.First())-8))
			n.spoil("bank.com. DS", func(s *lookup.RRset) { s.Data = wrong })
			n.zones["\x03com\x00"].resign()
		}, "error: 9 "},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := signedShops(t)
				c.spoil(n)
				r := n.resolver(n.validating)
				for range 2 { // the second time from memory
					if got := judged(t, r, c.question); !strings.HasPrefix(got, c.want) {
						t.Errorf("got %s, want %s", got, c.want)
					}
				}
				q := question(c.question)
				q.CD = true // who validates for themselves get it (RFC 4035 3.2.2)
				if response, err := r.Resolve(t.Context(), q); err != nil || response.Security != lookup.Unchecked {
					t.Errorf("with CD: %v, %v", response, err)
				}
			})
		})
	}
}

// spoil changes a set behind its signer's back.
func (n *internet) spoil(text string, change func(*lookup.RRset)) {
	q := question(text)
	for _, z := range n.zones {
		for i := range z.sets {
			if z.sets[i].Name == q.Name && z.sets[i].Type == q.Type {
				change(&z.sets[i])
			}
		}
	}
}

// RFC 4035 4.7 and common sense: one bad server must not be enough.
func TestAnotherServerIsAskedWhenOneIsBogus(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := signedShops(t)
		n.host("192.0.2.9").script = says("www.bank.com. A", "AA NOERROR\nanswer:\nwww.bank.com. 60 A 6.6.6.6")
		r := n.resolver(n.validating)
		if got := ask(t, r, "www.bank.com. A"); !strings.Contains(got, "192.0.2.90") {
			t.Errorf("got %s\n%s", got, n.log())
		}
	})
}

// The referral has named one address; the other is only known to the very server whose
// answer is bogus.
func TestAnotherAddressIsAskedForWhenTheKnownOneIsBogus(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := shops(t)
		z := n.zone("dual.com.", "ns1.dual.com. 86400 AAAA 2001:db8::20\nwww.dual.com. 60 A 192.0.2.98", "192.0.2.20")
		n.host("2001:db8::20").zones = append(n.host("2001:db8::20").zones, z)
		for _, apex := range []string{"dual.com.", "example.com.", "com.", "org.", "net.", "."} {
			n.sign(apex)
		}
		n.host("192.0.2.20").script = says("www.dual.com. A", "AA NOERROR\nanswer:\nwww.dual.com. 60 A 6.6.6.6")
		r := n.resolver(n.validating, func(o *resolver.Options) { o.NoIPv6 = false })
		if got := ask(t, r, "www.dual.com. A"); !strings.Contains(got, "192.0.2.98") {
			t.Errorf("got %s\n%s", got, n.log())
		}
	})
}

// It is the signature that counts, not where it stands.
func TestSignaturesAreFoundInOtherSections(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := signedShops(t)
		good := n.claims("www.bank.com. 60 A 192.0.2.90", nil)
		bad := n.claims("www.bank.com. 60 A 192.0.2.90", func(s *dnssec.Signature) { s.Tag++ })
		lone := lookup.RRset{Name: good.Name, Type: lookup.TypeRRSIG, TTL: 60, Data: good.Sigs}
		n.replies("www.bank.com. A", &transport.Reply{AA: true, Answer: []lookup.RRset{bad}, Additional: []lookup.RRset{lone}})
		if got := judged(t, n.resolver(n.validating), "www.bank.com. A"); got != "secure NOERROR" {
			t.Errorf("got %s", got)
		}
	})
}

// Bogus data cost a client's patience and the servers' once, not each time.
func TestBogusIsRemembered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := signedShops(t)
		n.spoil("www.bank.com. A", func(s *lookup.RRset) { s.Sigs = "" })
		r := n.resolver(n.validating)
		judged(t, r, "www.bank.com. A")
		n.forget()
		time.Sleep(59 * time.Second)
		judged(t, r, "www.bank.com. A")
		if n.count("") != 0 {
			t.Errorf("asked again:\n%s", n.log())
		}
		n.zones["\x04bank\x03com\x00"].resign()
		time.Sleep(2 * time.Second)
		if got := judged(t, r, "www.bank.com. A"); got != "secure NOERROR" {
			t.Errorf("got %s after it was repaired", got)
		}
	})
}

// Who asks with CD leaves behind what others get only once it is proven.
func TestWhatWasNotProvenForOneIsProvenForTheNext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := signedShops(t)
		r := n.resolver(n.validating)
		for _, name := range []string{"www.bank.com. A", "none.bank.com. A", "x.wild.bank.com. A", "in.bank.com. A", "bank.com. DS"} {
			q := question(name)
			q.CD = true
			if response, err := r.Resolve(t.Context(), q); err != nil || response.Security != lookup.Unchecked {
				t.Errorf("%s with CD: %v, %v", name, response, err)
			}
			n.forget()
			if got := judged(t, r, name); !strings.HasPrefix(got, "secure") {
				t.Errorf("%s: got %s", name, got)
			}
			if got := n.count(name); got != 0 {
				t.Errorf("%s was asked for again", name)
			}
		}
	})
}

func TestNothingIsValidatedBelowANegativeAnchorOrWithoutAny(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := signedShops(t)
		n.spoil("www.bank.com. A", func(s *lookup.RRset) { s.Sigs = "" })
		r := n.resolver(n.validating, func(o *resolver.Options) {
			root := o.Validation.Anchor
			o.Validation.Anchor = func(name lookup.Name) (resolver.Anchor, bool) {
				switch {
				case name.IsSubdomainOf("\x04bank\x03com\x00"):
					return resolver.Anchor{Zone: "\x04bank\x03com\x00", Negative: true}, true
				case name.IsSubdomainOf("\x03org\x00"):
					return resolver.Anchor{}, false
				}
				return root(name)
			}
		})
		response, err := r.Resolve(t.Context(), question("www.bank.com. A"))
		if err != nil || response.Security != lookup.Insecure || len(response.EDE) != 1 || response.EDE[0].Code != lookup.EDENegativeAnchor {
			t.Errorf("got %v, %v", response, err)
		}
		if got := judged(t, r, "www.example.org. A"); got != "insecure NOERROR" {
			t.Errorf("got %s", got)
		}
	})
}

func TestAnswersAreCountedBySecurity(t *testing.T) {
	t.Parallel()
	for _, permissive := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			n := signedShops(t)
			n.spoil("www.bank.com. A", func(s *lookup.RRset) { s.Sigs = "" })
			r := n.resolver(n.validating, func(o *resolver.Options) { o.Validation.Permissive = permissive })
			for range 2 {
				judged(t, r, "www.bank.com. A")
			}
			s := r.Stats()
			if want := map[uint16]uint64{lookup.EDERRSIGsMissing: 2}; !maps.Equal(s.Bogus, want) || s.Secure+s.Insecure != 0 {
				t.Errorf("permissive %v: %+v", permissive, s)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		n := signedShops(t)
		r := n.resolver(n.validating)
		for _, q := range []string{"www.bank.com. A", "none.bank.com. A", "www.example.org. A", "www.bank.com. A"} {
			judged(t, r, q)
		}
		cd := question("cards.bank.com. TXT")
		cd.CD = true
		if _, err := r.Resolve(t.Context(), cd); err != nil {
			t.Fatal(err)
		}
		// Three DNSKEY, two DS and the A; an SOA with two NSEC; the DNSKEY and the DS of
		// org., and its NSEC.
		if s := r.Stats(); s.Secure != 3 || s.Insecure != 1 || s.Unchecked != 1 || len(s.Bogus) != 0 || s.Signatures != 12 {
			t.Errorf("got %+v", s)
		}
	})
}
