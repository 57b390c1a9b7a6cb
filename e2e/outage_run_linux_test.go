//go:build e2e

package e2e_test

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/miekg/dns"
)

var outageLong = flag.Bool("outage-long", false, "faults of io. last seven minutes, with longer TTLs (needs -timeout 30m)")

// An ioFault is a way in which io. is out of order.
type ioFault struct {
	name    string
	silent  []int
	emptied []int
}

func ioFaults() []ioFault {
	all := []int{0, 1, 2, 3, 4, 5, 6}
	return []ioFault{
		{"nearest lies, three silent", []int{3, 4, 5}, []int{ioLiar}},
		{"all silent", all, nil},
		{"all deny", nil, all},
	}
}

const ioAsked = 100 // questions for names that there were, and for new ones

// An ioCount is what became of the questions to one resolver in one fault.
type ioCount struct {
	mu                       sync.Mutex
	existing, added, back    int // right ones, of ioAsked
	denied, outdated, failed int // in the fault: NXDOMAIN, an address that is not true any more, SERVFAIL or no reply
}

// The incident of .io with other people's servers, beside other people's resolvers on the
// same world: Sextant with three lines of configuration answers every question, whether
// the name was there before or is new, and forgets the incident when it is over.
func TestOutageOfIO(t *testing.T) {
	t.Parallel()
	needs(t, "root", "ip", "unshare", "nsd", "named", "dig", "unbound", "kresd")
	ttl := ioTimes{delegation: 8 * time.Second, host: 5 * time.Second, denial: 4 * time.Second, fault: 28 * time.Second}
	if *outageLong {
		ttl = ioTimes{delegation: 120 * time.Second, host: 60 * time.Second, denial: 60 * time.Second, fault: 7 * time.Minute}
	}
	resolvers := ioResolvers()
	var all []*outage
	for _, f := range ioFaults() {
		all = append(all, newOutage(t, f, ttl, resolvers))
	}
	for _, o := range all {
		o.kept(t)
	}
	each(all, (*outage).warm)
	for _, o := range all {
		o.begin(t)
	}
	each(all, (*outage).during)
	for _, o := range all {
		o.end(t)
	}
	time.Sleep(ttl.delegation + time.Second) // whatever was true before has expired
	each(all, (*outage).after)

	t.Logf("right answers of %d, for names that there were / for new ones / when it was over\n%s", ioAsked, ioTable(resolvers, all))
	for _, o := range all {
		o.judge(t)
	}
}

// judge compares what was counted with what is promised, and with what shows that there
// was an outage at all: those without a lifeline have to suffer.
func (o *outage) judge(t *testing.T) {
	t.Helper()
	unbound, plain, lifeline := o.counts[0], o.counts[len(o.counts)-2], o.counts[len(o.counts)-1]
	if lifeline.existing != ioAsked || lifeline.added != ioAsked || lifeline.back != ioAsked || lifeline.denied+lifeline.outdated+lifeline.failed > 0 {
		t.Errorf("%s: Sextant with lifeline: %+v", o.fault.name, lifeline)
	}
	if len(o.fault.emptied)+len(o.fault.silent) < len(o.io) {
		return // who asks another server gets through
	}
	if right := unbound.existing + unbound.added; right > ioAsked {
		t.Errorf("%s: %d of %d right with Unbound: this shows nothing", o.fault.name, right, 2*ioAsked)
	}
	if right := plain.existing + plain.added; len(o.fault.emptied) == len(o.io) && right > ioAsked {
		t.Errorf("%s: %d of %d right without a lifeline: this shows nothing", o.fault.name, right, 2*ioAsked)
	}
}

// ioTable is what became of the questions, in a row for each resolver.
func ioTable(resolvers []ioResolver, all []*outage) string {
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "RESOLVER\tSETTINGS")
	for _, o := range all {
		fmt.Fprintf(table, "\t%s", strings.ToUpper(o.fault.name))
	}
	fmt.Fprint(table, "\tNXDOMAIN\tOUTDATED\tFAILED\n")
	for i, r := range resolvers {
		fmt.Fprintf(table, "%s\t%s", r.name, r.settings)
		var sum ioCount
		for _, o := range all {
			c := o.counts[i]
			fmt.Fprintf(table, "\t%d/%d/%d", c.existing, c.added, c.back)
			sum.denied, sum.outdated, sum.failed = sum.denied+c.denied, sum.outdated+c.outdated, sum.failed+c.failed
		}
		fmt.Fprintf(table, "\t%d\t%d\t%d\n", sum.denied, sum.outdated, sum.failed)
	}
	table.Flush()
	return b.String()
}

// An outage is one fault, from before it until after it, in a world of its own.
type outage struct {
	*ioWorld
	fault   ioFault
	servers []*process  // the resolvers
	clients []*ioClient // theirs
	counts  []*ioCount
	begun   time.Time
}

// newOutage makes a world in which all is well, and waits until each resolver in it
// answers.
func newOutage(t *testing.T, f ioFault, ttl ioTimes, resolvers []ioResolver) *outage {
	t.Helper()
	o := &outage{ioWorld: newIOWorld(t, ttl), fault: f}
	for i, r := range resolvers {
		dir := filepath.Join(o.dir, fmt.Sprint("resolver", i))
		folder(t, dir)
		o.servers = append(o.servers, o.near.start(t, func(*process) error { return nil }, r.command(t, o.ioWorld, dir, r.address)...))
		o.clients, o.counts = append(o.clients, newIOClient(t, o.near, r.address)), append(o.counts, &ioCount{})
	}
	for i, p := range o.servers {
		p.until(t, func() error {
			if got := o.clients[i].ask("host0.example.io."); got != ioAddress(1) {
				return errors.New(got)
			}
			return nil
		})
	}
	return o
}

