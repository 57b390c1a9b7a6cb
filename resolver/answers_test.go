package resolver_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
	"github.com/sextant-dns/sextant/transport"
)

const shop = `
www.example.com. 60 A 192.0.2.80
www.example.com. 60 A 192.0.2.81
alias.example.com. 300 CNAME www.example.com.
abroad.example.com. 300 CNAME www.example.org.
lost.example.com. 300 CNAME nowhere.example.org.
long.example.com. 999999 A 192.0.2.82
never.example.com. 0 A 192.0.2.83
old.example.com. 600 DNAME new.example.org.
`

// shops has example.com and example.org.
func shops(tb testing.TB) *internet {
	n := newInternet(tb)
	n.zone("example.com.", shop, "192.0.2.1", "192.0.2.2")
	n.zone("example.org.", "www.example.org. 120 A 203.0.113.80\na.new.example.org. 90 A 203.0.113.81", "203.0.113.1")
	return n
}

func TestAnAnswerIsFoundFromTheRootDownAndRemembered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := shops(t)
		r := n.resolver()
		expect(t, r, "www.example.com. A", "NOERROR | www.example.com. 60 A 192.0.2.80 , www.example.com. 60 A 192.0.2.81")
		if got, want := n.log(), "198.51.100.1 www.example.com. A\n198.51.100.11 www.example.com. A\n192.0.2.1 www.example.com. A"; got != want {
			t.Errorf("sent\n%s\nwant\n%s", got, want)
		}
		n.forget()
		time.Sleep(20 * time.Second)
		expect(t, r, "www.example.com. A", "NOERROR | www.example.com. 40 A 192.0.2.80 , www.example.com. 40 A 192.0.2.81")
		if n.count("") != 0 {
			t.Errorf("a remembered answer was asked for:\n%s", n.log())
		}
		time.Sleep(40 * time.Second)
		expect(t, r, "www.example.com. A", "NOERROR | www.example.com. 60 A 192.0.2.80 , www.example.com. 60 A 192.0.2.81")
		if n.count("") != 1 || n.count("192.0.2.1 ") != 1 {
			t.Errorf("with a known cut one question is enough, sent\n%s", n.log())
		}
	})
}

func TestAnAliasChainIsJoinedFromHopsThatEachHaveTheirAge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := shops(t)
		r := n.resolver()
		expect(t, r, "abroad.example.com. A", "NOERROR | abroad.example.com. 300 CNAME www.example.org., www.example.org. 120 A 203.0.113.80")
		time.Sleep(100 * time.Second)
		expect(t, r, "abroad.example.com. A", "NOERROR | abroad.example.com. 200 CNAME www.example.org., www.example.org. 20 A 203.0.113.80")
		time.Sleep(30 * time.Second)
		n.forget()
		expect(t, r, "abroad.example.com. A", "NOERROR | abroad.example.com. 170 CNAME www.example.org., www.example.org. 120 A 203.0.113.80")
		if n.count("") != 1 {
			t.Errorf("only the hop that expired is to be asked for, sent\n%s", n.log())
		}
	})
}

func TestAnAliasHoldsForEveryTypeAndIsAnAnswerToThoseWhoAskForIt(t *testing.T) {
	t.Parallel()
	n := shops(t)
	r := n.resolver()
	expect(t, r, "abroad.example.com. A", "NOERROR | abroad.example.com. 300 CNAME www.example.org., www.example.org. 120 A 203.0.113.80")
	n.forget()
	expect(t, r, "abroad.example.com. CNAME", "NOERROR | abroad.example.com. 300 CNAME www.example.org.")
	expect(t, r, "abroad.example.com. AAAA", "NOERROR | abroad.example.com. 300 CNAME www.example.org. | example.org. 300")
	if n.count("abroad") != 0 {
		t.Errorf("the alias was asked for again:\n%s", n.log())
	}
	// The other way round: the answer to a question for CNAME is an alias for other types.
	r = n.resolver()
	expect(t, r, "alias.example.com. CNAME", "NOERROR | alias.example.com. 300 CNAME www.example.com.")
	n.forget()
	expect(t, r, "alias.example.com. A", "NOERROR | alias.example.com. 300 CNAME www.example.com., www.example.com. 60 A 192.0.2.80 , www.example.com. 60 A 192.0.2.81")
	if n.count("alias") != 0 {
		t.Errorf("the alias was asked for again:\n%s", n.log())
	}
}

