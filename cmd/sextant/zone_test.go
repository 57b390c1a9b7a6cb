package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/overlay"
)

// zoneCheck runs the command in a folder with files and gives what it prints, without
// the folder.
func zoneCheck(t *testing.T, dir string, args ...string) (out string, code int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	for i, a := range args {
		if strings.HasSuffix(a, ".zone") {
			args[i] = filepath.Join(dir, a)
		}
	}
	code = run(context.Background(), append([]string{"zone", "check"}, args...), &stdout, &stderr)
	return strings.ReplaceAll(stdout.String()+stderr.String(), dir+"/", ""), code
}

func TestZoneCheck(t *testing.T) {
	t.Parallel()
	const relative = "$TTL 60\n@ SOA ns host 7 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n"
	dir := write(t, map[string]string{
		"good.zone":     goodZone,
		"unwise.zone":   goodZone + "@ MX 10 nobody\n",
		"bad.zone":      goodZone + "www CNAME db\nwww A 192.0.2.1\n",
		"relative.zone": relative,
		"zonemd.zone":   goodZone + "@ ZONEMD 1 1 1 " + strings.Repeat("00", 48) + "\n",
		"signed.zone":   goodZone + "@ NSEC ns NS SOA NSEC\nns NSEC @ A NSEC\n",
	})
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"good.zone", 0, "good.zone: good: corp.example. serial 1: 4 records, 3 names, 4 RRsets; signed: no; ZONEMD: none\n"},
		{"unwise.zone", 0, "unwise.zone:7:1: warning: corp.example. MX: nobody.corp.example. has no address\n" +
			"unwise.zone: good: corp.example. serial 1: 5 records, 3 names, 5 RRsets; signed: no; ZONEMD: none\n"},
		{"--strict unwise.zone", 1, "unwise.zone:7:1: warning: corp.example. MX: nobody.corp.example. has no address\n" +
			"unwise.zone: good: corp.example. serial 1: 5 records, 3 names, 5 RRsets; signed: no; ZONEMD: none\n"},
		{"bad.zone good.zone", 1, "bad.zone:8:1: www.corp.example. A: stands beside a CNAME, and must not (RFC 2181 10.1)\nbad.zone: bad\n" +
			"good.zone: good: corp.example. serial 1: 4 records, 3 names, 4 RRsets; signed: no; ZONEMD: none\n"},
		{"--origin rel.example relative.zone", 0, "relative.zone: good: rel.example. serial 7: 3 records, 2 names, 3 RRsets; signed: no; ZONEMD: none\n"},
		{"zonemd.zone", 1, "zonemd.zone: ZONEMD does not match the zone\nzonemd.zone: bad\n"},
		{"signed.zone", 0, "signed.zone: good: corp.example. serial 1: 6 records, 3 names, 6 RRsets; signed: NSEC; ZONEMD: none\n"},
		{"none.zone", 1, "open none.zone: no such file or directory\nnone.zone: bad\n"},
	} {
		if out, code := zoneCheck(t, dir, strings.Fields(c.args)...); out != c.want || code != c.code {
			t.Errorf("%s: exit code %d, want %d\n got %s\nwant %s", c.args, code, c.code, out, c.want)
		}
	}
	if _, code := zoneCheck(t, dir, "--origin", "a", "good.zone", "bad.zone"); code != exitUsage {
		t.Errorf("one origin for two files: %d", code)
	}
}

func TestZoneCheckInJSON(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{"bad.zone": goodZone + "www A 192.0.2.300\n", "unwise.zone": goodZone + "@ MX 10 nobody\n"})
	out, code := zoneCheck(t, dir, "--json", "bad.zone", "unwise.zone")
	var all []checkedZone
	if err := json.Unmarshal([]byte(out), &all); err != nil || code != 1 || len(all) != 2 {
		t.Fatalf("%v, exit code %d\n%s", err, code, out)
	}
	if p := all[0].Problems; all[0].Good || len(p) != 1 || p[0].Severity != "error" || p[0].Line != 7 || p[0].Column != 17 {
		t.Errorf("%+v", all[0])
	}
	if p := all[1].Problems; !all[1].Good || all[1].Records != 5 || len(p) != 1 || p[0].Severity != "warning" || p[0].Line != 7 {
		t.Errorf("%+v", all[1])
	}
}

