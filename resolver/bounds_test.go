package resolver_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
	"github.com/sextant-dns/sextant/transport"
)

// An attacker's delegation names many servers of a victim that do not exist.
func TestNXNSAttackCostsAtMostSixteenPackets(t *testing.T) {
	t.Parallel()
	for what, text := range map[string]string{
		"names that do not exist":      "",
		"names without an address":     "*",
		"names with a useless address": "A",
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := newInternet(t)
				victim := n.zone("victim.org.", "", "203.0.113.1")
				var ns strings.Builder
				for i := range 100 {
					fmt.Fprintf(&ns, "x.evil.com. 60 NS n%d.victim.org.\n", i)
					switch text {
					case "*":
						victim.add(fmt.Sprintf("n%d.victim.org. 60 TXT x", i))
					case "A":
						victim.add(fmt.Sprintf("n%d.victim.org. 60 A 203.0.113.%d", i, i+100))
						n.host(fmt.Sprintf("203.0.113.%d", i+100)) // serves nothing
					}
				}
				n.zone("evil.com.", ns.String(), "192.0.2.66")
				r := n.resolver(func(o *resolver.Options) { o.NoIPv6 = false })
				expectError(t, r, "www.x.evil.com. A", "22 (No Reachable Authority)")
				t.Logf("%d packets, %d of them to the victim", n.count(""), n.count("203.0.113."))
				want := 16
				if text == "A" {
					want = 3 + 2 + 2*10 // each of ten addresses is looked up and then refuses
				}
				if n.count("") > want {
					t.Errorf("sent\n%s", n.log())
				}
			})
		})
	}
}

func TestNameServersThatNeedEachOtherAreBoundedAndTheFailureIsRemembered(t *testing.T) {
	t.Parallel()
	for zones := 2; zones <= 5; zones++ {
		t.Run(fmt.Sprintf("%d zones", zones), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := newInternet(t)
				for i := range zones { // z0.com is served by 13 names in z1.com, and so on
					apex := fmt.Sprintf("z%d.com.", i)
					for j := range 13 {
						n.delegate(lookup.MustName(apex), fmt.Sprintf("%s 86400 NS n%d.z%d.com.", apex, j, (i+1)%zones))
					}
				}
				r := n.resolver()
				q := question("www.z0.com. A")
				q.Budget = lookup.NewBudget(lookup.Limits{})
				if _, err := r.Resolve(t.Context(), q); err == nil {
					t.Error("an answer out of nothing")
				}
				if n.count("") > 20 {
					t.Errorf("%d packets:\n%s", n.count(""), n.log())
				}
				n.forget()
				expectError(t, r, "www.z0.com. A", "13 (Cached Error)")
				for i := range 1000 { // a second of clients with names of their own
					ask(t, r, fmt.Sprintf("n%d.z0.com. TXT", i))
					time.Sleep(time.Millisecond)
				}
				if n.count("") > 0 {
					t.Errorf("%d packets for 1000 more clients:\n%s", n.count(""), n.log())
				}
			})
		})
	}
}

func TestTwoClientsWhoseNameServersNeedEachOtherDoNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newInternet(t)
		n.host("198.51.100.11").delay, n.host("198.51.100.21").delay = 50*time.Millisecond, 50*time.Millisecond
		n.delegate(lookup.MustName("a.com."), "a.com. 86400 NS ns.b.org.")
		n.delegate(lookup.MustName("b.org."), "b.org. 86400 NS ns.a.com.")
		r := n.resolver()
		start := time.Now()
		results := make(chan string)
		for _, text := range []string{"ns.a.com. A", "ns.b.org. A", "www.a.com. A", "www.b.org. A"} {
			go func() { results <- ask(t, r, text) }()
		}
		for range 4 {
			if got := <-results; !strings.HasPrefix(got, "error: 22") {
				t.Error(got)
			}
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("they waited for %v", took)
		}
	})
}

