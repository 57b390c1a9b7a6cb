package primary

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/message"
	"github.com/sextant-dns/sextant/zones"
)

var (
	apex = lookup.MustName("example.")
	from = netip.MustParseAddr("192.0.2.2")
)

// zone is one with that serial, and an address that changes with it.
func zone(t testing.TB, serial uint32, more ...string) *zones.Zone {
	t.Helper()
	text := fmt.Sprintf("$ORIGIN example.\n$TTL 60\n@ SOA ns host %d 1 2 3 4\n@ NS ns\nns A 192.0.2.1\nchanges A 192.0.2.%d\n%s\n",
		serial, serial%256, strings.Join(more, "\n"))
	z, err := zones.Load(strings.NewReader(text), "example", zones.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// open is a zone that everybody may have.
func open(z *zones.Zone) []Zone { return []Zone{{Data: z, Transfer: []Peer{{}}}} }

// told is what a server hears that has that serial, in brief; -1: it wants all.
func told(p *Primary, have int64) string {
	var serial *uint32
	if have >= 0 {
		n := uint32(have)
		serial = &n
	}
	records, otherwise := p.Transfer(from, "", apex, serial)
	if otherwise != nil {
		return otherwise.Rcode.String()
	}
	var words []string
	for r := range records {
		if r.Type == lookup.TypeSOA {
			words = append(words, fmt.Sprint(zones.Record{Data: r.Data}.Serial()))
		} else {
			words = append(words, strings.TrimSuffix(r.Name.String(), ".example."))
		}
	}
	return strings.Join(words, " ")
}

// RFC 1995 4: what has changed since a version that is known, all of the zone since
// one that is not, and the SOA alone for who has it.
func TestTransferOfChanges(t *testing.T) {
	t.Parallel()
	p := New(Options{})
	for serial := uint32(1); serial <= 3; serial++ {
		p.Replace(nil, open(zone(t, serial)))
	}
	all := "3 example. ns changes 3"
	all = strings.Join(sortedWords(all), " ")
	for have, want := range map[int64]string{
		3: "3",
		2: "3 2 changes 3 changes 3",
		1: "3 1 changes 2 changes 2 changes 3 changes 3",
		4: "3", // RFC 1995 2: newer than ours
		0: all, -1: all,
	} {
		got := told(p, have)
		if want == all {
			if sorted := strings.Join(sortedWords(got), " "); sorted != all || !strings.HasPrefix(got, "3 ") || !strings.HasSuffix(got, " 3") {
				t.Errorf("have %d: got %s, want %s, with the SOA at both ends", have, got, want)
			}
			continue
		}
		if got != want {
			t.Errorf("have %d: got %s, want %s", have, got, want)
		}
	}
}

func sortedWords(s string) []string {
	words := strings.Fields(s)
	slices.Sort(words)
	return words
}

// AXFR begins and ends with the SOA, and has everything once.
func TestWholeZone(t *testing.T) {
	t.Parallel()
	p := New(Options{})
	p.Replace(nil, open(zone(t, 7, "sub NS ns.sub", "ns.sub A 192.0.2.3", `odd TYPE65280 \# 1 ab`)))
	words := strings.Fields(told(p, -1))
	if words[0] != "7" || words[len(words)-1] != "7" || len(words) != 8 {
		t.Errorf("got %q", words)
	}
}

// RFC 1982: after 2^32-1 comes 0.
func TestSerialsThatWrap(t *testing.T) {
	t.Parallel()
	p := New(Options{})
	p.Replace(nil, open(zone(t, 1<<32-1)))
	p.Replace(nil, open(zone(t, 5)))
	if got := told(p, 1<<32-1); got != "5 4294967295 changes 5 changes 5" {
		t.Errorf("got %s", got)
	}
	if got := told(p, 5); got != "5" {
		t.Errorf("got %s", got)
	}
}

// A zone that has changed with the same serial, or gone back, has no history: nobody
// may be led from a version that somebody else knows in another form.
func TestSerialThatDoesNotGoUp(t *testing.T) {
	t.Parallel()
	var events []Event
	p := New(Options{Observe: func(e Event) { events = append(events, e) }})
	p.Replace(nil, open(zone(t, 1)))
	p.Replace(nil, open(zone(t, 2)))
	p.Replace(nil, open(zone(t, 2)))
	if len(events) != 0 || !strings.HasPrefix(told(p, 1), "2 1 ") {
		t.Errorf("a zone that was read again is another one: %v, %s", events, told(p, 1))
	}
	p.Replace(nil, open(zone(t, 2, "new A 192.0.2.9")))
	if len(events) != 1 || events[0].Kind != Backward || strings.HasPrefix(told(p, 1), "2 1 ") {
		t.Errorf("got %v, %s", events, told(p, 1))
	}
	p.Replace(nil, open(zone(t, 3)))
	p.Replace(nil, open(zone(t, 1)))
	if len(events) != 2 || told(p, 3) != "1" {
		t.Errorf("got %v, %s", events, told(p, 3))
	}
}

func TestHistoryHasBounds(t *testing.T) {
	t.Parallel()
	p := New(Options{})
	const step = 4 // RRs
	for serial := uint32(1); serial <= minKept/step+50; serial++ {
		p.Replace(nil, open(zone(t, serial)))
	}
	if n := len(p.zones[apex].history); n != minKept/step {
		t.Errorf("%d steps", n)
	}
	var many []string
	for i := range minKept + 1 {
		many = append(many, fmt.Sprintf("n%d A 192.0.2.1", i))
	}
	p.Replace(nil, open(zone(t, 1000, many...)))
	p.Replace(nil, open(zone(t, 1001)))
	if n := len(p.zones[apex].history); n != 0 { // RFC 1995 5: all of the zone is less
		t.Errorf("%d steps", n)
	}
	for i := range step * maxSteps {
		many = append(many, fmt.Sprintf("m%d A 192.0.2.1", i))
	}
	large := zone(t, 2000, many...)
	long := make([]zones.Difference, maxSteps+50)
	long[len(long)-1].To = large.SOARecord()
	if got := bounded(long, large); len(got) != maxSteps || !leadsTo(got, large) {
		t.Errorf("%d steps of a large zone", len(got))
	}
}

func TestWhoMayTransfer(t *testing.T) {
	t.Parallel()
	key := lookup.MustName("key.")
	network := netip.MustParsePrefix("192.0.2.0/24")
	elsewhere := netip.MustParseAddr("198.51.100.1")
	p := New(Options{})
	for _, c := range []struct {
		peers []Peer
		from  netip.Addr
		key   lookup.Name
		want  bool
	}{
		{nil, from, key, false},
		{[]Peer{{Network: network}}, from, "", true},
		{[]Peer{{Network: network}}, from, key, true},
		{[]Peer{{Network: network}}, elsewhere, key, false},
		{[]Peer{{Key: key}}, elsewhere, key, true},
		{[]Peer{{Key: key}}, from, "", false},
		{[]Peer{{Key: key}}, from, lookup.MustName("other."), false},
		{[]Peer{{Network: network, Key: key}}, from, key, true},
		{[]Peer{{Network: network, Key: key}}, from, "", false},
		{[]Peer{{Network: network, Key: key}}, elsewhere, key, false},
		{[]Peer{{Key: lookup.MustName("other.")}, {Network: network}}, from, "", true},
	} {
		p.Replace(nil, []Zone{{Data: zone(t, 1), Transfer: c.peers, Notify: c.peers}})
		records, otherwise := p.Transfer(c.from, c.key, apex, nil)
		rcode := p.Notify(c.from, c.key, apex)
		if (records != nil) != c.want || c.want != (otherwise == nil) || !c.want && otherwise.Rcode != lookup.REFUSED || (rcode == lookup.NOERROR) != c.want {
			t.Errorf("%v with key %q, of %v: %v, NOTIFY %s", c.from, c.key, c.peers, otherwise, rcode)
		}
	}
	if _, otherwise := p.Transfer(from, "", lookup.MustName("nosuch."), nil); otherwise == nil || otherwise.Rcode != lookup.NOTAUTH {
		t.Errorf("no such zone: %v", otherwise)
	}
	if rcode := p.Notify(from, "", lookup.MustName("nosuch.")); rcode != lookup.NOTAUTH {
		t.Errorf("no such zone: %v", rcode)
	}
	p.Replace(nil, open(zones.Absent(apex)))
	if _, otherwise := p.Transfer(from, "", apex, nil); otherwise == nil || otherwise.Rcode != lookup.SERVFAIL ||
		len(otherwise.EDE) != 1 || otherwise.EDE[0].Code != lookup.EDEInvalidData {
		t.Errorf("an expired zone: %v", otherwise)
	}
}

// What has begun goes on with the version that it began with.
func TestTransferSeesOneVersion(t *testing.T) {
	t.Parallel()
	p := New(Options{})
	p.Replace(nil, open(zone(t, 1)))
	records, _ := p.Transfer(from, "", apex, nil)
	var seen []message.Record
	for r := range records {
		p.Replace(nil, open(zone(t, uint32(len(seen)+2))))
		seen = append(seen, r)
	}
	if seen[0] != seen[len(seen)-1] || (zones.Record{Data: seen[0].Data}).Serial() != 1 {
		t.Errorf("got %v", seen)
	}
}

// While a Replace finds out what has changed, transfers go on; and who may have a zone
// may ask about it.
func TestReplaceHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	var p *Primary
	meanwhile := ""
	p = New(Options{Observe: func(e Event) {
		meanwhile = told(p, -1) // it would never come back
	}})
	p.Replace(nil, open(zone(t, 2)))
	p.Replace(nil, open(zone(t, 1)))
	if !strings.HasPrefix(meanwhile, "2 ") || !strings.HasPrefix(told(p, -1), "1 ") {
		t.Errorf("meanwhile %q, then %q", meanwhile, told(p, -1))
	}
	if !p.May(from, "", apex) || p.May(from, "", lookup.MustName("other.")) {
		t.Error("who may have it")
	}
	p.Replace(nil, []Zone{{Data: zone(t, 1), Transfer: []Peer{{Key: lookup.MustName("k.")}}}})
	if p.May(from, "", apex) || !p.May(from, lookup.MustName("k."), apex) {
		t.Error("who may have it, with a key")
	}
}

// A history that somebody else keeps is what IXFR is answered from, from the first moment
// on; one that leads elsewhere is not.
func TestHistoryOfSomebodyElse(t *testing.T) {
	t.Parallel()
	versions := []*zones.Zone{zone(t, 1), zone(t, 2), zone(t, 3), zone(t, 4)}
	var history []zones.Difference
	for i := range 3 {
		d := zones.Difference{From: versions[i].SOARecord(), To: versions[i+1].SOARecord()}
		d.Deleted, d.Added = zones.Diff(versions[i], versions[i+1])
		history = append(history, d)
	}
	given := func(i int, history []zones.Difference) []Zone {
		z := open(versions[i])
		z[0].History = history
		return z
	}
	p := New(Options{})
	p.Replace(nil, given(2, history[:2]))
	if got := told(p, 1); got != "3 1 changes 2 changes 2 changes 3 changes 3" {
		t.Errorf("at the start: %s", got)
	}
	p.Replace(nil, given(3, history[1:]))
	if got := told(p, 2); got != "4 2 changes 3 changes 3 changes 4 changes 4" {
		t.Errorf("later: %s", got)
	}
	if got := told(p, 1); len(strings.Fields(got)) != 5 {
		t.Errorf("of what was given up: %s", got)
	}
	p = New(Options{})
	p.Replace(nil, given(2, history))
	if got := told(p, 1); len(strings.Fields(got)) != 5 {
		t.Errorf("a history that leads elsewhere: %s", got)
	}
}
