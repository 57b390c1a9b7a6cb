package resolver_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
	"github.com/sextant-dns/sextant/transport"
)

const www = "NOERROR | www.example.com. 60 A 192.0.2.80 , www.example.com. 60 A 192.0.2.81"

func TestAServerThatDoesNotHelpIsPassedOver(t *testing.T) {
	t.Parallel()
	for what, text := range map[string]string{
		"SERVFAIL":   "SERVFAIL",
		"REFUSED":    "REFUSED",
		"lame":       "authority:\n. 60 NS ns1.",
		"truncated":  "TC AA",
		"off topic":  "AA\nanswer:\nftp.example.com. 60 A 192.0.2.66",
		"a NOTIMP":   "NOTIMP",
		"an empty":   "AA",
		"non-domain": "AA\nanswer:\nwww.example.net. 60 A 192.0.2.66",
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			n := shops(t)
			n.host("192.0.2.1").script = says("", "NOERROR "+text)
			expect(t, n.resolver(), "www.example.com. A", www)
			if n.count("192.0.2.1 ") != 1 {
				t.Errorf("asked more than once:\n%s", n.log())
			}
		})
	}
}

func TestWhenNoServerHelpsTheErrorTellsWhatTheyDid(t *testing.T) {
	t.Parallel()
	n := shops(t)
	n.host("192.0.2.1").script = says("", "REFUSED")
	n.host("192.0.2.2").script = says("", "SERVFAIL")
	expectError(t, n.resolver(), "www.example.com. A", "22 (No Reachable Authority): no answer from example.com.: 192.0.2.1: REFUSED, 192.0.2.2: SERVFAIL")
}

func TestNothingAtAllIsBelievedWhenThreeServersSayIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newInternet(t)
		n.zone("example.com.", "", "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4")
		for _, a := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"} {
			n.host(a).script = says("www.", "AA NOERROR")
		}
		r := n.resolver()
		expect(t, r, "www.example.com. A", "NOERROR | ")
		if n.count("192.0.2.") != 3 {
			t.Errorf("sent\n%s", n.log())
		}
		time.Sleep(4 * time.Second)
		expect(t, r, "www.example.com. A", "NOERROR | ")
		if n.count("192.0.2.") != 3 {
			t.Errorf("not remembered:\n%s", n.log())
		}
	})
}

func TestSilentServersAreTriedThreeTimesAndThenThereIsNoReachableAuthority(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newInternet(t)
		n.zone("example.com.", shop, "192.0.2.1")
		n.silence("192.0.2.1")
		r := n.resolver()
		start := time.Now()
		expectError(t, r, "www.example.com. A", "22 (No Reachable Authority): no answer from example.com.: 192.0.2.1:")
		// 1.5 s, 1.5 s, and then for as long as the client does, who is told in time.
		if n.count("192.0.2.1 ") != 3 || time.Since(start) != 5900*time.Millisecond {
			t.Errorf("after %v sent\n%s", time.Since(start), n.log())
		}
		if s := r.Stats(); s.Timeouts != 3 || s.Failures.Unreachable != 1 {
			t.Errorf("%+v", s)
		}
	})
}

func TestASlowServerIsHeardAndItsSlownessIsRemembered(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rtt         time.Duration
		servers     int
		first, next time.Duration // after which there is an answer
	}{
		{1400 * time.Millisecond, 1, 1400 * time.Millisecond, 1400 * time.Millisecond},
		{2800 * time.Millisecond, 1, 5800 * time.Millisecond, 2800 * time.Millisecond},
		// Each of two gets 1.5 s, twice, and the client does not wait any longer. The work goes on.
		{2800 * time.Millisecond, 2, 6000 * time.Millisecond, 2800 * time.Millisecond},
		{4400 * time.Millisecond, 2, 6000 * time.Millisecond, 4400 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := newInternet(t)
			addrs := []string{"192.0.2.1", "192.0.2.2"}[:c.servers]
			n.zone("example.com.", shop, addrs...)
			for _, a := range addrs {
				n.host(a).delay = c.rtt
			}
			r := n.resolver()
			start := time.Now()
			if got := ask(t, r, "www.example.com. A"); time.Since(start) != c.first || strings.HasPrefix(got, "NOERROR") != (c.first < 6*time.Second) {
				t.Errorf("%v: after %v %s", c.rtt, time.Since(start), got)
			}
			time.Sleep(10 * time.Second)
			start = time.Now()
			if got := ask(t, r, "long.example.com. A"); time.Since(start) != c.next || !strings.HasPrefix(got, "NOERROR") {
				t.Errorf("%v: then after %v %s, sent\n%s", c.rtt, time.Since(start), got, n.log())
			}
		})
	}
}

