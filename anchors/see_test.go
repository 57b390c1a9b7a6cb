package anchors

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
)

// rdataOf is a DNSKEY of Ed25519 that is called by a letter.
func rdataOf(letter byte, flags uint16) string {
	return string([]byte{byte(flags >> 8), byte(flags), 3, 15}) + strings.Repeat(string(rune(letter)), 32)
}

const (
	sep     = dnssec.FlagZone | dnssec.FlagSEP
	plainZK = dnssec.FlagZone
	revoked = sep | dnssec.FlagRevoke
)

// sighting reads words such as "A* B r:C* z:D": keys by letter, with r: revoked,
// with z: without the SEP bit, with * when they have signed the set.
func sighting(words string) Sighting {
	s := Sighting{TTL: 86400, Expires: noon.Add(10000 * day)}
	for word := range strings.FieldsSeq(words) {
		flags := sep
		switch {
		case strings.HasPrefix(word, "r:"):
			flags, word = revoked, word[2:]
		case strings.HasPrefix(word, "z:"):
			flags, word = plainZK, word[2:]
		}
		key := dnssec.ParseKeys(oneRR("\x01a\x00", lookup.TypeDNSKEY, rdataOf(word[0], flags)))[0]
		s.Keys = append(s.Keys, key)
		s.Signed = append(s.Signed, strings.HasSuffix(word, "*"))
	}
	return s
}

// states is a point in words such as "A valid, B addpend(2)", in the order of keys.
func states(p Point) string {
	var out []string
	for _, k := range p.Keys {
		w := string(k.Rdata[5]) + " " + strings.ToLower(k.State.String())
		if k.Type == lookup.TypeDS {
			w = "DS " + strings.ToLower(k.State.String())
		}
		if k.State == AddPend {
			w += fmt.Sprintf("(%d)", k.Seen)
		}
		out = append(out, w)
	}
	return strings.Join(out, ", ")
}

func kinds(events []Event) (out []EventKind) {
	for _, e := range events {
		out = append(out, e.Kind)
	}
	return out
}

// point is a trust point whose anchors are the keys called by these letters, and
// which were there yesterday.
func point(letters string) Point {
	p := Point{Zone: name("a.")}
	for _, l := range letters {
		p.Keys = append(p.Keys, Key{Type: lookup.TypeDNSKEY, Rdata: rdataOf(byte(l), sep), State: Valid, TTL: 86400, Changed: noon.Add(-day)})
	}
	return p
}

// look is what is seen, and how long after noon.
type look struct {
	after time.Duration
	keys  string
	want  string // states
	event EventKind
}

