package lint

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/ecs"
	"github.com/sextant-dns/sextant/probe"
	"github.com/sextant-dns/sextant/survey"
)

// absent is a name that no zone has.
const absent = "no-such-name-9c1f"

// Authority is what to look at in an authority.
type Authority struct {
	Zone    string
	Names   []string // of the zone, with addresses that may depend on who asks
	Queries int      // of the survey of a name; default 64
}

// ECSAuthority looks at how an authority takes part in Client Subnet. One that does not is
// in order as long as it never sends the option. The error is that nobody answers, or that
// ctx is done.
func ECSAuthority(ctx context.Context, c *probe.Client, a Authority) (*Report, error) {
	r := &Report{Instrument: "ecs authority", Server: c.Server().String()}
	authoritative, err := present(ctx, c, a.Zone)
	if err != nil {
		return r, err
	}
	why := []string{}
	if !authoritative {
		why = append(why, "the server does not say that it speaks for "+dns.Fqdn(a.Zone))
	}
	r.add("aa", "RFC 1035 4.1.1", "the server is authoritative for the zone", Warning, why...)
	t := &authorityTest{Authority: a, c: c, r: r}
	if t.Queries <= 0 {
		t.Queries = 64
	}
	for _, step := range []func(context.Context) error{t.unasked, t.support, t.echoes, t.negatives, t.tcp, t.private, t.bad, t.scopes} {
		if err := step(ctx); err != nil {
			return r, err
		}
	}
	return r, nil
}

// authorityTest is a look at an authority under way.
type authorityTest struct {
	Authority
	c     *probe.Client
	r     *Report
	speak bool // it has sent an option
}

// question is one that is asked in several ways.
type question struct {
	name  string
	qtype uint16
}

func (q question) String() string { return q.name + " " + dns.TypeToString[q.qtype] }

func (t *authorityTest) questions() []question {
	all := []question{{dns.Fqdn(t.Zone), dns.TypeSOA}}
	for _, n := range t.Names {
		all = append(all, question{dns.Fqdn(n), dns.TypeA}, question{dns.Fqdn(n), dns.TypeAAAA})
	}
	return all
}

// ask asks, and calls what is wrong. A silent server is wrong, too.
func (t *authorityTest) ask(ctx context.Context, q question, tcp bool, options ...probe.Option) (*probe.Reply, []string, error) {
	m := probe.Query(q.name, q.qtype, false, options...)
	reply, err := t.c.Exchange(ctx, m, tcp)
	if ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	if err != nil {
		return nil, []string{q.String() + ": no reply"}, nil
	}
	return reply, nil, nil
}

// unasked: RFC 7871 7.2.1: an option that was not in the query must not be in the reply.
func (t *authorityTest) unasked(ctx context.Context) error {
	var why []string
	for _, q := range t.questions() {
		reply, silent, err := t.ask(ctx, q, false)
		if err != nil {
			return err
		}
		why = append(why, silent...)
		if reply != nil && len(reply.Find(dns.EDNS0SUBNET)) > 0 {
			why = append(why, q.String()+": there is one")
		}
	}
	t.r.add("unasked", "RFC 7871 7.2.1", "no option in the reply to a query without one", Error, why...)
	return nil
}

// support sees whether the server takes part.
func (t *authorityTest) support(ctx context.Context) error {
	for _, q := range t.questions() {
		reply, _, err := t.ask(ctx, q, false, told(public4))
		if err != nil {
			return err
		}
		if reply != nil && len(reply.Find(dns.EDNS0SUBNET)) > 0 {
			t.speak = true
		}
	}
	if t.speak {
		t.r.add("support", "RFC 7871 7.2.1", "the server takes part", Note)
	} else {
		t.r.add("support", "RFC 7871 7.2.1", "the server takes part", Note, "it does not; that is in order")
	}
	return nil
}

