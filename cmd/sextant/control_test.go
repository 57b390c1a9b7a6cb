package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"hash/fnv"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant"
	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/control"
	"github.com/sextant-dns/sextant/lab"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
)

var rewrite = flag.Bool("update", false, "write the golden files anew")

// steady is the lab with nothing left to chance. In the bubble of synctest, where
// it belongs, its servers are some milliseconds away, each as far as no other.
func steady(t *testing.T, yaml string) *parts {
	t.Helper()
	net, err := lab.New(sextant.LabZones(), lab.Options{Latency: func(server netip.Addr) time.Duration {
		sum := fnv.New32a()
		sum.Write(server.AsSlice())
		return 5*time.Millisecond + time.Duration(sum.Sum32()%20_000)*time.Microsecond
	}})
	if err != nil {
		t.Fatal(err)
	}
	w := wiring{exchanger: net, unsigned: true, intN: func(n int) int { return n - 1 }}
	for _, root := range net.Roots() {
		w.hints = append(w.hints, resolver.Server(root))
	}
	p, err := build(parsed(t, yaml), w)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The pages for a few names of the lab, one after the other: what the first have
// taught the resolver the later ones show.
func TestExplainTellsTheWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := write(t, map[string]string{"corp.zone": goodZone + "out CNAME v4only.example.com.\n"})
		p := steady(t, `
dns64: {mode: forced}
zones: [{name: corp.example, file: `+filepath.Join(dir, "corp.zone")+`}]
rebinding: {filter: true, private: [93.184.215.15/32]}
views:
  - {name: office, clients: [192.0.2.0/24], dns64: {mode: "off"}}
  - {name: lab, clients: [127.0.0.0/8]}
`)
		var b strings.Builder
		for _, r := range []control.ExplainRequest{
			{Name: "www.facebook.com", Type: "AAAA"},
			{Name: "www.facebook.com", Type: "AAAA", Client: "192.0.2.7"},
			{Name: "v6only.example.com", Type: "AAAA"},
			{Name: "v4only.old.example.org", Type: "A", View: "office", Subnet: "198.51.100.7/24", DO: true},
			{Name: "nobody.example.com", Type: "TXT"},
			{Name: "nobody.example.com", Type: "MX", Fresh: true},
			{Name: "dual.example.com", View: "office"},
			{Name: "localhost"},
			{Name: "ipv4only.arpa", Type: "AAAA"},
			{Name: "db.corp.example"},
			{Name: "out.corp.example", View: "office"},
			{Name: "www.example.org", NoRecurse: true},
			{Name: "www.example.org", Client: "203.0.113.1"},
		} {
			b.WriteString(story(t, p, r) + "\n")
		}
		golden(t, "testdata/explain.txt", b.String())
	})
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *rewrite {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (go test -update writes it anew); got:\n%s", file, got)
	}
}

// All kinds of events that the layers above the resolver leave; its own are seen
// to in package resolver.
func TestEachLayerLeavesATrace(t *testing.T) {
	t.Parallel()
	p := steady(t, "rebinding: {filter: true, private: [93.184.215.0/24]}\ndns64: {mode: standard}\n"+
		"zones: [{name: corp.example, file: "+filepath.Join(write(t, map[string]string{"c": goodZone}), "c")+"}]")
	for name, kind := range map[string]lookup.EventKind{
		"localhost": lookup.EventSpecial, "db.corp.example": lookup.EventZone, "v4only.example.com": lookup.EventFilter,
		"dual.example.com": lookup.EventView, "www.wikipedia.org": lookup.EventCut,
	} {
		seen(t, p, control.ExplainRequest{Name: name}, kind)
	}
	for name, want := range map[string]string{
		"github.com": "synthesize", "ipv4only.arpa": "answered here", "www.facebook.com": "pass",
	} {
		if step := seen(t, p, control.ExplainRequest{Name: name, Type: "AAAA"}, lookup.EventRule); !strings.Contains(step, want) {
			t.Errorf("%s: %s, want %s", name, step, want)
		}
	}
	seen(t, p, control.ExplainRequest{Name: "b.d.e.1.d.8.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.b.9.f.f.4.6.0.0.ip6.arpa", Type: "PTR"}, lookup.EventRule)
	seen(t, p, control.ExplainRequest{Name: "github.com", Type: "AAAA", CD: true}, lookup.EventRule)
}

// seen is the last step of that kind.
func seen(t *testing.T, p *parts, r control.ExplainRequest, kind lookup.EventKind) (text string) {
	t.Helper()
	e, err := p.explain(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range e.Steps {
		if s.Kind == kind.String() {
			text = s.Text
		}
	}
	if text == "" {
		t.Errorf("%+v: no step of the kind %s in %+v", r, kind, e.Steps)
	}
	return text
}

func TestWhatCannotBeExplained(t *testing.T) {
	t.Parallel()
	p := steady(t, "")
	for want, r := range map[string]control.ExplainRequest{
		`there is no view "x"; want default`: {Name: "a", View: "x"},
		`there is no type "x"`:               {Name: "a", Type: "x"},
		"empty label":                        {Name: "a..b"},
		"client:":                            {Name: "a", Client: "x"},
		"subnet:":                            {Name: "a", Subnet: "x"},
	} {
		if _, err := p.explain(t.Context(), r); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", r, err, want)
		}
	}
}

