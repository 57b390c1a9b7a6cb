package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"os"
	"runtime/metrics"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/control"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
	"github.com/sextant-dns/sextant/server"
)

// handlers are what operators can ask of the parts while they run. They see the
// state that a reload has put in place last.
func (p *parts) handlers() control.Handlers {
	return control.Handlers{
		Status:  p.status,
		Dump:    p.dump,
		Lookup:  p.known,
		Flush:   p.flush,
		Explain: p.explain,

		Anchors:        p.listAnchors,
		AddNegative:    p.addNegative,
		RemoveNegative: p.removeNegative,

		Health:    p.listHealth,
		SetHealth: p.setHealth,

		ZoneStatus: p.zoneStatus,
		SyncZone:   p.syncZone,

		Lifeline:    p.listLifeline,
		SetLifeline: p.setLifeline,

		Overrides:      p.listOverrides,
		AddOverride:    p.addOverride,
		RemoveOverride: p.removeOverride,
		SwitchOverride: p.switchOverride,

		Geo:         p.geoStatus,
		RollbackGeo: p.rollbackGeo,

		Drill: p.drill,
	}
}

// listenControl opens the operators' socket. Without the one that the default
// configuration names the server can do, since not everybody who runs it can make
// that; one that somebody has asked for must be had.
func (p *parts) listenControl() error {
	if p.control == nil {
		return nil
	}
	err := p.control.Listen()
	if err != nil && p.state.Load().config.Control.Socket == config.DefaultSocket {
		p.log.Info("there is no control socket", "cause", err)
		p.control = nil
		return nil
	}
	return err
}

func (p *parts) status(context.Context, control.StatusRequest) (control.Status, error) {
	state, served, resolved := p.state.Load(), p.server.Stats(), p.recurse.Stats()
	up := time.Since(p.started).Seconds()
	s := control.Status{
		Version: version, PID: os.Getpid(), Started: p.started, Uptime: up, Config: state.path, Reloaded: state.reloaded,
		Hits: served.Packets.Hits, Waiting: served.Waiting, Packets: served.Packets.Entries,
		Upstream: resolved.Exchanges, Timeouts: resolved.Timeouts, Answers: resolved.Answers, Cuts: resolved.Cuts,
	}
	for _, q := range served.Queries {
		s.Queries += q.Count
	}
	if up > 0 {
		s.PerSecond = float64(s.Queries) / up
	}
	for _, a := range p.server.Addrs() {
		s.Listen = append(s.Listen, a.String())
	}
	for _, v := range p.server.Views() {
		s.Views = append(s.Views, v.Name)
	}
	for _, z := range state.config.Zones {
		s.Zones = append(s.Zones, z.Name.String())
	}
	for _, c := range p.copyStatus() {
		s.Copies = append(s.Copies, control.Copy{
			Zone: c.Zone.String(), State: c.State.String(), Serial: c.Serial, Source: c.Source,
			Confirmed: c.Confirmed, Expires: c.Expires, Next: c.Next, Reason: c.Reason,
		})
	}
	for _, c := range p.catalogStatus() {
		s.Catalogs = append(s.Catalogs, control.Catalog{
			Zone: c.zone.String(), Produced: c.produced, Serial: c.serial, Members: c.members, Refused: c.refused, Reason: c.wrong,
		})
	}
	s.Validates = p.validation()
	if p.anchors != nil {
		s.Negative = len(p.anchors.Negatives())
	}
	sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}}
	metrics.Read(sample)
	s.Memory = sample[0].Value.Uint64()
	return s, nil
}

func (p *parts) dump(_ context.Context, r control.DumpRequest) (iter.Seq[control.Record], error) {
	if len(r.Types) == 0 {
		r.Types = []string{control.Answers, control.Delegations, control.Failures}
	}
	for _, t := range r.Types {
		if !slices.Contains(control.Types(), t) {
			return nil, fmt.Errorf("there is no type %q; want %s", t, strings.Join(control.Types(), ", "))
		}
	}
	m := memory{now: time.Now()}
	return func(yield func(control.Record) bool) {
		for _, t := range r.Types {
			switch t {
			case control.Answers:
				if !each(p.recurse.Answers(), m.answer, yield) {
					return
				}
			case control.Delegations:
				if !each(p.recurse.Delegations(), m.delegation, yield) {
					return
				}
			case control.Failures:
				if !each(p.recurse.FailedQuestions(), m.failure, yield) {
					return
				}
			case control.Packets:
				if !each(p.server.Packets(), m.packet, yield) {
					return
				}
			}
		}
	}, nil
}

// each yields what as makes of each item; false when that is not wanted any more.
func each[T any](items iter.Seq[T], as func(T) control.Record, yield func(control.Record) bool) bool {
	for item := range items {
		if !yield(as(item)) {
			return false
		}
	}
	return true
}