// kept waits until the lifeline has written down what it knows.
func (o *outage) kept(t *testing.T) {
	t.Helper()
	o.servers[len(o.servers)-1].until(t, func() error {
		if files, _ := filepath.Glob(filepath.Join(o.state, "*")); len(files) < 2 {
			return errors.New("nothing is kept of example.io.")
		}
		return nil
	})
}

// each does one thing for all resolvers of all outages at once.
func each(all []*outage, do func(o *outage, resolver int)) {
	var group sync.WaitGroup
	for _, o := range all {
		for i := range o.clients {
			group.Go(func() { do(o, i) })
		}
	}
	group.Wait()
}

// warm has a resolver know all names that there are.
func (o *outage) warm(resolver int) {
	for i := range ioHosts {
		o.clients[resolver].ask(fmt.Sprintf("host%d.example.io.", i))
	}
}

// begin is when the addresses change, names are new, and io. breaks.
func (o *outage) begin(t *testing.T) {
	t.Helper()
	o.edition(t, 2)
	o.begun = time.Now()
	for _, i := range o.fault.emptied {
		o.writeIO(t, i, 2, false)
		o.reload(t, o.io[i], ioAddr(i), "io.", 2)
	}
	for _, i := range o.fault.silent {
		silence(t, o.io[i])
	}
}

// end is when io. is well again, and the addresses change once more.
func (o *outage) end(t *testing.T) {
	t.Helper()
	for _, i := range o.fault.silent {
		alive(t, o.io[i])
	}
	for _, i := range o.fault.emptied {
		o.writeIO(t, i, 3, true)
		o.reload(t, o.io[i], ioAddr(i), "io.", 3)
	}
	o.edition(t, 3)
}

// during asks for names that there were and for new ones, each at its time. What had
// not expired yet when it changed is as right as what has changed.
func (o *outage) during(resolver int) {
	var group sync.WaitGroup
	c, client := o.counts[resolver], o.clients[resolver]
	start, every := time.Now(), o.ttl.fault/ioAsked
	for i := range ioAsked {
		time.Sleep(time.Until(start.Add(time.Duration(i) * every)))
		fresh := time.Since(o.begun) < o.ttl.host+time.Second
		group.Go(func() {
			got := client.ask(fmt.Sprintf("host%d.example.io.", i%ioHosts))
			c.count(&c.existing, got, got == ioAddress(2) || got == ioAddress(1) && fresh)
		})
		group.Go(func() {
			got := client.ask(fmt.Sprintf("new%d.example.io.", i))
			c.count(&c.added, got, got == ioAddress(2))
		})
	}
	group.Wait()
}

// after asks for both again, when all is well.
func (o *outage) after(resolver int) {
	var group sync.WaitGroup
	c, client := o.counts[resolver], o.clients[resolver]
	for i := range ioAsked {
		group.Go(func() {
			old, added := client.ask(fmt.Sprintf("host%d.example.io.", i%ioHosts)), client.ask(fmt.Sprintf("new%d.example.io.", i))
			if old == ioAddress(3) && added == ioAddress(3) {
				c.mu.Lock()
				c.back++
				c.mu.Unlock()
			}
		})
		time.Sleep(o.ttl.host / ioAsked)
	}
	group.Wait()
}

func (c *ioCount) count(into *int, got string, right bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case right:
		*into++
	case got == "NXDOMAIN":
		c.denied++
	case strings.HasPrefix(got, "192.0.2."):
		c.outdated++
	default:
		c.failed++
	}
}

// An ioClient asks one resolver. Several may use it at a time.
type ioClient struct {
	conn net.Conn

	mu      sync.Mutex
	id      uint16
	waiting map[uint16]chan string
}

func newIOClient(t *testing.T, h host, server string) *ioClient {
	t.Helper()
	c := &ioClient{waiting: map[uint16]chan string{}}
	h.inside(t, func() (err error) {
		c.conn, err = net.Dial("udp", server+":53")
		return err
	})
	t.Cleanup(func() { c.conn.Close() })
	go c.listen()
	return c
}

func (c *ioClient) listen() {
	b := make([]byte, 4096)
	for {
		n, err := c.conn.Read(b)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		var m dns.Msg
		if err != nil || m.Unpack(b[:n]) != nil {
			continue // refused: nobody listens yet
		}
		got := dns.RcodeToString[m.Rcode]
		if len(m.Answer) > 0 {
			if a, ok := m.Answer[len(m.Answer)-1].(*dns.A); ok {
				got = a.A.String()
			}
		}
		c.mu.Lock()
		if w := c.waiting[m.Id]; w != nil {
			select {
			case w <- got:
			default: // the question was asked twice
			}
		}
		c.mu.Unlock()
	}
}

// ask is the address of a name, or what else there is to say of it. It has
// patience for five seconds, and asks again in between.
func (c *ioClient) ask(name string) string {
	c.mu.Lock()
	c.id++
	id, got := c.id, make(chan string, 1)
	c.waiting[id] = got
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.waiting, id)
		c.mu.Unlock()
	}()
	m := new(dns.Msg).SetQuestion(name, dns.TypeA)
	m.Id = id
	b, err := m.Pack()
	if err != nil {
		return err.Error()
	}
	for range 2 {
		c.conn.Write(b) //nolint:errcheck // who does not listen does not reply
		select {
		case text := <-got:
			return text
		case <-time.After(2500 * time.Millisecond):
		}
	}
	return "no reply"
}
