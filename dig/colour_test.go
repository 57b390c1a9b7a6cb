package dig

import (
	"bytes"
	"context"
	"regexp"
	"strings"
	"testing"
)

// Colours add nothing but colours: without them the output is the plain one.
func TestColoursAreForTerminalsOnly(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	run := func(colour bool, args ...string) string {
		var out, errOut bytes.Buffer
		Run(context.Background(), s.all(append(args, "+qid=1", "+nocookie", "+nostats")), &out, &errOut, Options{Colour: colour})
		return out.String()
	}
	plain, colours := run(false, "a.example", "+subnet=192.0.2.0/24"), run(true, "a.example", "+subnet=192.0.2.0/24")
	if strings.Contains(plain, "\x1b") {
		t.Errorf("not plain: %q", plain)
	}
	if !strings.Contains(colours, "\x1b[36m; CLIENT-SUBNET: 192.0.2.0/24/21\x1b[0m\n") || !strings.Contains(colours, "\x1b[32m;; ->>HEADER<<-") {
		t.Errorf("not coloured: %q", colours)
	}
	if got := regexp.MustCompile(`\x1b\[\d+m`).ReplaceAllString(colours, ""); got != plain {
		t.Error(difference(got, plain))
	}
	if got := run(true, "a.example", "+short"); got != "192.0.2.10\n192.0.2.11\n" {
		t.Errorf("+short: %q", got)
	}
}
