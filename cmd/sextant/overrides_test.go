package main

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant"
	"github.com/sextant-dns/sextant/control"
	"github.com/sextant-dns/sextant/lab"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
	"github.com/sextant-dns/sextant/server"
)

// incident is the lab, whose servers of io can be broken.
type incident struct {
	*parts
	net *lab.Internet
	io  []netip.Addr
}

func newIncident(t *testing.T, yaml string) *incident {
	t.Helper()
	net, err := lab.New(sextant.LabZones(), lab.Options{Latency: func(netip.Addr) time.Duration { return 10 * time.Millisecond }})
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
	t.Cleanup(func() { time.Sleep(time.Minute) }) // what is under way ends
	i := &incident{parts: p, net: net}
	for _, host := range []string{"a1", "a2", "a3", "a4", "d1", "l1", "y1"} {
		i.io = append(i.io, net.Addrs(lookup.MustName("ns-"+host+".io."))...)
	}
	return i
}

// hears is what a client hears, on one line.
func (i *incident) hears(t *testing.T, client, name string, kind uint16) string {
	t.Helper()
	from := netip.AddrPortFrom(netip.MustParseAddr(client), 4000)
	var m dns.Msg
	if err := m.Unpack(i.server.Respond(nil, query(t, name, kind), from, server.TCP)); err != nil {
		t.Fatal(err)
	}
	text := dns.RcodeToString[m.Rcode]
	if m.Authoritative {
		text += " aa"
	}
	for _, rr := range m.Answer {
		text += " | " + strings.Join(strings.Fields(rr.String()), " ")
	}
	if o := m.IsEdns0(); o != nil {
		for _, option := range o.Option {
			if e, ok := option.(*dns.EDNS0_EDE); ok {
				text += " | EDE " + lookup.EDE{Code: e.InfoCode, Text: e.ExtraText}.String()
			}
		}
	}
	return text
}

const hisClient = "127.0.0.1"

// The incident of 2016 and three lines of configuration: whatever the servers of io do, the
// names of the zone are answered, and what its own servers deny is denied.
func TestThreeLinesKeepAZoneAlive(t *testing.T) {
	t.Parallel()
	const threeLines = "overrides:\n  - zone: corp.io\n    servers: [52.68.10.53, 54.250.10.53]\n    when: outage\n"
	const answer = "NOERROR | api.corp.io. 300 IN A 52.193.10.20"
	for _, fault := range []lab.Fault{lab.NXDomain, lab.Silent, lab.ServFail, lab.Refused} {
		for _, yaml := range []string{"", threeLines} {
			synctest.Test(t, func(t *testing.T) {
				i := newIncident(t, yaml)
				i.net.Break(fault, i.io...)
				start := time.Now()
				got := i.hears(t, hisClient, "api.corp.io.", dns.TypeA)
				took := time.Since(start)
				switch {
				case yaml == "" && strings.HasPrefix(got, "NOERROR"):
					t.Errorf("%s: without the override: %s", fault, got)
				case yaml != "" && (got != answer || took > 500*time.Millisecond):
					t.Errorf("%s: %s after %s", fault, got, took)
				case yaml != "":
					if got := i.hears(t, hisClient, "new.corp.io.", dns.TypeA); !strings.HasPrefix(got, "NXDOMAIN") {
						t.Errorf("%s: %s", fault, got)
					}
				}
			})
		}
	}
}

// When io is well again, clients hear what everybody hears, within half a minute.
func TestAnOutageEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := write(t, map[string]string{"corp.zone": strings.ReplaceAll(goodZone, "corp.example", "corp.io") + "api 300 A 192.0.2.99\n"})
		i := newIncident(t, "overrides: [{zone: corp.io, file: "+filepath.Join(dir, "corp.zone")+", when: outage}]")
		i.net.Break(lab.NXDomain, i.io...)
		if got := i.hears(t, hisClient, "api.corp.io.", dns.TypeA); got != "NOERROR | api.corp.io. 300 IN A 192.0.2.99" {
			t.Error(got)
		}
		i.net.Mend()
		i.recurse.Flush()
		if got := i.hears(t, hisClient, "api.corp.io.", dns.TypeA); got != "NOERROR | api.corp.io. 300 IN A 192.0.2.99" { // of the packet cache
			t.Error(got)
		}
		time.Sleep(31 * time.Second)
		if got := i.hears(t, hisClient, "api.corp.io.", dns.TypeA); got != "NOERROR | api.corp.io. 300 IN A 52.193.10.20" {
			t.Error(got)
		}
	})
}

