package main

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/lab"
)

// Golden: what people see of each incident. Sextant fails in none, and plain resolution in
// all but the one that asking anew for keys heals.
func TestIncidents(t *testing.T) {
	t.Parallel()
	for _, i := range lab.Incidents() {
		t.Run(i.Name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var out strings.Builder
				begun := time.Now()
				if err := replayIncident(t.Context(), i.Name, 60, &out); err != nil {
					t.Fatal(err)
				}
				took := time.Since(begun)
				time.Sleep(30 * time.Second) // what was begun for others ends, too
				got := out.String()
				golden(t, filepath.Join("testdata", "incidents", i.Name+".txt"), got)
				if !regexp.MustCompile(`(?m)^Sextant +\d+ +0 `).MatchString(got) {
					t.Error("Sextant fails")
				}
				if fails := !regexp.MustCompile(`(?m)^plain resolution +\d+ +0 `).MatchString(got); fails != (i.Name != "nz-2023") {
					t.Errorf("plain resolution fails: %v", fails)
				}
				if want := (i.Lasted + replayBefore + replayAfter) / 60; took < want || took > want+time.Minute {
					t.Errorf("it took %v, want %v", took, want)
				}
			})
		})
	}
}

func TestIncidentCommand(t *testing.T) {
	t.Parallel()
	stopped, stop := context.WithCancel(t.Context())
	stop()
	for _, c := range []struct {
		ctx  context.Context
		args string
		code int
		want string
	}{
		{t.Context(), "--incident io-1066", exitUsage, `there is no incident "io-1066"; want se-2009, de-2010, io-2016,`},
		{t.Context(), "--incident io-2016 --speed -1", exitUsage, "--speed: -1; want 0 or more"},
		{stopped, "--incident io-2016", exitOK, "\nstopped\n"},
		{t.Context(), "--incident zoom-2025 --speed 0", exitOK, "normal at the end.\n"},
	} {
		var out strings.Builder
		if code := run(c.ctx, append([]string{"lab"}, strings.Fields(c.args)...), &out, &out); code != c.code || !strings.Contains(out.String(), c.want) {
			t.Errorf("%s: exit code %d\n%s", c.args, code, out.String())
		}
	}
}

// What the documentation shows of an incident is what people see.
func TestDocumentedIncident(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/how-to/rehearse-an-outage.md")
	if err != nil {
		t.Fatal(err)
	}
	story, err := os.ReadFile("testdata/incidents/io-2016.txt")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(page), "```\n")
	for _, n := range []int{3, 5} {
		if n >= len(blocks) || !strings.Contains(string(story), "\n"+blocks[n]) {
			t.Errorf("block %d of the page is not in the story", n)
		}
	}
	drill, err := os.ReadFile("testdata/drill/silent-unsigned.txt")
	if err != nil {
		t.Fatal(err)
	}
	if len(blocks) < 10 || blocks[9] != string(drill) {
		t.Error("the drill of the page is not that of the test")
	}
	reference, err := os.ReadFile("../../docs/reference/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range lab.Incidents() {
		if !strings.Contains(string(reference), "| `"+i.Name+"` |") {
			t.Errorf("%s is not in the reference", i.Name)
		}
	}
}
