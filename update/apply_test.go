package update

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/message"
	"github.com/sextant-dns/sextant/zones"
)

const top = "$ORIGIN example.\n$TTL 60\n@ SOA ns host 7 1 2 3 4\n@ NS ns\n@ NS ns2\nns A 192.0.2.1\nns2 A 192.0.2.2\n"

const text = top + `www A 192.0.2.80
www A 192.0.2.81
www TXT "Text"
mail MX 10 Mail.Example.
alias CNAME www
d DNAME elsewhere.
a.b.ent A 192.0.2.3
sub NS ns.sub
ns.sub A 192.0.2.54
*.wild A 192.0.2.4
odd TYPE65280 \# 2 abcd
`

func load(t testing.TB, text string) *zones.Zone {
	t.Helper()
	z, err := zones.Load(strings.NewReader(text), "example", zones.LoadOptions{Origin: lookup.MustName("example.")})
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// rr reads an RR of an UPDATE as people write them here: NAME TTL CLASS TYPE [RDATA], in
// the zone example. unless the name ends with a dot.
func rr(t testing.TB, line string) message.Record {
	t.Helper()
	f := strings.Fields(line)
	if !strings.HasSuffix(f[0], ".") {
		f[0] = strings.TrimPrefix(f[0]+".example.", "@.")
	}
	r := message.Record{Name: lookup.MustName(f[0])}
	if _, err := fmt.Sscan(f[1], &r.TTL); err != nil {
		t.Fatal(line)
	}
	class := map[string]lookup.Class{"IN": 1, "CH": 3, "NONE": 254, "ANY": 255}
	r.Class = class[f[2]]
	r.Type = lookup.Type(dns.StringToType[f[3]])
	if f[3] == "TYPE65280" {
		r.Type = 65280
	}
	if len(f) == 4 {
		return r
	}
	parsed, err := dns.NewRR("$ORIGIN example.\n. " + strings.Join(f[3:], " "))
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	r.Type = lookup.Type(parsed.Header().Rrtype)
	if r.Data, err = lookup.PackRR(parsed); err != nil {
		t.Fatal(err)
	}
	return r
}

// ask is an UPDATE: prerequisites, then ---, then changes.
func ask(t testing.TB, lines ...string) *message.Records {
	t.Helper()
	m := &message.Records{Question: []message.Question{{Name: lookup.MustName("example."), Type: lookup.TypeSOA, Class: lookup.ClassIN}}}
	to := &m.Answer
	if !slices.Contains(lines, "---") {
		to = &m.Authority
	}
	for _, line := range lines {
		if line == "---" {
			to = &m.Authority
			continue
		}
		*to = append(*to, rr(t, line))
	}
	return m
}

// brief is a zone's RRs, sorted, without origin and class.
func brief(z *zones.Zone) (all []string) {
	for r := range z.Records() {
		all = append(all, show(r))
	}
	slices.Sort(all)
	return all
}

func show(r zones.Record) string {
	rr, err := lookup.UnpackRR(r.Name, r.Type, r.TTL, r.Data)
	if err != nil {
		return err.Error()
	}
	return strings.NewReplacer(" IN ", " ", " CLASS1 ", " ").Replace(strings.Join(strings.Fields(rr.String()), " "))
}

// RFC 2136 3.1.
func TestZoneSection(t *testing.T) {
	t.Parallel()
	for want, questions := range map[lookup.Rcode][]message.Question{
		lookup.NOERROR: {{Name: "\x07example\x00", Type: lookup.TypeSOA, Class: lookup.ClassIN}},
		lookup.NOTAUTH: {{Name: "\x07example\x00", Type: lookup.TypeSOA, Class: lookup.ClassCH}},
		lookup.FORMERR: {{Name: "\x07example\x00", Type: lookup.TypeNS, Class: lookup.ClassIN}},
	} {
		_, response := ZoneOf(&message.Records{Question: questions})
		if got := rcode(response); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	for _, n := range []int{0, 2} {
		q := message.Question{Name: "\x07example\x00", Type: lookup.TypeSOA, Class: lookup.ClassIN}
		if _, response := ZoneOf(&message.Records{Question: []message.Question{q, q}[:n]}); rcode(response) != lookup.FORMERR {
			t.Errorf("%d zones: got %s", n, rcode(response))
		}
	}
}

func rcode(r *lookup.Response) lookup.Rcode {
	if r == nil {
		return lookup.NOERROR
	}
	return r.Rcode
}

// RFC 2136 3.2: each kind of prerequisite, satisfied and not, and their order.
func TestPrerequisites(t *testing.T) {
	t.Parallel()
	z := load(t, text)
	for _, c := range []struct {
		want  string
		lines string
	}{
		// 2.4.1 and 3.2.1: RRset exists (value independent)
		{"NOERROR", "www 0 ANY A"},
		{"NXRRSET", "www 0 ANY AAAA"},
		{"NXRRSET", "nobody 0 ANY A"},
		{"NXRRSET", "x.wild 0 ANY A"}, // a wildcard is not expanded
		{"NXRRSET", "alias 0 ANY A"},  // an alias is not followed
		{"NOERROR", "ns.sub 0 ANY A"}, // glue is there
		// 2.4.2 and 3.2.3: RRset exists (value dependent), as sets
		{"NOERROR", "www 0 IN A 192.0.2.81|www 0 IN A 192.0.2.80"},
		{"NOERROR", "www 0 IN A 192.0.2.80|www 0 IN A 192.0.2.81|www 0 IN A 192.0.2.80"},
		{"NXRRSET", "www 0 IN A 192.0.2.80"},
		{"NXRRSET", "www 0 IN A 192.0.2.80|www 0 IN A 192.0.2.81|www 0 IN A 192.0.2.82"},
		{"NXRRSET", "www 0 IN A 192.0.2.80|www 0 IN A 192.0.2.82"},
		{"NOERROR", "mail 0 IN MX 10 mail.example."}, // RFC 4343
		{"NXRRSET", "www 0 IN TXT text"},
		{"NOERROR", "www 0 IN TXT Text|mail 0 IN MX 10 Mail.example."},
		{"NXRRSET", "www 0 IN TXT Text|mail 0 IN MX 11 Mail.example."},
		// 2.4.3 and 3.2.4: RRset does not exist
		{"NOERROR", "www 0 NONE AAAA"},
		{"YXRRSET", "www 0 NONE A"},
		{"NOERROR", "nobody 0 NONE A"},
		// 2.4.4 and 3.2.5: name is in use
		{"NOERROR", "www 0 ANY ANY"},
		{"NXDOMAIN", "nobody 0 ANY ANY"},
		{"NXDOMAIN", "b.ent 0 ANY ANY"}, // not by an empty non-terminal
		// 2.4.5: name is not in use
		{"NOERROR", "nobody 0 NONE ANY"},
		{"NOERROR", "b.ent 0 NONE ANY"},
		{"YXDOMAIN", "www 0 NONE ANY"},
		// 3.2.5: what is malformed, in the order of the pseudocode
		{"FORMERR", "www 1 ANY A"},
		{"FORMERR", "www.elsewhere. 1 ANY A"},
		{"NOTZONE", "www.elsewhere. 0 ANY A"},
		{"FORMERR", "www 0 ANY A 192.0.2.80"},
		{"FORMERR", "www 0 NONE A 192.0.2.80"},
		{"FORMERR", "www 0 CH A 192.0.2.80"},
		{"FORMERR", "www 0 ANY AXFR"},
		{"NXDOMAIN", "nobody 0 ANY ANY|www 1 ANY A"},
		{"FORMERR", "www 1 ANY A|nobody 0 ANY ANY"},
		{"YXRRSET", "www 0 IN A 192.0.2.1|www 0 NONE TXT"}, // values are compared last
	} {
		m := ask(t, append(strings.Split(c.lines, "|"), "---", "new 1 IN A 192.0.2.9")...)
		is, _, response := Apply(z, m)
		if got := response.Rcode.String(); got != c.want {
			t.Errorf("%s: got %s, want %s", c.lines, got, c.want)
		}
		if done := is != z; done != (c.want == "NOERROR") {
			t.Errorf("%s: changed: %t", c.lines, done)
		}
	}
}

// RFC 2136 3.4.1: the update section is looked at before anything is done.
func TestPrescan(t *testing.T) {
	t.Parallel()
	z := load(t, text)
	for line, want := range map[string]string{
		"www.elsewhere. 1 IN A 192.0.2.1": "NOTZONE",
		"www 1 IN ANY":                    "FORMERR",
		"www 1 IN AXFR":                   "FORMERR",
		"www 1 ANY A":                     "FORMERR",
		"www 0 ANY A 192.0.2.80":          "FORMERR",
		"www 0 ANY MAILB":                 "FORMERR",
		"www 0 ANY TSIG":                  "FORMERR",
		"www 1 NONE A 192.0.2.80":         "FORMERR",
		"www 0 NONE ANY":                  "FORMERR",
		"www 0 NONE MAILA":                "FORMERR",
		"www 0 CH A 192.0.2.80":           "FORMERR",
		"www 1 IN RRSIG":                  "REFUSED",
		"www 0 ANY NSEC":                  "REFUSED",
	} {
		is, diff, response := Apply(z, ask(t, "www 0 ANY TXT", line))
		if got := response.Rcode.String(); got != want || is != z || len(diff.Deleted) > 0 {
			t.Errorf("%s: got %s, want %s", line, got, want)
		}
	}
}

// RFC 2136 3.4.2: what each change does to the zone. The serial is 7 before.
func TestChanges(t *testing.T) {
	t.Parallel()
	z := load(t, text)
	for _, c := range []struct {
		what, lines string
		want        string // gone RRs with -, new ones with +, apart from the SOA; the serial
	}{
		// 3.4.2.2: additions
		{"an RR", "new 5 IN A 192.0.2.9", "+new.example. 5 A 192.0.2.9 | 8"},
		{"an RR to an RRset", "www 60 IN A 192.0.2.82", "+www.example. 60 A 192.0.2.82 | 8"},
		{"an RR that is there", "www 60 IN A 192.0.2.80", "| 7"},
		{"an RR that is there, in another letter case", "mail 60 IN MX 10 mail.example.", "-mail.example. 60 MX 10 Mail.Example. +mail.example. 60 MX 10 mail.example. | 8"},
		{"another TTL for the RRset", "www 5 IN A 192.0.2.80", "-www.example. 60 A 192.0.2.80 -www.example. 60 A 192.0.2.81 +www.example. 5 A 192.0.2.80 +www.example. 5 A 192.0.2.81 | 8"},
		{"a CNAME where there is data", "www 1 IN CNAME elsewhere.", "| 7"},
		{"data where there is a CNAME", "alias 1 IN A 192.0.2.1", "| 7"},
		{"another CNAME", "alias 60 IN CNAME elsewhere.", "-alias.example. 60 CNAME www.example. +alias.example. 60 CNAME elsewhere. | 8"},
		{"another DNAME (RFC 6672 5.2)", "d 60 IN DNAME other.", "-d.example. 60 DNAME elsewhere. +d.example. 60 DNAME other. | 8"},
		{"a CNAME where there is a DNAME (RFC 6672 5.2)", "d 60 IN CNAME other.", "| 7"},
		{"a DNAME where there is a CNAME (RFC 6672 5.2)", "alias 60 IN DNAME other.", "| 7"},
		{"a newer SOA", "@ 60 IN SOA ns host 9 1 2 3 4", "| 9"},
		{"a newer SOA, in a circle (RFC 1982)", "@ 60 IN SOA ns host 2147483654 1 2 3 4", "| 2147483654"},
		{"an SOA that is not newer", "@ 60 IN SOA ns host 7 9 9 9 9", "| 7"},
		{"an SOA that is older, in a circle", "@ 60 IN SOA ns host 2147483656 1 2 3 4", "| 7"},
		{"an SOA of another name", "www 60 IN SOA ns host 9 1 2 3 4", "| 7"},
		{"a newer SOA and data: the serial is the one that was sent", "@ 60 IN SOA ns host 70 1 2 3 4|new 5 IN A 192.0.2.9", "+new.example. 5 A 192.0.2.9 | 70"},
		{"a type that nobody knows", "new 5 IN TYPE65281 \\# 1 ff", "+new.example. 5 TYPE65281 \\# 1 ff | 8"},
		{"a wildcard", "*.new 5 IN A 192.0.2.9", "+*.new.example. 5 A 192.0.2.9 | 8"},
		{"a delegation with glue", "cut 5 IN NS ns.cut|ns.cut 5 IN A 192.0.2.9", "+cut.example. 5 NS ns.cut.example. +ns.cut.example. 5 A 192.0.2.9 | 8"},
		// 3.4.2.3: deletions of RRsets and names
		{"an RRset", "www 0 ANY A", "-www.example. 60 A 192.0.2.80 -www.example. 60 A 192.0.2.81 | 8"},
		{"an RRset that is not there", "www 0 ANY AAAA", "| 7"},
		{"a name", "www 0 ANY ANY", "-www.example. 60 A 192.0.2.80 -www.example. 60 A 192.0.2.81 -www.example. 60 TXT \"Text\" | 8"},
		{"a name that is not there", "nobody 0 ANY ANY", "| 7"},
		{"an empty non-terminal", "b.ent 0 ANY ANY", "| 7"},
		{"the apex, but not its SOA and NS", "@ 60 IN TXT x|@ 0 ANY ANY", "| 7"},
		{"SOA and NS of the apex", "@ 0 ANY SOA|@ 0 ANY NS", "| 7"},
		{"NS of a cut", "sub 0 ANY NS", "-sub.example. 60 NS ns.sub.example. | 8"},
		// 3.4.2.4: deletions of RRs
		{"an RR", "www 0 NONE A 192.0.2.80", "-www.example. 60 A 192.0.2.80 | 8"},
		{"an RR that is not there", "www 0 NONE A 192.0.2.99", "| 7"},
		{"an RR in another letter case", "mail 0 NONE MX 10 MAIL.example.", "-mail.example. 60 MX 10 Mail.Example. | 8"},
		{"the SOA", "@ 0 NONE SOA ns host 7 1 2 3 4", "| 7"},
		{"an NS of the apex", "@ 0 NONE NS ns", "-example. 60 NS ns.example. | 8"},
		{"all NS of the apex: the last stays", "@ 0 NONE NS ns|@ 0 NONE NS ns2", "-example. 60 NS ns.example. | 8"},
		{"all NS of the apex for another", "@ 0 NONE NS ns|@ 60 IN NS x.|@ 0 NONE NS ns2", "-example. 60 NS ns.example. -example. 60 NS ns2.example. +example. 60 NS x. | 8"},
		// 3.4.2, 3.6: in order, all at once, one new serial
		{"there and away again", "new 5 IN A 192.0.2.9|new 0 ANY ANY", "| 7"},
		{"a CNAME in the place of data", "www 0 ANY ANY|www 5 IN CNAME elsewhere.", "-www.example. 60 A 192.0.2.80 -www.example. 60 A 192.0.2.81 -www.example. 60 TXT \"Text\" +www.example. 5 CNAME elsewhere. | 8"},
		{"many", "a 5 IN A 192.0.2.9|b 5 IN A 192.0.2.9|odd 0 ANY TYPE65280", "-odd.example. 60 TYPE65280 \\# 2 abcd +a.example. 5 A 192.0.2.9 +b.example. 5 A 192.0.2.9 | 8"},
		{"nothing", "", "| 7"},
	} {
		m := ask(t)
		if c.lines != "" {
			m = ask(t, strings.Split(c.lines, "|")...)
		}
		is, diff, response := Apply(z, m)
		if response.Rcode != lookup.NOERROR {
			t.Errorf("%s: %s %v", c.what, response.Rcode, response.EDE)
			continue
		}
		var got []string
		for _, r := range sorted(diff.Deleted) {
			got = append(got, "-"+r)
		}
		for _, r := range sorted(diff.Added) {
			got = append(got, "+"+r)
		}
		got = append(got, "|", fmt.Sprint(is.SOARecord().Serial()))
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: got\n%s, want\n%s", c.what, strings.Join(got, " "), c.want)
		}
		checkDifference(t, c.what, z, is, diff)
	}
}

func sorted(rrs []zones.Record) (all []string) {
	for _, r := range rrs {
		all = append(all, show(r))
	}
	slices.Sort(all)
	return all
}

// checkDifference sees that a difference leads from one version to the other.
func checkDifference(t *testing.T, what string, was, is *zones.Zone, diff zones.Difference) {
	t.Helper()
	if was == is {
		return
	}
	if diff.From != was.SOARecord() || diff.To != is.SOARecord() {
		t.Errorf("%s: from %v to %v", what, diff.From, diff.To)
	}
	deleted, added := zones.Diff(was, is)
	if !slices.Equal(sorted(deleted), sorted(diff.Deleted)) || !slices.Equal(sorted(added), sorted(diff.Added)) {
		t.Errorf("%s: the difference is not that of the zones", what)
	}
	if digestOf(was).after(diff) != digestOf(is) {
		t.Errorf("%s: the digest is wrong", what)
	}
}

// RFC 1982: after 2^32-1 comes 1; RFC 2136 7.11 leaves out 0.
func TestSerialGoesRound(t *testing.T) {
	t.Parallel()
	z := load(t, strings.Replace(text, " 7 1 2", " 4294967295 1 2", 1))
	is, _, _ := Apply(z, ask(t, "new 5 IN A 192.0.2.9"))
	if got := is.SOARecord().Serial(); got != 1 {
		t.Errorf("got %d", got)
	}
}

// What would make a zone that cannot be, or one whose signatures do not hold, is refused
// with a reason, as a whole.
func TestWhatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	signed := text + "@ RRSIG SOA 13 1 60 20300101000000 20200101000000 1 example. AAAA\n"
	digested := text + "@ ZONEMD 7 1 1 000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f\n"
	for _, c := range []struct{ zone, lines, why string }{
		{text, "a.d 1 IN A 192.0.2.1", "below the DNAME"},
		{text, "ent 1 IN DNAME x.", "below the DNAME"},
		{text, "*.new 1 IN NS x.", "wildcard"},
		{signed, "new 1 IN A 192.0.2.1", "signed"},
		{digested, "new 1 IN A 192.0.2.1", "ZONEMD"},
		{text, "@ 1 IN NSEC3PARAM 1 0 0 -", "NSEC3PARAM"},
	} {
		z := load(t, c.zone)
		is, _, response := Apply(z, ask(t, "good 1 IN A 192.0.2.1", c.lines))
		if response.Rcode != lookup.REFUSED || len(response.EDE) != 1 || !strings.Contains(response.EDE[0].Text, c.why) || is != z {
			t.Errorf("%s: got %v, want %s", c.lines, response, c.why)
		}
	}
}