// T15, through the whole server, and DNS64 makes of the mirror what it makes of any answer.
func TestAMirrorUnderAnotherTLD(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := newIncident(t, `
dns64: {mode: forced}
overrides: [{zone: corp.io, mirror: corp.jp, when: outage}, {zone: corp.jp, mirror: corp.io, when: outage}]
`)
		i.net.Break(lab.NXDomain, i.io...)
		if got := i.hears(t, hisClient, "api.corp.io.", dns.TypeA); got != "NOERROR | api.corp.io. 300 IN A 52.193.10.20 | EDE 29 (Synthesized): corp.io. is answered from its mirror corp.jp." {
			t.Error(got)
		}
		if got := i.hears(t, hisClient, "api.corp.io.", dns.TypeAAAA); !strings.HasPrefix(got, "NOERROR | api.corp.io. 300 IN AAAA 64:ff9b::34c1:a14 | EDE 29") {
			t.Error(got)
		}
	})
}

// What is heard under an override in one view is heard in no other, neither at once nor
// out of any memory; not in the other direction either.
func TestOverridesDoNotLeakFromView(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := write(t, map[string]string{"corp.zone": "$ORIGIN corp.io.\n@ 60 SOA . . 1 1 1 1 1\n@ 60 NS ns\nns 60 A 192.0.2.1\napi 60 A 10.0.0.1\nout 60 CNAME api.corp.jp.\n"})
		i := newIncident(t, `
views:
  - {name: office, clients: [10.0.0.0/8]}
  - {name: jp, clients: [172.16.0.0/12]}
  - {name: world, clients: [0.0.0.0/0]}
rebinding: {filter: true}
resolver: {snoop: true}
overrides:
  - {zone: corp.io, file: `+filepath.Join(dir, "corp.zone")+`, views: [office]}
  - {zone: corp.io, servers: [52.68.11.53], views: [jp]}
  - {zone: corp.jp, servers: [52.68.10.53], views: [office]}
`)
		for range 3 {
			for client, want := range map[string]string{
				"10.0.0.7":  "NOERROR | api.corp.io. 60 IN A 10.0.0.1", // private, and our own word
				"192.0.2.7": "NOERROR | api.corp.io. 300 IN A 52.193.10.20",
				// The servers of corp.jp know nothing of corp.io.
				"172.16.0.7": "SERVFAIL",
			} {
				if got := i.hears(t, client, "api.corp.io.", dns.TypeA); !strings.HasPrefix(got, want) {
					t.Errorf("%s: %s", client, got)
				}
			}
			time.Sleep(301 * time.Second)
		}
		if got := i.hears(t, "10.0.0.7", "out.corp.io.", dns.TypeA); !strings.HasPrefix(got, "SERVFAIL") { // corp.jp is overridden there, too
			t.Error(got)
		}
		for a := range i.recurse.Answers() {
			if strings.Contains(a.Response.String(), "10.0.0.1") {
				t.Errorf("%s is remembered for all: %s", a.Name, a.Response)
			}
		}
	})
}

// An operator's override is there at once, for packets too, survives a restart, and can be
// taken away.
func TestOperatorsOverride(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	state := filepath.Join(dir, "overrides.json")
	yaml := "control: {overrides: " + state + "}\noverrides: [{zone: corp.jp, servers: [52.68.11.53], when: manual}]\n" + zoneYAML(t)
	p := steady(t, yaml)
	socket := operated(t, p)
	at := func(code int, args ...string) string { return command(t, code, append(args, "--socket", socket)...) }
	has := func(got string, wants ...string) {
		t.Helper()
		for _, want := range wants {
			if !strings.Contains(got, want) {
				t.Errorf("want %s, got\n%s", want, got)
			}
		}
	}
	hear := func(p *parts) string { return ask(t, p, lookup.MustName("api.corp.io."), lookup.TypeA).String() }
	has(hear(p), "52.193.10.20")
	has(at(exitOK, "override", "add", "corp.io", "--file", filepath.Join(dir, "none")+"x", "--for", "1h", "--json", "--servers", "52.68.10.53", "--file="), `"zone":"corp.io."`, `"in_force":true`)
	has(at(exitFailed, "override", "add", "corp.io", "--file", filepath.Join(dir, "none")), "no such file")
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	file := write("corp.zone", "$ORIGIN corp.io.\n@ 60 SOA . . 1 1 1 1 1\n@ 60 NS ns\nns 60 A 192.0.2.1\napi 60 A 192.0.2.77\n")
	has(at(exitOK, "override", "add", "corp.io", "--file", file, "--forever"), "local "+file, "for good")
	has(hear(p), "192.0.2.77") // at once: no packet of before is left
	has(seen(t, p, control.ExplainRequest{Name: "api.corp.io"}, lookup.EventFilter), "override corp.io. (local, always): answers")
	has(at(exitOK, "override", "list"), "corp.io.", "corp.jp.", "manual", "off", "configuration")
	has(at(exitOK, "override", "on", "corp.jp", "--for", "2h"), "manual  all    on")
	again := steady(t, yaml)
	has(hear(again), "192.0.2.77")
	has(again.overridesOf("").String(), "corp.io.", "manual  all    on")
	has(at(exitOK, "override", "off", "corp.jp"), "off")
	if got := at(exitOK, "override", "remove", "corp.io"); got != "there are no overrides\n" {
		t.Error(got)
	}
	has(hear(p), "52.193.10.20")
	for want, args := range map[string][]string{
		"is configured":               {"remove", "corp.jp"},
		"no override of corp.io.":     {"remove", "corp.io"},
		"that can be switched":        {"on", "corp.io"},
		"there is no view":            {"add", "corp.io", "--servers", "192.0.2.1", "--view", "nowhere"},
		"is a zone of ours":           {"add", "corp.example", "--servers", "192.0.2.1"},
		"no override of corp.jp. is ": {"off", "corp.jp"},
	} {
		has(at(exitFailed, append([]string{"override"}, args...)...), want)
	}
	for want, args := range map[string][]string{
		"want one of servers":        {"add", "corp.io"},
		"is no address":              {"add", "corp.io", "--servers", "x"},
		"want a name server":         {"add", "corp.io", "--pin", "192.0.2.1"},
		"want a second at least":     {"add", "corp.io", "--servers", "192.0.2.1", "--for", "1ms"},
		"none of the others can be":  {"on", "corp.jp", "--for", "1h", "--forever"},
		`there is no "x"; want deny`: {"add", "corp.io", "--file", "x", "--absent", "x"},
	} {
		has(command(t, exitUsage, append([]string{"override"}, args...)...), want)
	}
}

