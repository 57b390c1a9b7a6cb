package overlay

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/zones"
)

// base is the zone below the overlays of these tests.
func base(t testing.TB) *zones.Zone {
	t.Helper()
	return zone(t, `$ORIGIN example.org.
$TTL 300
@     SOA   ns host 1 7200 900 1209600 60
@     NS    ns
@     A     192.0.2.80
ns    A     192.0.2.53
www   A     192.0.2.80
www   AAAA  2001:db8::80
git   A     192.0.2.22
git   TXT   "public"
dl    120 A 192.0.2.81
cname CNAME www
sub   NS    ns.sub
ns.sub A    192.0.2.54
away  DNAME elsewhere.example.
`)
}

func zone(t testing.TB, text string) *zones.Zone {
	t.Helper()
	z, err := zones.Load(strings.NewReader(text), "example.org.zone", zones.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// sites is the beginning of overlays that have routes: five lines.
const sites = `$SITE fra at=50.1,8.7
$SITE iad at=38.9,-77.4
$AT fra
www 60 A 203.0.113.80
$AT iad
www 60 A 198.51.100.80
$AT *
`

func options(t testing.TB) Options {
	return Options{
		Base:  base(t),
		Views: []string{"corp", "public"},
		Sets: map[string][]netip.Prefix{
			"cdn":   {netip.MustParsePrefix("192.0.2.0/25")},
			"lab":   {netip.MustParsePrefix("192.0.2.128/25")},
			"world": {netip.MustParsePrefix("192.0.0.0/8")},
		},
	}
}

// load loads an overlay that must be without errors.
func load(t testing.TB, text string) *Overlay {
	t.Helper()
	o, err := Load(strings.NewReader(text), "e", options(t))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestErrorsSayWhereAndWhatMayHelp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		// spelling
		{"www A (\n 192.0.2.1", "1:7: this parenthesis is not closed; all that follows is one entry until it is"},
		{"www A 192.0.2.1 )", "1:17: a parenthesis is closed that was not opened"},
		{"\n  www TXT \"a", "2:11: this quote is not closed on its line"},
		{" A 192.0.2.1", "1:2: a record without an owner; a record whose line begins with a blank has the owner of the one before it"},
		{"$WEHN de", "1:1: there is no directive $WEHN; did you mean $WHEN?"},
		{"$GENERATE 1-2 a$ A 192.0.2.$", "1:1: $GENERATE does not exist in overlays; write the records out, or put them into the zone"},
		{"$ORIGIN", "1:1: $ORIGIN is incomplete; write $ORIGIN NAME"},
		{"$TTL 5 minutes", `1:8: "minutes" is more than $TTL takes; write $TTL SECONDS`},
		{"$TTL soon", `1:6: "soon" is not a TTL; seconds, or a number with one of w, d, h, m, s after it`},
		{"$INCLUDE other", "1:10: $INCLUDE is not allowed here"},
		// records
		{"www", "1:1: a record without a type; write OWNER [TTL] TYPE DATA"},
		{"www 60 IN", "1:1: a record without a type; write OWNER [TTL] TYPE DATA"},
		{"www CNAM git", `1:5: "CNAM" is not a type; did you mean CNAME?`},
		{"www 192.0.2.1", `1:5: "192.0.2.1" is not a type; write OWNER [TTL] TYPE DATA`},
		{"www ANY x", "1:5: ANY is a type that no zone may hold"},
		{"www 4294967295 A 192.0.2.1", "1:5: TTL 4294967295 is above 2^31-1 (RFC 2181 8)"},
		{"www CH TXT x", "1:5: class CH, and a zone is of class IN; leave it out"},
		{"www A", "1:5: nothing follows A"},
		{"$WHEN de\nwww A 2001:db8::1", `2:7: bad A A: "2001:db8::1"; an IPv6 address belongs into AAAA`},
		{"www MX (\n ten ; preference\n mail )", `2:2: bad MX Pref: "ten"`},
		{"$WHEN de\n@ NS ns", "2:3: NS must be the same for all clients; it belongs into the zone's own file"},
		{"@ DNSKEY 257 3 13 AAAA", "1:3: DNSKEY must be the same for all clients; it belongs into the zone's own file"},
		{"a..b A 192.0.2.1", `1:1: name "a..b.example.org.": empty label`},
		{"www ALIAS", "1:5: an ALIAS has one name after it; write OWNER ALIAS NAME"},
		{"www ALIAS www", "1:11: www.example.org. is an alias of itself"},
		{"$SITE fra\n$AT fra\nwww ALIAS git", "3:5: an ALIAS is not data that a site could have; put it outside $AT"},
		// conditions
		{"$WHEN", "1:1: $WHEN needs a condition; $WHEN * is for everyone"},
		{"$WHEN deu", `1:7: "deu" is not a selector; a country code is two letters (ISO 3166-1); cities are written city:NAME`},
		{"$WHEN uk", `1:7: "uk" is not a selector; did you mean gb?`},
		{"$WHEN as", `1:7: "as" is not a selector; a continent and a country have these letters; write c:as or cc:as`},
		{"$WHEN de,na", `1:10: "na" is not a selector; a continent and a country have these letters; write c:na or cc:na`},
		{"$WHEN de+64500", `1:10: "64500" is not a selector; did you mean as64500?`},
		{"$WHEN us_ny", `1:7: "us_ny" is not a selector; did you mean us-ny?`},
		{"$WHEN 192.0.2.1", `1:7: "192.0.2.1" is not a selector; did you mean 192.0.2.1/32?`},
		{"$WHEN 2001:db8::1", `1:7: "2001:db8::1" is not a selector; did you mean 2001:db8::1/128?`},
		{"$WHEN 192.0.2.1/24", `1:7: "192.0.2.1/24" is not a selector; bits are set after the prefix; did you mean 192.0.2.0/24?`},
		{"$WHEN default", `1:7: "default" is not a selector; did you mean *?`},
		{"$WHEN city:", `1:7: "city:" is not a selector; nothing stands after the colon`},
		{"$WHEN de at", `1:10: "at" is more than $WHEN takes; write de,at for either of them, or de+at for both at once`},
		{"$WHEN de+at", "1:10: no client is in de and at; a comma in place of the + is for clients of either"},
		{"$WHEN us-ny+de", "1:13: no client is in us-ny and de; a comma in place of the + is for clients of either"},
		{"$WHEN de+!de", "1:10: no client is in de and !de; a comma in place of the + is for clients of either"},
		{"$WHEN de+de", "1:10: de stands here twice"},
		{"$WHEN de,de", "1:10: de stands here twice"},
		{"$WHEN de++at", "1:10: a selector is missing"},
		{"$WHEN de+*", "1:10: * is everyone, and stands alone; leave it out"},
		{"$WHEN !*", "1:8: * is everyone, and stands alone"},
		{"$WHEN view:crop", "1:7: there is no view crop; did you mean corp?"},
		{"$WHEN net:nothing", "1:7: there is no set nothing; sets are cdn, lab and world"},
		{"$WHEN de keep=AAAA", "1:10: keep= belongs to conditions that name a view; without a view, other types stay anyway"},
		{"$WHEN view:corp,de keep=AAAA", "1:20: keep= belongs to conditions that name a view; without a view, other types stay anyway"},
		{"$WHEN view:corp keep=AAA", `1:22: "AAA" is not a type; did you mean AAAA?`},
		{"$WHEN view:corp kepe=AAAA", `1:17: "kepe=AAAA" is more than $WHEN takes; only keep=TYPE stands after the condition`},
		// sites
		{"$SITE", "1:1: $SITE needs a name; write $SITE NAME at=LATITUDE,LONGITUDE check=URL"},
		{"$SITE a:b", `1:7: "a:b" cannot be a site's name; a name has letters, digits, -, _ and .`},
		{"$SITE nearest", `1:7: "nearest" cannot be a site's name: it means something`},
		{"$SITE fra\n$SITE fra", "2:7: there is a site fra already (e:1:1)"},
		{"$SITE fra up", `1:11: "up" is not a setting; settings are written KEY=VALUE, with quotes around a value that has blanks`},
		{"$SITE fra intreval=5s", "1:11: a site has no setting intreval; did you mean interval?"},
		{"$SITE fra fall=", "1:11: nothing stands after fall="},
		{"$SITE fra fall=1 fall=2", "1:18: fall= stands here twice"},
		{"$SITE fra at=50.1", `1:14: "50.1" is not a place; write at=LATITUDE,LONGITUDE in degrees: at=50.1,8.7`},
		{"$SITE fra at=50.1,200", `1:19: "200" is not an angle from -180 to 180; write at=LATITUDE,LONGITUDE in degrees: at=50.1,8.7`},
		{"$SITE fra at=NaN,8", `1:14: "NaN" is not an angle from -90 to 90; write at=LATITUDE,LONGITUDE in degrees: at=50.1,8.7`},
		{"$SITE fra state=off", `1:17: "off" is not a state; states are up, down, drain and auto`},
		{"$AT", "1:1: $AT is incomplete; write $AT SITE, or $AT * to end it"},
		{"$AT fra\nwww A 192.0.2.1", "1:5: there is no site fra; there are no sites"},
		{sites + "$AT frb", "8:5: there is no site frb; did you mean fra?"},
		{sites + "$WHEN de\n$AT fra", "9:1: $AT within a $WHEN (e:8:1); write $WHEN * before it"},
		{sites + "$AT fra\n$WHEN de", "9:1: $WHEN within $AT fra (e:8:1); write $AT * before it"},
		// routes
		{sites + "$ROUTE www", "8:1: $ROUTE is incomplete; write $ROUTE OWNER CONDITION=SITES, such as $ROUTE www de=fra,iad *=iad"},
		{sites + "$ROUTE www pick=1", "8:1: the route of www.example.org. has no choice; write CONDITION=SITES, such as *=fra,iad"},
		{sites + "$ROUTE www ( *=fra\n  de=tokyo )", "9:6: there is no site tokyo; sites are fra and iad"},
		{sites + "$ROUTE www *=fra\n$ROUTE www *=iad", "9:8: www.example.org. has a route already (e:8:1); one $ROUTE has all choices of a name"},
		{sites + "$WHEN de\n$ROUTE www *=fra", "9:1: $ROUTE within a $WHEN (e:8:1); write $WHEN * before it; conditions stand in the route"},
		{sites + "$ROUTE www * = fra", `8:12: "*" is not a choice; choices are written CONDITION=SITES, without blanks around = , and +`},
		{sites + "$ROUTE www *=fra pik=2", "8:18: a route has no setting pik; did you mean pick?"},
		{sites + "$ROUTE www *=fra pick=0", `8:23: "0" is not a number of sites; pick=1 to 64: how many sites answer at once`},
		{sites + "$ROUTE www *=fra pick=1 pick=1", "8:25: pick= stands here twice"},
		{sites + "$ROUTE www *=fra down=up", `8:23: "up" is not what to do when all sites are down; down=base answers from the zone, down=all with all sites, down=none with nothing`},
		{sites + "$ROUTE www *=fra:1 sticky=/24", `8:27: "/24" is not two lengths; write sticky=/24,/48: the lengths of IPv4 and IPv6 networks whose clients stay together`},
		{sites + "$ROUTE www *=fra:1 sticky=/24,/129", `8:31: "/129" is not a length from /1 to /128; write sticky=/24,/48: the lengths of IPv4 and IPv6 networks whose clients stay together`},
		{sites + "$ROUTE www *=fra,fra", "8:18: site fra stands here twice"},
		{sites + "$ROUTE www *=fra,", "8:18: a site is missing"},
		{sites + "$ROUTE www *=fra:0", `8:18: "0" is not a weight; weights are 1 to 65535; leave out a site that is to have no clients`},
		{sites + "$ROUTE www *=fra:9,iad", "8:14: some sites have a weight, and some have not; give all of them one, or none for an order of failover"},
		{sites + "$ROUTE www *=fra,nearest", "8:18: nearest beside other sites; nearest stands alone"},
		{sites + "$ROUTE www *=nearest:0", `8:22: "0" is not a number of sites; nearest:1 to nearest:64`},
		{sites + "$ROUTE www fra=de", `8:12: "fra" is not a selector; this is a site; sites stand after the =`},
		{sites + "$ROUTE dl *=fra", "8:11: site fra has no record for dl.example.org.; write its records under $AT fra"},
		{sites + "$ROUTE dl *=nearest", "8:11: no site has a record for dl.example.org.; write records under $AT"},
		{"$SITE sin\n$AT sin\nwww A 192.0.2.1\n$ROUTE www *=nearest", "4:12: nearest wants to know where site sin is (e:1:1); write at=LATITUDE,LONGITUDE there"},
		// expectations
		{"$EXPECT www", "1:1: $EXPECT is incomplete; write $EXPECT OWNER TYPE from WHO = DATA"},
		{"$EXPECT www A from de", "1:1: nothing is expected; end it with = DATA, = none, scope<=N or prefixes<N"},
		{"$EXPECT www A =", "1:15: nothing stands after =; write = DATA, or = none"},
		{"$EXPECT www A = 1.2.3", `1:17: bad A A: "1.2.3"`},
		{"$EXPECT www A from xx = none", `1:20: "xx" is not a selector; no continent, no country (ISO 3166-1), no ASN (as64500), no network (192.0.2.0/24)`},
		{"$EXPECT www A from view:corp = none", "1:20: a view is not where somebody asks from; write view=corp"},
		{"$EXPECT www A down=fra = none", "1:20: there is no site fra; there are no sites"},
		{"$EXPECT www A view=crop = none", "1:20: there is no view crop; did you mean corp?"},
		{"$EXPECT www A scop<=24", "1:15: nothing is known of scop; did you mean scope?"},
		{"$EXPECT www A scope<=129", "1:22: a scope has 0 to 128 bits"},
		{"$EXPECT www A prefixes<many", `1:24: "many" is not a number; write it without blanks: scope<=24`},
		{"$EXPECT www A to de = none", `1:15: "to" is not understood; what can stand here is from WHO, down=SITES, view=NAME, scope<=N, prefixes<N and, with blanks around the =, = DATA`},
		{"$EXPECT www.other. A = none", "1:1: www.other. is not in zone example.org.; is a final dot too many?"},
	} {
		_, err := Load(strings.NewReader(c.text), "e", options(t))
		if want := "e:" + c.want; err == nil || !slices.Contains(strings.Split(err.Error(), "\n"), want) {
			t.Errorf("%s\n got %v\nwant %s", c.text, err, want)
		}
	}
}

func TestContradictionsAreErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"$WHEN de\nwww.other. A 192.0.2.1", "2:1: www.other. is not in zone example.org."},
		{"$WHEN de\nx.sub A 192.0.2.1", "2:1: x.sub.example.org.: at or below the zone cut sub.example.org.; it belongs into the zone sub.example.org."},
		{"$WHEN de\nsub A 192.0.2.1", "2:1: sub.example.org.: at or below the zone cut sub.example.org.; it belongs into the zone sub.example.org."},
		{"$WHEN de\nx.away A 192.0.2.1", "2:1: x.away.example.org.: below the DNAME of away.example.org. (RFC 6672 2.4)"},
		{"$WHEN de\naway A 192.0.2.1", "2:1: away.example.org.: has a DNAME, which all clients must hear"},
		// two conditions
		{sites + "$ROUTE www *=fra *=iad", "8:18: www.example.org.: * is answered twice, here and at e:8:12; one of them has to go"},
		{sites + "$ROUTE www de=fra at,DE=iad", "8:22: www.example.org.: de is answered twice, here and at e:8:12; one of them has to go"},
		{sites + "$ROUTE www net:cdn=fra net:world=iad", "8:24: www.example.org.: a client may be of net:world and of net:cdn (e:8:12), and neither is more specific; write net:world+!net:cdn, or one of both"},
		{sites + "$ROUTE www !de=fra !at=iad", "8:20: www.example.org.: a client may be of !at and of !de (e:8:12), and neither is more specific; write !at+!de for what is in neither, and single ones for the rest"},
		{sites + "$ROUTE www de+net:cdn=fra de+net:world=iad", "8:27: www.example.org.: a client may be of net:world+de and of net:cdn+de (e:8:12), and neither is more specific; make one of them more specific, or exclude the other with !"},
		{sites + "$ROUTE www city:Bonn=fra city:2946447=iad", "8:26: www.example.org.: a client may be of city:2946447 and of city:Bonn (e:8:12), and neither is more specific; write city:2946447+!city:Bonn, or one of both"},
		{sites + "$ROUTE www de=fra *=iad\n$WHEN de\nwww A 192.0.2.1", "10:1: www.example.org.: de is answered twice, here and at e:8:12; one of them has to go"},
		{"$WHEN net:cdn\nwww A 192.0.2.1\n$WHEN net:world\nwww A 192.0.2.2", "4:1: www.example.org.: a client may be of net:world and of net:cdn (e:2:1), and neither is more specific; write net:world+!net:cdn, or one of both"},
		{"$WHEN view:corp+net:cdn\nwww A 192.0.2.1\n$WHEN view:corp+net:world\nwww TXT x", "4:1: www.example.org.: a client may be of view:corp+net:world and of view:corp+net:cdn (e:2:1), and neither is more specific; make one of them more specific, or exclude the other with !"},
		{"$WHEN de\n@ A 192.0.2.1\n@ ALIAS www", "3:1: example.org.: de is answered twice, here and at e:2:1; one of them has to go"},
		{"@ ALIAS www\n@ ALIAS git", "2:1: example.org.: * is answered twice, here and at e:1:1; one of them has to go"},
		// CNAME
		{"$WHEN de\nwww CNAME git", "2:1: www.example.org.: a CNAME beside other data, and it must be alone (RFC 2181 10.1); the zone has other data of that name; a CNAME there, or an ALIAS here, would do"},
		{"$WHEN de\ncname A 192.0.2.1", "2:1: cname.example.org.: a CNAME beside other data, and it must be alone (RFC 2181 10.1); the zone has a CNAME of that name; only a CNAME takes its place"},
		{"$WHEN de\nnew CNAME www\n$WHEN eu\nnew A 192.0.2.1", "2:1: new.example.org.: a CNAME beside other data, and it must be alone (RFC 2181 10.1); see e:4:1"},
		{"$WHEN view:corp\ngit CNAME www\ngit TXT x", "2:1: git.example.org.: a CNAME beside other data, and it must be alone (RFC 2181 10.1); see e:3:1"},
		{"$WHEN view:corp\n@ CNAME www", "2:1: example.org.: a CNAME beside other data, and it must be alone (RFC 2181 10.1); the zone has other data of that name; a CNAME there, or an ALIAS here, would do"},
		{"$WHEN view:corp keep=TXT\ngit CNAME www", "2:1: git.example.org.: a CNAME beside other data, and it must be alone (RFC 2181 10.1); the zone has other data of that name; a CNAME there, or an ALIAS here, would do"},
		{"$WHEN view:corp keep=CNAME\ncname A 10.0.0.1", "2:1: cname.example.org.: a CNAME beside other data, and it must be alone (RFC 2181 10.1); the zone has a CNAME of that name; only a CNAME takes its place"},
		{"$SITE a\n$SITE b\n$AT a\nnew CNAME www\n$AT b\nnew A 192.0.2.1\n$AT *\n$ROUTE new *=a,b", "8:12: new.example.org.: a CNAME beside other data, and it must be alone (RFC 2181 10.1); all sites of a choice have it, or none"},
	} {
		_, err := Load(strings.NewReader(c.text), "e", options(t))
		if want := "e:" + c.want; err == nil || err.Error() != want {
			t.Errorf("%s\n got %v\nwant %s", c.text, err, want)
		}
	}
}

