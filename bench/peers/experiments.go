package main

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// settle is how long a server is left alone before its memory is read: freed
// memory is given back late.
const settle = 2 * time.Second

// An experiment is one comparison. Each server is started anew for it, with
// nothing in its cache, in each round.
type experiment struct {
	key, title string
	dns64      bool
	signed     bool // and validated
	subnets    bool // the clients' networks are told to the authority of subnetZone
	once       bool // what needs no second round: memory is not noisy
	misses     bool // names that are not cached are asked for, too, and collections of garbage counted
	ports      bool // the system chooses from all ports where nobody else does
	cores      int  // measured with one, and then with so many threads and cores; default one
	do         func(context.Context, *laboratory, subject) (sample, error)
	figures    []figure
}

// A figure is a line of the table.
type figure struct {
	label  string
	value  func(sample) float64
	format string
	// ratio tells whether the figure is one that servers are compared by. The others
	// only tell whether they did the same.
	ratio bool
}

func experiments() []experiment {
	cpu := func(s sample) float64 { return float64(s.perQuery().Nanoseconds()) / 1e3 }
	octets := figure{"octets in an answer", func(s sample) float64 { return float64(s.octets) }, "%.0f", false}
	cached := []figure{
		{"CPU, µs for an answer", cpu, "%.2f", true},
		octets,
	}
	misses := []figure{
		{"CPU, µs for a miss", cpu, "%.1f", true},
		{"of these in the kernel", func(s sample) float64 { return micros(s.kernel / time.Duration(max(1, s.answered))) }, "%.1f", true},
		{"misses/s, 100 at a time", sample.rate, "%.0f", true},
		{"messages to name servers for a miss", func(s sample) float64 { return float64(s.upstream) / float64(max(1, s.answered)) }, "%.2f", false},
		octets,
	}
	return append([]experiment{
		{key: "cached", title: "10 000 names, A, cached", do: plain(doCached), figures: cached},
		{key: "dns64", title: "10 000 names, AAAA by forced DNS64, cached", dns64: true, do: plain(doCached), figures: cached},
		{key: "subnet", title: "1000 names in 100 networks, A with EDNS Client Subnet, cached", subnets: true, do: doSubnets, figures: append([]figure{
			{"RSS, octets for a name in a network", func(s sample) float64 { return float64(s.grown) / (subnetNames * subnetNetworks) }, "%.0f", true},
			{"of the answers, not from the cache", func(s sample) float64 { return float64(s.upstream) / float64(max(1, s.answered)) }, "%.5f", false},
		}, cached...)},
		{key: "cold", title: "10 000 names, A, nothing cached: TLD and site are asked for each", do: doCold, figures: misses},
		{key: "ports", title: "the same, with net.ipv4.ip_local_port_range=\"" + allPorts + "\"", ports: true, do: doCold, figures: misses},
		{key: "signed", title: "10 000 names, A, nothing cached, all zones signed (ECDSA P-256, NSEC) and validated", signed: true, do: doCold, figures: misses},
		{key: "memory", title: "100 000 names, A, in 10 000 zones, cached", once: true, do: doMemory, figures: []figure{
			{"RSS, MB for 100 000 names", func(s sample) float64 { return float64(s.grown) / float64(max(1, s.answered)) * 1e5 / 1e6 }, "%.1f", true},
		}},
	}, serviceExperiments(cached)...)
}

func experimentKeys() []string {
	var keys []string
	for _, e := range experiments() {
		keys = append(keys, e.key)
	}
	for _, a := range apart() {
		keys = append(keys, a.key)
	}
	return keys
}

// A laboratory is where experiments are done.
type laboratory struct {
	options
	dir      string
	internet *internet
	signed   *internet // nil when no experiment needs it
	progress io.Writer
}

// of is the Internet that e is done in.
func (l *laboratory) of(e experiment) *internet {
	if e.signed {
		return l.signed
	}
	return l.internet
}

// A subject is a server that runs.
type subject struct {
	*process
	internet  *internet
	misses    bool // see experiment
	at        netip.AddrPort
	questions string // path of 10 000 of the kind that is measured
}

func (l *laboratory) path(file string) string { return filepath.Join(l.dir, file) }

