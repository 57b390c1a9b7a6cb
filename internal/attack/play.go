package attack

import (
	"context"
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"syscall"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
)

// Benign is the name that the benign client asks for again and again. It is org.
// where nobody does any harm.
const Benign = "www.benign.org."

// Outcome is what an attack has cost.
type Outcome struct {
	Queries     int           // that the hostile client asked
	Messages    int           // that they caused, to servers other than the benign one
	PerQuery    int           // the most that one query, or one crowd of them divided by its size, caused
	Repeats     int           // how often one server was asked one question on behalf of one query
	Outstanding int           // messages with one question on their way at once
	Octets      int           // of replies
	Servers     int           // the most that one query had asked
	Answered    int           // hostile queries with a Response
	Longest     time.Duration // that a hostile client waited
	Signatures  int           // the most that one query had checked
	Hashes      int           // of NSEC3 names, likewise
	Hijacked    int           // benign questions that went to hostile servers

	CPU  time.Duration // that the process took for each query; most of it makes our Internet
	Heap int           // octets that are still occupied when all is over

	// What the benign client saw: of a name that it had asked for before, which
	// counts as served only if it came from memory, and of names in zones that
	// nobody had asked about.
	Cached, Fresh Service
}

// Service is what a client got.
type Service struct {
	Asked, Answered int
	Longest         time.Duration
}

// String is the share that was answered.
func (s Service) String() string { return fmt.Sprintf("%d/%d", s.Answered, s.Asked) }

// note adds an answer, or the lack of one.
func (s *Service) note(ok bool, waited time.Duration) {
	s.Asked++
	if ok {
		s.Answered++
	}
	s.Longest = max(s.Longest, waited)
}

// Play runs an attack against a resolver of its own with the options o, and
// benign queries while each hostile one is at work. It has to be called in a
// bubble of testing/synctest.
func Play(a Attack, o resolver.Options) Outcome {
	a = a.withDefaults()
	o.Validation = a.Validation
	s := NewStage(a.Lay, o)
	occupied, used := heap(), cpu()
	for i := 0; i < a.Queries; i += a.AtOnce {
		s.round(a, i)
	}
	s.Queries = a.Queries
	s.CPU = (cpu() - used) / time.Duration(a.Queries)
	s.Heap = heap() - occupied
	runtime.KeepAlive(s.Resolver)
	return s.Outcome
}

// Stage is an Internet, a resolver in it that knows a benign zone, and what has
// come of an attack so far. It belongs to the bubble that it was made in.
type Stage struct {
	Outcome
	*Internet
	*resolver.Resolver

	org, home netip.Addr // servers of org. and of all zones below it
	zones     int        // benign ones so far
}

// NewStage sets the stage: lay adds the hostile zones.
func NewStage(lay func(*Internet), o resolver.Options) *Stage {
	n := NewInternet()
	s := &Stage{Internet: n, org: n.Address("ns.org.")}
	s.home = n.Zone("benign.org.", s.honest)
	lay(n)
	o.Exchanger, o.Hints, o.NoPriming = n, n.Hints(), true
	s.Resolver = resolver.New(o)
	s.ask(asA(Benign))
	n.Turn()
	return s
}

// honest is the benign server.
func (s *Stage) honest(m Message) Act {
	addr := addr4(0)
	if m.Question.Name.Label() == "ns" {
		addr = s.home
	}
	return Say(A(m.Question.Name.String(), day, addr))
}

// ask resolves q for a client and tells how long it had to wait.
func (s *Stage) ask(q lookup.Question) (r *lookup.Response, waited time.Duration) {
	r, waited, _ = s.spend(q)
	return r, waited
}

// spend is ask that tells what it has taken.
func (s *Stage) spend(q lookup.Question) (r *lookup.Response, waited time.Duration, spent *lookup.Budget) {
	start, budget := time.Now(), lookup.NewBudget(lookup.Limits{})
	r, err := s.Resolve(context.Background(), lookup.Query{Question: q, RD: true, Budget: budget})
	if err != nil {
		r = nil
	}
	return r, time.Since(start), budget
}

// round plays the hostile queries from the i-th on that are asked at once, with
// the benign client in the middle of them, and closes the books on them.
func (s *Stage) round(a Attack, i int) {
	var clients sync.WaitGroup
	var mu sync.Mutex
	for k := range a.AtOnce {
		clients.Go(func() {
			r, waited, spent := s.spend(a.Ask(i + k))
			mu.Lock()
			defer mu.Unlock()
			s.Signatures, s.Hashes = max(s.Signatures, spent.Checked()), max(s.Hashes, spent.Hashed())
			if r != nil {
				s.Answered++
			}
			s.Longest = max(s.Longest, waited)
		})
	}
	time.Sleep(RTT + RTT/2) // of the bubble; some message is on its way now
	s.Benign()
	clients.Wait()
	s.Settle()
	s.close(a.AtOnce)
}

// Benign asks for a benign name that is remembered, and for one that is not.
func (s *Stage) Benign() {
	r, waited := s.ask(asA(Benign))
	s.Cached.note(isBenign(r) && waited == 0, waited)

	s.zones++
	zone := fmt.Sprintf("b%d.org.", s.zones)
	s.Delegate(NS(zone, day, "ns."+zone), A("ns."+zone, day, s.home))
	r, waited = s.ask(asA("www.%s", zone))
	s.Fresh.note(isBenign(r), waited)
}

// isBenign tells whether r is what the benign server says.
func isBenign(r *lookup.Response) bool {
	return r != nil && len(r.Answer) == 1 && r.Answer[0].Data == A(Benign, day, addr4(0)).Data
}

// close enters a page of the ledger that was written by so many hostile queries.
func (s *Stage) close(queries int) {
	page := s.Turn()
	benign := page.To(s.home) + page.To(s.org)
	messages := page.Messages - benign
	s.Messages += messages
	s.PerQuery = max(s.PerQuery, (messages+queries-1)/queries)
	s.Repeats = max(s.Repeats, page.Repeats())
	s.Outstanding = max(s.Outstanding, page.Outstanding)
	s.Octets += page.Octets
	s.Servers = max(s.Servers, page.Servers()-2)
	s.Hijacked += page.About(lookup.MustName("org.")) - benign
}

// cpu is the processor time that the process has used. In a bubble clocks tell
// nothing about it.
func cpu() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// heap is the octets that are occupied.
func heap() int {
	synctest.Wait()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
