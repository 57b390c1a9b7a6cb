package dig

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheStartFileHasOptionsForAll(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	run := func(start string, args ...string) (string, int) {
		file := filepath.Join(t.TempDir(), "digrc")
		if err := os.WriteFile(file, []byte(start), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, errOut bytes.Buffer
		code := Run(context.Background(), append(args, s.all(nil)[1:]...), &out, &errOut, Options{Start: file})
		return out.String() + errOut.String(), code
	}
	for _, c := range []struct {
		start string
		args  string
		want  string
	}{
		{"# names are not looked at\n+short\n\nmx\n", "mail.example", "10 mx1.example.\n20 mx2.example.org.\n"},
		{"+noall\n+answer +noclass", "a.example", "a.example.\t\t300\tA\t192.0.2.10\na.example.\t\t300\tA\t192.0.2.11\n"},
		{"+short", "-r +noall +answer x.example", "x.example.\t\t0\tIN\tA\t192.0.2.13\n"},
	} {
		if got, code := run(c.start, strings.Fields(c.args)...); got != c.want || code != exitOK {
			t.Errorf("%q, %s: exit code %d, %q, want %q", c.start, c.args, code, got, c.want)
		}
	}
	if got, code := run("+nonsense", "a.example"); code != exitUsage || !strings.Contains(got, "Invalid option: +nonsense") {
		t.Errorf("exit code %d: %s", code, got)
	}
}

func TestLinesCanComeFromStdin(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	var out, errOut bytes.Buffer
	o := Options{Stdin: strings.NewReader("a.example\n\n# comment\nx.example\n")}
	if code := Run(context.Background(), s.all([]string{"+short", "-f", "-"}), &out, &errOut, o); code != exitOK || out.String() != "192.0.2.10\n192.0.2.11\n192.0.2.13\n" {
		t.Errorf("exit code %d: %s %s", code, out.String(), errOut.String())
	}
}

func TestWhatSomebodyMayHaveMeant(t *testing.T) {
	t.Parallel()
	for keyword, want := range map[string]string{
		"mutliline": "did you mean +multiline?",
		"dnsec":     "did you mean +dnssec?",
		"subent":    "did you mean +subnet?",
		"re":        "it may be +recurse, +retries, +retry",
		"xyzzy":     "",
		"":          "",
	} {
		if got := suggestion(keyword, false); got != want {
			t.Errorf("%s: %q, want %q", keyword, got, want)
		}
	}
	if got := suggestion("ansewr", true); got != "did you mean +noanswer?" {
		t.Error(got)
	}
}
