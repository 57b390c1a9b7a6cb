package lint

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/dns64"
	"github.com/sextant-dns/sextant/probe"
)

// DNS64Options is what to look at in a DNS64. A name that is empty leaves its checks out.
type DNS64Options struct {
	Prefixes []netip.Prefix // that there should be; none: those that are discovered

	V4Only  string // a name with A and no AAAA
	V6Only  string // with AAAA and no A
	Dual    string // with both
	Alias   string // a CNAME that ends at a name with A and no AAAA
	Absent  string // a name that does not exist
	Mapped  string // with an AAAA in ::ffff:0:0/96 and an A
	Private string // with an A of RFC 1918 and no AAAA
}

// LabNames are the names of `sextant lab`.
func LabNames() DNS64Options {
	return DNS64Options{
		V4Only: "v4only.example.com", V6Only: "v6only.example.com", Dual: "dual.example.com", Alias: "chain.example.com",
		Absent: "nosuch.example.com", Mapped: "mapped.example.com", Private: "private.example.com",
	}
}

const wellKnownName = "ipv4only.arpa."

// DNS64 compares what a resolver synthesizes with RFC 6147 and its kin. The error is that
// nobody answers, or that ctx is done.
func DNS64(ctx context.Context, c *probe.Client, o DNS64Options) (*Report, error) {
	r := &Report{Instrument: "dns64", Server: c.Server().String()}
	t := &dns64Test{DNS64Options: o, c: c, r: r}
	if _, err := present(ctx, c, wellKnownName); err != nil {
		return r, err
	}
	for _, step := range []func(context.Context){
		t.discovery, t.special, t.synthesis, t.ttl, t.alias, t.dual, t.sixOnly, t.absent, t.mapped, t.private, t.plain, t.class, t.bits, t.reverse,
	} {
		if step(ctx); ctx.Err() != nil {
			return r, ctx.Err()
		}
	}
	return r, nil
}

// dns64Test is a look at a DNS64 under way.
type dns64Test struct {
	DNS64Options
	c *probe.Client
	r *Report
}

// flags are the bits of a query that matter here.
type flags struct{ cd, do bool }

// ask asks; what is wrong when there is no reply is why.
func (t *dns64Test) ask(ctx context.Context, name string, qtype uint16, f flags) (m *dns.Msg, why []string) {
	q := probe.Query(name, qtype, true)
	q.CheckingDisabled = f.cd
	q.IsEdns0().SetDo(f.do)
	return t.send(ctx, q)
}

func (t *dns64Test) send(ctx context.Context, q *dns.Msg) (m *dns.Msg, why []string) {
	asked := q.Question[0]
	reply, err := t.c.Ask(ctx, q)
	switch {
	case err != nil:
		return nil, []string{fmt.Sprintf("%s %s: no reply", asked.Name, dns.TypeToString[asked.Qtype])}
	case reply.Msg == nil:
		return nil, []string{fmt.Sprintf("%s %s: a reply that cannot be read", asked.Name, dns.TypeToString[asked.Qtype])}
	}
	return reply.Msg, nil
}

// real is what there is without DNS64: with CD and DO nothing is synthesized (RFC 6147
// 5.5).
func (t *dns64Test) real(ctx context.Context, name string, qtype uint16) []netip.Addr {
	m, _ := t.ask(ctx, name, qtype, flags{cd: true, do: true})
	return addresses(m, qtype)
}

// addresses are those in an answer section.
func addresses(m *dns.Msg, qtype uint16) (all []netip.Addr) {
	if m == nil {
		return nil
	}
	for _, rr := range m.Answer {
		switch rr := rr.(type) {
		case *dns.A:
			if a, ok := netip.AddrFromSlice(rr.A.To4()); ok && qtype == dns.TypeA {
				all = append(all, a)
			}
		case *dns.AAAA:
			if a, ok := netip.AddrFromSlice(rr.AAAA.To16()); ok && qtype == dns.TypeAAAA {
				all = append(all, a)
			}
		}
	}
	return all
}

