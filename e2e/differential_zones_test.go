//go:build e2e

package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/zones"
)

// The zones that all servers are asked about: one with all that RFC 1034 and its
// successors speak of, one below it, one beside it, three that are signed, and
// small ones that chance writes.
const (
	plainZone = `$ORIGIN plain.example.
$TTL 3600
@		SOA	ns1 Host.Master 2026 7200 900 1209600 300
@		NS	ns1
@		NS	ns.other.test.
@		MX	10 mail
@		MX	20 mail.other.test.
@		TXT	"v=spf1 -all"
@		HTTPS	1 . alpn=h2,h3 ipv4hint=192.0.2.1
@		CAA	0 issue "ca.test"
ns1		A	192.0.2.53
		AAAA	2001:db8::53
mail		A	192.0.2.25
www	60	A	192.0.2.80
	60	A	192.0.2.81
	60	A	192.0.2.82
		AAAA	2001:db8::80
		TXT	"the web" "and more"
Mixed.Case	A	192.0.2.2
MIXED		MX	5 MAIL
1.2.0.192.arpa	PTR	Www
long		TXT	"%[1]s" "%[1]s" "%[1]s" "%[1]s" "%[1]s"
huge		TXT	"1 %[1]s" "%[1]s" "%[1]s"
		TXT	"2 %[1]s" "%[1]s" "%[1]s"
		TXT	"3 %[1]s" "%[1]s" "%[1]s"
wide		MX	1 mail%[2]s
odd		TYPE65280 \# 4 c0000201
		TYPE731	\# 0
svc		SVCB	1 www alpn=h2 port=8443 key65280=x
		SVCB	0 www
web		HTTPS	0 www
webs		HTTPS	1 www alpn=h2
_sip._udp	SRV	0 5 5060 www
		SRV	0 5 5061 mail.other.test.
		SRV	0 5 5062 .
		SRV	9 5 5062 cname
		SRV	9 5 5062 x.wild
		SRV	9 5 5062 ns.cut
naptr		NAPTR	100 10 "s" "SIP+D2U" "" _sip._udp
loc		LOC	52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m
hinfo		HINFO	"PC" "none"
sshfp		SSHFP	4 2 0000000000000000000000000000000000000000000000000000000000000000
tlsa		TLSA	3 1 1 0000000000000000000000000000000000000000000000000000000000000000
rp		RP	host.master text
nullmx		MX	0 .

ent.a.b.c	TXT	"deep"
A\.dot		TXT	"one label"
a\000b		A	192.0.2.3
sp\032ace	A	192.0.2.4
x.*.literal	TXT	"* is an empty non-terminal"

*.wild		A	192.0.2.90
		TXT	"wild"
		MX	10 x.wild
in.wild		TXT	"in"
sub.ent.wild	A	192.0.2.91
cut.wild	NS	ns.cut.wild
ns.cut.wild	A	192.0.2.92
*.wildc		CNAME	www
*.wildx		CNAME	x.y.wild
*.wildn		CNAME	nobody
*.wildl		CNAME	y.wildl
*.wildd		CNAME	www.dname
*.wildo		CNAME	www.other.test.
*.wildr		CNAME	www.cut
*		TXT	"the widest"
*.*.stars	A	192.0.2.93

cname		CNAME	www
cname2		CNAME	cname
cname3		CNAME	cname2
cnamend		CNAME	nodata
nodata		TXT	"no address"
cnamenx		CNAME	x.in.wild
cnamewild	CNAME	q.wild
cnament		CNAME	b.c
cnamecut	CNAME	www.cut
cnamecut2	CNAME	cut
cnameout	CNAME	www.outside.invalid.
cnameother	CNAME	www.other.test.
cnameback	CNAME	back.other.test.
cnamechild	CNAME	www.child
cnamedname	CNAME	www.dname
cnameapex	CNAME	plain.example.
cnameself	CNAME	cnameself
cnameloop1	CNAME	cnameloop2
cnameloop2	CNAME	cnameloop3
cnameloop3	CNAME	cnameloop1
cnametxt	CNAME	long
cnameyx		CNAME	quite-a-long-label-to-run-over.quite-a-long-label-to-run-over.dnamelong
k1		CNAME	k2
k2		CNAME	k3
k3		CNAME	k4
k4		CNAME	k5
k5		CNAME	k6
k6		CNAME	k7
k7		CNAME	k8
k8		CNAME	www

dname	90	DNAME	target
		TXT	"owner"
		A	192.0.2.5
www.target	A	192.0.2.6
*.w.target	A	192.0.2.7
c.target	CNAME	www
cut.target	NS	ns.cut.target
ns.cut.target	A	192.0.2.8
dnameother	DNAME	other.test.
dnameout	DNAME	outside.invalid.
dnameup		DNAME	plain.example.
dnamecut	DNAME	cut
dnamechild	DNAME	child
dnamedname	DNAME	dname
dnameself	DNAME	x.dnameself
dnameround1	DNAME	dnameround2
dnameround2	DNAME	dnameround1
dnamelong	DNAME	%[3]s.target
dnamewild	DNAME	wild
dname.deep.e	DNAME	target

cut		NS	ns.cut
		NS	ns2.cut
		NS	ns.other.test.
ns.cut		A	192.0.2.101
		AAAA	2001:db8::101
ns2.cut		A	192.0.2.102
hidden.cut	TXT	"occluded"
deeper.cut	NS	ns.cut
sibling		NS	ns.cut
		NS	ns1
siblings	NS	ns.sibling
ns.sibling	A	192.0.2.103
lame		NS	ns.lame
wildns		NS	x.wild
outns		NS	ns.outside.invalid.
cnamens		NS	cname
dscut		NS	ns.dscut
		DS	12345 13 2 0000000000000000000000000000000000000000000000000000000000000000
ns.dscut	A	192.0.2.104
%[4]s
bigsib		NS	ns.bigsib
ns.bigsib	A	192.0.2.10
%[5]s
self		NS	self
self		A	192.0.2.105
cut.x.ent	NS	ns.cut
child		NS	ns.child
		DS	54321 13 2 1111111111111111111111111111111111111111111111111111111111111111
ns.child	A	192.0.2.106
`
	childZone = `$ORIGIN child.plain.example.
$TTL 600
@		SOA	ns host 1 7200 900 1209600 1200
@		NS	ns
ns		A	192.0.2.106
www		A	192.0.2.180
back		CNAME	www.plain.example.
*.wild		CNAME	q.wild.plain.example.
dname		DNAME	plain.example.
grand		NS	ns.grand
ns.grand	A	192.0.2.107
`
	otherZone = `$ORIGIN other.test.
$TTL 120
@		SOA	ns host 1 7200 900 1209600 60
@		NS	ns
ns		A	198.51.100.53
mail		A	198.51.100.25
www		A	198.51.100.80
back		CNAME	www.plain.example.
loop		DNAME	dnameother.plain.example.
cut		NS	ns1.plain.example.
glued		NS	ns.child.plain.example.
`
	signedZone = `$TTL 3600
@		SOA	ns host 1 7200 900 1209600 300
@		NS	ns
@		MX	10 www
ns		A	192.0.2.53
www	60	A	192.0.2.80
	60	A	192.0.2.81
		TXT	"the web"
*.wild		A	192.0.2.90
in.wild		TXT	"in"
*.wildc		CNAME	www
*.wildx		CNAME	x.wild
x.*.literal	TXT	"* is an empty non-terminal"
ent.a.b.c	TXT	"deep"
cname		CNAME	www
cnamenx		CNAME	nobody
cnamewild	CNAME	q.wild
cnamecut	CNAME	www.insecure
cnameother	CNAME	www.other.test.
dname		DNAME	target
www.target	A	192.0.2.6
dnamenx		DNAME	nobody
odd		TYPE65280 \# 4 c0000201
svc		HTTPS	1 www alpn=h2
insecure	NS	ns.insecure
ns.insecure	A	192.0.2.101
insecure2	NS	ns.other.test.
x.below		NS	ns.other.test.
secure		NS	ns.secure
		DS	12345 13 2 0000000000000000000000000000000000000000000000000000000000000000
ns.secure	A	192.0.2.102
long		TXT	"%[1]s" "%[1]s" "%[1]s" "%[1]s"
`
	signedChild = `$TTL 3600
@		SOA	ns host 1 7200 900 1209600 300
@		NS	ns
ns		A	192.0.2.53
www		A	192.0.2.80
`
)

