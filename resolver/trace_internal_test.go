package resolver

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/transport"
)

func TestTellingNobodyCostsNothing(t *testing.T) {
	var (
		r      = New(Options{Exchanger: nil})
		now    = time.Now()
		q      = hopQuestion(lookup.MustName("www.example.com."), lookup.TypeA)
		h      = &hop{response: &lookup.Response{}, expires: now.Add(time.Minute), life: time.Minute}
		p      = &poll{r: r, question: q, cut: &cut{zone: lookup.Root}}
		server = &candidate{server: netip.MustParseAddrPort("192.0.2.1:53")}
		reply  = &transport.Reply{}
		err    = errors.New("silence")
		v      = verdict{kind: useless, why: "because"}
		tr     = &trust{zone: lookup.Root}
		nobody task
	)
	allocs := testing.AllocsPerRun(100, func() {
		nobody.tell(lookup.Event{Kind: lookup.EventAlias, Name: q.Name, Target: q.Name})
		nobody.tellHit(q, h, now)
		nobody.tellStale(q, h, "because")
		nobody.tellFailure(q, err)
		nobody.tellFlight(q, false)
		nobody.tellBudget("messages")
		nobody.tellCut(q, p.cut, time.Now)
		p.tellServer(server)
		p.tellExchange(transport.Request{}, reply, true, time.Second, err)
		p.tellVerdict(server, v)
		p.tellEnd(err)
		nobody.tellTrust(lookup.Root, tr, nil)
		nobody.tellProof(q, v, nil)
		r.tellKnown(nobody, tr, now)
		p.tellAddress(lead{question: q})
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
