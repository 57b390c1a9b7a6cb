package main

import (
	"bytes"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/config"
)

const dnsperfSays = `DNS Performance Testing Tool
Version 2.10.0
Statistics:

  Queries sent:         20000
  Queries completed:    19990 (99.95%)
  Queries lost:         10 (0.05%)

  Response codes:       NOERROR 19980 (99.95%), SERVFAIL 10 (0.05%)
  Average packet size:  request 28, response 44
  Run time (s):         0.199691
  Queries per second:   100154.739072
`

func TestDnsperfIsUnderstood(t *testing.T) {
	t.Parallel()
	got, err := parseDnsperf(dnsperfSays)
	want := sample{answered: 19990, lost: 10, noerror: 0.9995, octets: 44, took: 199691 * time.Microsecond}
	if err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	if err := got.good(); err != nil {
		t.Error(err)
	}
	if _, err := parseDnsperf("Error: unable to connect"); err == nil {
		t.Error("an error was taken for a result")
	}
}

func TestFiguresOfAServerThatFailsDoNotCount(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]sample{
		"no answers":  {lost: 100},
		"many lost":   {answered: 900, lost: 100, noerror: 1},
		"not NOERROR": {answered: 1000, noerror: 0.9},
	} {
		if s.good() == nil {
			t.Errorf("%s: counts", name)
		}
	}
}

func TestProcIsUnderstood(t *testing.T) {
	t.Parallel()
	cpu, kernel, err := parseCPU([]byte("7 (a) b) c) S 1 7 7 0 -1 4194560 1 2 3 4 150 25 0 0 20 0 1 0 9\n"))
	if err != nil || cpu != 1750*time.Millisecond || kernel != 250*time.Millisecond {
		t.Errorf("cpu: %v, of these %v in the kernel, %v", cpu, kernel, err)
	}
	if _, _, err := parseCPU([]byte("7 (a) S 1")); err == nil {
		t.Error("cpu: a short line has been read")
	}
	rss, err := parseRSS("Name:\tx\nVmHWM:\t     300 kB\nVmRSS:\t     200 kB\n")
	if err != nil || rss != 200<<10 {
		t.Errorf("rss: %d, %v", rss, err)
	}
	if _, err := parseRSS("Name:\tx\n"); err == nil {
		t.Error("rss: found in nothing")
	}
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	for line, ok := range map[string]bool{
		"":                                    true,
		"-only cold,memory -peers sextant":    true,
		"-network 127.9.9.0/24 -rounds 1":     true,
		"-only warm":                          false,
		"-peers bind":                         false,
		"-network 192.0.2.0/24":               false, // loopback addresses only
		"-network 127.0.0.0/8":                false,
		"-seconds 0":                          false,
		"-rounds 1000":                        false,
		"now":                                 false,
		"-network 127.0.53.1/24 -only cached": false,
	} {
		if _, err := parseOptions(strings.Fields(line), &bytes.Buffer{}); (err == nil) != ok {
			t.Errorf("%q: %v", line, err)
		}
	}
}

func TestServersThatAreNotInstalledAreLeftOut(t *testing.T) {
	t.Parallel()
	o := options{sextant: filepath.Join(t.TempDir(), "sextant"), peers: []string{"sextant"}}
	if _, _, err := findServers(o); err == nil || !strings.Contains(err.Error(), "sextant is left out") {
		t.Errorf("got %v", err)
	}
}

// The zones are what a resolver will see: they must parse, and be of the size that
// the table's titles say.
func TestNamespace(t *testing.T) {
	t.Parallel()
	n := &internet{network: netip.MustParsePrefix("127.0.53.0/24"), dir: t.TempDir()}
	for _, write := range []func() error{n.writeRoot, n.writeTLDs, n.writeSites} {
		if err := write(); err != nil {
			t.Fatal(err)
		}
	}
	for file, delegations := range map[string]int{"root.zone": tlds, "t0.zone": sites / tlds, "site0.zone": 0} {
		seen := map[string]bool{}
		f, err := os.Open(filepath.Join(n.dir, file))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		origin := map[string]string{"root.zone": ".", "t0.zone": "t0.", "site0.zone": "z0.t0."}[file]
		p := dns.NewZoneParser(f, origin, file)
		for rr, ok := p.Next(); ok; rr, ok = p.Next() {
			if _, ns := rr.(*dns.NS); ns && rr.Header().Name != origin {
				seen[rr.Header().Name] = true
			}
		}
		if p.Err() != nil || len(seen) != delegations {
			t.Errorf("%s: %d delegations, %v; want %d", file, len(seen), p.Err(), delegations)
		}
	}
	path := filepath.Join(n.dir, "questions")
	if err := writeQuestions(path, "A", hosts); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if slices.Sort(lines); len(slices.Compact(lines)) != 100_000 {
		t.Errorf("%d questions", len(lines))
	}
}

