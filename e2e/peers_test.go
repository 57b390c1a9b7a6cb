//go:build e2e

package e2e_test

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What the tools of BIND and Knot see when they ask Sextant, which resolves from
// BIND and NSD, in forced mode.
func TestPeersToolsAskForced(t *testing.T) {
	needs(t, "root", "ip", "sysctl", "named", "nsd", "dig", "kdig", "delv", "curl")
	t.Parallel()
	n := newInternet(t, networkSpecific())
	n.serve(t, "forced")
	const server = "@" + sextantAddr
	ask := func(question string) reply {
		t.Helper()
		return n.cli.dig(t, append([]string{server}, strings.Fields(question)...)...)
	}
	const synthesised = "2001:db8:64::c633:6450"

	t.Run("dig", func(t *testing.T) {
		r := ask("v4only.example AAAA")
		expect(t, r, "NOERROR", "v4only.example. AAAA "+synthesised)
		expectFlag(t, r, "ra")
		expectFlag(t, r, "-aa")
		expectFlag(t, r, "-ad")
		expect(t, ask("v4only.example AAAA +tcp"), "NOERROR", "v4only.example. AAAA "+synthesised)
		expect(t, ask("dual.example AAAA"), "NOERROR", "dual.example. AAAA "+synthesised)
		expect(t, ask("www.example AAAA"), "NOERROR", "www.example. CNAME dual.example.", "dual.example. AAAA "+synthesised)
		r = ask("WWW.Example A")
		expect(t, r, "NOERROR", "www.example. CNAME dual.example.", "dual.example. A 198.51.100.80")
		if !strings.Contains(r.text, ";WWW.Example.") {
			t.Errorf("the question came back in other letters:\n%s", r.text)
		}
		expect(t, ask("v6only.example AAAA"), "NOERROR", "v6only.example. AAAA "+sixAddress)
		expect(t, ask("nosuch.example AAAA"), "NXDOMAIN")
		expect(t, ask("nosuch.example A"), "NXDOMAIN")
		expect(t, ask("v4only.example MX"), "NOERROR")
	})

	t.Run("a synthesised address has a name", func(t *testing.T) {
		expect(t, ask("-x "+synthesised), "NOERROR",
			"0.5.4.6.3.3.6.c.0.0.0.0.0.0.0.0.0.0.0.0.4.6.0.0.8.b.d.0.1.0.0.2.ip6.arpa. CNAME 80.100.51.198.in-addr.arpa.",
			"80.100.51.198.in-addr.arpa. PTR v4only.example.")
	})

	// RFC 7050: how a host finds the prefix; RFC 8880: we need not ask anybody.
	t.Run("ipv4only.arpa", func(t *testing.T) {
		r := ask("ipv4only.arpa AAAA")
		slices.Sort(r.answer)
		expect(t, r, "NOERROR", "ipv4only.arpa. AAAA 2001:db8:64::c000:aa", "ipv4only.arpa. AAAA 2001:db8:64::c000:ab")
	})

	t.Run("a large answer comes over TCP", func(t *testing.T) {
		r := ask("large.example TXT +ignore")
		expectFlag(t, r, "tc")
		r = ask("large.example TXT")
		expectFlag(t, r, "-tc")
		if r.status != "NOERROR" || len(r.answer) != 1 || !strings.Contains(r.text, "retrying in TCP mode") {
			t.Errorf("got\n%s", r.text)
		}
	})

	t.Run("who is not allowed hears so", func(t *testing.T) {
		expect(t, n.six.dig(t, server, "v4only.example", "AAAA"), "REFUSED")
		expect(t, n.web.dig(t, "@198.51.100.1", "v4only.example", "AAAA"), "NOERROR", "v4only.example. AAAA "+synthesised)
	})

	// kdig can keep a TCP connection for the next question.
	t.Run("kdig", func(t *testing.T) {
		r := n.cli.kdig(t, server, "+nsid", "dual.example", "AAAA")
		expect(t, r, "NOERROR", "dual.example. AAAA "+synthesised)
		out := n.cli.run(t, "kdig", server, "+tcp", "+keepopen", "+short", "v4only.example", "AAAA", "v6only.example", "AAAA", "dual.example", "A")
		if want := synthesised + "\n" + sixAddress + "\n198.51.100.80\n"; out != want {
			t.Errorf("over one TCP connection: %q, want %q", out, want)
		}
	})

	// delv asks as a host that validates, with DO. With CD as well it wants to do
	// everything by itself, and gets real data only (RFC 6147 5.5).
	t.Run("delv", func(t *testing.T) {
		if out := n.cli.run(t, "delv", "-i", server, "dual.example", "AAAA"); !strings.Contains(out, synthesised) {
			t.Errorf("DO: want the synthesised address, got\n%s", out)
		}
		if out := n.cli.run(t, "delv", "-i", "+cd", server, "dual.example", "AAAA"); !strings.Contains(out, sixAddress) || strings.Contains(out, synthesised) {
			t.Errorf("DO and CD: want the real address, got\n%s", out)
		}
		if out, _ := n.cli.try(t, "delv", "-i", "+cd", server, "v4only.example", "AAAA"); !strings.Contains(out, "ncache nxrrset") {
			t.Errorf("DO and CD: want a negative answer, got\n%s", out)
		}
	})

	t.Run("metrics", func(t *testing.T) {
		n.rtr.checkMetrics(t, "127.0.0.1:9153",
			`sextant_dns64_synthesized_total{mode="forced",view="default"} [1-9]`,
			`sextant_queries_total{proto="tcp",type="AAAA"} [1-9]`,
			`sextant_responses_total{rcode="NXDOMAIN"} [1-9]`,
			`sextant_panics_total 0$`)
	})
}

