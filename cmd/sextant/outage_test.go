package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/control"
	"github.com/sextant-dns/sextant/lab"
	"github.com/sextant-dns/sextant/lifeline"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/transport"
)

const protected = "lifeline: { zones: [example.io] }"

// T1, the incident of 28 October 2016: three servers of io. are well, three silent, one
// denies what exists. 10 000 queries over 12 hours, and none fails.
func TestIncidentOfIO(t *testing.T) {
	t.Parallel()
	const queries = 10_000
	for _, c := range []struct {
		name          string
		signed, naive bool // example.io. is signed; nobody validates
		protected     bool
	}{
		{"signed", true, false, true},
		{"unsigned", false, false, true},
		{"nobody validates", false, true, true},
		{"nobody validates and nothing is protected", false, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newPlanet(t, c.signed)
				p.naive = c.naive
				p.Nearest(tlds[6])
				p.add("empty", lab.Variant{Delegates: "none", Forged: true})
				yaml := protected
				if !c.protected {
					yaml = "log: info"
				}
				r := p.run(t, yaml)
				time.Sleep(time.Hour)
				p.Set("silent", tlds[3:6]...)
				p.Set("empty", tlds[6])
				failed, slow, random := 0, 0, rand.New(rand.NewPCG(2016, 1028))
				begun, before := time.Now(), p.Sent(tlds...)
				for i := range queries {
					time.Sleep(time.Until(begun.Add(time.Duration(i) * 12 * time.Hour / queries)))
					host, asked := random.IntN(50), time.Now()
					if got := r.a(fmt.Sprintf("host%d.example.io.", host)); strings.TrimSuffix(got, " AD") != fmt.Sprintf("192.0.2.%d", 100+host) {
						if failed++; failed < 5 && c.protected {
							t.Errorf("after %v: %s", time.Since(begun), got)
						}
					}
					if time.Since(asked) > 2*time.Second {
						slow++
					}
				}
				t.Logf("of %d queries %d have failed, %d were slow; messages to io.: %d", queries, failed, slow, p.Sent(tlds...)-before)
				if !c.protected {
					if failed == 0 { // or all of this shows nothing
						t.Error("nothing fails without a lifeline")
					}
					return
				}
				if failed > 0 || slow > queries/1000 {
					t.Errorf("%d failed, %d were slow", failed, slow)
				}
				s := r.zone()
				t.Logf("by the parent %d, by the known delegation %d; %s", s.Answers[lifeline.ByParent], s.Answers[lifeline.ByKnown], s.Last)
			})
		})
	}
}

// begin has a server that knows the zone well.
func begin(t *testing.T, p *planet, yaml string) *outage {
	t.Helper()
	r := p.run(t, yaml)
	time.Sleep(2 * time.Hour)
	r.expect(lifeline.Normal)
	if s := r.zone(); s.Snapshot.Unproven() || !s.Snapshot.Known() {
		t.Fatalf("after two hours: %+v", s.Snapshot)
	}
	return r
}

// all asks for names now and then, and counts the answers that are not as they should be.
func (r *outage) all(lasts, every time.Duration, want string, names ...string) {
	r.t.Helper()
	wrong := 0
	for begun, i := time.Now(), 0; time.Since(begun) < lasts; i++ {
		time.Sleep(every)
		if got := r.a(names[i%len(names)]); got != want {
			if wrong++; wrong < 4 {
				r.t.Errorf("after %v: %s: got %s, want %s", time.Since(begun), names[i%len(names)], got, want)
			}
		}
	}
	if wrong > 3 {
		r.t.Errorf("%d wrong answers", wrong)
	}
}