// One that is known to be slow is tried now and then, as everybody is. Nobody has
// to wait for it longer than for others.
func TestASlowServerDoesNotKeepAnybodyWhileThereAreOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newInternet(t)
		n.zone("example.com.", shop, "192.0.2.1", "192.0.2.2")
		n.host("192.0.2.1").delay = 2800 * time.Millisecond
		n.host("192.0.2.2").script = says("", "SERVFAIL")
		r := n.resolver(func(o *resolver.Options) { o.IntN = func(int) int { return 0 } }) // explores always, takes the last
		expect(t, r, "www.example.com. A", www)
		n.host("192.0.2.2").script = nil
		n.forget()
		start := time.Now()
		if got := ask(t, r, "long.example.com. A"); time.Since(start) != 1500*time.Millisecond || !strings.HasPrefix(got, "NOERROR") || n.count("192.0.2.1 ") != 1 {
			t.Errorf("after %v %s, sent\n%s", time.Since(start), got, n.log())
		}
	})
}

func TestTheDeadlineOfAClientIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newInternet(t)
		n.zone("example.com.", shop, "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4")
		n.silence("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4")
		r := n.resolver()
		start := time.Now()
		expectError(t, r, "www.example.com. A", "22 (No Reachable Authority)")
		if took := time.Since(start); took != 6*time.Second {
			t.Errorf("took %v", took)
		}
		// The work goes on, for at most ten seconds, and who asks again joins it.
		expectError(t, r, "www.example.com. A", "22 (No Reachable Authority): no answer from example.com.")
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("the work took %v", took)
		}
		expectError(t, r, "www.example.com. A", "13 (Cached Error)")
	})
}

func TestAWorkThatOutlivesItsClientFeedsTheMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newInternet(t)
		n.zone("example.com.", shop, "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5")
		n.silence("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4")
		r := n.resolver(func(o *resolver.Options) { o.Deadline = 5 * time.Second })
		expectError(t, r, "www.example.com. A", "22 (No Reachable Authority)")
		time.Sleep(2 * time.Second)
		n.forget()
		if got := ask(t, r, "www.example.com. A"); !strings.HasPrefix(got, "NOERROR") || n.count("") != 0 {
			t.Errorf("%s, sent\n%s", got, n.log())
		}
	})
}

func TestFailuresAreRememberedForLongerAndLonger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newInternet(t)
		n.zone("example.com.", shop, "192.0.2.1")
		n.host("192.0.2.1").script = says("", "SERVFAIL")
		r := n.resolver()
		expectError(t, r, "www.example.com. A", "22")
		for _, life := range []int{5, 10, 20, 40, 80, 160, 300, 300} {
			n.forget()
			time.Sleep(time.Duration(life)*time.Second - time.Millisecond)
			expectError(t, r, "www.example.com. A", "13 (Cached Error): no answer from example.com.")
			if n.count("") != 0 {
				t.Fatalf("asked again within %d s", life)
			}
			time.Sleep(time.Millisecond)
			expectError(t, r, "www.example.com. A", "22")
			if n.count("") != 1 {
				t.Fatalf("not asked again after %d s", life)
			}
		}
		n.host("192.0.2.1").script = nil
		time.Sleep(300 * time.Second)
		expect(t, r, "www.example.com. A", www)
		if s := r.Stats(); s.Failures.Remembered != 8 || s.Failures.Unreachable != 9 {
			t.Errorf("%+v", s.Failures)
		}
	})
}

