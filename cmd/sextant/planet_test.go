package main

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/sextant-dns/sextant/lab"
	"github.com/sextant-dns/sextant/lifeline"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
	"github.com/sextant-dns/sextant/transport"
)

// planet is the Internet of 28 October 2016: io. on seven servers of seven operators,
// and example.io. below it. There are several of its kind, which differ in what they
// say, and each server answers from one of them.
type planet struct {
	tb      testing.TB
	signed  bool       // example.io. is; the root, io. and com. are always
	naive   bool       // nobody validates
	nearest netip.Addr // of all servers; others are ten times as far
	worlds  map[string]*lab.Internet
	anchor  string

	mu   sync.Mutex
	at   map[netip.Addr]string // which world a server answers from; "silent": none
	sent map[netip.Addr]int
}

var (
	tlds     = addrs("198.51.100.1 198.51.101.1 198.51.102.1 198.51.103.1 198.51.104.1 198.51.105.1 198.51.106.1")
	children = addrs("192.0.2.1 203.0.113.1")
	roots    = addrs("198.41.1.1")
)

func addrs(text string) (all []netip.Addr) {
	for _, f := range strings.Fields(text) {
		all = append(all, netip.MustParseAddr(f))
	}
	return all
}

// variant is in what a world differs from the one in which all is well.
type variant struct {
	serial    int                          // of io.; 0: 100
	delegates string                       // what io. says of example.io. in the place of the truth; "none": nothing
	expires   func(lookup.RRset) time.Time // of the signatures of io.
	forged    bool                         // io. says so of all that is below it, signed by nobody
	records   string                       // of example.io., more
	elsewhere bool                         // the only server of example.io. is www.example.com.
	own       int                          // serial of example.io.; 0: 1
}

func newPlanet(tb testing.TB, signed bool) *planet {
	p := &planet{tb: tb, signed: signed, worlds: map[string]*lab.Internet{}, at: map[netip.Addr]string{}, sent: map[netip.Addr]int{}}
	p.add("", variant{})
	return p
}

const soaLine = "$ORIGIN %s\n$TTL 3600\n@ SOA ns host %d 1800 900 604800 900\n"

// add makes a world.
func (p *planet) add(name string, v variant) {
	p.tb.Helper()
	n := &signedInternet{tb: p.tb, files: fstest.MapFS{}}
	child := fmt.Sprintf(soaLine, "example.io.", max(v.own, 1)) + "@ NS ns1\n@ NS ns2\nns1 A 192.0.2.1\nns2 A 203.0.113.1\n" +
		"cdn 60 CNAME www.example.com.\n" + v.records
	for i := range 50 {
		child += fmt.Sprintf("host%d 60 A 192.0.2.%d\n", i, 100+i)
	}
	if v.elsewhere {
		child = strings.NewReplacer("@ NS ns1\n@ NS ns2\n", "@ NS www.example.com.\n", "ns1 A 192.0.2.1\nns2 A 203.0.113.1\n", "").Replace(child)
	}
	ds := ""
	if p.signed {
		ds = n.sign("example.io.", child, nsecChain)
	} else {
		n.files["example.io.zone"] = &fstest.MapFile{Data: []byte(child)}
	}
	delegation := "example.io. NS ns1.example.io.\nexample.io. NS ns2.example.io.\nns1.example.io. A 192.0.2.1\nns2.example.io. A 203.0.113.1\n" + ds
	switch {
	case v.delegates == "none":
		delegation = ""
	case v.delegates != "":
		delegation = v.delegates
	}
	io := fmt.Sprintf(soaLine, "io.", max(v.serial, 100))
	if v.serial > 0 {
		io = fmt.Sprintf(soaLine, "io.", v.serial)
	}
	glue := ""
	for i, a := range tlds {
		glue += fmt.Sprintf("io. 86400 NS ns%d.io.\nns%d.io. 86400 A %s\n", i, i, a)
	}
	n.expires = v.expires
	ioDS := n.sign("io.", io+glue+delegation+"zz.io. NS ns.zz.io.\nns.zz.io. A 192.0.2.99\n", nsecChain)
	n.expires = nil
	if v.forged {
		n.files["io.zone"].Data = []byte(unsigned(string(n.files["io.zone"].Data)))
	}
	n.plain("zz.io.", "192.0.2.99", "")
	n.plain("example.com.", "192.0.2.77", "www 60 A 192.0.2.78\n")
	comDS := n.signed("com.", "198.41.2.1", n.delegation("example.com.", "192.0.2.77"), nsecChain)
	n.anchor = strings.TrimSpace(n.signed(".", "198.41.1.1", glue+ioDS+n.delegation("com.", "198.41.2.1")+comDS, nsecChain))
	net, err := lab.New(n.files, lab.Options{Latency: func(a netip.Addr) time.Duration {
		if a == p.nearest {
			return 2 * time.Millisecond
		}
		return 20 * time.Millisecond
	}})
	if err != nil {
		p.tb.Fatalf("%s: %v", name, err)
	}
	p.worlds[name], p.anchor = net, n.anchor
}

