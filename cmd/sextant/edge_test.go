package main

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/server"
)

const firstSecret, secondSecret = "445536bcd2513298075a5d379663c962", "dd3bdf9344b678b185a6f5cb60fca715"

func TestCookieSecretsComeFromAFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "secrets")
	for text, want := range map[string]string{
		firstSecret + "\n": firstSecret,
		"# rolled in May\n" + firstSecret + " # makes\n\n  " + secondSecret: firstSecret + secondSecret,
		"":                             "there is no secret",
		"# nothing":                    "there is no secret",
		firstSecret + "\n" + "abc":     "secrets:2: not 16 octets",
		firstSecret + secondSecret:     "secrets:1: not 16 octets",
		strings.Repeat("x", 32) + "\n": "secrets:1: not 16 octets",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		secrets, err := cookieSecrets(config.Cookies{SecretFile: file})
		got := ""
		for _, s := range secrets {
			got += hex.EncodeToString(s[:])
		}
		if err != nil {
			got = err.Error()
		}
		if got != want && (err == nil || !strings.Contains(got, want)) {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
	if _, err := cookieSecrets(config.Cookies{SecretFile: file + "x"}); err == nil {
		t.Error("a file that is not there was read")
	}
}

// newEdge makes the parts of a configuration with one zone for everybody.
func newEdge(t *testing.T, more string) (p *parts, path string) {
	t.Helper()
	dir := t.TempDir()
	zone := "$TTL 300\n@ SOA ns host 1 3600 600 86400 60\n@ NS ns\nns A 192.0.2.53\n"
	path = filepath.Join(dir, "sextant.yaml")
	text := "control: { socket: \"off\" }\ndnssec: { validate: false }\nzones:\n  - { name: example, file: example.zone }\n  - { name: copied, primaries: [192.0.2.9] }\n" +
		"views: [{ name: all, clients: [0.0.0.0/0], recursion: false }]\n" + more
	for name, text := range map[string]string{"example.zone": zone, "sextant.yaml": text} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if p, err = build(c, wiring{}); err != nil {
		t.Fatal(err)
	}
	return p, path
}

// soaQuery is a query for the SOA of a zone with an OPT that has those options.
func soaQuery(zone string, options string) []byte {
	msg := []byte("\x12\x34\x00\x00\x00\x01\x00\x00\x00\x00\x00\x01")
	msg = append(msg, lookup.MustName(zone)...)
	msg = append(msg, "\x00\x06\x00\x01"+"\x00\x00\x29\x04\xd0\x00\x00\x00\x00"...)
	msg = binary.BigEndian.AppendUint16(msg, uint16(len(options)))
	return append(msg, options...)
}

// What the keys say reaches the server: limits for views without recursion, NSID, how long
// zones are good, and that a zone has not come yet (RFC 8914 4.15).
func TestTheEdgeIsAsConfigured(t *testing.T) {
	t.Parallel()
	p, _ := newEdge(t, "nsid: here\nrate-limit: { responses-per-second: 3, slip: 0 }\ncookies: { answer: false }\n")
	ask := func(zone, options string) string {
		return string(p.server.Respond(nil, soaQuery(zone, options), addrPortOf("198.51.100.1:5000"), server.UDP))
	}
	if got := ask("example.", "\x00\x03\x00\x00\x00\x09\x00\x00\x00\x0a\x00\x0812345678"); !strings.HasSuffix(got, "\x00\x03\x00\x04here\x00\x09\x00\x04\x00\x01\x51\x80") {
		t.Errorf("NSID, EXPIRE of 86400 and no cookie: got %q", got)
	}
	if got := ask("copied.", "\x00\x09\x00\x00"); !strings.HasSuffix(got, "\x00\x0f\x00\x02\x00\x0e") || got[3]&0xf != 2 {
		t.Errorf("a zone that has not come: got %q", got)
	}
	begun := time.Now()
	replies := 0
	for range 40 {
		if ask("example.", "") != "" {
			replies++
		}
	}
	if most := 3 * (1 + int(time.Since(begun)/time.Second+1)); replies > most { // the clock goes on
		t.Errorf("%d replies of 3 a second", replies)
	}
}

// RFC 7314 3.2: a copy is good for what is left of its time, not for all that its SOA gives.
func TestExpireOfACopy(t *testing.T) {
	t.Parallel()
	store := filepath.Join(t.TempDir(), "copy")
	synctest.Test(t, func(t *testing.T) {
		keepCopy(t, store, 240) // EXPIRE of the SOA is 3600
		begun := time.Now()
		p, err := build(parsed(t, `
control: {socket: "off"}
dnssec: {validate: false}
zones: [{name: corp.io, primaries: ["127.0.0.1:1"], store: `+store+`}]
views: [{name: all, clients: [0.0.0.0/0], recursion: false}]
`), wiring{})
		if err != nil {
			t.Fatal(err)
		}
		p.copies.load()
		p.renew()
		last := uint32(3600)
		for _, after := range []time.Duration{time.Second, 10 * time.Minute, 30 * time.Minute} {
			time.Sleep(time.Until(begun.Add(after)))
			got := string(p.server.Respond(nil, soaQuery("corp.io.", "\x00\x09\x00\x00"), addrPortOf("198.51.100.1:5000"), server.UDP))
			option := len(got) - 8
			if option < 0 || got[3]&0xf != 0 || got[option:option+4] != "\x00\x09\x00\x04" {
				t.Fatalf("after %v: %q", after, got)
			}
			left := binary.BigEndian.Uint32([]byte(got[option+4:]))
			if ends := time.Until(p.copies.status()[0].Expires); left != uint32(ends/time.Second) || left >= last {
				t.Errorf("after %v: %d s are left, before it were %d; it expires in %v", after, left, last, ends)
			}
			last = left
		}
	})
}

func addrPortOf(text string) netip.AddrPort { return netip.MustParseAddrPort(text) }

// Secrets are rolled by a reload, without a restart.
func TestReloadRollsCookieSecrets(t *testing.T) {
	t.Parallel()
	p, path := newEdge(t, "cookies: { require: always, secrets: [\""+firstSecret+"\"] }\n")
	cookie := "12345678"
	ask := func() (rcode int, told string) {
		reply := p.server.Respond(nil, soaQuery("example.", "\x00\x0a\x00"+string(rune(len(cookie)))+cookie), addrPortOf("198.51.100.1:5000"), server.UDP)
		return int(reply[3] & 0xf), string(reply[len(reply)-24:])
	}
	badcookie := int(lookup.BADCOOKIE & 0xf)
	rcode, told := ask()
	if rcode != badcookie {
		t.Fatalf("rcode %d", rcode)
	}
	cookie = told
	for _, step := range []struct {
		secrets string
		want    int
	}{{`["` + secondSecret + `", "` + firstSecret + `"]`, 0}, {`["` + secondSecret + `"]`, badcookie}} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		before, _, _ := strings.Cut(string(text), "cookies:")
		if err := os.WriteFile(path, []byte(before+"cookies: { require: always, secrets: "+step.secrets+" }\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		p.reload(path)
		if rcode, _ := ask(); rcode != step.want {
			t.Errorf("with %s: rcode %d, want %d", step.secrets, rcode, step.want)
		}
	}
}
