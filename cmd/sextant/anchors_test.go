package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sextant-dns/sextant/anchors"
	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/lookup"
)

const anchorDigest = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

func configured(t *testing.T, dir, text string) *config.Config {
	t.Helper()
	c, err := config.Parse(filepath.Join(dir, "sextant.yaml"), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTrustAnchorsAreLoaded(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{
		"corp.key": "corp.example. IN DS 7 13 2 " + anchorDigest + "\n",
		"bind.key": "trust-anchors { lab.example. static-ds 8 13 2 \"" + anchorDigest + "\"; };\n",
	})
	const root = ". DS 20326 8 2 e06d44b80b8f1d39a95c0b0d7c65d08458e880409bbc683457104237c7f8ec8d\n" +
		". DS 38696 8 2 683d2d0acb8c9b712a1948b27f741219298d0a450d612c483af444a4c0fb2b16"
	for _, c := range []struct{ name, text, want string }{
		{"the default: on, from the built-in anchors", "", root},
		{"off", "dnssec: { validate: false, trust-anchor-files: [nowhere.key] }", ""},
		{"files", "dnssec: { builtin-anchor: false, trust-anchor-files: [corp.key, bind.key] }",
			"corp.example. DS 7 13 2 " + anchorDigest + "\nlab.example. DS 8 13 2 " + anchorDigest},
		{"inline and negative", "dnssec:\n  builtin-anchor: false\n  trust-anchors: ['a. DS 1 13 2 " + anchorDigest + "']\n" +
			"  negative-anchors: [b.a, { name: c.a, until: 2026-12-01T13:00:00+01:00 }]\n",
			"a. DS 1 13 2 " + anchorDigest + "\nb.a. negative\nc.a. negative until 2026-12-01T12:00:00Z"},
	} {
		s, err := configuredAnchors(configured(t, dir, c.text))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if got := s.String(); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

func TestBadTrustAnchorsAreLoadErrors(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{
		"bad.key": "corp.example. IN DS 7 13 2 0011\n\nlab.example. IN A 192.0.2.1\n",
	})
	_, err := configuredAnchors(configured(t, dir, "dnssec: { trust-anchor-files: [bad.key, nowhere.key], trust-anchors: ['a. DS x'] }"))
	if err == nil {
		t.Fatal("they were loaded")
	}
	for _, want := range []string{
		"bad.key:1:18: corp.example. DS: a digest of 2 octets", "bad.key:3:17: found \"A\"",
		"nowhere.key", `dnssec.trust-anchors[0]:1:7: key tag: found "x"`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got\n%v\nwant %s", err, want)
		}
	}
}

func TestOptionsOfTheKeeper(t *testing.T) {
	t.Parallel()
	o, err := anchorOptions(configured(t, "/etc", "").DNSSEC)
	if err != nil || o.Store != nil || o.Managed != nil || o.Validity != nil || o.Policy.Skew != 0 || o.Policy.SHA1 || o.Policy.MaxIterations != 50 {
		t.Errorf("by default: %+v, %v", o, err)
	}
	o, err = anchorOptions(configured(t, "/etc", `dnssec: { state: anchors.state, clock-skew: 0s, sha1: accept, now: "2026-01-02T03:04:05Z" }`).DNSSEC)
	if err != nil || o.Store != anchors.File("/etc/anchors.state") || len(o.Managed) != 1 || o.Managed[0] != lookup.Root ||
		o.Policy.Skew >= 0 || !o.Policy.SHA1 || !o.Validity().Equal(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)) {
		t.Errorf("got %+v, %v", o, err)
	}
	o, _ = anchorOptions(configured(t, "/etc", "dnssec: { clock-skew: 10m, managed: [] }").DNSSEC)
	if o.Policy.Skew != 10*time.Minute {
		t.Errorf("got %+v", o)
	}
}

// configuredAnchors makes the set of trust anchors that c describes: what is configured,
// without the history of managed ones. It is empty when nothing is validated. All
// that is wrong in any file is reported.
func configuredAnchors(c *config.Config) (*anchors.Set, error) {
	if !c.DNSSEC.Validate {
		return &anchors.Set{}, nil
	}
	o, err := anchorOptions(c.DNSSEC)
	if err != nil {
		return nil, err
	}
	return anchors.NewSet(o.Positive, o.Negative, o.Policy)
}