// peerZone is a zone that all servers load from one file.
type peerZone struct {
	name string // without the final dot
	file string
	zone *zones.Zone
}

// writeZones writes the zones into dir and signs those that are to be.
func writeZones(t *testing.T, dir string, r *rand.Rand) []peerZone {
	t.Helper()
	filler := strings.Repeat("abcdefghi ", 24)
	mails, labels := "", strings.TrimSuffix(strings.Repeat("long-label-number-such-and-such.", 6), ".")
	for i := range 60 {
		mails += fmt.Sprintf("\n\t\tMX\t%d h%d.mail", i+2, i)
	}
	inDomain, siblings := "", "" // servers of which some are below the cut
	for i := range 9 {
		inDomain += fmt.Sprintf("bigglue NS ns%[1]d.bigglue\nns%[1]d.bigglue A 192.0.2.%[1]d\nns%[1]d.bigglue AAAA 2001:db8::%[1]d\n", i)
		siblings += fmt.Sprintf("bigsib NS ns%d.bigglue\n", i)
	}
	text := map[string]string{
		"plain.example":       fmt.Sprintf(plainZone, filler, mails, labels, inDomain, siblings),
		"child.plain.example": childZone,
		"other.test":          otherZone,
	}
	for name, flags := range map[string]string{"nsec.example": "", "nsec3.example": "-3 -", "optout.example": "-3 aabb -H 5 -A"} {
		child := "child." + name
		text[child] = signZone(t, dir, child, "$ORIGIN "+child+".\n"+signedChild, flags)
		ds, err := os.ReadFile(filepath.Join(dir, "dsset-"+child+"."))
		if err != nil {
			t.Fatal(err)
		}
		parent := "$ORIGIN " + name + ".\n" + fmt.Sprintf(signedZone, filler) + "child NS ns.child\nns.child A 192.0.2.53\n" + string(ds)
		text[name] = signZone(t, dir, name, parent, flags)
	}
	for i := range 24 {
		name := fmt.Sprintf("r%d.random.test", i)
		text[name] = randomZone(t, r, name)
	}
	var all []peerZone
	for name, text := range text {
		z := peerZone{name: name, file: filepath.Join(dir, name+".zone")}
		write(t, z.file, text)
		loaded, err := zones.LoadFile(z.file, lookup.MustName(name+"."))
		if err != nil {
			t.Fatal(err)
		}
		z.zone = loaded
		all = append(all, z)
	}
	slices.SortFunc(all, func(a, b peerZone) int { return strings.Compare(a.name, b.name) })
	return all
}

