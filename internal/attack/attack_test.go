package attack_test

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"text/tabwriter"
	"time"

	"github.com/sextant-dns/sextant/internal/attack"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
)

// bound is what an attack may cost.
type bound struct {
	attack             attack.Attack
	perQuery           int // messages that one hostile query causes
	heap               int // KiB that stay occupied; default 512
	signatures, hashes int // that one query has checked
	total              int // messages that all hostile queries cause; default perQuery for each
	repeats            int // of one question to one server; default 3 (RFC 9520 3.1), 4 with and without EDNS over UDP and TCP
}

// The bounds of spec/resilience.md §9 that the table is made of. The way to a zone
// that nobody has asked about is two messages, to the root and to com.
const (
	way          = 2
	perTree      = 100 // messages for one client query
	overTCP      = 1   // a message that is repeated, since the reply is too large for UDP
	another      = 2   // to find the other address of a server whose answer was bogus
	perName      = 32  // of them, for one name
	perZone      = 16  // addresses of one delegation, and lookups of such
	perServer    = 3   // tries
	atOnce       = 200 // questions about one zone
	few          = 2   // servers that are asked for each name in a zone where nobody was of use
	aliases      = 11
	depth        = 7  // name servers that need each other
	referrals    = 30 // for one name
	entry        = 16 // KiB in memory, of one RRset or denial
	patience     = 6 * time.Second
	work         = 5 * time.Millisecond // of the processor, for one client query, our Internet's included
	signatures   = 32                   // checked for one client query
	forgeries    = 4                    // of these, bad ones
	hashes       = 32                   // of NSEC3 names for one client query
	benignFactor = 2                    // how much slower a benign query may be than without the attack
)

// bounds is the table that regressions fail by. No bound may be looser than the
// constants above; most are as tight as the resolver is.
func bounds() []bound {
	return []bound{
		{attack: attack.NXNS(100), perQuery: perZone},
		{attack: attack.NXNSDark(100), perQuery: perZone},
		{attack: attack.NRDelegation(1500), perQuery: perName},
		{attack: attack.TsuNAME(2), perQuery: way + 2},
		{attack: attack.TsuNAME(3), perQuery: way + 3},
		{attack: attack.TsuNAME(4), perQuery: way + 4},
		{attack: attack.TsuNAME(5), perQuery: way + 5},
		{attack: attack.GluelessDeep(30), perQuery: way + depth},
		{attack: attack.FatDelegation(), perQuery: perZone + 3, heap: 200 * entry},
		{attack: attack.SelfGlue(), perQuery: way + overTCP + perServer},
		{attack: attack.OverlappingGlue(), perQuery: way + overTCP + perZone},
		{attack: attack.MartianGlue(), perQuery: way + overTCP},
		{attack: attack.PromiscuousNS(), perQuery: way + 1},
		{attack: attack.PromiscuousReferral(), perQuery: perZone},
		{attack: attack.CNAMEChain(100), perQuery: way + 1 + aliases},
		{attack: attack.CNAMEBurst(100), perQuery: way + 2},
		{attack: attack.DNAMELoop(), perQuery: way + 1 + aliases},
		{attack: attack.DNAMEPair(), perQuery: 2*way + 1 + aliases},
		// Its delegations have TTL 0, and what TTL 0 brings is held for one query.
		{attack: attack.CAMP(10, 13, 0), perQuery: way + perZone},
		{attack: attack.CAMP(10, 13, 80), perQuery: way + perZone},
		{attack: attack.Slow(1800 * time.Millisecond), perQuery: way + perZone},
		{attack: attack.Slow(4 * time.Second), perQuery: way + perZone},
		{attack: attack.Slow(10 * time.Second), perQuery: way + perZone},
		{attack: attack.Dark(), perQuery: way + perZone, total: perTree},
		{attack: attack.Lame("empty", attack.Fail(lookup.NOERROR)), perQuery: way + 3},
		{attack: attack.Lame("refused", attack.Fail(lookup.REFUSED)), perQuery: way + perZone, total: way + perZone + 20*few},
		{attack: attack.Lame("servfail", attack.Fail(lookup.SERVFAIL)), perQuery: way + perZone, total: way + perZone + 20*few},
		{attack: attack.Lame("tc", attack.Truncate()), perQuery: perName, total: perName + 20*few*2},
		{attack: attack.Upwards(), perQuery: way + perZone, total: way + perZone + 20*few},
		{attack: attack.Choking(), perQuery: way + perName, total: way + perName + 20*few*4, repeats: 4},
		{attack: attack.ChokingChain(10), perQuery: perTree + overTCP, repeats: 4},
		{attack: attack.DeepReferrals(100), perQuery: referrals, repeats: referrals},
		{attack: attack.BigRRset(4000), perQuery: way + 2, heap: 200 * entry},
		{attack: attack.ManyRRsets(4000), perQuery: way + 2, heap: 200 * entry},
		{attack: attack.Birthday(1000), perQuery: 1, heap: 1024},
		{attack: attack.BirthdayByNeed(depth), perQuery: perZone},
		{attack: attack.KeyTrap(30, 100), perQuery: way + 2 + 2*overTCP, signatures: forgeries + 2},
		{attack: attack.SigJam(500), perQuery: way + 2 + overTCP + another, signatures: forgeries + 2},
		{attack: attack.HashTrap(50, 30), perQuery: way + 4 + overTCP + 2*another, signatures: signatures},
		{attack: attack.KeyTrapBelow(30, 30), perQuery: way + 4 + overTCP + another, signatures: 2 + forgeries},
		// The denial of a part of the name is looked at, and then that of all of it.
		{attack: attack.NSEC3Deep(50), perQuery: way + 2 + 3*overTCP, signatures: 1 + 2*7, hashes: hashes},
		{attack: attack.NSEC3Deep(2500), perQuery: way + 2 + 3*overTCP, signatures: 1 + 2*7, hashes: 0},
		{attack: attack.WaterTorture(20000), perQuery: way + 1, heap: cached},
		{attack: attack.WaterTortureDark(5000, 100), perQuery: perZone, total: 5 * atOnce, heap: cached},
		{attack: attack.WaterTortureDark(5000, 1000), perQuery: 1, total: 5 * atOnce, heap: cached},
	}
}

