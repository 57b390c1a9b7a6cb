package dig

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the transcripts anew")

// transcript is a command and what it prints, of a file in testdata. A command
// that begins with "dig" is one that the real dig answers in the same words; the
// others begin with "sextant dig".
type transcript struct {
	command string
	output  string
}

func (t transcript) shared() bool { return strings.HasPrefix(t.command, "dig") }
func (t transcript) args() []string {
	return strings.Fields(strings.TrimPrefix(t.command, "sextant "))[1:]
}

const prompt = "$ "

// readTranscripts reads a file: each command behind a prompt, its output below.
// What stands before the first command is about the file.
func readTranscripts(t *testing.T, file string) (about string, all []transcript) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split("\n"+string(text), "\n"+prompt)
	for _, part := range parts[1:] {
		command, output, _ := strings.Cut(part, "\n")
		all = append(all, transcript{command, output})
	}
	return strings.TrimPrefix(parts[0], "\n"), all
}

func transcriptFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	return files
}

// all is the arguments with those that lead to the test server.
func (s *testServer) all(args []string) []string {
	return append([]string{"-r", "@" + s.addr.Addr().String(), "-p", strconv.Itoa(int(s.addr.Port()))}, args...)
}

// ours is what our dig prints and its exit code, less what differs each time.
func (s *testServer) ours(args []string) string {
	var out, errOut bytes.Buffer
	code := Run(context.Background(), s.all(args), &out, &errOut, Options{
		Version: "test",
		Resolve: func(context.Context, string) ([]netip.Addr, error) { return nil, errors.New("no network") },
	})
	return s.steady(out.String(), errOut.String(), code)
}

// steady is output without what is different each time: IDs, times, cookies, the
// port, the version.
func (s *testServer) steady(out, errOut string, code int) string {
	for _, r := range []struct{ pattern, with string }{
		{`<<>> \S+ \S+ <<>>`, "<<>> dig <<>>"},
		{`, id: \d+`, ", id: ID"},
		{`expected ID \d+, got \d+`, "expected ID ID, got ID"},
		{`(hmac-\S+\. )\d+( \d+ \d+) (?s:.{0,150}?) ?\d+ (NOERROR|BAD[A-Z]+) `, "${1}TIME$2 MAC ID $3 "},
		{`(?m)^      id: \d+`, "      id: ID"},
		{`(?m)^( +)COOKIE: [0-9a-f]{16}$`, "${1}COOKIE: CLIENT"},
		{`"id":\d+`, `"id":0`},
		{`"milliseconds":[0-9.]+`, `"milliseconds":0`},
		{`Query time: \d+ `, "Query time: 0 "},
		{` in \d+ (ms|us)`, " in 0 $1"},
		{`(?m)timestamp \S+Z$`, "timestamp now"},
		{`"time":"[^"]+"`, `"time":"now"`},
		{`(?m)^;; WHEN: \w{3} \w{3} \d\d \d\d:\d\d:\d\d \S+ \d{4}$`, ";; WHEN: now"},
		{`COOKIE: [0-9a-f]{16}([0-9a-f]*) `, "COOKIE: CLIENT$1 "},
		{`(?m)COOKIE: [0-9a-f]{16}$`, "COOKIE: CLIENT"},
		{`"value":"[0-9a-f]{16}([0-9a-f]*)","data":"[^"]+"`, `"value":"CLIENT$1","data":"base64"`},
		{fmt.Sprintf(`\b%d\b`, s.addr.Port()), "PORT"},
	} {
		out = regexp.MustCompile(r.pattern).ReplaceAllString(out, r.with)
	}
	errOut, usage, is := strings.Cut(errOut, "Usage:  dig")
	for line := range strings.Lines(errOut) {
		out += "[stderr] " + line
	}
	if is && usage != "" {
		out += "[stderr] Usage: …\n"
	}
	if code != 0 {
		out += fmt.Sprintf("[exit code %d]\n", code)
	}
	return out
}

// serverFor is the test server for a file of transcripts.
func serverFor(t *testing.T, file string) *testServer {
	t.Helper()
	switch filepath.Base(file) {
	case "trace.txt":
		return startHierarchy(t)
	case "https.txt", "http.txt":
		return startWeb(t, filepath.Base(file) == "http.txt")
	case "tls.txt":
		s, _ := startTLS(t)
		return s
	}
	return startServer(t)
}

func TestTranscripts(t *testing.T) {
	t.Parallel()
	for _, file := range transcriptFiles(t) {
		s := serverFor(t, file)
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			about, all := readTranscripts(t, file)
			written := about
			for _, each := range all {
				got := s.ours(each.args())
				written += "\n" + prompt + each.command + "\n" + got
				if got != each.output && !*update {
					t.Errorf("%s (go test -update writes the transcript anew)\n%s", each.command, difference(got, each.output))
				}
			}
			if *update {
				if err := os.WriteFile(file, []byte(written), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// realDig is the path of BIND's.
func realDig(t *testing.T) string {
	t.Helper()
	dig, err := exec.LookPath("dig")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("BIND's dig is not installed, and CI=true says that it must be")
		}
		t.Skip("BIND's dig is not installed")
	}
	return dig
}

func TestOutputIsThatOfTheRealDig(t *testing.T) {
	t.Parallel()
	dig := realDig(t)
	compared := 0
	for _, file := range transcriptFiles(t) {
		_, all := readTranscripts(t, file)
		s := serverFor(t, file)
		for _, each := range all {
			if !each.shared() {
				continue
			}
			compared++
			t.Run(each.command, func(t *testing.T) {
				t.Parallel()
				got, want := s.ours(each.args()), s.theirs(t, dig, each.args())
				if got != want {
					t.Error(difference(got, want))
				}
			})
		}
	}
	t.Log(compared, "invocations compared")
	if compared < 700 {
		t.Errorf("only %d invocations compared", compared)
	}
}

// theirs is what the real dig prints and its exit code.
func (s *testServer) theirs(t *testing.T, dig string, args []string) string {
	t.Helper()
	var out, errOut bytes.Buffer
	ctx, stop := context.WithTimeout(t.Context(), time.Minute) // there are ways to have it wait for ever
	defer stop()
	cmd := exec.CommandContext(ctx, dig, s.all(args)...)
	cmd.Args[0] = "dig" // which begins its complaints
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	return s.steady(out.String(), errOut.String(), cmd.ProcessState.ExitCode())
}

// difference is the lines from where two texts begin to differ.
func difference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range g {
		if i >= len(w) || g[i] != w[i] {
			return fmt.Sprintf("line %d: got\n%s\nwant\n%s", i+1, strings.Join(g[i:], "\n"), strings.Join(w[min(i, len(w)):], "\n"))
		}
	}
	return fmt.Sprintf("missing at the end:\n%s", strings.Join(w[len(g):], "\n"))
}
