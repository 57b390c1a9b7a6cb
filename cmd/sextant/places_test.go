package main

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/control"
	"github.com/sextant-dns/sextant/server"
)

// countries is a database that has networks in countries.
func countries(t testing.TB, places map[string]string) string {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "country", BuildEpoch: 1767225600, RecordSize: 24, IncludeReservedNetworks: true})
	if err != nil {
		t.Fatal(err)
	}
	for network, code := range places {
		_, n, err := net.ParseCIDR(network)
		if err != nil {
			t.Fatal(err)
		}
		if err := tree.Insert(n, mmdbtype.Map{"country_code": mmdbtype.String(code)}); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if _, err := tree.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// worked is the worked example of the design, over the zone of goodZone.
const worked = `$SITE fra check=http://{addr}:PORT/healthz interval=1s fall=1 rise=1
$SITE iad
$SITE sin state=drain
$AT fra
db 60 A 127.0.0.1
$AT iad
db 60 A 198.51.100.80
$AT sin
db 60 A 198.18.5.80
$AT *
$ROUTE db de=fra,iad at=fra,sin us=iad *=iad
$WHEN view:office
db A 10.0.4.22
$WHEN *
$EXPECT db A from 203.0.113.9 = 127.0.0.1
$EXPECT db A from de down=fra = 198.51.100.80
$EXPECT db A from 10.1.1.1 view=office = 10.0.4.22
`

func toyPlaces() map[string]string {
	return map[string]string{"203.0.112.0/22": "DE", "203.0.116.0/22": "AT", "203.0.120.0/22": "US"}
}

const placed = "geo: {databases: [places.mmdb]}\nzones: [{name: corp.example, file: corp.zone, overlay: corp.geo}]\n" +
	"views:\n  - {name: office, clients: [10.0.0.0/8], ecs-proxies: [192.0.2.53], recursion: false}\n  - {name: all, clients: [0.0.0.0/0], recursion: false}\n"

// placedHousehold has the files of a zone with the worked example for an overlay, whose
// site fra is as the returned server is.
func placedHousehold(t *testing.T) (*household, *httptest.Server) {
	t.Helper()
	web := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(web.Close)
	_, port, _ := net.SplitHostPort(web.Listener.Addr().String())
	return newHousehold(t, map[string]string{
		"corp.zone":   goodZone,
		"corp.geo":    strings.ReplaceAll(worked, "PORT", port),
		"places.mmdb": countries(t, toyPlaces()),
	}), web
}

// locatedFrom asks for an address of db.corp.example as a client that sends a subnet, and gives
// it with the scope.
func locatedFrom(t testing.TB, p *parts, from, subnet string) string {
	t.Helper()
	q := query(t, "db.corp.example.", dns.TypeA)
	if subnet != "" {
		q = withSubnet(t, q, netip.MustParsePrefix(subnet))
	}
	var r dns.Msg
	if err := r.Unpack(p.server.Respond(nil, q, netip.MustParseAddrPort(from+":40000"), server.UDP)); err != nil {
		t.Fatal(err)
	}
	if len(r.Answer) != 1 {
		return dns.RcodeToString[r.Rcode]
	}
	answer := r.Answer[0].(*dns.A).A.String()
	for _, o := range r.IsEdns0().Option {
		if s, ok := o.(*dns.EDNS0_SUBNET); ok {
			answer += fmt.Sprintf("/%d", s.SourceScope)
		}
	}
	return answer
}

// The worked example through the whole server: answers, minimal scopes, failover and back.
func TestAnswersFollowPlacesAndHealth(t *testing.T) {
	t.Parallel()
	h, web := placedHousehold(t)
	p, _, _ := h.start("sextant.yaml", placed)
	hear := func(when string, want map[string]string) {
		t.Helper()
		for client, answer := range want {
			h.until(when+": "+client+" hears "+answer, func() bool { return locatedFrom(t, p, "192.0.2.9", client) == answer })
		}
	}
	up := map[string]string{
		"203.0.113.0/24": "127.0.0.1/21", "203.0.117.0/24": "127.0.0.1/21", "203.0.121.0/24": "198.51.100.80/21",
		"203.0.125.0/24": "198.51.100.80/21", "8.8.8.0/24": "198.51.100.80/1",
	}
	hear("all are up", up)
	if got := locatedFrom(t, p, "203.0.113.9", ""); got != "127.0.0.1" {
		t.Errorf("without the option: %s", got)
	}
	web.Close()
	hear("fra is down", map[string]string{
		"203.0.113.0/24": "198.51.100.80/22", "203.0.117.0/24": "198.18.5.80/22", "203.0.121.0/24": "198.51.100.80/21", "8.8.8.0/24": "198.51.100.80/1",
	})
	if _, err := p.setHealth(t.Context(), control.SetHealthRequest{Site: "fra", State: "up"}); err != nil {
		t.Fatal(err)
	}
	hear("an operator says that fra is up", up)

	t.Run("views", func(t *testing.T) {
		for _, c := range []struct{ from, subnet, want string }{
			{"10.1.1.1", "", "10.0.4.22"},
			{"192.0.2.53", "10.1.1.0/24", "10.0.4.22/8"},
			{"192.0.2.9", "10.1.1.0/24", "198.51.100.80/8"}, // anybody can say that
			{"192.0.2.53", "203.0.113.0/24", "127.0.0.1/21"},
		} {
			if got := locatedFrom(t, p, c.from, c.subnet); got != c.want {
				t.Errorf("%s for %q: %s, want %s", c.from, c.subnet, got, c.want)
			}
		}
	})
}

// What fails changes nothing, and says why.
func TestPlacesChangeAllOrNothing(t *testing.T) {
	t.Parallel()
	h, _ := placedHousehold(t)
	p, _, _ := h.start("sextant.yaml", placed)
	at := func(want string) {
		t.Helper()
		h.until(want, func() bool { return locatedFrom(t, p, "192.0.2.9", "203.0.113.0/24") == want })
	}
	at("127.0.0.1/21")
	overlay, err := os.ReadFile(h.path("corp.geo"))
	if err != nil {
		t.Fatal(err)
	}

	h.write("corp.geo", strings.Replace(string(overlay), "de=fra,iad", "de=iad", 1))
	p.reload(h.path("sextant.yaml"))
	if at("127.0.0.1/21"); h.log.count("corp.geo:15:1: $EXPECT fails: the answer is 198.51.100.80") != 1 {
		t.Errorf("the log says\n%s", h.log.text.String())
	}
	changed := strings.Replace(strings.Replace(string(overlay), "de=fra,iad", "de=iad", 1), "$EXPECT db A from 203.0.113.9 = 127.0.0.1\n", "", 1)
	h.write("corp.geo", changed)
	p.reload(h.path("sextant.yaml"))
	at("198.51.100.80/22")

	// Selectors that were not known before are compiled.
	h.write("corp.geo", string(overlay)+"$WHEN 203.0.113.0/25\ndb 60 A 192.0.2.99\n")
	p.reload(h.path("sextant.yaml"))
	if h.log.count("$EXPECT fails: the answer is 192.0.2.99") != 1 {
		t.Error("the new selector holds for nobody")
	}
	h.write("corp.geo", string(overlay))
	p.reload(h.path("sextant.yaml"))
	at("127.0.0.1/21")

	refused := func() uint64 { return p.snapshot().Geo.Refused }
	h.write("places.mmdb", countries(t, map[string]string{"203.0.112.0/22": "US"}))
	p.reload(h.path("sextant.yaml")) // does not wait until the file is quiet
	if at("127.0.0.1/21"); refused() != 1 {
		t.Errorf("%d refused", refused())
	}
	if g, err := p.geoStatus(t.Context(), control.GeoRequest{}); err != nil || !strings.Contains(g.Reason, "corp.geo:15:1: $EXPECT fails") || g.Classes != 4 {
		t.Errorf("%+v, %v", g, err)
	}
	h.write("places.mmdb", countries(t, map[string]string{"203.0.112.0/20": "DE"}))
	p.reload(h.path("sextant.yaml"))
	at("127.0.0.1/20")
	if _, err := p.rollbackGeo(t.Context(), control.RollbackGeoRequest{}); err != nil {
		t.Fatal(err)
	}
	at("127.0.0.1/21")
	h.write("places.mmdb", "no database")
	p.reload(h.path("sextant.yaml"))
	at("127.0.0.1/21")
}

// A failing expectation is an error of the configuration.
func TestCheckJudgesExpectations(t *testing.T) {
	t.Parallel()
	h, _ := placedHousehold(t)
	h.write("sextant.yaml", placed)
	h.write("places.mmdb", countries(t, map[string]string{"203.0.112.0/22": "US"}))
	var out bytes.Buffer
	if code := run(t.Context(), []string{"check", h.path("sextant.yaml")}, &out, &out); code != exitUsage || !strings.Contains(out.String(), "zone corp.example.: "+filepath.Join(h.dir, "corp.geo")+":15:1: $EXPECT fails: the answer is 198.51.100.80; $EXPECT db A from 203.0.113.9 = 127.0.0.1") {
		t.Errorf("exit code %d\n%s", code, out.String())
	}
}

// The page for somebody somewhere, of a running server and of a configuration alone.
func TestExplainTellsWhyByPlace(t *testing.T) {
	t.Parallel()
	h, _ := placedHousehold(t)
	h.write("sextant.yaml", placed)
	explained := func(args ...string) string {
		var out bytes.Buffer
		if code := run(t.Context(), append([]string{"explain", "--config", h.path("sextant.yaml")}, args...), &out, &out); code != exitOK {
			t.Errorf("%v: exit code %d", args, code)
		}
		return strings.ReplaceAll(out.String(), h.dir+"/", "")
	}
	for _, c := range []struct {
		args string
		want string
	}{
		{"db.corp.example A --from 203.0.113.9", `db.corp.example. A, view all, asked by 203.0.113.9, norecurse
answer   db.corp.example. 5 IN A 127.0.0.1
because  view all > route (corp.geo:11) > de
place    de
sites    fra UP · iad UP   pick=1 down=base
scope    all of 203.0.112.0/21 hears this; 203.0.120.0/21 does not
costs    22 cache slots for IPv4 (longest /21), 209 for IPv6 (longest /96)
`},
		{"db.corp.example --from at", `db.corp.example. A, view all, asked by somebody in at, norecurse
answer   db.corp.example. 5 IN A 127.0.0.1
because  view all > route (corp.geo:11) > at
sites    fra UP · sin DRAIN   pick=1 down=base
scope    whoever that is true of hears this, if nothing more specific is
costs    22 cache slots for IPv4 (longest /21), 209 for IPv6 (longest /96)
`},
		{"db.corp.example --from 64500", `db.corp.example. A, view all, asked by somebody in as64500, norecurse
answer   db.corp.example. 60 IN A 198.51.100.80
because  view all > route (corp.geo:11) > *
sites    iad UP   pick=1 down=base
scope    whoever that is true of hears this, if nothing more specific is
costs    22 cache slots for IPv4 (longest /21), 209 for IPv6 (longest /96)
`},
		{"db.corp.example --from 10.1.1.1", `db.corp.example. A, view office, asked by 10.1.1.1, norecurse
answer   db.corp.example. 300 IN A 10.0.4.22
because  view office > rule (corp.geo:13) > view:office
scope    everyone in the view hears this
`},
		{"ns.corp.example --from de --view office", `ns.corp.example. A, view office, asked by somebody in de, norecurse
answer   ns.corp.example. 300 IN A 192.0.2.53
because  view office > the zone file: nothing in the overlay is for this client
scope    whoever that is true of hears this, if nothing more specific is
`},
	} {
		if got := explained(strings.Fields(c.args)...); got != c.want {
			t.Errorf("%s: got\n%swant\n%s", c.args, got, c.want)
		}
	}
	if got := explained("db.corp.example", "--from", "203.0.113.0/24", "--json"); !strings.Contains(got, `"place":{"decision":"route","at":"corp.geo:11","when":"de","in":["de"],`) {
		t.Errorf("got %s", got)
	}
	p, _, _ := h.start("running.yaml", placed)
	for _, from := range []string{"xx", "view:all", "203.0.113.9/99"} {
		if _, err := p.explain(t.Context(), control.ExplainRequest{Name: "db.corp.example", From: from}); err == nil {
			t.Errorf("from %s: no error", from)
		}
	}
	if _, err := p.explain(t.Context(), control.ExplainRequest{Name: "www.elsewhere", From: "de"}); err == nil {
		t.Error("somebody in Germany asks for a name of others")
	}
}
