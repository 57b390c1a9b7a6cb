package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/internal/geopeers"
)

// geoKey is the experiment with authoritative servers whose answer depends on the
// client's network, by a database of countries.
const geoKey = "geo"

// geoQuestions are about so many networks, most of them asked for once: more than any
// cache of answers by network is good for.
const geoQuestions = 400_000

// A geoPeer is a server that can serve the plan: one thread, on core 0.
type geoPeer struct {
	name    string
	host    int
	at      netip.AddrPort // where it listens in a network namespace; the zero AddrPort: on loopback
	env     []string
	version []string // a command whose first line is the version
	prepare func(geopeers.Setup) (command []string, err error)
}

func geoPeers(sextant string, p geopeers.Plan) []geoPeer {
	return []geoPeer{
		{"sextant", 220, netip.AddrPort{}, []string{"GOMAXPROCS=1"}, []string{sextant, "--version"}, func(s geopeers.Setup) ([]string, error) { return p.Sextant(s, sextant) }},
		{"gdnsd", 221, netip.AddrPort{}, nil, []string{"gdnsd", "version"}, p.Gdnsd},
		{"knot", 222, netip.AddrPort{}, nil, []string{"knotd", "--version"}, p.Knot},
		{"powerdns", 223, netip.AddrPort{}, nil, []string{"pdns_server", "--version"}, p.PowerDNS},
	}
}

// A geoSample is processor time for an answer.
type geoSample struct{ fixed, varied time.Duration }

// geoBench is the experiment.
func geoBench(ctx context.Context, o options, out, progress io.Writer) error {
	dir, err := os.MkdirTemp("", "sextant-geo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	sextant, err := filepath.Abs(o.sextant)
	if err != nil {
		return err
	}
	database, networks, err := geoDatabase(ctx, dir, out)
	if err != nil {
		return err
	}
	plan := geopeers.Usual()
	fmt.Fprintf(out, "\nanswers by country, %d networks; one network (fixed), and %d networks of 24 bits at random (varied)\n", networks, geoQuestions)
	if err := writeGeoQuestions(dir); err != nil {
		return err
	}
	countries, err := geopeers.OpenCountries(database)
	if err != nil {
		return err
	}
	right := func(a netip.Addr) netip.Addr { return plan.Answer(a, countries.Of(a)) }
	if err := geoRounds(ctx, o, out, progress, geoPeers(sextant, plan), dir, database, right); err != nil {
		return err
	}
	return overVeth(ctx, geoKey, o, out, func(string, string) error {
		fmt.Fprintln(out, "the same over veth, Sextant at the driver")
		return geoRounds(ctx, o, out, progress, geoPeersAtTheDriver(geoPeers(sextant, plan)), dir, database, right)
	})
}

// geoPeersAtTheDriver are the first two of all in the namespace of overVeth, Sextant with XDP.
func geoPeersAtTheDriver(all []geoPeer) []geoPeer {
	ours, gdnsd := all[0], all[1]
	usual := ours.prepare
	ours.name = "sextant-xdp"
	ours.prepare = func(s geopeers.Setup) (command []string, err error) {
		if command, err = usual(s); err != nil {
			return nil, err
		}
		file := command[len(command)-1]
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		atDriver := strings.Replace(string(text), fmt.Sprintf("listen: [%q]", s.At), fmt.Sprintf("listen: [%q, %q]", s.At, "xdp:"+saturationInside), 1)
		return command, os.WriteFile(file, []byte(atDriver), 0o644)
	}
	ours.at = netip.AddrPortFrom(saturationServer.Addr(), 53)
	gdnsd.at = ours.at
	return []geoPeer{ours, gdnsd}
}

// geoRounds measures each of the peers in each round.
func geoRounds(ctx context.Context, o options, out, progress io.Writer, peers []geoPeer, dir, database string, right func(netip.Addr) netip.Addr) error {
	for round := range o.rounds {
		var first *geoSample
		for _, peer := range peers {
			if !installed(out, peer.name, peer.version[0]) {
				continue
			}
			fmt.Fprintf(progress, "%s: round %d: %s\n", geoKey, round+1, peer.name)
			s, err := peer.measure(ctx, o, dir, database, right)
			if first != nil && errors.Is(err, errEnded) { // it lacks what only it needs, as PowerDNS does its backend
				fmt.Fprintf(out, "  round %d %-11s is left out: %s\n", round+1, peer.name, strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", " "))
				continue
			}
			if err != nil {
				return fmt.Errorf("%s: %w", peer.name, err)
			}
			if first == nil {
				first = &s
			}
			fmt.Fprintf(out, "  round %d %-11s fixed %.2f µs CPU (%.2f)  varied %.2f µs CPU (%.2f)  %s\n", round+1, peer.name,
				micros(s.fixed), micros(first.fixed)/micros(s.fixed), micros(s.varied), micros(first.varied)/micros(s.varied), firstLine(peer.version[0], peer.version[1:]...))
		}
	}
	fmt.Fprintln(out, "  in parentheses: the first server's figure divided by this one's")
	return nil
}

// geoDatabase is a database in the layout that all servers read, a real one where there is
// a network.
func geoDatabase(ctx context.Context, dir string, out io.Writer) (path string, networks int, err error) {
	var all []geopeers.Network
	if real, err := geopeers.Get(ctx, dir); err != nil {
		fmt.Fprintf(out, "the database is a made one, for there is no real one: %v\n", err)
		all = geopeers.Made()
	} else if all, err = geopeers.Read(real); err != nil {
		return "", 0, err
	}
	path = filepath.Join(dir, "country.mmdb")
	return path, len(all), geopeers.Write(path, all)
}

// geoQuestion asks as a resolver does, on behalf of a network.
func geoQuestion(network netip.Prefix) *dns.Msg {
	q := new(dns.Msg).SetQuestion(geopeers.Name, dns.TypeA)
	q.RecursionDesired = false
	q.SetEdns0(1232, false)
	q.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: uint8(network.Bits()), Address: network.Addr().AsSlice()}}
	return q
}

