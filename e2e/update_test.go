//go:build e2e

package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
)

// nsupdate has BIND's nsupdate say the lines, and returns what it says to them.
func (f *family) nsupdate(t *testing.T, key string, lines ...string) string {
	t.Helper()
	script := f.path("script")
	write(t, script, "server "+ourAddr+"\nzone dyn.example\n"+strings.Join(lines, "\n")+"\nsend\n")
	args := []string{"nsupdate", "-t", "5", "-r", "0"}
	if key != "" {
		args = append(args, "-y", key)
	}
	out, _ := f.try(t, append(args, script)...)
	return strings.TrimSpace(out)
}

const (
	adminKey = "hmac-sha256:transfer.key:" + goodKey
	hostKey  = "hmac-sha256:host.key:" + goodKey
)

// serveDynamic serves a zone that may be updated, and gives it away.
func (f *family) serveDynamic(t *testing.T, more string) {
	t.Helper()
	write(t, f.path("dyn.zone"), "$ORIGIN dyn.example.\n$TTL 60\n@ SOA ns host 100 3600 600 604800 60\n@ NS ns\nns A 127.0.0.1\nold A 192.0.2.1\nserial100 A 192.0.2.1\n")
	f.serve(t, fmt.Sprintf(`
  - name: dyn.example
    file: dyn.zone
    allow-update:
      - { key: transfer.key }
      - { key: host.key, subtrees: [hosts.dyn.example], types: [A] }
    allow-transfer: [127.0.0.0/8]
%s`, more))
}

// serial is what the server at an address says that it has.
func (f *family) serial(t *testing.T, address string) string {
	t.Helper()
	r := f.dig(t, "@"+address, "dyn.example", "SOA", "+norecurse")
	if len(r.answer) != 1 {
		return r.status
	}
	return strings.Fields(r.answer[0])[4]
}