func TestAnAliasToNothingIsNXDOMAINWithTheChainBeforeIt(t *testing.T) {
	t.Parallel()
	r := shops(t).resolver()
	expect(t, r, "lost.example.com. A", "NXDOMAIN | lost.example.com. 300 CNAME nowhere.example.org. | example.org. 300")
}

func TestTheTailOfAReplyIsUsedInsideTheZoneOnly(t *testing.T) {
	t.Parallel()
	n := shops(t)
	n.host("192.0.2.1").script = says("alias.example.com. A", `AA
answer:
alias.example.com. 300 CNAME www.example.com.
www.example.com. 60 CNAME abroad.example.com.
abroad.example.com. 60 CNAME www.example.org.
www.example.org. 60 A 192.0.2.66`)
	r := n.resolver()
	expect(t, r, "alias.example.com. A", "NOERROR | alias.example.com. 300 CNAME www.example.com., www.example.com. 60 CNAME abroad.example.com., "+
		"abroad.example.com. 60 CNAME www.example.org., www.example.org. 120 A 203.0.113.80")
	if n.count("192.0.2.1 ") != 1 || n.count("203.0.113.1 www.example.org. A") != 1 {
		t.Errorf("sent\n%s", n.log())
	}
}

func TestADNAMEMovesEveryNameBelowItAndIsAskedForOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := shops(t)
		r := n.resolver()
		expect(t, r, "a.old.example.com. A",
			"NOERROR | old.example.com. 600 DNAME new.example.org., a.old.example.com. 600 CNAME a.new.example.org., a.new.example.org. 90 A 203.0.113.81")
		time.Sleep(10 * time.Second)
		n.forget()
		expect(t, r, "b.old.example.com. A",
			"NXDOMAIN | old.example.com. 590 DNAME new.example.org., b.old.example.com. 590 CNAME b.new.example.org. | example.org. 300")
		expect(t, r, "old.example.com. DNAME", "NOERROR | old.example.com. 590 DNAME new.example.org.")
		if n.count("old.example.com.") != 0 {
			t.Errorf("the DNAME was asked for again:\n%s", n.log())
		}
	})
}

func TestTheCNAMEOfADNAMEIsAlwaysOurOwn(t *testing.T) {
	t.Parallel()
	n := shops(t)
	n.host("192.0.2.1").script = says("x.old.example.com. A", `AA
answer:
x.old.example.com. 600 CNAME evil.example.net.
old.example.com. 600 DNAME new.example.org.`)
	expect(t, n.resolver(), "x.old.example.com. A",
		"NXDOMAIN | old.example.com. 600 DNAME new.example.org., x.old.example.com. 600 CNAME x.new.example.org. | example.org. 300")
}

func TestADNAMEToANameThatIsTooLongIsYXDOMAIN(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	label := strings.Repeat("x", 60) + "."
	n.zone("example.com.", "old.example.com. 60 DNAME "+strings.Repeat(label, 3)+"com.", "192.0.2.1")
	r := n.resolver()
	for range 2 { // from the server, and from memory
		if got := ask(t, r, label+label+"old.example.com. A"); !strings.HasPrefix(got, "YXDOMAIN | old.example.com.") || strings.Contains(got, "CNAME") {
			t.Error(got)
		}
	}
}

