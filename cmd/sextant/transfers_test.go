package main

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/secondary"
)

// A copy is judged by its ZONEMD as the zone's policy says (RFC 8976 4).
func TestZONEMDOfACopy(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../dnssec/testdata/rfc8976-a1.zone")
	if err != nil {
		t.Fatal(err)
	}
	good := string(text)
	at := strings.Index(good, "ZONEMD")
	none := good[:strings.LastIndex(good[:at], "\n")+1]
	if rest := good[at:]; strings.Contains(rest, ")") {
		none += rest[strings.Index(rest, ")")+1:]
	} else {
		none += rest[strings.Index(rest, "\n"):]
	}
	bad := good + "\nadded.example. 3600 IN A 192.0.2.1\n"
	h := newHousehold(t, map[string]string{"good.zone": good, "none.zone": none, "bad.zone": bad})
	for _, c := range []struct{ zone, accepted, refused, reason string }{
		{"good", "require check ignore", "", ""},
		{"none", "check ignore", "require", "the zone has no ZONEMD"},
		{"bad", "ignore", "require check", "ZONEMD does not match the zone"},
	} {
		_, at, _ := h.start("one.yaml", kept+"zones: [{name: example, file: "+c.zone+".zone, zonemd: ignore, allow-transfer: [127.0.0.1]}]\n")
		copies := func(policy string) *parts {
			p, _, _ := h.start("two.yaml", kept+fmt.Sprintf("zones: [{name: example, primaries: [%q], zonemd: %s}]\n", at, policy))
			return p
		}
		for _, policy := range strings.Fields(c.accepted) {
			p := copies(policy)
			h.until("it is there", func() bool { return p.copies.status()[0].State == secondary.Current })
		}
		for _, policy := range strings.Fields(c.refused) {
			p := copies(policy)
			h.until("it is refused", func() bool { return p.copies.status()[0].Failures > 0 })
			if s := p.copies.status()[0]; s.State != secondary.Missing || !strings.Contains(s.Reason, c.reason) {
				t.Errorf("%s, %s: %+v", c.zone, policy, s)
			}
		}
	}
}

// Transfers and NOTIFY leave from where they are told to.
func TestSourceOfTransfers(t *testing.T) {
	t.Parallel()
	const source = "127.0.0.9"
	if l, err := net.Listen("tcp", source+":0"); err != nil {
		t.Skip("this system has one loopback address:", err)
	} else {
		l.Close()
	}
	h := newHousehold(t, map[string]string{})
	const zone = "zones: [{name: a.example, file: member.zone, allow-transfer: [" + source + "]"
	from := kept + "transfers: {source: [\"::1\", " + source + "]}\n"
	one, at, _ := h.start("one.yaml", from+zone+"}]\n")
	_, second, _ := h.start("two.yaml", from+fmt.Sprintf("zones: [{name: a.example, primaries: [%q], allow-notify: [%s]}]\n", at, source))
	h.serves(second, "a")
	h.write("member.zone", "$TTL 60\n@ SOA ns hostmaster 2 7200 3600 1209600 3600\n@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.80\n")
	h.reload(one, "one.yaml", from+zone+fmt.Sprintf(", notify: [%q]}]\n", second))
	h.until("the NOTIFY", func() bool {
		return h.log.count("\"notify: received\" zone=a.example. peer="+source) > 0 && h.log.count("transferred zone=a.example. type=IXFR client="+source) > 0
	})
}

// Many members come through few turns, are all served, and all go.
func TestManyMembers(t *testing.T) {
	t.Parallel()
	const many = 300
	h := newHousehold(t, map[string]string{"kept/.keep": ""})
	var zones strings.Builder
	zones.WriteString("zones:\n")
	for i := range many {
		fmt.Fprintf(&zones, "  - {name: n%d.example, file: member.zone, catalog: cat.example, allow-transfer: [{key: transfer.key}]}\n", i)
	}
	produced := func(notify string) string {
		return "catalogs: [{name: cat.example, produce: true, allow-transfer: [{key: transfer.key}]" + notify + "}]\n"
	}
	one, at, _ := h.start("one.yaml", kept+zones.String()+produced(""))
	two, second, _ := h.start("two.yaml", kept+"transfers: {in: 4}\ncatalogs:\n"+consumer("cat.example", at, ", store: kept"))
	h.until("all are served", func() bool {
		n := 0
		two.mutable.Lock()
		defer two.mutable.Unlock()
		for _, z := range two.served {
			if !z.Absent() {
				n++
			}
		}
		return n == many+1
	})
	if rcode, answer := asked(t, second, fmt.Sprintf("www.n%d.example.", many-1)); answer != "192.0.2.80" {
		t.Errorf("rcode %d", rcode)
	}
	h.reload(one, "one.yaml", kept+members("cat.example", "a")+produced(fmt.Sprintf(", notify: [{address: %q, key: transfer.key}]", second)))
	h.until("one is left", func() bool { return two.catalogStatus()[0].members == 1 })
	h.serves(second, "a")
	entries, err := os.ReadDir(h.path("kept"))
	if err != nil || len(entries) > 4 {
		t.Errorf("%d files are left, %v", len(entries), err)
	}
	if two.primary.May(netip.MustParseAddr("127.0.0.1"), lookup.MustName("transfer.key."), lookup.MustName("a.example.")) {
		t.Error("the catalog lets nobody transfer, and its member does")
	}
}