// nsupdate adds and deletes under TSIG, with prerequisites; who may not is refused.
func TestNsupdate(t *testing.T) {
	needs(t, "root", "ip", "nsupdate", "named", "dig", "named-checkzone")
	t.Parallel()
	f := newFamily(t)
	f.serveDynamic(t, fmt.Sprintf("    notify: [{ address: %s }]\n", bindAddr))
	bind := f.named(t, fmt.Sprintf(`
zone "dyn.example" { type secondary; file "bind.copy"; masterfile-format text; primaries { %s; }; request-ixfr yes; };
`, ourAddr))
	f.reaches(t, bind, bindAddr, "dyn.example", 100)

	for _, c := range []struct {
		what, key string
		lines     []string
		want      string
	}{
		{"add", adminKey, []string{"update add new.dyn.example 60 A 192.0.2.7", "update add new.dyn.example 60 TXT \"a b\""}, ""},
		{"delete an RR", adminKey, []string{"update delete new.dyn.example A 192.0.2.7", "update add new.dyn.example 60 A 192.0.2.8"}, ""},
		{"prerequisites that hold", adminKey, []string{"prereq yxrrset new.dyn.example A 192.0.2.8", "prereq nxdomain other.dyn.example", "prereq yxdomain old.dyn.example", "prereq nxrrset old.dyn.example TXT", "update add serial103.dyn.example 60 A 192.0.2.1"}, ""},
		{"name in use", adminKey, []string{"prereq nxdomain old.dyn.example", "update add bad.dyn.example 60 A 192.0.2.9"}, "YXDOMAIN"},
		{"name not in use", adminKey, []string{"prereq yxdomain nobody.dyn.example", "update add bad.dyn.example 60 A 192.0.2.9"}, "NXDOMAIN"},
		{"RRset is there", adminKey, []string{"prereq nxrrset old.dyn.example A", "update add bad.dyn.example 60 A 192.0.2.9"}, "YXRRSET"},
		{"RRset is another", adminKey, []string{"prereq yxrrset old.dyn.example A 192.0.2.2", "update add bad.dyn.example 60 A 192.0.2.9"}, "NXRRSET"},
		{"name of another zone", adminKey, []string{"update add bad.elsewhere 60 A 192.0.2.9"}, "NOTZONE"},
		{"without a key", "", []string{"update add bad.dyn.example 60 A 192.0.2.9"}, "REFUSED"},
		{"another secret", "hmac-sha256:transfer.key:" + wrongKey, []string{"update add bad.dyn.example 60 A 192.0.2.9"}, "BADSIG"},
		{"a key that is not known", "hmac-sha256:stranger.key:" + goodKey, []string{"update add bad.dyn.example 60 A 192.0.2.9"}, "BADKEY"},
		{"a key that may not update", "hmac-sha256:wrong.key:" + wrongKey, []string{"update add bad.dyn.example 60 A 192.0.2.9"}, "REFUSED"},
		{"a name that the key may not change", hostKey, []string{"update add bad.dyn.example 60 A 192.0.2.9"}, "REFUSED"},
		{"a type that the key may not change", hostKey, []string{"update add a.hosts.dyn.example 60 TXT x"}, "REFUSED"},
		{"what the key may change", hostKey, []string{"update add serial104.hosts.dyn.example 60 A 192.0.2.1"}, ""},
		{"delete a name", adminKey, []string{"update delete old.dyn.example", "update add serial105.dyn.example 60 A 192.0.2.1"}, ""},
	} {
		out := f.nsupdate(t, c.key, c.lines...)
		if c.want == "" && out != "" || !strings.Contains(out, c.want) {
			t.Errorf("%s: got %q, want %q", c.what, out, c.want)
		}
	}
	f.reaches(t, bind, bindAddr, "dyn.example", 105) // told by NOTIFY, transferred by IXFR
	f.says(t, "transferred zone=dyn.example. type=IXFR client="+bindAddr)
	ours := f.whole(t, ourAddr, "dyn.example")
	if theirs := f.whole(t, bindAddr, "dyn.example"); strings.Join(ours, "\n") != strings.Join(theirs, "\n") {
		t.Errorf("BIND has\n%s\nwe have\n%s", strings.Join(theirs, "\n"), strings.Join(ours, "\n"))
	}
	for name, want := range map[string]string{"new": "192.0.2.8", "serial104.hosts": "192.0.2.1"} {
		expect(t, f.dig(t, "@"+ourAddr, name+".dyn.example", "A"), "NOERROR", name+".dyn.example. A "+want)
	}
	for _, name := range []string{"old", "bad"} {
		expect(t, f.dig(t, "@"+ourAddr, name+".dyn.example", "A"), "NXDOMAIN")
	}

	// The operator writes it into the file, edits that, and reloads.
	if out := f.run(t, sextant, "zone", "status", "--socket", f.path("control.sock"), "dyn.example"); !strings.Contains(out, "serial 105; ") || !strings.Contains(out, "has serial 100 and lacks 5 changes") {
		t.Errorf("got %s", out)
	}
	f.run(t, sextant, "zone", "sync", "--socket", f.path("control.sock"), "dyn.example")
	f.run(t, "named-checkzone", "dyn.example", f.path("dyn.zone"))
	text, err := os.ReadFile(f.path("dyn.zone"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, f.path("dyn.zone"), strings.Replace(string(text), " 105 3600", " 200 3600", 1)+"serial200.dyn.example. 60 A 192.0.2.1\n")
	f.signal(t, f.sextant)
	f.reaches(t, bind, bindAddr, "dyn.example", 200)
}

// The server is killed while updates come in, again and again. Whatever nsupdate was told
// to be done is there after that, and a secondary that stayed behind gets what has changed
// since.
func TestKilledInTheMiddleOfUpdates(t *testing.T) {
	needs(t, "root", "ip", "nsupdate", "dig")
	t.Parallel()
	f := newFamily(t)
	f.serveDynamic(t, "")
	acknowledged := map[string]bool{}
	for round := range 4 {
		ctx, cancel := context.WithCancel(t.Context())
		told := make(chan []string)
		var so atomic.Int64
		for worker := range 3 {
			go func() {
				var done []string
				for i := 0; ctx.Err() == nil; i++ {
					name := fmt.Sprintf("r%dw%di%d.dyn.example.", round, worker, i)
					// Its exit code says whether the server has replied NOERROR.
					cmd := f.command(t.Context(), "nsupdate", "-t", "2", "-r", "0", "-y", adminKey)
					cmd.Stdin = strings.NewReader("server " + ourAddr + "\nzone dyn.example\nupdate add " + name + " 60 A 192.0.2.1\nsend\n")
					if out, err := cmd.CombinedOutput(); err == nil && len(out) == 0 {
						done = append(done, name)
						so.Add(1)
					}
				}
				told <- done
			}()
		}
		f.sextant.until(t, func() error { // and then somewhere in the middle
			if so.Load() < 30 {
				return errors.New("no updates")
			}
			return nil
		})
		f.sextant.os.Signal(syscall.SIGKILL)
		<-f.sextant.ended
		cancel()
		for range 3 {
			for _, name := range <-told {
				acknowledged[name] = true
			}
		}
		f.sextant = f.start(t, f.answers(t, ourAddr, "sextant.own."), sextant, "serve", "--config", f.path("sextant.yaml"))
		there := map[string]bool{}
		for _, line := range f.whole(t, ourAddr, "dyn.example") {
			there[strings.Fields(line)[0]] = true
		}
		lost := 0
		for name := range acknowledged {
			if !there[name] {
				lost++
			}
		}
		if lost > 0 {
			t.Errorf("round %d: %d of %d are lost", round, lost, len(acknowledged))
		}
		t.Logf("round %d: %d acknowledged until now, %d RRsets there, serial %s", round, len(acknowledged), len(there), f.serial(t, ourAddr))
	}
	// IXFR from an old serial: the history has outlived the last start.
	var last int
	if _, err := fmt.Sscan(f.serial(t, ourAddr), &last); err != nil {
		t.Fatal(err)
	}
	out := f.run(t, "dig", "@"+ourAddr, "dyn.example", fmt.Sprintf("IXFR=%d", last-5), "+tcp", "+noall", "+answer")
	if n := strings.Count(out, "\tSOA\t"); n != 2+2*5 || strings.Contains(out, "serial100") {
		t.Errorf("%d SOAs in\n%s", n, out)
	}
	if got := f.nsupdate(t, adminKey, "update add after.dyn.example 60 A 192.0.2.1"); got != "" {
		t.Error(errors.New(got))
	}
}