// echoes: RFC 7871 7.2.1: FAMILY, SOURCE and ADDRESS come back as they were; 12.1: on all
// responses.
func (t *authorityTest) echoes(ctx context.Context) error {
	for _, c := range []struct {
		id, what string
		sent     netip.Prefix
	}{
		{"echo-ipv4", "an IPv4 network comes back as it was sent", public4},
		{"echo-ipv6", "an IPv6 network comes back as it was sent", public6},
		{"echo-odd", "a length that ends within an octet comes back as it was sent", netip.MustParsePrefix("9.9.0.0/17")},
		{"echo-nobody-ipv4", "0.0.0.0/0 comes back as it was sent", nobody4},
		{"echo-nobody-ipv6", "::/0 comes back as it was sent", nobody6},
	} {
		if !t.speak {
			t.r.skip(c.id, "RFC 7871 7.2.1", c.what, "the server does not take part")
			continue
		}
		var why []string
		for _, q := range t.questions() {
			reply, silent, err := t.ask(ctx, q, false, told(c.sent))
			if err != nil {
				return err
			}
			why = append(why, silent...)
			if reply != nil {
				_, wrong := echo(reply, c.sent)
				why = append(why, about(q, wrong)...)
			}
		}
		t.r.add(c.id, "RFC 7871 7.2.1", c.what, Error, why...)
	}
	return nil
}

func about(q question, complaints []string) []string {
	for i, c := range complaints {
		complaints[i] = q.String() + ": " + c
	}
	return complaints
}

// negatives: RFC 7871 7.4: SCOPE 0 on negative answers; the option is there all the same.
func (t *authorityTest) negatives(ctx context.Context) error {
	const id, what = "negative", "negative answers have SCOPE 0"
	if !t.speak {
		t.r.skip("echo-negative", "RFC 7871 12.1", "negative answers have the option, too", "the server does not take part")
		t.r.skip(id, "RFC 7871 7.4", what, "the server does not take part")
		return nil
	}
	var missing, scoped []string
	for _, q := range []question{{absent + "." + dns.Fqdn(t.Zone), dns.TypeA}, {dns.Fqdn(t.Zone), dns.TypeHINFO}} {
		reply, silent, err := t.ask(ctx, q, false, told(public4))
		if err != nil {
			return err
		}
		missing = append(missing, silent...)
		if reply == nil {
			continue
		}
		o, wrong := echo(reply, public4)
		missing = append(missing, about(q, wrong)...)
		if len(wrong) == 0 && o.Scope > 0 && len(answers(reply)) == 0 {
			scoped = append(scoped, fmt.Sprintf("%s: SCOPE %d (%s)", q, o.Scope, rcode(reply)))
		}
	}
	t.r.add("echo-negative", "RFC 7871 12.1", "negative answers have the option, too", Error, missing...)
	t.r.add(id, "RFC 7871 7.4", what, Warning, scoped...)
	return nil
}

// tcp: the answer and its scope do not depend on the transport.
func (t *authorityTest) tcp(ctx context.Context) error {
	const id, what = "tcp", "over TCP the scope is the same"
	if !t.speak {
		t.r.skip(id, "RFC 7871 7.2.1", what, "the server does not take part")
		return nil
	}
	var why []string
	for _, q := range t.questions() {
		udp, silent, err := t.ask(ctx, q, false, told(public4))
		if err != nil {
			return err
		}
		tcp, silentTCP, err := t.ask(ctx, q, true, told(public4))
		if err != nil {
			return err
		}
		why = append(why, append(silent, silentTCP...)...)
		if udp == nil || tcp == nil {
			continue
		}
		a, _ := echo(udp, public4)
		b, wrong := echo(tcp, public4)
		why = append(why, about(q, wrong)...)
		if len(wrong) == 0 && a.Scope != b.Scope {
			why = append(why, fmt.Sprintf("%s: SCOPE %d over UDP, %d over TCP", q, a.Scope, b.Scope))
		}
	}
	t.r.add(id, "RFC 7871 7.2.1", what, Error, why...)
	return nil
}