func TestANetworkThatBreaksIsANetworkError(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	n.zone("example.com.", shop, "192.0.2.1")
	n.host("192.0.2.1").err = &net.OpError{Op: "read", Net: "udp", Err: os.NewSyscallError("read", syscall.ECONNREFUSED)}
	r := n.resolver()
	expectError(t, r, "www.example.com. A", "23 (Network Error)")
	if s := r.Stats(); s.NetworkErrors != 3 || s.Failures.Network != 1 {
		t.Errorf("%+v", s)
	}
}

func TestAFamilyWithoutARouteIsNotTriedForEachServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newInternet(t)
		six := []string{"2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4"}
		n.zone("example.com.", shop, append(six, "192.0.2.1")...)
		for _, a := range six {
			n.host(a).err = &net.OpError{Op: "dial", Net: "udp", Err: os.NewSyscallError("connect", syscall.ENETUNREACH)}
		}
		r := n.resolver(func(o *resolver.Options) { o.NoIPv6 = false })
		expect(t, r, "www.example.com. A", www)
		if n.count("2001:db8::") != 1 || n.count("192.0.2.1 ") != 1 {
			t.Errorf("sent\n%s", n.log())
		}
	})
}

func TestFamiliesCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		no4, no6 bool
		other    string // how addresses of the other family begin
	}{{false, true, "2001:"}, {true, false, "198.51."}} {
		n := emptyInternet(t)
		n.zone(".", "", "198.51.100.1", "2001:db8::1")
		n.zone("com.", "", "198.51.100.2", "2001:db8::2")
		n.zone("org.", "", "198.51.100.3", "2001:db8::3")
		n.zone("hosts.org.", "", "198.51.100.4", "2001:db8::4") // ns1 has an A, ns2 an AAAA
		client := n.zone("client.com.", "www.client.com. 60 A 192.0.2.9")
		for _, a := range []string{"198.51.100.4", "2001:db8::4"} {
			n.host(a).zones = append(n.host(a).zones, client)
		}
		n.delegate(client.apex, "client.com. 60 NS ns1.hosts.org.\nclient.com. 60 NS ns2.hosts.org.")
		r := n.resolver(func(o *resolver.Options) {
			o.NoIPv4, o.NoIPv6 = c.no4, c.no6
			o.Hints[0].Addrs = []netip.Addr{netip.MustParseAddr("198.51.100.1"), netip.MustParseAddr("2001:db8::1")}
			o.Hints = o.Hints[:1]
		})
		expect(t, r, "www.client.com. A", "NOERROR | www.client.com. 60 A 192.0.2.9")
		if n.count(c.other) != 0 {
			t.Errorf("sent\n%s", n.log())
		}
	}
}

func TestAServerThatChokesOnEDNSIsAskedWithoutAndThatIsRemembered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, rcode := range []string{"FORMERR", "NOTIMP"} {
			n := newInternet(t)
			n.zone("example.com.", shop, "192.0.2.1")
			with, without := 0, 0
			n.host("192.0.2.1").script = func(r transport.Request, honest *transport.Reply) *transport.Reply {
				if honest.EDNS = false; r.NoEDNS {
					without++
					return honest
				}
				with++
				refusal := reply(rcode)
				refusal.EDNS = false
				return refusal
			}
			r := n.resolver()
			expect(t, r, "www.example.com. A", www)
			ask(t, r, "long.example.com. A")
			if with != 1 || without != 2 {
				t.Errorf("%s: %d with, %d without EDNS", rcode, with, without)
			}
			time.Sleep(15 * time.Minute)
			ask(t, r, "never.example.com. A")
			if with != 2 {
				t.Errorf("%s: it is never tried again", rcode)
			}
		}
	})
}

