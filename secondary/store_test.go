package secondary

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/message"
	"github.com/sextant-dns/sextant/zones"
)

func storedAt(path string) func(*Options) { return func(o *Options) { o.Store = path } }

// A restart in the middle of an outage: there is nobody to ask, and the copy is
// there, with the age that it has.
func TestTheStoreServesTheNextStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "example.copy")
		c, _, _ := newCopy(t, zone(7), storedAt(path))
		c.refresh(t.Context())
		time.Sleep(2 * time.Hour)
		c.refresh(t.Context()) // confirmed: the file knows
		time.Sleep(23 * time.Hour)

		var d diary
		again, w, _ := newCopy(t, "", storedAt(path), keep(&d))
		clear(w.primaries)
		stop := run(t, again)
		time.Sleep(time.Second)
		z, ok := again.Zone()
		if want, _ := c.Zone(); !ok || text(z) != text(want) {
			t.Errorf("%v: %s", ok, text(z))
		}
		if got := d.read(); !strings.HasPrefix(got, "0s restored 7\n0s failed 7: ") {
			t.Errorf("told %s", got)
		}
		if s := again.Status(); s.State != Overdue || s.Source != path || !s.Expires.Equal(c.Status().Expires) {
			t.Errorf("%+v", s)
		}
		time.Sleep(time.Hour)
		if _, ok := again.Zone(); ok {
			t.Error("a restart has prolonged the copy's life")
		}
		stop()

		late, _, _ := newCopy(t, "", storedAt(path))
		if err := late.Load(); !errors.Is(err, errOutOfDate) {
			t.Errorf("an old copy: %v", err)
		}
	})
}

// What is too old to be used is there for those who would have nothing, for as long as
// they want, also after a restart.
func TestACopyThatIsTooOldIsHeldForAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "example.copy")
		hold := func(o *Options) { o.Hold = 48 * time.Hour }
		c, _, _ := newCopy(t, zone(7), storedAt(path), hold)
		if _, _, ok := c.Late(); ok {
			t.Error("there is something")
		}
		c.refresh(t.Context())
		for _, step := range []struct {
			after       time.Duration
			used, there bool
		}{{time.Second, true, true}, {23 * time.Hour, true, true}, {2 * time.Hour, false, true}, {22 * time.Hour, false, true}, {2 * time.Hour, false, false}} {
			time.Sleep(step.after)
			again, _, _ := newCopy(t, "", storedAt(path), hold)
			if err := again.Load(); (err == nil) != step.used {
				t.Errorf("%s: %v", step.after, err)
			}
			for who, one := range map[string]*Copy{"running": c, "restarted": again} {
				_, used := one.Zone()
				held, expired, ok := one.Late()
				if used != step.used || ok != step.there || ok && (expired == used || held == nil) {
					t.Errorf("%s, %s: used %v, expired %v, held %v", step.after, who, used, expired, ok)
				}
			}
		}
	})
}