// RFC 5011 4: the state table, and what leads from one state to the next.
func TestTheStateTable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		begin  string
		timing Timing
		looks  []look
	}{
		{"nothing changes", "A", Timing{}, []look{{0, "A* z:Z", "A valid", ""}}},
		{"AddTime: 30 days, and once more in a validated set", "A", Timing{}, []look{
			{0, "A* B", "A valid, B addpend(1)", KeySeen},
			{10 * day, "A* B", "A valid, B addpend(2)", ""},
			{30*day - time.Second, "A* B", "A valid, B addpend(3)", ""},
			{30 * day, "A* B", "A valid, B valid", KeyTrusted},
		}},
		{"a hold-down of one's own", "A", Timing{AddHoldDown: 2 * day}, []look{
			{0, "A* B", "A valid, B addpend(1)", KeySeen},
			{2 * day, "A* B", "A valid, B valid", KeyTrusted},
		}},
		{"RFC 5011 2.4.1: not before the first set has expired", "A", Timing{AddHoldDown: time.Hour}, []look{
			{0, "A* B", "A valid, B addpend(1)", KeySeen},
			{23 * time.Hour, "A* B", "A valid, B addpend(2)", ""},
			{24 * time.Hour, "A* B", "A valid, B valid", KeyTrusted},
		}},
		{"KeyRem stops the hold-down, and it begins anew", "A", Timing{}, []look{
			{0, "A* B", "A valid, B addpend(1)", KeySeen},
			{20 * day, "A*", "A valid", KeyDropped},
			{21 * day, "A* B", "A valid, B addpend(1)", KeySeen},
			{31 * day, "A* B", "A valid, B addpend(2)", ""},
			{51 * day, "A* B", "A valid, B valid", KeyTrusted},
		}},
		{"RFC 5011 2.2: a set that nobody trusted has signed stops nothing and adds nothing", "A", Timing{}, []look{
			{0, "A* B", "A valid, B addpend(1)", KeySeen},
			{20 * day, "A C*", "A valid, B addpend(1)", ProbeFailed},
			{30 * day, "A B*", "A valid, B addpend(1)", ProbeFailed},
			{31 * day, "B*", "A valid, B addpend(1)", ProbeFailed},
			{40 * day, "A* B", "A valid, B valid", KeyTrusted},
		}},
		{"RFC 5011 2.2: a new key cannot vouch for itself, its hold-down over or not", "A", Timing{}, []look{
			{0, "A* B", "A valid, B addpend(1)", KeySeen},
			{1 * day, "A* B", "A valid, B addpend(2)", ""},
			{60 * day, "B*", "A valid, B addpend(2)", ProbeFailed},
			{61 * day, "B* C", "A valid, B addpend(2)", ProbeFailed},
		}},
		{"RFC 5011 2.2: who vouched for a new key is revoked", "AB", Timing{}, []look{
			{0, "A* B C", "A valid, B valid, C addpend(1)", KeySeen},
			{day, "r:A* B* C", "A revoked, B valid, C addpend(1)", KeyRevoked},
			{30 * day, "r:A B* C", "A revoked, B valid, C addpend(2)", ""},
			{31 * day, "r:A B* C", "A revoked, B valid, C valid", KeyTrusted},
		}},
		{"RFC 5011 2.2: one of those who vouched is left", "AB", Timing{}, []look{
			{0, "A* B* C", "A valid, B valid, C addpend(1)", KeySeen},
			{day, "r:A* B* C", "A revoked, B valid, C addpend(2)", KeyRevoked},
			{30 * day, "r:A B* C", "A revoked, B valid, C valid", KeyTrusted},
		}},
		{"KeyRem and KeyPres", "AB", Timing{}, []look{
			{0, "A*", "A valid, B missing", KeyMissing},
			{day, "B*", "A missing, B valid", KeyReturned}, // it is still an anchor
			{2 * day, "B* A", "A valid, B valid", KeyReturned},
		}},
		{"RFC 5011 2.2: a missing anchor stays one for ever", "AB", Timing{}, []look{
			{0, "A*", "A valid, B missing", KeyMissing},
			{4000 * day, "A*", "A valid, B missing", ""},
		}},
		{"KeepMissing", "AB", Timing{KeepMissing: 366 * day}, []look{
			{0, "A*", "A valid, B missing", KeyMissing},
			{366*day - time.Second, "A*", "A valid, B missing", ""},
			{366 * day, "A*", "A valid, B removed", KeyRemoved},
		}},
		{"RevBit: from Valid, at once, and for ever", "AB", Timing{}, []look{
			{0, "r:A* B*", "A revoked, B valid", KeyRevoked},
			{day, "A* B*", "A revoked, B valid", ""},
			{2 * day, "A*", "A revoked, B valid", ProbeFailed},
		}},
		{"RevBit: from Missing", "AB", Timing{}, []look{
			{0, "B*", "A missing, B valid", KeyMissing},
			{day, "r:A* B*", "A revoked, B valid", KeyRevoked},
		}},
		{"RFC 5011 2.1: the bit alone, without its signature, revokes nothing", "AB", Timing{}, []look{
			{0, "r:A B*", "A missing, B valid", KeyMissing},
		}},
		{"RFC 5011 2.1: a revocation needs no other signature", "AB", Timing{}, []look{
			{0, "r:A* C*", "A revoked, B valid", KeyRevoked},
		}},
		{"RFC 5011 2.1: what a revoked key signs does not validate", "A", Timing{}, []look{
			{0, "r:A* B", "A revoked", KeyRevoked},
		}},
		{"AddPend has no RevBit: it is as if the key were gone", "A", Timing{}, []look{
			{0, "A* B", "A valid, B addpend(1)", KeySeen},
			{day, "A* r:B*", "A valid", KeyDropped},
		}},
		{"a revoked key that was never known is of no interest", "A", Timing{}, []look{{0, "A* r:B*", "A valid", ""}}},
		{"RemTime", "AB", Timing{}, []look{
			{0, "r:A* B*", "A revoked, B valid", KeyRevoked},
			{29 * day, "B*", "A revoked, B valid", ""},
			{30 * day, "B*", "A removed, B valid", KeyRemoved},
		}},
		{"RemTime: not while it is still there", "AB", Timing{}, []look{
			{0, "r:A* B*", "A revoked, B valid", KeyRevoked},
			{60 * day, "r:A* B*", "A revoked, B valid", ""},
			{61 * day, "A B*", "A revoked, B valid", ""}, // without the REVOKE bit, either
			{62 * day, "B*", "A revoked, B valid", ""},
			{91*day - time.Second, "B*", "A revoked, B valid", ""},
			{91 * day, "B*", "A removed, B valid", KeyRemoved},
		}},
		{"Removed: it does not come back by itself", "AB", Timing{RemoveHoldDown: day}, []look{
			{0, "r:A* B*", "A revoked, B valid", KeyRevoked},
			{day, "B*", "A removed, B valid", KeyRemoved},
			{2 * day, "A* B*", "A removed, B valid", ""},
			{100 * day, "A*", "A removed, B valid", ProbeFailed},
		}},
		{"keys without SEP are not followed", "A", Timing{}, []look{{0, "A* z:Z*", "A valid", ""}}},
		{"RFC 5011 2.4.3: many keys at once", "A", Timing{}, []look{
			{0, "A* B C D E F G", "A valid, B addpend(1), C addpend(1), D addpend(1), E addpend(1), F addpend(1), G addpend(1)", KeySeen},
			{30 * day, "A* B C D E F G", "A valid, B valid, C valid, D valid, E valid, F valid, G valid", KeyTrusted},
		}},
		{"RFC 5011 6.4: a key is stolen, and the thief cannot add one of his", "AB", Timing{}, []look{
			{0, "A* B X", "A valid, B valid, X addpend(1)", KeySeen}, // signed by the thief
			{day, "r:A* B* X", "A revoked, B valid, X addpend(1)", KeyRevoked},
			{2 * day, "r:A* B*", "A revoked, B valid", KeyDropped},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := point(c.begin)
			for _, l := range c.looks {
				var events []Event
				p, events = p.See(sighting(l.keys), noon.Add(l.after), c.timing, dnssec.Policy{})
				if got := states(p); got != l.want {
					t.Fatalf("%s sees %q: got %s, want %s", l.after, l.keys, got, l.want)
				}
				if got := kinds(events); l.event != "" && !slices.Contains(got, l.event) || l.event == "" && len(got) > 0 {
					t.Fatalf("%s sees %q: events %q, want %q", l.after, l.keys, got, l.event)
				}
			}
		})
	}
}

