package authoritative

import (
	"context"
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
)

// The tests are named after the lines of docs/reference/rfc-coverage.md: G205 is the
// fifth line of section 4.2 of the checklist for authoritative servers.

// out of zone is REFUSED, without a referral upwards (checklist 4.1).
func TestPlainAndOutOfZone(t *testing.T) {
	t.Parallel()
	hear(t, []story{
		{"out of zone is REFUSED, no upward referral", "www.elsewhere. A", "REFUSED EDE 20 (Not Authoritative)"},
		{"so is the root", ". NS", "REFUSED EDE 20 (Not Authoritative)"},
		{"plain", "www.example. A", "NOERROR AA\nanswer:\n" + www},
	})
}

// G201: the deepest of our zones answers, but for DS, which is the zone's above.
func TestG201DeepestZoneAnswersExceptForDS(t *testing.T) {
	t.Parallel()
	hear(t, []story{
		{"the deepest zone answers", "www.child.example. A", "NOERROR AA\nanswer:\nwww.child.example. 300 IN A 192.0.2.180"},
		{"also for its apex", "child.example. NS", "NOERROR AA\nanswer:\nchild.example. 300 IN NS ns.child.example.\nadditional:\nns.child.example. 300 IN A 192.0.2.100"},
		{"except DS, which is the parent's", "child.example. DS", "NOERROR AA\nanswer:\nchild.example. 300 IN DS 1 13 2 00"},
		{"DS of an apex whose parent we do not hold: NODATA", "other. DS", "NOERROR AA\n" + soaOther},
		{"DS below the apex is the child's", "www.child.example. DS", "NOERROR AA\n" + soaChild},
	})
}

// The zone above answers for DS only when it delegates the zone.
func TestG201DSOfAZoneThatIsNotDelegated(t *testing.T) {
	t.Parallel()
	const below = "\nauthority:\nchild.example. 300 IN SOA ns.child.example. host.child.example. 7 7200 900 1209600 3600"
	for _, above := range []string{"child CNAME www", "child TXT x", "other A 192.0.2.1", "a.b.child A 192.0.2.1"} {
		a := New(tree(t, "$ORIGIN example.\n$TTL 300\n@ SOA ns host 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n"+above+"\n", child))
		if got := told(ask(t, a, "child.example. DS")); got != "NOERROR AA"+below {
			t.Errorf("%s: got %s", above, got)
		}
	}
}

// G202: at and below a cut is a referral, and what is hidden there is never answered.
func TestG202AtAndBelowACutThereIsAReferral(t *testing.T) {
	t.Parallel()
	hear(t, []story{
		{"at the cut: a referral", "sub.example. A", "NOERROR\n" + subNS + "\n" + subGlue},
		{"below the cut; what is hidden there is never answered", "ns.sub.example. A", "NOERROR\n" + subNS + "\n" + subGlue},
		{"NS at the cut is no answer either", "sub.example. NS", "NOERROR\n" + subNS + "\n" + subGlue},
		{"nor is CNAME", "sub.example. CNAME", "NOERROR\n" + subNS + "\n" + subGlue},
		{"nor is ANY", "sub.example. ANY", "NOERROR\n" + subNS + "\n" + subGlue},
		{"the topmost cut counts", "x.deep.sub.example. A", "NOERROR\n" + subNS + "\n" + subGlue},
		{"DS below the cut is not ours", "deep.sub.example. DS", "NOERROR\n" + subNS + "\n" + subGlue},
	})
}

// G203: NXDOMAIN where nothing exists at or below the name, else NODATA (RFC 8020).
func TestG203NXDOMAINOnlyWhereNothingIsBelow(t *testing.T) {
	t.Parallel()
	hear(t, []story{
		{"unknown types are NODATA or NXDOMAIN like any other", "www.example. TYPE65400", "NOERROR AA\n" + soaExample},
		{"empty non-terminal: NODATA (8020)", "ent.example. A", "NOERROR AA\n" + soaExample},
		{"and the one below it", "b.ent.example. TXT", "NOERROR AA\n" + soaExample},
		{"nothing there, nothing below", "a.www.example. A", "NXDOMAIN AA\n" + soaExample},
	})
}