// unsigned leaves out what makes a zone signed.
func unsigned(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) > 3 && f[3] != "RRSIG" && f[3] != "NSEC" && f[3] != "DNSKEY" && f[3] != "DS" {
			b.WriteString(line)
		}
	}
	return b.String()
}

// set has servers answer from a world.
func (p *planet) set(world string, servers ...netip.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range servers {
		p.at[a] = world
	}
}

func (p *planet) Exchange(ctx context.Context, r transport.Request) (*transport.Reply, error) {
	a := r.Server.Addr()
	p.mu.Lock()
	p.sent[a]++
	world := p.at[a]
	p.mu.Unlock()
	if world == "silent" {
		select {
		case <-ctx.Done():
			return nil, &transport.Error{Server: r.Server, Sent: 1, Cause: ctx.Err()}
		case <-time.After(r.Timeout):
			return nil, &transport.Error{Server: r.Server, Sent: 1, Cause: transport.ErrTimeout}
		}
	}
	reply, err := p.worlds[world].Exchange(ctx, r)
	if err == nil {
		reply.Cookie = true
	}
	return reply, err
}

// total is how many messages servers have got.
func (p *planet) total(servers ...netip.Addr) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range servers {
		n += p.sent[a]
	}
	return n
}

// run makes the parts of a configuration and has protected zones be kept.
func (p *planet) run(t *testing.T, yaml string) *outage {
	t.Helper()
	w := wiring{exchanger: p}
	for _, root := range p.worlds[""].Roots() {
		w.hints = append(w.hints, resolver.Server(root))
	}
	if p.naive { // and chance is the same each time
		var last atomic.Uint64
		w.unsigned, w.intN = true, func(n int) int { return int(last.Add(7) % uint64(n)) }
	}
	yaml += fmt.Sprintf("\ndnssec: {builtin-anchor: false, trust-anchors: [%q]}\n", strings.ReplaceAll(p.anchor, "\t", " "))
	built, err := build(parsed(t, yaml), w)
	if err != nil {
		t.Fatal(err)
	}
	r := &outage{parts: built, t: t}
	t.Cleanup(func() { time.Sleep(30 * time.Second) }) // what was begun for others ends, too
	if built.lifeline != nil {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { _ = built.lifeline.Run(ctx); close(ended) }()
		r.stop = func() { cancel(); <-ended }
		t.Cleanup(r.stop)
	}
	return r
}

// outage is a server without its sockets.
type outage struct {
	*parts
	t    *testing.T
	stop func()
}

// ask is what a client of the first view hears, in few words.
func (r *outage) ask(name string, kind lookup.Type) string {
	ctx, cancel := context.WithTimeout(r.t.Context(), 6*time.Second)
	defer cancel()
	response, err := r.state.Load().served[0].Recursive.Resolve(ctx, lookup.Query{RD: true, Question: lookup.Question{Name: lookup.MustName(name), Type: kind, Class: lookup.ClassIN}})
	if err != nil {
		return err.Error()
	}
	_, end := response.Chase(lookup.MustName(name))
	if set, ok := lookup.Find(response.Answer, end, kind); ok {
		set.Sigs = ""
		text := strings.Fields(set.String())
		if response.Security == lookup.Secure {
			text = append(text, "AD")
		}
		return strings.Join(text[4:], " ")
	}
	return response.Rcode.String()
}

func (r *outage) a(name string) string { return r.ask(name, lookup.TypeA) }

func (r *outage) zone() lifeline.Status {
	r.t.Helper()
	s, ok := r.lifeline.StatusOf("\x07example\x02io\x00")
	if !ok {
		r.t.Fatal("not protected")
	}
	return s
}

// expect is the state that the zone is in.
func (r *outage) expect(want lifeline.State) {
	r.t.Helper()
	if s := r.zone(); s.State != want {
		r.t.Errorf("%s, want %s: %s (%s)", s.State, want, s.Reason, s.Last)
	}
}
