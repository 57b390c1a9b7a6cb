package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// A primary that gives its zone to those who have a key gives it to an override that has
// it, by configuration and by hand, and after a restart.
func TestOverridesAskPrimariesWithAKey(t *testing.T) {
	t.Parallel()
	dir, _, at := guardedPrimary(t)
	short, err := os.MkdirTemp("", "sx") // as sockets want their paths
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(short) })
	socket := filepath.Join(short, "c.sock")
	for name, text := range map[string]string{
		"two.yaml":   transferKeys + fmt.Sprintf("overrides: [{zone: corp.example, primaries: [{address: %q, key: transfer.key}]}]\n", at),
		"three.yaml": strings.Replace(transferKeys, `socket: "off"`, "socket: "+socket+", overrides: added", 1),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, two := running(t, filepath.Join(dir, "two.yaml"))
	awaitAnswer(t, two)

	_, three, stop := runningUntil(t, filepath.Join(dir, "three.yaml"))
	add := []string{"override", "add", "corp.example", "--socket", socket, "--key", "transfer.key"}
	if got := command(t, exitUsage, append(add, "--servers", at.String())...); !strings.Contains(got, "a key says nothing without primaries") {
		t.Error(got)
	}
	if got := command(t, exitFailed, append(add[:5:5], "--key", "other.key", "--primaries", at.String())...); !strings.Contains(got, "no key other.key. is configured") {
		t.Error(got)
	}
	command(t, exitOK, append(add, "--primaries", at.String())...)
	awaitAnswer(t, three)
	stop()
	_, again := running(t, filepath.Join(dir, "three.yaml"))
	awaitAnswer(t, again)
}

// awaitAnswer waits until a server has the zone.
func awaitAnswer(t *testing.T, server netip.AddrPort) {
	t.Helper()
	for start := time.Now(); ; {
		// Without the copy it looks for the public zone, which takes its time.
		r, _, err := new(dns.Client).Exchange(new(dns.Msg).SetQuestion("db.corp.example.", dns.TypeA), server.String())
		if err == nil && len(r.Answer) > 0 && strings.HasSuffix(r.Answer[0].String(), "\t192.0.2.10") {
			return
		}
		if time.Since(start) > 20*time.Second {
			t.Fatal("no answer")
		}
		if err := context.Cause(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Millisecond)
	}
}