// The row of RFC 5011 2.2 above with a signer revoked needs a closer look: C had to
// start anew, one day later.
func TestTheHoldDownBeginsAnewWhenItsWitnessesAreRevoked(t *testing.T) {
	t.Parallel()
	p, _ := point("AB").See(sighting("A* B C"), noon, Timing{}, dnssec.Policy{})
	p, events := p.See(sighting("r:A* B* C"), noon.Add(day), Timing{}, dnssec.Policy{})
	if got, want := kinds(events), []EventKind{KeyRevoked, KeyDropped, KeySeen}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := p.Keys[2].Changed; !got.Equal(noon.Add(day)) {
		t.Errorf("its hold-down began %s", got)
	}
}

// RFC 5011 5.
func TestATrustPointWithoutAnchorsIsDeleted(t *testing.T) {
	t.Parallel()
	p, events := point("AB").See(sighting("r:A* r:B*"), noon, Timing{}, dnssec.Policy{})
	if !p.Deleted() || !p.Next.IsZero() || !p.Succeeded.Equal(noon) || len(p.trusted()) > 0 {
		t.Errorf("got %+v", p)
	}
	if got := kinds(events); !slices.Contains(got, PointDeleted) {
		t.Errorf("got %q", got)
	}
	p = point("A")
	p.Next = noon
	if p, _ = p.See(sighting("r:A*"), noon, Timing{}, dnssec.Policy{}); !p.Next.IsZero() {
		t.Errorf("the next look is at %s", p.Next)
	}
	if p := (Point{Zone: name("a.")}); p.Deleted() {
		t.Error("a point that never had a key is deleted")
	}
}

