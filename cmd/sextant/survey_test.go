package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/ecs"
)

// tailors is an authority on loopback: Berlin and all of its /21 get one answer, who
// else is in 128.0.0.0/1 another, and the rest a third.
func tailors(t *testing.T) string {
	t.Helper()
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { udp.Close() })
	berlin := netip.MustParsePrefix("203.0.112.0/21")
	go func() {
		for buf := make([]byte, 65535); ; {
			n, from, err := udp.ReadFrom(buf)
			if err != nil {
				return
			}
			q := new(dns.Msg)
			if q.Unpack(buf[:n]) != nil {
				continue
			}
			r := new(dns.Msg).SetReply(q)
			r.SetEdns0(1232, false)
			o, ok := q.IsEdns0().Option[0].(*dns.EDNS0_SUBNET)
			if !ok {
				continue
			}
			addr, _ := netip.AddrFromSlice(o.Address.To4())
			answer, scope := "127.0.0.103", 1
			switch {
			case berlin.Contains(addr):
				answer, scope = "127.0.0.101", 21
			case addr.As4()[0] >= 128:
				answer = "127.0.0.102"
				for scope = 2; netip.PrefixFrom(addr, scope).Masked().Overlaps(berlin); scope++ {
				}
			}
			rr, _ := dns.NewRR(q.Question[0].Name + " 60 A " + answer)
			r.Answer = []dns.RR{rr}
			data := ecs.Option{Source: netip.PrefixFrom(addr, int(o.SourceNetmask)), Scope: uint8(scope)}.Data()
			r.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_LOCAL{Code: dns.EDNS0SUBNET, Data: []byte(data)}}
			if packed, err := r.Pack(); err == nil {
				_, _ = udp.WriteTo(packed, from)
			}
		}
	}()
	return "@" + udp.LocalAddr().String()
}

func TestSurveyShowsWhichAnswerIsForWhom(t *testing.T) {
	t.Parallel()
	at := tailors(t)
	var out, errOut bytes.Buffer
	args := []string{"survey", "www.example", at, "--rate", "100000", "--mmdb", toyCity(), "--rtt", "tcp:1"}
	if code := run(t.Context(), append(args, "--json"), &out, &errOut); code != exitOK {
		t.Fatalf("exit code %d: %s%s", code, &out, &errOut)
	}
	var v surveyView
	if err := json.Unmarshal(out.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Answers) != 3 || v.Answers[0].Answer != "127.0.0.103" || v.Answers[0].Share < 0.5 {
		t.Errorf("answers: %+v", v.Answers)
	}
	found := false
	for _, s := range v.Scopes {
		found = found || s.Network.String() == "203.0.112.0/21" && s.Country != "" && s.Answer == "127.0.0.101"
	}
	if !found || len(v.Problems) != 0 || len(v.Unasked) != 0 {
		t.Errorf("%s", &out)
	}
	if errOut.Len() > 0 {
		t.Errorf("this is no terminal, and there is %q", &errOut)
	}

	out.Reset()
	svg := filepath.Join(t.TempDir(), "map.svg")
	if code := run(t.Context(), append(args, "--svg", svg), &out, &errOut); code != exitOK {
		t.Fatalf("exit code %d: %s%s", code, &out, &errOut)
	}
	for _, want := range []string{"3 answers", "0.0.0.0/1       127.0.0.103\n", "203.0.112.0/21  127.0.0.101\n", " ms\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
	if drawn, err := os.ReadFile(svg); err != nil || !strings.Contains(string(drawn), "127.0.0.101: 203.0.112.0/21 ") {
		t.Errorf("the map: %v\n%s", err, drawn)
	}

	out.Reset()
	if code := run(t.Context(), []string{"survey", at, "www.example", "--rate", "100000", "--checks", "0", "--from", "203.0.113.0/24"}, &out, &errOut); code != exitOK ||
		out.String() != "www.example. A at "+at[1:]+": 1 query, 1 scope, 1 answer\n\nANSWER       SCOPES  SHARE\n127.0.0.101  1       100.0 %\n\nNETWORK         ANSWER\n203.0.112.0/21  127.0.0.101\n" {
		t.Errorf("exit code %d: %s%s", code, &out, &errOut)
	}
	out.Reset()
	if code := run(t.Context(), []string{"survey", at, "www.example", "--csv", "--rate", "100000", "--from", "203.0.113.0/24,203.0.112.0/24,at", "--mmdb", toyCity()}, &out, &errOut); code != exitOK {
		t.Fatalf("exit code %d: %s", code, &errOut)
	}
	lines, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(lines) != 2 || lines[1][0] != "203.0.112.0/21" || lines[1][1] != "203.0.113.0/24" || lines[1][2] != "21" {
		t.Errorf("%v, %v", lines, err)
	}
}

func TestSurveyRefusesWhatMakesNoSense(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ args, want string }{
		{"www.example @127.0.0.1:1 --from jp", "--mmdb"},
		{"www.example @127.0.0.1:1 --from xx --mmdb " + toyCity(), "no country"},
		{"www.example @127.0.0.1:1 --svg x.svg", "--mmdb"},
		{"www.example @127.0.0.1:1 --rtt ping", "neither tcp:PORT nor icmp"},
		{"www.example @127.0.0.1:1 --rtt tcp:0", "neither tcp:PORT nor icmp"},
		{"www.example @127.0.0.1:1 --type NONE", "no type"},
		{"www.example @127.0.0.1:1 --most 5 --checks 5", "--most"},
		{"www.example @127.0.0.1:1 --rate 0", "above 0"},
		{"www.example @127.0.0.1:1 --json --csv", "csv json"},
		{"@127.0.0.1:1 @127.0.0.1:2", "one server"},
		{"www..example @127.0.0.1:1", "not a domain name"},
	} {
		var out bytes.Buffer
		if code := run(t.Context(), append([]string{"survey"}, strings.Fields(c.args)...), &out, &out); code != exitUsage || !strings.Contains(out.String(), c.want) {
			t.Errorf("survey %s: exit code %d, %s", c.args, code, &out)
		}
	}
}

func toyCity() string { return filepath.Join("..", "..", "testdata", "geo", "toy-city.mmdb") }