// private: RFC 7871 10: what is asked as a private network holds for all of that block.
func (t *authorityTest) private(ctx context.Context) error {
	const id, what = "private", "the scope for a private network covers its block"
	if !t.speak {
		t.r.skip(id, "RFC 7871 10", what, "the server does not take part")
		return nil
	}
	block, _ := ecs.Nobodys(private4)
	var why []string
	for _, q := range t.questions() {
		reply, _, err := t.ask(ctx, q, false, told(private4))
		if err != nil {
			return err
		}
		if reply == nil {
			continue
		}
		if o, wrong := echo(reply, private4); len(wrong) == 0 && int(o.Scope) > block.Bits() {
			why = append(why, fmt.Sprintf("%s: SCOPE %d for %s", q, o.Scope, private4))
		}
	}
	t.r.add(id, "RFC 7871 10", what, Warning, why...)
	return nil
}

// bad: RFC 7871 7.2.1: what is wrong is rejected; who does not take part does not look.
func (t *authorityTest) bad(ctx context.Context) error {
	if t.speak {
		return checkMalformed(ctx, t.c, t.r, t.Zone, false)
	}
	for _, b := range malformed() {
		t.r.skip("formerr-"+b.id, b.rfc, b.what+" is a FORMERR", "the server does not take part")
	}
	return nil
}

// scopes: RFC 7871 7.2.1: no two of them overlap.
func (t *authorityTest) scopes(ctx context.Context) error {
	const id, what = "overlap", "scopes do not overlap, and say whom an answer is for"
	switch {
	case !t.speak:
		t.r.skip(id, "RFC 7871 7.2.1", what, "the server does not take part")
		return nil
	case len(t.Names) == 0:
		t.r.skip(id, "RFC 7871 7.2.1", what, "no names were given whose answers may depend on who asks")
		return nil
	}
	var why []string
	for _, name := range t.Names {
		found, err := survey.Run(ctx, survey.Options{
			Ask: Asker(t.c, name, dns.TypeA, false), Networks: survey.Without([]netip.Prefix{nobody4}, ecs.SpecialPurpose()),
			Adaptive: true, Most: t.Queries, Checks: t.Queries / 4,
		})
		if err != nil && !errors.Is(err, probe.ErrEnough) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			why = append(why, name+": "+err.Error())
		}
		for _, p := range found.Problems {
			if p.Kind == survey.Overlap || p.Kind == survey.Wrong {
				why = append(why, name+": "+p.String())
			}
		}
		otherwise, err := t.otherwise(ctx, name, found)
		if err != nil {
			return err
		}
		why = append(why, otherwise...)
	}
	const most = 5
	t.r.add(id, "RFC 7871 7.2.1", what, Error, why[:min(len(why), most)]...)
	return nil
}

// otherwise sees whether a network that has been asked as before gets what is said to hold
// where it lies. A survey finds a small exception to a wide scope by chance only.
func (t *authorityTest) otherwise(ctx context.Context, name string, found *survey.Result) ([]string, error) {
	heard, err := Asker(t.c, name, dns.TypeA, false)(ctx, public4)
	if err != nil {
		return nil, ctx.Err() // silence was complained of already
	}
	var narrowest *survey.Region
	for _, r := range found.Regions {
		if r.Network.Overlaps(public4) && r.Network.Bits() <= public4.Bits() && (narrowest == nil || r.Network.Bits() > narrowest.Network.Bits()) {
			narrowest = r
		}
	}
	if narrowest == nil || narrowest.Scope < 0 || heard.Option == nil || heard.Rcode == narrowest.Rcode && slices.Equal(heard.Answers, narrowest.Answers) {
		return nil, nil
	}
	p := survey.Problem{Kind: survey.Wrong, Network: public4, Other: narrowest.Network}
	if again, err := Asker(t.c, name, dns.TypeA, false)(ctx, public4); err != nil || !slices.Equal(again.Answers, heard.Answers) {
		return nil, ctx.Err() // it depends on chance, and not on the network
	}
	return []string{name + ": " + p.String()}, nil
}
