//go:build e2e

package e2e_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A reply is what dig or kdig showed of a response.
type reply struct {
	status string   // NOERROR
	flags  []string // qr rd ra
	ede    string   // the code of the Extended DNS Error (RFC 8914), "" for none
	answer []string // "v4only.example. AAAA 2001:db8::1", in the order of the message
	text   string   // everything: the command, and what it printed
}

// dig asks with BIND's dig, once, without retries; no reply is a failure.
func (h host) dig(t *testing.T, args ...string) reply {
	t.Helper()
	return h.ask(t, append([]string{"dig", "+tries=1", "+time=10"}, args...)...)
}

// kdig asks with Knot's dig.
func (h host) kdig(t *testing.T, args ...string) reply {
	t.Helper()
	return h.ask(t, append([]string{"kdig", "+retry=0", "+time=10"}, args...)...)
}

func (h host) ask(t *testing.T, command ...string) reply {
	t.Helper()
	return parseDig(strings.Join(command, " ") + "\n" + h.run(t, command...))
}

func parseDig(text string) reply {
	first := func(pattern string) string {
		if m := regexp.MustCompile(pattern).FindStringSubmatch(text); m != nil {
			return m[1]
		}
		return ""
	}
	return reply{
		status: first(`status: (\w+)`),
		flags:  strings.Fields(first(`;; [Ff]lags: ([a-z ]+);`)),
		ede:    first(`; EDE: (\d+)`),
		answer: answerSection(text),
		text:   text,
	}
}

// answerSection is the RRs of the answer section without TTL and class.
func answerSection(text string) []string {
	_, section, _ := strings.Cut(text, ";; ANSWER SECTION:\n")
	section, _, _ = strings.Cut(section, "\n\n")
	var rrs []string
	for line := range strings.Lines(section) {
		if f := strings.Fields(line); len(f) > 4 && f[2] == "IN" {
			rrs = append(rrs, strings.Join(slices.Delete(f, 1, 3), " "))
		}
	}
	return rrs
}

// expect fails the test, and shows the whole transcript, when the reply is not
// the one that it should be. Letter case is free: a name that is compressed
// against the question has the question's.
func expect(t *testing.T, r reply, status string, answer ...string) {
	t.Helper()
	if r.status != status || !slices.EqualFunc(r.answer, answer, strings.EqualFold) {
		t.Errorf("want %s\n%s\ngot\n%s", status, strings.Join(answer, "\n"), r.text)
	}
}

// expectFlag fails the test unless the reply has the flag, or, with a "-" in
// front of it, has it not.
func expectFlag(t *testing.T, r reply, flag string) {
	t.Helper()
	name, absent := strings.CutPrefix(flag, "-")
	if slices.Contains(r.flags, name) == absent {
		t.Errorf("flag %s, got\n%s", flag, r.text)
	}
}