// The resolver of the table remembers so many hops, each of which may take 1 KiB.
const cached = 4000

// TestAmplificationTable plays every attack, prints what each has cost, and fails
// when anything is above its bound. It does not run in parallel: it measures the
// memory and the processor time of the process.
func TestAmplificationTable(t *testing.T) {
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "attack\torigin\tqueries\tanswered\tupstream\tbound\tmax/query\tbound\tservers\toctets\tlongest\tCPU/query\tsignatures\thashes\theap KiB\tbound\tbenign cached\tfresh\t")
	for _, b := range bounds() {
		b.heap, b.repeats = cmp.Or(b.heap, 512), cmp.Or(b.repeats, perServer)
		t.Run(b.attack.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := attack.Play(b.attack, resolver.Options{Cache: cached})
				b.total = cmp.Or(b.total, o.Queries*b.perQuery)
				fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%v\t%v\t%d\t%d\t%d\t%d\t%v\t%v\t\n",
					b.attack.Name, b.attack.Origin, o.Queries, o.Answered, o.Messages, b.total, o.PerQuery, b.perQuery, o.Servers, o.Octets,
					o.Longest.Round(10*time.Millisecond), o.CPU.Round(time.Microsecond), o.Signatures, o.Hashes, o.Heap>>10, b.heap, o.Cached, o.Fresh)
				b.judge(t, o)
			})
		})
	}
	if err := w.Flush(); err != nil {
		t.Error(err)
	}
	t.Log("\n" + table.String())
}

// judge holds an outcome against the bound, and against what holds for all attacks.
func (b bound) judge(t *testing.T, o attack.Outcome) {
	t.Helper()
	atMost := func(what string, got, want int) {
		t.Helper()
		if got > want {
			t.Errorf("%s: %d, want at most %d", what, got, want)
		}
	}
	atMost("messages for one query", o.PerQuery, b.perQuery)
	atMost("signatures checked for one query", o.Signatures, b.signatures)
	atMost("names hashed for one query", o.Hashes, b.hashes)
	atMost("messages in all", o.Messages, b.total)
	atMost("KiB that stay occupied", o.Heap>>10, b.heap)
	atMost("times that one server is asked one question", o.Repeats, b.repeats)
	atMost("messages with one question at once", o.Outstanding, 1)
	atMost("benign questions that hostile servers hear", o.Hijacked, 0)
	// Not a measure of time that passes: who else is busy hardly matters.
	atMost("microseconds of the processor for one query", int(o.CPU.Microseconds()), int((slower * work).Microseconds()))
	atMost("milliseconds that a client waits", int(o.Longest.Milliseconds()), int(patience.Milliseconds()))
	// A benign name that is new takes two messages: to org. and to its zone.
	atMost("milliseconds that the benign client waits", int(o.Fresh.Longest.Milliseconds()), int((benignFactor * 2 * attack.RTT).Milliseconds()))
	for what, s := range map[string]attack.Service{"from memory": o.Cached, "afresh": o.Fresh} {
		if s.Answered < s.Asked {
			t.Errorf("the benign client was answered %s %v times", what, s)
		}
	}
}
