package zones

import (
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
)

// RFC 9460: what contradicts itself is not loaded, what is only unwise is lint.
func TestG1001ServiceParameters(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ rr, err, lint string }{
		{rr: "HTTPS 1 . port=443 alpn=h2 mandatory=alpn,port"},
		{rr: `HTTPS 1 . alpn="f\\\\oo\\,bar,h2" key667="hello\210qoo"`},
		{rr: "HTTPS 0 www"},
		{rr: "HTTPS 1 . alpn=h2 alpn=h3", err: "repeated SVCB keys"},
		{rr: `HTTPS \# 16 0001 00 0003 0002 01bb 0001 0003 026832`, err: "not in strictly increasing order"},
		{rr: "HTTPS 1 . mandatory=port alpn=h2", err: "mandatory names key 3, which is not there"},
		{rr: "HTTPS 1 . mandatory=mandatory alpn=h2", err: "mandatory names itself"},
		{rr: "SVCB 1 . mandatory=alpn,alpn alpn=h2", err: "mandatory names key 1 twice"},
		{rr: "HTTPS 1 . mandatory= alpn=h2", err: "mandatory names no key"},
		{rr: "SVCB 1 . no-default-alpn", err: "no-default-alpn without alpn"},
		{rr: "HTTPS 1 . alpn=", err: "alpn names no protocol"},
		{rr: "HTTPS 0 www alpn=h2", lint: "an alias has no use for SvcParams"},
		{rr: "HTTPS 1 www ipv4hint=192.0.2.80,192.0.2.81 ipv6hint=2001:db8::80"},
		{rr: "HTTPS 1 www ipv4hint=192.0.2.81,192.0.2.80"},
		{rr: "HTTPS 1 www ipv4hint=192.0.2.80", lint: "ipv4hint is not what www.example. A has"},
		{rr: "HTTPS 1 www ipv6hint=2001:db8::1", lint: "ipv6hint is not what www.example. AAAA has"},
		{rr: "HTTPS 1 elsewhere.invalid. ipv4hint=192.0.2.1"},
		{rr: "HTTPS 1 . ipv4hint=192.0.2.1"},
	} {
		z, err := Load(strings.NewReader(top+"www A 192.0.2.80\nwww A 192.0.2.81\nwww AAAA 2001:db8::80\ns "+c.rr+"\n"), "e", LoadOptions{})
		switch {
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), "e:10:") || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%s: got error %v, want %s", c.rr, err, c.err)
		case c.err == "" && err != nil:
			t.Errorf("%s: %v", c.rr, err)
		case c.err == "" && (c.lint == "") != (len(z.Lint()) == 0), c.lint != "" && !strings.Contains(z.Lint()[0].Error(), c.lint):
			t.Errorf("%s: got %v, want %q", c.rr, z.Lint(), c.lint)
		}
	}
}

// What no parser has seen, as of a transfer, is judged alike.
func TestG1001ServiceParametersOfTransfers(t *testing.T) {
	t.Parallel()
	z := load(t, top)
	var records []Record
	for r := range z.Records() {
		records = append(records, r)
	}
	for rdata, want := range map[string]string{
		"\x00\x01\x00\x00\x03\x00\x02\x01\xbb\x00\x01\x00\x03\x02h2": "not in order",
		"\x00\x01\x00\x00\x02\x00\x00":                               "no-default-alpn without alpn",
		"\x00\x01\x00\x00\x01\x00\x03\x02h2\x00\x03\x00\x02\x01\xbb": "",
		"\x00\x01\x00": "",
	} {
		_, err := New(z.Apex(), append(records[:len(records):len(records)], Record{name("s.example."), lookup.TypeHTTPS, 60, rdata}), "x")
		if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%x: got %v, want %q", rdata, err, want)
		}
	}
}
