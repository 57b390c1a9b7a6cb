package resolver_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/dns64"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
	"github.com/sextant-dns/sextant/server"
	"github.com/sextant-dns/sextant/transport"
)

// Pairs of DNS64 with what the resolver below it does. With client subnets, and with
// stale answers and denials: subnet_edge_test.go and subnet_pairs_test.go.

// synthesising is a server that synthesises by RFC 6147 over the resolver of n.
func synthesising(t *testing.T, n *internet, change ...func(*resolver.Options)) *server.Server {
	d, err := dns64.New(n.resolver(change...), dns64.Options{Bar: dns64.BarOff, Default: dns64.Rule{Mode: dns64.Standard}})
	if err != nil {
		t.Fatal(err)
	}
	return server.New(server.Options{Views: []server.View{{Recursive: d}}})
}

func TestDNS64AndAggressiveNSEC(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := signedShops(t)
		s := synthesising(t, n, n.validating)
		phrase(t, s, "www.bank.com. MX", "9.8.7.6", "") // proves that there is no AAAA, too
		phrase(t, s, "nope.bank.com. MX", "9.8.7.6", "")
		n.forget()
		want(t, "denied by inference", phrase(t, s, "www.bank.com. AAAA", "9.8.7.6", ""), "NOERROR 64:ff9b::c000:25a ede 29")
		want(t, "no such name by inference", phrase(t, s, "nope.bank.com. AAAA", "9.8.7.6", ""), "NXDOMAIN")
		if n.count("AAAA") != 0 || n.count("www.bank.com. A") != 1 || n.count("nope") != 0 {
			t.Errorf("sent\n%s", n.log())
		}
	})
}

func TestDNS64AndBogusAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := signedShops(t)
		n.spoil("www.bank.com. A", func(s *lookup.RRset) { s.Data = lookup.PackRdata("\x06\x06\x06\x06") })
		s := synthesising(t, n, n.validating)
		for range 2 {
			if got := phrase(t, s, "www.bank.com. AAAA", "9.8.7.6", ""); !strings.HasPrefix(got, "SERVFAIL ede 6") {
				t.Errorf("of a bogus A: %s", got)
			}
		}
	})
}

func TestDNS64AndNXDOMAINCut(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	n.zone("example.com.", shop, "192.0.2.1")
	s := synthesising(t, n, func(o *resolver.Options) { o.NXDomainCut = true })
	want(t, "above", phrase(t, s, "gone.example.com. AAAA", "9.8.7.6", ""), "NXDOMAIN")
	n.forget()
	want(t, "below", phrase(t, s, "a.gone.example.com. AAAA", "9.8.7.6", ""), "NXDOMAIN")
	if n.count("") != 0 {
		t.Errorf("sent\n%s", n.log())
	}
}

func TestDNS64AndPrefetch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newInternet(t)
		n.zone("example.com.", "www.example.com. 60 A 192.0.2.80", "192.0.2.1")
		s := synthesising(t, n, func(o *resolver.Options) { o.Prefetch = true })
		const answer = "NOERROR 64:ff9b::c000:250 ede 29"
		want(t, "first", phrase(t, s, "www.example.com. AAAA", "9.8.7.6", ""), answer)
		n.forget()
		for range 4 { // in use, and asked for shortly before the end of each TTL
			time.Sleep(57 * time.Second)
			want(t, "in use", phrase(t, s, "www.example.com. AAAA", "9.8.7.6", ""), answer)
			synctest.Wait()
		}
		if n.count("www.example.com. A ") != 4 || n.count("AAAA") > 1 {
			t.Errorf("what is synthesised from is fetched anew, the denial when it is time:\n%s", n.log())
		}
	})
}

func TestDNS64AndStaleAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newInternet(t)
		n.zone("example.com.", "www.example.com. 60 A 192.0.2.80", "192.0.2.1")
		s := synthesising(t, n, stale)
		phrase(t, s, "www.example.com. AAAA", "9.8.7.6", "")
		time.Sleep(time.Hour)
		n.silence("192.0.2.1")
		for range 3 {
			got := phrase(t, s, "www.example.com. AAAA", "9.8.7.6", "")
			if !strings.HasPrefix(got, "NOERROR 64:ff9b::c000:250 ") || !strings.Contains(got, "ede 3") {
				t.Error(got)
			}
		}
		n.wake("192.0.2.1")
		time.Sleep(2 * time.Minute)
		want(t, "fresh again", phrase(t, s, "www.example.com. AAAA", "9.8.7.6", ""), "NOERROR 64:ff9b::c000:250 ede 29")
		time.Sleep(time.Minute)
	})
}

func TestDNS64AndTruncation(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	n.zone("example.com.", "www.example.com. 60 A 192.0.2.80", "192.0.2.1")
	n.host("192.0.2.1").script = func(r transport.Request, honest *transport.Reply) *transport.Reply {
		if honest.TCP = true; r.Question.Type == lookup.TypeAAAA {
			return reply("TC") // not even over TCP is there a whole denial
		}
		return honest
	}
	want(t, "half a denial is a failure, which counts as empty (RFC 6147 5.1.3)",
		phrase(t, synthesising(t, n), "www.example.com. AAAA", "9.8.7.6", ""), "NOERROR 64:ff9b::c000:250 ede 29")
}