// command runs a command and gives what it printed.
func command(t *testing.T, code int, args ...string) string {
	t.Helper()
	var out, errOut bytes.Buffer
	if got := run(t.Context(), args, &out, &errOut); got != code {
		t.Errorf("sextant %s: exit code %d, want %d: %s", strings.Join(args, " "), got, code, errOut.String())
	}
	return out.String() + errOut.String()
}

// operated is a lab that listens on a control socket.
func operated(t *testing.T, p *parts) (socket string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "sx") // shorter than t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	socket = filepath.Join(dir, "c.sock")
	p.control = control.New(control.Options{Socket: socket, Handlers: p.handlers()})
	if err := p.control.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- p.control.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		os.RemoveAll(dir)
	})
	return socket
}

func TestOperatorsSeeAndFlushTheCaches(t *testing.T) {
	t.Parallel()
	p := steady(t, "dns64: {mode: forced}")
	socket := operated(t, p)
	at := func(code int, args ...string) string { return command(t, code, append(args, "--socket", socket)...) }

	for name, kind := range map[string]lookup.Type{"v4only.example.com.": lookup.TypeA, "nobody.example.com.": lookup.TypeA, "www.facebook.com.": lookup.TypeAAAA} {
		ask(t, p, lookup.MustName(name), kind)
	}
	dump := at(exitOK, "cache", "dump")
	for _, want := range []string{
		"v4only.example.com.\t3", "IN\tA\t93.184.215.14 ; answer",
		"; nobody.example.com.: denial NXDOMAIN, ", "says example.com.", "example.com.\t", "IN\tNS\t", " ; delegation",
	} {
		if !strings.Contains(dump, want) {
			t.Errorf("no %q in\n%s", want, dump)
		}
	}
	if sets, err := lookup.ParseRRsets(dump); err != nil || len(sets) < 10 {
		t.Errorf("the dump is no master file: %d sets, %v", len(sets), err)
	}
	if got := at(exitOK, "cache", "dump", "--type", "packets"); strings.Count(got, "\n") != 3 || !strings.Contains(got, "; www.facebook.com. AAAA: packet NOERROR, ") {
		t.Errorf("packets:\n%s", got)
	}
	if got := at(exitOK, "cache", "dump", "--type", "failures"); got != "" {
		t.Errorf("failures:\n%s", got)
	}
	var r control.Record
	if err := json.NewDecoder(strings.NewReader(at(exitOK, "cache", "dump", "--json", "--type", "delegations"))).Decode(&r); err != nil || r.Kind != "delegation" {
		t.Errorf("%+v, %v", r, err)
	}
	at(exitFailed, "cache", "dump", "--type", "everything")

	got := at(exitOK, "cache", "lookup", "v4only.example.com")
	for _, want := range []string{"v4only.example.com.\t", "; v4only.example.com. A: packet", "example.com.\t", "; the servers of example.com.", "well, speaks EDNS"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if got := at(exitOK, "cache", "lookup", "www.six.jp", "AAAA"); !strings.Contains(got, "nothing is known of www.six.jp. itself") || !strings.Contains(got, "delegation") {
		t.Errorf("lookup:\n%s", got)
	}
	at(exitFailed, "cache", "lookup", "www..jp")

	if got := at(exitOK, "cache", "flush", "v4only.example.com", "--type", "A"); got != "forgotten: 1 answers, 0 delegations, 0 failures; and 3 packets\n" {
		t.Errorf("flush: %s", got)
	}
	if got := at(exitOK, "cache", "flush", "example.com", "--zone", "--json"); !strings.Contains(got, `"answers":1,"delegations":1,`) {
		t.Errorf("flush: %s", got)
	}
	at(exitFailed, "cache", "flush", "--zone")
	if got := at(exitOK, "cache", "flush"); !strings.Contains(got, "0 packets") || strings.Contains(got, "forgotten: 0 ") {
		t.Errorf("flush: %s", got)
	}
	if got := at(exitOK, "cache", "dump", "--type", "answers,packets"); got != "" {
		t.Errorf("after the flush:\n%s", got)
	}
}

func TestOperatorsAskHowTheServerIsAndWhy(t *testing.T) {
	t.Parallel()
	p := steady(t, "dns64: {mode: forced}")
	socket := operated(t, p)
	ask(t, p, lookup.MustName("github.com."), lookup.TypeA)
	ask(t, p, lookup.MustName("github.com."), lookup.TypeA)
	got := command(t, exitOK, "status", "--socket", socket)
	for _, want := range []string{"sextant     " + version + ", process ", "views       default\n", "queries     2 (", "50 % from the packet cache", "1 packets, "} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if got := command(t, exitOK, "explain", "github.com", "--socket", socket); !strings.Contains(got, "*  github.com. A: in the cache: answer, ") {
		t.Errorf("explain:\n%s", got)
	}
	if got := command(t, exitOK, "explain", "github.com", "--fresh", "--socket", socket); !strings.Contains(got, "start at .") || !strings.Contains(got, "<- ") {
		t.Errorf("explain --fresh:\n%s", got)
	}
	var e control.Explanation
	if err := json.Unmarshal([]byte(command(t, exitOK, "explain", "github.com", "--json", "--socket", socket)), &e); err != nil || e.Rcode != "NOERROR" || len(e.Steps) == 0 {
		t.Errorf("%+v, %v", e, err)
	}
	command(t, exitFailed, "explain", "github.com", "--view", "x", "--socket", socket)
}

func TestCommandsSayWhenNobodyListens(t *testing.T) {
	t.Parallel()
	nowhere := filepath.Join(t.TempDir(), "c.sock")
	for _, args := range [][]string{{"status"}, {"cache", "dump"}, {"cache", "lookup", "a"}, {"cache", "flush"}, {"explain", "a"}} {
		if got := command(t, exitFailed, append(args, "--socket", nowhere)...); !strings.Contains(got, nowhere+": no server is running there") {
			t.Errorf("%v: %s", args, got)
		}
	}
}

// Without a server the name is resolved by one that is made for the purpose.
func TestExplainHere(t *testing.T) {
	t.Parallel()
	if got := command(t, exitOK, "explain", "v4only.example.com", "AAAA", "--lab"); !strings.Contains(got, "64:ff9b::5db8:d70e") {
		t.Errorf("in the lab:\n%s", got)
	}
	// As the README has it, and from elsewhere.
	for from, want := range map[string]string{"203.0.113.9": "203.0.113.80", "203.0.121.0/24": "198.51.100.80", "2001:db8::1": "192.0.2.80"} {
		if got := command(t, exitOK, "explain", "--lab", "www.places.example", "A", "--from", from); !strings.Contains(got, want) {
			t.Errorf("from %s:\n%s", from, got)
		}
	}
	dir := write(t, map[string]string{"good.yaml": "dns64: {mode: \"off\"}\n", "bad.yaml": "dns64: {mode: maybe}\n"})
	if got := command(t, exitOK, "explain", "v4only.example.com", "AAAA", "--lab", "--config", filepath.Join(dir, "good.yaml")); !strings.Contains(got, "NODATA") {
		t.Errorf("with a configuration:\n%s", got)
	}
	if got := command(t, exitUsage, "explain", "a", "--config", filepath.Join(dir, "bad.yaml")); !strings.Contains(got, "bad.yaml:1:") {
		t.Errorf("with a bad configuration:\n%s", got)
	}
}

// The socket that the default configuration names is made if that can be done.
func TestTheDefaultSocketIsNotRequired(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		socket string
		fails  bool
	}{{filepath.Join(t.TempDir(), "none", "c.sock"), true}, {config.DefaultSocket, false}} {
		p := steady(t, "")
		p.state.Load().config.Control.Socket = c.socket
		p.control = control.New(control.Options{Socket: filepath.Join(t.TempDir(), "none", "c.sock")})
		if err := p.listenControl(); (err != nil) != c.fails {
			t.Errorf("%s: %v", c.socket, err)
		}
	}
}