func TestAServerThatDropsEDNSIsAskedWithoutInTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newInternet(t)
		n.zone("example.com.", shop, "192.0.2.1")
		n.host("192.0.2.1").script = func(r transport.Request, honest *transport.Reply) *transport.Reply {
			if !r.NoEDNS {
				return nil
			}
			return honest
		}
		r := n.resolver()
		expect(t, r, "www.example.com. A", www)
		n.forget()
		ask(t, r, "long.example.com. A")
		if n.count("") != 1 {
			t.Errorf("not remembered, sent\n%s", n.log())
		}
	})
}

func TestAServerThatHasSpokenEDNSIsNotTalkedOutOfIt(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	n.zone("example.com.", shop, "192.0.2.1")
	r := n.resolver()
	ask(t, r, "long.example.com. A")
	forged, with := true, 0
	n.host("192.0.2.1").script = func(r transport.Request, honest *transport.Reply) *transport.Reply {
		if forged && !r.NoEDNS {
			return &transport.Reply{Rcode: lookup.FORMERR, Sent: 1}
		}
		if !r.NoEDNS {
			with++
		}
		honest.EDNS = !r.NoEDNS
		return honest
	}
	expect(t, r, "www.example.com. A", www)
	forged = false
	ask(t, r, "alias.example.com. TXT")
	if with == 0 {
		t.Error("one forged FORMERR has taken EDNS away")
	}
}

func TestTheFastestServerIsPreferredAndOthersAreExplored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newInternet(t)
		n.zone("example.com.", "*.example.com. 60 A 192.0.2.9", "192.0.2.1", "192.0.2.2", "192.0.2.3")
		n.host("192.0.2.1").delay = 150 * time.Millisecond
		n.host("192.0.2.2").delay = 10 * time.Millisecond
		n.host("192.0.2.3").delay = 80 * time.Millisecond
		source := rand.New(rand.NewPCG(1, 2))
		r := n.resolver(func(o *resolver.Options) { o.IntN = source.IntN })
		for i := range 1000 {
			ask(t, r, fmt.Sprintf("n%d.example.com. A", i))
		}
		fast, slow, slowest := n.count("192.0.2.2 "), n.count("192.0.2.3 "), n.count("192.0.2.1 ")
		if fast < 900 || slow < 5 || slowest < 5 {
			t.Errorf("asked %d, %d and %d times", fast, slow, slowest)
		}
	})
}

func TestASilentServerIsLeftAloneAndThenProbed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newInternet(t)
		n.zone("example.com.", shop, "192.0.2.1")
		n.silence("192.0.2.1")
		r := n.resolver()
		var names atomic.Int32
		query := func() string { return ask(t, r, fmt.Sprintf("n%d.example.com. A", names.Add(1))) }
		query() // three attempts
		n.forget()
		if got := query(); !strings.Contains(got, "all servers of example.com. were silent or out of reach lately") || n.count("") != 0 {
			t.Errorf("%s, sent\n%s", got, n.log())
		}
		for range 600 { // ten minutes of a query each second
			time.Sleep(time.Second)
			go query()
		}
		time.Sleep(20 * time.Second)
		if probes := n.count("192.0.2.1 "); probes < 15 || probes > 30 {
			t.Errorf("%d probes in ten minutes", probes)
		}
		n.wake("192.0.2.1")
		time.Sleep(30 * time.Second)
		if got := query(); !strings.HasPrefix(got, "NXDOMAIN") {
			t.Errorf("not found to be well again: %s", got)
		}
		if got := query(); !strings.HasPrefix(got, "NXDOMAIN") {
			t.Errorf("left alone although it is well: %s", got)
		}
	})
}

// A pause of half a second under load, a SIGSTOP for one, must not look like a
// server that is gone: the many that were asked in that moment failed once.
func TestAShortPauseOfABusyServerIsNotTheEndOfIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newInternet(t)
		n.zone("example.com.", shop, "192.0.2.1")
		r := n.resolver()
		ask(t, r, "known.example.com. A") // so that its RTT and the way to it are known
		n.silence("192.0.2.1")
		results := make(chan string)
		const clients = 100
		for i := range clients {
			go func() { results <- ask(t, r, fmt.Sprintf("n%d.example.com. A", i)) }()
		}
		time.Sleep(200 * time.Millisecond)
		n.wake("192.0.2.1")
		for range clients {
			if got := <-results; !strings.HasPrefix(got, "NXDOMAIN") {
				t.Errorf("got %s", got)
			}
		}
	})
}

