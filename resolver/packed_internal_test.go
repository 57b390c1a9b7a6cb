package resolver

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

var packedAt = time.Unix(1_800_000_000, 123_456_789)

// again packs h under name and unpacks it.
func again(name string, h *hop) *hop {
	return packHop(lookup.MustName(name), h).unpack(h.expires, time.Time{})
}

func same(t *testing.T, what string, got, want *hop) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got\n%+v %+v\nwant\n%+v %+v", what, got, got.response, want, want.response)
	}
}

func TestWhatIsPackedIsUnpackedAsItWas(t *testing.T) {
	t.Parallel()
	sets := lookup.MustRRsets
	long := strings.Repeat("a.", 120)
	for what, c := range map[string]struct {
		name string
		h    hop
	}{
		"an address":     {"www.example.", hop{response: &lookup.Response{Answer: sets("www.example. 300 A 192.0.2.1")}}},
		"signed":         {"www.example.", hop{response: &lookup.Response{Security: lookup.Secure, Answer: sets("www.example. 300 A 192.0.2.1\nwww.example. 300 RRSIG A 13 2 300 20300101000000 20200101000000 1 example. AAAA")}}},
		"an alias":       {"www.example.", hop{next: lookup.MustName("web.example."), response: &lookup.Response{Answer: sets("www.example. 300 CNAME web.example.")}}},
		"an alias home":  {"www.example.", hop{next: lookup.MustName("example."), response: &lookup.Response{Answer: sets("www.example. 300 CNAME example.")}}},
		"no data":        {"www.example.", hop{response: &lookup.Response{Authority: sets("example. 300 SOA ns.example. host.example. 1 2 3 4 5")}}},
		"no name":        {"www.example.", hop{response: &lookup.Response{Rcode: lookup.NXDOMAIN, Authority: sets("example. 300 SOA ns.example. host.example. 1 2 3 4 5\na.example. 300 NSEC z.example. A")}}},
		"nothing at all": {"www.example.", hop{response: &lookup.Response{}}},
		"the root":       {".", hop{response: &lookup.Response{Answer: sets(". 518400 NS a.root-servers.net.")}}},
		"a long name":    {long, hop{response: &lookup.Response{Answer: sets(long + " 300 A 192.0.2.1"), Authority: sets("a. 300 NS b.\n. 300 NS c.")}}},
		"other owners":   {"www.example.", hop{response: &lookup.Response{Answer: sets("ww.example. 300 A 192.0.2.1\nx.www.example. 2147483647 A 192.0.2.2")}}},
		"much data":      {"www.example.", hop{response: &lookup.Response{Answer: []lookup.RRset{{Name: lookup.MustName("www.example."), Type: 65280, TTL: 1, Data: lookup.PackRdata(strings.Repeat("x", 65535))}}}}},
		"rare things":    {"www.example.", hop{response: &lookup.Response{Rcode: lookup.YXDOMAIN, Keep: 5, EDE: []lookup.EDE{{Code: 5, Text: "why"}, {Code: 3}}}}},
		"scoped":         {"www.example.", hop{response: &lookup.Response{Scope: netip.MustParsePrefix("2001:db8::/32"), Answer: sets("www.example. 300 A 192.0.2.1")}}},
		"for nobody":     {"www.example.", hop{response: &lookup.Response{Scope: netip.MustParsePrefix("0.0.0.0/0")}}},
	} {
		c.h.expires, c.h.life = packedAt, 300*time.Second
		same(t, what, again(c.name, &c.h), &c.h)
	}
}