// synthetic says whether an address lies in one of the Pref64s.
func (t *dns64Test) synthetic(a netip.Addr) bool {
	return slices.ContainsFunc(t.Prefixes, func(p netip.Prefix) bool { return p.Contains(a) })
}

// embedded is the addresses that stand for some IPv4 addresses under all Pref64s.
func (t *dns64Test) embedded(of []netip.Addr) (all []netip.Addr) {
	for _, p := range t.Prefixes {
		for _, a := range of {
			all = append(all, dns64.Embed(p, a))
		}
	}
	return all
}

// compare says how addresses are not what they stand for.
func (t *dns64Test) compare(got, of []netip.Addr) (why []string) {
	legal := t.embedded(of)
	for _, a := range got {
		if !slices.Contains(legal, a) {
			why = append(why, fmt.Sprintf("%s stands for none of %v", a, of))
		}
	}
	for _, v4 := range of {
		if !slices.ContainsFunc(t.Prefixes, func(p netip.Prefix) bool { return slices.Contains(got, dns64.Embed(p, v4)) }) {
			why = append(why, "nothing stands for "+v4.String())
		}
	}
	return why
}

// discovery: RFC 7050 3.
func (t *dns64Test) discovery(ctx context.Context) {
	m, why := t.ask(ctx, wellKnownName, dns.TypeAAAA, flags{})
	found := dns64.Discover(addresses(m, dns.TypeAAAA))
	if len(why) == 0 && len(found) == 0 {
		why = []string{"ipv4only.arpa has no AAAA that shows a Pref64"}
	}
	t.r.add("discovery", "RFC 7050 3", "ipv4only.arpa shows the Pref64s", Error, why...)
	why = nil
	for _, p := range t.Prefixes {
		if !slices.Contains(found, p) {
			why = append(why, fmt.Sprintf("%s is not among %v", p, found))
		}
	}
	if len(t.Prefixes) > 0 {
		t.r.add("prefixes", "RFC 6147 5.2", "the Pref64s are those of the translator", Error, why...)
	} else {
		t.Prefixes = found
	}
	t.r.add("well-known", "RFC 8880 7.1", "both well-known addresses are there, under each Pref64", Error, t.compare(addresses(m, dns.TypeAAAA), wellKnown())...)
}

func wellKnown() []netip.Addr {
	return []netip.Addr{netip.MustParseAddr("192.0.0.170"), netip.MustParseAddr("192.0.0.171")}
}

// special: RFC 8880 7.1: what is known of ipv4only.arpa without asking anybody.
func (t *dns64Test) special(ctx context.Context) {
	m, why := t.ask(ctx, wellKnownName, dns.TypeA, flags{})
	got := addresses(m, dns.TypeA)
	slices.SortFunc(got, netip.Addr.Compare)
	if len(why) == 0 && !slices.Equal(got, wellKnown()) {
		why = []string{fmt.Sprintf("%s, %v", dns.RcodeToString[m.Rcode], got)}
	}
	t.r.add("well-known-a", "RFC 8880 7.1", "ipv4only.arpa has the two well-known A", Error, why...)
	m, why = t.ask(ctx, wellKnownName, dns.TypeMX, flags{})
	if len(why) == 0 && (m.Rcode != dns.RcodeSuccess || len(m.Answer) > 0) {
		why = []string{fmt.Sprintf("%s with %d RRs", dns.RcodeToString[m.Rcode], len(m.Answer))}
	}
	t.r.add("well-known-other", "RFC 8880 7.1", "ipv4only.arpa has no other type", Error, why...)
}

// lacks skips a check for which something is missing.
func (t *dns64Test) lacks(id, rfc, what, name string) bool {
	switch {
	case name == "":
		t.r.skip(id, rfc, what, "no such name was given")
	case len(t.Prefixes) == 0:
		t.r.skip(id, rfc, what, "no Pref64 is known")
	default:
		return false
	}
	return true
}

