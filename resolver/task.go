package resolver

import (
	"context"
	"errors"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// maxDepth is how many name servers without glue may have to be found, one for
// the sake of the other, before a name is given up. BIND allows as many.
const maxDepth = 7

// task is what a piece of work has to keep to. Those of one client query share one
// budget and one limit; those that work for another one are deeper.
type task struct {
	budget *lookup.Budget
	held   *held     // what is remembered for the length of the query; nil: nothing
	wait   time.Time // when whoever waits for it loses patience
	client time.Time // when the client does that began it all
	limit  time.Time // when the work itself must have ended
	depth  int       // 0 for what clients ask for
	fresh  bool      // it is a client's, which had not used up anything before
	trail  *trail    // the questions that wait for this one
	renew  bool      // what is remembered is to be replaced
	cold   bool      // and what is remembered of the way is not to be used either
	snoop  bool      // nothing is to be asked for
	around *Zone     // has not helped and is to be left out

	// proof is what has to be done before something is believed; nil: nothing (CD,
	// RFC 4035 3.2.2). What name servers are found by is not proven: it could only
	// lead to servers whose answers will not be believed.
	proof proof
	chain bool // it works for a chain of trust
	soft  bool // others may have signatures: not having them needs no proof yet

	trace *lookup.Trace // nil: nobody is curious
	epoch uint64        // in which it began, see Resolver.overtaken
	who   *asker        // for whom it is

	leave func(lookup.Name) bool // whose aliases end the response; nil: nobody's
}

// proof returns v with its security, or the error that says what is wrong with it.
type proof func(ctx context.Context, t task, q lookup.Question, v verdict) (verdict, error)

// begun is t with its times set, if they were not yet: a client has so much
// patience. Work may take two thirds longer, since those who were told of a failure
// come back. These times are for contexts and so are not of Options.Now.
func (t task) begun(patience time.Duration) task {
	if t.limit.IsZero() {
		t.client = time.Now().Add(patience)
		t.wait = t.client
		t.limit = t.wait.Add(patience * 2 / 3)
	}
	return t
}

// within is t for the work on q.
func (t task) within(q lookup.Question) task {
	t.trail = &trail{question: q, rest: t.trail}
	t.wait = t.limit
	t.fresh = t.depth == 0 && t.budget.Sent() == 0
	return t
}

// proves tells whether the failure err of t says something about what was asked
// for, and not only about who asked. That of a fresh task does, even if it lies in
// the circumstances: they will be the same for the next one, unless they are that
// there are too many just now.
func (t task) proves(err error) bool {
	return !isCrowded(err) && (t.fresh || !isCircumstantial(err))
}

// deeper is the task of finding something that t needs first. It is paid for,
// even if nothing has to be sent in the end: otherwise a tangle of delegations
// that need each other would be free to walk around in.
func (t task) deeper() (task, error) {
	if t.depth == maxDepth {
		t.tellBudget("depth")
		return t, errDepth
	}
	if !t.budget.Upstream() {
		t.tellBudget("messages")
		return t, errBudget
	}
	t.cold = false
	t.depth++
	t.proof, t.chain, t.leave = nil, false, nil
	return t.alone(), nil
}

// forChain is the task of finding out how far something that t has found can be
// trusted. It waits for names above its own and, like all tasks, for servers' names,
// and none of them waits for it: so no two can wait for each other.
func (t task) forChain(zone lookup.Name) task {
	t.depth, t.chain, t.proof, t.soft, t.snoop, t.renew, t.cold, t.leave = 0, true, nil, false, false, false, false, nil
	t.trace = t.trace.Begin(lookup.Event{Kind: lookup.EventSecurity, Target: zone, Text: "can its keys be trusted?"})
	return t.alone()
}

// trail is a list of questions, of which each waits for the one before it.
type trail struct {
	question lookup.Question
	rest     *trail
}

func (t *trail) contains(q lookup.Question) bool {
	for ; t != nil; t = t.rest {
		if t.question == q {
			return true
		}
	}
	return false
}

// What ends work for reasons that lie in the query and not in its subject. The
// same question may have an answer for somebody else.
var (
	errBudget = errors.New("too many messages for one query")
	errDepth  = errors.New("name servers depend on each other too deeply")
	errCycle  = errors.New("name servers depend on each other in a circle")
	errCrowd  = errors.New("too many wait for this name already")
	errBusy   = errors.New("too many questions are being asked about this zone")
)

// busy is the error of a question that gets no place among those that are put to
// the servers of a zone.
func busy(zone lookup.Name) error {
	return &lookup.Failure{EDE: lookup.EDE{Code: lookup.EDEOther, Text: errBusy.Error() + ", " + zone.String()}, Cause: errBusy}
}

// crowded is the error of a client that gets no place among those who wait for a
// name. It hears of it at once: what nobody holds back nobody can release in one
// burst (DNSBomb, CVE-2024-33655).
func crowded() error {
	return &lookup.Failure{EDE: lookup.EDE{Code: lookup.EDEOther, Text: errCrowd.Error()}, Cause: errCrowd}
}