// checkMetrics checks that there is a line for each of the patterns in the
// metrics at an address of the host.
func (h host) checkMetrics(t *testing.T, at string, patterns ...string) {
	t.Helper()
	metrics := h.run(t, "curl", "--silent", "--show-error", "--fail", "--noproxy", "*", "http://"+at+"/metrics")
	for _, p := range patterns {
		if !regexp.MustCompile(`(?m)^` + strings.ReplaceAll(p, "{", `\{`)).MatchString(metrics) {
			t.Errorf("no line %s in the metrics\n%s", p, metrics)
		}
	}
}

// A restart is short, and leaves nothing behind that is in its own way: not even
// TCP connections that clients have just used.
func TestRestartFreesThePort(t *testing.T) {
	needs(t, "root", "ip", "sysctl", "named", "nsd", "dig")
	t.Parallel()
	n := newInternet(t, networkSpecific())
	for range 3 {
		resolver := n.serve(t, "standard")
		for _, proto := range []string{"+notcp", "+tcp"} {
			expect(t, n.cli.dig(t, "@"+sextantAddr, "dual.example", "AAAA", proto), "NOERROR", "dual.example. AAAA "+sixAddress)
		}
		if code := resolver.stop(t, syscall.SIGTERM); code != 0 {
			t.Errorf("sextant ended with exit code %d", code)
		}
		if out, err := n.cli.try(t, "dig", "@"+sextantAddr, "dual.example", "+tries=1", "+time=1"); err == nil {
			t.Errorf("sextant has ended, and somebody answers:\n%s", out)
		}
	}
}

// SIGHUP reads the configuration again. Nobody is turned away meanwhile, and a file
// that makes no sense changes nothing.
func TestReload(t *testing.T) {
	needs(t, "root", "ip", "sysctl", "named", "nsd", "dig")
	t.Parallel()
	n := newInternet(t, networkSpecific())
	resolver := n.serve(t, "forced")
	const synthesised = "dual.example. AAAA 2001:db8:64::c633:6450"
	ask := func() reply {
		t.Helper()
		return n.cli.dig(t, "@"+sextantAddr, "dual.example", "AAAA")
	}
	hangup := func(mode string, done func() error) {
		t.Helper()
		n.configure(t, mode)
		if err := resolver.os.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		resolver.until(t, done)
	}
	expect(t, ask(), "NOERROR", synthesised)
	hangup("nonsense", func() error {
		if !strings.Contains(resolver.out.String(), "nonsense") {
			return errors.New("it says nothing about the file")
		}
		return nil
	})
	expect(t, ask(), "NOERROR", synthesised)
	hangup("standard", func() error {
		if r := ask(); !slices.Equal(r.answer, []string{"dual.example. AAAA " + sixAddress}) {
			return errors.New(r.text)
		}
		return nil
	})
}

// The root falls silent. What is known stays known, servers that were found are
// still asked, and a name that needs the root gets an error that says why, before
// the client loses its patience.
func TestSilentRootIsAnError(t *testing.T) {
	needs(t, "root", "ip", "sysctl", "named", "nsd", "dig")
	t.Parallel()
	n := newInternet(t, networkSpecific())
	n.serve(t, "forced")
	ask := func(name string) reply {
		t.Helper()
		return n.cli.dig(t, "@"+sextantAddr, name, "AAAA")
	}
	expect(t, ask("v4only.example"), "NOERROR", "v4only.example. AAAA 2001:db8:64::c633:6450")

	if err := n.bind.os.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	expect(t, ask("v4only.example"), "NOERROR", "v4only.example. AAAA 2001:db8:64::c633:6450")
	expect(t, ask("later.example"), "NOERROR", "later.example. AAAA 2001:db8:64::c633:6450")
	begin := time.Now()
	r := n.cli.dig(t, "@"+sextantAddr, "www.elsewhere", "AAAA", "+time=7") // the resolver's deadline is six seconds
	expect(t, r, "SERVFAIL")
	// RFC 8914 4.23 and 4.24: No Reachable Authority, or Network Error.
	if r.ede != "22" && r.ede != "23" {
		t.Errorf("want an Extended DNS Error 22 or 23, got\n%s", r.text)
	}
	t.Logf("SERVFAIL after %v", time.Since(begin).Round(time.Millisecond))
}
