package attack_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/sextant-dns/sextant/internal/attack"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/message"
	"github.com/sextant-dns/sextant/resolver"
	"github.com/sextant-dns/sextant/server"
	"github.com/sextant-dns/sextant/transport"
)

// endless is an Internet without a memory of its own: whoever is asked makes the
// answer up. All zones have two labels and two servers.
type endless struct {
	zone func(q lookup.Question) *transport.Reply
}

func (e endless) Exchange(_ context.Context, r transport.Request) (*transport.Reply, error) {
	root, tld := netip.MustParseAddr("198.18.0.1"), netip.MustParseAddr("198.18.0.2")
	var reply transport.Reply
	refer := func(labels int, addrs ...netip.Addr) {
		apex, hosts := r.Question.Name.Suffix(labels).String(), []string{}
		for i, addr := range addrs {
			hosts = append(hosts, fmt.Sprintf("ns%d.%s", i+1, apex))
			reply.Additional = append(reply.Additional, attack.A(hosts[i], 86400, addr))
		}
		reply.Authority = []lookup.RRset{attack.NS(apex, 86400, hosts...)}
	}
	switch r.Server.Addr() {
	case root:
		refer(1, tld)
	case tld:
		refer(2, netip.MustParseAddr("198.18.1.1"), netip.MustParseAddr("198.18.1.2"))
	default:
		reply = *e.zone(r.Question)
	}
	reply.EDNS, reply.Sent = true, 1
	return &reply, nil
}

// household is a resolver with a server in front of it, as the program has it.
type household struct {
	resolver *resolver.Resolver
	server   *server.Server
}

// newHousehold has so many octets for caches, in the parts that cmd/sextant makes.
func newHousehold(e endless, memory int64) household {
	r := resolver.New(resolver.Options{
		Exchanger: e, NoPriming: true, CacheBytes: memory / 5 * 3, Prefetch: true,
		Hints: []resolver.Server{{Name: lookup.MustName("a.root."), Addrs: []netip.Addr{netip.MustParseAddr("198.18.0.1")}}},
	})
	return household{r, server.New(server.Options{Views: []server.View{{Recursive: r}}, PacketBytes: memory / 5 * 2})}
}

// ask has the server answer one question, from bytes to bytes.
func (h household) ask(buf []byte, name string) (rcode byte) {
	n := lookup.MustName(name)
	q := message.Question{Raw: string(n), Name: n, Type: lookup.TypeA, Class: lookup.ClassIN}
	query := message.AppendQuery(buf[:0], message.Header{ID: 1, RD: true}, q, nil)
	reply := h.server.Respond(buf[len(query):len(query)], query, netip.MustParseAddrPort("192.0.2.1:5353"), server.UDP)
	return reply[3] & 0xf
}

// accounted is what the caches think that they take.
func (h household) accounted() int64 {
	return h.server.Stats().Packets.Bytes + h.resolver.Stats().Bytes
}

// words makes names of hosts that look like those of the Internet.
type words struct{ *rand.Rand }

func newWords() words { return words{rand.New(rand.NewPCG(3, 4))} }

func (w words) word(least, most int) string {
	b := make([]byte, least+w.IntN(most-least+1))
	for i := range b {
		b[i] = "etaoinshrdlucmfwypvbgk0123456789"[w.IntN(32)]
	}
	return string(b)
}

func (w words) zone() string {
	return w.word(4, 14) + [...]string{".com.", ".net.", ".org.", ".de."}[w.IntN(4)]
}

func (w words) host(zone string) string {
	if w.IntN(3) == 0 {
		return w.word(6, 20) + "." + zone
	}
	return [...]string{"www", "api", "mail", "cdn", "static", "m", "img", "login"}[w.IntN(8)] + "." + zone
}

// varied answers most questions with a few addresses, some with an alias and some
// with a denial.
func varied(q lookup.Question) *transport.Reply {
	name, zone := q.Name.String(), q.Name.Suffix(2).String()
	kind := len(q.Name.Label()) * int(q.Name[1]) % 10
	switch {
	case q.Type != lookup.TypeA:
		return attack.Lack(zone).Reply
	case kind == 0:
		return attack.Deny(zone).Reply
	case kind < 3:
		edge := "edge." + zone
		return attack.Say(attack.CNAME(name, 86400, edge), attack.A(edge, 86400, netip.MustParseAddr("192.0.2.7"))).Reply
	}
	addrs := []netip.Addr{}
	for i := range 1 + kind%4 {
		addrs = append(addrs, netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}))
	}
	return attack.Say(attack.A(name, 86400, addrs...)).Reply
}

// inUse is what is left of the heap when all garbage is gone.
func inUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse)
}

