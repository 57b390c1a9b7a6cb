package metrics

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

var update = flag.Bool("update", false, "write the golden files anew")

// busy is a snapshot in which every series has values.
func busy() Snapshot {
	ms := time.Millisecond
	return Snapshot{
		Server: Server{
			Queries: []Queries{
				{"udp", "A", "NOERROR", 5},
				{"udp", "A", "NXDOMAIN", 2},
				{"udp", "AAAA", "NOERROR", 3},
				{"tcp", "TXT", "SERVFAIL", 1},
				{"udp", "TYPE4711", "RCODE17", 1},
				{"udp", "TYPE4712", "RCODE18", 1},
			},
			PacketHits: 6, PacketMisses: 7, PacketEntries: 8, PacketBytes: 9,
			Dropped: map[string]uint64{"short": 1, "response": 2},
			Limited: []Limited{{"answer", "truncated", 3}, {"error", "withheld", 4}},
			Cookies: map[string]uint64{"new": 5, "good": 6, "bad": 1},
			Panics:  1, Waiting: 2,
			Resolve: Histogram{[]time.Duration{ms, 10 * ms, time.Second}, []uint64{4, 0, 2, 1}, 2500 * ms},
			TCP:     TCP{Open: 3, Accepted: 10, Refused: 1, Evicted: 2},
		},
		Resolver: Resolver{
			Hits: 11, Misses: 12, Entries: 13, Bytes: 15, Prefetches: 14,
			Exchanges: []Exchanges{{"udp", "answer", 20}, {"udp", "timeout", 2}, {"tcp", "answer", 1}, {"udp", "answer", 1}},
			RTT:       Histogram{[]time.Duration{10 * ms, 100 * ms}, []uint64{15, 6, 0}, 700 * ms},
			Subnets:   Subnets{Sent: 31, Withheld: map[string]uint64{"opt-out": 3, "type": 32}, Confirms: 4, Refused: 5, Unkept: 7, Kept: 6},
		},
		Validation: Validation{
			Answers:    map[string]uint64{"secure": 30, "insecure": 40, "bogus": 3, "unchecked": 5},
			Bogus:      map[uint16]uint64{6: 1, 7: 2},
			Signatures: 99, Negative: 2,
			Keys:     []TrustKeys{{".", "valid", 2}, {".", "addpend", 1}, {"corp.example.", "missing", 1}},
			Points:   []TrustPoint{{".", time.Hour}, {"corp.example.", -1}},
			Troubles: map[string]uint64{"probe": 4},
		},
		Copies: []Copy{
			{Zone: ".", Used: true, Held: true, Serial: 2026112100, Age: 90 * time.Second, Left: 7 * 24 * time.Hour, Transfers: 2, Confirmations: 30, Failures: 1},
			{Zone: "example.", Failures: 3},
		},
		Updates:  map[string]uint64{"NOERROR": 6, "NXRRSET": 1},
		Catalogs: []Catalog{{"cat.example.", true, 1200, 3}, {"ours.example.", false, 2, 0}},
		Between: Between{
			Transfers: []Transfers{{"in", "AXFR", "received", 5}, {"out", "IXFR", "sent", 6}, {"out", "IXFR", "sent", 1}, {"in", "any", "failed", 2}},
			Notifies:  []Notifies{{"in", "refused", 4}, {"out", "sent", 8}},
		},
		DNS64: []Synthesis{{"default", "standard", 4}, {"lab \xff", "forced", 9}},
		Drivers: []Driver{
			{"eth0", 0, 100, 90, map[string]uint64{"malformed": 1, "checksum": 2, "full": 3, "send": 4}},
			{"eth0", 1, 50, 49, map[string]uint64{"malformed": 0, "checksum": 0, "full": 0, "send": 0}},
		},
		Lifeline: []Protected{{
			Zone: "example.io.", State: "emergency", Votes: map[string]int{"silent": 6, "denies": 1}, Answers: map[string]uint64{"parent": 5, "known": 7},
			Age: 90 * time.Second, Pending: true, Activations: map[string]uint64{"silent": 2}, Unsaved: 1,
		}},
		Overrides: Overrides{
			All:     []Override{{"example.io.", "servers", "outage", true}, {"example.io.", "mirror", "manual", false}},
			Answers: []OverrideAnswers{{"example.io.", "servers", 3}, {"example.io.", "servers", 4}},
		},
		Health: Health{
			Targets: []HealthTarget{
				{"fra", "192.0.2.1", "tcp:443", true, 2, map[string]uint64{"passed": 5, "failed": 3}},
				{"fra", "192.0.2.1", "tcp:443", false, 3, map[string]uint64{"passed": 1, "failed": 4, "blind": 1}}, // at another pace
				{"iad", "2001:db8::1", "icmp", true, 1, map[string]uint64{"passed": 9}},
			},
			Held: map[string]bool{"ipv4": false, "ipv6": true},
			Took: Histogram{[]time.Duration{10 * ms, time.Second}, []uint64{20, 2, 1}, 4 * time.Second},
		},
		Geo: Geo{Used: true, Age: 90 * time.Second, Classes: 12, Bytes: 4096, Accepted: 2, Refused: 1,
			Answers: []GeoAnswers{{"example.com.", "fra", 7}, {"example.com.", "fra+iad", 2}, {".", "other", 1}}},
	}
}

