package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// millionKey is the experiment with authoritative servers of one large zone.
const millionKey = "million"

const (
	millionRecords   = 1_000_000
	millionQuestions = 400_000
)

// An authority is an authoritative server that can be measured: one thread, on core 0,
// unless there are to be more (see with), one zone, all else as it comes.
type authority struct {
	name    string
	host    int
	env     []string
	config  func(at netip.AddrPort, dir string) string
	args    func(config string) []string
	threads int
}

func authorities(sextant string) []authority {
	return []authority{
		{"sextant", 210, []string{"GOMAXPROCS=1"}, sextantAuthority, func(c string) []string { return []string{sextant, "serve", "--config", c} }, 1},
		{"knot", 211, nil, knotAuthority, func(c string) []string { return []string{"knotd", "-c", c} }, 1},
		{"nsd", 212, nil, nsdAuthority, func(c string) []string { return []string{"nsd", "-d", "-c", c} }, 1},
	}
}

func sextantAuthority(at netip.AddrPort, dir string) string {
	return fmt.Sprintf(`listen: ["%s"]
log: error
control: { socket: "off" }
zones: [{ name: example, file: %s/million.zone }]
views: [{ name: all, clients: [0.0.0.0/0], recursion: false, zones: [example] }]
`, at, dir)
}

func knotAuthority(at netip.AddrPort, dir string) string {
	return fmt.Sprintf(`server:
    listen: %s@%d
    rundir: %s
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: %[3]s
zone:
  - domain: example.
    file: %[3]s/million.zone
    zonefile-sync: -1
    journal-content: none
`, at.Addr(), at.Port(), dir)
}

func nsdAuthority(at netip.AddrPort, dir string) string {
	return fmt.Sprintf(`server:
    ip-address: %s@%d
    server-count: 1
    database: ""
    rrl-ratelimit: 0
    pidfile: %[3]s/nsd.pid
    zonelistfile: %[3]s/nsd.zones
    xfrdfile: ""
    xfrdir: %[3]s
    username: ""
remote-control:
    control-enable: no
zone:
    name: example.
    zonefile: %[3]s/million.zone
`, at.Addr(), at.Port(), dir)
}

// writeMillion writes the zone: names in no order with A, half of them with AAAA, some
// with MX, TXT, an alias or a delegation beside. It gives some of the names.
func writeMillion(path string) (names []string, err error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	io.WriteString(w, "$ORIGIN example.\n$TTL 3600\n@\tSOA\tns hostmaster 1 7200 900 1209600 300\n@\tNS\tns\nns\tA\t192.0.2.53\n")
	records := 3
	line := func(format string, args ...any) {
		fmt.Fprintf(w, format+"\n", args...)
		records++
	}
	for i := uint32(0); records < millionRecords; i++ {
		x := i * 2654435761
		name := fmt.Sprintf("h%08x", x)
		line("%s\tA\t10.%d.%d.%d", name, x>>16&255, x>>8&255, x&255)
		if i%2 == 0 {
			line("%s\tAAAA\t2001:db8::%x:%x", name, x>>16, x&0xffff)
		}
		switch i % 20 {
		case 1:
			line("%s\tMX\t10 %s", name, name)
		case 3:
			line("%s\tTXT\t\"v=spf1 ip4:10.%d.0.0/16 -all\"", name, x&255)
		case 5:
			line("c%08x\tCNAME\t%s", x, name)
		case 7:
			line("d%08x\tNS\tns1.d%08[1]x", x)
			line("ns1.d%08x\tA\t192.0.2.%d", x, x&255)
		}
		names = append(names, name)
	}
	return names, w.Flush()
}

// prepareMillion writes the zone, and questions for names that it has, each once, and
// for names that it does not have.
func prepareMillion(dir string) error {
	names, err := writeMillion(filepath.Join(dir, "million.zone"))
	if err != nil {
		return err
	}
	chance := rand.New(rand.NewPCG(1, 2))
	chance.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	var wide, flood strings.Builder
	for _, n := range names[:millionQuestions] {
		fmt.Fprintf(&wide, "%s.example. A\n", n)
		fmt.Fprintf(&flood, "x%015x.example. A\n", chance.Uint64()>>4)
	}
	return errors.Join(os.WriteFile(filepath.Join(dir, "wide"), []byte(wide.String()), 0o644),
		os.WriteFile(filepath.Join(dir, "flood"), []byte(flood.String()), 0o644))
}

// A millionSample is what reading the zone and answering from it has cost.
type millionSample struct {
	ready       time.Duration
	rss         int // octets, of the largest process
	wide, flood time.Duration
}