func TestWhatNoClientCanBeBothOfIsNoContradiction(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		sites + "$ROUTE www de=fra at=iad us-ny=iad us-ca=fra as1=fra as2=iad 192.0.2.0/24=fra 198.51.100.0/24=iad c:as=fra eu=iad *=fra",
		sites + "$ROUTE www net:cdn=fra net:lab=iad *=fra", // their networks are apart
		sites + "$ROUTE www net:cdn=fra net:world+!net:cdn=iad *=fra",
		sites + "$ROUTE www net:world=fra *=iad\n$WHEN net:cdn\nwww AAAA 2001:db8::1", // another type
		sites + "$ROUTE www *=fra\n$WHEN de\nwww A 192.0.2.1",
		"$WHEN de\nwww A 192.0.2.1\nwww A 192.0.2.2\n$WHEN at\nwww A 192.0.2.1\n$WHEN de\nwww A 192.0.2.3", // one RRset
		"$WHEN view:corp keep=AAAA\ngit CNAME www",                                                         // the zone has none to keep
		"$WHEN view:corp\ncname A 10.0.0.1",
		"$WHEN view:corp\nwww CNAME git\n$WHEN de\nwww A 192.0.2.9", // a view takes the place of all
		"$WHEN view:corp\ngit A 10.0.0.1\ngit AAAA fd00::1\n$WHEN view:public\ngit A 192.0.2.23",
		"$WHEN de\ncname CNAME git",
	} {
		if _, err := Load(strings.NewReader(text), "e", options(t)); err != nil {
			t.Errorf("%s\n%v", text, err)
		}
	}
}

