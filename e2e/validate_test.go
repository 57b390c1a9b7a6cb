//go:build e2e

package e2e_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// What RFC 6147 5.5 wants, over zones that BIND and dnssec-signzone have signed: one
// network hears standard DNS64, another one forced.
func TestDNS64OverSignedZones(t *testing.T) {
	needs(t, "root", "ip", "named", "nsd", "dig", "dnssec-keygen", "dnssec-signzone", "dnssec-dsfromkey")
	t.Parallel()
	n := newSignedInternet(t)
	const standard, forced = "127.0.0.1", "127.0.0.9"
	n.serveValidating(t, fmt.Sprintf(`
views:
  - {name: forced, clients: [%s], dns64: {mode: forced, prefixes: ["2001:db8:64::/96"]}}
  - {name: standard, clients: [127.0.0.0/8], dns64: {prefixes: ["2001:db8:64::/96"]}}
`, forced))
	const secure, not = "ad", "-ad"
	for _, c := range []struct {
		name             string
		standard, forced string // the address, or the EDE of a SERVFAIL
		ad, adForced     string // with DO
	}{
		{"v4.good.p256", "2001:db8:64::c000:251", "2001:db8:64::c000:251", secure, not},
		{"v4.good3.p256", "2001:db8:64::c000:251", "2001:db8:64::c000:251", secure, not},
		{"www.ed", "2001:db8:64::c000:201", "2001:db8:64::c000:201", secure, not},
		{"x.wild.good3.p256", "2001:db8:64::c000:252", "2001:db8:64::c000:252", secure, not},
		{"alias.ed", "2001:db8:64::c000:201", "2001:db8:64::c000:201", secure, not},
		{"v4.plain.p256", "2001:db8:64::c000:251", "2001:db8:64::c000:251", not, not},
		{"v4.islet.p256", "2001:db8:64::c000:251", "2001:db8:64::c000:251", not, not},
		{"www.good.p256", "2001:db8::80", "2001:db8:64::c000:250", secure, not},
		{"out.plain.p256", "2001:db8:64::c000:201", "2001:db8:64::c000:201", not, not},
		{"v4.expired.p256", "7", "7", not, not},
		{"v4.wrongkey.p256", "9", "9", not, not},
		{"v4.badnsec3.p256", "12", "2001:db8:64::c000:251", not, not}, // forced, nobody asks for the denial
		{"www.stripped.p256", "2001:db8::80", "10", secure, not},      // it is the A that is bogus
	} {
		for _, view := range []struct{ client, want, ad string }{{standard, c.standard, c.ad}, {forced, c.forced, c.adForced}} {
			ask := func(flags ...string) reply {
				return n.host.dig(t, append([]string{"@" + signedSextant, "-b", view.client, c.name, "AAAA"}, flags...)...)
			}
			r := ask("+dnssec")
			switch {
			case !strings.Contains(view.want, ":"):
				if r.status != "SERVFAIL" || r.ede != view.want {
					t.Errorf("want SERVFAIL with EDE %s, got\n%s", view.want, r.text)
				}
			case r.status != "NOERROR" || !strings.Contains(r.text, "AAAA\t"+view.want+"\n"):
				t.Errorf("want %s, got\n%s", view.want, r.text)
			}
			expectFlag(t, r, view.ad)
			if strings.HasPrefix(view.want, "2001:db8:64:") { // who does not set DO never sees AD on what is synthetic
				expectFlag(t, ask("+noedns", "+adflag"), "-ad")
			}
			// Who validates by themselves gets what there is, proofs and all.
			r = ask("+cd", "+dnssec")
			if r.status != "NOERROR" || strings.Contains(r.text, "2001:db8:64:") {
				t.Errorf("with CD: got\n%s", r.text)
			}
		}
	}
}

// A zone that somebody needs is broken, and the operator knows that it is a mistake.
func TestNegativeAnchorInAnEmergency(t *testing.T) {
	needs(t, "root", "ip", "named", "nsd", "dig", "curl", "dnssec-keygen", "dnssec-signzone", "dnssec-dsfromkey")
	t.Parallel()
	n := newSignedInternet(t)
	socket := filepath.Join(n.dir, "c.sock")
	n.serveValidating(t, fmt.Sprintf("control: {socket: %s}\nmetrics: 127.0.0.1:9153\n", socket))
	command := func(args ...string) string {
		t.Helper()
		return host{}.run(t, append(append([]string{sextant}, args...), "--socket", socket)...)
	}
	ask := func(name string) reply { return n.host.dig(t, "@"+signedSextant, name, "A", "+dnssec") }
	expired := func(when, status, ede string) {
		t.Helper()
		if r := ask("www.expired.p256"); r.status != status || r.ede != ede {
			t.Errorf("%s: want %s with EDE %s, got\n%s", when, status, ede, r.text)
		} else {
			expectFlag(t, r, "-ad")
		}
	}
	expired("before", "SERVFAIL", "7")
	contains(t, "explain", command("explain", "www.expired.p256"), "EDE 7 (Signature Expired)", "no answer, clients hear SERVFAIL")
	contains(t, "explain", command("explain", "www.good.p256"),
		"p256.: in memory, ", "secure: . key ", " -> p256. key ", "good.p256. DS: secure: signed by p256. with key ",
		"good.p256.: secure: its DS in p256. names key ", "www.good.p256. A: secure: signed by good.p256. with key ", "NOERROR, secure")

	contains(t, "add", command("anchors", "negative", "add", "expired.p256", "--for", "30m"), "expired.p256. is not validated until 20")
	expired("with a negative anchor", "NOERROR", "33")
	expired("from memory", "NOERROR", "33")
	expectFlag(t, ask("www.good.p256"), "ad") // nobody else is concerned
	contains(t, "anchors", command("anchors"), "validation  on\n", "anchor      . DS ", "negative    expired.p256. is not validated until ")
	contains(t, "status", command("status"), "validation  on, but for what is below 1 negative trust anchor\n")
	contains(t, "metrics", n.host.run(t, "curl", "--silent", "--noproxy", "*", "http://127.0.0.1:9153/metrics"),
		"\nsextant_negative_trust_anchors 1\n", "\nsextant_validation_failures_total{ede=\"7\"} ", "\nsextant_validated_answers_total{security=\"secure\"} ")

	contains(t, "remove", command("anchors", "negative", "remove", "expired.p256"), "expired.p256. is validated again\n")
	expired("after it", "SERVFAIL", "7")
	if out := command("anchors", "negative", "list"); out != "" {
		t.Errorf("left: %s", out)
	}
}