// synthesis: RFC 6147 5.1.7 and 5.1.6.
func (t *dns64Test) synthesis(ctx context.Context) {
	const what, noA, noAD = "a name with A only gets an AAAA for each, under a Pref64", "the A are not in the answer", "AD is not set on what was synthesized, for who sets neither DO nor AD"
	if t.lacks("synthesis", "RFC 6147 5.1.7", what, t.V4Only) {
		t.lacks("no-a", "RFC 6147 5.1.6", noA, t.V4Only)
		t.lacks("no-ad", "RFC 6147 5.5", noAD, t.V4Only)
		return
	}
	of := t.real(ctx, t.V4Only, dns.TypeA)
	if len(of) == 0 {
		t.r.skip("synthesis", "RFC 6147 5.1.7", what, t.V4Only+" has no A here")
		t.r.skip("no-a", "RFC 6147 5.1.6", noA, t.V4Only+" has no A here")
		t.r.skip("no-ad", "RFC 6147 5.5", noAD, t.V4Only+" has no A here")
		return
	}
	m, why := t.ask(ctx, t.V4Only, dns.TypeAAAA, flags{})
	why = append(why, t.compare(addresses(m, dns.TypeAAAA), of)...)
	t.r.add("synthesis", "RFC 6147 5.1.7", what, Error, why...)
	why = nil
	if n := len(addresses(m, dns.TypeA)); n > 0 {
		why = []string{fmt.Sprintf("there are %d", n)}
	}
	t.r.add("no-a", "RFC 6147 5.1.6", noA, Error, why...)
	why = nil
	if m != nil && m.AuthenticatedData {
		why = []string{"AD is set"}
	}
	t.r.add("no-ad", "RFC 6147 5.5", noAD, Error, why...)
}

// ttl: RFC 6147 5.1.7: that of the A, or of the denial of the AAAA, whichever is less.
func (t *dns64Test) ttl(ctx context.Context) {
	const id, rfc, what = "ttl", "RFC 6147 5.1.7", "the TTL is not above those of the A and of the denial"
	if t.lacks(id, rfc, what, t.V4Only) {
		return
	}
	m, why := t.ask(ctx, t.V4Only, dns.TypeAAAA, flags{})
	denial, _ := t.ask(ctx, t.V4Only, dns.TypeAAAA, flags{cd: true, do: true})
	plain, _ := t.ask(ctx, t.V4Only, dns.TypeA, flags{cd: true, do: true})
	if m == nil || denial == nil || plain == nil || len(addresses(m, dns.TypeAAAA)) == 0 {
		t.r.skip(id, rfc, what, "there is nothing to compare")
		return
	}
	if len(addresses(denial, dns.TypeAAAA)) > 0 { // not even DO and CD show the denial; another one has the same SOA
		if denial, _ = t.ask(ctx, t.V4Only, dns.TypeHINFO, flags{}); denial == nil {
			denial = new(dns.Msg)
		}
	}
	// A second may have passed since.
	ttl := m.Answer[len(m.Answer)-1].Header().Ttl
	if n := len(plain.Answer); n > 0 && ttl > plain.Answer[n-1].Header().Ttl+1 {
		why = append(why, fmt.Sprintf("%d, and the A has %d", ttl, plain.Answer[n-1].Header().Ttl))
	}
	for _, rr := range denial.Ns {
		if soa, ok := rr.(*dns.SOA); ok {
			if most := min(soa.Minttl, soa.Hdr.Ttl); ttl > most+1 {
				why = append(why, fmt.Sprintf("%d, and the denial holds %d", ttl, most))
			}
		}
	}
	t.r.add(id, rfc, what, Error, why...)
}

// alias: RFC 6147 5.1.5 and 5.1.7.
func (t *dns64Test) alias(ctx context.Context) {
	const id, rfc, what = "alias", "RFC 6147 5.1.5", "aliases come first, and what is synthesized is at their end"
	if t.lacks(id, rfc, what, t.Alias) {
		return
	}
	m, why := t.ask(ctx, t.Alias, dns.TypeAAAA, flags{})
	if m != nil {
		why = append(why, chain(m, dns.Fqdn(t.Alias))...)
		why = append(why, t.compare(addresses(m, dns.TypeAAAA), t.real(ctx, t.Alias, dns.TypeA))...)
	}
	t.r.add(id, rfc, what, Error, why...)
}