func TestANameThatDoesNotExistDoesNotExistForAnyType(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := shops(t)
		r := n.resolver()
		expect(t, r, "nope.example.com. A", "NXDOMAIN |  | example.com. 300")
		n.forget()
		time.Sleep(100 * time.Second)
		expect(t, r, "nope.example.com. AAAA", "NXDOMAIN |  | example.com. 200")
		if n.count("") != 0 {
			t.Errorf("sent\n%s", n.log())
		}
		time.Sleep(201 * time.Second)
		expect(t, r, "nope.example.com. A", "NXDOMAIN |  | example.com. 300")
	})
}

func TestNoDataIsRememberedForItsType(t *testing.T) {
	t.Parallel()
	n := shops(t)
	r := n.resolver()
	expect(t, r, "www.example.com. AAAA", "NOERROR |  | example.com. 300")
	n.forget()
	expect(t, r, "www.example.com. AAAA", "NOERROR |  | example.com. 300")
	if n.count("") != 0 {
		t.Errorf("sent\n%s", n.log())
	}
	expect(t, r, "www.example.com. TXT", "NOERROR |  | example.com. 300")
	if n.count("") != 1 {
		t.Errorf("sent\n%s", n.log())
	}
}

func TestTTLsAreCapped(t *testing.T) {
	t.Parallel()
	n := shops(t)
	r := n.resolver(func(o *resolver.Options) { o.MaxNegativeTTL = 100 })
	expect(t, r, "long.example.com. A", "NOERROR | long.example.com. 86400 A 192.0.2.82")
	expect(t, r, "nope.example.com. A", "NXDOMAIN |  | example.com. 100")
	n.zones[lookup.MustName("example.com.")].remove("example.com.")
	n.zones[lookup.MustName("example.com.")].add("example.com. 99999 SOA ns1. host. 1 7200 3600 1209600 99999")
	expect(t, n.resolver(), "nope.example.com. A", "NXDOMAIN |  | example.com. 900")
}

func TestTTLsAreRaisedToTheFloorThatTheOperatorWants(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := shops(t)
		zone := n.zones[lookup.MustName("example.com.")]
		zone.add("signed.example.com. 5 A 192.0.2.84\nsigned.example.com. 5 RRSIG A 13 3 5 20300101000000 20200101000000 1 example.com. AAAA")
		zone.add("short.example.com. 5 DNAME new.example.org.")
		n.zones[lookup.MustName("example.org.")].remove("example.org.")
		n.zones[lookup.MustName("example.org.")].add("example.org. 5 NS ns1.example.org.")
		r := n.resolver(func(o *resolver.Options) { o.MinTTL, o.MinNegativeTTL = 100, 400 })
		for q, want := range map[string]string{
			"www.example.com. A":       "NOERROR | www.example.com. 100 A 192.0.2.80 , www.example.com. 100 A 192.0.2.81",
			"never.example.com. A":     "NOERROR | never.example.com. 100 A 192.0.2.83",
			"alias.example.com. CNAME": "NOERROR | alias.example.com. 300 CNAME www.example.com.",
			"a.short.example.com. A":   "NOERROR | short.example.com. 100 DNAME new.example.org., a.short.example.com. 100 CNAME a.new.example.org., a.new.example.org. 100 A 203.0.113.81",
			"nope.example.com. A":      "NXDOMAIN |  | example.com. 400", // MINIMUM is 300
			"example.org. NS":          "NOERROR | example.org. 5 NS ns1.example.org.",
		} {
			expect(t, r, q, want)
		}
		// RFC 4035 5.3.3: nothing lives longer than its RRSIG says.
		if got := ask(t, r, "signed.example.com. A"); !strings.Contains(got, "signed.example.com. 5 A 192.0.2.84") {
			t.Error(got)
		}
		n.forget()
		time.Sleep(99 * time.Second)
		expect(t, r, "never.example.com. A", "NOERROR | never.example.com. 1 A 192.0.2.83")
		time.Sleep(300 * time.Second)
		expect(t, r, "nope.example.com. A", "NXDOMAIN |  | example.com. 1")
		if n.count("") != 0 {
			t.Errorf("sent\n%s", n.log())
		}
		time.Sleep(time.Second)
		for _, q := range []string{"never.example.com. A", "nope.example.com. A", "signed.example.com. A"} {
			n.forget()
			if ask(t, r, q); n.count("") != 1 {
				t.Errorf("%s outlives the floor", q)
			}
		}
	})
}

