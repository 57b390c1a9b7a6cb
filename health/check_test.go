package health

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestChecksAreReadAndWritten(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"none":                            "none",
		"ICMP":                            "icmp",
		"tcp:443":                         "tcp:443",
		"TCP:00053":                       "tcp:53",
		"http://{addr}":                   "http://{addr}/",
		"http://{addr}:80/":               "http://{addr}/",
		"HTTPS://{addr}:8443/up":          "https://{addr}:8443/up",
		"http://{addr}?a=b&c":             "http://{addr}/?a=b&c",
		"https://WWW.example.com/healthz": "https://{addr}/healthz host=www.example.com",
		"https://www.example.com:444/ host=www.example.com":                      "https://{addr}:444/ host=www.example.com",
		`http://{addr}/ match="all is well" status=200-299`:                      `http://{addr}/ match="all is well"`,
		`http://{addr}/ status=200,301-302 method=head`:                          `http://{addr}/ method=HEAD status=200,301-302`,
		`https://{addr}/ insecure=no regexp='^\d+ "ok"$' ca=/c.pem host=a`:       `https://{addr}/ host=a regexp="^\\d+ \"ok\"$" ca=/c.pem`,
		`https://{addr}/ insecure=yes`:                                           `https://{addr}/ insecure=yes`,
		`exec:/bin/check  --fast {addr} 'two words' "" it"'"s`:                   `exec:/bin/check --fast {addr} "two words" "" "it's"`,
		`exec:"/opt/my check"`:                                                   `"exec:/opt/my check"`,
		"file:/run/site/{site}":                                                  "file:/run/site/{site}",
		`"file:/run/a b"`:                                                        `"file:/run/a b"`,
		`http://{addr}/ match=\d`:                                                `http://{addr}/ match=\d`,
		"http://{addr}/ status=200-299,304 match=x method=GET host=a.b insecure": "", // see below
	} {
		c, err := ParseCheck(text)
		if want == "" {
			if err == nil {
				t.Errorf("%s: read as %s", text, c)
			}
			continue
		}
		if err != nil || c.String() != want {
			t.Errorf("%s: got %s, %v; want %s", text, c, err, want)
		}
	}
}

func TestWhatIsWrongWithACheckIsSaid(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                    "want none, tcp:PORT",
		"  ":                                  "want none, tcp:PORT",
		"tpc:443":                             `did you mean "tcp"?`,
		"443":                                 "want none, tcp:PORT",
		"none of it":                          "want none and nothing else",
		"icmp:1":                              "want icmp and nothing else",
		"icmp fast":                           "want icmp and nothing else",
		"tcp":                                 `port ""; want 1 to 65535`,
		"tcp:0":                               "want 1 to 65535",
		"tcp:65536":                           "want 1 to 65535",
		"tcp:https":                           "want 1 to 65535",
		"tcp:443 fast":                        "want nothing",
		"http:{addr}":                         "want a URL, such as https://{addr}/healthz",
		"http:///x":                           "want {addr} or the name of a host",
		"http://192.0.2.1/":                   "want {addr}, which is each address of the site",
		"http://[2001:db8::1]:80/":            "want {addr}, which is each address of the site",
		"http://user@{addr}/":                 "want {addr} or the name of a host",
		"http://{addr}:x/":                    "want 1 to 65535",
		"http://{addr}:/":                     "want 1 to 65535",
		"http://{address}/":                   "want {addr} or the name of a host",
		"http://{addr}/#here":                 "without # and {}",
		"http://{addr}/{site}":                "without # and {}",
		"http://{addr}/%zz":                   "as it stands in a URL",
		"http://{addr}/ fast":                 "want KEY=VALUE",
		"http://{addr}/ colour=red":           "unknown key",
		"http://{addr}/ mach=x":               `did you mean "match"?`,
		"http://{addr}/ match=x match=y":      "given twice",
		"http://{addr}/ match=":               "want text",
		"http://{addr}/ method=POST":          "want GET or HEAD",
		"http://{addr}/ method=HEAD match=ok": "HEAD brings no body",
		"http://{addr}/ match=ok method=HEAD": "HEAD brings no body",
		"http://{addr}/ status=20":            "want statuses from 100 to 599",
		"http://{addr}/ status=299-200":       "want statuses from 100 to 599",
		"http://{addr}/ status=200-":          "want statuses from 100 to 599",
		"http://{addr}/ status=200,":          "want statuses from 100 to 599",
		"http://{addr}/ regexp=(":             "want a regular expression of RE2",
		"http://{addr}/ host=a/b":             "want the name of a host",
		"http://a/ host=b":                    "want one of them",
		"http://{addr}/ ca=/x.pem":            "is for https checks",
		"http://{addr}/ insecure=yes":         "is for https checks",
		"https://{addr}/ ca=x.pem":            "want the absolute path",
		"https://{addr}/ insecure=perhaps":    "want yes or no",
		"exec:check":                          "want its absolute path, such as exec:/usr/lib/site-check",
		"exec:":                               "want its absolute path",
		"file:fra":                            "want its absolute path, such as file:/run/site/fra",
		"file:/a b":                           "quotes around a path with spaces",
		`exec:/a "b`:                          `a quote " is opened and not closed`,
		"exec:/a\x00":                         "control characters",
		"exec:/a\xff":                         "control characters, or no UTF-8",
		"exec:/" + strings.Repeat("a", 1024):  "want at most 1024",
	} {
		if c, err := ParseCheck(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %s, %v; want %s", text, c, err, want)
		}
	}
}

