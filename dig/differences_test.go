package dig

import (
	"strings"
	"testing"
)

// differences are what the real dig does otherwise, with the reason why that is
// not followed. Only what is in this list, and what BIND has not, may differ.
func differences() []struct{ args, reason string } {
	return []struct{ args, reason string }{
		{"a.example +https=/nowhere +tries=1", "an HTTP status says more than \"failure\""},
		{"a +domain=example", "BIND prints the statistics twice when it has tried the search list and the last name is not there"},
		{"+nodscp a.example +short", "a line on the error output ends"},
		{"+sigchase a.example +short", "so does this one"},
		{"a.example +ednsopt=server-tag +noall +comments", "a malformed EDNS option is shown, not the reason for showing nothing"},
		{"a.example +ednsopt=report-channel +short", "we know the option's name"},
		{"bad_name.ex--ample.example +idnin +short", "ASCII is left as it was typed: such names exist"},
		{"xn--a.example +idnin +noall +question", "the same"},
		{"xn--zz.example +idnout +noall +question", "what is no A-label is shown as it is, and the rest of the message, too"},
		{"XN--BCHER-KVA.example +idnout +noall +question", "letters of U-labels are lower case"},
		{"ß☃.example +idnin +noall +question", "UTS 46 has symbols"},
		{"a.example +ednsopt=10:zz", "the name of BIND's function does not help"},
		{"a.example +cookie=zz", "the same"},
		{"a.example +subnet=1.2.3.4/x", "BIND prints an empty line behind it"},
		{"a.example +split=1024", "a number that is out of range is not adjusted as well"},
		{"a.example -y x", "BIND says nothing at all"},
		{"a.example -k nofile", "nothing is sent unsigned that was to be signed"},
		{"-f nofile", "other words, the same exit code"},
		{"a.example +f +short", "what begins one option's name only is that one"},
		{"a.example -h -x", "-h is understood at once"},
		{"a.example +mutliline", "did you mean +multiline?"},
	}
}

func TestDifferencesFromTheRealDigAreStillThere(t *testing.T) {
	t.Parallel()
	dig := realDig(t)
	s := startWeb(t, false)
	plain := startServer(t)
	for _, d := range differences() {
		t.Run(d.args, func(t *testing.T) {
			t.Parallel()
			to, args := plain, strings.Fields(d.args)
			if strings.Contains(d.args, "https") {
				to = s
			}
			if to.ours(args) == to.theirs(t, dig, args) {
				t.Errorf("there is none; the list says %q", d.reason)
			}
		})
	}
}