// A delegation lives as long as its parent says, whatever the floor: a ghost must
// not profit.
func TestTheFloorKeepsNoDelegationAlive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newInternet(t)
		n.zone("ghost.com.", "www.ghost.com. 5 A 192.0.2.66", "192.0.2.1")
		com := n.zones[lookup.MustName("com.")]
		com.remove("ghost.com.")
		com.add("ghost.com. 30 NS ns1.ghost.com.")
		r := n.resolver(func(o *resolver.Options) { o.MinTTL, o.MinNegativeTTL = 3600, 3600 })
		ask(t, r, "www.ghost.com. A")
		com.remove("ghost.com.")
		com.remove("ns1.ghost.com.")
		time.Sleep(30 * time.Second)
		expect(t, r, "other.ghost.com. A", "NXDOMAIN |  | com. 900")
	})
}

func TestTTLZeroIsForThoseWhoWaitAndNotForMemory(t *testing.T) {
	t.Parallel()
	n := shops(t)
	r := n.resolver()
	expect(t, r, "never.example.com. A", "NOERROR | never.example.com. 0 A 192.0.2.83")
	n.forget()
	expect(t, r, "never.example.com. A", "NOERROR | never.example.com. 0 A 192.0.2.83")
	if n.count("") != 1 {
		t.Errorf("sent\n%s", n.log())
	}
}

func TestAHugeAnswerIsPassedOnAndNotRemembered(t *testing.T) {
	t.Parallel()
	n := shops(t)
	var text strings.Builder
	for i := range 100 {
		fmt.Fprintf(&text, "octets.example.com. 60 TXT %03d%s\n", i, strings.Repeat("x", 200))
	}
	for i := range 257 {
		fmt.Fprintf(&text, "rrs.example.com. 60 A 198.51.%d.%d\n", 100+i/256, i%256)
	}
	for i := range 256 {
		fmt.Fprintf(&text, "just.example.com. 60 A 198.51.100.%d\n", i)
	}
	n.zones[lookup.MustName("example.com.")].add(text.String())
	r := n.resolver()
	ask(t, r, "www.example.com. A") // the cut is known now
	for q, c := range map[string]struct{ rrs, asked int }{
		"octets.example.com. TXT": {100, 2},
		"rrs.example.com. A":      {257, 2},
		"just.example.com. A":     {256, 1},
	} {
		n.forget()
		for range 2 {
			response, err := r.Resolve(t.Context(), question(q))
			if err != nil || response.Answer[0].Data.Len() != c.rrs {
				t.Errorf("%s: %v", q, err)
			}
		}
		if n.count(q) != c.asked {
			t.Errorf("%s: sent\n%s", q, n.log())
		}
	}
}

// RFC 8914 4.1: who gets less than the server has sent is told so, from memory, too.
func TestWhatIsLeftOutOfAnAnswerIsTold(t *testing.T) {
	t.Parallel()
	n := shops(t)
	n.host("192.0.2.1").script = func(_ transport.Request, honest *transport.Reply) *transport.Reply {
		honest.Misfits = 1
		return honest
	}
	r := n.resolver()
	for _, q := range []string{"www.example.com. A", "www.example.com. MX"} {
		for range 2 {
			response, err := r.Resolve(t.Context(), question(q))
			if err != nil || len(response.EDE) != 1 || response.EDE[0].Code != lookup.EDEOther {
				t.Errorf("%s: %v, %v", q, response, err)
			}
		}
	}
}