// What named-checkzone refuses, we refuse.
func TestZoneCheckRefusesWhatNamedCheckzoneRefuses(t *testing.T) {
	t.Parallel()
	tool, err := exec.LookPath("named-checkzone")
	if err != nil {
		t.Skip("named-checkzone (Debian package bind9-utils) is not here")
	}
	files := map[string]string{"good.zone": goodZone}
	for what, add := range map[string]string{
		"syntax":           "www A 192.0.2.300\n",
		"type":             "www NOTYPE x\n",
		"unbalanced":       "www ( A 192.0.2.1\n",
		"cname":            "www CNAME db\nwww A 192.0.2.1\n",
		"two-cnames":       "www CNAME db\nwww CNAME ns\n",
		"two-soas":         "@ SOA ns hostmaster 2 7200 900 1209600 60\n",
		"soa-below":        "www SOA ns hostmaster 2 7200 900 1209600 60\n",
		"class":            "www CH TXT x\n",
		"wildcard-ns":      "*.w NS ns\n",
		"wildcard-dname":   "*.w DNAME db\n", // named-checkzone warns, and we refuse
		"long-label":       strings.Repeat("a", 64) + " A 192.0.2.1\n",
		"long-name":        strings.Repeat("a.", 126) + "a A 192.0.2.1\n",
		"escape":           "a\\999 A 192.0.2.1\n",
		"mx-without-host":  "www MX 10\n",
		"unknown-too-long": "www TYPE65400 \\# 5 0102\n",
		"ns-alias":         "@ NS alias\nalias CNAME ns\n", // we warn
		"ns-no-address":    "@ NS nobody\n",                // we warn
		"no-include":       "$INCLUDE none\n",
	} {
		files[what+".zone"] = goodZone + add
	}
	files["no-soa.zone"], files["empty.zone"] = "$TTL 60\ncorp.example. NS ns.elsewhere.\n", ""
	files["no-ns.zone"] = "$TTL 60\ncorp.example. SOA . . 1 2 3 4 5\n"
	dir := write(t, files)
	warned := map[string]bool{"ns-alias.zone": true, "ns-no-address.zone": true}
	refused := 0
	for file := range files {
		theirs, err := exec.Command(tool, "corp.example", filepath.Join(dir, file)).CombinedOutput()
		args := []string{"--origin", "corp.example", file}
		if warned[file] {
			args = append(args, "--strict")
		}
		out, code := zoneCheck(t, dir, args...)
		if err != nil {
			refused++
		}
		if err != nil && code == 0 {
			t.Errorf("%s: named-checkzone says\n%s\nand we\n%s", file, theirs, out)
		}
		if err == nil && code != 0 && file != "wildcard-dname.zone" {
			t.Errorf("%s: named-checkzone says nothing, and we\n%s", file, out)
		}
	}
	if refused < len(files)/2 {
		t.Errorf("named-checkzone refuses %d of %d; the test tests little", refused, len(files))
	}
}

func TestZoneCheckJudgesOverlays(t *testing.T) {
	t.Parallel()
	text := strings.ReplaceAll(worked, "PORT", "80")
	dir := write(t, map[string]string{
		"corp.zone": goodZone, "good.geo": text, "places.mmdb": countries(t, toyPlaces()),
		"expects.geo": text + "$EXPECT db A from us = 192.0.2.1\n", "wrong.geo": "$WHEN uk\n",
		"checks.geo": "$SITE a check=gopher:70\n$WHEN net:lab\ndb A 192.0.2.1\n",
	})
	const good = "corp.zone: good: corp.example. serial 1: 4 records, 3 names, 4 RRsets; signed: no; ZONEMD: none\n"
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"--overlay good.geo --mmdb places.mmdb corp.zone", 0, good},
		{"--overlay expects.geo --mmdb places.mmdb corp.zone", 1, "expects.geo:18:1: $EXPECT fails: the answer is 198.51.100.80; $EXPECT db A from us = 192.0.2.1\ncorp.zone: bad\n"},
		{"--overlay wrong.geo --mmdb places.mmdb corp.zone", 1, "wrong.geo:1:7: \"uk\" is not a selector; did you mean gb?\ncorp.zone: bad\n"},
		{"--overlay good.geo corp.zone", 1, "good.geo:11:11: no database has values of the kind country, which de needs; name databases under geo.databases\ncorp.zone: bad\n"},
		{"--overlay checks.geo corp.zone", 1, "checks.geo:1:9: site a: check: "},
		{"--mmdb places.mmdb corp.zone", exitUsage, "--mmdb goes with --overlay"},
	} {
		words := strings.Fields(c.args)
		for i, w := range words {
			if strings.HasSuffix(w, ".geo") || strings.HasSuffix(w, ".mmdb") {
				words[i] = filepath.Join(dir, w)
			}
		}
		if out, code := zoneCheck(t, dir, words...); code != c.code || !strings.HasPrefix(out, c.want) && code != exitUsage || !strings.Contains(out, c.want) {
			t.Errorf("%s: exit code %d, want %d\n got %s\nwant %s", c.args, code, c.code, out, c.want)
		}
	}
}

// Checks that run or read something here are for zones of files of ours alone.
func TestChecksOfOthersMayNotBeLocal(t *testing.T) {
	t.Parallel()
	for check, refused := range map[string]bool{
		"exec:/bin/true": true, "file:/run/site": true, "https://{addr}/ ca=/etc/own.pem": true, "tcp:443": false, "https://{addr}/": false, "icmp": false,
	} {
		o, err := overlay.Load(strings.NewReader("$SITE a check="+check+"\n$AT a\nwww A 192.0.2.1\n$AT *\n$ROUTE www *=a\n"), "theirs.geo", overlay.Options{Origin: lookup.MustName("example.")})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := newSites(o, false); (err != nil) != refused {
			t.Errorf("%s of others: %v", check, err)
		} else if refused && !strings.HasPrefix(err.Error(), "theirs.geo:1:9: site a: check: ") {
			t.Errorf("%s: %v", check, err)
		}
		if s, err := newSites(o, true); err != nil || len(s.order) != 1 {
			t.Errorf("%s of ours: %v", check, err)
		}
	}
}