func million(ctx context.Context, o options, out, progress io.Writer) error {
	dir, err := os.MkdirTemp("", "sextant-million-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := prepareMillion(dir); err != nil {
		return err
	}
	sextant, err := filepath.Abs(o.sextant)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\na zone of %d records; its names asked in random order, each once (wide), and names that it does not have (flood)\n", millionRecords)
	for round := range o.rounds {
		var first *millionSample
		for _, a := range authorities(sextant) {
			fmt.Fprintf(progress, "%s: round %d: %s\n", millionKey, round+1, a.name)
			if !installed(out, a.name, a.args("")[0]) {
				continue
			}
			s, err := a.measure(ctx, o, dir)
			if err != nil {
				return fmt.Errorf("%s: %w", a.name, err)
			}
			if first == nil {
				first = &s
			}
			fmt.Fprintf(out, "  round %d %-8s ready after %.2f s (%.2f)  RSS %d MB (%.2f)  wide %.2f µs CPU (%.2f)  flood %.2f µs CPU (%.2f)\n", round+1, a.name,
				s.ready.Seconds(), first.ready.Seconds()/s.ready.Seconds(), s.rss>>20, float64(first.rss)/float64(s.rss),
				micros(s.wide), micros(first.wide)/micros(s.wide), micros(s.flood), micros(first.flood)/micros(s.flood))
		}
	}
	fmt.Fprintln(out, "  in parentheses: the first server's figure divided by this one's; RSS is of the largest process")
	return nil
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }

// measure starts the server, waits until it answers, and asks.
func (a authority) measure(ctx context.Context, o options, dir string) (s millionSample, err error) {
	at := netip.AddrPortFrom(address(o.network, a.host), 53)
	if err := free(at); err != nil {
		return s, err
	}
	config := filepath.Join(dir, a.name+".conf")
	if err := os.WriteFile(config, []byte(a.config(at, dir)), 0o644); err != nil {
		return s, err
	}
	began := time.Now()
	p, err := start(dir, 0, a.env, a.args(config)...)
	if err != nil {
		return s, err
	}
	defer p.stop()
	if err := p.until(ctx, func() error { return has(ctx, at, "ns.example.") }); err != nil {
		return s, err
	}
	s.ready = time.Since(began)
	time.Sleep(settle)
	for _, pid := range p.family() {
		rss, err := (&process{os: pid}).rss()
		if err != nil {
			return s, err
		}
		s.rss = max(s.rss, rss)
	}
	if s.wide, err = p.perAnswer(ctx, at, filepath.Join(dir, "wide")); err != nil {
		return s, err
	}
	s.flood, err = p.perAnswer(ctx, at, filepath.Join(dir, "flood"))
	return s, err
}

// has is nil when the server answers for the name. It does not wait long: while a
// server reads its zone, it may not even hear.
func has(ctx context.Context, at netip.AddrPort, name string) error {
	c, err := (&net.Dialer{}).DialContext(ctx, "udp", at.String())
	if err != nil {
		return err
	}
	defer c.Close()
	client := dns.Client{Timeout: 2 * pollEvery}
	r, _, err := client.ExchangeWithConnContext(ctx, new(dns.Msg).SetQuestion(name, dns.TypeA), &dns.Conn{Conn: c})
	if err == nil && len(r.Answer) == 0 {
		err = fmt.Errorf("%s: %s", name, dns.RcodeToString[r.Rcode])
	}
	return err
}

// perAnswer is the processor time that the server's processes take for an answer.
func (p *process) perAnswer(ctx context.Context, at netip.AddrPort, questions string) (time.Duration, error) {
	return p.perAnswerTo(ctx, at, "-d", questions, "-n", "1")
}

// perAnswerTo is perAnswer for what dnsperf is told.
func (p *process) perAnswerTo(ctx context.Context, at netip.AddrPort, args ...string) (time.Duration, error) {
	before, err := p.cpuOfAll()
	if err != nil {
		return 0, err
	}
	s, err := load(ctx, at, args...)
	if err != nil {
		return 0, err
	}
	if s.lost*100 > s.answered {
		return 0, fmt.Errorf("%d questions of %d were lost", s.lost, s.lost+s.answered)
	}
	after, err := p.cpuOfAll()
	s.cpu = after - before
	return s.perQuery(), err
}

func (p *process) cpuOfAll() (sum time.Duration, err error) {
	for _, pid := range p.family() {
		cpu, _, err := (&process{os: pid}).cpu()
		if err != nil {
			return 0, err
		}
		sum += cpu
	}
	return sum, nil
}

// family is the process and those that it has started.
func (p *process) family() []*os.Process {
	all := []*os.Process{p.os}
	for i := 0; i < len(all); i++ {
		children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", all[i].Pid))
		for _, child := range strings.Fields(string(children)) {
			var pid int
			if _, err := fmt.Sscan(child, &pid); err == nil {
				all = append(all, &os.Process{Pid: pid})
			}
		}
	}
	return all
}