func TestADenialWithoutSOAIsNotRemembered(t *testing.T) {
	t.Parallel()
	n := shops(t)
	n.host("192.0.2.1").script = says("", "AA NXDOMAIN")
	r := n.resolver()
	expect(t, r, "nope.example.com. A", "NXDOMAIN | ")
	n.forget()
	expect(t, r, "nope.example.com. A", "NXDOMAIN | ")
	if n.count("") != 1 {
		t.Errorf("sent\n%s", n.log())
	}
}

func TestTheDSOfAZoneIsAskedForAboveIt(t *testing.T) {
	t.Parallel()
	n := shops(t)
	n.zones[lookup.MustName("com.")].add("example.com. 3600 DS 1 13 2 " + strings.Repeat("00", 32))
	r := n.resolver()
	ask(t, r, "www.example.com. A") // the cut is known now
	n.forget()
	if got := ask(t, r, "example.com. DS"); !strings.Contains(got, "3600 DS") {
		t.Error(got)
	}
	expect(t, r, "example.org. DS", "NOERROR |  | org. 300")
	if n.count("192.0.2.") != 0 || n.count("203.0.113.") != 0 {
		t.Errorf("the zone itself was asked:\n%s", n.log())
	}
}

func TestRRSIGsComeAlongAndServersAreAskedForThem(t *testing.T) {
	t.Parallel()
	n := shops(t)
	n.zones[lookup.MustName("example.com.")].add("www.example.com. 60 RRSIG A 13 3 60 20300101000000 20200101000000 1 example.com. AAAA")
	var asked []lookup.Question
	h := n.host("192.0.2.1")
	h.script = func(r transport.Request, honest *transport.Reply) *transport.Reply {
		asked = append(asked, r.Question)
		return honest
	}
	r := n.resolver()
	q := question("www.example.com. A")
	for _, q.CD = range []bool{false, true} {
		response, err := r.Resolve(t.Context(), q)
		if err != nil || response.Answer[0].Sigs.Len() != 1 {
			t.Errorf("%v, %v", response, err)
		}
	}
	if len(asked) != 1 || !asked[0].DO || asked[0].CD {
		t.Errorf("asked %+v", asked)
	}
}

func TestResponsesAreMinimal(t *testing.T) {
	t.Parallel()
	n := shops(t)
	n.host("192.0.2.1").script = says("www.example.com. A", `AA
answer:
www.example.com. 60 A 192.0.2.80
other.example.com. 60 A 192.0.2.81
authority:
example.com. 60 NS ns1.example.com.
additional:
ns1.example.com. 60 A 192.0.2.1`)
	r := n.resolver()
	response, err := r.Resolve(t.Context(), question("www.example.com. A"))
	if err != nil || len(response.Answer) != 1 || response.Authority != nil || response.Additional != nil || response.AA {
		t.Errorf("%v, %v", response, err)
	}
}

func TestWhatIsNotForAResolverIsRefused(t *testing.T) {
	t.Parallel()
	n := shops(t)
	r := n.resolver()
	norecurse, chaos := question("www.example.com. A"), question("www.example.com. A")
	norecurse.RD = false
	chaos.Class = lookup.ClassCH
	for _, c := range []struct {
		q     lookup.Query
		rcode lookup.Rcode
		ede   uint16
	}{
		{norecurse, lookup.REFUSED, lookup.EDENotAuthoritative},
		{chaos, lookup.REFUSED, lookup.EDENotSupported},
		{question("example.com. AXFR"), lookup.NOTIMP, lookup.EDEInvalidQueryType},
	} {
		response, err := r.Resolve(t.Context(), c.q)
		if err != nil || response.Rcode != c.rcode || len(response.EDE) != 1 || response.EDE[0].Code != c.ede {
			t.Errorf("%v: %v, %v", c.q, response, err)
		}
	}
	if n.count("") != 0 {
		t.Errorf("sent\n%s", n.log())
	}
}