func TestDelegationsToThisHostAreNotFollowed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			barred []netip.Prefix
			want   string
		}{
			{nil, "error"},
			{[]netip.Prefix{}, "NOERROR"},
			{[]netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, "NOERROR"},
		} {
			n := newInternet(t)
			n.zone("example.com.", shop, "127.0.0.1")
			got := ask(t, n.resolver(func(o *resolver.Options) { o.DoNotQuery = c.barred }), "www.example.com. A")
			if !strings.HasPrefix(got, c.want) || c.barred == nil && n.count("127.0.0.1 ") != 0 {
				t.Errorf("%v: %s, sent\n%s", c.barred, got, n.log())
			}
		}
	})
}

func TestALameServerIsAskedLast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := shops(t)
		n.host("192.0.2.1").script = says("", "REFUSED")
		r := n.resolver()
		ask(t, r, "www.example.com. A")
		n.forget()
		ask(t, r, "long.example.com. A")
		if n.count("192.0.2.1 ") != 0 {
			t.Errorf("sent\n%s", n.log())
		}
		n.silence("192.0.2.2")
		n.host("192.0.2.1").script = nil
		expect(t, r, "alias.example.com. CNAME", "NOERROR | alias.example.com. 300 CNAME www.example.com.")
	})
}

func TestTheTransportsSecondMessageIsPaidFor(t *testing.T) {
	t.Parallel()
	n := shops(t)
	n.host("192.0.2.1").script = func(_ transport.Request, honest *transport.Reply) *transport.Reply {
		honest.TCP, honest.Sent = true, 2
		return honest
	}
	r := n.resolver()
	q := question("www.example.com. A")
	q.Budget = lookup.NewBudget(lookup.Limits{})
	if _, err := r.Resolve(t.Context(), q); err != nil || q.Budget.Sent() != 4 {
		t.Errorf("paid for %d: %v", q.Budget.Sent(), err)
	}
	if s := r.Stats(); s.TCP != 1 {
		t.Errorf("%+v", s)
	}
}

func TestNameServersWithoutGlueAreLookedUp(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	n.zone("hosts.org.", "", "203.0.113.1")
	n.host("203.0.113.1").script = nil
	client := n.zone("client.com.", "www.client.com. 60 A 192.0.2.9")
	n.host("203.0.113.1").zones = append(n.host("203.0.113.1").zones, client)
	n.delegate(client.apex, "client.com. 86400 NS ns1.hosts.org.")
	r := n.resolver()
	expect(t, r, "www.client.com. A", "NOERROR | www.client.com. 60 A 192.0.2.9")
	if n.count("ns1.hosts.org. AAAA") != 0 || n.count("ns1.hosts.org. A ") != 3 {
		t.Errorf("sent\n%s", n.log())
	}
	n.forget()
	expect(t, r, "mail.client.com. A", "NXDOMAIN |  | client.com. 300")
	if n.count("") != 1 {
		t.Errorf("the address was looked up again:\n%s", n.log())
	}
}

// farm is example.com on so many servers, which all follow the same script.
func farm(t *testing.T, servers int, script func(transport.Request, *transport.Reply) *transport.Reply) *internet {
	n := newInternet(t)
	var addrs []string
	for i := range servers {
		addrs = append(addrs, fmt.Sprintf("192.0.2.%d", i+1))
	}
	n.zone("example.com.", shop, addrs...)
	for _, a := range addrs {
		n.host(a).script = script
	}
	return n
}