// The transcripts of the how-tos are what is printed.
func TestTheHowTosShowWhatIsPrinted(t *testing.T) {
	t.Parallel()
	inLab := func(yaml string) func(*testing.T) *parts {
		return func(t *testing.T) *parts { return steady(t, yaml) }
	}
	signed := func(t *testing.T) *parts { return newSignedInternet(t).resolve("resolver: {priming: false}") }
	for _, c := range []struct {
		file, command string
		by            func(*testing.T) *parts
		name, qtype   string
	}{
		{"why.md", "www.facebook.com AAAA --lab", inLab("dns64: {mode: forced}"), "www.facebook.com", "AAAA"},
		{"why.md", "www.example.org --lab --config lab.yaml", inLab("stub: [{name: example.org, servers: [192.0.2.53]}]"), "www.example.org", ""},
		{"validate.md", "v4.good.example", signed, "v4.good.example", ""},
		{"validate.md", "forged.good.example", signed, "forged.good.example", ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			file := "../../docs/how-to/" + c.file
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			told := story(t, c.by(t), control.ExplainRequest{Name: c.name, Type: c.qtype})
			head, rest, ok := strings.Cut(string(text), "$ sextant explain "+c.command+"\n")
			shown, tail, closed := strings.Cut(rest, "```")
			switch {
			case !ok || !closed:
				t.Fatalf("%s has no %q", file, c.command)
			case *rewrite:
				page := head + "$ sextant explain " + c.command + "\n" + told + "```" + tail
				if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
					t.Fatal(err)
				}
			case shown != told:
				t.Errorf("%s shows (go test -update writes it anew)\n%s\nand it is\n%s", file, shown, told)
			}
		})
	}
}

// story is the page that `sextant explain` prints.
func story(t *testing.T, p *parts, r control.ExplainRequest) string {
	t.Helper()
	e, err := p.explain(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := e.Print(&b, control.Plain); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