// T2 and T13: all servers of io., or all there are above example.io., are silent for
// three days. Answers are fresh, new names are there, and it ends with a recovery.
func TestAllSilent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		signed bool
		quiet  []netip.Addr
	}{{"io", true, tlds}, {"io, and example.io is not signed", false, tlds}, {"the root as well", true, slices.Concat(roots, tlds, addrs("198.41.2.1"))}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newPlanet(t, c.signed)
				p.add("later", lab.Variant{Records: "new 60 A 192.0.2.200\nmoved 60 A 192.0.2.202\n"})
				p.add("before", lab.Variant{Records: "moved 60 A 192.0.2.201\n"})
				p.Set("before", children...)
				ad := map[bool]string{true: " AD"}[c.signed]
				r := begin(t, p, protected)
				p.Set("silent", c.quiet...)
				r.all(2*time.Hour, 97*time.Second, "192.0.2.201"+ad, "moved.example.io.")
				p.Set("later", children...)
				time.Sleep(time.Minute)
				r.all(70*time.Hour, 7*time.Minute, "192.0.2.202"+ad, "moved.example.io.")
				r.expect(lifeline.Emergency)
				if got := r.a("new.example.io."); got != "192.0.2.200"+ad {
					t.Errorf("a new name: %s", got)
				}
				if got := r.a("none.example.io."); got != "NXDOMAIN" {
					t.Errorf("no such name: %s", got)
				}
				p.Set("later", c.quiet...)
				time.Sleep(15 * time.Minute)
				r.expect(lifeline.Recovering)
				time.Sleep(15 * time.Minute)
				r.expect(lifeline.Normal)
				if got := r.a("cdn.example.io."); got != "192.0.2.78" && got != "192.0.2.78 AD" {
					t.Errorf("an alias out of the zone: %s", got)
				}
			})
		})
	}
}

// T3, I7: the registry holds the name, and all servers deny it, with a proof. Who holds
// on is served; who follows lets go after an hour.
func TestRegistryHold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPlanet(t, true)
		p.add("held", lab.Variant{Delegates: "none", Serial: 101})
		r := begin(t, p, protected)
		p.Set("held", tlds...)
		r.all(24*time.Hour, 5*time.Minute, "192.0.2.100 AD", "host0.example.io.")
		r.expect(lifeline.Emergency)
		if got := r.a("cdn.example.io."); got != "192.0.2.78" {
			t.Errorf("an alias out of the zone: %s", got)
		}
		if s := r.zone(); s.Pending == nil || s.Last.String() != "7 disproves" {
			t.Errorf("%+v, %s", s.Pending, s.Last)
		}
		p.Set("", tlds...)
		time.Sleep(time.Hour)
		r.expect(lifeline.Normal)
	})
	synctest.Test(t, func(t *testing.T) {
		p := newPlanet(t, true)
		p.add("held", lab.Variant{Delegates: "none", Serial: 101})
		r := begin(t, p, "lifeline: { zones: [{ zone: example.io, withdraw: follow }] }")
		p.Set("held", tlds...)
		r.all(50*time.Minute, time.Minute, "192.0.2.100 AD", "host0.example.io.")
		time.Sleep(2 * time.Hour)
		if got := r.a("host0.example.io."); got != "NXDOMAIN" {
			t.Errorf("after three hours: %s", got)
		}
	})
}

// T4, I6: two servers have a copy of last month, validly signed, without the zone. They
// have no say once they are known to be behind.
func TestStaleParents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPlanet(t, true)
		p.add("old", lab.Variant{Delegates: "none", Serial: 7})
		r := begin(t, p, "lifeline: { zones: [{ zone: example.io, withdraw: follow }] }")
		p.Set("old", tlds[1], tlds[3])
		r.all(12*time.Hour, 3*time.Minute, "192.0.2.100 AD", "host0.example.io.")
		if s := r.zone(); s.Last.String() != "5 refers, 2 lags" || s.Gone {
			t.Errorf("%s", s.Last)
		}
	})
}