func TestWhatIsUnwiseIsLint(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"$WHEN view:corp\nvpn A 10.0.0.1", "2:1: vpn.example.org.: exists for some clients only, and resolvers may tell them that it does not, because they keep that for everyone (RFC 7871 7.4); put a record of that name into the zone"},
		{"$WHEN de\ngit AAAA 2001:db8::1", "2:1: git.example.org.: AAAA has no default, so that other clients hear of none; put a default into the zone"},
		{"static A 192.0.2.1", "1:1: static.example.org. A: the same for everyone; put it into the zone, which all servers can read"},
		{"$WHEN de\nwww A 192.0.2.1\nwww A 192.0.2.1", "3:1: www.example.org. A: the same record twice; once is kept (RFC 2181 5)"},
		{"$WHEN de\nwww 60 A 192.0.2.1\nwww 30 A 192.0.2.2", "3:1: www.example.org. A: TTL 30 where another record of the RRset has 60; the lower counts (RFC 2181 5.2)"},
		{sites + "$ROUTE www *=fra", "2:1: site iad is in no route"},
		{sites + "$ROUTE www *=fra,iad sticky=/24,/48", "8:1: www.example.org.: sticky says nothing without weights; give weights, such as fra:9,iad:1"},
		{sites + "$ROUTE www *=fra,iad pick=3", "8:12: www.example.org.: 3 sites are wanted, and 2 are there"},
		{sites + "$ROUTE www *=nearest:3", "8:12: www.example.org.: 3 sites are wanted, and 2 are there"},
		{sites + "$ROUTE www 192.0.0.0/16=fra 192.0.2.0/24=fra *=iad", "8:29: www.example.org.: 192.0.2.0/24 has no effect: it is in 192.0.0.0/16, which has the same sites"},
		{"$WHEN 10.0.0.0/8\nwww A 192.0.2.1\n$WHEN 10.1.0.0/16\nwww A 192.0.2.1", "4:1: www.example.org. A: 10.1.0.0/16 has no effect: it is in 10.0.0.0/8, which hears the same"},
		{sites + "$AT fra\nmail A 192.0.2.1\n$AT *\n$ROUTE www *=fra,iad", "9:1: mail.example.org.: nobody hears what sites have for it; it needs a $ROUTE"},
		{"$SITE a\n$AT a\nnew A 192.0.2.1\n$AT *\n$ROUTE new *=a", "5:1: new.example.org.: is not in the zone, and does not exist when all sites are down; put a last resort into the zone, or write down=all"},
		{"$SITE a\n$AT a\nnew A 192.0.2.1\n$AT *\n$ROUTE new de=a down=all", "5:12: new.example.org.: exists for some clients only, and resolvers may tell them that it does not, because they keep that for everyone (RFC 7871 7.4); put a record of that name into the zone"},
	} {
		var got []string
		for _, p := range load(t, c.text).Lint {
			got = append(got, strings.TrimPrefix(p.Error(), "e:"))
		}
		if !slices.Equal(got, []string{c.want}) {
			t.Errorf("%s\ngot  %s\nwant %s", c.text, strings.Join(got, "\n     "), c.want)
		}
	}
	// A nested network that leads elsewhere, or back, is of use.
	for _, text := range []string{
		sites + "$ROUTE www 192.0.0.0/16=fra 192.0.2.0/24=iad 192.0.2.0/25=fra *=iad",
		sites + "$ROUTE www *=fra:9,iad:1 sticky=/24,/48",
		"$WHEN 10.0.0.0/8\nwww A 192.0.2.1\n$WHEN 10.1.0.0/16\nwww A 192.0.2.2\n$WHEN 10.1.2.0/24\nwww A 192.0.2.1",
		"$WHEN view:corp\ngit A 10.0.4.22",
		"@ ALIAS www",
	} {
		for _, p := range load(t, text).Lint {
			t.Errorf("%s\n%v", text, p)
		}
	}
}