func TestAWayOutOfACircleIsFound(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	good := n.zone("a.com.", "ns.a.com. 60 A 192.0.2.1\nwww.a.com. 60 A 192.0.2.9", "192.0.2.1")
	n.delegate(lookup.MustName("a.com."), "a.com. 86400 NS ns.b.org.")
	n.zones[lookup.MustName("com.")].remove("ns1.a.com.") // the good server has no glue now,
	b := n.zone("b.org.", "ns.b.org. 60 A 192.0.2.1")
	n.delegate(b.apex, "b.org. 86400 NS ns.a.com.\nb.org. 86400 NS ns.c.net.") // but b.org has one outside
	n.zone("c.net.", "ns.c.net. 60 A 192.0.2.3", "192.0.2.2")
	n.host("192.0.2.3").zones = []*zone{b}
	_ = good
	expect(t, n.resolver(), "www.a.com. A", "NOERROR | www.a.com. 60 A 192.0.2.9")
}

func TestAChainOfAHundredAliasesStopsAtEleven(t *testing.T) {
	t.Parallel()
	for what, apart := range map[string]bool{"in one zone": false, "in many zones": true} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			n := newInternet(t)
			var text strings.Builder
			for i := range 100 {
				if !apart {
					fmt.Fprintf(&text, "c%d.evil.com. 60 CNAME c%d.evil.com.\n", i, i+1)
					continue
				}
				n.zone(fmt.Sprintf("c%d.com.", i), fmt.Sprintf("c%d.com. 60 CNAME c%d.com.", i, i+1), "192.0.2.66")
			}
			n.zone("evil.com.", text.String(), "192.0.2.66")
			first := "c0.evil.com. A"
			if apart {
				first = "c0.com. A"
			}
			r := n.resolver()
			expectError(t, r, first, "0 (Other): too many aliases")
			if apart && (n.count("192.0.2.66 ") != 12 || n.count("") != 1+2*12) {
				t.Errorf("%d packets:\n%s", n.count(""), n.log())
			}
			n.forget()
			expectError(t, r, first, "13 (Cached Error): too many aliases")
			if n.count("") > 0 {
				t.Errorf("sent again:\n%s", n.log())
			}
		})
	}
}

// What lives for no time at all is asked for again by each client, but not when it
// leads nowhere (RFC 9520 2.4).
func TestAliasesThatLeadNowhereAreRememberedAlthoughTheyLiveForNoTime(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"a": "alias loop at a.example.com.", "c0": "too many aliases, the last to c12.example.com."} {
		synctest.Test(t, func(t *testing.T) {
			n := newInternet(t)
			text := "a.example.com. 0 CNAME b.example.com.\nb.example.com. 0 CNAME a.example.com.\nok.example.com. 0 CNAME www.example.com.\nwww.example.com. 0 A 192.0.2.9\n"
			for i := range 20 {
				text += fmt.Sprintf("c%d.example.com. 0 CNAME c%d.example.com.\n", i, i+1)
			}
			n.zone("example.com.", text, "192.0.2.1")
			n.host("192.0.2.1").script = apart
			r := n.resolver()
			expectError(t, r, name+".example.com. A", "0 (Other): "+want)
			for range 49 {
				n.forget()
				time.Sleep(100 * time.Millisecond)
				expectError(t, r, name+".example.com. A", "13 (Cached Error): "+want)
				if n.count("") > 0 {
					t.Fatalf("sent\n%s", n.log())
				}
			}
			n.forget()
			expect(t, r, "ok.example.com. A", "NOERROR | ok.example.com. 0 CNAME www.example.com., www.example.com. 0 A 192.0.2.9")
			time.Sleep(100 * time.Millisecond)
			expectError(t, r, name+".example.com. A", "0 (Other): "+want)
		})
	}
}

// The ledger of whoever asks may be too short for a chain that is not too long.
func TestAChainIsTooLongOnlyForAWholeLedger(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	n.zone("example.com.", "a.example.com. 60 CNAME b.example.com.\nb.example.com. 60 CNAME c.example.com.\nc.example.com. 60 A 192.0.2.9", "192.0.2.1")
	r := n.resolver()
	q := question("a.example.com. A")
	q.Budget = lookup.NewBudget(lookup.Limits{Aliases: 2})
	q.Budget.Alias() // for something else
	if got, err := r.Resolve(t.Context(), q); err == nil {
		t.Errorf("got %v", got)
	}
	if got := ask(t, r, "a.example.com. A"); !strings.HasPrefix(got, "NOERROR") {
		t.Error(got)
	}
}