// prepare writes all questions and configurations.
func (l *laboratory) prepare(servers []server) error {
	for file, f := range map[string]func(string) error{
		"A.questions":    func(p string) error { return writeQuestions(p, "A", 1) },
		"AAAA.questions": func(p string) error { return writeQuestions(p, "AAAA", 1) },
		"all.questions":  func(p string) error { return writeQuestions(p, "A", hosts) },

		"subnet.questions": writeSubnetQuestions,
	} {
		if err := f(l.path(file)); err != nil {
			return err
		}
	}
	for _, e := range experiments() {
		if l.of(e) == nil {
			continue
		}
		for _, s := range servers {
			if err := os.WriteFile(l.path(s.configFile(e)), []byte(s.config(l.setup(e, s))), 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *laboratory) setup(e experiment, s server) setup {
	n := l.of(e)
	u := setup{at: s.at(l.network), network: l.network, hints: n.path("root.hints"), dir: l.dir, dns64: e.dns64}
	if e.subnets {
		u.authority = n.authority()
	}
	if e.signed {
		u.anchor = strings.Join(strings.Fields(n.keys.ds(".")), " ")
	}
	u.threads = max(1, e.cores)
	return u
}

func (s server) configFile(e experiment) string {
	switch {
	case e.dns64:
		return s.name + "-dns64.conf"
	case e.signed:
		return s.name + "-signed.conf"
	case e.subnets:
		return s.name + "-subnet.conf"
	case e.cores > 1:
		return s.name + "-cores.conf"
	}
	return s.name + ".conf"
}

// do measures all servers in turn; the samples of server i are at index i.
func (l *laboratory) do(ctx context.Context, e experiment, servers []server) ([][]sample, error) {
	results := make([][]sample, len(servers))
	rounds := l.rounds
	if e.once {
		rounds = 1
	}
	for round := range rounds {
		for i, s := range servers {
			fmt.Fprintf(l.progress, "%s: round %d: %s\n", e.key, round+1, s.name)
			measured, err := l.measureOn(ctx, e, s)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.name, err)
			}
			results[i] = append(results[i], measured)
		}
	}
	return results, nil
}

// measureOn measures with one core and, if the experiment is about that, with more.
func (l *laboratory) measureOn(ctx context.Context, e experiment, s server) (sample, error) {
	cores := e.cores
	if e.cores = 0; cores < 2 {
		return l.measure(ctx, e, s)
	}
	alone, err := l.measure(ctx, e, s)
	if err != nil {
		return sample{}, err
	}
	e.cores = cores
	measured, err := l.measure(ctx, e, s)
	measured.alone = alone.perQuery()
	return measured, err
}

// environment is what is told to a server beside its configuration. Those that are not
// written in Go do not care.
func (e experiment) environment(s server) []string {
	env := slices.Clone(s.env)
	if e.cores > 1 {
		env = append(env, fmt.Sprintf("GOMAXPROCS=%d", e.cores))
	}
	if e.misses {
		env = append(env, "GODEBUG=gctrace=1")
	}
	return env
}

// measure starts a server, does the experiment with it, and ends it.
func (l *laboratory) measure(ctx context.Context, e experiment, s server) (sample, error) {
	at := s.at(l.network)
	if err := free(at); err != nil {
		return sample{}, err
	}
	if e.ports {
		restore, err := widen()
		if err != nil {
			return sample{}, err
		}
		defer restore()
	}
	cores := "0"
	if e.cores > 1 {
		cores = fmt.Sprintf("0-%d", e.cores-1)
	}
	p, err := startOn(l.dir, cores, e.environment(s), s.command(l.path(s.configFile(e)))...)
	if err != nil {
		return sample{}, err
	}
	defer p.stop()
	// The root's and that of a TLD: what every miss needs is there before the first.
	for _, zone := range []string{".", "t0."} {
		if err := p.until(ctx, func() error { return soa(ctx, at, zone) }); err != nil {
			return sample{}, err
		}
	}
	questions := l.path("A.questions")
	if e.dns64 {
		questions = l.path("AAAA.questions")
	}
	if e.subnets {
		questions = l.path("subnet.questions")
	}
	measured, err := e.do(ctx, l, subject{p, l.of(e), e.misses, at, questions})
	if err != nil {
		return sample{}, err
	}
	if err := measured.good(); err != nil {
		return sample{}, err
	}
	return measured, check(ctx, at, e)
}

// portRange says from which ports the system chooses, allPorts that it may choose all that
// need no privilege.
const (
	portRange = "/proc/sys/net/ipv4/ip_local_port_range"
	allPorts  = "1024 65535"
)

// widen has the system choose from all ports until restore is called. It is about all of the
// machine, since servers on loopback cannot be in a network namespace of their own.
func widen() (restore func(), err error) {
	before, err := os.ReadFile(portRange)
	if err != nil {
		return nil, err
	}
	return func() { _ = os.WriteFile(portRange, before, 0) }, os.WriteFile(portRange, []byte(allPorts), 0)
}

// doCold asks for each name once.
func doCold(ctx context.Context, l *laboratory, s subject) (sample, error) {
	return l.cost(ctx, s, "-d", s.questions, "-n", "1")
}

// doCached asks for each name twice, and then for some seconds.
func doCached(ctx context.Context, l *laboratory, s subject, flags ...string) (sample, error) {
	warm, err := load(ctx, s.at, l.flags("-d", s.questions, "-n", "2")...)
	if err != nil {
		return sample{}, err
	}
	if err := warm.good(); err != nil {
		return sample{}, fmt.Errorf("while it fills its cache: %w", err)
	}
	return l.cost(ctx, s, append(flags, "-d", s.questions, "-l", strconv.Itoa(l.seconds), "-t", "1")...)
}

// plain is an experiment without flags of its own for dnsperf.
func plain(do func(context.Context, *laboratory, subject, ...string) (sample, error)) func(context.Context, *laboratory, subject) (sample, error) {
	return func(ctx context.Context, l *laboratory, s subject) (sample, error) { return do(ctx, l, s) }
}

// doMemory asks for ten times as many names, once.
func doMemory(ctx context.Context, l *laboratory, s subject) (sample, error) {
	return l.cost(ctx, s, "-d", l.path("all.questions"), "-n", "1")
}

// flags are dnsperf's.
func (l *laboratory) flags(args ...string) []string {
	if l.edns {
		args = append(args, "-e")
	}
	return args
}

// cost runs dnsperf, and takes what the server had to do for it.
func (l *laboratory) cost(ctx context.Context, s subject, args ...string) (sample, error) {
	before, err := l.read(ctx, s)
	if err != nil {
		return sample{}, err
	}
	measured, err := load(ctx, s.at, l.flags(args...)...)
	if err != nil {
		return sample{}, err
	}
	select {
	case <-time.After(settle):
	case <-ctx.Done():
		return sample{}, ctx.Err()
	}
	after, err := l.read(ctx, s)
	measured.cpu, measured.kernel = after.cpu-before.cpu, after.kernel-before.kernel
	measured.upstream = after.upstream - before.upstream
	measured.grown = after.grown - before.grown
	return measured, err
}

// read takes the meters: in a sample, as figures since the start.
func (l *laboratory) read(ctx context.Context, s subject) (m sample, err error) {
	if m.cpu, m.kernel, err = s.cpu(); err != nil {
		return m, err
	}
	if m.grown, err = s.rss(); err != nil {
		return m, err
	}
	m.upstream, err = s.internet.queries(ctx)
	return m, err
}

// check asks for some names, and compares the answers with what the zones say:
// a server that is wrong is not fast, and one that does not say AD has not validated.
func check(ctx context.Context, at netip.AddrPort, e experiment) error {
	for i := 0; i < sites; i += sites / 50 {
		qtype, want := dns.TypeA, hostAddress(0)
		if e.dns64 {
			qtype, want = dns.TypeAAAA, embed(prefix64(), hostAddress(0))
		}
		r, err := ask(ctx, at, "h0."+siteName(i), qtype)
		if err != nil {
			return err
		}
		got := ""
		switch rr := r.Answer[0].(type) {
		case *dns.A:
			got = rr.A.String()
		case *dns.AAAA:
			got = rr.AAAA.String()
		}
		if len(r.Answer) != 1 || got != want.String() {
			return fmt.Errorf("h0.%s: the answer is %v, not %s", siteName(i), r.Answer, want)
		}
		if r.AuthenticatedData != e.signed {
			return fmt.Errorf("h0.%s: AD is %t", siteName(i), r.AuthenticatedData)
		}
	}
	return nil
}

// embed is RFC 6052 2.2 for a prefix of 96 bits.
func embed(prefix netip.Prefix, v4 netip.Addr) netip.Addr {
	a, b := prefix.Addr().As16(), v4.As4()
	copy(a[12:], b[:])
	return netip.AddrFrom16(a)
}