// A field that is new in Response, and that nobody has thought of here, is lost: this
// fails then.
func TestNoFieldOfAResponseIsLost(t *testing.T) {
	t.Parallel()
	filled := new(lookup.Response)
	values := map[string]any{
		"Scope": netip.MustParsePrefix("192.0.2.0/24"), "EDE": []lookup.EDE{{Code: 1, Text: "x"}}, "Rcode": lookup.YXDOMAIN,
		"Answer": lookup.MustRRsets("a. 1 A 192.0.2.1"), "Authority": lookup.MustRRsets("a. 1 NS b."), "Additional": lookup.MustRRsets("b. 1 A 192.0.2.2"),
		"Security": lookup.Secure, "Keep": uint32(7), "Wanted": uint8(24), "AA": true, "Glue": 1, "Uncacheable": true,
	}
	for i := range reflect.TypeFor[lookup.Response]().NumField() {
		field := reflect.TypeFor[lookup.Response]().Field(i).Name
		if field == "Synthesized" || field == "Counter" || field == "Choice" {
			continue // which only an authority says of its own zone
		}
		v, known := values[field]
		if !known {
			t.Fatalf("lookup.Response has a field %s: pack it", field)
		}
		reflect.ValueOf(filled).Elem().Field(i).Set(reflect.ValueOf(v))
		one := new(lookup.Response)
		reflect.ValueOf(one).Elem().Field(i).Set(reflect.ValueOf(v))
		h := &hop{response: one, expires: packedAt, life: time.Second}
		same(t, field, again("a.", h), h)
	}
	h := &hop{response: filled, next: "\x01b\x00", expires: packedAt, life: time.Second}
	same(t, "all", again("a.", h), h)
	for field, where := range map[string]string{"response": "", "age": "", "next": "", "expires": "", "life": "", "cut": "never kept", "trust": "never kept", "absence": "never kept"} {
		if _, ok := reflect.TypeFor[hop]().FieldByName(field); !ok {
			t.Errorf("hop has no field %s any more (%s)", field, where)
		}
	}
	if n := reflect.TypeFor[hop]().NumField(); n != 8 {
		t.Errorf("hop has %d fields: is the new one packed?", n)
	}
}

func TestUnpackingTakesTheAgeOffTheTTLs(t *testing.T) {
	t.Parallel()
	h := &hop{expires: packedAt, life: 100 * time.Second, response: &lookup.Response{Keep: 50, Answer: lookup.MustRRsets("a. 100 A 192.0.2.1"), Authority: lookup.MustRRsets("a. 30 NS b.")}}
	p := packHop(lookup.MustName("a."), h)
	for _, seconds := range []time.Duration{0, 1, 29, 40, 50, 99} {
		now := h.learned().Add(seconds*time.Second + 900*time.Millisecond)
		got := p.unpack(h.expires, now)
		if want := h.aged(now); !reflect.DeepEqual(got.response, want) {
			t.Errorf("%d s: got %+v, want %+v", seconds, got.response, want)
		}
		if later := now.Add(20 * time.Second); !reflect.DeepEqual(got.aged(later), h.aged(later)) {
			t.Errorf("%d s and 20 more: got %+v, want %+v", seconds, got.aged(later), h.aged(later))
		}
	}
}

func TestPackedHopsOfAllKindsComeBack(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 9))
	name := func() lookup.Name {
		n := lookup.Root
		for range r.IntN(4) {
			n, _ = n.Child(string(rune('a' + r.IntN(3))))
		}
		return n
	}
	section := func() (sets []lookup.RRset) {
		for range r.IntN(3) {
			sets = append(sets, lookup.RRset{
				Name: name(), Type: lookup.Type(r.IntN(1 << 16)), TTL: r.Uint32N(1 << 31),
				Data: lookup.PackRdata(strings.Repeat("d", r.IntN(300))), Sigs: lookup.Rdata(strings.Repeat("s", r.IntN(3))),
			})
		}
		return sets
	}
	for i := range 5000 {
		h := &hop{expires: packedAt, life: time.Duration(r.IntN(1<<31)) * time.Second, response: &lookup.Response{
			Rcode: lookup.Rcode(r.IntN(8)), Security: lookup.Security(r.IntN(3)), Answer: section(), Authority: section(), Additional: section(),
		}}
		if r.IntN(2) == 0 {
			h.next = name()
		}
		same(t, fmt.Sprint(i), again(name().String(), h), h)
	}
}

func TestAnAddressIsUnpackedInOneAllocation(t *testing.T) {
	h := &hop{expires: packedAt, life: 300 * time.Second, response: &lookup.Response{Answer: lookup.MustRRsets("www.example.com. 300 A 192.0.2.1")}}
	p := packHop(lookup.MustName("www.example.com."), h)
	if len(p) > 40 {
		t.Errorf("an address takes %d octets", len(p))
	}
	if n := testing.AllocsPerRun(100, func() { p.unpack(h.expires, packedAt) }); n != 1 {
		t.Errorf("%v allocations", n)
	}
}