func TestANYIsAnsweredWithWhatTheServerSays(t *testing.T) {
	t.Parallel()
	r := shops(t).resolver()
	expect(t, r, "alias.example.com. ANY", "NOERROR | alias.example.com. 300 CNAME www.example.com.")
}

func TestALoopOfAliasesIsAnError(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	n.zone("example.com.", "a.example.com. 60 CNAME b.example.com.\nb.example.com. 60 CNAME c.example.com.\nc.example.com. 60 CNAME a.example.com.", "192.0.2.1")
	expectError(t, n.resolver(), "a.example.com. A", "0 (Other): alias loop")
}

func TestABudgetThatTheQueryBringsIsTheOneThatPays(t *testing.T) {
	t.Parallel()
	r := shops(t).resolver()
	q := question("www.example.com. A")
	q.Budget = lookup.NewBudget(lookup.Limits{Upstream: 2})
	_, err := r.Resolve(t.Context(), q)
	if lookup.EDEOf(err).Code != lookup.EDEOther || q.Budget.Sent() != 2 {
		t.Errorf("sent %d: %v", q.Budget.Sent(), err)
	}
	q.Budget = lookup.NewBudget(lookup.Limits{Upstream: 2})
	q.Name = lookup.MustName("long.example.com.")
	if _, err := r.Resolve(t.Context(), q); err != nil || q.Budget.Sent() != 1 {
		t.Errorf("with the cuts known: sent %d: %v", q.Budget.Sent(), err)
	}
}

func TestAClientThatHangsUpEndsWorkThatNobodyElseWaitsFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := shops(t)
		n.host("192.0.2.1").delay, n.host("192.0.2.2").delay = time.Second, time.Second
		r := n.resolver()
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error)
		go func() {
			_, err := r.Resolve(ctx, question("www.example.com. A"))
			result <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-result; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		synctest.Wait()
		if s := r.Stats(); s.Flights != 0 {
			t.Errorf("%d flights go on", s.Flights)
		}
		// It was no failure of the question, nor of the server.
		expect(t, r, "www.example.com. A", "NOERROR | www.example.com. 60 A 192.0.2.80 , www.example.com. 60 A 192.0.2.81")
	})
}

func TestAFollowerGetsItsAnswerWhenTheLeaderHangsUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := shops(t)
		n.host("192.0.2.1").delay = time.Second
		r := n.resolver()
		ctx, cancel := context.WithCancel(t.Context())
		go func() { _, _ = r.Resolve(ctx, question("www.example.com. A")) }()
		synctest.Wait()
		follower := make(chan string)
		go func() { follower <- ask(t, r, "www.example.com. A") }()
		synctest.Wait()
		cancel()
		if got := <-follower; !strings.HasPrefix(got, "NOERROR") {
			t.Error(got)
		}
		if n.count("192.0.2.") != 1 {
			t.Errorf("sent\n%s", n.log())
		}
	})
}

// crowd is how many of a thousand clients that ask for the same at once are
// answered, and how many fail without having to wait.
func crowd(t *testing.T, r *resolver.Resolver) (answered, turnedAway int) {
	start := time.Now()
	results := make(chan string)
	for range 1000 {
		go func() { results <- ask(t, r, "www.example.com. A") }()
	}
	for range 1000 {
		got := <-results
		switch {
		case strings.HasPrefix(got, "NOERROR"):
			answered++
		case strings.HasPrefix(got, "error: 0 (Other): too many wait for this name already") && time.Since(start) == 0:
			turnedAway++
		default:
			t.Fatal(got)
		}
	}
	return answered, turnedAway
}