// G204: a negative answer brings the SOA with the lower of its TTL and MINIMUM.
func TestG204NegativeAnswersBringTheSOA(t *testing.T) {
	t.Parallel()
	hear(t, []story{
		{"NXDOMAIN, SOA TTL lowered to MINIMUM (2308 3)", "nobody.example. A", "NXDOMAIN AA\n" + soaExample},
		{"NODATA; the SOA's own TTL when it is the lower", "www.child.example. AAAA", "NOERROR AA\n" + soaChild},
		{"the SOA asked for keeps its TTL", "example. SOA", "NOERROR AA\nanswer:\nexample. 300 IN SOA ns.example. host.example. 1 7200 900 1209600 60"},
	})
}

// G205: aliases are answered for every type that does not stand beside them, and followed within our zones.
func TestG205AliasesAreFollowed(t *testing.T) {
	t.Parallel()
	hear(t, []story{
		{"CNAME followed", "alias.example. A", "NOERROR AA\nanswer:\nalias.example. 300 IN CNAME www.example.\n" + www},
		{"twice", "chain.example. A", "NOERROR AA\nanswer:\nchain.example. 300 IN CNAME alias.example.\nalias.example. 300 IN CNAME www.example.\n" + www},
		{"not for CNAME", "chain.example. CNAME", "NOERROR AA\nanswer:\nchain.example. 300 IN CNAME alias.example."},
		{"not for ANY", "chain.example. ANY", "NOERROR AA\nanswer:\nchain.example. 300 IN CNAME alias.example."},
		{"the last name's rcode: NXDOMAIN (6604)", "dangling.example. A", "NXDOMAIN AA\nanswer:\ndangling.example. 300 IN CNAME nobody.example.\n" + soaExample},
		{"the last name's rcode: NODATA (2308 2.2)", "nodata.example. A", "NOERROR AA\nanswer:\nnodata.example. 300 IN CNAME _web._tcp.example.\n" + soaExample},
		{"a chain that leaves our zones ends there", "outward.example. A", "NOERROR AA\nanswer:\noutward.example. 300 IN CNAME www.elsewhere."},
		{"a chain into another zone of ours", "across.example. A", "NOERROR AA\nanswer:\nacross.example. 300 IN CNAME www.child.example.\nwww.child.example. 300 IN A 192.0.2.180"},
		{"and back; the SOA is that of the last name's zone", "back.child.example. AAAA", "NOERROR AA\nanswer:\nback.child.example. 300 IN CNAME www.example.\n" + soaExample},
		{"a chain to a referral keeps AA, which speaks of its beginning", "refer.example. A", "NOERROR AA\nanswer:\nrefer.example. 300 IN CNAME www.sub.example.\n" + subNS + "\n" + subGlue},
		{"a loop ends where it closes", "loop1.example. A", "NOERROR AA\nanswer:\nloop1.example. 300 IN CNAME loop2.example.\nloop2.example. 300 IN CNAME loop1.example."},
		{"KEY stands beside a CNAME (2181 10.1)", "alias.example. KEY", "NOERROR AA\n" + soaExample},
		{"so do SIG and NXT", "alias.example. TYPE24", "NOERROR AA\n" + soaExample},
		{"so do SIG and NXT", "alias.example. TYPE30", "NOERROR AA\n" + soaExample},
		{"so do NSEC and RRSIG (4035 2.5)", "alias.example. NSEC", "NOERROR AA\n" + soaExample},
		{"so do NSEC and RRSIG (4035 2.5)", "alias.example. RRSIG", "NOERROR AA\n" + soaExample},
		{"NSEC3 does not, by choice: it has a hash for an owner", "dangling.example. NSEC3", "NXDOMAIN AA\nanswer:\ndangling.example. 300 IN CNAME nobody.example.\n" + soaExample},
		{"nor does DS", "alias.example. DS", "NOERROR AA\nanswer:\nalias.example. 300 IN CNAME www.example.\n" + soaExample},
	})
}

// G206: what is known of the hosts that an answer names is added, and nothing else.
func TestG206AdditionalIsNeverInvented(t *testing.T) {
	t.Parallel()
	hear(t, []story{
		{"additional: what we know, out-of-zone never invented", "mail.example. MX", "NOERROR AA\nanswer:\nmail.example. 300 IN MX 10 ns.example.\nmail.example. 300 IN MX 20 x.w.example.\nmail.example. 300 IN MX 30 mx.elsewhere.\n" +
			"additional:\nns.example. 300 IN A 192.0.2.53\nns.example. 300 IN AAAA 2001:db8::53\nx.w.example. 300 IN A 192.0.2.1"},
		{"additional for SRV", "_web._tcp.example. SRV", "NOERROR AA\nanswer:\n_web._tcp.example. 300 IN SRV 0 0 80 www.example.\nadditional:\n" + www},
	})
}

