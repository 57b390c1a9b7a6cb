package main

import (
	"errors"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sextant-dns/sextant/anchors"
	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/zones"
)

// trusting checks digests with these trust anchors.
func trusting(t *testing.T, positive ...lookup.RRset) zonemd {
	t.Helper()
	set, err := anchors.NewSet(positive, nil, dnssec.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	return newZONEMD(config.DNSSEC{}, func() *anchors.Set { return set })
}

func TestTheDigestIsComputed(t *testing.T) {
	t.Parallel()
	zone, err := zones.LoadFile("../../dnssec/testdata/rfc8976-a1.zone", "")
	if err != nil {
		t.Fatal(err)
	}
	z := trusting(t)
	if err := z.verify(zone.Apex(), zone.All()); err != nil {
		t.Errorf("the example of RFC 8976: %v", err)
	}
	// others is the zone with another ZONEMD.
	others := func(change func([]byte)) iter.Seq[lookup.RRset] {
		return func(yield func(lookup.RRset) bool) {
			for s := range zone.All() {
				if s.Type == lookup.TypeZONEMD {
					b := []byte(s.Data)
					change(b)
					s.Data = lookup.Rdata(b)
				}
				if !yield(s) {
					return
				}
			}
		}
	}
	if err := z.verify(zone.Apex(), others(func(b []byte) { b[len(b)-1] ^= 1 })); !errors.Is(err, dnssec.ErrZONEMDMismatch) || errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("another digest: %v", err)
	}
	if err := z.verify(zone.Apex(), others(func(b []byte) { b[2+5] = 240 })); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("an unknown hash: %v", err)
	}
}

// Whoever changes glue on the way can compute a digest, too, but not sign it.
func TestTheDigestIsWorthItsSignature(t *testing.T) {
	t.Parallel()
	now := time.Now()
	key, err := dnssec.GenerateKey(lookup.Root, dnssec.ECDSAP256SHA256, dnssec.FlagZone|dnssec.FlagSEP)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(s lookup.RRset, by dnssec.Signer) lookup.RRset {
		s, err := by.Sign(s, now.Add(-time.Hour), now.Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	// zone is a root with that address as glue, whose digest is signed by a key.
	zone := func(glue string, by dnssec.Signer) []lookup.RRset {
		var sets []lookup.RRset
		for _, s := range lookup.MustRRsets(". 60 SOA a.net. host.net. 1 2 3 4 5\n. 60 NS a.net.\nnet. 60 NS a.net.\na.net. 60 A " + glue) {
			if s.Name == lookup.Root {
				s = sign(s, key)
			}
			sets = append(sets, s)
		}
		sets = append(sets, sign(dnssec.DNSKEY(60, key), key))
		digest, err := dnssec.ZONEMD(lookup.Root, slices.Values(sets), dnssec.ZONEMDSHA384)
		if err != nil {
			t.Fatal(err)
		}
		if by.Key.Rdata != "" {
			digest = sign(digest, by)
		}
		return append(sets, digest)
	}
	other, err := dnssec.GenerateKey(lookup.Root, dnssec.ECDSAP256SHA256, dnssec.FlagZone)
	if err != nil {
		t.Fatal(err)
	}
	ds, _ := dnssec.DSOf(key.Key, dnssec.SHA256)
	wrong, _ := dnssec.DSOf(other.Key, dnssec.SHA256)
	anchor := lookup.RRset{Name: lookup.Root, Type: lookup.TypeDS, TTL: 60, Data: lookup.PackRdata(ds.Rdata())}
	another := lookup.RRset{Name: lookup.Root, Type: lookup.TypeDS, TTL: 60, Data: lookup.PackRdata(wrong.Rdata())}
	unknown := lookup.MustRRsets(". 60 DS 1 250 2 " + strings.Repeat("00", 32))[0]
	for _, c := range []struct {
		what string
		by   zonemd
		sets []lookup.RRset
		want string
	}{
		{"signed", trusting(t, anchor), zone("192.0.2.1", key), ""},
		{"signed, and nobody validates", trusting(t), zone("192.0.2.1", key), ""},
		{"an algorithm that is not known", trusting(t, unknown), zone("192.0.2.1", other), ""},
		{"an anchor elsewhere", trusting(t, lookup.RRset{Name: lookup.MustName("com."), Type: lookup.TypeDS, Data: another.Data}), zone("192.0.2.1", key), ""},
		{"computed anew, not signed", trusting(t, anchor), zone("192.0.2.66", dnssec.Signer{}), "its ZONEMD is bogus: EDE 10 (RRSIGs Missing)"},
		{"computed anew, signed by another", trusting(t, anchor), zone("192.0.2.66", other), "its ZONEMD is bogus: EDE "},
		{"other keys than the anchor's", trusting(t, another), zone("192.0.2.1", key), "its DNSKEY is bogus: EDE "},
		{"computed anew, and nobody validates", trusting(t), zone("192.0.2.66", dnssec.Signer{}), ""},
	} {
		err := c.by.verify(lookup.Root, slices.Values(c.sets))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)) {
			t.Errorf("%s: %v", c.what, err)
		}
	}
}

func TestZONEMDOfAFile(t *testing.T) {
	t.Parallel()
	right, err := os.ReadFile("../../dnssec/testdata/rfc8976-a1.zone")
	if err != nil {
		t.Fatal(err)
	}
	wrong := string(right) + "one.more.example. 60 A 192.0.2.1\n"
	for _, c := range []struct {
		what, text string
		zonemd     config.ZONEMD
		want       string // of the error; "": it is served
	}{
		{"right", string(right), config.ZONEMDCheck, ""},
		{"right, and has to be there", string(right), config.ZONEMDRequire, ""},
		{"wrong", wrong, config.ZONEMDCheck, "does not match the zone"},
		{"wrong, and has to be there", wrong, config.ZONEMDRequire, "does not match the zone"},
		{"wrong, and nobody minds", wrong, config.ZONEMDIgnore, ""},
	} {
		file := filepath.Join(t.TempDir(), "zone")
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		z := config.Zone{Name: lookup.MustName("example."), File: file, ZONEMD: c.zonemd}
		switch zone, err := (wiring{}).zone(z); {
		case c.want == "" && (err != nil || zone == nil):
			t.Errorf("%s: %v", c.what, err)
		case c.want != "" && (zone != nil || err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), file)):
			t.Errorf("%s: %v, want %q", c.what, err, c.want)
		}
	}
	plain := config.Zone{Name: lookup.MustName("example."), File: filepath.Join(t.TempDir(), "plain")}
	if err := os.WriteFile(plain.File, []byte("@ 60 SOA ns host 1 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for zonemd, served := range map[config.ZONEMD]bool{config.ZONEMDCheck: true, config.ZONEMDIgnore: true, config.ZONEMDRequire: false} {
		plain.ZONEMD = zonemd
		if _, err := (wiring{}).zone(plain); (err == nil) != served {
			t.Errorf("without one, %s: %v", zonemd, err)
		}
	}
}