// RFC 5011 2.3.
func TestTheTimesOfLooking(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ttl          uint32
		left         time.Duration
		query, retry time.Duration
	}{
		{172800, 14 * day, 24 * time.Hour, 17280 * time.Second},
		{172800, day, 12 * time.Hour, 8640 * time.Second},      // half of the signature's rest is less than half of the TTL
		{60, 14 * day, time.Hour, time.Hour},                   // not more than once an hour
		{0, 0, time.Hour, time.Hour},                           //
		{86400, -day, time.Hour, time.Hour},                    // within the tolerance of clocks
		{100 * 86400, 365 * day, 15 * day, 24 * time.Hour},     // not less than every 15 days, and once a day
		{1<<31 - 1, 100 * 365 * day, 15 * day, 24 * time.Hour}, //
		{10800, 31*day + 12345*time.Second, 5400 * time.Second, time.Hour},
	} {
		query, retry := intervals(c.ttl, noon.Add(c.left), noon)
		if query != c.query || retry != c.retry {
			t.Errorf("TTL %d, %s left: got %s and %s, want %s and %s", c.ttl, c.left, query, retry, c.query, c.retry)
		}
	}
	if query, _ := intervals(86400, time.Time{}, noon); query != 12*time.Hour {
		t.Errorf("signatures without an end: got %s", query)
	}
}

func TestWhenToLookAgain(t *testing.T) {
	t.Parallel()
	p, _ := point("A").See(sighting("A*"), noon, Timing{}, dnssec.Policy{})
	if !p.Next.Equal(noon.Add(12*time.Hour)) || p.Interval != 12*time.Hour || p.Retry != 8640*time.Second || !p.Succeeded.Equal(noon) {
		t.Errorf("after a success: %+v", p)
	}
	p, _ = p.See(sighting("A"), noon.Add(12*time.Hour), Timing{}, dnssec.Policy{})
	if p.Failed != 1 || !p.Next.Equal(noon.Add(12*time.Hour+8640*time.Second)) || !p.Succeeded.Equal(noon) || !p.Queried.Equal(noon.Add(12*time.Hour)) {
		t.Errorf("after a failure: %+v", p)
	}
	p, e := p.Miss(noon.Add(15 * time.Hour))
	if p.Failed != 2 || !p.Queried.Equal(noon.Add(12*time.Hour)) || e.Kind != ProbeFailed {
		t.Errorf("after an answer that never came: %+v, %v", p, e)
	}
	p, _ = p.See(sighting("A*"), noon.Add(18*time.Hour), Timing{}, dnssec.Policy{})
	if p.Failed != 0 {
		t.Errorf("after another success: %+v", p)
	}
	if p, _ = point("A").Miss(noon); !p.Next.Equal(noon.Add(time.Hour)) {
		t.Errorf("when nothing is known yet: %+v", p)
	}
}