// G301: the source of synthesis is * below the closest encloser, and nothing else.
func TestG301NothingCloserThanTheWildcard(t *testing.T) {
	t.Parallel()
	hear(t, []story{
		{"a closer name blocks it", "x.in.w.example. A", "NXDOMAIN AA\n" + soaExample},
		{"so does an empty non-terminal", "x.blocks.w.example. A", "NXDOMAIN AA\n" + soaExample},
		{"and nothing is below * itself", "x.*.w.example. A", "NXDOMAIN AA\n" + soaExample},
	})
}

// G302: * that is an empty non-terminal matches; * inside a name is a label like any other.
func TestG302WildcardThatIsAnEmptyNonTerminal(t *testing.T) {
	t.Parallel()
	hear(t, []story{
		{"* that is an empty non-terminal: NODATA", "y.e.example. A", "NOERROR AA\n" + soaExample},
		{"* in the middle is literal", "lit.*.a.example. TXT", "NOERROR AA\nanswer:\nlit.*.a.example. 300 IN TXT \"lit\""},
		{"and stands for nothing else", "lit.x.a.example. TXT", "NOERROR AA\n" + soaExample},
	})
}

// G303: a wildcard answers with the name that was asked for, and is literal when asked for itself.
func TestG303WildcardsAnswerWithTheNameAsked(t *testing.T) {
	t.Parallel()
	hear(t, []story{
		{"the wildcard's RRs take the name asked", "x.y.w.example. A", "NOERROR AA\nanswer:\nx.y.w.example. 300 IN A 192.0.2.1"},
		{"wildcard NODATA", "x.w.example. TXT", "NOERROR AA\n" + soaExample},
		{"* asked for is literal", "*.w.example. A", "NOERROR AA\nanswer:\n*.w.example. 300 IN A 192.0.2.1"},
		{"wildcard CNAME is followed", "x.c.example. A", "NOERROR AA\nanswer:\nx.c.example. 300 IN CNAME www.example.\n" + www},
		{"wildcard CNAME to a DNAME", "q.wd.example. A", "NXDOMAIN AA\nanswer:\nq.wd.example. 300 IN CNAME x.d.example.\nd.example. 20 IN DNAME www.other.\nx.d.example. 20 IN CNAME x.www.other.\n" + soaOther},
	})
}

// G304: a delegation blocks the wildcard beside it; that wildcards delegate nothing is
// the loader's to see to.
func TestG304DelegationsBlockWildcards(t *testing.T) {
	t.Parallel()
	referral := "NOERROR\nauthority:\ncut.w.example. 300 IN NS ns.example.\nadditional:\nns.example. 300 IN A 192.0.2.53\nns.example. 300 IN AAAA 2001:db8::53"
	hear(t, []story{
		{"at the cut", "cut.w.example. A", referral},
		{"and below", "x.cut.w.example. A", referral},
	})
}

// G305: a wildcard covers nothing below a cut, and no name that exists.
func TestG305WildcardsDoNotReachFurther(t *testing.T) {
	t.Parallel()
	hear(t, []story{
		{"a name whose other type exists is NODATA", "in.w.example. A", "NOERROR AA\n" + soaExample},
		{"nor what the zone hides below a cut", "x.sub.example. TXT", "NOERROR\n" + subNS + "\n" + subGlue},
		{"nor what is below a name that exists", "x.in.w.example. TXT", "NXDOMAIN AA\n" + soaExample},
	})
}

// G401: a DNAME leaves its owner alone; below it are the DNAME, a CNAME, and what that leads to.
func TestG401DNAMEIsForWhatIsBelow(t *testing.T) {
	t.Parallel()
	hear(t, []story{
		{"DNAME leaves its owner alone", "d.example. TXT", "NOERROR AA\nanswer:\nd.example. 300 IN TXT \"owner\""},
		{"DNAME, CNAME of the same TTL, and on", "a.d.example. A", "NOERROR AA\nanswer:\nd.example. 20 IN DNAME www.other.\na.d.example. 20 IN CNAME a.www.other.\na.www.other. 300 IN A 198.51.100.1"},
	})
}

