package lab

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/transport"
)

func internet(t testing.TB, o Options) *Internet {
	t.Helper()
	n, err := New(sextant.LabZones(), o)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// to is a Request for name to the first address of a host.
func to(n *Internet, host, name string, t lookup.Type) transport.Request {
	return transport.Request{
		Server:   netip.AddrPortFrom(n.Addrs(lookup.MustName(host))[0], 53),
		Question: lookup.Question{Name: lookup.MustName(name), Type: t, Class: lookup.ClassIN},
	}
}

func TestTheZonesAreCleanOfLint(t *testing.T) {
	t.Parallel()
	for zone := range internet(t, Options{}).tree.All() {
		for _, p := range zone.Lint() {
			t.Error(p)
		}
	}
}

// The addresses below are those of the hints that every resolver has.
func TestRootsAreTheRealOnes(t *testing.T) {
	t.Parallel()
	n := internet(t, Options{})
	roots := n.Roots()
	if len(roots) != 13 || roots[0].Name != lookup.MustName("a.root-servers.net.") || roots[12].Name != lookup.MustName("m.root-servers.net.") {
		t.Fatalf("got %v", roots)
	}
	for _, r := range roots {
		if len(r.Addrs) != 2 || !r.Addrs[0].Is4() || !r.Addrs[1].Is6() {
			t.Errorf("%s: %v", r.Name, r.Addrs)
		}
	}
	// A priming query: it fits into UDP, with every address, also from a server
	// that does not serve root-servers.net.
	reply, err := n.Exchange(t.Context(), to(n, "b.root-servers.net.", ".", lookup.TypeNS))
	if err != nil || reply.TCP || len(reply.Additional) != 26 || reply.Size != 811 {
		t.Errorf("priming: %v, %+v", err, reply)
	}
}

func TestWhoServesWhatFollowsFromTheZones(t *testing.T) {
	t.Parallel()
	n := internet(t, Options{})
	for _, c := range []struct {
		host, name string
		rcode      lookup.Rcode
		aa         bool
	}{
		{"a.root-servers.net.", ".", lookup.NOERROR, true},
		{"a.root-servers.net.", "root-servers.net.", lookup.NOERROR, true},
		{"b.root-servers.net.", "root-servers.net.", lookup.NOERROR, false}, // a referral to net
		{"c.gtld-servers.net.", "com.", lookup.NOERROR, true},
		{"c.gtld-servers.net.", "net.", lookup.NOERROR, true},
		{"c.gtld-servers.net.", "org.", lookup.REFUSED, false},
		{"a.in-addr-servers.arpa.", "ip6.arpa.", lookup.NOERROR, true}, // one host with two names
		{"b.in-addr-servers.arpa.", "ip6.arpa.", lookup.REFUSED, false},
		{"ns1.wikimedia.org.", "wikipedia.org.", lookup.NOERROR, true},
		{"ns1.example.org.", "example.net.", lookup.NOERROR, true},
		{"ns-y1.io.", "io.", lookup.NOERROR, true},
	} {
		reply, err := n.Exchange(t.Context(), to(n, c.host, c.name, lookup.TypeSOA))
		if err != nil || reply.Rcode != c.rcode || reply.AA != c.aa {
			t.Errorf("%s at %s: %v, %+v", c.name, c.host, err, reply)
		}
	}
	io, _ := n.tree.Zone(lookup.MustName("io."))
	if ns := io.Find(io.Apex(), lookup.TypeNS).Set; ns.Data.Len() != 7 {
		t.Errorf("io has %d servers, and seven are promised", ns.Data.Len())
	}
}

func TestWhatDoesNotFitComesOverTCP(t *testing.T) {
	t.Parallel()
	n := internet(t, Options{})
	large := to(n, "ns1.example.com.", "large.example.com.", lookup.TypeTXT)
	reply, err := n.Exchange(t.Context(), large)
	if err != nil || !reply.TCP || reply.Sent != 2 || reply.TC || reply.Size <= 1232 {
		t.Errorf("UDP first: %v, %+v", err, reply)
	}
	large.TCP = true
	reply, err = n.Exchange(t.Context(), large)
	if err != nil || !reply.TCP || reply.Sent != 1 {
		t.Errorf("TCP at once: %v, %+v", err, reply)
	}
	priming := to(n, "a.root-servers.net.", ".", lookup.TypeNS)
	priming.NoEDNS = true // then 512 octets are all there is
	reply, err = n.Exchange(t.Context(), priming)
	if err != nil || !reply.TCP || reply.EDNS {
		t.Errorf("without EDNS: %v, %+v", err, reply)
	}
	small, err := n.Exchange(t.Context(), to(n, "ns1.example.com.", "v4only.example.com.", lookup.TypeA))
	if err != nil || small.TCP || small.Sent != 1 || !small.EDNS || !small.AA {
		t.Errorf("small: %v, %+v", err, small)
	}
}

func TestNobodyIsAtOtherAddressesAndPorts(t *testing.T) {
	t.Parallel()
	n := internet(t, Options{})
	for server, want := range map[string]error{
		"192.0.2.1:53":       syscall.EHOSTUNREACH,
		"[2001:db8::1]:53":   syscall.EHOSTUNREACH,
		"198.41.0.4:5353":    syscall.ECONNREFUSED,
		"[::ffff:c629:4]:53": nil, // 198.41.0.4 in IPv6's clothes
	} {
		_, err := n.Exchange(t.Context(), transport.Request{
			Server:   netip.MustParseAddrPort(server),
			Question: lookup.Question{Name: lookup.Root, Type: lookup.TypeNS, Class: lookup.ClassIN},
		})
		if !errors.Is(err, want) {
			t.Errorf("%s: %v", server, err)
		}
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := internet(t, Options{Latency: func(netip.Addr) time.Duration { return 20 * time.Millisecond }})
		corp := to(n, "ns-a4.io.", "api.corp.io.", lookup.TypeA)
		for _, c := range []struct {
			fault Fault
			rcode lookup.Rcode
			took  time.Duration
			err   error
		}{
			{None, lookup.NOERROR, 20 * time.Millisecond, nil},
			{Slow, lookup.NOERROR, 820 * time.Millisecond, nil},
			{Silent, 0, 1500 * time.Millisecond, transport.ErrTimeout},
			{ServFail, lookup.SERVFAIL, 20 * time.Millisecond, nil},
			{Refused, lookup.REFUSED, 20 * time.Millisecond, nil},
			{NXDomain, lookup.NXDOMAIN, 20 * time.Millisecond, nil},
		} {
			n.Break(c.fault, n.Addrs(lookup.MustName("ns-a4.io."))...)
			start := time.Now()
			reply, err := n.Exchange(t.Context(), corp)
			if !errors.Is(err, c.err) || time.Since(start) != c.took {
				t.Errorf("%s: %v after %v", c.fault, err, time.Since(start))
			}
			if err == nil && (reply.Rcode != c.rcode || reply.RTT != c.took) {
				t.Errorf("%s: %+v", c.fault, reply)
			}
		}
		// What lies below the apex does not lie about the apex, and the others are well.
		soa, err := n.Exchange(t.Context(), to(n, "ns-a4.io.", "io.", lookup.TypeSOA))
		if err != nil || soa.Rcode != lookup.NOERROR || len(soa.Answer) != 1 {
			t.Errorf("apex: %v, %+v", err, soa)
		}
		other, err := n.Exchange(t.Context(), to(n, "ns-a3.io.", "api.corp.io.", lookup.TypeA))
		if err != nil || other.Rcode != lookup.NOERROR {
			t.Errorf("ns-a3: %v, %+v", err, other)
		}
		n.Mend()
		if reply, err := n.Exchange(t.Context(), corp); err != nil || reply.Rcode != lookup.NOERROR {
			t.Errorf("mended: %v, %+v", err, reply)
		}
	})
}

