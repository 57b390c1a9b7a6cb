package lifeline_test

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/sextant-dns/sextant/lifeline"
	"github.com/sextant-dns/sextant/lookup"
)

func ExampleMachine() {
	now := time.Date(2016, 10, 28, 5, 0, 0, 0, time.UTC)
	ns := lifeline.NewDelegation([]lifeline.Host{{Name: lookup.MustName("ns1.example.io."), Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.53")}}}, nil)
	known := lifeline.Snapshot{Zone: lookup.MustName("example.io."), Parent: lookup.MustName("io."), Delegation: ns, Confirmed: now}

	m := lifeline.NewMachine(lifeline.Policy{}, known, nil, now)
	m.Suspect(lifeline.DeniedByParent, now)
	for _, t := range m.Count(lifeline.Ballot{At: now, Votes: []lifeline.Vote{
		{Server: netip.MustParseAddr("198.51.100.1"), Finding: lifeline.Silent},
		{Server: netip.MustParseAddr("203.0.113.1"), Finding: lifeline.Denies},
	}}, now) {
		fmt.Printf("%s to %s: %s\n", t.From, t.To, t.Reason)
	}
	fmt.Println(m.Stand() == lifeline.Held)
	// Output:
	// suspect to emergency: no server of the parent confirms it, and none shows better (1 silent, 1 denies)
	// true
}