func TestASignedZoneHasNoOverlay(t *testing.T) {
	t.Parallel()
	signed := zone(t, "$ORIGIN example.org.\n$TTL 60\n@ SOA ns host 1 2 3 4 5\n@ RRSIG SOA 13 2 60 20300101000000 20200101000000 1 @ AAAA\n@ NS ns\nns A 192.0.2.1\n")
	_, err := Load(strings.NewReader("$WHEN de\nns A 192.0.2.2\n"), "e", Options{Base: signed})
	if want := "e: zone example.org. is signed, and variants would have no signatures; serve the zone unsigned, or without an overlay"; fmt.Sprint(err) != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestAllErrorsAreToldInOrder(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{"inc": {Data: []byte("bad AA 1\n")}}
	o := options(t)
	o.Includes = files
	_, err := Load(strings.NewReader("$AT nowhere\n$INCLUDE inc\n$WHEN xx\nout.of.zone. A 192.0.2.1\n"+strings.Repeat("x AA 1\n", 30)), "dir/e", o)
	lines := strings.Split(fmt.Sprint(err), "\n")
	if len(lines) != maxErrors+1 || !strings.HasPrefix(lines[0], "dir/e:3:1: $WHEN within $AT") || !strings.HasPrefix(lines[maxErrors-1], "dir/inc:1:5") || lines[maxErrors] != "dir/e: and 15 more" {
		t.Errorf("got %d lines\n%v", len(lines), err)
	}
	for _, e := range err.(interface{ Unwrap() []error }).Unwrap() {
		if _, ok := e.(Problem); !ok {
			t.Errorf("%T", e)
		}
	}
}

func TestIncludedFiles(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.Includes = fstest.MapFS{
		"sites.geo": {Data: []byte("$SITE fra at=50.1,8.7\n$SITE sin\n$SITE unused\n$TTL 5\n$ORIGIN elsewhere.\n")},
		"fra.zone":  {Data: []byte("www 60 A 203.0.113.80\n  AAAA 2001:db8:f::80\n")},
		"loop":      {Data: []byte("$INCLUDE loop\n")},
	}
	got, err := Load(strings.NewReader("$INCLUDE sites.geo\n$AT fra\n$INCLUDE fra.zone\n$AT sin\n$INCLUDE fra.zone eu\n$AT *\n$ROUTE www *=fra\n$ROUTE www.eu *=sin down=all\n"), "dir/e", o)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		site int
		set  string
	}{
		{0, "www.example.org. 60 IN A 203.0.113.80"},
		{0, "www.example.org. 300 IN AAAA 2001:db8:f::80"}, // $TTL ended with its file
		{1, "www.eu.example.org. 60 IN A 203.0.113.80"},
	} {
		if !slices.ContainsFunc(setsOf(got.Sites[want.site]), func(s string) bool { return s == want.set }) {
			t.Errorf("site %d: no %s in %v", want.site, want.set, setsOf(got.Sites[want.site]))
		}
	}
	if len(got.Lint) > 0 { // not that shared sites are of no use to this zone
		t.Error(got.Lint)
	}
	for include, want := range map[string]string{
		"loop": "dir/loop:1:10: more than 8 files that include one another; do files include each other?",
		"none": "dir/e:1:10: cannot be opened: open none: file does not exist; a file of this file's directory, or of one below it",
	} {
		if _, err := Load(strings.NewReader("$INCLUDE "+include), "dir/e", o); fmt.Sprint(err) != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

func setsOf(s Site) (all []string) {
	for _, set := range s.Sets {
		all = append(all, strings.ReplaceAll(set.String(), "\t", " "))
	}
	slices.Sort(all)
	return all
}

func TestRecordsAreReadAsInMasterFiles(t *testing.T) {
	t.Parallel()
	o := load(t, "$TTL 1h\n$WHEN de ; comment\n"+
		`www 5m IN A 192.0.2.1
	AAAA ( 2001:db8::1 ; first
	     )
git TXT "a ; b" "c \"d\"" e\;f
@ HTTPS 1 . alpn=h2 ipv4hint=192.0.2.1
www.example.org. IN 30 MX 10 mail
$ORIGIN git
@ CAA 0 issue "ca.example"
dl.example.org. TYPE65400 \# 2 0102
`)
	var got []string
	for _, r := range o.Rules {
		got = append(got, r.When.String()+" "+strings.ReplaceAll(r.Set.String(), "\t", " "))
	}
	want := []string{
		"de www.example.org. 300 IN A 192.0.2.1",
		"de www.example.org. 3600 IN AAAA 2001:db8::1",
		`de git.example.org. 3600 IN TXT "a ; b" "c \"d\"" "e;f"`,
		`de example.org. 3600 IN HTTPS 1 . alpn="h2" ipv4hint="192.0.2.1"`,
		"de www.example.org. 30 IN MX 10 mail.example.org.",
		`de git.example.org. 3600 IN CAA 0 issue "ca.example"`,
		`de dl.example.org. 3600 CLASS1 TYPE65400 \# 2 0102`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestLinesAreThoseOfMasterFiles(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"$WHEN de\nwww A 192.0.2.1\n",
		"\ufeff$WHEN de\r\n\r\n  ; comment\r\nwww A 192.0.2.1\r\n",
		"$WHEN (\n de\n)\nwww\tA\n ; nothing\n",
		"$when de;comment\n  \n( www (\nA) 192.0.2.1 )",
		"$WHEN at\n$WHEN *\n$AT x\n$AT *\n$SITE x\n$WHEN de\nWWW.Example.ORG. in a 192.0.2.1",
		"$ORIGIN org.\n$WHEN de\nwww.example A 192.0.2.1",
	} {
		o, err := Load(strings.NewReader(text), "e", options(t))
		if strings.Contains(text, "nothing") {
			if want := "e:4:5: nothing follows A"; fmt.Sprint(err) != want {
				t.Errorf("%q\ngot  %v\nwant %s", text, err, want)
			}
			continue
		}
		if err != nil || len(o.Rules) != 1 || o.Rules[0].When.String() != "de" || o.Rules[0].Set.Name != lookup.MustName("www.example.org.") {
			t.Errorf("%q: %+v, %v", text, o, err)
		}
	}
}

func TestATTLThatIsNotGivenIsThatOfTheZone(t *testing.T) {
	t.Parallel()
	o := load(t, "$WHEN de\ndl A 192.0.2.1\ndl AAAA 2001:db8::1\ngit AAAA 2001:db8::1\nnew ALIAS www\ndl 7 TXT x\ndl 9 TXT y\ndl 5 TXT z\n")
	want := map[string]uint32{"dl.example.org. A": 120, "dl.example.org. AAAA": 300, "git.example.org. AAAA": 300, "dl.example.org. TXT": 5}
	for _, r := range o.Rules {
		if about := about(r.Set.Name, r.Set.Type); r.Set.TTL != want[about] {
			t.Errorf("%s: %d", about, r.Set.TTL)
		}
	}
	if ttl := o.Aliases[0].TTL; ttl != 300 {
		t.Errorf("ALIAS: %d", ttl)
	}
}

func TestParseTTL(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"0": 0, "300": 300, "1h30m": 5400, "1W2D": 777600, "5s1": 6, "2147483647": 2147483647,
		"": -1, "2147483648": -1, "99999999999": -1, "3551w": -1, "h": -1, "1x": -1, "m5": -1, "-1": -1,
	} {
		if got, ok := parseTTL(text); ok != (want >= 0) || ok && int64(got) != want {
			t.Errorf("%q: %d, %v", text, got, ok)
		}
	}
}

func TestOnlyAnApexIsNeeded(t *testing.T) {
	t.Parallel()
	o, err := Load(strings.NewReader("$WHEN view:any+net:any\nwww A 192.0.2.1\n"), "e", Options{Origin: lookup.Root})
	if err != nil || o.Rules[0].Set.Name != lookup.MustName("www.") || o.Rules[0].Set.TTL != 300 || len(o.Lint) != 0 {
		t.Errorf("%+v, %v", o, err)
	}
	if _, err := Load(strings.NewReader(""), "e", Options{}); err == nil {
		t.Error("neither zone nor apex, and no error")
	}
}
