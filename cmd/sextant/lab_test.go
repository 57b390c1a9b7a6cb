package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/lab"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/server"
)

// newLab is the parts of `sextant lab`, without sockets.
func newLab(t testing.TB, mode config.Mode) *parts {
	t.Helper()
	c, err := labConfig("127.0.0.1:0", "", mode)
	if err != nil {
		t.Fatal(err)
	}
	w, err := labWiring(nil)
	if err == nil {
		w, err = w.labPlaces()
	}
	if err != nil {
		t.Fatal(err)
	}
	p, err := build(c, w)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// overLab is the parts of a configuration, with the lab for its Internet.
func overLab(t testing.TB, c *config.Config) *parts {
	t.Helper()
	w, err := labWiring(nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := build(c, w)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// parsed is a configuration in YAML.
func parsed(t testing.TB, yaml string) *config.Config {
	t.Helper()
	c, err := config.Parse("test.yaml", []byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// query is a packed query for name and type, with EDNS.
func query(t testing.TB, name string, qtype uint16) []byte {
	t.Helper()
	m := new(dns.Msg).SetQuestion(name, qtype)
	m.SetEdns0(1232, false)
	packed, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return packed
}

// withSubnet is a query with the Client Subnet option of an IPv4 prefix.
func withSubnet(t testing.TB, packed []byte, at netip.Prefix) []byte {
	t.Helper()
	var m dns.Msg
	if err := m.Unpack(packed); err != nil {
		t.Fatal(err)
	}
	m.IsEdns0().Option = append(m.IsEdns0().Option, &dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: uint8(at.Bits()), Address: net.IP(at.Addr().AsSlice())})
	again, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return again
}

func localhost() netip.AddrPort { return netip.MustParseAddrPort("127.0.0.1:40000") }

// ask sends a question through the whole server, over TCP so that nothing is cut.
func ask(t testing.TB, p *parts, name lookup.Name, qtype lookup.Type) *lookup.Response {
	t.Helper()
	return askAs(t, p, netip.Prefix{}, name, qtype)
}

// askAs is ask with a Client Subnet option, if subnet is valid.
func askAs(t testing.TB, p *parts, subnet netip.Prefix, name lookup.Name, qtype lookup.Type) *lookup.Response {
	t.Helper()
	asked := query(t, name.String(), uint16(qtype))
	if subnet.IsValid() {
		asked = withSubnet(t, asked, subnet)
	}
	reply := p.server.Respond(nil, asked, localhost(), server.TCP)
	var m dns.Msg
	if err := m.Unpack(reply); err != nil {
		t.Fatalf("%s %s: the reply does not unpack: %v", name, qtype, err)
	}
	answer, err := lookup.FromRRs(m.Answer)
	if err != nil {
		t.Fatal(err)
	}
	authority, err := lookup.FromRRs(m.Ns)
	if err != nil {
		t.Fatal(err)
	}
	return &lookup.Response{Rcode: lookup.Rcode(m.Rcode), Answer: answer, Authority: authority}
}

// What `make run` promises is what comes out of the whole server, the second
// time from its caches.
func TestTheLabKeepsWhatItPromises(t *testing.T) {
	t.Parallel()
	for _, mode := range []config.Mode{config.ModeForced, config.ModeStandard, config.ModeOff} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			p := newLab(t, mode)
			for _, trial := range append(lab.Try(), lab.Places()...) {
				want := map[config.Mode]lab.Outcome{config.ModeForced: trial.Forced, config.ModeStandard: trial.Standard, config.ModeOff: trial.Off}[mode]
				for _, from := range []string{"resolved", "cached"} {
					if err := want.Check(trial.Name, trial.Type, askAs(t, p, trial.Subnet, trial.Name, trial.Type)); err != nil {
						t.Errorf("%s: %v", from, err)
					}
				}
			}
		})
	}
}

func TestViewsGiveEachNetworkItsOwnDNS64OverOneCache(t *testing.T) {
	t.Parallel()
	p := overLab(t, parsed(t, `
views:
  - {name: lab, clients: [192.0.2.0/24], dns64: {mode: forced, prefixes: ["2001:db8:64::/96"]}}
  - {name: other, clients: [198.51.100.0/24], dns64: {mode: forced}}
  - {name: rest, clients: [0.0.0.0/0]}
`))
	for client, want := range map[string]string{
		"192.0.2.1":    "2001:db8:64::1f0d:4ff6",
		"198.51.100.1": "64:ff9b::1f0d:4ff6",
		"203.0.113.1":  "2a03:2880:f00d:1:face:b00c:0:1",
	} {
		from := netip.AddrPortFrom(netip.MustParseAddr(client), 40000)
		var m dns.Msg
		if err := m.Unpack(p.server.Respond(nil, query(t, "www.facebook.com.", dns.TypeAAAA), from, server.UDP)); err != nil {
			t.Fatal(err)
		}
		if got := m.Answer[len(m.Answer)-1].(*dns.AAAA).AAAA.String(); got != want {
			t.Errorf("%s is told %s, want %s", client, got, want)
		}
	}
}

func TestLabPrintsWhatToTryAndStopsCleanly(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	var out, errOut bytes.Buffer
	if code := run(ctx, []string{"lab", "--listen", "127.0.0.1:0"}, &out, &errOut); code != exitOK {
		t.Fatalf("exit code %d: %s", code, errOut.String())
	}
	for _, want := range []string{"DNS64 forced", "www.facebook.com AAAA", "64:ff9b::1f0d:4ff6", "stopped"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func BenchmarkHit(b *testing.B) {
	p := newLab(b, config.ModeForced)
	q, dst := query(b, "www.facebook.com.", dns.TypeAAAA), make([]byte, 0, 1232)
	if len(p.server.Respond(dst, q, localhost(), server.UDP)) == 0 {
		b.Fatal("no reply")
	}
	b.ReportAllocs()
	for b.Loop() {
		p.server.Respond(dst, q, localhost(), server.UDP)
	}
}

// BenchmarkForcedDNS64Miss resolves names that nobody has asked for: a wildcard's,
// whose delegation is known, with the A and its synthesis. No socket is involved.
func BenchmarkForcedDNS64Miss(b *testing.B) {
	p := newLab(b, config.ModeForced)
	dst := make([]byte, 0, 1232)
	p.server.Respond(dst, query(b, "first.wild.example.org.", dns.TypeAAAA), localhost(), server.UDP)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		i++
		b.StopTimer()
		q := query(b, fmt.Sprintf("n%d.wild.example.org.", i), dns.TypeAAAA)
		b.StartTimer()
		p.server.Respond(dst, q, localhost(), server.UDP)
	}
}
