//go:build e2e

package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// operated is a server with a control socket whose zone corp.example is served by
// another one, whose zone file can be changed.
type operated struct {
	authority, resolver *process
	dir, socket, config string
	server              []string // arguments of dig
}

func startOperated(t *testing.T) *operated {
	t.Helper()
	dir, err := os.MkdirTemp("", "sx") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	o := &operated{dir: dir, socket: filepath.Join(dir, "c.sock"), config: filepath.Join(dir, "resolver.yaml")}
	o.serve(t, "192.0.2.1")
	upstream, at := freePort(t), freePort(t)
	write(t, filepath.Join(dir, "authority.yaml"), fmt.Sprintf(
		"listen: [%q]\ncontrol: {socket: off}\nzones: [{name: corp.example, file: corp.zone}]\n", upstream))
	write(t, o.config, fmt.Sprintf(
		"listen: [%q]\ncontrol: {socket: c.sock}\nresolver: {priming: false}\nstub: [{name: corp.example, servers: [%q]}]\n", at, upstream))
	o.authority = host{}.start(t, answers(t, upstream), sextant, "serve", "--config", filepath.Join(dir, "authority.yaml"))
	o.server = digAt(at)
	o.resolver = o.start(t, at)
	return o
}

func (o *operated) start(t *testing.T, at string) *process {
	t.Helper()
	return host{}.start(t, answers(t, at), sextant, "serve", "--config", o.config)
}

// serve writes the zone with that address for www.
func (o *operated) serve(t *testing.T, address string) {
	t.Helper()
	write(t, filepath.Join(o.dir, "corp.zone"), "$ORIGIN corp.example.\n$TTL 3600\n@ SOA ns host 1 7200 900 1209600 60\n@ NS ns\nns A 127.0.0.1\nwww A "+address+"\n")
}

func digAt(endpoint string) []string {
	address, port, _ := strings.Cut(endpoint, ":")
	return []string{"@" + address, "-p", port, "+tries=1", "+time=2"}
}

// answers tells when a server on the loopback address answers.
func answers(t *testing.T, endpoint string) func(*process) error {
	return func(*process) error {
		_, err := host{}.try(t, append([]string{"dig", "version.bind", "TXT", "CH"}, digAt(endpoint)...)...)
		return err
	}
}

// command runs sextant with the socket of the server.
func (o *operated) command(t *testing.T, args ...string) string {
	t.Helper()
	return host{}.run(t, append(append([]string{sextant}, args...), "--socket", o.socket)...)
}

func contains(t *testing.T, what, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("%s: no %q in\n%s", what, want, text)
		}
	}
}

// What an operator does when somebody complains about an old address.
func TestOperatorsHand(t *testing.T) {
	needs(t, "dig", "curl")
	t.Parallel()
	o := startOperated(t)
	www := func() reply { return host{}.dig(t, append(o.server, "www.corp.example", "A")...) }
	expect(t, www(), "NOERROR", "www.corp.example. A 192.0.2.1")

	o.serve(t, "192.0.2.2")
	o.authority.os.Signal(syscall.SIGHUP)
	o.authority.until(t, func() error {
		if !strings.Contains(o.authority.out.String(), "reloaded") {
			return fmt.Errorf("not reloaded yet")
		}
		return nil
	})
	expect(t, www(), "NOERROR", "www.corp.example. A 192.0.2.1") // from memory

	contains(t, "lookup", o.command(t, "cache", "lookup", "www.corp.example"),
		"IN\tA\t192.0.2.1 ; answer", "; www.corp.example. A: packet NOERROR", "configured: stub 127.0.0.1:", "well, speaks EDNS")
	contains(t, "dump", o.command(t, "cache", "dump"), "IN\tA\t192.0.2.1 ; answer")
	contains(t, "explain", o.command(t, "explain", "www.corp.example"), "*  www.corp.example. A: in the cache: answer", "192.0.2.1\n", "used       0 of 100 messages")
	contains(t, "status", o.command(t, "status"), "views       default", "1 answers")
	contains(t, "curl", host{}.run(t, "curl", "--silent", "--unix-socket", o.socket, "-d", `{"name":"www.corp.example"}`, "http://sextant/v1/cache/lookup"),
		`"name":"www.corp.example."`, `192.0.2.1"]`)

	contains(t, "flush", o.command(t, "cache", "flush", "www.corp.example"), "forgotten: 1 answers, ")
	expect(t, www(), "NOERROR", "www.corp.example. A 192.0.2.2")

	var e struct {
		Rcode string
		Steps []struct{ Kind, Server string }
	}
	if err := json.Unmarshal([]byte(o.command(t, "explain", "www.corp.example", "--fresh", "--json")), &e); err != nil || e.Rcode != "NOERROR" {
		t.Errorf("explain --json: %+v, %v", e, err)
	}
	asked := false
	for _, s := range e.Steps {
		asked = asked || s.Kind == "exchange" && strings.HasPrefix(s.Server, "127.0.0.1:")
	}
	if !asked {
		t.Errorf("explain --fresh has asked nobody: %+v", e)
	}

	// The socket lives through a reload, and goes with the server.
	o.resolver.os.Signal(syscall.SIGHUP)
	o.resolver.until(t, func() error {
		if !strings.Contains(o.command(t, "status"), ", read again ") {
			return fmt.Errorf("not reloaded yet")
		}
		return nil
	})
	contains(t, "after the reload", o.command(t, "cache", "dump"), "IN\tA\t192.0.2.2 ; answer")
	if info, err := os.Stat(o.socket); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket: %v, %v", info, err)
	}
	if code := o.resolver.stop(t, syscall.SIGTERM); code != 0 {
		t.Errorf("sextant serve ended with exit code %d", code)
	}
	if _, err := os.Lstat(o.socket); err == nil {
		t.Error("the socket is still there")
	}
}

func TestTheControlSocketHasOneServer(t *testing.T) {
	needs(t, "dig")
	t.Parallel()
	o := startOperated(t)
	at := o.server[0][1:] + ":" + o.server[2]
	other := filepath.Join(o.dir, "other.yaml")
	write(t, other, fmt.Sprintf("listen: [%q]\ncontrol: {socket: c.sock}\n", freePort(t)))
	out, err := host{}.try(t, sextant, "serve", "--config", other)
	if err == nil || !strings.Contains(out, "another server listens on "+o.socket) {
		t.Errorf("a second server with the same socket: %v\n%s", err, out)
	}
	o.command(t, "status")

	o.resolver.stop(t, syscall.SIGKILL) // leaves its socket behind
	out, err = host{}.try(t, sextant, "status", "--socket", o.socket)
	if err == nil || !strings.Contains(out, "no server is running there") {
		t.Errorf("after SIGKILL: %v\n%s", err, out)
	}
	o.resolver = o.start(t, at)
	o.command(t, "status")
}