// chain says how an answer section is not a chain of aliases with AAAA at its end.
func chain(m *dns.Msg, at string) (why []string) {
	aliases := 0
	for _, rr := range m.Answer {
		if dns.CanonicalName(rr.Header().Name) != dns.CanonicalName(at) {
			why = append(why, fmt.Sprintf("%s %s, expected the owner %s", rr.Header().Name, dns.TypeToString[rr.Header().Rrtype], at))
		}
		if cname, ok := rr.(*dns.CNAME); ok {
			at = cname.Target
			aliases++
		}
	}
	if aliases == 0 {
		why = append(why, "there is no CNAME")
	}
	return why
}

// dual: RFC 6147 5.1.1 and 5.1.4. Forced synthesis is a choice that operators make.
func (t *dns64Test) dual(ctx context.Context) {
	const id, rfc, what = "dual", "RFC 6147 5.1.1", "a name with real AAAA gets nothing else"
	if t.lacks(id, rfc, what, t.Dual) {
		return
	}
	m, why := t.ask(ctx, t.Dual, dns.TypeAAAA, flags{})
	made, found := 0, addresses(m, dns.TypeAAAA)
	for _, a := range found {
		if t.synthetic(a) {
			made++
		}
	}
	switch {
	case len(why) > 0 || len(found) == 0:
		t.r.add(id, rfc, what, Error, append(why, "there is no AAAA")...)
	case made == 0:
		t.r.add(id, rfc, what, Error)
	case made == len(found):
		t.r.add(id, rfc, what, Note, "all are synthetic: synthesis is forced, which is no fault where it is meant")
	default:
		t.r.add(id, rfc, what, Error, fmt.Sprintf("%d of %d are synthetic", made, len(found)))
	}
}

func (t *dns64Test) sixOnly(ctx context.Context) {
	const id, rfc, what = "v6only", "RFC 6147 5.1.1", "a name with AAAA only keeps them"
	if t.lacks(id, rfc, what, t.V6Only) {
		return
	}
	m, why := t.ask(ctx, t.V6Only, dns.TypeAAAA, flags{})
	if got, want := addresses(m, dns.TypeAAAA), t.real(ctx, t.V6Only, dns.TypeAAAA); len(why) == 0 && (len(got) == 0 || !slices.Equal(got, want)) {
		why = []string{fmt.Sprintf("%v, really %v", got, want)}
	}
	t.r.add(id, rfc, what, Error, why...)
}

func (t *dns64Test) absent(ctx context.Context) {
	const id, rfc, what = "nxdomain", "RFC 6147 5.1.2", "NXDOMAIN stays NXDOMAIN"
	if t.lacks(id, rfc, what, t.Absent) {
		return
	}
	m, why := t.ask(ctx, t.Absent, dns.TypeAAAA, flags{})
	if m != nil && m.Rcode != dns.RcodeNameError {
		why = append(why, dns.RcodeToString[m.Rcode])
	}
	t.r.add(id, rfc, what, Error, why...)
}

// mapped: RFC 6147 5.1.4.
func (t *dns64Test) mapped(ctx context.Context) {
	const id, rfc, what = "excluded", "RFC 6147 5.1.4", "AAAA in ::ffff:0:0/96 count as none"
	if t.lacks(id, rfc, what, t.Mapped) {
		return
	}
	m, why := t.ask(ctx, t.Mapped, dns.TypeAAAA, flags{})
	why = append(why, t.compare(addresses(m, dns.TypeAAAA), t.real(ctx, t.Mapped, dns.TypeA))...)
	t.r.add(id, rfc, what, Warning, why...)
}

// private: RFC 6052 3.1.
func (t *dns64Test) private(ctx context.Context) {
	const id, rfc, what = "global", "RFC 6052 3.1", "no private address stands under the well-known prefix"
	if t.lacks(id, rfc, what, t.Private) {
		return
	}
	m, why := t.ask(ctx, t.Private, dns.TypeAAAA, flags{})
	for _, a := range addresses(m, dns.TypeAAAA) {
		if dns64.WellKnown.Contains(a) {
			why = append(why, a.String())
		}
	}
	t.r.add(id, rfc, what, Error, why...)
}

