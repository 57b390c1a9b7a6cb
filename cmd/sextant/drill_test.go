package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/control"
	"github.com/sextant-dns/sextant/lab"
	"github.com/sextant-dns/sextant/lifeline"
	"github.com/sextant-dns/sextant/resolver"
)

// touched is all that a drill must leave as it is.
type touched struct {
	status  []lifeline.Status
	memory  resolver.Stats
	kinds   any
	records string
}

func (r *outage) touchable(state string) (t touched) {
	r.t.Helper()
	t.status, t.memory = r.lifeline.Status(), r.recurse.Stats()
	t.kinds, _ = r.exchanges.counts()
	files, err := filepath.Glob(filepath.Join(state, "*"))
	if err != nil || len(files) == 0 {
		r.t.Fatalf("no records: %v", err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			r.t.Fatal(err)
		}
		t.records += f + string(text)
	}
	return t
}

// Golden: each trouble, for a zone that is signed and one that is not. Nothing that serves
// is touched, nothing is sent to the hijacker, and no server is asked a question twice.
func TestDrill(t *testing.T) {
	t.Parallel()
	for _, signed := range []bool{false, true} {
		for _, trouble := range lab.Troubles() {
			name := fmt.Sprintf("%s-%s", trouble, map[bool]string{true: "signed", false: "unsigned"}[signed])
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				state := filepath.Join(t.TempDir(), "state")
				synctest.Test(t, func(t *testing.T) {
					p := newPlanet(t, signed)
					p.fixed = true
					r := begin(t, p, "lifeline: { state: "+state+", zones: [example.io] }")
					for _, host := range []string{"host1", "host2"} {
						r.a(host + ".example.io.")
					}
					time.Sleep(2*time.Hour - 10*time.Second) // in which roll-calls are over, and nothing is due
					before, sent := r.touchable(state), p.Sent(tlds...)
					began := time.Now()
					d, err := r.drill(t.Context(), control.DrillRequest{Zone: "example.io", Fault: string(trouble), For: 600, Names: []string{"host3.example.io", "none.example.io"}})
					if err != nil {
						t.Fatal(err)
					}
					if took := time.Since(began); took > 20*time.Second {
						t.Errorf("it took %v", took)
					}
					d.Took = 0
					golden(t, filepath.Join("testdata", "drill", name+".txt"), d.String())
					if after := r.touchable(state); !reflect.DeepEqual(before, after) {
						t.Errorf("before\n%+v\nafter\n%+v", before, after)
					}
					if n := p.Sent(lab.Hijacker()); n > 0 {
						t.Errorf("%d messages to nobody's address", n)
					}
					if n := p.Sent(tlds...) - sent; n > 12*len(tlds) {
						t.Errorf("%d messages to io.", n)
					}
				})
			})
		}
	}
}

// What is no drill is refused, and says why.
func TestDrillIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPlanet(t, false)
		p.naive = true
		r := begin(t, p, protected)
		refused := func(want string, d control.DrillRequest) {
			t.Helper()
			if _, err := r.drill(t.Context(), d); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: %v, want %s", d, err, want)
			}
		}
		for want, d := range map[string]control.DrillRequest{
			`there is no fault "fire"; want silent, nx, bogus, lag, hijack, empty`: {Zone: "example.io", Fault: "fire"},
			"com. is not protected":                                        {Zone: "com", Fault: "nx"},
			"www.example.io. is not protected":                             {Zone: "www.example.io", Fault: "nx"},
			"www.example.com. is not in example.io.":                       {Zone: "example.io", Fault: "nx", Names: []string{"www.example.com"}},
			"the fault lasts 59s; want 1m0s to 72h0m0s":                    {Zone: "example.io", Fault: "nx", For: 59},
			"the fault lasts 72h0m1s; want":                                {Zone: "example.io", Fault: "nx", For: 1 << 62},
			"the fault lasts 0s; want":                                     {Zone: "example.io", Fault: "nx", For: -1},
			"51 names; want 50 at most":                                    {Zone: "example.io", Fault: "nx", Names: make([]string, 51)},
			"nothing that the servers of io. say is validated here":        {Zone: "example.io", Fault: "bogus"},
			"no name in example.io. resolves without a fault, either: no.": {Zone: "example.io", Fault: "nx", Names: []string{"no.example.io"}},
		} {
			refused(want, d)
		}
		// Without names, and with nothing in memory, there is the SOA.
		if d, err := r.drill(t.Context(), control.DrillRequest{Zone: "example.io", Fault: "nx"}); err != nil || len(d.Names) != 1 || d.Names[0].Type != "SOA" || d.For != 300 {
			t.Errorf("%+v, %v", d, err)
		}
		r.drilling.Lock()
		refused("there is a drill already", control.DrillRequest{Zone: "example.io", Fault: "nx"})
		r.drilling.Unlock()
		p.Set(lab.Mute, tlds...)
		time.Sleep(2 * time.Hour)
		r.a("host1.example.io.")
		time.Sleep(10 * time.Second)
		refused("example.io. is emergency, which is no time for a drill", control.DrillRequest{Zone: "example.io", Fault: "nx"})
	})
}

// The command, over a socket, in real time.
func TestDrillCommand(t *testing.T) {
	t.Parallel()
	tld, err := lab.NewTLD(lab.TLDOptions{Instant: true, Records: "away 60 CNAME ns.zz.io.\n"})
	if err != nil {
		t.Fatal(err)
	}
	r := (&planet{TLD: tld, tb: t}).parts(t, protected)
	for range 4 { // of which three prove that it is not signed
		if _, err := r.lifeline.RollCall(t.Context(), tld.Zone()); err != nil {
			t.Fatal(err)
		}
	}
	socket := operated(t, r)
	got := command(t, exitOK, "drill", "example.io", "--fault", "silent", "--name", "host7.example.io", "--socket", socket)
	for _, want := range []string{"for 5m0s, the servers of io. do not reply\n", "suspect -> emergency:", "host7.example.io.  A ", "no client would have noticed\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	var d control.Drill
	if err := json.Unmarshal([]byte(command(t, exitOK, "drill", "example.io", "--fault", "nx", "--for", "12h", "--json", "--socket", socket)), &d); err != nil || d.For != 43200 || d.With.Queries < 50 || d.With.Failed() > 0 || d.Without.Failed() == 0 || d.State != "normal" {
		t.Errorf("%+v, %v", d, err)
	}
	command(t, exitFailed, "drill", "example.io", "--fault", "empty", "--name", "away.example.io", "--socket", socket) // an alias to a name in io.
	command(t, exitFailed, "drill", "example.com", "--fault", "nx", "--socket", socket)
	command(t, exitUsage, "drill", "example.io", "--socket", socket)
	command(t, exitUsage, "drill", "example.io", "--fault", "nx", "--for", "1s", "--socket", socket)
}
