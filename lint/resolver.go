package lint

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/probe"
)

// Resolver is what to look at in a resolver.
type Resolver struct {
	// Name has an answer. Without a Witness it is all that can be asked for.
	Name string

	// Witness, if not nil, is an authority that serves, and to which the resolver is led
	// for its zone, by a delegation or a stub.
	Witness *Witness

	// Nonce makes names that the resolver has never been asked for.
	Nonce string
}

// ECSResolver looks at what a resolver does with Client Subnet. What it passes on is seen
// by the Witness only. The error is that nobody answers, or that ctx is done.
func ECSResolver(ctx context.Context, c *probe.Client, o Resolver) (*Report, error) {
	r := &Report{Instrument: "ecs resolver", Server: c.Server().String()}
	if o.Witness != nil {
		o.Name = o.Witness.Zone()
	}
	t := &resolverTest{Resolver: o, c: c, r: r}
	if _, err := present(ctx, c, o.Name); err != nil {
		return r, err
	}
	for _, step := range []func(context.Context) error{t.outside, t.malformed, t.led, t.passes, t.privacy, t.separate, t.shared, t.apart} {
		if err := step(ctx); err != nil {
			return r, err
		}
	}
	return r, nil
}

// resolverTest is a look at a resolver under way.
type resolverTest struct {
	Resolver
	c *probe.Client
	r *Report

	speaks bool   // its replies have the option
	found  bool   // it has asked the Witness
	told   bool   // it has told the Witness of clients
	qtype  uint16 // that the Witness is asked for
	names  int
}

// outside is what can be seen without a zone of one's own.
func (t *resolverTest) outside(ctx context.Context) error {
	ask := func(options ...probe.Option) (*probe.Reply, []string, error) {
		reply, err := t.c.Ask(ctx, probe.Query(t.Name, dns.TypeSOA, true, options...))
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		if err != nil {
			return nil, []string{"no reply"}, nil
		}
		return reply, nil, nil
	}
	reply, why, err := ask()
	if err != nil {
		return err
	}
	if reply != nil && len(reply.Find(dns.EDNS0SUBNET)) > 0 {
		why = append(why, "there is one")
	}
	t.r.add("unasked", "RFC 7871 7.2.2", "no option in the reply to a query without one", Error, why...)

	if reply, why, err = ask(told(public4)); err != nil {
		return err
	}
	t.speaks = reply != nil && len(reply.Find(dns.EDNS0SUBNET)) > 0
	if t.speaks {
		_, why = echo(reply, public4)
		t.r.add("echo", "RFC 7871 7.2.2", "the option of a client comes back", Error, why...)
	} else {
		t.r.add("echo", "RFC 7871 7.2.2", "the option of a client comes back", Note, append(why, "it does not: the resolver takes no part, or not with us")...)
	}
	for _, nobody := range []netip.Prefix{nobody4, nobody6} {
		if reply, why, err = ask(told(nobody)); err != nil {
			return err
		}
		if reply != nil {
			if reply.Rcode() == dns.RcodeRefused { // RFC 7871 7.5
				why = append(why, "REFUSED because of SOURCE 0")
			}
			if len(reply.Find(dns.EDNS0SUBNET)) > 0 {
				_, wrong := echo(reply, nobody)
				why = append(why, wrong...)
			}
		}
		t.r.add("nobody-"+family(nobody), "RFC 7871 7.5", "a client that asks for privacy ("+nobody.String()+") is answered", Error, why...)
	}
	return nil
}

func family(p netip.Prefix) string {
	if p.Addr().Is4() {
		return "ipv4"
	}
	return "ipv6"
}

func (t *resolverTest) malformed(ctx context.Context) error {
	if t.speaks {
		return checkMalformed(ctx, t.c, t.r, t.Name, true)
	}
	for _, b := range malformed() {
		t.r.skip("formerr-"+b.id, b.rfc, b.what+" is a FORMERR", "the resolver takes no part")
	}
	return nil
}

// fresh is a name whose answer holds for so many bits.
func (t *resolverTest) fresh(scope int) string {
	t.names++
	return fmt.Sprintf("s%d-%d-%s.%s", scope, t.names, t.Nonce, t.Witness.Zone())
}

// text asks for a name, and gives what is in the answer, which is another one each time;
// "" with the reason when there is none.
func (t *resolverTest) text(ctx context.Context, name string, options ...probe.Option) (text, why string, err error) {
	reply, err := t.c.Ask(ctx, probe.Query(name, t.qtype, true, options...))
	switch {
	case ctx.Err() != nil:
		return "", "", ctx.Err()
	case err != nil:
		return "", "no reply", nil
	}
	found, _ := data(answers(reply), t.qtype)
	if len(found) == 0 {
		return "", rcode(reply), nil
	}
	return strings.Join(found, " "), "", nil
}