func TestAHundredClientsWaitForOneNameAndTheOthersFailAtOnce(t *testing.T) {
	t.Parallel()
	for most, want := range map[int]int{0: 100, 7: 7, 1000: 1000} {
		synctest.Test(t, func(t *testing.T) {
			n := shops(t)
			n.host("192.0.2.1").delay = 100 * time.Millisecond
			r := n.resolver(func(o *resolver.Options) { o.Waiting = most })
			ask(t, r, "long.example.com. A")
			n.forget()
			if answered, turnedAway := crowd(t, r); answered != want || answered+turnedAway != 1000 {
				t.Errorf("%d were answered, %d failed at once", answered, turnedAway)
			}
			if n.count("") != 1 {
				t.Errorf("%d packets", n.count(""))
			}
			expect(t, r, "www.example.com. A", www) // the crowd has left nothing behind
		})
	}
}

func TestWhoGetsNoPlaceGetsAnExpiredAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := shops(t)
		r := n.resolver(stale)
		ask(t, r, "www.example.com. A")
		time.Sleep(time.Hour)
		n.host("192.0.2.1").delay = 100 * time.Millisecond
		if answered, turnedAway := crowd(t, r); answered != 1000 || turnedAway != 0 {
			t.Errorf("%d were answered, %d failed at once", answered, turnedAway)
		}
		if got := ask(t, r, "www.example.com. A"); got != www {
			t.Errorf("the refusals were remembered: %s", got)
		}
	})
}

// Names without number wait for the same step on their way, and zones without
// number for the same name server: that is no crowd.
func TestTheWayThatManyNamesShareTakesAnyNumber(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newInternet(t)
		n.zone("hosts.net.", "ns.hosts.net. 60 A 192.0.2.1", "192.0.2.1")
		n.host("192.0.2.1").delay = 100 * time.Millisecond
		const zones = 120
		for i := range zones {
			z := n.zone(fmt.Sprintf("z%d.com.", i), fmt.Sprintf("www.z%d.com. 60 A 192.0.2.9", i))
			n.delegate(z.apex, fmt.Sprintf("z%d.com. 86400 NS ns.hosts.net.", i))
			n.host("192.0.2.1").zones = append(n.host("192.0.2.1").zones, z)
		}
		r := n.resolver(minimised)
		results := make(chan string)
		for i := range zones {
			go func() { results <- ask(t, r, fmt.Sprintf("www.z%d.com. A", i)) }()
		}
		for range zones {
			if got := <-results; !strings.HasPrefix(got, "NOERROR") {
				t.Fatal(got)
			}
		}
		if n.count("ns.hosts.net.") != 1 {
			t.Errorf("the name server was looked up %d times", n.count("ns.hosts.net."))
		}
	})
}

func TestAPanicOnTheWayIsAnErrorOfThatQueryAlone(t *testing.T) {
	t.Parallel()
	n := shops(t)
	n.host("192.0.2.1").script = func(r transport.Request, honest *transport.Reply) *transport.Reply {
		if r.Question.Type == lookup.TypeTXT {
			panic("a bug")
		}
		return honest
	}
	r := n.resolver()
	expectError(t, r, "www.example.com. TXT", "0 (Other): internal error")
	expect(t, r, "long.example.com. A", "NOERROR | long.example.com. 86400 A 192.0.2.82")
}

func TestStatsAndObserverTellWhatHappened(t *testing.T) {
	t.Parallel()
	n := shops(t)
	var seen []string
	r := n.resolver(func(o *resolver.Options) {
		o.Observe = func(e resolver.Exchange) {
			seen = append(seen, fmt.Sprint(e.Server, " ", e.Zone, " ", e.Question.Type, " ", e.Rcode, " ", e.Err))
		}
	})
	ask(t, r, "www.example.com. A")
	ask(t, r, "www.example.com. A")
	s := r.Stats()
	if s.Exchanges != 3 || s.Hits != 1 || s.Misses != 1 || s.Answers != 1 || s.Cuts != 2 || s.Timeouts != 0 {
		t.Errorf("%+v", s)
	}
	if len(seen) != 3 || seen[2] != "192.0.2.1:53 example.com. A NOERROR <nil>" {
		t.Errorf("%q", seen)
	}
}