// registryOf has the series of one snapshot and nothing else.
func registryOf(t *testing.T, s Snapshot) *prometheus.Registry {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	if err := r.Register(&collector{newCatalogue(), "1.2.3", func() Snapshot { return s }}); err != nil {
		t.Fatal(err)
	}
	return r
}

// exposition is what Prometheus is told.
func exposition(t *testing.T, s Snapshot) string {
	t.Helper()
	w := httptest.NewRecorder()
	promhttp.HandlerFor(registryOf(t, s), promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	return strings.ReplaceAll(w.Body.String(), runtime.Version(), "go")
}

// golden compares got with a file, or writes the file when -update is given.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (go test -update writes it anew); got:\n%s", file, got)
	}
}

func TestExposition(t *testing.T) {
	t.Parallel()
	golden(t, "testdata/busy.txt", exposition(t, busy()))
}

func TestExpositionOfAProgramThatHasJustStarted(t *testing.T) {
	t.Parallel()
	golden(t, "testdata/idle.txt", exposition(t, Snapshot{}))
}

func TestEverySeriesIsInTheBusyExposition(t *testing.T) {
	t.Parallel()
	text := exposition(t, busy())
	c := newCatalogue()
	for _, s := range c.all() {
		if !strings.Contains(text, "# TYPE "+s.name+" "+s.kind+"\n") {
			t.Errorf("%s, a %s, is missing", s.name, s.kind)
		}
	}
}

func TestNamesPassPromlint(t *testing.T) {
	t.Parallel()
	families, err := registryOf(t, busy()).Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestClientsCannotMakeSeries(t *testing.T) {
	t.Parallel()
	var all Snapshot
	for v := range 1 << 16 {
		all.Server.Queries = append(all.Server.Queries, Queries{"udp", fmt.Sprint("TYPE", v), fmt.Sprint("RCODE", v), 1})
	}
	lines := strings.Split(exposition(t, all), "\n")
	if len(lines) > 80 {
		t.Errorf("%d lines", len(lines))
	}
}

func TestTheReferenceListsEverySeries(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("# Metrics\n\nWith `metrics: 127.0.0.1:9153` in the [configuration](configuration.md), Sextant serves these series at " +
		"`http://127.0.0.1:9153/metrics`,\nbeside those of the Go runtime (`go_*`) and of the process (`process_*`). Values count from the start " +
		"of the program.\n\n| Series | Type | Labels | Meaning |\n|---|---|---|---|\n")
	c := newCatalogue()
	for _, s := range c.all() {
		labels := ""
		if len(s.labels) > 0 {
			labels = "`" + strings.Join(s.labels, "`, `") + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", s.name, s.kind, labels, s.help)
	}
	b.WriteString(notes)
	golden(t, "../docs/reference/metrics.md", b.String())
}

const notes = `
Labels: ` + "`proto`" + ` is udp or tcp. ` + "`type`" + ` is a query type and ` + "`rcode`" + ` a response code by name; those that are rare are "other", so that
clients cannot make series. ` + "`reason`" + ` and ` + "`result`" + ` are short words. ` + "`view`" + ` is a view's name in the configuration, ` + "`mode`" + ` is
standard or forced. ` + "`zone`" + ` is the name of a zone of which a copy is kept, or whose trust anchors are kept up to date. ` + "`security`" + `
is secure, insecure, bogus or, for those who set CD, unchecked. ` + "`ede`" + ` is a number ([what to do](../how-to/validate.md)), ` + "`state`" + ` one of RFC
5011 in lower case. ` + "`event`" + ` is probe (the zone could not be asked for its keys), missing (a trust anchor is not among them), deleted (all
of them were revoked), unusable, unsaved or ignored (of their history). ` + "`site`" + `, ` + "`addr`" + ` and ` + "`check`" + ` are
[what is checked](health-checks.md), ` + "`family`" + ` is ipv4 or ipv6. Of overrides, ` + "`kind`" + ` is servers, local, mirror or pin, and
` + "`when`" + ` always, outage or manual.

Reasons of ` + "`sextant_ecs_withheld_total`" + `: off, for this name; type, for this type; opt-out, the client wants nothing told; no-client, the resolver
asks for itself; no-option, only options are passed on and there was none; private, the client's network is not to be told; foreign, the
option is about others; delegation, the zone only delegates; server, it is not to be told or makes nothing of it; retry, it did not reply
when it was told.

The share of queries that the packet cache answers:

` + "```promql" + `
rate(sextant_packet_cache_hits_total[5m])
  / (rate(sextant_packet_cache_hits_total[5m]) + rate(sextant_packet_cache_misses_total[5m]))
` + "```" + `

How long the slowest hundredth of the other queries takes:

` + "```promql" + `
histogram_quantile(0.99, rate(sextant_resolve_duration_seconds_bucket[5m]))
` + "```" + `
`

func TestRunServesUntilItsContextIsDone(t *testing.T) {
	t.Parallel()
	e := New("1.2.3", busy)
	if err := e.Listen(netip.MustParseAddrPort("127.0.0.1:0")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	for path, want := range map[string]string{
		"/metrics": "sextant_queries_total{proto=\"udp\",type=\"A\"} 7\n",
		"/":        "go_goroutines",
	} {
		if body := get(t, "http://"+e.Addr().String()+path); !strings.Contains(body, want) {
			t.Errorf("%s: no %q in\n%s", path, want, body)
		}
	}
	if err := New("", busy).Listen(e.Addr()); err == nil {
		t.Error("the address could be taken twice")
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("%s: status %d, %v", url, r.StatusCode, err)
	}
	return string(body)
}
