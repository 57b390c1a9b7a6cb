//go:build e2e

package e2e_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/ednscheck"
)

// edge is a host with an authoritative Sextant on port 5301 and a recursive one, which asks
// the first, on port 5302.
func edge(t *testing.T, authority string) host {
	t.Helper()
	h, dir := newHost(t, "edge"), t.TempDir()
	write(t, filepath.Join(dir, "example.zone"), `$TTL 300
@    SOA ns host 1 7200 900 1209600 60
@    NS  ns
ns   A   127.0.0.1
www  A   192.0.2.80
@    DNSKEY 256 3 13 oJMRESz5E4gYzS/q6XDrvU1qMPYIjCWzJaOau8XNEZeqCYKD5ar0IRd8KqXXFJkqmVfRvMGPmM1x8fGAa2XhSA==
`)
	for port, text := range map[int]string{
		5301: "zones: [{ name: example, file: example.zone }]\nviews: [{ name: all, clients: [0.0.0.0/0], recursion: false }]\nnsid: here\n" + authority,
		5302: "stub: [{ name: example, servers: [\"127.0.0.1:5301\"] }]\ndnssec: { validate: false }\nnsid: there\n",
	} {
		conf := filepath.Join(dir, fmt.Sprintf("sextant%d.yaml", port))
		write(t, conf, fmt.Sprintf("listen: [\"127.0.0.1:%d\"]\ncontrol: { socket: \"off\" }\n%s", port, text))
		ready := func(*process) error {
			_, err := h.try(t, "dig", "@127.0.0.1", "-p", fmt.Sprint(port), "+tries=1", "+time=1", "localhost")
			return err
		}
		h.start(t, ready, sextant, "serve", "--config", conf)
	}
	return h
}

// observe reads what dig has printed.
func observe(t *testing.T, text string) ednscheck.Observation {
	t.Helper()
	find := func(pattern string) string {
		if m := regexp.MustCompile(pattern).FindStringSubmatch(text); m != nil {
			return m[1]
		}
		return ""
	}
	status := find(`status: (\w+)`)
	code, known := dns.StringToRcode[status]
	if status == "BADVERS" {
		code, known = dns.RcodeBadVers, true
	}
	if !known {
		t.Fatalf("no status in\n%s", text)
	}
	flags := find(`;; flags: (.*)`)
	o := ednscheck.Observation{
		Rcode: code,
		AA:    slices.Contains(strings.Fields(strings.SplitN(flags, ";", 2)[0]), "aa"),
		Z:     strings.Contains(flags, "MBZ"),
		SOA:   regexp.MustCompile(`(?m)^example\.\s+\d+\s+IN\s+SOA`).MatchString(section(text)),
	}
	o.Answers, _ = strconv.Atoi(find(`ANSWER: (\d+)`))
	o.Size, _ = strconv.Atoi(find(`MSG SIZE  rcvd: (\d+)`))
	opt := find(`; EDNS: (.*)`)
	if o.EDNS = opt != ""; !o.EDNS {
		return o
	}
	version, _ := strconv.Atoi(find(`; EDNS: version: (\d+)`))
	o.Version, o.DO = uint8(version), regexp.MustCompile(`flags:[^;,]* do`).MatchString(opt)
	if mbz := find(`; EDNS: .*MBZ: (0x[0-9a-f]+)`); mbz != "" {
		n, _ := strconv.ParseUint(mbz, 0, 16)
		o.Flags = uint16(n)
	}
	if strings.Contains(text, "; OPT=100") {
		o.Options = append(o.Options, 100)
	}
	return o
}

// section is the answer section as dig prints it.
func section(text string) string {
	_, s, _ := strings.Cut(text, ";; ANSWER SECTION:\n")
	s, _, _ = strings.Cut(s, "\n\n")
	return s
}

// The queries of RFC 8906 8, as BIND's dig sends them, to an authority and to a resolver.
func TestG701MatrixOfRFC8906WithDig(t *testing.T) {
	needs(t, "root", "ip", "dig")
	t.Parallel()
	h := edge(t, "")
	for _, c := range ednscheck.Cases() {
		for _, port := range []string{"5301", "5302"} {
			recursive := port == "5302"
			c := c
			c.RD = c.RD || recursive // those who ask resolvers want recursion
			text := h.run(t, append([]string{"dig", "@127.0.0.1", "-p", port, "+tries=1", "+time=5"}, c.Dig("example")...)...)
			for _, complaint := range c.Judge(observe(t, text), !recursive) {
				t.Errorf("%s, port %s: %s\n%s", c, port, complaint, text)
			}
		}
	}
}

// dig and kdig get along with cookies that are required, and with limits: over one, they
// are told to come over TCP, or get in by their cookie.
func TestG705CookiesAndRateLimitsWithRealClients(t *testing.T) {
	needs(t, "root", "ip", "dig", "kdig")
	t.Parallel()
	strict := edge(t, "cookies: { require: always }\n")
	at := []string{"@127.0.0.1", "-p", "5301", "www.example", "A"}
	expect(t, strict.dig(t, append(at, "+cookie")...), "NOERROR", "www.example. A 192.0.2.80") // which asks again by itself
	expect(t, strict.dig(t, append(at, "+cookie", "+nobadcookie")...), "BADCOOKIE")
	expect(t, strict.dig(t, append(at, "+nocookie")...), "NOERROR", "www.example. A 192.0.2.80")
	if r := strict.kdig(t, append(at, "+cookie", "+badcookie")...); !strings.Contains(r.text, "status: NOERROR") || !strings.Contains(r.text, "192.0.2.80") { // it shows both replies
		t.Errorf("kdig: got\n%s", r.text)
	}
	first := strict.dig(t, append(at, "+cookie", "+nobadcookie")...)
	told := regexp.MustCompile(`; COOKIE: ([0-9a-f]{48})`).FindStringSubmatch(first.text)
	if told == nil {
		t.Fatalf("no cookie in\n%s", first.text)
	}
	good := strict.dig(t, append(at, "+cookie="+told[1], "+nobadcookie")...)
	expect(t, good, "NOERROR", "www.example. A 192.0.2.80")
	if !strings.Contains(good.text, "(good)") {
		t.Errorf("dig does not think well of the cookie\n%s", good.text)
	}
	// Sextant's resolver gets in, too.
	expect(t, strict.dig(t, "@127.0.0.1", "-p", "5302", "www.example", "A"), "NOERROR", "www.example. A 192.0.2.80")

	limited := edge(t, "rate-limit: { responses-per-second: 1, window: 1m, slip: 1 }\n")
	truncated, whole := 0, 0
	for range 10 {
		if r := limited.dig(t, append(at, "+nocookie", "+ignore")...); slices.Contains(r.flags, "tc") {
			truncated++
		} else if len(r.answer) == 1 {
			whole++
		}
	}
	if truncated == 0 || whole == 0 {
		t.Errorf("%d replies were truncated, %d were not", truncated, whole)
	}
	expect(t, limited.dig(t, append(at, "+nocookie")...), "NOERROR", "www.example. A 192.0.2.80") // over TCP
	for range 5 {
		r := limited.dig(t, append(at, "+cookie", "+ignore")...)
		expect(t, r, "NOERROR", "www.example. A 192.0.2.80")
		expectFlag(t, r, "-tc")
	}
}