func TestAStoreThatIsNotWhatWasWrittenIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "example.copy")
		c, _, _ := newCopy(t, zone(7), storedAt(path))
		c.refresh(t.Context())
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := bytes.SplitAfter(good, []byte("\n"))
		flipped := bytes.Clone(good)
		flipped[len(flipped)/2] ^= 1
		reseal := func(text string) []byte {
			h := &held{zone: zoneOf(t, text), source: "x"}
			var b bytes.Buffer
			if err := writeZone(&b, h); err != nil {
				t.Fatal(err)
			}
			return b.Bytes()
		}
		sealed := func(text string) []byte {
			return fmt.Appendf(nil, "%s%s%x\n", text, seal, sha256.Sum256([]byte(text)))
		}
		for what, b := range map[string][]byte{
			"empty":                       {},
			"a line break":                []byte("\n"),
			"cut off":                     good[:len(good)-10],
			"cut off at the end of an RR": bytes.Join(lines[:len(lines)-3], nil),
			"without the seal":            bytes.Join(lines[:len(lines)-2], nil),
			"a line gone":                 bytes.Join(append(lines[:3:3], lines[4:]...), nil),
			"a bit flipped":               flipped,
			"something behind the seal":   append(bytes.Clone(good), "x.example. 60 IN A 192.0.2.66\n"...),
			"binary":                      bytes.Repeat([]byte{0, 255, '\n'}, 1000),
			"an RR that is none":          sealed("; x\nexample.\t60\tIN\tA\n"),
			"an empty line":               sealed("; x\n\n"),
			"another class":               sealed("example.\t60\tCH\tA\t192.0.2.1\n"),
			"a TTL that is none":          sealed("example.\t-1\tIN\tA\t192.0.2.1\n"),
			"an address that is none":     sealed("example.\t60\tIN\tA\t2001:db8::\n"),
			"a name that is none":         sealed("example.\t60\tIN\tNS\tx..y\n"),
			"an owner that is none":       sealed("x..y\t60\tIN\tNS\tx.\n"),
			"rdata of another length":     sealed("example.\t60\tIN\tTYPE16\t\\# 3 0141\n"),
			"rdata that is none":          sealed("example.\t60\tIN\tTYPE16\t\\# 3 xyz\n"),
			"a type that is none":         sealed("example.\t60\tIN\tMX\t\\# 2 0141\n"),
			"another zone":                reseal(strings.ReplaceAll(zone(7), "example.", "other.")),
		} {
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			again, w, _ := newCopy(t, zone(7), storedAt(path))
			err := again.Load()
			if _, ok := again.Zone(); ok || err == nil || !strings.HasPrefix(err.Error(), "store "+path+": ") {
				t.Errorf("%s: %v", what, err)
			}
			// It is no more than a store: the primaries have the zone, and it is whole again.
			again.refresh(t.Context())
			clear(w.primaries)
			if err := again.Load(); err != nil {
				t.Errorf("%s, then transferred: %v", what, err)
			}
		}
	})
}

// A store that is whole and says something false: the digest of the zone tells.
func TestAStoreIsCheckedLikeATransfer(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "example.copy")
	if err := writeStore(path, &held{zone: zoneOf(t, zone(7)), confirmed: time.Now()}); err != nil {
		t.Fatal(err)
	}
	c, _, _ := newCopy(t, "", storedAt(path), func(o *Options) { o.Digest = RequireDigest })
	if err := c.Load(); !errors.Is(err, errNoDigest) {
		t.Errorf("%v", err)
	}
	c, _, _ = newCopy(t, "", storedAt(path), func(o *Options) { o.MaxOctets = 10 })
	if err := c.Load(); !errors.Is(err, errOversize) {
		t.Errorf("%v", err)
	}
}

func TestATimeInTheFutureIsNow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "example.copy")
		if err := writeStore(path, &held{zone: zoneOf(t, zone(7)), confirmed: time.Now().Add(99 * time.Hour)}); err != nil {
			t.Fatal(err)
		}
		c, _, _ := newCopy(t, "", storedAt(path))
		if err := c.Load(); err != nil || !c.Status().Confirmed.Equal(time.Now()) {
			t.Errorf("%v, %+v", err, c.Status())
		}
	})
}

// That nothing can be written is told, and the copy is used.
func TestACopyThatCannotBeStoredIsUsed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "later")
		var d diary
		c, _, _ := newCopy(t, zone(7), storedAt(filepath.Join(dir, "store")), keep(&d))
		c.refresh(t.Context())
		if _, ok := c.Zone(); !ok || !strings.Contains(d.read(), "not stored 7: open ") {
			t.Errorf("%+v", c.Status())
		}
		c.refresh(t.Context())
		if !strings.Contains(d.read(), "not stored 7: open ") {
			t.Error("the second failure is not told")
		}
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		c.refresh(t.Context()) // only confirmed, and yet
		if got := d.read(); got != "0s confirmed 7" {
			t.Errorf("told %s", got)
		}
		again, _, _ := newCopy(t, "", storedAt(filepath.Join(dir, "store")))
		if err := again.Load(); err != nil || again.Status().Serial != 7 {
			t.Errorf("%v", err)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
}