func FuzzParseCheck(f *testing.F) {
	for _, text := range []string{"tcp:443", "icmp", "none", `https://{addr}:1/a?b status=200,300-399 match="a b" host=x ca=/y insecure=yes`,
		`exec:/a 'b c' "\"\\" {addr}`, "file:/run/{site}", `http://a/ regexp=\d+`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCheck(text)
		if err != nil {
			return
		}
		again, err := ParseCheck(c.String())
		if len(c.String()) > maxText { // quotes have made it longer than may be read
			return
		}
		if err != nil || again.String() != c.String() {
			t.Errorf("%q is %s, and that is %s, %v", text, c, again, err)
		}
		if again.kind != c.kind || again.port != c.port || again.path != c.path || again.host != c.host || again.match != c.match || !slices.Equal(again.argv, c.argv) {
			t.Errorf("%q: %+v became %+v", text, c, again)
		}
	})
}

func TestSettingsOfASite(t *testing.T) {
	t.Parallel()
	pairs := func(texts ...string) (all []Pair) {
		for _, text := range texts {
			key, value, _ := strings.Cut(text, "=")
			all = append(all, Pair{key, value})
		}
		return all
	}
	s, err := ParseSettings(pairs("at=50.1,8.7", "status=200-399", "check=https://{addr}/healthz", "fall=4", "interval=20s", "host=www.example.com", "match=all is well", "state=drain"), "at")
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.MustParseAddr("192.0.2.1")
	want := Target{Site: "fra", Addr: addr, Check: `https://{addr}/healthz host=www.example.com status=200-399 match="all is well"`,
		Rise: 2, Fall: 4, Interval: 20 * time.Second, Timeout: 3 * time.Second, State: ForceDrain}
	if got := s.Target("fra", addr); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if s, err := ParseSettings(pairs("check=file:/run/fra")); err != nil || s.Rise != 1 || s.Fall != 1 || s.Interval != 2*time.Second || s.Timeout != 2*time.Second {
		t.Errorf("a file: %+v, %v", s, err)
	}
	if s, err := ParseSettings(nil); err != nil || s.Target("x", addr).Check != "none" {
		t.Errorf("nothing: %+v, %v", s, err)
	}
	if s, err := ParseSettings(pairs("check=icmp", "timeout=20s")); err != nil || s.Interval != 20*time.Second {
		t.Errorf("a long timeout: %+v, %v", s, err)
	}
	for want, given := range map[string][]string{
		`0 intervall: unknown key; want one of check, state, rise, fall, interval, timeout, host, method, status, match, regexp, ca, insecure; did you mean "interval"?`: {"intervall=3s"},
		`0 ad: unknown key; want one of check, state, rise, fall, interval, timeout, host, method, status, match, regexp, ca, insecure; did you mean "at"?`:              {"ad=3"},
		`1 fall: is given twice`:                                      {"fall=3", "fall=3"},
		`0 fall: "0"; want a number of checks`:                        {"fall=0"},
		`0 rise: "many"; want a number`:                               {"rise=many"},
		`0 interval: "10"; want a time from 1s`:                       {"interval=10"},
		`0 interval: "2h"; want a time from 1s to 1h0m0s`:             {"interval=2h"},
		`1 timeout: 5s; want at most the interval, 2s`:                {"interval=2s", "timeout=5s"},
		`0 state: "draining"; want auto, up, down or drain`:           {"state=draining"},
		`1 match: is for http and https checks, and this one is tcp`:  {"check=tcp:1", "match=x"},
		`0 match: is for http and https checks, and this one is none`: {"match=x"},
		`0 check: port "x"`:                                           {"check=tcp:x", "match=x"},
	} {
		_, err := ParseSettings(pairs(given...), "at")
		var one *PairError
		if !errors.As(err, &one) || !strings.HasPrefix(string(rune('0'+one.Index))+" "+err.Error(), want) {
			t.Errorf("%v: got %v; want %s", given, err, want)
		}
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("%v: one mistake, told twice: %v", given, err)
		}
	}
	if _, err := ParseSettings(pairs("fall=x", "rise=y")); err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("two mistakes: %v", err)
	}
}

func TestChecksOfOthersAreNotRunHere(t *testing.T) {
	t.Parallel()
	for text, local := range map[string]bool{"tcp:1": false, "icmp": false, "https://{addr}/": false,
		"https://{addr}/ ca=/c.pem": true, "exec:/bin/true": true, "file:/x": true} {
		if c, err := ParseCheck(text); err != nil || c.Local() != local {
			t.Errorf("%s: %v, %v", text, c.Local(), err)
		}
	}
}