// T5 and T12: the delegation changes on one, four and all servers, to where nobody but
// an attacker is. With DNSSEC and with the default policy it is not followed.
func TestChangedDelegation(t *testing.T) {
	t.Parallel()
	const away = "example.io. NS ns.zz.io.\n"
	for _, c := range []struct {
		servers int
		policy  string
		serial  uint32
		adopted bool
	}{
		{1, "hold", 101, false}, {4, "hold", 101, false}, {7, "hold", 101, false},
		{1, "follow", 101, false}, {4, "follow", 100, false}, {7, "follow", 101, true},
		{4, "follow", 101, true}, // the others have not followed for an hour, and have no say
	} {
		t.Run(fmt.Sprint(c.servers, c.policy, c.serial), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newPlanet(t, false)
				p.add("moved", lab.Variant{Delegates: away, Serial: c.serial})
				r := begin(t, p, fmt.Sprintf("lifeline: { zones: [{ zone: example.io, change: %s }] }", c.policy))
				p.Set("moved", tlds[:c.servers]...)
				if !c.adopted {
					r.all(6*time.Hour, 3*time.Minute, "192.0.2.100", "host0.example.io.")
				} else {
					time.Sleep(6 * time.Hour)
				}
				s := r.zone()
				if adopted := s.Snapshot.Hosts[0].Name == lookup.MustName("ns.zz.io."); adopted != c.adopted {
					t.Errorf("adopted %v: %s, %s", adopted, s.Last, s.Reason)
				}
			})
		})
	}
}

// T6 and T7, I14: signatures of io. are bad or have expired, on all servers. Who is
// signed is validated by what was known before, and who is not is not lost with io.
func TestBogusParent(t *testing.T) {
	t.Parallel()
	for _, signed := range []bool{false, true} {
		for name, expires := range map[string]func(lookup.RRset) time.Time{
			"all": func(lookup.RRset) time.Time { return time.Date(1999, 6, 1, 0, 0, 0, 0, time.UTC) },
			"two thirds": func(s lookup.RRset) time.Time {
				if (len(s.Name)+int(s.Type))%3 == 0 {
					return time.Date(2060, 1, 1, 0, 0, 0, 0, time.UTC)
				}
				return time.Date(1999, 6, 1, 0, 0, 0, 0, time.UTC)
			},
		} {
			t.Run(fmt.Sprint(name, signed), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					p := newPlanet(t, signed)
					p.add("bogus", lab.Variant{Expires: expires, Serial: 101})
					r := begin(t, p, protected)
					p.Set("bogus", tlds...)
					r.all(12*time.Hour, 4*time.Minute, "192.0.2.100"+map[bool]string{true: " AD"}[signed], "host0.example.io.")
				})
			})
		}
	}
}

// §5.6: what was signed is validated also when its parent cannot be had: whoever answers
// in the place of its servers is not believed.
func TestNoDowngrade(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPlanet(t, true)
		r := begin(t, p, protected)
		p.add("forged", lab.Variant{Unsigned: true, Records: "www 60 A 203.0.113.66\n"})
		p.Set("silent", tlds...)
		time.Sleep(2 * time.Hour)
		p.Set("forged", children...)
		time.Sleep(2 * time.Hour)
		if got := r.a("www.example.io."); !strings.Contains(got, "EDE") {
			t.Errorf("got %s", got)
		}
	})
}

// T11: a parent that comes and goes every 30 seconds moves nothing more often than once
// in a quarter of an hour. Within four hours that is the way to the emergency, one
// recovery that was rash, and what a parent that relapsed has to prove.
func TestFlappingParent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPlanet(t, true)
		var moves []time.Time
		r := p.run(t, protected)
		time.Sleep(2 * time.Hour)
		before := r.zone().Activations
		for i := range 480 { // four hours
			p.Set(map[bool]string{true: "silent"}[i%2 == 0], tlds...)
			time.Sleep(30 * time.Second)
			if got := r.a(fmt.Sprintf("host%d.example.io.", i%50)); !strings.HasPrefix(got, "192.0.2.1") {
				t.Errorf("%s", got)
			}
			if s := r.zone(); len(moves) == 0 || s.Since != moves[len(moves)-1] {
				moves = append(moves, s.Since)
			}
		}
		if len(moves) > 1+16 {
			t.Errorf("%d moves in four hours: %v, before %v", len(moves), r.zone().Activations, before)
		}
	})
}

