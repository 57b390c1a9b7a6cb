package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/control"
	"github.com/sextant-dns/sextant/lookup"
)

// journal is a log that several goroutines write.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) count(words string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(j.text.String(), words)
}

// household is servers that share a folder.
type household struct {
	t   *testing.T
	dir string
	log *journal
}

func newHousehold(t *testing.T, files map[string]string) *household {
	t.Helper()
	files["key"] = "c2l4dGVlbiBvY3RldHMgYW5kIGFzIG1hbnkgbW9yZSE=\n"
	files["member.zone"] = "$TTL 60\n@ SOA ns hostmaster 1 7200 3600 1209600 3600\n@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.80\n"
	return &household{t, write(t, files), new(journal)}
}

func (h *household) path(name string) string { return filepath.Join(h.dir, name) }

func (h *household) write(name, text string) {
	h.t.Helper()
	if err := os.WriteFile(h.path(name), []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

func (h *household) exists(name string) bool {
	_, err := os.Stat(h.path(name))
	return err == nil
}

// impatient is for tests that ask again and again until a zone is served: more errors in
// a second than strangers hear.
const impatient = "rate-limit: { errors-per-second: 0 }\n"

// start starts a server, which ends when it is told to, or with the test.
func (h *household) start(name, text string) (p *parts, at netip.AddrPort, stop func()) {
	h.t.Helper()
	return h.run(name, impatient+transferKeys+text)
}

// run is start with nothing but what text says.
func (h *household) run(name, text string) (p *parts, at netip.AddrPort, stop func()) {
	h.t.Helper()
	h.write(name, text)
	c, err := config.Load(h.path(name))
	if err != nil {
		h.t.Fatal(err)
	}
	if p, err = build(c, wiring{log: slog.New(slog.NewTextHandler(h.log, nil))}); err != nil {
		h.t.Fatal(err)
	}
	if err := p.listen(); err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			h.t.Error(err)
		}
	})
	h.t.Cleanup(stop)
	return p, p.server.Addrs()[0], stop
}

// reload has a server read another configuration; its address stays.
func (h *household) reload(p *parts, name, text string) {
	h.write(name, impatient+transferKeys+text)
	p.reload(h.path(name))
}

// until waits until what is asked for is so.
func (h *household) until(what string, ok func() bool) {
	h.t.Helper()
	for start := time.Now(); !ok(); <-time.After(time.Millisecond) {
		if time.Since(start) > 20*time.Second {
			h.log.mu.Lock()
			defer h.log.mu.Unlock()
			h.t.Fatalf("in vain: %s\n%s", what, h.log.text.String())
		}
	}
}

// serves waits until these zones are served there, and only they of a to f.
func (h *household) serves(at netip.AddrPort, zones string) {
	h.t.Helper()
	h.until("serve "+zones, func() bool {
		for _, z := range strings.Split("abcdef", "") {
			rcode, answer := asked(h.t, at, "www."+z+".example.")
			if strings.Contains(zones, z) != (rcode == dns.RcodeSuccess && answer == "192.0.2.80") {
				return false
			}
		}
		return true
	})
}

// members is the zones section of a producer.
func members(catalog, names string) string {
	var b strings.Builder
	b.WriteString("zones:\n")
	for _, n := range strings.Fields(names) {
		fmt.Fprintf(&b, "  - {name: %s.example, file: member.zone, catalog: %s, allow-transfer: [{key: transfer.key}]}\n", n, catalog)
	}
	return b.String()
}

func consumer(catalog string, at netip.AddrPort, more string) string {
	return fmt.Sprintf("  - {name: %s, primaries: [{address: %q, key: transfer.key}]%s}\n", catalog, at.String(), more)
}

const kept = "views: [{name: all, clients: [127.0.0.0/8], recursion: false}]\n"