// as is text for a client of a network.
func (t *resolverTest) as(ctx context.Context, name, network string) (text, why string, err error) {
	return t.text(ctx, name, told(netip.MustParsePrefix(network)))
}

// led sees whether the resolver finds the Witness.
func (t *resolverTest) led(ctx context.Context) error {
	if t.Witness == nil {
		return nil
	}
	var why string
	// Some tell of clients only where addresses are asked for, and some hide A.
	for _, t.qtype = range []uint16{dns.TypeA, dns.TypeTXT} {
		name := t.fresh(0)
		text, reason, err := t.text(ctx, name)
		if err != nil {
			return err
		}
		if t.found = text != "" && len(t.Witness.Seen(name)) > 0; t.found {
			break
		}
		why = reason
	}
	var complaints []string
	if !t.found {
		complaints = []string{fmt.Sprintf("it does not (%s): delegate %s to this machine, or make a stub zone of it", why, t.Witness.Zone())}
	}
	t.r.add("led", "RFC 1034 5.3.3", "the resolver asks the witness for its zone", Error, complaints...)
	return nil
}

// lacks skips a check that needs a Witness, or a resolver that tells it of clients.
func (t *resolverTest) lacks(id, rfc, what string, telling bool) bool {
	switch {
	case t.Witness == nil:
		t.r.skip(id, rfc, what, "only an authority sees that: give a zone that the resolver can be led to")
	case !t.found:
		t.r.skip(id, rfc, what, "the resolver does not find the witness")
	case telling && !t.told:
		t.r.skip(id, rfc, what, "the resolver tells authorities nothing of its clients")
	default:
		return false
	}
	return true
}

// passes sees what the authority is told of a client's network.
func (t *resolverTest) passes(ctx context.Context) error {
	const what = "what an authority is told of a client that says its network"
	if !t.lacks("passes", "RFC 7871 7.1.3", what, false) {
		name := t.fresh(24)
		for range 2 { // some try first whether an authority takes part
			if _, _, err := t.as(ctx, name, public4.String()); err != nil {
				return err
			}
			name = t.fresh(24)
			if _, _, err := t.as(ctx, name, public4.String()); err != nil {
				return err
			}
		}
		seen := t.Witness.Seen(name)
		t.told = slices.ContainsFunc(seen, func(s Sight) bool { return s.Option != nil && s.Option.Source.Bits() > 0 })
		var texts []string
		for _, s := range seen {
			texts = append(texts, fmt.Sprintf("%s, of %s", s, public4))
		}
		t.r.add("passes", "RFC 7871 7.1.3", what, Note, texts...)
	}
	for _, c := range []struct {
		id, rfc, what, as string
		most              int
		otherwise         Result
	}{
		{"limit-ipv4", "RFC 7871 11.1", "of an IPv4 address 24 bits at most are passed on", "9.9.9.9/32", 24, Warning},
		{"limit-ipv6", "RFC 7871 11.1", "of an IPv6 address 56 bits at most are passed on", "2620:fe::fe/128", 56, Warning},
		{"no-more", "RFC 7871 7.1.2", "never more bits than the client has told", "9.9.0.0/16", 16, Error},
	} {
		if t.lacks(c.id, c.rfc, c.what, true) {
			continue
		}
		name := t.fresh(16)
		if _, _, err := t.as(ctx, name, c.as); err != nil {
			return err
		}
		var why []string
		for _, s := range t.Witness.Seen(name) {
			if s.Bad != "" || s.Option != nil && s.Option.Source.Bits() > c.most {
				why = append(why, fmt.Sprintf("told %s, the resolver tells %s", c.as, s))
			}
		}
		t.r.add(c.id, c.rfc, c.what, c.otherwise, why...)
	}
	return nil
}

