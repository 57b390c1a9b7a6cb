package resolver

import (
	"errors"
	"net/netip"
	"strings"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/transport"
)

// What those who are curious are told, see lookup.Trace. Everything here returns
// at once when nobody is, so that where something is decided one line will do.

func (t task) tell(e lookup.Event) { t.trace.Add(e) }

// tellHit says that h was in memory.
func (t task) tellHit(q lookup.Question, h *hop, now time.Time) {
	if t.trace == nil {
		return
	}
	e := lookup.Event{Kind: lookup.EventHit, Name: q.Name, Type: q.Type, TTL: h.expires.Sub(now), Target: h.next, Rcode: h.response.Rcode}
	e.Text = "answer"
	if len(h.response.Answer) == 0 {
		e.Text = "denial"
	}
	t.trace.Add(e)
}

// tellStale says that h is given although it has expired, and why.
func (t task) tellStale(q lookup.Question, h *hop, why string) {
	if t.trace != nil {
		t.trace.Add(lookup.Event{Kind: lookup.EventStale, Name: q.Name, Type: q.Type, Target: h.next, Rcode: h.response.Rcode, Text: why})
	}
}

// tellFailure says that q has failed lately, when err says so.
func (t task) tellFailure(q lookup.Question, err error) {
	if t.trace != nil && err != nil {
		t.trace.Add(lookup.Event{Kind: lookup.EventFailure, Name: q.Name, Type: q.Type, Err: err})
	}
}

// tellFlight says that another query has fetched q, unless this one has led.
func (t task) tellFlight(q lookup.Question, led bool) {
	if !led {
		t.trace.Add(lookup.Event{Kind: lookup.EventFlight, Name: q.Name, Type: q.Type})
	}
}

// tellBudget says what the query has used up.
func (t task) tellBudget(what string) {
	t.trace.Add(lookup.Event{Kind: lookup.EventBudget, Text: what})
}

// tellCut says where the way to q begins.
func (t task) tellCut(q lookup.Question, c *cut, now func() time.Time) {
	if t.trace == nil {
		return
	}
	e := lookup.Event{Kind: lookup.EventCut, Name: q.Name, Type: q.Type, Target: c.zone, Count: len(c.servers)}
	switch {
	case c.local != nil:
		e.Kind, e.Text = lookup.EventCopy, "is asked first"
	case c.forwards():
		e.Kind, e.Count, e.Text = lookup.EventOverride, len(c.via.Servers), "forward"
	case c.pinned:
		e.Kind, e.Count, e.Text = lookup.EventOverride, len(c.via.Servers), "stub"
	default:
		e.TTL = max(0, c.expires.Sub(now()))
	}
	t.trace.Add(e)
}

// tellServer says who is asked next, and why that one.
func (p *poll) tellServer(s *candidate) {
	if p.task.trace == nil {
		return
	}
	took, why := p.r.health.reason(s, p.cut.zone, p.r.options.Now())
	p.task.trace.Add(lookup.Event{Kind: lookup.EventServer, Name: p.question.Name, Type: p.question.Type, Target: p.cut.zone, Server: s.server, Took: took, Text: why})
}

// reason is why s is asked, and how long its reply may be expected to take; 0 when
// that is not known.
func (h *health) reason(s *candidate, zone lookup.Name, now time.Time) (expected time.Duration, why string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	known, _, asked := h.servers.Get(s.server, netip.Prefix{}, now)
	_, _, lame := h.lames.Get(lameness{s.server, zone}, netip.Prefix{}, now)
	switch {
	case lame:
		why = "lame lately, but nobody better is left"
	case known.silent >= maxSilent:
		why = "was left alone, and is probed now"
	case s.tries > 0:
		why = "once more"
	case known.silent > 0:
		why = "silent lately"
	case !asked:
		why = "not asked before"
	case known.rtt == 0:
		why = "has not replied yet"
	}
	return known.rtt, why
}