// The members of a catalog that one server produces are served by the other, as long
// as they are on the list; also after a restart, when nobody is there to ask.
func TestCatalogGoesFromOneToTheOther(t *testing.T) {
	t.Parallel()
	h := newHousehold(t, map[string]string{"one/.keep": "", "two/.keep": ""})
	produce := func(names, notify string) string {
		return kept + members("cat.example", names) + "catalogs: [{name: cat.example, produce: true, store: one, allow-transfer: [{key: transfer.key}]" + notify + "}]\n"
	}
	one, at, stopOne := h.start("one.yaml", produce("a b", ""))
	two, second, stopTwo := h.start("two.yaml", kept+"catalogs:\n"+consumer("cat.example", at, ", store: two, allow-transfer: [{key: transfer.key}]"))
	h.serves(second, "ab")
	first := one.catalogStatus()[0].serial

	h.reload(one, "one.yaml", produce("b c", fmt.Sprintf(", notify: [{address: %q, key: transfer.key}]", second)))
	h.serves(second, "bc")
	if h.exists("two/a.example.copy") || !h.exists("two/b.example.copy") || !h.exists("two/cat.example.copy") {
		t.Error("the files are others than the members")
	}

	t.Run("only who may transfer may ask", func(t *testing.T) {
		for _, server := range []netip.AddrPort{at, second} {
			for _, name := range []string{"cat.example.", "version.cat.example.", "x.zones.cat.example."} {
				if rcode, _ := asked(t, server, name); rcode != dns.RcodeRefused {
					t.Errorf("%s: %s", name, dns.RcodeToString[rcode])
				}
			}
			client := &dns.Client{Net: "tcp", TsigSecret: map[string]string{"transfer.key.": "c2l4dGVlbiBvY3RldHMgYW5kIGFzIG1hbnkgbW9yZSE="}}
			q := new(dns.Msg).SetQuestion("version.cat.example.", dns.TypeTXT).SetTsig("transfer.key.", dns.HmacSHA256, 300, time.Now().Unix())
			r, _, err := client.Exchange(q, server.String())
			if err != nil || len(r.Answer) != 1 || r.Answer[0].(*dns.TXT).Txt[0] != "2" {
				t.Errorf("with the key: %v, %v", r, err)
			}
		}
	})

	t.Run("members are transferred on", func(t *testing.T) {
		records := func(zone string) (n int) {
			transfer := &dns.Transfer{TsigSecret: map[string]string{"transfer.key.": "c2l4dGVlbiBvY3RldHMgYW5kIGFzIG1hbnkgbW9yZSE="}}
			q := new(dns.Msg).SetAxfr(zone).SetTsig("transfer.key.", dns.HmacSHA256, 300, time.Now().Unix())
			envelopes, err := transfer.In(q, second.String())
			if err != nil {
				t.Fatal(err)
			}
			for e := range envelopes {
				n += len(e.RR)
			}
			return n
		}
		// A zone is given away a moment after it is served, so that who is told of it does
		// not get the one before.
		h.until("give c away", func() bool { return records("c.example.") > 0 })
		for zone, want := range map[string]int{"c.example.": 5, "cat.example.": 6, "a.example.": 0} {
			if n := records(zone); n != want {
				t.Errorf("%s: %d RRs, want %d", zone, n, want)
			}
		}
	})

	t.Run("status and metrics", func(t *testing.T) {
		s, err := two.status(t.Context(), control.StatusRequest{})
		if err != nil || !strings.Contains(s.String(), "catalog     cat.example. consumed, 2 members\n") || !strings.Contains(s.String(), "copy        c.example. current, serial 1 ") {
			t.Errorf("%v\n%s", err, s)
		}
		counts := two.snapshot()
		if len(counts.Catalogs) != 1 || counts.Catalogs[0].Members != 2 || !counts.Catalogs[0].Used || len(counts.Copies) != 3 {
			t.Errorf("got %+v", counts)
		}
		in := map[string]uint64{}
		for _, c := range counts.Between.Transfers {
			in[c.Direction+" "+c.Type+" "+c.Result] += c.Count
		}
		for _, c := range counts.Between.Notifies {
			in[c.Direction+" "+c.Result] += c.Count
		}
		if in["in AXFR received"] != 4 || in["in IXFR received"] != 1 || in["out AXFR sent"] != 3 || in["out AXFR refused"] == 0 || in["in received"] == 0 {
			t.Errorf("got %v", in)
		}
	})

	stopOne()
	stopTwo()
	_, third, _ := h.start("two.yaml", kept+"catalogs:\n"+consumer("cat.example", at, ", store: two"))
	for _, z := range []string{"b", "c"} { // at once
		if rcode, answer := asked(t, third, "www."+z+".example."); answer != "192.0.2.80" {
			t.Errorf("%s: %s", z, dns.RcodeToString[rcode])
		}
	}

	again, _, stopAgain := h.start("one.yaml", produce("b c", ""))
	last := again.catalogStatus()[0].serial
	stopAgain()
	another, _, _ := h.start("one.yaml", produce("b", ""))
	if next := another.catalogStatus()[0].serial; int32(last-first) <= 0 || int32(next-last) <= 0 {
		t.Errorf("serials %d, %d, %d", first, last, next)
	}
}

