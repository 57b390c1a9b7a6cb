package resolver_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
)

func primed(o *resolver.Options) { o.NoPriming = false }

func TestTheRootIsPrimedBeforeTheFirstQuestionAndOnlyOnce(t *testing.T) {
	t.Parallel()
	n := shops(t)
	r := n.resolver(primed)
	if n.count("") != 0 {
		t.Error("New has sent something")
	}
	expect(t, r, "www.example.com. A", www)
	expect(t, r, "www.example.org. A", "NOERROR | www.example.org. 120 A 203.0.113.80")
	if n.count(" . NS") != 1 || !strings.HasPrefix(n.log(), "198.51.100.1 . NS\n") {
		t.Errorf("sent\n%s", n.log())
	}
	n.forget()
	if got := ask(t, r, ". NS"); !strings.HasPrefix(got, "NOERROR | . 86400 NS ns1.") || n.count("") != 0 {
		t.Errorf("%s, sent\n%s", got, n.log())
	}
}

func TestPrimingFindsServersThatTheHintsDoNotKnow(t *testing.T) {
	t.Parallel()
	n := shops(t)
	root := n.zones[lookup.Root]
	root.remove(".")
	root.add(". 86400 SOA ns3. host. 1 1 1 1 300\n. 86400 NS ns3.\nns3. 86400 A 198.51.100.3")
	n.host("198.51.100.3").zones = []*zone{root}
	r := n.resolver(primed)
	expect(t, r, "www.example.com. A", www)
	if n.count("198.51.100.3 www") != 1 {
		t.Errorf("sent\n%s", n.log())
	}
}

func TestHintsServeWhenPrimingFails(t *testing.T) {
	t.Parallel()
	for what, text := range map[string]string{"refused": "REFUSED", "denied": "AA NXDOMAIN", "empty": "AA", "odd": "AA\nanswer:\n. 60 TXT x"} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := shops(t)
				for _, a := range []string{"198.51.100.1", "198.51.100.2"} {
					n.host(a).script = says(". NS", text)
				}
				r := n.resolver(primed)
				expect(t, r, "www.example.com. A", www)
				n.forget()
				expect(t, r, "www.example.org. A", "NOERROR | www.example.org. 120 A 203.0.113.80")
				if n.count(" . NS") != 0 {
					t.Errorf("tried again at once:\n%s", n.log())
				}
				time.Sleep(31 * time.Second)
				n.host("198.51.100.1").script = nil
				ask(t, r, "www.example.net. A")
				if n.count(" . NS") == 0 {
					t.Error("never tried again")
				}
			})
		})
	}
}

func TestAQueryIsHeldUpByPrimingForTwoSecondsAtMost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := shops(t)
		n.silence("198.51.100.1", "198.51.100.2")
		r := n.resolver(primed)
		go func() {
			time.Sleep(1900 * time.Millisecond)
			n.wake("198.51.100.1", "198.51.100.2")
		}()
		start := time.Now()
		ask(t, r, "www.example.com. A")
		if took := time.Since(start); took > 4*time.Second {
			t.Errorf("took %v", took)
		}
		time.Sleep(10 * time.Second)
	})
}

func TestWithoutPrimingTheHintsAreAllAndNothingIsSentAtTheStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := shops(t)
		r := n.resolver()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- r.Run(ctx) }()
		time.Sleep(24 * time.Hour)
		if n.count("") != 0 {
			t.Errorf("sent\n%s", n.log())
		}
		expect(t, r, "www.example.com. A", www)
		cancel()
		if err := <-done; err != nil || n.count(" . NS") != 0 {
			t.Errorf("%v, sent\n%s", err, n.log())
		}
	})
}

func TestRunKeepsTheRootFreshAndEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := shops(t)
		r := n.resolver(primed)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- r.Run(ctx) }()
		synctest.Wait()
		if n.count(" . NS") != 1 {
			t.Errorf("not primed at the start:\n%s", n.log())
		}
		time.Sleep(7 * 24 * time.Hour)
		if primings := n.count(" . NS"); primings < 7 || primings > 9 {
			t.Errorf("primed %d times in a week", primings)
		}
		n.forget()
		expect(t, r, "www.example.com. A", www)
		if n.count(" . NS") != 0 {
			t.Error("a query had to wait for priming")
		}
		n.silence("198.51.100.1", "198.51.100.2")
		time.Sleep(24 * time.Hour)
		n.wake("198.51.100.1", "198.51.100.2")
		time.Sleep(2 * time.Minute)
		expect(t, r, "www.example.net. A", "NXDOMAIN |  | net. 300")
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestHintsAreReadAndChecked(t *testing.T) {
	t.Parallel()
	servers, err := resolver.ParseHints(strings.NewReader(`
; from https://www.internic.net/domain/named.root
.                        3600000      NS    A.ROOT-SERVERS.NET.
A.ROOT-SERVERS.NET.      3600000      A     198.41.0.4
A.ROOT-SERVERS.NET.      3600000      AAAA  2001:503:ba3e::2:30
.                        3600000      NS    B.ROOT-SERVERS.NET.
B.ROOT-SERVERS.NET.      3600000      A     170.247.170.2
`))
	if err != nil || len(servers) != 2 || len(servers[0].Addrs) != 2 || servers[1].Name != lookup.MustName("b.root-servers.net.") {
		t.Errorf("%v, %v", servers, err)
	}
	for what, text := range map[string]string{
		"nothing":    "",
		"no NS":      "a.root-servers.net. A 198.41.0.4",
		"no address": ". NS a.root-servers.net.",
		"no file":    ". NS (",
	} {
		if servers, err := resolver.ParseHints(strings.NewReader(text)); err == nil {
			t.Errorf("%s: %v", what, servers)
		}
	}
}

func TestBuiltinHintsAreThirteenWithTwoAddressesEach(t *testing.T) {
	t.Parallel()
	servers := resolver.BuiltinHints()
	for _, s := range servers {
		if len(s.Addrs) != 2 || !s.Addrs[0].Is4() || !s.Addrs[1].Is6() {
			t.Errorf("%v", s)
		}
	}
	if len(servers) != 13 || servers[12].Name != lookup.MustName("m.root-servers.net.") {
		t.Errorf("%d servers", len(servers))
	}
}