func TestAnchorsInTheFormOfDS(t *testing.T) {
	t.Parallel()
	key := dnssec.ParseKeys(oneRR(name("a."), lookup.TypeDNSKEY, rdataOf('A', sep)))[0]
	var ds []lookup.RRset
	for _, digest := range []dnssec.DigestType{dnssec.SHA256, dnssec.SHA384} {
		d, _ := dnssec.DSOf(key, digest)
		ds = append(ds, oneRR(name("a."), lookup.TypeDS, d.Rdata()))
	}
	begin := Point{Zone: name("a.")}.Configured(ds)
	for _, c := range []struct{ keys, want string }{
		{"A* B", "A valid, B addpend(1)"}, // what a DS names takes its place, all of it
		{"B*", "DS valid, DS valid"},      // not validated
		{"r:A* B", "A revoked"},           // revoked before it was ever seen
		{"z:A*", "DS valid, DS valid"},    // another key: the flags differ
	} {
		p, _ := begin.See(sighting(c.keys), noon, Timing{}, dnssec.Policy{})
		if got := states(p); got != c.want {
			t.Errorf("%s: got %s, want %s", c.keys, got, c.want)
		}
	}
	// A DS for a key that is not published yet waits for it, and is no less an anchor.
	p := point("B").Configured(ds[:1])
	p, _ = p.See(sighting("B*"), noon, Timing{}, dnssec.Policy{})
	if got := states(p); got != "B valid, DS valid" {
		t.Errorf("got %s", got)
	}
	p, _ = p.See(sighting("B* A"), noon, Timing{}, dnssec.Policy{})
	if got := states(p); got != "B valid, A valid" {
		t.Errorf("got %s", got)
	}
	// An operator trusts by DS what is still waiting.
	p, _ = point("B").See(sighting("B* A"), noon, Timing{}, dnssec.Policy{})
	if p = p.Configured(ds[:1]); states(p) != "B valid, A addpend(1)" {
		t.Errorf("got %s", states(p))
	}
}

// Anchors without the SEP bit cannot be followed, so SEP keys that they vouch for take
// over at once.
func TestAnchorsWithoutTheSEPBit(t *testing.T) {
	t.Parallel()
	zsk := []lookup.RRset{oneRR(name("a."), lookup.TypeDNSKEY, rdataOf('Z', plainZK))}
	for _, c := range []struct{ begin, keys, want string }{
		{"", "z:Z* A", "Z removed, A valid"},
		{"", "z:Z A*", "Z valid"},
		{"", "z:Z*", "Z valid"},   // the zone has no SEP keys
		{"", "z:Y A*", "Z valid"}, //
		{"A", "A* z:Z", "A valid, Z removed"},
		{"A", "A* z:Y B", "A valid, Z removed, B addpend(1)"}, // there is an anchor that can be followed
		{"A", "z:Z* B", "A missing, Z valid, B addpend(1)"},
	} {
		p, _ := point(c.begin).Configured(zsk).See(sighting(c.keys), noon, Timing{}, dnssec.Policy{})
		if got := states(p); got != c.want {
			t.Errorf("%s sees %s: got %s, want %s", c.begin, c.keys, got, c.want)
		}
	}
}

// KeepMissing never takes the last key that can be followed.
func TestTheLastKeyIsKept(t *testing.T) {
	t.Parallel()
	zsk := []lookup.RRset{oneRR(name("a."), lookup.TypeDNSKEY, rdataOf('Z', plainZK))}
	p, timing := point("A").Configured(zsk), Timing{KeepMissing: day}
	for _, after := range []time.Duration{0, 100 * day} {
		p, _ = p.See(sighting("z:Z*"), noon.Add(after), timing, dnssec.Policy{})
	}
	if got := states(p); got != "A missing, Z valid" {
		t.Errorf("got %s", got)
	}
}

func TestKeysThatCannotBeCheckedAreNoAnchorsToBe(t *testing.T) {
	t.Parallel()
	s := sighting("A* B C")
	for i, algorithm := range map[int]byte{1: 157, 2: byte(dnssec.RSASHA1)} {
		rdata := s.Keys[i].Rdata
		s.Keys[i] = dnssec.ParseKeys(oneRR(name("a."), lookup.TypeDNSKEY, rdata[:3]+string(rune(0))+rdata[4:]))[0]
		s.Keys[i].Algorithm = dnssec.Algorithm(algorithm)
	}
	p, _ := point("A").See(s, noon, Timing{}, dnssec.Policy{})
	if got := states(p); got != "A valid" {
		t.Errorf("got %s", got)
	}
	if p, _ = point("A").See(s, noon, Timing{}, dnssec.Policy{SHA1: true}); len(p.Keys) != 2 {
		t.Errorf("SHA-1 by policy: %s", states(p))
	}
}