func zoneYAML(t *testing.T) string {
	return "zones: [{name: corp.example, file: " + filepath.Join(write(t, map[string]string{"c": goodZone}), "c") + "}]"
}

// A configuration that cannot be built changes nothing, and one that can is in force.
func TestOverridesAreReloaded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "c.yaml")
	reload := func(p *parts, yaml string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
		p.reload(file)
	}
	hear := func(p *parts) string { return ask(t, p, lookup.MustName("api.corp.io."), lookup.TypeA).String() }
	p := steady(t, "")
	reload(p, "overrides: [{zone: corp.io, mirror: example.org}]")
	if got := hear(p); !strings.Contains(got, "NXDOMAIN") {
		t.Error(got)
	}
	reload(p, "overrides: [{zone: corp.io, file: nosuch.zone}]")
	if got := hear(p); !strings.Contains(got, "NXDOMAIN") {
		t.Error(got)
	}
	reload(p, "")
	if got := hear(p); !strings.Contains(got, "52.193.10.20") {
		t.Error(got)
	}
}

// Keys that are pinned are what answers are validated by; a DS of somebody else makes them
// bogus, and one that cannot be read is an error.
func TestPinnedDSAreChecked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := newIncident(t, "overrides: [{zone: corp.io, pin: [{name: ns1.corp.io, addresses: [52.68.10.53]}], ds: [\"12345 13 2 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\"]}]")
		if got := i.hears(t, hisClient, "api.corp.io.", dns.TypeA); !strings.HasPrefix(got, "SERVFAIL | EDE ") {
			t.Error(got)
		}
		i = newIncident(t, "overrides: [{zone: corp.io, pin: [{name: ns1.corp.io, addresses: [52.68.10.53]}]}]")
		if got := i.hears(t, hisClient, "api.corp.io.", dns.TypeA); got != "NOERROR | api.corp.io. 300 IN A 52.193.10.20" {
			t.Error(got)
		}
	})
	for _, ds := range []string{"x", "1 13 2 00", "1 200 2 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"} {
		if _, err := build(parsed(t, "overrides: [{zone: corp.io, servers: [192.0.2.1], ds: [\""+ds+"\"]}]"), wiring{}); err == nil {
			t.Errorf("%s: accepted", ds)
		}
	}
}

// The copy of an override is nobody else's, and runs as long as the override does.
func TestACopyForAnOverride(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := newIncident(t, "overrides: [{zone: corp.io, primaries: [\"192.0.2.1:53\"], when: outage}]")
		ctx, cancel := context.WithTimeout(t.Context(), 0)
		cancel()
		if err := i.overrides.Run(ctx); err != nil {
			t.Error(err)
		}
		if got := i.hears(t, hisClient, "api.corp.io.", dns.TypeA); got != "NOERROR | api.corp.io. 300 IN A 52.193.10.20" {
			t.Error(got)
		}
		if got := i.hears(t, hisClient, "api.corp.io.", dns.TypeA); strings.Contains(got, " aa") {
			t.Error(got)
		}
	})
}