// signZone is the zone signed with a new key by BIND's tool, which knows nothing of ours.
func signZone(t *testing.T, dir, name, text, flags string) string {
	t.Helper()
	unsigned, signed := filepath.Join(dir, name+".unsigned"), filepath.Join(dir, name+".signed")
	write(t, unsigned, text)
	key := strings.TrimSpace(host{}.run(t, "dnssec-keygen", "-q", "-K", dir, "-a", "ECDSAP256SHA256", "-f", "KSK", name))
	args := append([]string{"dnssec-signzone", "-q", "-S", "-z", "-P", "-K", dir, "-d", dir, "-o", name, "-f", signed}, strings.Fields(flags)...)
	host{}.run(t, append(args, unsigned, key)...)
	b, err := os.ReadFile(signed)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// randomZone writes a zone of so few labels that its names meet all the time, in
// the manner of the zones with which others have found differences between servers.
func randomZone(t *testing.T, r *rand.Rand, name string) string {
	t.Helper()
	pick := func(all ...string) string { return all[r.IntN(len(all))] }
	owner := func() string {
		var b strings.Builder
		for range 1 + r.IntN(3) {
			b.WriteString(pick("a.", "b.", "c.", "*."))
		}
		return b.String() + name + "."
	}
	for {
		text := "$TTL 300\n" + name + ". SOA ns." + name + ". h. 1 2 3 4 60\n" + name + ". NS ns." + name + ".\nns." + name + ". A 192.0.2.1\n"
		for range 4 + r.IntN(8) {
			o, target := owner(), strings.ReplaceAll(owner(), "*.", "")
			text += o + " " + pick("A 192.0.2.1", "TXT x", "CNAME "+target, "CNAME "+target, "NS ns."+target, "NS a.elsewhere.invalid.", "DNAME "+target, "DNAME other.test.",
				"MX 1 "+target, "SRV 1 2 3 "+target, "DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000") + "\n"
		}
		z, err := zones.Load(strings.NewReader(text), name, zones.LoadOptions{})
		if err == nil && !slices.ContainsFunc(z.Lint(), func(p zones.Problem) bool {
			// BIND does not load the first, nor NSD the second.
			return strings.Contains(p.Text, "no zone cut") || strings.Contains(p.Text, "DNAME: hidden")
		}) {
			return text
		}
	}
}
