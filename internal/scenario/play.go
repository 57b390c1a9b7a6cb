package scenario

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/netip"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/transport"
)

// System is what a story is played against.
type System struct {
	// Respond answers a client's message and may take its time; nil is no answer.
	Respond func(query []byte, from netip.AddrPort, tcp bool) []byte
	// Run does the background work until its context ends; nil if there is none.
	Run func(context.Context) error
	// Clockwork keeps trust anchors up to date; nil if there is nothing to keep.
	Clockwork *Clockwork
}

// Build makes the system that the story's configuration describes, with the
// network as its only way out. It is called in the bubble of the story. An error
// that is a NotApplicable says that the system cannot do what the story is about.
type Build func(*Story, *Network) (System, error)

// Status is how a story ended.
type Status string

// The ways in which a story can end.
const (
	Passed  Status = "pass"
	Fail    Status = "fail"
	Skipped Status = "skip" // the story is not applicable
)

// Result is the end of a story.
type Result struct {
	Status  Status
	Reason  string // in one line; empty if the story passed
	Details string // expected and actual, and what happened before
}

// NotApplicable is the error of a Build that lacks what the story needs.
type NotApplicable struct{ Need string } // for example "feature:forwarding"

// Error names what is missing.
func (n *NotApplicable) Error() string { return "not applicable: " + n.Need }

const (
	maxRounds = 5000
	// patience is how long a check waits for what has not come by itself: the
	// resolver may have asked a silent server first.
	patience = 30 * time.Second
	slice    = 100 * time.Millisecond
)

// Play plays a story in a bubble of testing/synctest. It does not fail t: the
// result says how the story ended. Full messages are compared as like says.
func Play(t *testing.T, s *Story, build Build, like Comparison) (result Result) {
	synctest.Test(t, func(*testing.T) {
		p := &player{story: s, like: like, journal: &journal{start: time.Now()}}
		p.network = newNetwork(s, p.journal)
		p.macros = macros{vars: map[string]string{}, timeout: p.timeout, now: func() float64 { return math.Floor(time.Since(p.journal.start).Seconds()) }}
		result = p.play(build)
	})
	return result
}

// player is one run of a story.
type player struct {
	story   *Story
	like    Comparison
	journal *journal
	network *Network
	macros  macros
	system  System
	ctx     context.Context // of the background work
	clients sync.WaitGroup

	mu      sync.Mutex
	answers []answer // in the order in which they came
}

// answer is a reply to a client that no step has looked at yet.
type answer struct {
	client netip.Addr
	tcp    bool
	do     bool // the client wanted DNSSEC records
	packet *Packet
}

func (p *player) play(build Build) Result {
	system, err := build(p.story, p.network)
	if err != nil {
		if n, ok := err.(*NotApplicable); ok {
			return Result{Status: Skipped, Reason: n.Need}
		}
		return Result{Status: Fail, Reason: err.Error()}
	}
	p.system = system
	ctx, cancel := context.WithCancel(context.Background())
	p.ctx = ctx
	if system.Run != nil {
		p.clients.Go(func() { _ = system.Run(ctx) }) // its end is the end of the story
	}
	defer p.clients.Wait()
	defer p.network.close()
	defer cancel()

	failed := p.steps()
	if failed == nil {
		failed = p.expectations()
	}
	if failed == nil {
		return Result{Status: Passed, Details: p.journal.String()}
	}
	return Result{
		Status: Fail, Reason: failed.reason,
		Details: failed.String() + "what happened (time, step, event):\n" + p.journal.String(),
	}
}

// failure is the end of a story that went wrong.
type failure struct {
	reason  string
	details string
}

func (f *failure) String() string { return f.reason + "\n" + f.details }

// steps is the main loop: whatever can happen by itself happens, and only then
// the next step is taken.
func (p *player) steps() *failure {
	rounds := 0
	for i := 0; i < len(p.story.Steps); {
		if rounds++; rounds > maxRounds {
			return &failure{reason: fmt.Sprintf("still going on after %d rounds", maxRounds)}
		}
		step := &p.story.Steps[i]
		p.journal.at(step.Number)
		synctest.Wait() // until every goroutine of the bubble has nothing to do
		done, failed := p.check(step)
		switch {
		case failed != nil:
			return failed
		case done:
			i++
		case p.network.answerOne(step.Number):
		default:
			i++
			if failed := p.take(step); failed != nil {
				return failed
			}
		}
	}
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.answers) > 0 {
		return &failure{reason: "an answer came that no step asks for", details: p.answers[0].packet.String()}
	}
	return nil
}

// expectations holds what happened against the section "expect" of the story:
// most-exchanges is how many messages may have been sent to servers.
func (p *player) expectations() *failure {
	for _, section := range p.story.Settings {
		if section.Key != "expect" {
			continue
		}
		for _, c := range section.Sub {
			most, err := strconv.Atoi(c.Value())
			if c.Key != "most-exchanges" || err != nil {
				return &failure{reason: fmt.Sprintf("line %d: %s %s is no expectation", c.Line, c.Key, c.Value())}
			}
			if sent := p.network.count(); sent > most {
				return &failure{reason: fmt.Sprintf("%d messages were sent to servers, want at most %d", sent, most)}
			}
		}
	}
	return nil
}