func (p *parts) known(_ context.Context, r control.LookupRequest) (control.Known, error) {
	name, t, err := question(r.Name, r.Type, lookup.TypeNone)
	if err != nil {
		return control.Known{}, err
	}
	m, k := memory{now: time.Now()}, p.recurse.Known(name)
	told := control.Known{Name: name.String(), Zone: m.delegation(k.Delegation)}
	for _, a := range k.Answers {
		if t == lookup.TypeNone || a.Type == t || a.Type == lookup.TypeNone || a.Type == lookup.TypeCNAME {
			told.Records = append(told.Records, m.answer(a))
		}
	}
	for _, f := range k.Failures {
		told.Records = append(told.Records, m.failure(f))
	}
	for packet := range p.server.Packets() {
		if packet.Question.Name == name && (t == lookup.TypeNone || packet.Question.Type == t) {
			told.Records = append(told.Records, m.packet(packet))
		}
	}
	for _, a := range k.Above {
		told.Above = append(told.Above, m.answer(a))
	}
	for _, e := range k.Endpoints {
		told.Servers = append(told.Servers, m.endpoint(e))
	}
	return told, nil
}

func (p *parts) flush(_ context.Context, r control.FlushRequest) (control.Flushed, error) {
	if r.Name == "" && (r.Type != "" || r.Zone) {
		return control.Flushed{}, errors.New("a type, or a zone, needs a name")
	}
	told := control.Flushed{Packets: p.server.Stats().Packets.Entries}
	if r.Name == "" {
		gone := p.recurse.Flush()
		for r := range p.overriding() {
			r.Flush()
		}
		told.Answers, told.Delegations, told.Failures = gone.Answers, gone.Delegations, gone.Failures
		p.server.Flush()
		return told, nil
	}
	name, t, err := question(r.Name, r.Type, lookup.TypeNone)
	if err != nil {
		return control.Flushed{}, err
	}
	forget := resolver.Forget{Name: name, Below: r.Zone, Type: t}
	gone := p.recurse.Forget(forget)
	for r := range p.overriding() {
		r.Forget(forget)
	}
	told.Answers, told.Delegations, told.Failures = gone.Answers, gone.Delegations, gone.Failures
	p.server.Flush() // after the resolver: a packet in between would be made of what is flushed
	m := memory{now: time.Now()}
	for _, a := range p.recurse.Known(name).Above {
		told.Above = append(told.Above, m.answer(a))
	}
	return told, nil
}

func (p *parts) explain(ctx context.Context, r control.ExplainRequest) (control.Explanation, error) {
	if r.From != "" {
		e, held, err := p.explainPlace(ctx, r)
		if held || err != nil {
			return e, err
		}
		at, err := addressOrPrefix(r.From)
		if err != nil {
			return e, fmt.Errorf("%s is in none of our zones, and others are asked from addresses only", r.Name)
		}
		r.Client = at.Addr().String()
		if !at.IsSingleIP() {
			r.Subnet = at.String()
		}
	}
	name, t, err := question(r.Name, r.Type, lookup.TypeA)
	if err != nil {
		return control.Explanation{}, err
	}
	q := lookup.Query{
		Question: lookup.Question{Name: name, Type: t, Class: lookup.ClassIN, DO: r.DO, CD: r.CD},
		RD:       !r.NoRecurse,
		Fresh:    r.Fresh,
		Client:   netip.AddrFrom4([4]byte{127, 0, 0, 1}),
		Trace:    lookup.NewTrace(nil),
	}
	if r.Client != "" {
		if q.Client, err = netip.ParseAddr(r.Client); err != nil {
			return control.Explanation{}, fmt.Errorf("client: %w", err)
		}
	}
	if r.Subnet != "" {
		if q.Subnet, err = netip.ParsePrefix(r.Subnet); err != nil {
			return control.Explanation{}, fmt.Errorf("subnet: %w", err)
		}
		q.Subnet = q.Subnet.Masked()
	}
	view, why, err := p.viewFor(r.View, q.Client)
	if err != nil {
		return control.Explanation{}, err
	}
	q.Trace.Add(lookup.Event{Kind: lookup.EventView, Name: name, Type: t, Text: why})
	c := p.state.Load().config
	ctx, cancel := context.WithTimeout(ctx, c.Resolver.Deadline)
	defer cancel()
	e := control.Explain(ctx, view.Resolver(q.RD), q, limits(c))
	e.View = view.Name
	return e, nil
}

// viewFor is the view of that name, or that of the client, and why it is that one.
// A client that is in none gets one that refuses.
func (p *parts) viewFor(name string, client netip.Addr) (v server.View, why string, err error) {
	if name == "" {
		v, ok := p.server.View(client)
		if !ok {
			return v, fmt.Sprintf("none: no view has the client %s", client), nil
		}
		return v, fmt.Sprintf("%s: the first that has the client %s", v.Name, client), nil
	}
	var names []string
	for _, v := range p.server.Views() {
		if v.Name == name {
			return v, name + ": as asked for", nil
		}
		names = append(names, v.Name)
	}
	return v, "", fmt.Errorf("there is no view %q; want %s", name, strings.Join(names, ", "))
}

// question reads a name and a type; without one the type is otherwise.
func question(name, mnemonic string, otherwise lookup.Type) (lookup.Name, lookup.Type, error) {
	n, err := lookup.ParseName(name)
	if err != nil {
		return "", 0, err
	}
	if mnemonic == "" {
		return n, otherwise, nil
	}
	t, ok := dns.StringToType[strings.ToUpper(mnemonic)]
	if !ok {
		return "", 0, fmt.Errorf("there is no type %q", mnemonic)
	}
	return n, lookup.Type(t), nil
}