// An override comes before all that a signed zone above denies and that is remembered of
// it, and with the DS of the zone what its servers say is validated, whatever becomes of
// the zone above.
func TestOverridesBelowASignedZone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newSignedInternet(t)
		ds := strings.Fields(n.signed("good.example.", "198.51.100.3", goodRecords, nsecChain))
		n.spoil("good.example.", "forged.good.example. A", "198.41.0.66")
		p := n.resolve(`
overrides:
  - { zone: lab.good.example, servers: [` + internalServer + `] }
  - { zone: good.example, servers: [198.51.100.3], ds: ["` + strings.Join(ds[4:], " ") + `"], when: manual }
`)
		i := &incident{parts: p}
		ad := func(name string) string {
			m := new(dns.Msg).SetQuestion(name, dns.TypeA)
			m.SetEdns0(1232, true)
			packed, err := m.Pack()
			if err != nil {
				t.Fatal(err)
			}
			if err := m.Unpack(i.server.Respond(nil, packed, localhost(), server.TCP)); err != nil {
				t.Fatal(err)
			}
			if m.AuthenticatedData {
				return dns.RcodeToString[m.Rcode] + " ad"
			}
			return dns.RcodeToString[m.Rcode]
		}
		for range 2 {
			for name, want := range map[string]string{
				"lac.good.example.": "NXDOMAIN ad", "laz.good.example.": "NXDOMAIN ad", // and the proofs deny lab.good.example., too
				"www.lab.good.example.": "NOERROR", "v4.good.example.": "NOERROR ad", "forged.good.example.": "SERVFAIL",
			} {
				if got := ad(name); got != want {
					t.Errorf("%s: %s, want %s", name, got, want)
				}
			}
			if err := p.overrides.SwitchOn(lookup.MustName("good.example."), "", 0); err != nil {
				t.Fatal(err)
			}
			p.options.Exchanger.(*lab.Internet).Break(lab.Silent, netip.MustParseAddr("198.51.100.1"), netip.MustParseAddr("198.51.100.2"))
			p.recurse.Flush()
		}
		time.Sleep(time.Minute)
	})
}

// Aliases find overrides wherever they stand, and those of overrides find the Internet.
func TestAliasesIntoAndOutOfOverrides(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{"plain.zone": "$ORIGIN plain.example.\n@ 60 SOA . . 1 1 1 1 1\n@ 60 NS ns\nns 60 A 192.0.2.1\nv4 60 A 10.0.0.1\nto 60 CNAME to.good.example.\n"})
	overridden := "{zone: plain.example, file: " + filepath.Join(dir, "plain.zone") + "}"
	for yaml, want := range map[string][]string{
		"overrides: [" + overridden + "]":                                                {"NOERROR | to.good.example. 300 IN CNAME v4.plain.example. | v4.plain.example. 60 IN A 10.0.0.1", "10.0.0.1"},
		"overrides: [" + overridden + "]\nrebinding: {filter: true}":                     {"NOERROR | to.good.example. 300 IN CNAME v4.plain.example. | EDE 15 (Blocked): rebinding filter: RRs with a private address removed: 1", "Blocked"},
		"overrides: [" + overridden + ", {zone: good.example, servers: [198.51.100.3]}]": {"NOERROR | to.good.example. 300 IN CNAME v4.plain.example. | v4.plain.example. 60 IN A 10.0.0.1", "10.0.0.1"},
		"overrides: [{zone: good.example, servers: [198.51.100.3]}]":                     {"NOERROR | to.good.example. 300 IN CNAME v4.plain.example. | v4.plain.example. 300 IN A 198.41.0.10", "NXDOMAIN"},
		"zones: [{name: plain.example, file: " + filepath.Join(dir, "plain.zone") + "}]\noverrides: [{zone: good.example, servers: [198.51.100.3]}]": {"NOERROR | to.good.example. 300 IN CNAME v4.plain.example. | v4.plain.example. 60 IN A 10.0.0.1", "10.0.0.1"},
	} {
		synctest.Test(t, func(t *testing.T) {
			i := &incident{parts: newSignedInternet(t).resolve(yaml)}
			defer time.Sleep(time.Minute)
			for range 2 { // from servers and from memory
				if got := i.hears(t, hisClient, "to.good.example.", dns.TypeA); got != want[0] {
					t.Errorf("%s:\ngot  %s\nwant %s", yaml, got, want[0])
				}
				i.server.Flush()
			}
			if got := i.hears(t, hisClient, "to.plain.example.", dns.TypeA); !strings.Contains(got, want[1]) {
				t.Errorf("%s: %s", yaml, got)
			}
		})
	}
}