// T17: a thousand clients ask for a thousand names while nobody of io. replies. Servers
// are not asked more than three times in five seconds each.
func TestRetryStorm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPlanet(t, true)
		r := begin(t, p, protected)
		time.Sleep(90 * time.Minute)
		p.Set("silent", tlds...)
		before := p.Sent(tlds...)
		var clients sync.WaitGroup
		var failed atomic.Int32
		for i := range 1000 {
			clients.Go(func() {
				time.Sleep(time.Duration(i) * 5 * time.Millisecond)
				if got := r.a(fmt.Sprintf("x%d.example.io.", i)); got != "NXDOMAIN" {
					failed.Add(1)
				}
			})
		}
		clients.Wait()
		if sent := p.Sent(tlds...) - before; sent > 3*len(tlds) || failed.Load() > 0 {
			t.Errorf("%d messages to %d servers, %d failed", sent, len(tlds), failed.Load())
		}
	})
}

// What operators see in the middle of it, and what they can do.
func TestOperatorsInAnOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPlanet(t, false)
		p.add("moved", lab.Variant{Delegates: "example.io. NS ns.zz.io.\n", Serial: 101})
		p.add("empty", lab.Variant{Delegates: "none", Serial: 101})
		r := begin(t, p, protected)
		p.Set("moved", tlds[:4]...)
		p.Set("silent", tlds[4:6]...)
		p.Set("empty", tlds[6])
		list := func(do string) control.LifelineZone {
			t.Helper()
			var l control.Lifeline
			var err error
			if do == "" {
				l, err = r.listLifeline(t.Context(), control.LifelineRequest{Name: "www.example.io", Call: true})
			} else {
				l, err = r.setLifeline(t.Context(), control.SetLifelineRequest{Zone: "example.io", Do: do})
			}
			if err != nil {
				t.Fatal(err)
			}
			return l.Zones[0]
		}
		z := list("")
		said := regexp.MustCompile(`  +`).ReplaceAllString(z.Said(), "  ")
		for _, want := range []string{
			"2 silent, 4 refers, 1 disproves",
			"ns0.io.  198.51.100.1  refers  " + z.Pending.ID + "  101  20.0 ms  not what is known",
			"ns4.io.  198.51.104.1  silent  -  -  -  no reply in time: i/o timeout",
			"ns6.io.  198.51.106.1  disproves  -  101  20.0 ms",
		} {
			if !strings.Contains(said, want) {
				t.Errorf("want %s in\n%s", want, said)
			}
		}
		const diff = `- example.io.	NS	ns1.example.io.
- example.io.	NS	ns2.example.io.
- ns1.example.io.	A	192.0.2.1
- ns2.example.io.	A	203.0.113.1
+ example.io.	NS	ns.zz.io.
+ ns.zz.io.	A	192.0.2.99
`
		if got := z.Diff(); !strings.HasSuffix(got, diff) || !strings.Contains(got, "sextant lifeline ack example.io.") {
			t.Errorf("got\n%s", got)
		}
		if got := explained(z); !strings.Contains(got, "names are found by the known delegation first") || !strings.Contains(got, "ns1.example.io.\t3600\tIN\tA\t192.0.2.1") {
			t.Errorf("got\n%s", got)
		}
		if z := list("pin"); !z.Pinned || z.Path != "known" {
			t.Errorf("%+v", z)
		}
		if z := list("unpin"); z.Pinned {
			t.Errorf("%+v", z)
		}
		if z := list("ack"); z.Known.Servers[0].Name != "ns.zz.io." || z.Pending != nil {
			t.Errorf("%+v", z)
		}
		time.Sleep(time.Second) // the roll-call that it caused may not confirm what is released now
		if z := list("release"); !z.Released || z.Path != "parent" {
			t.Errorf("%+v", z)
		}
		if _, err := r.setLifeline(t.Context(), control.SetLifelineRequest{Zone: "example.io", Do: "sell"}); err == nil {
			t.Error("sold")
		}
		if m := r.lifelineCounts(); len(m) != 1 || m[0].Zone != "example.io." || m[0].Votes["silent"] != 2 || m[0].Activations["denial"] == 0 {
			t.Errorf("%+v", m)
		}
	})
}