// G402: who asks for the CNAME below a DNAME gets the synthesised one.
func TestG402CNAMEBelowADNAME(t *testing.T) {
	t.Parallel()
	hear(t, []story{
		{"CNAME below a DNAME: the synthesised one", "x.d.example. CNAME", "NOERROR AA\nanswer:\nd.example. 20 IN DNAME www.other.\nx.d.example. 20 IN CNAME x.www.other."},
		{"also when a CNAME is at its target", "c.d.example. CNAME", "NOERROR AA\nanswer:\nd.example. 20 IN DNAME www.other.\nc.d.example. 20 IN CNAME c.www.other."},
		{"ANY is content with it, too", "x.d.example. ANY", "NOERROR AA\nanswer:\nd.example. 20 IN DNAME www.other.\nx.d.example. 20 IN CNAME x.www.other."},
	})
}

func TestG402OverlongResultIsYXDOMAIN(t *testing.T) {
	t.Parallel()
	const dname = "longer.example. 300 IN DNAME a.name.that.is.longer.other."
	long := strings.Repeat("abcdefgh.", 26) + "longer.example."
	hear(t, []story{
		{"asked for", long + " A", "YXDOMAIN AA\nanswer:\n" + dname},
		{"whatever the type", long + " CNAME", "YXDOMAIN AA\nanswer:\n" + dname},
		{"behind an alias", "tolonger.example. A", "YXDOMAIN AA\nanswer:\ntolonger.example. 300 IN CNAME " + long + "\n" + dname},
	})
}