func TestAZoneOfLameServersCostsFewMessagesForEachOtherName(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"REFUSED", "SERVFAIL", "TC"} {
		synctest.Test(t, func(t *testing.T) {
			n := farm(t, 13, says("", how))
			r := n.resolver()
			ask(t, r, "n.example.com. A")
			if got := n.count("192.0.2."); got != 13 {
				t.Errorf("%s: sent %d times for the first", how, got)
			}
			n.forget()
			for i := range 40 { // 5 s after the first they are all asked again, and then 10 s later
				time.Sleep(500 * time.Millisecond)
				expectError(t, r, fmt.Sprintf("n%d.example.com. A", i), "22")
			}
			if got := n.count("192.0.2."); got != 2*13+38*2 {
				t.Errorf("%s: sent %d times for 40 more", how, got)
			}
			n.host("192.0.2.8").script = nil // one of them is well again
			time.Sleep(30 * time.Second)
			expect(t, r, "www.example.com. A", www)
			n.forget()
			expect(t, r, "long.example.com. A", "NOERROR | long.example.com. 86400 A 192.0.2.82")
			if got := n.count("192.0.2."); got != 1 && how == "REFUSED" { // the others are not known to be lame
				t.Errorf("sent %d times although one of them is known to be well", got)
			}
		})
	}
}

// Somebody asks for what the servers of a zone refuse, all the time. Others get
// what they ask for, although half of the servers are gone.
func TestNobodyCanTakeAZoneAway(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"REFUSED", "SERVFAIL"} {
		synctest.Test(t, func(t *testing.T) {
			n := farm(t, 6, says("evil", how))
			n.silence("192.0.2.1", "192.0.2.2", "192.0.2.3")
			r := n.resolver()
			for i := range 100 {
				for j := range 5 {
					go ask(t, r, fmt.Sprintf("evil%d.example.com. A", 5*i+j))
				}
				time.Sleep(200 * time.Millisecond)
				start := time.Now()
				got := ask(t, r, fmt.Sprintf("n%d.example.com. A", i))
				if !strings.HasPrefix(got, "NXDOMAIN") || time.Since(start) > 5*time.Second {
					t.Errorf("%s: %d: after %v %s", how, i, time.Since(start), got)
				}
			}
			time.Sleep(20 * time.Second) // until all work has ended
		})
	}
}

// Water torture: random names in a zone whose servers are silent.
func TestNamesWithoutNumberInASilentZoneTakeNoMoreThanTheirShare(t *testing.T) {
	t.Parallel()
	for most, want := range map[int]int{0: 200, 10: 10, -1: 1000} {
		synctest.Test(t, func(t *testing.T) {
			n := farm(t, 4, nil)
			n.zone("example.org.", "www.example.org. 120 A 203.0.113.80", "203.0.113.1")
			r := n.resolver(func(o *resolver.Options) { o.PerZone = most })
			expect(t, r, "www.example.com. A", www)
			n.silence("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4")
			n.forget()
			turnedAway := make(chan int, 1000)
			for i := range 1000 {
				go func() {
					start, got := time.Now(), ask(t, r, fmt.Sprintf("x%d.example.com. A", i))
					if strings.HasPrefix(got, "error: 0 (Other): too many questions are being asked about this zone, example.com.") && time.Since(start) == 0 {
						turnedAway <- 1
					}
				}()
			}
			synctest.Wait()
			if got := n.count("192.0.2."); got != want || len(turnedAway) != 1000-want {
				t.Errorf("%d under way at once, %d failed at once, want %d under way", got, len(turnedAway), want)
			}
			// Others are not among them, and what is known of the zone is still there.
			start := time.Now()
			expect(t, r, "www.example.org. A", "NOERROR | www.example.org. 120 A 203.0.113.80")
			expect(t, r, "www.example.com. A", www)
			if took := time.Since(start); took != 0 {
				t.Errorf("others waited for %v", took)
			}
			time.Sleep(20 * time.Second)
			n.wake("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4")
			for i := range 300 { // one after the other, and those that were turned away, too
				if got := ask(t, r, fmt.Sprintf("y%d.example.com. A", i)); !strings.HasPrefix(got, "NXDOMAIN") {
					t.Fatalf("when it is well again: %s", got)
				}
			}
			expect(t, r, "x999.example.com. A", "NXDOMAIN |  | example.com. 300")
		})
	}
}