func TestWithoutAStoreThereIsNothingToLoad(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"", filepath.Join(t.TempDir(), "none")} {
		c, _, _ := newCopy(t, zone(7), storedAt(path))
		if err := c.Load(); err != nil || c.Status().State != Missing {
			t.Errorf("%v, %+v", err, c.Status())
		}
	}
}

// A file that somebody else keeps fresh, or does not any more (2023-10-04).
func TestAFileInThePlaceOfPrimaries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "example.zone")
		put := func(text string) {
			t.Helper()
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(path, time.Now(), time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		var d diary
		c, w, p := newCopy(t, zone(1), keep(&d), func(o *Options) { o.File = path })
		defer run(t, c)()
		time.Sleep(5*time.Minute + time.Second)
		if got := d.read(); got != "0s failed: file "+path+": stat "+path+": "+fs.ErrNotExist.Error() && !strings.HasPrefix(got, "0s failed: file ") || strings.Contains(got, "\n") {
			t.Errorf("told %s", got)
		}
		put(zone(7)[:80])
		time.Sleep(time.Minute)
		if got := d.read(); !strings.HasPrefix(got, "5m30s failed: file "+path+": "+path+":") || strings.Contains(got, "\n5m") {
			t.Errorf("told %s", got)
		}
		put(zone(7))
		time.Sleep(time.Minute)
		expect(t, d.read(), "6m30s restored 7")
		put(zone(8))
		time.Sleep(time.Minute)
		expect(t, d.read(), "7m30s restored 8")
		put("nonsense")
		time.Sleep(time.Hour)
		if got := d.read(); !strings.HasPrefix(got, "8m30s failed 8: ") || strings.Count(got, "failed") != 1 || c.Status().State != Overdue {
			t.Errorf("told %s", got)
		}
		time.Sleep(24 * time.Hour)
		expect(t, d.read(), "24h6m31s expired 8: no primary has confirmed it for as long as its SOA allows")
		if _, ok := c.Zone(); ok {
			t.Error("the file has not been touched for a day, and is used")
		}
		put(zone(8))
		time.Sleep(time.Minute)
		if _, ok := c.Zone(); !ok || w.asked(p) != "" {
			t.Errorf("%+v", c.Status())
		}
	})
}