func TestTheEndOfTheContextIsHonoured(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := internet(t, Options{Latency: func(netip.Addr) time.Duration { return time.Second }})
		large := to(n, "ns1.example.com.", "large.example.com.", lookup.TypeTXT)
		large.Timeout = 5 * time.Second
		for _, c := range []struct {
			patience time.Duration
			want     error
			took     time.Duration
		}{
			{0, context.DeadlineExceeded, 0},
			{500 * time.Millisecond, context.DeadlineExceeded, 500 * time.Millisecond},
			{2 * time.Second, context.DeadlineExceeded, 2 * time.Second}, // in the middle of TCP
			{time.Minute, nil, 3 * time.Second},
		} {
			ctx, cancel := context.WithTimeout(t.Context(), c.patience)
			start := time.Now()
			_, err := n.Exchange(ctx, large)
			if took := time.Since(start); !errors.Is(err, c.want) || took != c.took {
				t.Errorf("%v: %v after %v", c.patience, err, took)
			}
			cancel()
		}
		large.Timeout = 1500 * time.Millisecond // enough for UDP, too short for TCP
		_, err := n.Exchange(t.Context(), large)
		failed, ok := errors.AsType[*transport.Error](err)
		if !ok || !errors.Is(err, os.ErrDeadlineExceeded) || !failed.TCP || failed.Sent != 2 {
			t.Errorf("got %#v", err)
		}
	})
}