// unrouted is what the system says of an address that no route leads to.
func unrouted() error {
	return &net.OpError{Op: "dial", Net: "udp", Err: os.NewSyscallError("connect", syscall.ENETUNREACH)}
}

// In an outage the host has no way to the root, but to what is near it. What is
// learned of the one must not be held against the other.
func TestNoRouteToTheRootTakesNoInternalZoneAway(t *testing.T) {
	t.Parallel()
	for what, server := range map[string]string{
		"beside the servers of the root": "198.51.100.53", "in the LAN": "10.0.0.53", "on this host": "127.0.0.53", "on the link": "[fe80::53%eth0]:53",
	} {
		n := office(t)
		n.host(strings.TrimSuffix(strings.TrimPrefix(server, "["), "]:53")).zones = n.host("10.0.0.53").zones
		lab := n.host("10.0.0.54").zones[0]
		n.host("203.0.113.54").zones = []*zone{lab} // not a private address, but a route leads there
		n.delegate(n.host("10.0.0.53").zones[0].apex, "lab.corp. 60 NS ns.lab.corp.\nns.lab.corp. 60 A 203.0.113.54")
		for _, root := range []string{"198.51.100.1", "198.51.100.2", "2001:db8::1"} {
			n.host(root).err = unrouted()
		}
		r := n.resolver(with(pin("corp.", server)), func(o *resolver.Options) { o.NoIPv6 = false })
		expectError(t, r, "www.example.com. A", "23 (Network Error)")
		if got := ask(t, r, "db.corp. A"); got != "NOERROR | db.corp. 60 A 10.0.0.1" {
			t.Errorf("%s: %s", what, got)
		}
		if got := ask(t, r, "x.lab.corp. A"); got != "NOERROR | x.lab.corp. 60 A 10.0.0.2" {
			t.Errorf("%s: a delegation inside: %s", what, got)
		}
	}
}

// A server that was heard has a route, whatever is around it; one that was not is
// left alone for five seconds.
func TestNoRouteToANeighbourSaysNothingOfAServerThatWasHeard(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newInternet(t)
		n.zone("example.com.", shop, "192.0.2.1")
		n.zone("away.com.", "www.away.com. 60 A 192.0.2.80", "192.0.2.9")
		n.zone("fresh.com.", "www.fresh.com. 60 A 192.0.2.80", "192.0.2.7")
		n.host("192.0.2.9").err = unrouted()
		r := n.resolver()
		expect(t, r, "www.example.com. A", www)
		expectError(t, r, "www.away.com. A", "23 (Network Error)")
		if got := ask(t, r, "long.example.com. A"); strings.HasPrefix(got, "error") {
			t.Error(got)
		}
		expectError(t, r, "www.fresh.com. A", "22 (No Reachable Authority)")
		time.Sleep(5 * time.Second)
		expect(t, r, "www.fresh.com. A", "NOERROR | www.fresh.com. 60 A 192.0.2.80")
	})
}

// Where only few servers are asked, those to which nothing could be sent do not count.
func TestServersWithoutARouteAreNotAmongTheFewThatAreAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := farm(t, 1, nil)
		six := []string{"2001:db8::1", "2400:db8::1", "2600:db8::1", "2a00:db8::1"}
		n.zone("example.com.", shop, append(six, "192.0.2.1")...)
		n.host("192.0.2.1").script = func(r transport.Request, honest *transport.Reply) *transport.Reply {
			if strings.HasPrefix(r.Question.Name.String(), "bad.") {
				return reply("SERVFAIL")
			}
			return honest
		}
		for _, a := range six {
			n.host(a).err = unrouted()
		}
		n.host("192.0.2.1").delay = 300 * time.Millisecond // so the others come first
		r := n.resolver(func(o *resolver.Options) { o.NoIPv6 = false })
		for _, name := range []string{"bad.a", "bad.b"} { // all in vain: few are asked for 5 s, and then for 10
			ask(t, r, name+".example.com. A")
			time.Sleep(5 * time.Second)
		}
		expect(t, r, "www.example.com. A", www)
	})
}