// tellExchange says how an exchange with a server has ended.
func (p *poll) tellExchange(request transport.Request, reply *transport.Reply, shared bool, took time.Duration, err error) {
	if p.task.trace == nil {
		return
	}
	e := lookup.Event{Kind: lookup.EventExchange, Name: p.question.Name, Type: p.question.Type, Target: p.cut.zone, Server: request.Server, Took: took, Err: err}
	mark := func(m lookup.Marks, is bool) {
		if is {
			e.Marks |= m
		}
	}
	mark(lookup.MarkShared, shared)
	mark(lookup.MarkNoEDNS, request.NoEDNS)
	if err == nil {
		e.Rcode, e.Count = reply.Rcode, reply.Size
		mark(lookup.MarkAA, reply.AA)
		mark(lookup.MarkTC, reply.TC)
		mark(lookup.MarkTCP, reply.TCP)
		mark(lookup.MarkSuspect, reply.Suspect)
	} else if failed, ok := errors.AsType[*transport.Error](err); ok {
		mark(lookup.MarkTCP, failed.TCP)
		e.Err = failed.Cause
	}
	p.task.trace.Add(e)
}

// tellVerdict says what a reply of s was taken for.
func (p *poll) tellVerdict(s *candidate, v verdict) {
	if p.task.trace == nil {
		return
	}
	e := lookup.Event{Kind: lookup.EventVerdict, Name: p.question.Name, Type: p.question.Type, Server: s.server, Rcode: v.rcode, Target: v.next, Text: v.inWords()}
	switch v.kind {
	case answer:
		e.TTL, e.Target = seconds(v.sets[0].TTL), ""
	case alias, redirection:
		e.TTL = seconds(v.sets[0].TTL)
	case noData, nameError:
		if v.soa.Type == lookup.TypeSOA {
			e.TTL = seconds(lookup.NegativeTTL(v.soa))
		}
	case referral:
		e.Target, e.Count, e.TTL = v.cut.zone, len(v.cut.servers), seconds(v.cut.ttl)
	}
	p.task.trace.Add(e)
}

// inWords is what v means.
func (v *verdict) inWords() (text string) {
	switch v.kind {
	case useless:
		text = v.why
		if v.lame {
			text = "lame: " + v.why
		}
	case empty:
		text = "an empty reply, which is believed when three servers say it"
	case answer:
		text = "answer"
	case alias:
		text = "alias"
	case redirection:
		text = "DNAME " + v.sets[0].Name.String()
	case noData, nameError:
		text = map[kind]string{noData: "no such type", nameError: "no such name"}[v.kind]
		if v.soa.Type == lookup.TypeSOA {
			text += " in " + v.soa.Name.String()
		}
	case referral:
		text = "referral"
		if without := unaddressed(v.cut.servers); without != "" {
			text += " without glue for " + without
		}
	}
	if v.secondHand {
		text += ", at second hand: others are asked first"
	}
	return text
}

// unaddressed names the servers that have to be looked up.
func unaddressed(servers []Server) string {
	var names []string
	for _, s := range servers {
		if len(s.Addrs) == 0 {
			names = append(names, s.Name.String())
		}
	}
	return strings.Join(names, " ")
}

func seconds(ttl uint32) time.Duration { return time.Duration(ttl) * time.Second }

// tellEnd says with what the poll has ended that had to settle.
func (p *poll) tellEnd(err error) {
	e := lookup.Event{Kind: lookup.EventDead, Name: p.question.Name, Type: p.question.Type, Target: p.cut.zone, Err: err}
	if p.forged != nil {
		e.Err = p.forged // they have answered: it is not that nobody could be reached
	}
	if p.resort != nil {
		e.Kind, e.Err, e.Text = lookup.EventVerdict, nil, "what was heard before is taken, for want of better"
	}
	p.task.trace.Add(e)
}

// tellAddress says that a name server has to be looked up first, and returns the
// task of which that is told.
func (p *poll) tellAddress(l lead) task {
	e := lookup.Event{Kind: lookup.EventAddress, Name: l.question.Name, Type: l.question.Type, Target: p.cut.zone}
	if l.glue {
		e.Text = "the zone above is asked for the glue"
	}
	t := p.task
	t.trace = t.trace.Begin(e)
	return t
}
