package main

import (
	"encoding/json"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/anchors"
	"github.com/sextant-dns/sextant/control"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/metrics"
)

func TestOperatorsSeeTheTrustAnchors(t *testing.T) {
	t.Parallel()
	n := newSignedInternet(t)
	p := n.resolve("dnssec: {negative-anchors: [lab.corp.example]}")
	socket := operated(t, p)
	at := func(code int, args ...string) string {
		return command(t, code, append(append([]string{"anchors"}, args...), "--socket", socket)...)
	}
	const before = "lab.corp.example. is not validated (configured)\n"
	for _, want := range []string{"validation  on\n", "anchor      " + strings.Join(strings.Fields(n.anchor)[:1], "") + " DS ", "negative    " + before} {
		if got := at(exitOK); !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if got := at(exitOK, "negative", "list"); got != before {
		t.Errorf("listed:\n%s", got)
	}
	if got := at(exitOK, "negative", "add", "good.example", "--for", "2h"); !strings.HasPrefix(got, "good.example. is not validated until 20") {
		t.Errorf("added: %s", got)
	}
	var all control.Negatives
	if err := json.Unmarshal([]byte(at(exitOK, "negative", "list", "--json")), &all); err != nil || len(all) != 2 ||
		all[1].Zone != "good.example." || time.Until(all[1].Until) < 119*time.Minute || time.Until(all[1].Until) > 2*time.Hour {
		t.Errorf("listed: %+v, %v", all, err)
	}
	if got := command(t, exitOK, "status", "--socket", socket); !strings.Contains(got, "validation  on, but for what is below 2 negative trust anchors\n") {
		t.Errorf("status:\n%s", got)
	}
	if got := at(exitOK, "negative", "remove", "good.example"); got != "good.example. is validated again\n" {
		t.Errorf("removed: %s", got)
	}
	for want, args := range map[string][]string{
		"there is no negative trust anchor at good.example.": {"negative", "remove", "good.example"},
		"at lab.corp.example. is configured":                 {"negative", "remove", "lab.corp.example"},
		"a negative trust anchor lasts at most 7 days":       {"negative", "add", "good.example", "--for", "169h"},
		"at the root would switch validation off":            {"negative", "add", "."},
		"empty label": {"negative", "add", "a..b"},
	} {
		if got := at(exitFailed, args...); !strings.Contains(got, want) {
			t.Errorf("%v: %s", args, got)
		}
	}
	at(exitUsage, "negative", "add", "a", "--for", "-1h")
	at(exitUsage, "negative", "add")
}

func TestNobodySpeaksOfAnchorsWhereNothingIsValidated(t *testing.T) {
	t.Parallel()
	socket := operated(t, steady(t, ""))
	if got := command(t, exitOK, "anchors", "--socket", socket); got != "validation  off\n" {
		t.Errorf("anchors: %s", got)
	}
	if got := command(t, exitFailed, "anchors", "negative", "add", "a", "--socket", socket); !strings.Contains(got, errNotValidating.Error()) {
		t.Errorf("add: %s", got)
	}
	if got := command(t, exitOK, "anchors", "negative", "list", "--json", "--socket", socket); got != "[]\n" {
		t.Errorf("list: %s", got)
	}
	permissive := newSignedInternet(t).resolve("dnssec: {permissive: true}")
	if s, err := permissive.status(t.Context(), control.StatusRequest{}); err != nil || s.Validates != control.ValidationPermissive {
		t.Errorf("%+v, %v", s, err)
	}
}

// Both what clients hear and what is remembered change at once.
func TestANegativeAnchorHelpsAtOnceAndNotLonger(t *testing.T) {
	t.Parallel()
	p := newSignedInternet(t).resolve("")
	name := lookup.MustName("forged.good.example.")
	rcode := func() lookup.Rcode { return ask(t, p, name, lookup.TypeA).Rcode }
	if got := rcode(); got != lookup.SERVFAIL {
		t.Fatalf("a forged answer is %s", got)
	}
	if _, err := p.addNegative(t.Context(), control.AddNegativeRequest{Name: "good.example", For: 60}); err != nil {
		t.Fatal(err)
	}
	if got := rcode(); got != lookup.NOERROR {
		t.Errorf("below a negative anchor it is %s", got)
	}
	if e, err := p.explain(t.Context(), control.ExplainRequest{Name: name.String()}); err != nil || e.Security != "insecure" || len(e.EDE) != 1 || !strings.HasPrefix(e.EDE[0], "33 ") {
		t.Errorf("explained as %+v, %v", e, err)
	}
	if _, err := p.removeNegative(t.Context(), control.RemoveNegativeRequest{Name: "good.example"}); err != nil {
		t.Fatal(err)
	}
	if got := rcode(); got != lookup.SERVFAIL {
		t.Errorf("after the negative anchor it is %s", got)
	}
}

// The pages for names of a signed Internet: the chain of trust, both proofs behind a
// synthetic answer, and what is wrong where something is.
func TestExplainShowsTheChainOfTrust(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newSignedInternet(t).resolve("dns64: {}\nresolver: {priming: false}\ndnssec: {negative-anchors: [lab.good.example]}")
		var b strings.Builder
		for _, r := range []control.ExplainRequest{
			{Name: "v4.good.example", Type: "AAAA", DO: true},
			{Name: "v4.plain.example", Type: "AAAA"},
			{Name: "none.hashed.example"},
			{Name: "x.wild.good.example"},
			{Name: "forged.good.example"},
			{Name: "forged.good.example"}, // from memory
			{Name: "noproof.good.example", Type: "AAAA"},
			{Name: "forged.good.example", CD: true},
			{Name: "none.lab.good.example"},
		} {
			b.WriteString(story(t, p, r) + "\n")
		}
		golden(t, "testdata/chain.txt", b.String())
	})
}