// plain: RFC 6147 5.3.3.
func (t *dns64Test) plain(ctx context.Context) {
	const id, rfc, what = "a", "RFC 6147 5.3.3", "A queries are answered as without DNS64"
	if t.lacks(id, rfc, what, t.V4Only) {
		return
	}
	m, why := t.ask(ctx, t.V4Only, dns.TypeA, flags{})
	if m != nil && len(addresses(m, dns.TypeA)) == 0 {
		t.r.add(id, rfc, what, Note, "there are none: A is hidden, which is no fault where it is meant")
		return
	}
	t.r.add(id, rfc, what, Error, why...)
}

// class: RFC 6147 5.1: only IN is synthesized.
func (t *dns64Test) class(ctx context.Context) {
	const id, rfc, what = "class", "RFC 6147 5.1", "nothing is synthesized in another class"
	if t.lacks(id, rfc, what, t.V4Only) {
		return
	}
	q := probe.Query(t.V4Only, dns.TypeAAAA, true)
	q.Question[0].Qclass = dns.ClassCHAOS
	m, why := t.send(ctx, q)
	if m != nil && len(m.Answer) > 0 {
		why = append(why, fmt.Sprintf("%d RRs", len(m.Answer)))
	}
	t.r.add(id, rfc, what, Error, why...)
}

// bits: RFC 6147 5.5 (3): who sets DO and CD validates, and gets nothing synthesized.
func (t *dns64Test) bits(ctx context.Context) {
	// The MUST is for DNS64s that validate, and who does cannot be seen.
	const what, alone = "nothing is synthesized for who sets DO and CD, and validates", "nor, which is left open, for who sets CD alone"
	if t.lacks("cd-do", "RFC 6147 5.5", what, t.V4Only) {
		t.lacks("cd", "RFC 6147 5.5", alone, t.V4Only)
		return
	}
	for _, c := range []struct {
		id, what  string
		f         flags
		otherwise Result
	}{
		{"cd-do", what, flags{cd: true, do: true}, Warning},
		{"cd", alone, flags{cd: true}, Note},
	} {
		m, why := t.ask(ctx, t.V4Only, dns.TypeAAAA, c.f)
		for _, a := range addresses(m, dns.TypeAAAA) {
			if t.synthetic(a) {
				why = append(why, a.String())
			}
		}
		t.r.add(c.id, "RFC 6147 5.5", c.what, c.otherwise, why...)
	}
}

// reverse: RFC 6147 5.3.1.
func (t *dns64Test) reverse(ctx context.Context) {
	const id, rfc, what = "reverse", "RFC 6147 5.3.1", "an address in a Pref64 has the name of its IPv4 address"
	if t.lacks(id, rfc, what, t.V4Only) {
		return
	}
	for _, v4 := range t.real(ctx, t.V4Only, dns.TypeA) {
		name, err := dns.ReverseAddr(v4.String())
		if err != nil {
			continue
		}
		want, _ := t.ask(ctx, name, dns.TypePTR, flags{})
		if pointer(want) == "" {
			continue
		}
		var why []string
		for _, a := range t.embedded([]netip.Addr{v4}) {
			name, err := dns.ReverseAddr(a.String())
			if err != nil {
				continue
			}
			m, silent := t.ask(ctx, name, dns.TypePTR, flags{})
			why = append(why, silent...)
			if m != nil && pointer(m) == "" {
				why = append(why, fmt.Sprintf("%s: %s and no PTR; %s is %s", a, dns.RcodeToString[m.Rcode], v4, pointer(want)))
			}
		}
		t.r.add(id, rfc, what, Error, why...)
		return
	}
	t.r.skip(id, rfc, what, "the IPv4 address of "+t.V4Only+" has no name")
}

// pointer is the target of the first PTR in an answer; "".
func pointer(m *dns.Msg) string {
	if m != nil {
		for _, rr := range m.Answer {
			if ptr, ok := rr.(*dns.PTR); ok {
				return ptr.Ptr
			}
		}
	}
	return ""
}