func TestBadZonesMakeNoInternet(t *testing.T) {
	t.Parallel()
	const soa = "$TTL 60\nx. SOA . . 1 2 3 4 5\n"
	for want, files := range map[string]fstest.MapFS{
		"lab: a.zone: no NS at x., the apex":                {"a.zone": {Data: []byte(soa)}},
		"lab: zone x.: its server ns.y. has no address":     {"a.zone": {Data: []byte(soa + "x. NS ns.y.\n")}},
		"lab: zone x. is given twice":                       {"a.zone": {Data: []byte(soa + "x. NS x.\nx. A 192.0.2.1\n")}, "b.zone": {Data: []byte(soa + "x. NS x.\nx. A 192.0.2.1\n")}},
		"lab: zone x.: its server ns.x. has no address\x00": {"a.zone": {Data: []byte(soa + "x. NS ns.x.\n")}},
	} {
		if _, err := New(files, Options{}); err == nil || err.Error() != strings.TrimSuffix(want, "\x00") {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	n, err := New(fstest.MapFS{}, Options{})
	if err != nil || n.Roots() != nil {
		t.Errorf("nothing at all: %v, %v", err, n)
	}
}

func TestOutcomeCheckFindsWhatIsOtherwise(t *testing.T) {
	t.Parallel()
	name := lookup.MustName("a.")
	r := &lookup.Response{Answer: lookup.MustRRsets("a. CNAME b.\nb. A 192.0.2.2\nb. A 192.0.2.1")}
	if err := data("192.0.2.1", "192.0.2.2").Check(name, lookup.TypeA, r); err != nil {
		t.Error(err)
	}
	for want, o := range map[string]Outcome{
		"a. A: 192.0.2.1 192.0.2.2, want 192.0.2.1":    data("192.0.2.1"),
		"a. A: 192.0.2.1 192.0.2.2, want NODATA":       {},
		"a. A: NOERROR, want NXDOMAIN":                 {Rcode: lookup.NXDOMAIN},
		"a. A: 12 octets, want 1233 octets or more":    {Octets: 1233},
		"a. A: 192.0.2.1 192.0.2.2, want 192.0.2.1, 2": {Data: []string{"192.0.2.1, 2"}},
	} {
		if err := o.Check(name, lookup.TypeA, r); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if err := data("x").Check(name, lookup.TypeAAAA, r); err == nil {
		t.Error("an RRset of another type will do")
	}
}
