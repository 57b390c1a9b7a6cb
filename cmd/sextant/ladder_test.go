package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/control"
	"github.com/sextant-dns/sextant/lab"
	"github.com/sextant-dns/sextant/lifeline"
	"github.com/sextant-dns/sextant/lookup"
)

// T15 and §5.4: overrides for outages and a lifeline make one ladder. As long as all is well
// everybody's answer is heard; in an emergency a copy (L0) or servers that are written down
// (L1) come first, the delegation that was known (L3) comes before any mirror (L4), and what
// the zone's own servers deny nobody says otherwise.
func TestLadder(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{"copy.zone": "$ORIGIN example.io.\n@ 60 SOA ns1 . 7 1 1 1 60\n@ 60 NS ns1\nns1 60 A 192.0.2.1\nhost0 60 A 198.18.0.1\n"})
	for kind, c := range map[string]struct {
		override        string
		emergency, dark string // host0 with io. silent, and www with all of it silent
	}{
		"none":      {"", "192.0.2.100", "EDE"},
		"a copy":    {"file: " + filepath.Join(dir, "copy.zone"), "198.18.0.1", "NXDOMAIN"},
		"servers":   {"servers: [192.0.2.1]", "192.0.2.100", "EDE"},
		"a mirror":  {"mirror: example.com", "192.0.2.100", "192.0.2.78"},
		"no mirror": {"mirror: nobody.com", "192.0.2.100", "EDE"},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				yaml := protected
				if c.override != "" {
					yaml += "\noverrides: [{zone: example.io, when: outage, " + c.override + "}]"
				}
				p := newPlanet(t, false)
				r := begin(t, p, yaml)
				if got := r.a("host0.example.io."); got != "192.0.2.100" {
					t.Errorf("all is well: %s", got)
				}
				p.Set("silent", tlds...)
				time.Sleep(2 * time.Hour)
				r.expect(lifeline.Emergency)
				for range 3 {
					begun := time.Now()
					if got := r.a("host0.example.io."); got != c.emergency || time.Since(begun) > 100*time.Millisecond {
						t.Errorf("in an emergency: %s after %s", got, time.Since(begun))
					}
					time.Sleep(time.Second)
				}
				if got := r.a("www.example.io."); got != "NXDOMAIN" { // by its own servers, which the mirror does not contradict
					t.Errorf("a name that does not exist: %s", got)
				}
				p.Set("silent", children...)
				time.Sleep(20 * time.Minute) // longer than the denial is remembered
				if got := r.a("www.example.io."); !strings.Contains(got, c.dark) {
					t.Errorf("all is dark: %s", got)
				}
				p.Set("", slices.Concat(tlds, children)...)
				time.Sleep(time.Hour)
				r.expect(lifeline.Normal)
				if got := r.a("host0.example.io."); got != "192.0.2.100" {
					t.Errorf("it is over: %s", got)
				}
			})
		})
	}
}

// What the known delegation finds may be an alias, and leads to overrides as any other does.
func TestAliasesOfAKnownDelegationLeadToOverrides(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{"com.zone": "$ORIGIN example.com.\n@ 60 SOA . . 7 1 1 1 60\n@ 60 NS ns\nns 60 A 192.0.2.1\nwww 60 A 198.18.0.2\n",
		"lab.zone": "$ORIGIN lab.example.io.\n@ 60 SOA . . 7 1 1 1 60\n@ 60 NS ns\nns 60 A 192.0.2.1\nwww 60 A 198.18.0.3\n"})
	synctest.Test(t, func(t *testing.T) {
		p := newPlanet(t, false)
		p.add("aliases", lab.Variant{Records: "inward 60 CNAME www.lab\n"})
		p.Set("aliases", children...)
		r := begin(t, p, protected+"\noverrides: [{zone: example.com, file: "+filepath.Join(dir, "com.zone")+"}, {zone: lab.example.io, file: "+filepath.Join(dir, "lab.zone")+"}]")
		for _, world := range []string{"", "silent"} {
			p.Set(world, tlds...)
			time.Sleep(2 * time.Hour)
			for name, want := range map[string]string{"cdn.example.io.": "198.18.0.2", "inward.example.io.": "198.18.0.3"} {
				if got := r.a(name); got != want {
					t.Errorf("%q: %s: %s", world, name, got)
				}
			}
		}
		if s := r.zone(); s.Answers[lifeline.ByKnown] == 0 {
			t.Error("the known delegation was not used")
		}
	})
}

