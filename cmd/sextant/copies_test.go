package main

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/secondary"
)

// running is a server on a port of loopback that ends with the test.
func running(t *testing.T, path string) (*parts, netip.AddrPort) {
	t.Helper()
	p, server, _ := runningUntil(t, path)
	return p, server
}

// runningUntil is running, until stop is called.
func runningUntil(t *testing.T, path string) (p *parts, server netip.AddrPort, stop func()) {
	t.Helper()
	c, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if p, err = build(c, wiring{}); err != nil {
		t.Fatal(err)
	}
	if err := p.listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return p, p.server.Addrs()[0], stop
}

const transferKeys = `
keys: [{name: transfer.key, secret-file: key}]
listen: ["127.0.0.1:0"]
control: {socket: "off"}
dnssec: {validate: false}
`

// asked is the rcode of a query and its first answer.
func asked(t *testing.T, server netip.AddrPort, name string) (rcode int, answer string) {
	t.Helper()
	r, _, err := new(dns.Client).Exchange(new(dns.Msg).SetQuestion(name, dns.TypeA), server.String())
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Answer) > 0 {
		answer = r.Answer[0].(*dns.A).A.String()
	}
	return r.Rcode, answer
}

// await waits until the copy has that serial.
func await(t *testing.T, p *parts, serial uint32) {
	t.Helper()
	for start := time.Now(); ; {
		p.mutable.Lock()
		z := p.served[lookup.MustName("corp.example.")]
		p.mutable.Unlock()
		if status := p.copies.status(); len(status) == 1 && status[0].State == secondary.Current && status[0].Serial == serial && !z.Absent() && strings.Contains(z.SOA().String(), fmt.Sprintf(" %d 7200 ", serial)) {
			return
		}
		if time.Since(start) > 20*time.Second {
			t.Fatalf("no serial %d: %+v", serial, p.copies.status())
		}
		if err := context.Cause(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Millisecond)
	}
}

// guardedPrimary is a server, configured by one.yaml in a folder, that gives its zone to
// those who have the key in there.
func guardedPrimary(t *testing.T) (dir string, p *parts, at netip.AddrPort) {
	t.Helper()
	dir = write(t, map[string]string{
		"key":       "c2l4dGVlbiBvY3RldHMgYW5kIGFzIG1hbnkgbW9yZSE=\n",
		"corp.zone": goodZone,
		"one.yaml":  transferKeys + "zones: [{name: corp.example, file: corp.zone, allow-transfer: [{key: transfer.key}]}]\n",
	})
	p, at = running(t, filepath.Join(dir, "one.yaml"))
	return dir, p, at
}

// A zone goes from one server to the other: at the start, and when the first has read
// its file again and says so.
func TestZoneIsCopied(t *testing.T) {
	t.Parallel()
	dir, one, at := guardedPrimary(t)
	replace := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	replace("two.yaml", transferKeys+"zones: [{name: corp.example, store: copy, primaries: [{address: \""+at.String()+"\", key: transfer.key}]}]\n")
	two, second := running(t, filepath.Join(dir, "two.yaml"))
	await(t, two, 1)
	if rcode, answer := asked(t, second, "db.corp.example."); rcode != 0 || answer != "192.0.2.10" {
		t.Errorf("got %d %s", rcode, answer)
	}

	replace("corp.zone", strings.NewReplacer("hostmaster 1 ", "hostmaster 2 ", "192.0.2.10", "192.0.2.11").Replace(goodZone))
	replace("one.yaml", transferKeys+"zones: [{name: corp.example, file: corp.zone, allow-transfer: [{key: transfer.key}], notify: [{address: \""+second.String()+"\", key: transfer.key}]}]\n")
	one.reload(filepath.Join(dir, "one.yaml"))
	await(t, two, 2)
	if rcode, answer := asked(t, second, "db.corp.example."); rcode != 0 || answer != "192.0.2.11" {
		t.Errorf("got %d %s: the packet cache knows better", rcode, answer)
	}

	// The copy goes when the configuration says so, and comes back from disk.
	with, err := os.ReadFile(filepath.Join(dir, "two.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	replace("two.yaml", transferKeys)
	two.reload(filepath.Join(dir, "two.yaml"))
	if n := len(two.copies.status()); n != 0 {
		t.Errorf("%d copies", n)
	}
	replace("two.yaml", string(with))
	two.reload(filepath.Join(dir, "two.yaml"))
	if rcode, answer := asked(t, second, "db.corp.example."); rcode != 0 || answer != "192.0.2.11" {
		t.Errorf("got %d %s", rcode, answer)
	}
}

// A zone that has never come is nobody else's to answer.
func TestCopyThatHasNeverCome(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{
		"c.yaml": "listen: [\"127.0.0.1:0\"]\ncontrol: {socket: \"off\"}\nzones: [{name: corp.example, primaries: [\"127.0.0.1:1\"]}]\n",
	})
	_, at := running(t, filepath.Join(dir, "c.yaml"))
	if rcode, _ := asked(t, at, "db.corp.example."); rcode != dns.RcodeServerFailure {
		t.Errorf("got %s", dns.RcodeToString[rcode])
	}
}

func TestCheckLooksAtKeysAndStores(t *testing.T) {
	t.Parallel()
	const zones = "zones: [{name: a.example, primaries: [192.0.2.1], store: nowhere/copy}]\n"
	dir := write(t, map[string]string{
		"store.yaml": zones,
		"key.yaml":   "keys: [{name: k, secret-file: none}]\n",
		"bad.yaml":   "keys: [{name: k, secret-file: bad.yaml}]\n",
		"good.yaml":  strings.Replace(zones, "nowhere/", "", 1),
	})
	for file, want := range map[string]string{
		"store.yaml": "zone a.example.: store", "key.yaml": "key k.: open", "bad.yaml": "illegal base64", "good.yaml": "good",
	} {
		var out bytes.Buffer
		code := run(t.Context(), []string{"check", filepath.Join(dir, file)}, &out, &out)
		if (code == exitOK) != (file == "good.yaml") || !strings.Contains(out.String(), want) {
			t.Errorf("%s: exit code %d, %s, want %s", file, code, out.String(), want)
		}
	}
}