// copyIn is a copy that a server has.
func copyIn(p *parts, zone string) *copied {
	p.copies.mu.Lock()
	defer p.copies.mu.Unlock()
	return p.copies.all[lookup.MustName(zone)]
}

const head = "$TTL 0\n@ SOA invalid. invalid. %d 3600 600 2419200 0\n@ NS invalid.\nversion TXT \"%d\"\n"

// Two catalogs of a primary that are ordinary zones to it, and what their consumer makes
// of all that can be wrong with them.
func TestCatalogsAreConsumed(t *testing.T) {
	t.Parallel()
	h := newHousehold(t, map[string]string{"old/.keep": "", "new/.keep": ""})
	serial := 0
	list := func(name string, version int, lines string) {
		serial++
		h.write(name+".zone", fmt.Sprintf(head, serial, version)+lines)
	}
	list("old", 2, "la.zones PTR a.example.\nlb.zones PTR b.example.\nle.zones PTR e.example.\ngroup.lb.zones TXT special\n")
	list("new", 2, "lc.zones PTR c.example.\n")
	primary := func(notify string) string {
		var b strings.Builder
		b.WriteString(kept + "zones:\n")
		for _, z := range []string{"old", "new", "a.example", "b.example", "c.example", "e.example"} {
			file := z + ".zone"
			if strings.Contains(z, ".") {
				file = "member.zone"
			}
			fmt.Fprintf(&b, "  - {name: %s, file: %s, allow-transfer: [{key: transfer.key}]%s}\n", z, file, notify)
		}
		return b.String()
	}
	one, at, stopOne := h.start("one.yaml", primary(""))
	config := kept + "zones: [{name: e.example, file: member.zone}]\ncatalogs:\n" +
		consumer("old", at, ", store: old, groups: [{name: special, allow-transfer: [127.0.0.1]}]") + consumer("new", at, ", store: new")
	two, second, stopTwo := h.start("two.yaml", config)
	h.serves(second, "abce")
	tell := fmt.Sprintf(", notify: [{address: %q, key: transfer.key}]", second)
	again := func() { h.reload(one, "one.yaml", primary(tell)) }

	t.Run("a clash is refused, and told once", func(t *testing.T) {
		list("old", 2, "la.zones PTR a.example.\nlb.zones PTR b.example.\nle.zones PTR e.example.\ngroup.lb.zones TXT special\nx TXT y\n")
		again()
		h.until("the next serial", func() bool {
			return strings.Contains(fmt.Sprint(two.copies.status()), fmt.Sprintf("old. current %d ", serial))
		})
		if n := h.log.count("its name is taken"); n != 1 {
			t.Errorf("told %d times", n)
		}
		if s := two.catalogStatus(); len(s) != 2 || s[1].zone.String() != "old." || s[1].refused != 1 || s[1].members != 2 {
			t.Errorf("got %+v", s)
		}
	})
	t.Run("nobody updates a copy, and it is known that the zone is here", func(t *testing.T) {
		for zone, want := range map[string]string{"a.example.": "REFUSED", "old.": "REFUSED", "nosuch.example.": "NOTAUTH"} {
			if got := added(t, second, zone, "www."+zone); got != want {
				t.Errorf("%s: got %s, want %s", zone, got, want)
			}
		}
	})
	t.Run("a group has its own template", func(t *testing.T) {
		from := netip.MustParseAddr("127.0.0.1")
		if two.primary.May(from, "", lookup.MustName("a.example.")) || !two.primary.May(from, "", lookup.MustName("b.example.")) {
			t.Error("who may have it")
		}
	})
	t.Run("a broken catalog changes nothing", func(t *testing.T) {
		list("old", 3, "lb.zones PTR b.example.\n")
		again()
		h.until("that it is broken", func() bool { return two.catalogStatus()[1].wrong != "" })
		h.serves(second, "abce")
		list("old", 2, "la.zones PTR a.example.\nlb.zones PTR b.example.\ngroup.lb.zones TXT special\ncoo.la.zones PTR new.\ncoo.lb.zones PTR new.\n")
		again()
		h.until("that it is good", func() bool { return two.catalogStatus()[1].wrong == "" })
	})
	t.Run("one that lists more than it may is not used until it may", func(t *testing.T) {
		h.reload(two, "two.yaml", strings.Replace(config, ", store: old", ", store: old, max-members: 2", 1))
		list("old", 2, "la.zones PTR a.example.\nlb.zones PTR b.example.\nld.zones PTR d.example.\n")
		again()
		h.until("that it is too long", func() bool { return strings.Contains(two.catalogStatus()[1].wrong, "max-members") })
		h.serves(second, "abce")
		list("old", 2, "la.zones PTR a.example.\nlb.zones PTR b.example.\ngroup.lb.zones TXT special\ncoo.la.zones PTR new.\ncoo.lb.zones PTR new.\n")
		h.reload(two, "two.yaml", strings.Replace(config, ", store: old", ", store: old, max-members: 1", 1))
		again()
		h.until("that it is too long", func() bool { return strings.Contains(two.catalogStatus()[1].wrong, "2 zones") })
		h.reload(two, "two.yaml", config)
		h.until("that it may", func() bool { return two.catalogStatus()[1].wrong == "" })
		h.serves(second, "abce")
	})
	t.Run("members move to another catalog", func(t *testing.T) {
		was := copyIn(two, "a.example.")
		list("new", 2, "la.zones PTR a.example.\nother.zones PTR b.example.\nlc.zones PTR c.example.\n")
		again()
		h.until("that they have moved", func() bool { return h.log.count("catalog: zone moved") == 1 && h.log.count("catalog: zone reset") == 1 })
		h.serves(second, "abce")
		if !h.exists("new/a.example.copy") || h.exists("old/a.example.copy") || h.exists("old/b.example.copy") {
			t.Error("the files did not go along")
		}
		if is := copyIn(two, "a.example."); is == was || is.Status().Transfers != 0 {
			t.Errorf("its state did not go along: %+v", is.Status())
		}
	})

	// A restart with a broken catalog and without a primary.
	list("new", 1, "")
	again()
	h.until("that it is broken", func() bool { return two.catalogStatus()[0].wrong != "" })
	stopTwo()
	stopOne()
	three, third, _ := h.start("two.yaml", config)
	h.serves(third, "abce")
	if s := three.catalogStatus(); s[0].members != 3 || s[0].wrong == "" || s[1].members != 0 {
		t.Errorf("got %+v", s)
	}

	t.Run("a catalog that is not configured any more", func(t *testing.T) {
		h.reload(three, "two.yaml", kept+"zones: [{name: e.example, file: member.zone}]\n")
		h.serves(third, "e")
		if !h.exists("new/a.example.copy") {
			t.Error("its files are gone, and it may come back")
		}
		h.reload(three, "two.yaml", strings.TrimPrefix(config, ""))
		h.serves(third, "abce")
	})
	t.Run("a member that is configured", func(t *testing.T) {
		h.reload(three, "two.yaml", strings.Replace(config, "zones: [", "zones: [{name: a.example, file: member.zone}, ", 1))
		h.serves(third, "abce")
		if h.exists("new/a.example.copy") || three.catalogStatus()[0].refused != 1 {
			t.Error("the copy is still there, or the catalog has it")
		}
	})
}

