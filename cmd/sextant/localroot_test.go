package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sextant-dns/sextant"
	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/control"
	"github.com/sextant-dns/sextant/lab"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/secondary"
)

// rootFile is the lab's root zone in a file of its own.
func rootFile(t *testing.T) string {
	t.Helper()
	text, err := fs.ReadFile(sextant.LabZones(), "root.zone")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "root.zone")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// rootless is the parts of a configuration in the lab's Internet, whose root servers
// are silent, with its copy of the root loaded.
func rootless(t *testing.T, localRoot string) *parts {
	t.Helper()
	c := parsed(t, "resolver: {timeout: 20ms, deadline: 200ms, local-root: "+localRoot+"}")
	w, err := labWiring(nil)
	if err != nil {
		t.Fatal(err)
	}
	net := w.exchanger.(*lab.Internet)
	for _, root := range net.Roots() {
		net.Break(lab.Silent, root.Addrs...)
	}
	p, err := build(c, w)
	if err != nil {
		t.Fatal(err)
	}
	_ = p.root.Load()
	return p
}

func TestTheLocalRootServesWhileTheRootIsSilent(t *testing.T) {
	t.Parallel()
	p := rootless(t, "{use: true, file: "+rootFile(t)+", zonemd: check}")
	if r := ask(t, p, lookup.MustName("www.example.com."), lookup.TypeA); r.Rcode != lookup.NOERROR || len(r.Answer) == 0 {
		t.Errorf("got %v", r)
	}
	if r := ask(t, p, lookup.MustName("www.nosuch."), lookup.TypeA); r.Rcode != lookup.NXDOMAIN {
		t.Errorf("got %v", r)
	}
	s := p.snapshot()
	if c := s.Copies; len(c) != 1 || !c[0].Used || !c[0].Held || c[0].Zone != "." || c[0].Left <= 0 || s.Resolver.Local < 2 {
		t.Errorf("%+v, %d answers", c, s.Resolver.Local)
	}
	status, err := p.status(t.Context(), control.StatusRequest{})
	if err != nil || len(status.Copies) != 1 || status.Copies[0].State != "current" {
		t.Errorf("%+v, %v", status.Copies, err)
	}
}

// The lab's root has no ZONEMD: where one is required it is not used, and the
// servers are asked.
func TestALocalRootThatIsNotGoodIsNotUsed(t *testing.T) {
	t.Parallel()
	p := rootless(t, "{use: true, file: "+rootFile(t)+"}")
	if r := ask(t, p, lookup.MustName("www.example.com."), lookup.TypeA); r.Rcode != lookup.SERVFAIL {
		t.Errorf("got %v", r)
	}
	if c := p.snapshot().Copies[0]; c.Used || c.Held || c.Failures != 1 {
		t.Errorf("%+v", c)
	}
}

func TestWithoutALocalRootThereIsNothingOfIt(t *testing.T) {
	t.Parallel()
	p := newLab(t, config.ModeOff)
	if p.root != nil || p.snapshot().Copies != nil {
		t.Error("there is a copy that nobody wants")
	}
}

func TestTheProtocolsThatMayBeUsedDecideWhichPrimariesAre(t *testing.T) {
	t.Parallel()
	all := secondary.RootPrimaries()
	for _, a := range all {
		if a.Port() != 53 || !a.IsValid() {
			t.Errorf("%v", a)
		}
	}
	if len(all) != 16 {
		t.Errorf("%d primaries", len(all))
	}
	r := config.Default().Resolver
	r.LocalRoot.Use, r.IPv6 = true, false
	for _, a := range localRootOptions(r, nil).Primaries {
		if !a.Addr().Is4() {
			t.Errorf("%v without IPv6", a)
		}
	}
	r.LocalRoot.Primaries = []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:53")}
	if o := localRootOptions(r, nil); len(o.Primaries) != 1 || o.Digest != secondary.RequireDigest {
		t.Errorf("%+v", o)
	}
}

func TestCheckLooksAtTheLocalRoot(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for text, want := range map[string]string{
		"{use: true, zonemd: ignore, file: " + rootFile(t) + "}": "",
		"{use: true, file: " + rootFile(t) + "}":                 "the zone has no ZONEMD",
		"{use: true, file: " + dir + "/none}":                    "no such file",
		"{use: false, file: " + dir + "/none}":                   "",
		"{use: true, store: " + dir + "/root}":                   "",
		"{use: true, store: " + dir + "/none/root}":              "no such file",
		"{use: true}": "",
	} {
		path := filepath.Join(t.TempDir(), "sextant.yaml")
		if err := os.WriteFile(path, []byte("resolver: {local-root: "+text+"}"), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, errOut bytes.Buffer
		code := run(t.Context(), []string{"check", path}, &out, &errOut)
		if want == "" && code != exitOK || want != "" && (code != exitUsage || !strings.Contains(errOut.String(), "local root: ") || !strings.Contains(errOut.String(), want)) {
			t.Errorf("%s: exit code %d, %s", text, code, errOut.String())
		}
	}
}

func TestPrimariesAreAskedFromTheSourceAddresses(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	at := l.Addr().(*net.TCPAddr).AddrPort()
	if dialer("tcp", nil) != nil {
		t.Error("without sources the system chooses")
	}
	conn, err := dialer("tcp", []netip.Addr{netip.MustParseAddr("::1"), netip.MustParseAddr("127.0.0.1")})(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got := conn.LocalAddr().(*net.TCPAddr).AddrPort().Addr(); got != netip.MustParseAddr("127.0.0.1") {
		t.Errorf("from %v", got)
	}
	if conn, err := dialer("tcp", []netip.Addr{netip.MustParseAddr("192.0.2.77")})(t.Context(), at); err == nil {
		conn.Close()
		t.Error("another source was taken")
	}
}

func TestEventsOfACopyAreLogged(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	log := slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	for _, e := range []secondary.Event{
		{Zone: lookup.Root, Kind: secondary.Transferred, Serial: 7, Source: "192.0.2.1:53", Took: time.Second},
		{Zone: lookup.Root, Kind: secondary.Confirmed, Serial: 7},
		{Zone: lookup.Root, Kind: secondary.Failed, Err: errors.Join(errors.New("one"), errors.New("two"))},
		{Zone: lookup.Root, Kind: secondary.Ended, Serial: 7, Err: context.DeadlineExceeded},
	} {
		logCopy(log, e)
	}
	want := `level=INFO msg="copy transferred" zone=. serial=7 source=192.0.2.1:53 incremental=false took=1s
level=WARN msg="copy failed" zone=. reason="one; two"
level=ERROR msg="copy expired" zone=. serial=7 reason="context deadline exceeded"
`
	if b.String() != want {
		t.Errorf("got\n%s", b.String())
	}
}