// What is signed is what a validator wants to see: each RRset but glue and the NS of
// delegations, and an NSEC ring in canonical order.
func TestSignedZones(t *testing.T) {
	t.Parallel()
	keys, err := newSigner(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	const text = apex + "@ NS ns.nic\nns.nic A 192.0.2.1\nz2 NS ns.z2\nns.z2 A 192.0.2.2\nz10 A 192.0.2.3\n"
	signed, err := keys.sign("t0.", text+keys.ds("z2.t0."))
	if err != nil {
		t.Fatal(err)
	}
	names, err := parseZone("t0.", signed)
	if err != nil {
		t.Fatal(err)
	}
	verified, next := 0, map[string]string{}
	for name, rrs := range names {
		for _, rr := range rrs {
			if nsec, ok := rr.(*dns.NSEC); ok {
				next[name] = nsec.NextDomain
			}
			sig, ok := rr.(*dns.RRSIG)
			if !ok {
				continue
			}
			set := slices.DeleteFunc(slices.Clone(rrs), func(rr dns.RR) bool { return rr.Header().Rrtype != sig.TypeCovered })
			if err := sig.Verify(keys.key("t0."), set); err != nil || !sig.ValidityPeriod(time.Now()) {
				t.Errorf("%s: %v", sig, err)
			}
			if sig.TypeCovered == dns.TypeNS && name != "t0." || name == "ns.z2.t0." {
				t.Errorf("%s is signed", name)
			}
			verified++
		}
	}
	// SOA, NS, DNSKEY, NSEC; A, NSEC; A, NSEC; DS, NSEC.
	if verified != 10 {
		t.Errorf("%d signatures", verified)
	}
	want := map[string]string{"t0.": "ns.nic.t0.", "ns.nic.t0.": "z10.t0.", "z10.t0.": "z2.t0.", "z2.t0.": "t0."}
	if !maps.Equal(next, want) {
		t.Errorf("NSEC %v, want %v", next, want)
	}
}

func TestConfigurationsSayWhetherToValidate(t *testing.T) {
	t.Parallel()
	anchored, plain := setup{anchor: ". 3600 IN DS 1 13 2 00"}, setup{}
	for _, s := range allServers("") {
		if with := s.config(anchored); !strings.Contains(with, anchored.anchor) {
			t.Errorf("%s: no trust anchor in\n%s", s.name, with)
		}
	}
	if text := sextantConfig(plain); !strings.Contains(text, "validate: false") {
		t.Errorf("validates by default:\n%s", text)
	}
	if text := unboundConfig(plain); strings.Contains(text, "validator") {
		t.Errorf("validates:\n%s", text)
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	e := experiment{title: "things", figures: []figure{
		{"compared", func(s sample) float64 { return float64(s.octets) }, "%.0f", true},
		{"told", func(s sample) float64 { return float64(s.lost) }, "%.0f", false},
	}}
	var out bytes.Buffer
	printResults(&out, e, []server{{name: "us"}, {name: "them"}}, [][]sample{
		{{octets: 10, lost: 1}, {octets: 30, lost: 1}},
		{{octets: 20, lost: 1}, {octets: 20, lost: 1}},
	})
	const want = `
things
             us   them   us/them (each round)
  compared   20   20     1.00 (0.50 1.50)
  told       1    1      
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestEmbed(t *testing.T) {
	t.Parallel()
	if got := embed(prefix64(), hostAddress(0)); got != netip.MustParseAddr("2001:db8:64::c633:6401") {
		t.Error(got)
	}
}

func TestEachConfigurationIsOneThatSextantTakes(t *testing.T) {
	t.Parallel()
	plain := setup{at: netip.MustParseAddrPort("127.0.53.9:53"), network: netip.MustParsePrefix("127.0.53.0/24"), hints: "root.hints"}
	signed, dns64, subnets := plain, plain, plain
	signed.anchor = ". DS 1 13 2 " + strings.Repeat("00", 32)
	dns64.dns64 = true
	subnets.authority = netip.MustParseAddrPort("127.0.53.60:53")
	for title, s := range map[string]setup{"plain": plain, "signed": signed, "DNS64": dns64, "subnets": subnets} {
		c, err := config.Parse("sextant.yaml", []byte(sextantConfig(s)))
		if err != nil {
			t.Errorf("%s: %v", title, err)
		} else if c.DNSSEC.Validate != (s.anchor != "") {
			t.Errorf("%s: validates: %v", title, c.DNSSEC.Validate)
		}
	}
}

// What is asked is in the form that dnsperf reads, and the authority tailors.
func TestSubnets(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "questions")
	if err := writeSubnetQuestions(path); err != nil {
		t.Fatal(err)
	}
	stream, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	authority, seen := &tailor{}, map[string]bool{}
	for len(stream) > 0 {
		length := int(stream[0])<<8 | int(stream[1])
		var q dns.Msg
		if err := q.Unpack(stream[2 : 2+length]); err != nil {
			t.Fatal(err)
		}
		stream = stream[2+length:]
		seen[q.Question[0].Name+" "+subnetAnswer(authority.answer(&q))] = true
	}
	if len(seen) != subnetNames*subnetNetworks || !seen["h7.geo.ecs. 198.99.7.0 for 9.99.7.0/24"] || authority.asked.Load() != int64(len(seen)) {
		t.Errorf("%d pairs", len(seen))
	}
	plain := subnetQuestion(1, clientNetwork(0))
	plain.Extra = nil
	if got := subnetAnswer(authority.answer(plain)); got != "198.0.7.0" {
		t.Errorf("without an option: %s", got)
	}
	plain.SetQuestion(subnetZone, dns.TypeA)
	if r := authority.answer(plain); len(r.Answer) != 0 || len(r.Ns) != 1 {
		t.Errorf("the apex: %v", r)
	}
}

func TestWaitsAreUnderstood(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	out.WriteString("[Status] Sending queries (to 127.0.53.200:53)\n> T h9.z9.t9. A\n")
	for i := 1000; i > 0; i-- { // in any order
		fmt.Fprintf(&out, "> NOERROR h0.z%d.t0. A 0.%06d\n", i, i)
	}
	out.WriteString(dnsperfSays)
	got, err := parseWaits(strings.NewReader(out.String()))
	want := waits{500 * time.Microsecond, 990 * time.Microsecond, 999 * time.Microsecond, time.Millisecond}
	if err != nil || got.waits != want || got.answered != 19990 {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	if _, err := parseWaits(strings.NewReader(dnsperfSays)); err == nil {
		t.Error("times were found where there are none")
	}
}

func TestKxdpgunIsUnderstood(t *testing.T) {
	t.Parallel()
	got, err := parseKxdpgun("total queries:     400000 (200000 pps) (100%)\ntotal replies:     209308 (104654 pps) (52%)\naverage DNS reply size: 58 B\n")
	if err != nil || got != 104654 {
		t.Errorf("got %d, %v", got, err)
	}
	if _, err := parseKxdpgun("failed to init XDP socket#0 (Operation not permitted)\n"); err == nil {
		t.Error("an error was taken for a result")
	}
}

func TestCollectionsAreCounted(t *testing.T) {
	t.Parallel()
	p := &process{log: filepath.Join(t.TempDir(), "log")}
	if err := os.WriteFile(p.log, []byte("gc 1 @0.01s 2%: 0.01+1+0.01 ms clock\nlevel=INFO msg=\"gc \"\ngc 2 @0.2s 1%: 0.01+1+0.01 ms clock\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if n, err := p.collections(); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

// Where servers have two threads, all have.
func TestThreads(t *testing.T) {
	t.Parallel()
	l := &laboratory{options: options{network: netip.MustParsePrefix("127.0.53.0/24")}, internet: &internet{}}
	for _, e := range experiments() {
		for _, s := range allServers("sextant") {
			env, config := strings.Join(e.environment(s), " "), s.config(l.setup(experiment{cores: e.cores}, s))
			switch s.name {
			case "sextant":
				if two := strings.HasSuffix(env, "GOMAXPROCS=2"); two != (e.cores == 2) {
					t.Errorf("%s: %s", e.key, env)
				}
			case "unbound":
				if two := strings.Contains(config, "num-threads: 2\n so-reuseport: yes\n"); two != (e.cores == 2) {
					t.Errorf("%s: %s", e.key, config)
				}
			}
		}
	}
}

func TestResultsSayWhatTheyAreNot(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "RESULTS.md")
	if err := writeResults(file, []byte("\nmachine: a\n")); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(text), "not about another machine") || !strings.HasSuffix(string(text), "```\nmachine: a\n```\n") {
		t.Errorf("%q, %v", text, err)
	}
}

// Where the files of one run were is nobody's business.
func TestCommandsAreThoseOfAnyRun(t *testing.T) {
	t.Parallel()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	l := &laboratory{dir: "/some/where", internet: &internet{configs: []string{"/some/where/root.conf"}}}
	servers := allServers(filepath.Join(here, "bin/sextant"))
	var out strings.Builder
	printCommands(&out, l, servers[:1])
	if got := out.String(); !strings.HasPrefix(got, "$ taskset -c 1 nsd -d -c DIR/root.conf\n$ GOMAXPROCS=1 taskset -c 0 bin/sextant serve --config DIR/sextant.conf\n") {
		t.Error(got)
	}
}