// check tells whether step is a check that holds by now; an answer that does not
// fit fails it.
func (p *player) check(step *Step) (done bool, failed *failure) {
	switch step.Kind {
	case CheckOutQuery:
		x := p.network.newestLike(step.Entry, step.Addr)
		if x != nil && step.Entry.Adjust.CopyID {
			p.network.reply(x, step.Entry)
		}
		return x != nil, nil
	case CheckAnswer:
		return p.checkAnswer(step)
	}
	return false, nil
}

// checkAnswer consumes the first answer that fits the step.
func (p *player) checkAnswer(step *Step) (done bool, failed *failure) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, a := range p.answers {
		if step.Addr.IsValid() && step.Addr != a.client {
			continue
		}
		like := p.like
		like.NoDO = !a.do
		differ := step.Entry.Differences(a.packet, a.tcp, like)
		if len(differ) == 0 {
			p.answers = append(p.answers[:i], p.answers[i+1:]...)
			return true, nil
		}
		if failed == nil {
			failed = &failure{
				reason: fmt.Sprintf("%s: %s", step, differ[0]),
				details: differences(differ).String() + "\nexpected:\n" + step.Entry.Packets[0].String() +
					"actual:\n" + a.packet.String(),
			}
		}
	}
	return false, failed
}

// take does what the step says.
func (p *player) take(step *Step) *failure {
	switch step.Kind {
	case Query:
		p.ask(step)
	case TimePasses, Assign:
		return p.evaluate(step)
	case Reply, Timeout, Failed:
		err := error(transport.ErrTimeout)
		if step.Kind == Failed {
			err = io.ErrUnexpectedEOF
		}
		switch {
		case p.network.replyNewest(step.Entry, err):
		case step.Entry == nil && p.like.Mode != Exact:
			// How often a silent server is asked is a matter of policy.
			p.journal.addf("%s: no query is pending", step)
		default:
			return &failure{reason: fmt.Sprintf("%s: no query is pending", step)}
		}
	case CheckAnswer, CheckOutQuery:
		return p.waitFor(step)
	case CheckAutotrust:
		return p.checkFile(step)
	case Nothing, Traffic:
	default:
		return &failure{reason: fmt.Sprintf("%s cannot be played", step)}
	}
	return nil
}

// ask sends a client's query and collects the answer when it comes.
func (p *player) ask(step *Step) {
	client := step.Addr
	if !client.IsValid() {
		client = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	packet := &step.Entry.Packets[0]
	raw, tcp := packet.Bytes(), step.Entry.Match&matchTCP != 0
	asked := packet
	if packet.Raw != nil {
		if got, err := Unpack(raw); err == nil {
			asked = got
		}
	}
	q := asked.Asked()
	p.journal.addf("client %s asks %s %s %s, flags %s", client, presentation(q.Name), q.Class, q.Type, flagNames(asked.Header))
	p.clients.Go(func() {
		reply := p.system.Respond(raw, netip.AddrPortFrom(client, 50053), tcp)
		if len(reply) == 0 {
			p.journal.addf("client %s gets no answer", client)
			return
		}
		got, err := Unpack(reply)
		if err != nil {
			p.journal.addf("client %s gets %d octets that are no packet: %v: %x", client, len(reply), err, reply)
			return
		}
		p.journal.addf("client %s gets %s", client, got.summary())
		p.mu.Lock()
		defer p.mu.Unlock()
		p.answers = append(p.answers, answer{client: client, tcp: tcp, do: asked.OPT != nil && asked.OPT.DO, packet: got})
	})
}

// evaluate obeys TIME_PASSES and ASSIGN.
func (p *player) evaluate(step *Step) *failure {
	pass := step.Pass
	if step.Macro != "" {
		value, err := p.macros.expand(step.Macro)
		if err != nil {
			return &failure{reason: fmt.Sprintf("%s: %v", step, err)}
		}
		if step.Kind == Assign {
			p.macros.vars[step.Var] = value
			return nil
		}
		seconds, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return &failure{reason: fmt.Sprintf("%s: %v", step, err)}
		}
		pass = time.Duration(seconds * float64(time.Second))
	}
	p.journal.addf("%s pass", pass)
	p.pass(pass, step.Number, nil)
	p.poll(step)
	return nil
}

// pass lets time go by, during which timers run and queries get their answers,
// until enough says so, which is asked whenever nothing else can happen.
func (p *player) pass(d time.Duration, step int, enough func() bool) {
	for deadline := time.Now().Add(d); ; {
		synctest.Wait()
		if enough != nil && enough() {
			return
		}
		if p.network.answerOne(step) {
			continue
		}
		left := time.Until(deadline)
		if left <= 0 {
			return
		}
		timer := time.NewTimer(left)
		select {
		case <-p.network.arrived:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// waitFor gives a check that does not hold some time, in slices.
func (p *player) waitFor(step *Step) (failed *failure) {
	done := false
	check := func() bool {
		done, failed = p.check(step)
		return done || failed != nil
	}
	for start := time.Now(); time.Since(start) < patience; {
		if p.pass(slice, step.Number, check); done || failed != nil {
			return failed
		}
		if step.Kind == CheckAnswer && p.network.patient && p.like.Mode != Exact {
			// Likewise: we may try more often than the story foresees.
			p.network.replyNewest(nil, transport.ErrTimeout)
		}
	}
	if step.Kind == CheckAnswer {
		return &failure{
			reason:  fmt.Sprintf("%s: no answer came", step),
			details: "expected:\n" + step.Entry.Packets[0].String(),
		}
	}
	q := step.Entry.Packets[0].Asked()
	return &failure{reason: fmt.Sprintf("%s: nobody asked for %s %s", step, presentation(q.Name), q.Type)}
}