// An override that begins to answer in an outage, and one that rests again, are a line of
// the log each, with the whole ballot, and a notice to whoever wants it.
func TestOverridesThatAreNeededAreToldOf(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPlanet(t, false)
		r := begin(t, p, "lifeline: { tell: true, zones: [example.io], notify: { command: [page] } }\noverrides: [{zone: example.io, when: outage, servers: [192.0.2.1]}]")
		var log bytes.Buffer
		r.log = slog.New(slog.NewTextHandler(&log, nil))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); _ = r.overrides.Run(ctx) }()
		p.Set("silent", tlds...)
		time.Sleep(2 * time.Hour)
		for range 10 {
			r.a("host0.example.io.")
			time.Sleep(time.Minute)
		}
		e, err := r.explain(t.Context(), control.ExplainRequest{Name: "host1.example.io"})
		if err != nil || !strings.Contains(explanationText(t, e), "override example.io. (servers, outage): answers") ||
			!strings.Contains(explanationText(t, e), "49152: override of example.io. by servers: an outage of the zone above: 7 silent") {
			t.Errorf("%v\n%s", err, explanationText(t, e))
		}
		l, err := r.listLifeline(t.Context(), control.LifelineRequest{Name: "host1.example.io"})
		if err != nil || !strings.Contains(explained(l.Zones[0]), "names are found by the known delegation first\nbefore that, by the override of example.io.: servers 192.0.2.1 (all views)\n") {
			t.Errorf("%v\n%s", err, explained(l.Zones[0]))
		}
		time.Sleep(10 * time.Minute)
		cancel()
		<-ended
		_, begun, _ := strings.Cut(log.String(), `msg="override answers"`)
		begun, rest, _ := strings.Cut(begun, "override rests")
		for _, want := range []string{
			`zone=example.io. kind=servers target=192.0.2.1 when=outage view=default reason="an outage of the zone above: 7 silent" ballot="7 silent"`,
			"198.51.106.1 silent (no reply in time: i/o timeout)",
		} {
			if strings.Count(begun, want) != 1 {
				t.Errorf("want %s once in\n%s", want, begun)
			}
		}
		if !strings.Contains(rest, "zone=example.io. kind=servers") || strings.Contains(rest, "override") {
			t.Errorf("and then\n%s", rest)
		}
		var told []string
		for len(r.notifier.waiting) > 0 {
			if n := <-r.notifier.waiting; n.Kind == "override" {
				told = append(told, n.From+" to "+n.To+": "+n.Reason+" ("+n.Ballot+")")
			}
		}
		if got := strings.Join(told, "; "); got != "rests to answers: an outage of the zone above: 7 silent (7 silent); answers to rests:  (7 silent)" {
			t.Error(got)
		}
	})
}

func explanationText(t *testing.T, e control.Explanation) string {
	t.Helper()
	var b strings.Builder
	if err := e.Print(&b, control.Plain); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return b.String() + string(text)
}