func TestNameServersThatDependOnEachOtherTooDeeplyAreGivenUp(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	for i := range 30 { // d0.com needs d1.com needs d2.com ...
		n.delegate(lookup.MustName("x.com."), fmt.Sprintf("d%d.com. 86400 NS ns.d%d.com.", i, i+1))
	}
	r := n.resolver()
	expectError(t, r, "www.d0.com. A", "22 (No Reachable Authority)")
	if n.count("") > 12 || n.count("ns.d9.com") > 0 {
		t.Errorf("sent\n%s", n.log())
	}
	// It was too deep for that client only.
	n.zone("d30.com.", "ns.d30.com. 60 A 192.0.2.1", "192.0.2.1")
	for i := 24; i < 30; i++ {
		z := n.zone(fmt.Sprintf("d%d.com.", i), fmt.Sprintf("ns.d%d.com. 60 A 192.0.2.1\nwww.d%d.com. 60 A 192.0.2.9", i, i))
		n.host("192.0.2.1").zones = append(n.host("192.0.2.1").zones, z)
	}
	expect(t, r, "www.d24.com. A", "NOERROR | www.d24.com. 60 A 192.0.2.9")
}

func TestReferralsEndAfterThirty(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	n.host("192.0.2.66").script = func(r transport.Request, _ *transport.Reply) *transport.Reply {
		// Each time one label more is another zone.
		depth := n.count("192.0.2.66 ")
		zone := r.Question.Name.Suffix(2 + depth)
		return reply(fmt.Sprintf("NOERROR\nauthority:\n%s 60 NS ns.evil.com.\nadditional:\nns.evil.com. 60 A 192.0.2.66", zone))
	}
	n.delegate(lookup.MustName("evil.com."), "evil.com. 86400 NS ns.evil.com.\nns.evil.com. 86400 A 192.0.2.66")
	r := n.resolver()
	expectError(t, r, strings.Repeat("a.", 60)+"evil.com. A", "22 (No Reachable Authority)")
	if n.count("") > 40 {
		t.Errorf("%d packets:\n%s", n.count(""), n.log())
	}
}

// Everything at once: each zone on the way has glueless servers that lead to more
// of the same, and aliases, and half of the servers are silent.
func TestNoQueryCostsMoreThanItsBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newInternet(t)
		n.host("192.0.2.66").script = func(r transport.Request, _ *transport.Reply) *transport.Reply {
			label := r.Question.Name.Label()
			switch {
			case strings.HasPrefix(label, "c"):
				return reply(fmt.Sprintf("AA\nanswer:\n%s 0 CNAME c%sx.%s.evil.com.", r.Question.Name, label, label))
			case len(label)%3 == 0:
				return nil
			}
			var ns strings.Builder
			for i := range 50 {
				fmt.Fprintf(&ns, "%s 0 NS n%d.%sy.evil.com.\n", r.Question.Name, i, label)
			}
			return reply("NOERROR\nauthority:\n" + ns.String())
		}
		n.delegate(lookup.MustName("evil.com."), "evil.com. 86400 NS ns.evil.com.\nns.evil.com. 86400 A 192.0.2.66")
		r := n.resolver()
		for i, name := range []string{"c.evil.com.", "www.evil.com.", "n.a.evil.com.", "n1.c.evil.com."} {
			n.forget()
			start := time.Now()
			if got := ask(t, r, name+" A"); !strings.HasPrefix(got, "error: ") {
				t.Error(got)
			}
			time.Sleep(time.Until(start.Add(11 * time.Second))) // until the work has ended, too
			if sent := n.count(""); sent > 100 {
				t.Errorf("%d: %d packets", i, sent)
			}
		}
	})
}
