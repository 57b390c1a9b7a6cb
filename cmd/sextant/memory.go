package main

import (
	"fmt"
	"time"

	"github.com/sextant-dns/sextant/control"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
	"github.com/sextant-dns/sextant/server"
)

// memory turns what is remembered into the words of package control, as it is at
// one moment.
type memory struct{ now time.Time }

// left is how many seconds are left until then; below 0 when that has passed.
func (m memory) left(until time.Time) int64 {
	d := until.Sub(m.now)
	if d < 0 {
		return min(-1, int64(d/time.Second))
	}
	return int64(d / time.Second)
}

func (m memory) answer(a resolver.Answer) control.Record {
	r := control.Record{
		Kind: control.KindAnswer, Name: a.Name.String(), Type: a.Type.String(),
		TTL: m.left(a.Expires), Age: max(0, int64(m.now.Sub(a.Learned)/time.Second)), Security: control.Security(a.Response.Security),
	}
	if a.Scope.IsValid() {
		r.Scope = a.Scope.String()
	}
	if a.Type == lookup.TypeNone {
		r.Type = ""
	}
	aged := a.Response.Aged(uint32(r.Age))
	r.RRs = control.RRs(aged.Answer)
	if len(r.RRs) == 0 {
		r.Kind, r.Rcode = control.KindDenial, a.Response.Rcode.String()
		if a.Response.Rcode == lookup.NOERROR {
			r.Rcode = "NODATA"
		}
	}
	if soa, ok := aged.Denial(); ok {
		r.Note = "says " + soa.Name.String()
	}
	return r
}

func (m memory) delegation(d resolver.Delegation) control.Record {
	r := control.Record{Kind: control.KindDelegation, Name: d.Zone.String(), Type: lookup.TypeNS.String()}
	ttl := uint32(0)
	if !d.Expires.IsZero() {
		r.TTL = m.left(d.Expires)
		ttl = uint32(max(0, r.TTL))
	}
	if d.Local {
		r.Note = "a local copy is asked first"
	}
	if d.Configured {
		r.Note = "configured: stub"
		if d.Forward {
			r.Note = "configured: forward"
		}
		for _, a := range d.Endpoints {
			r.Note += " " + a.String()
		}
		return r
	}
	var names []string
	var glue []lookup.RRset
	for _, s := range d.Servers {
		names = append(names, string(s.Name))
		for _, a := range s.Addrs {
			set := lookup.RRset{Name: s.Name, Type: lookup.TypeAAAA, TTL: ttl, Data: lookup.PackRdata(string(a.AsSlice()))}
			if a.Is4() {
				set.Type = lookup.TypeA
			}
			glue = append(glue, set)
		}
	}
	ns := lookup.RRset{Name: d.Zone, Type: lookup.TypeNS, TTL: ttl, Data: lookup.PackRdata(names...)}
	r.RRs = control.RRs(append([]lookup.RRset{ns}, glue...))
	if len(d.Own) > 0 {
		r.Note = "the zone itself names also"
	}
	for _, own := range d.Own {
		r.Note += " " + own.String()
	}
	return r
}

func (m memory) failure(f resolver.FailedQuestion) control.Record {
	r := control.Record{Kind: control.KindFailure, Name: f.Question.Name.String(), Type: f.Question.Type.String(), TTL: m.left(f.Expires)}
	r.Note = "EDE " + lookup.EDEOf(f.Err).String()
	switch {
	case f.Question.Type == lookup.TypeNone:
		r.Type, r.Note = "", "no server of this zone could be found: "+r.Note
	case f.Step:
		r.Note = "as a step on the way to other names: " + r.Note
	}
	return r
}

func (m memory) packet(p server.Packet) control.Record {
	r := control.Record{
		Kind: control.KindPacket, Name: p.Question.Name.String(), Type: p.Question.Type.String(),
		TTL: m.left(p.Expires), Rcode: p.Rcode.String(), View: p.View, Size: p.Size,
	}
	if p.Scope.IsValid() {
		r.Scope = p.Scope.String()
	}
	for _, f := range []struct {
		set  bool
		name string
	}{{p.RD, "rd"}, {p.Question.CD, "cd"}, {p.Question.DO, "do"}} {
		if f.set {
			r.Flags = append(r.Flags, f.name)
		}
	}
	return r
}

func (m memory) endpoint(e resolver.Endpoint) control.Endpoint {
	told := control.Endpoint{Address: e.Addr.String(), RTT: float64(e.RTT) / float64(time.Millisecond)}
	if e.Name != "" {
		told.Name = e.Name.String()
	}
	switch {
	case e.Barred:
		told.State = "never asked: do-not-query"
	case !e.Retry.IsZero():
		told.State = fmt.Sprintf("silent %d times, left alone for %d s", e.Silent, m.left(e.Retry)+1)
	case e.Lame:
		told.State = "lame for this zone: asked when nobody else is left"
	case !e.Known:
		told.State = "not asked lately"
	case e.Silent > 0:
		told.State = fmt.Sprintf("silent %d times", e.Silent)
	default:
		told.State = "well"
	}
	switch {
	case e.Plain:
		told.State += ", asked without EDNS"
	case e.EDNS:
		told.State += ", speaks EDNS"
	}
	return told
}