// G402: names may have 255 octets. The target has 29, so that 226 may go before it.
func TestG402TheLongestResult(t *testing.T) {
	t.Parallel()
	const owner, target = "longer.example.", "a.name.that.is.longer.other."
	const dname = owner + " 300 IN DNAME " + target
	before := strings.Repeat("abcdefgh.", 24)
	fits, over := before+"abcdefghi.", before+"abcdefghij."
	if n := len(lookup.MustName(fits + target)); n != 255 {
		t.Fatalf("%d octets", n)
	}
	cname := "NOERROR AA\nanswer:\n" + dname + "\n" + fits + owner + " 300 IN CNAME " + fits + target
	hear(t, []story{
		{"255 octets", fits + owner + " CNAME", cname},
		{"255 octets, and followed", fits + owner + " A", strings.Replace(cname, "NOERROR", "NXDOMAIN", 1) + "\n" + soaOther},
		{"256 octets", over + owner + " A", "YXDOMAIN AA\nanswer:\n" + dname},
		{"256 octets, for CNAME", over + owner + " CNAME", "YXDOMAIN AA\nanswer:\n" + dname},
	})
	// Where the target is not in our zones the chain ends with the CNAME.
	if got := told(ask(t, New(tree(t, parent)), fits+owner+" A")); got != cname {
		t.Errorf("got %s", got)
	}
	// RFC 6672 2.2: the DNAME comes with its signature.
	signed := New(tree(t, parent+sigs("example.", owner+" DNAME")))
	if got, want := brief(ask(t, signed, over+owner+" A +do")), "YXDOMAIN | "+owner+" DNAME+ | |"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// G403: DNAMEs are applied again and again, within bounds.
func TestG403DNAMEsAreAppliedAgain(t *testing.T) {
	t.Parallel()
	hear(t, []story{
		{"round and round, until it closes", "x.round1.example. A", "NOERROR AA\nanswer:\nround1.example. 300 IN DNAME round2.example.\nx.round1.example. 300 IN CNAME x.round2.example.\nround2.example. 300 IN DNAME round1.example.\nx.round2.example. 300 IN CNAME x.round1.example."},
	})
}

// G501: all glue of the cut, then what is known of servers beside it; never signed, and no AA.
func TestG501GlueThatTheZoneHas(t *testing.T) {
	t.Parallel()
	hear(t, []story{
		{"in-domain glue, then what is known of siblings", "x.sub.example. A", "NOERROR\n" + subNS + "\n" + subGlue},
		{"no glue is made of a wildcard", "x.far.example. A", "NOERROR\nauthority:\nfar.example. 300 IN NS x.w.example."},
	})
}

// G502: the NS of the apex come with their addresses, as priming wants them.
func TestG502ApexNSWithAddresses(t *testing.T) {
	t.Parallel()
	hear(t, []story{
		{"apex NS with addresses, as priming wants them", "example. NS", "NOERROR AA\nanswer:\nexample. 300 IN NS ns.example.\nexample. 300 IN NS ns.elsewhere.\nadditional:\nns.example. 300 IN A 192.0.2.53\nns.example. 300 IN AAAA 2001:db8::53"},
	})
}

// G601: ANY is one RRset; NXDOMAIN stays NXDOMAIN.
func TestG601ANYIsOneRRset(t *testing.T) {
	t.Parallel()
	hear(t, []story{
		{"ANY is one RRset", "www.example. ANY", "NOERROR AA\nanswer:\n" + www},
		{"ANY stays NXDOMAIN", "nobody.example. ANY", "NXDOMAIN AA\n" + soaExample},
		{"ANY brings no addresses", "svc.example. ANY", "NOERROR AA\nanswer:\nsvc.example. 300 IN HTTPS 1 www.example. alpn=\"h2\""},
		{"an empty non-terminal has none", "ent.example. ANY", "NOERROR AA\n" + soaExample},
	})
}

// G602: RRSIG is answered with the signatures of one RRset.
func TestG602RRSIGIsSmall(t *testing.T) {
	t.Parallel()
	hear(t, []story{
		{"RRSIG where nothing is signed", "www.example. RRSIG", "NOERROR AA\n" + soaExample},
	})
}

// G1002: HTTPS brings the addresses of its target.
func TestG1002AdditionalForHTTPS(t *testing.T) {
	t.Parallel()
	hear(t, []story{
		{"additional for HTTPS", "svc.example. HTTPS", "NOERROR AA\nanswer:\nsvc.example. 300 IN HTTPS 1 www.example. alpn=\"h2\"\nadditional:\n" + www},
		{"AliasMode at the apex", "example. HTTPS", "NOERROR AA\nanswer:\nexample. 300 IN HTTPS 0 svc.example."},
		{"of a wildcard", "x.hw.example. HTTPS", "NOERROR AA\nanswer:\nx.hw.example. 300 IN HTTPS 1 www.example. alpn=\"h2\"\nadditional:\n" + www},
	})
}

func TestG205G403ChainsAreBounded(t *testing.T) {
	t.Parallel()
	a := New(tree(t, parent))
	q := lookup.Query{Question: lookup.Question{Name: lookup.MustName("l01.example."), Type: lookup.TypeA, Class: lookup.ClassIN}}
	q.Budget = lookup.NewBudget(lookup.Limits{Aliases: 2})
	r, err := a.Resolve(context.Background(), q)
	if err != nil || r.Rcode != lookup.NOERROR || len(r.Answer) != 3 {
		t.Errorf("%v, %v", err, r)
	}
	// x.self is x.x.self is x.x.x.self: the DNAME stands there once, a CNAME for
	// each time that the budget paid for.
	r = ask(t, a, "x.self.example. A")
	if r.Rcode != lookup.NOERROR || len(r.Answer) != 13 {
		t.Errorf("%d RRsets: %v", len(r.Answer), r)
	}
}

func TestG501OnlyInDomainGlueIsRequired(t *testing.T) {
	t.Parallel()
	a := New(tree(t, parent))
	for question, want := range map[string]int{
		"x.sub.example. A": 2, // and not those of its servers elsewhere in the zone
		"x.sib.example. A": 1,
		"x.far.example. A": 0, // its server is elsewhere in the zone
		"example. NS":      0, // no referral
		"mail.example. MX": 0,
	} {
		if r := ask(t, a, question); r.Glue != want {
			t.Errorf("%s: Glue is %d: %v", question, r.Glue, r)
		}
	}
}

// A root server need not serve the zone that its name is in.
func TestG502PrimingResponseHasTheAddresses(t *testing.T) {
	t.Parallel()
	a := New(tree(t, `$TTL 60
.		SOA	ns.net. host.net. 1 2 3 4 5
.		NS	ns.net.
net.		NS	ns.net.
ns.net.		A	192.0.2.1
		AAAA	2001:db8::1
`))
	want := `NOERROR AA
answer:
. 60 IN NS ns.net.
additional:
ns.net. 60 IN A 192.0.2.1
ns.net. 60 IN AAAA 2001:db8::1`
	r := ask(t, a, ". NS")
	if got := told(r); got != want {
		t.Errorf("got %s", got)
	}
	if r.Glue > 0 {
		t.Error("the addresses of a priming response may be left out")
	}
}

func TestOtherClassesAreRefused(t *testing.T) { // checklist 4.1
	t.Parallel()
	a := New(tree(t, parent))
	r, err := a.Resolve(context.Background(), lookup.Query{Question: lookup.Question{Name: lookup.MustName("www.example."), Type: lookup.TypeA, Class: lookup.ClassCH}})
	if err != nil || r.Rcode != lookup.REFUSED {
		t.Errorf("%v, %v", err, r)
	}
}