// A view can have the members of some catalogs.
func TestViewsHaveMembers(t *testing.T) {
	t.Parallel()
	h := newHousehold(t, map[string]string{})
	produced := "catalogs: [{name: x.example, produce: true, allow-transfer: [127.0.0.1]}]\n"
	_, at, _ := h.start("one.yaml", kept+members("x.example", "a b")+produced)
	for zones, want := range map[string]string{"[x.example]": "ab", "[c.example]": "c", "[x.example, c.example]": "abc"} {
		_, second, _ := h.start("two.yaml", "views: [{name: all, clients: [127.0.0.0/8], recursion: false, zones: "+zones+"}]\nzones: [{name: c.example, file: member.zone}]\ncatalogs:\n"+consumer("x.example", at, ""))
		h.serves(second, want)
	}
}

// Nothing on disk is touched by who only checks.
func TestCheckTouchesNoCatalog(t *testing.T) {
	t.Parallel()
	h := newHousehold(t, map[string]string{
		"cats/a.example.copy":      "the copy",
		"cats/cat.example.members": `{"members": [{"zone": "a.example.", "label": "bGE=", "owned": true}, {"zone": "b.example.", "label": "bGI=", "owned": true}]}`,
	})
	const good = "catalogs: [{name: cat.example, primaries: [127.0.0.1], store: cats}, {name: ours.example, produce: true, store: cats}]\nzones: [{name: a.example, file: member.zone, catalog: ours.example}]\n"
	for text, want := range map[string]string{
		good: "good",
		strings.ReplaceAll(good, "store: cats", "store: nowhere"):                                "catalog cat.example.: store",
		strings.Replace(good, "name: ours", "name: "+strings.Repeat("123456789.", 20)+"ours", 1): "expected one of those under catalogs",
	} {
		h.write("c.yaml", text)
		var out bytes.Buffer
		run(t.Context(), []string{"check", h.path("c.yaml")}, &out, &out)
		if !strings.Contains(out.String(), want) {
			t.Errorf("want %s, got %s", want, out.String())
		}
	}
	if entries, err := os.ReadDir(h.path("cats")); err != nil || len(entries) != 2 {
		t.Errorf("got %v, %v", entries, err)
	}
}

func TestNamesOfFiles(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"a.example.": "a.example.copy", "_x-1.a.example.": "_x-1.a.example.copy",
		".": "H", `a\047b.example.`: "H", `a\.b.example.`: "H", strings.Repeat("abcdefghi.", 24): "H", `\..example.`: "H",
	} {
		got := fileName(lookup.MustName(name), ".copy")
		if want == "H" && (len(got) != 45 || strings.Contains(got, "/")) || want != "H" && got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

func TestNextSerial(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	for _, c := range []struct {
		last  uint32
		known bool
		want  uint32
	}{{0, false, 1_700_000_000}, {1_600_000_000, true, 1_700_000_000}, {1_700_000_000, true, 1_700_000_001}, {1_800_000_000, true, 1_800_000_001}, {1<<32 - 1, true, 1_700_000_000}, {4_000_000_000, true, 1_700_000_000}} {
		if got := nextSerial(c.last, c.known, now); got != c.want || c.known && int32(got-c.last) <= 0 {
			t.Errorf("after %d: %d, want %d", c.last, got, c.want)
		}
	}
}