// writeGeoQuestions writes messages with their lengths, which dnsperf -B reads: dnsperf
// itself asks for one network only.
func writeGeoQuestions(dir string) error {
	stream := func(networks func(yield func(netip.Prefix) bool)) (all []byte, err error) {
		for n := range networks {
			message, err := geoQuestion(n).Pack()
			if err != nil {
				return nil, err
			}
			all = append(binary.BigEndian.AppendUint16(all, uint16(len(message))), message...)
		}
		return all, nil
	}
	fixed, err1 := stream(func(yield func(netip.Prefix) bool) { yield(netip.MustParsePrefix("133.1.2.0/24")) })
	varied, err2 := stream(func(yield func(netip.Prefix) bool) {
		for r, n := rand.New(rand.NewPCG(5, 6)), 0; n < geoQuestions; n++ {
			if !yield(randomNetwork(r)) {
				return
			}
		}
	})
	return errors.Join(err1, err2, os.WriteFile(filepath.Join(dir, "fixed"), fixed, 0o644), os.WriteFile(filepath.Join(dir, "varied"), varied, 0o644))
}

// randomNetwork is a network of 24 bits of IPv4, outside of what is nobody's.
func randomNetwork(r *rand.Rand) netip.Prefix {
	for {
		a := netip.AddrFrom4([4]byte{byte(1 + r.IntN(223)), byte(r.IntN(256)), byte(r.IntN(256)), 0})
		if b := a.As4(); a.IsGlobalUnicast() && !a.IsPrivate() && (b[0] != 100 || b[1]&0xc0 != 64) {
			return netip.PrefixFrom(a, 24)
		}
	}
}

// measure starts the server, checks some of its answers, and asks.
func (peer geoPeer) measure(ctx context.Context, o options, dir, database string, right func(netip.Addr) netip.Addr) (s geoSample, err error) {
	at, namespace := peer.at, inNamespace()
	if !at.IsValid() {
		at, namespace = netip.AddrPortFrom(address(o.network, peer.host), 53), nil
		if err := free(at); err != nil {
			return s, err
		}
	}
	own := filepath.Join(dir, peer.name)
	if err := os.MkdirAll(filepath.Join(own, "db"), 0o777); err != nil {
		return s, err
	}
	command, err := peer.prepare(geopeers.Setup{Dir: own, At: at, Database: database})
	if err != nil {
		return s, err
	}
	p, err := start(dir, 0, peer.env, append(namespace, command...)...)
	if err != nil {
		return s, err
	}
	defer p.stop()
	if err := p.until(ctx, func() error { return has(ctx, at, geopeers.PlainName) }); err != nil {
		return s, err
	}
	if err := checkGeo(ctx, at, right); err != nil {
		return s, err
	}
	time.Sleep(settle) // what reading has left to do is not the price of answers
	if s.fixed, err = p.perAnswerTo(ctx, at, "-B", "-d", filepath.Join(dir, "fixed"), "-l", strconv.Itoa(o.seconds), "-t", "1"); err != nil {
		return s, err
	}
	s.varied, err = p.perAnswerTo(ctx, at, "-B", "-d", filepath.Join(dir, "varied"), "-n", "1", "-t", "1")
	return s, err
}

// checkGeo asks for networks at random, of which some are on a border: all servers have
// to be right about those that are not.
func checkGeo(ctx context.Context, at netip.AddrPort, right func(netip.Addr) netip.Addr) error {
	r, wrong := rand.New(rand.NewPCG(7, 8)), []string(nil)
	const asked = 200
	for range asked {
		n := randomNetwork(r)
		client := dns.Client{}
		m, _, err := client.ExchangeContext(ctx, geoQuestion(n), at.String())
		if err != nil {
			return err
		}
		want := right(n.Addr()).String()
		if got := subnetAnswer(m); !strings.HasPrefix(got, want+" for ") {
			wrong = append(wrong, fmt.Sprintf("%s: %s, not %s", n, got, want))
		}
	}
	if len(wrong) > asked/50 {
		return fmt.Errorf("%d of %d answers are wrong: %s", len(wrong), asked, strings.Join(wrong[:3], "; "))
	}
	return nil
}