// privacy sees what is told of those who want nothing to be told, and of private networks.
func (t *resolverTest) privacy(ctx context.Context) error {
	const privacy, private = "of a client that asks for privacy nothing is told, or the resolver's own address", "private networks are not told"
	if !t.lacks("privacy", "RFC 7871 7.1.2", privacy, false) {
		var why []string
		for _, nobody := range []netip.Prefix{nobody4, nobody6} {
			name := t.fresh(24)
			if _, _, err := t.as(ctx, name, nobody.String()); err != nil {
				return err
			}
			for _, s := range t.Witness.Seen(name) {
				// RFC 7871 7.1.2: no option, or the resolver's own address.
				if s.Option != nil && s.Option.Source.Bits() > 0 && !s.Option.Source.Contains(s.From.Addr().Unmap()) {
					why = append(why, fmt.Sprintf("asked as %s, the resolver tells %s", nobody, s))
				}
			}
		}
		t.r.add("privacy", "RFC 7871 7.1.2", privacy, Error, why...)
	}
	if t.lacks("private", "RFC 7871 11.3", private, true) {
		return nil
	}
	var why []string
	for _, network := range []string{private4.String(), "192.168.1.0/24", "127.0.0.0/24", "fd00:1:2::/48"} {
		name := t.fresh(24)
		if _, _, err := t.as(ctx, name, network); err != nil {
			return err
		}
		for _, s := range t.Witness.Seen(name) {
			if s.Option != nil && s.Option.Source.Bits() > 0 && s.Option.Source.Overlaps(netip.MustParsePrefix(network)) {
				why = append(why, fmt.Sprintf("the authority is told %s", s))
			}
		}
	}
	t.r.add("private", "RFC 7871 11.3", private, Warning, why...)
	return nil
}

// separate: RFC 7871 7.3.1: an answer is for its network only.
func (t *resolverTest) separate(ctx context.Context) error {
	const id, what = "separate", "an answer for one /24 is not given to another"
	if t.lacks(id, "RFC 7871 7.3.1", what, true) {
		return nil
	}
	name := t.fresh(24)
	first, why, err := t.as(ctx, name, "9.9.9.0/24")
	if err != nil {
		return err
	}
	second, why2, err := t.as(ctx, name, "8.8.8.0/24")
	if err != nil {
		return err
	}
	var complaints []string
	switch {
	case first == "" || second == "":
		complaints = append(complaints, "no answer: "+why+why2)
	case first == second:
		complaints = append(complaints, fmt.Sprintf("both hear %s", first))
	}
	t.r.add(id, "RFC 7871 7.3.1", what, Error, complaints...)
	return nil
}

// shared: RFC 7871 7.3: what holds for a network is kept for it.
func (t *resolverTest) shared(ctx context.Context) error {
	for _, c := range []struct {
		id, what string
		scope    int
		as       string
	}{
		{"cached", "an answer is kept for its /24", 24, "9.9.9.0/24"},
		{"wide", "an answer for a /16 is given to all of it", 16, "9.9.8.0/24"},
		{"everyone", "an answer with SCOPE 0 is given to everyone", 0, "8.8.8.0/24"},
	} {
		if t.lacks(c.id, "RFC 7871 7.3.1", c.what, true) {
			continue
		}
		name := t.fresh(c.scope)
		if _, _, err := t.as(ctx, name, "9.9.9.0/24"); err != nil {
			return err
		}
		first, _, err := t.as(ctx, name, "9.9.9.0/24") // what a resolver has seen once it may not believe yet
		if err != nil {
			return err
		}
		second, _, err := t.as(ctx, name, c.as)
		if err != nil {
			return err
		}
		var why []string
		if first != second || first == "" {
			why = append(why, fmt.Sprintf("9.9.9.0/24 hears %s, %s hears %s", first, c.as, second))
		}
		t.r.add(c.id, "RFC 7871 7.3.1", c.what, Note, why...)
	}
	return nil
}

// apart: RFC 7871 7.3.1: what was learned without telling anything is kept apart, and an
// answer for somebody's network is not for those who tell nothing.
func (t *resolverTest) apart(ctx context.Context) error {
	const id, what = "apart", "an answer for a /24 is not given to who tells nothing"
	if t.lacks(id, "RFC 7871 7.3.1", what, true) {
		return nil
	}
	name := t.fresh(24)
	first, _, err := t.as(ctx, name, "9.9.9.0/24")
	if err != nil {
		return err
	}
	hidden, _, err := t.as(ctx, name, nobody4.String())
	if err != nil {
		return err
	}
	silent, _, err := t.text(ctx, name)
	if err != nil {
		return err
	}
	var why []string
	for who, text := range map[string]string{"0.0.0.0/0": hidden, "a client without the option": silent} {
		if first != "" && text == first {
			why = append(why, fmt.Sprintf("%s hears %s", who, text))
		}
	}
	slices.Sort(why)
	t.r.add(id, "RFC 7871 7.3.1", what, Error, why...)
	return nil
}