// Golden: what `sextant audit` says of the incident.
func TestAudit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPlanet(t, true)
		p.add("new", lab.Variant{Serial: 101, Own: 2})
		p.add("empty", lab.Variant{Serial: 101, Delegates: "none"})
		p.add("moved", lab.Variant{Serial: 101, Delegates: "example.io. NS ns1.example.io.\nns1.example.io. A 192.0.2.1\n"})
		r := p.run(t, "log: info")
		audit := func() string {
			t.Helper()
			a, err := r.audit(t.Context(), lookup.MustName("example.io."))
			if err != nil {
				t.Fatal(err)
			}
			return auditOf(a).String()
		}
		if got := audit(); !strings.HasSuffix(got, "\nnothing is wrong\n") || !strings.Contains(got, "authoritative  1       secure  yes   yes  20.0 ms") {
			t.Errorf("got\n%s", got)
		}
		p.Set("new", append(tlds[:3:3], children[0])...)
		p.Set("silent", tlds[3])
		p.Set("empty", tlds[4])
		p.Set("moved", tlds[5])
		got := audit()
		const want = `example.io., as io. has it:
SERVER   ADDRESS       SAYS       DELEGATION  SERIAL  RTT
ns0.io.  198.51.100.1  refers     a52a1573    101     20.0 ms
ns1.io.  198.51.101.1  refers     a52a1573    101     20.0 ms
ns2.io.  198.51.102.1  refers     a52a1573    101     20.0 ms
ns3.io.  198.51.103.1  silent     -           -       -
ns4.io.  198.51.104.1  disproves  -           101     20.0 ms
ns5.io.  198.51.105.1  refers     1e221fd2    101     20.0 ms
ns6.io.  198.51.106.1  refers     a52a1573    100     20.0 ms

its own servers:
SERVER           ADDRESS      SAYS           SERIAL  DNSSEC  EDNS  TCP  RTT
ns1.example.io.  192.0.2.1    authoritative  2       secure  yes   yes  20.0 ms
ns2.example.io.  203.0.113.1  authoritative  1       secure  yes   yes  20.0 ms

! io. server ns3.io. (198.51.103.1) is silent: no reply in time: i/o timeout
! io. server ns4.io. (198.51.104.1) says that there is no example.io.
! io. server ns5.io. (198.51.105.1) disagrees: it refers to ns1.example.io., most others to ns1.example.io., ns2.example.io.
! io. server ns6.io. (198.51.106.1) is behind: serial 100, and there is 101
! ns2.example.io. (203.0.113.1) is behind: serial 1, and there is 2
`
		if got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

// What @RESOLVER is for: the servers are found by asking it, and asked themselves.
func TestAuditByAResolver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPlanet(t, true)
		p.add("new", lab.Variant{Serial: 101})
		direct := p.run(t, "log: info")
		var source auditSource
		rest, err := source.resolver(t.Context(), []string{"@192.0.2.222", "example.io"})
		if err != nil || len(rest) != 1 || rest[0] != "example.io" {
			t.Fatal(rest, err)
		}
		c := direct.state.Load().config
		own := *c
		source.hints, source.port = "", 53
		source.into(&own)
		r, err := build(&own, wiring{exchanger: byResolver{p, source.by.Addr(), direct}})
		if err != nil {
			t.Fatal(err)
		}
		p.Set("new", tlds[:6]...)
		a, err := r.audit(t.Context(), lookup.MustName("example.io."))
		if err != nil {
			t.Fatal(err)
		}
		got := auditOf(a).String()
		if len(a.Ballot.Votes) != 7 || len(a.Children) != 2 || !strings.HasSuffix(got, "\n! io. server ns6.io. (198.51.106.1) is behind: serial 100, and there is 101\n") {
			t.Errorf("got\n%s", got)
		}
		time.Sleep(time.Minute)
	})
	for _, args := range [][]string{{"@192.0.2.1"}, {"a", "b"}, {"a", "b", "@192.0.2.1"}} {
		if _, err := new(auditSource).resolver(t.Context(), args); err == nil {
			t.Errorf("%v: accepted", args)
		}
	}
}