// zoneOf is the zone of some text.
func zoneOf(t testing.TB, text string) *zones.Zone {
	t.Helper()
	z, err := zones.Load(strings.NewReader(text), "text", zones.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// Every type that the library knows, each with the rdata that its zero value has
// and with some that has no meaning, is the same after it was written and read.
func TestWhatIsStoredIsReadAgainAsItWas(t *testing.T) {
	t.Parallel()
	records := []zones.Record{}
	for r := range zoneOf(t, zone(7)).Records() {
		records = append(records, r)
	}
	for _, text := range []string{
		`a.example. 60 TXT "quote \" back \\ \000 \255" "" "; ("`,
		`b\.\;\000\@.example. 60 MX 10 X\.y.Example.`,
		`c.example. 60 HTTPS 1 . alpn="h2,h3" ipv4hint=192.0.2.1 key667="\255"`,
		`d.example. 60 CAA 0 issue "ca.example; x"`,
		`e.example. 60 NAPTR 1 2 "u" "E2U+sip" "!^.*$!sip:x@example!" .`,
		`f.example. 60 LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m`,
		`g.example. 60 HINFO "x y" ""`,
		`h.example. 60 DS 1 13 2 AB`,
		`i.example. 60 TYPE65280 \# 3 010203`,
		`j.example. 60 APL 1:192.0.2.0/24 !2:2001:db8::/32`,
		`k.example. 60 URI 1 2 "https://example/"`,
		`l.example. 60 SVCB 0 x.`,
		`m.example. 60 TLSA 3 1 1 00`,
		`n.example. 60 CSYNC 1 3 A NS AAAA`,
		`o.example. 60 NSEC p.example. A TYPE65280`,
		`p.example. 60 A 0.0.0.0`,
		`q.example. 60 AAAA ::`,
		`r.example. 60 AAAA ::ffff:192.0.2.1`,
		`s.example. 60 DNSKEY 257 3 8 AAAA`,
		`t.example. 60 RRSIG A 13 2 60 20300101000000 20200101000000 1 Example. AAAA`,
		`t.example. 60 A 192.0.2.1`,
	} {
		rr, err := dns.NewRR(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		data, err := lookup.PackRR(rr)
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, zones.Record{Name: lookup.MustName(rr.Header().Name), Type: lookup.Type(rr.Header().Rrtype), TTL: 60, Data: data})
	}
	survives(t, records)
}

// What is written is a master file, for those who want to look at it.
func TestTheStoreIsAMasterFile(t *testing.T) {
	t.Parallel()
	z := zoneOf(t, zone(7)+"mail.example. 60 IN MX 10 ns.example.\nns.example. 60 IN AAAA 2001:db8::1\n*.example. 60 IN CNAME a\\.b.Example.\n")
	var b bytes.Buffer
	if err := writeZone(&b, &held{zone: z, soa: soaOf(z), source: first}); err != nil {
		t.Fatal(err)
	}
	if got := zoneOf(t, b.String()); text(got) != text(z) {
		t.Errorf("got\n%s", text(got))
	}
	if !strings.HasPrefix(b.String(), "; A copy of zone example., serial 7, taken from 192.0.2.1:53 on ") || !strings.Contains(b.String(), "\tAAAA\t2001:db8::1\n") {
		t.Errorf("got\n%s", b.String())
	}
}

// survives writes a zone of these records and reads it again.
func survives(t *testing.T, records []zones.Record) {
	t.Helper()
	z, err := zones.New(lookup.MustName("example."), records, "test")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := writeZone(&b, &held{zone: z}); err != nil {
		t.Fatal(err)
	}
	records, err = readZone(b.Bytes())
	if err != nil {
		t.Fatalf("%v\n%s", err, b.String())
	}
	again, err := zones.New(z.Apex(), records, "stored")
	if err != nil {
		t.Fatal(err)
	}
	var was []lookup.RRset
	for s := range z.All() {
		was = append(was, s)
	}
	i := 0
	for s := range again.All() {
		if i == len(was) || s != was[i] {
			t.Fatalf("%+v\nbecame\n%+v", was[min(i, len(was)-1)], s)
		}
		i++
	}
	if i != len(was) {
		t.Fatalf("%d RRsets of %d", i, len(was))
	}
}

// FuzzStored has the fuzzer choose type, owner and rdata, as a primary could.
func FuzzStored(f *testing.F) {
	f.Add(uint16(16), "x", "\x03abc\x00")
	f.Add(uint16(65), "x", "\x00\x01\x00\x00\x01\x00\x03\x02h2")
	f.Add(uint16(42), "x", "")
	f.Add(uint16(47), "\\\"", "\x01Y\x00\x00\x01\x40")
	f.Add(uint16(29), "x", "\x00\x12\x16\x13\x80\x00\x00\x00\x80\x00\x00\x00\x00\x98\x96\x80")
	f.Fuzz(func(t *testing.T, typ uint16, label, rdata string) {
		owner, err := lookup.MustName("example.").Child(label)
		if err != nil || len(rdata) > 1000 {
			return
		}
		// As it comes over the wire, or not at all.
		b := []byte{0, 1, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0}
		b = append(b, owner...)
		b = binary.BigEndian.AppendUint16(b, typ)
		b = append(b, 0, 1, 0, 0, 0, 60)
		b = binary.BigEndian.AppendUint16(b, uint16(len(rdata)))
		m, err := message.DecodeRecords(append(b, rdata...))
		if err != nil {
			return
		}
		records := []zones.Record{}
		for r := range zoneOf(t, zone(7)).Records() {
			records = append(records, r)
		}
		r := m.Answer[0]
		records = append(records, zones.Record{Name: r.Name, Type: r.Type, TTL: r.TTL, Data: r.Data})
		if _, err := zones.New(lookup.MustName("example."), records, fmt.Sprint(typ)); err != nil {
			return
		}
		survives(t, records)
	})
}