// keepCopy writes what is kept of a copy of corp.io., confirmed now, with a ZONEMD that is
// wrong if anybody knows its scheme.
func keepCopy(t *testing.T, store string, scheme byte) {
	t.Helper()
	soa := lookup.MustRRsets("corp.io. 3600 IN SOA ns1.corp.io. host.corp.io. 7 300 60 3600 60")[0].Data.First()
	digest := append([]byte{0, 0, 0, 7, scheme, 1}, make([]byte, 48)...)
	text := fmt.Sprintf("corp.io.\t3600\tIN\tTYPE6\t\\# %d %x\ncorp.io.\t3600\tIN\tNS\tns1.corp.io.\ncorp.io.\t3600\tIN\tTYPE63\t\\# %d %x\n", len(soa), soa, len(digest), digest) +
		"ns1.corp.io.\t3600\tIN\tA\t192.0.2.1\napi.corp.io.\t3600\tIN\tA\t10.0.0.99\nodd.corp.io.\t3600\tIN\tTYPE65280\t\\# 3 0a0b0c\n"
	text += fmt.Sprintf("; sha256 %x\n", sha256.Sum256([]byte(text)))
	if err := os.WriteFile(store, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(store, time.Now(), time.Now()); err != nil {
		t.Fatal(err)
	}
}

// A copy that is not what its ZONEMD says (RFC 8976) is not used.
func TestAForgedCopyIsNotUsed(t *testing.T) {
	t.Parallel()
	store := filepath.Join(t.TempDir(), "copy")
	for scheme, want := range map[byte]string{240: "10.0.0.99", 1: "52.193.10.20"} {
		synctest.Test(t, func(t *testing.T) {
			keepCopy(t, store, scheme)
			i := newIncident(t, "overrides: [{zone: corp.io, primaries: [\"127.0.0.1:1\"], store: "+store+"}]")
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() { defer close(ended); _ = i.overrides.Run(ctx) }()
			time.Sleep(time.Minute)
			if got := i.hears(t, hisClient, "api.corp.io.", dns.TypeA); !strings.HasSuffix(got, want) {
				t.Errorf("scheme %d: %s", scheme, got)
			}
			cancel()
			<-ended
		})
	}
}

// T14: a copy that nobody confirms any more, with a type in it that nobody knows and a ZONEMD of
// a scheme to come. Until its SOA says that it has expired it is the zone; then it serves in
// an outage alone, also after a restart, and after max-hold it does not. Other views never
// hear of it.
func TestACopyGrowsOld(t *testing.T) {
	t.Parallel()
	store := filepath.Join(t.TempDir(), "copy")
	synctest.Test(t, func(t *testing.T) {
		keepCopy(t, store, 240)
		yaml := `
views: [{name: office, clients: [10.0.0.0/8]}, {name: world, clients: [0.0.0.0/0]}]
resolver: {snoop: true}
overrides: [{zone: corp.io, primaries: ["127.0.0.1:1"], store: ` + store + `, max-hold: 6h, views: [office]}]
`
		start := func() (*incident, func()) {
			i := newIncident(t, yaml)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() { defer close(ended); _ = i.overrides.Run(ctx) }()
			time.Sleep(time.Minute)
			return i, func() { cancel(); <-ended }
		}
		i, stop := start()
		begun := time.Now().Add(-time.Minute)
		const fresh, public = "NOERROR | api.corp.io. 3600 IN A 10.0.0.99", "NOERROR | api.corp.io. 300 IN A 52.193.10.20"
		const old = "NOERROR | api.corp.io. 30 IN A 10.0.0.99 | EDE 3 (Stale Answer): the copy of corp.io. has expired, and there is an outage"
		at := func(after time.Duration, office, world string) {
			t.Helper()
			time.Sleep(time.Until(begun.Add(after)))
			i.recurse.Flush()
			i.server.Flush()
			for client, want := range map[string]string{"10.0.0.7": office, "192.0.2.7": world} {
				if got := i.hears(t, client, "api.corp.io.", dns.TypeA); got != want {
					t.Errorf("after %s: %s hears\n%s, want\n%s", after, client, got, want)
				}
			}
			for a := range i.recurse.Answers() {
				if strings.Contains(a.Response.String(), "10.0.0.99") {
					t.Errorf("after %s: it is remembered for all", after)
				}
			}
		}
		at(50*time.Minute, fresh, public)
		if got := i.hears(t, "10.0.0.7", "odd.corp.io.", 65280); got != "NOERROR | odd.corp.io. 3600 CLASS1 TYPE65280 \\# 3 0a0b0c" {
			t.Errorf("a type that nobody knows: %s", got)
		}
		at(2*time.Hour, public, public)
		i.net.Break(lab.NXDomain, i.io...)
		at(3*time.Hour, old, "NXDOMAIN")
		stop()
		i, stop = start()
		i.net.Break(lab.NXDomain, i.io...)
		at(5*time.Hour, old, "NXDOMAIN")
		at(7*time.Hour, "NXDOMAIN", "NXDOMAIN")
		stop()
	})
}

func TestOverridesInWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		when, kind string
		emergency  bool
		want       string
	}{
		{"always", "servers", false, "in the place of that, by the override of a.: servers x (views v, w)"},
		{"manual", "mirror", true, "in the place of that, by the override of a.: mirror x (views v, w)"},
		{"outage", "pin", false, "when that fails, is denied by a zone above or takes long, by the override of a.: pin x (views v, w)"},
		{"outage", "local", true, "before that, by the override of a.: local x (views v, w)"},
		{"outage", "mirror", true, "when that has nothing, by the override of a.: mirror x (views v, w)"},
	} {
		if got := overrideOf(control.Override{Zone: "a.", Kind: c.kind, Target: "x", When: c.when, Views: []string{"v", "w"}}, c.emergency); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}