// byResolver is the planet with a resolver in it.
type byResolver struct {
	*planet
	at netip.Addr
	by *outage
}

func (b byResolver) Exchange(ctx context.Context, r transport.Request) (*transport.Reply, error) {
	if r.Server.Addr() != b.at {
		return b.planet.Exchange(ctx, r)
	}
	found, err := b.by.recurse.Resolve(ctx, lookup.Query{RD: true, Question: r.Question})
	if err != nil {
		return &transport.Reply{Rcode: lookup.SERVFAIL, RA: true}, nil
	}
	return &transport.Reply{Rcode: found.Rcode, RA: true, EDNS: true, Answer: found.Answer, Authority: found.Authority}, nil
}

// The command works without a server, and its exit code tells.
func TestAuditCommand(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]int{
		"example.com --lab": exitOK, "nope.example.com --lab": exitFailed, ". --lab": exitUsage, "example.com --lab --hints x": exitUsage,
		"example.com --hints /no/such/file": exitUsage, "example.com @192.0.2.1 example.org": exitUsage,
	} {
		var out, errOut strings.Builder
		if code := run(t.Context(), append([]string{"audit"}, strings.Fields(args)...), &out, &errOut); code != want {
			t.Errorf("%s: exit code %d\n%s%s", args, code, out.String(), errOut.String())
		}
	}
}

// Name servers that the parent gives no addresses for are found as any other name, and a
// restart in the middle of an outage needs no more than what was kept. The answer tells.
func TestRestartWithServersElsewhere(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "state")
	synctest.Test(t, func(t *testing.T) {
		p := newPlanet(t, false)
		p.add("elsewhere", lab.Variant{Delegates: "example.io. NS www.example.com.\n", Elsewhere: true})
		p.Set("elsewhere", slices.Concat(roots, tlds, addrs("198.41.2.1 192.0.2.77 192.0.2.78"))...)
		yaml := "lifeline: { tell: true, state: " + folder + ", zones: [example.io] }"
		r := p.run(t, yaml)
		time.Sleep(2 * time.Hour)
		if s := r.zone(); len(s.Snapshot.Hosts) != 1 || len(s.Snapshot.Addresses()) != 0 {
			t.Fatalf("%+v", s.Snapshot)
		}
		p.Set("silent", tlds...)
		time.Sleep(2 * time.Hour)
		r.stop()
		again := p.run(t, yaml)
		again.expect(lifeline.Emergency)
		again.all(time.Hour, 3*time.Minute, "192.0.2.100", "host0.example.io.")
		told, err := again.state.Load().served[0].Recursive.Resolve(t.Context(), lookup.Query{RD: true, Question: lookup.Question{Name: lookup.MustName("host1.example.io."), Type: lookup.TypeA, Class: lookup.ClassIN}})
		if err != nil || len(told.EDE) != 1 || told.EDE[0].Code != 49152 {
			t.Errorf("%v, %v", told, err)
		}
	})
}

// A parent that gives an address of this host, or of nobody, has us ask nobody there.
func TestPoisonedAddressesAreNotAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPlanet(t, false)
		r := p.run(t, protected)
		s := lifeline.Snapshot{Zone: lookup.MustName("example.io."), Standing: lifeline.Insecure, Insecure: 3, Delegation: lifeline.NewDelegation(
			[]lifeline.Host{{Name: lookup.MustName("ns1.example.io."), Addrs: addrs("127.0.0.1 ::1 0.0.0.0")}}, nil)}
		q := lookup.Query{RD: true, Question: lookup.Question{Name: lookup.MustName("host1.example.io."), Type: lookup.TypeA, Class: lookup.ClassIN}}
		if _, err := r.knownPath(s).Resolve(t.Context(), q); err == nil || p.Sent(addrs("127.0.0.1 ::1")...) > 0 {
			t.Errorf("%v", err)
		}
		s.Insecure = 2 // not often enough
		if _, err := r.knownPath(s).Resolve(t.Context(), q); lookup.EDEOf(err).Code != lookup.EDEIndeterminate {
			t.Errorf("%v", err)
		}
	})
}