// objects is what those take that are in use; inUse must have been called before.
func objects() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A bound in octets is worth as much as the reckoning. What is left unused between objects is
// not in it: that is up to Go, and to when garbage was collected.
func TestTheCachesKnowWhatTheyTake(t *testing.T) {
	const names = 100_000
	w, buf := newWords(), make([]byte, 4096)
	before, objectsBefore := inUse(), objects()
	h := newHousehold(endless{varied}, 1<<30)
	zone := ""
	for i := range names {
		if i%3 == 0 {
			zone = w.zone()
		}
		h.ask(buf, w.host(zone))
	}
	taken, live, accounted := inUse()-before, objects()-objectsBefore, h.accounted()
	r, s := h.resolver.Stats(), h.server.Stats()
	t.Logf("%d names: %d packets, %d answers, %d cuts; the heap has grown by %d KiB, objects are %d, the caches say %d (packets %d), %d octets a name",
		names, s.Packets.Entries, r.Answers, r.Cuts, taken>>10, live>>10, accounted>>10, s.Packets.Bytes>>10, taken/names)
	if live > accounted*11/10 || live < accounted*9/10 {
		t.Error("the reckoning is wrong by more than a tenth")
	}
	if taken > accounted*13/10 {
		t.Error("more than three tenths are lost between objects")
	}
	runtime.KeepAlive(h)
}

// flood is an attack that brings new names for ever.
type flood struct {
	name string
	zone func(q lookup.Question) *transport.Reply
	ask  func(w words, i int) string
}

func floods() []flood {
	evil := func(_ words, i int) string { return fmt.Sprintf("x%d.evil.com.", i) }
	return []flood{
		{"random subdomains", func(q lookup.Question) *transport.Reply { return attack.Deny(q.Name.Suffix(2).String()).Reply }, evil},
		{"CacheFlush", func(q lookup.Question) *transport.Reply {
			return attack.Burst(10)(attack.Message{Request: transport.Request{Question: q}}).Reply
		}, evil},
		{"random zones", varied, func(w words, _ int) string { return w.host(w.zone()) }},
	}
}

// suffer asks that many hostile queries, of all floods in turn, and looks now and
// then at what look says; the most is returned.
func (h household) suffer(fs []flood, queries int, look func() int64) (most int64) {
	buf, w := make([]byte, 4096), newWords()
	for i := range queries {
		h.ask(buf, fs[i%len(fs)].ask(w, i))
		if i%1000 == 0 {
			most = max(most, look())
		}
	}
	return max(most, look())
}

// resident is the octets of memory that the process has from the system: its
// resident set on Linux, and elsewhere what the runtime knows of.
func resident() int64 {
	var pages, rss int64
	if statm, err := os.ReadFile("/proc/self/statm"); err == nil {
		if _, err := fmt.Sscan(string(statm), &pages, &rss); err == nil {
			return rss * int64(os.Getpagesize())
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Sys - m.HeapReleased)
}

// headroom is what the process may take beside twice its caches.
const headroom = 32 << 20

func TestFloodsTakeNoMoreMemoryThanTheOperatorAllows(t *testing.T) {
	const memory, queries = 4 << 20, 20_000
	for _, f := range floods() {
		t.Run(f.name, func(t *testing.T) {
			h := newHousehold(endless{f.zone}, memory)
			debug.FreeOSMemory()
			before := resident()
			accounted := h.suffer([]flood{f}, queries, h.accounted)
			grown := resident() - before
			t.Logf("%d queries: the caches take %d KiB at most, the process has grown by %d KiB", queries, accounted>>10, grown>>10)
			if accounted > memory {
				t.Errorf("the caches take %d octets, and may take %d", accounted, memory)
			}
			if accounted < memory/3 {
				t.Errorf("the caches take %d octets only: this was no flood", accounted)
			}
			if grown > 2*memory+headroom {
				t.Errorf("the process has grown by %d octets", grown)
			}
			runtime.KeepAlive(h)
		})
	}
}

// BenchmarkFlood is 1 000 000 hostile queries of all kinds, one after the other, with
// 64 MiB for caches: spec/resilience.md §13 wants the resident set to stay in bounds.
func BenchmarkFlood(b *testing.B) {
	const memory, queries = 64 << 20, 1_000_000
	fs := floods()
	mixed := func(q lookup.Question) *transport.Reply {
		if q.Name.Suffix(2) != lookup.MustName("evil.com.") {
			return varied(q)
		}
		return fs[len(q.Name)%2].zone(q)
	}
	for b.Loop() {
		h := newHousehold(endless{mixed}, memory)
		debug.FreeOSMemory()
		before := resident()
		most := h.suffer(fs, queries, resident)
		b.ReportMetric(float64(most-before)/(1<<20), "MiB-RSS")
		b.ReportMetric(float64(h.accounted())/(1<<20), "MiB-caches")
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/queries, "ns/query")
	}
}