// What the keeper finds out by asking the zone's servers, an operator and Prometheus see.
func TestManagedAnchorsAreShownAndCounted(t *testing.T) {
	t.Parallel()
	n := newSignedInternet(t)
	p := n.resolve("dnssec: {state: " + filepath.Join(t.TempDir(), "anchors.state") + "}")
	socket := operated(t, p)
	if got := command(t, exitOK, "anchors", "--socket", socket); !strings.Contains(got, "managed     . was not asked for its keys yet\n              key 26502 ED25519: valid, not seen yet\n") {
		t.Errorf("before:\n%s", got)
	}
	p.anchors.Poll(t.Context())
	if got := command(t, exitOK, "anchors", "--socket", socket); !strings.Contains(got, "managed     . has shown its keys ") || !strings.Contains(got, "\n              key 26502 ED25519: valid since ") {
		t.Errorf("after:\n%s", got)
	}
	for _, name := range []lookup.Name{"\x02v4\x04good\x07example\x00", "\x02v4\x05plain\x07example\x00", "\x06forged\x04good\x07example\x00"} {
		ask(t, p, name, lookup.TypeA)
	}
	p.trustChanged(anchors.Event{Kind: anchors.ProbeFailed, Zone: lookup.Root})
	got := p.snapshot().Validation
	if len(got.Keys) != 1 || got.Keys[0] != (metrics.TrustKeys{Zone: ".", State: "valid", Count: 1}) || len(got.Points) != 1 || got.Points[0].Age < 0 || got.Points[0].Age > time.Hour {
		t.Errorf("got %+v", got)
	}
	got.Keys, got.Points = nil, nil
	want := metrics.Validation{
		Answers: map[string]uint64{"secure": 1, "insecure": 1, "bogus": 1, "unchecked": 1}, // the keeper validates by itself
		Bogus:   map[uint16]uint64{lookup.EDEBogus: 1}, Signatures: 8, Troubles: map[string]uint64{"probe": 1},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// An internal zone that is not signed, below a public one that is and denies it.
func TestAnInternalZoneUnderASignedOne(t *testing.T) {
	t.Parallel()
	n := newSignedInternet(t)
	for _, c := range []struct{ yaml, name, want string }{
		{"", "www.lab.good.example.", "NXDOMAIN"},
		{"stub: [{name: lab.good.example, servers: [" + internalServer + "], validate: true}]", "www.lab.good.example.", "SERVFAIL"},
		{"stub: [{name: lab.good.example, servers: [" + internalServer + "]}]", "www.lab.good.example.", "198.41.0.13"},
		{"stub: [{name: lab.good.example, servers: [" + internalServer + "]}]", "forged.good.example.", "SERVFAIL"},
		{"dnssec: {negative-anchors: [lab.good.example]}\nstub: [{name: lab.good.example, servers: [" + internalServer + "], validate: true}]", "www.lab.good.example.", "198.41.0.13"},
	} {
		if got := ask(t, n.resolve(c.yaml), lookup.MustName(c.name), lookup.TypeA).String(); !strings.Contains(got, c.want) {
			t.Errorf("%s with %q: got %s, want %s", c.name, c.yaml, got, c.want)
		}
	}
}