// A clock that was wrong and is put right shortens no hold-down.
func TestAClockThatIsSetBack(t *testing.T) {
	t.Parallel()
	future := noon.Add(10000 * day)
	p := point("AB")
	p.Keys[0].Changed = future
	p, _ = p.See(sighting("A* B C"), future, Timing{}, dnssec.Policy{})
	p, _ = p.See(sighting("A* B C"), noon, Timing{}, dnssec.Policy{})
	if got := states(p); got != "A valid, B valid, C addpend(2)" || !p.Keys[2].Changed.Equal(noon) || !p.Keys[0].Changed.Equal(noon) {
		t.Errorf("got %s, %+v", got, p.Keys)
	}
	p, _ = p.See(sighting("A* B C"), noon.Add(30*day-time.Second), Timing{}, dnssec.Policy{})
	if got := states(p); got != "A valid, B valid, C addpend(3)" {
		t.Errorf("got %s", got)
	}
	p, _ = p.See(sighting("A* B C"), noon.Add(30*day), Timing{}, dnssec.Policy{})
	if got := states(p); got != "A valid, B valid, C valid" {
		t.Errorf("got %s", got)
	}
}

func TestSeeLeavesItsPointAlone(t *testing.T) {
	t.Parallel()
	p := point("AB")
	before := p.String()
	p.See(sighting("r:A* B C"), noon, Timing{}, dnssec.Policy{})
	p.See(sighting("A*"), noon, Timing{}, dnssec.Policy{})
	p.Configured(lookup.MustRRsets(dsOf("a.", 7)))
	p.Tidied(nil)
	if got := p.String(); got != before {
		t.Errorf("got\n%s\nwant\n%s", got, before)
	}
	p.Keys = slices.Grow(p.Keys, 9)
	one, two := p.Configured(lookup.MustRRsets(dsOf("a.", 1))), p.Configured(lookup.MustRRsets(dsOf("a.", 2)))
	if one.String() == two.String() {
		t.Error("two points share their keys")
	}
}

func TestConfiguredAnchors(t *testing.T) {
	t.Parallel()
	zone := name("a.")
	key := func(letter byte) []lookup.RRset {
		return []lookup.RRset{oneRR(zone, lookup.TypeDNSKEY, rdataOf(letter, sep))}
	}
	ds := func(letter byte) []lookup.RRset {
		d, err := asDS(zone, lookup.TypeDNSKEY, rdataOf(letter, sep))
		if err != nil {
			t.Fatal(err)
		}
		return []lookup.RRset{oneRR(zone, lookup.TypeDS, d.Rdata())}
	}
	p := point("ABCD")
	p.Keys[1].State, p.Keys[1].Rdata = Revoked, rdataOf('B', revoked)
	p.Keys[2].State, p.Keys[2].Rdata = Removed, rdataOf('C', revoked)
	p.Keys[3].State = Missing
	known := "A valid, B revoked, C removed, D missing"
	for _, c := range []struct {
		name string
		sets []lookup.RRset
		want string
	}{
		{"known", key('A'), known},
		{"known, by DS", ds('A'), known},
		{"revoked", key('B'), known}, // it does not come back because a file still has it
		{"revoked, by DS", ds('B'), known},
		{"removed", key('C'), known},
		{"removed, by DS", ds('C'), known},
		{"missing", key('D'), known},
		{"new", key('E'), known + ", E valid"},
		{"new, by DS", ds('E'), known + ", DS valid"},
		{"of another zone", lookup.MustRRsets(dsOf("b.", 1)), known},
	} {
		if got := states(p.Configured(c.sets)); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
		if got := states(p.Configured(c.sets).Configured(c.sets)); got != c.want {
			t.Errorf("%s, twice: got %s, want %s", c.name, got, c.want)
		}
	}
	// A removed key is remembered for as long as a file has it.
	for _, c := range []struct {
		sets []lookup.RRset
		want string
	}{{nil, "A valid, B revoked, D missing"}, {key('A'), "A valid, B revoked, D missing"}, {key('C'), known}, {ds('C'), known}} {
		if got := states(p.Tidied(c.sets)); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}
