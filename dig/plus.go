package dig

import (
	"encoding/hex"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// plusOption is what +name, +noname and +name=value do.
type plusOption struct {
	names  []string // the first is the name, the others are as good
	value  need
	always bool // there is no +noname
	set    func(p *parser, q *query, on bool, value string) error
}

// need is whether an option has a value.
type need int

const (
	unneeded need = iota // what is given is not looked at
	optional
	needed
)

// plus reads an option without its plus sign.
func (p *parser) plus(arg string) error {
	keyword, value, valued := strings.Cut(arg, "=")
	keyword, off := strings.CutPrefix(strings.ToLower(keyword), "no")
	o, ok := findPlus(keyword)
	if !ok || off && o.always || !off && !valued && o.value == needed {
		text := "Invalid option: +" + arg + "\n"
		if near := suggestion(keyword, off); near != "" && !ok {
			text += ";; " + near + "\n"
		}
		return &failure{exitUsage, text + usage}
	}
	return o.set(p, p.current, !off, value)
}

// findPlus finds an option by its name, or by a beginning that no other has.
func findPlus(keyword string) (found plusOption, ok bool) {
	if keyword == "" {
		return found, false
	}
	for _, o := range plusOptions() {
		if slices.Contains(o.names, keyword) {
			return o, true
		}
		if !slices.ContainsFunc(o.names, func(name string) bool { return strings.HasPrefix(name, keyword) }) {
			continue
		}
		if ok { // it is the second one
			found.names, found.set = nil, nil
			continue
		}
		found, ok = o, true
	}
	return found, found.set != nil
}

func plusOptions() []plusOption {
	return slices.Concat(displayOptions(), formOptions(), headerOptions(), ednsOptions(), transportOptions(), tlsOptions(), fixedOptions())
}

// sets is an option that sets a field and does nothing else.
func sets(field func(q *query) *bool, names ...string) plusOption {
	return plusOption{names: names, set: func(_ *parser, q *query, on bool, _ string) error {
		*field(q) = on
		return nil
	}}
}

// asks is as sets, for fields that make it necessary to send an OPT.
func asks(field func(e *edns) *bool, names ...string) plusOption {
	return plusOption{names: names, set: func(_ *parser, q *query, on bool, _ string) error {
		*field(&q.edns) = on
		if on {
			q.edns.use()
		}
		return nil
	}}
}

// counts is an option whose value is a number up to limit.
func counts(limit int, set func(q *query, n int), names ...string) plusOption {
	return plusOption{names: names, value: needed, always: true, set: func(_ *parser, q *query, _ bool, value string) error {
		n, err := number(names[0], value, limit)
		if err == nil {
			set(q, n)
		}
		return err
	}}
}

// number reads the value of the option of that name.
func number(name, value string, limit int) (int, error) {
	n, err := strconv.ParseUint(value, 10, 31)
	if err != nil || int(n) > limit {
		return 0, fatal(exitInternal, "invalid %s '%s', expected a number from 0 to %d", name, value, limit)
	}
	return int(n), nil
}

func displayOptions() []plusOption {
	return []plusOption{
		{names: []string{"question"}, set: func(_ *parser, q *query, on bool, _ string) error {
			q.show.question, q.show.wanted.question = on, on
			return nil
		}},
		sets(func(q *query) *bool { return &q.show.answer }, "answer"),
		sets(func(q *query) *bool { return &q.show.authority }, "authority"),
		sets(func(q *query) *bool { return &q.show.additional }, "additional"),
		{names: []string{"comments"}, set: func(_ *parser, q *query, on bool, _ string) error {
			q.show.comments, q.show.wanted.comments = on, on
			return nil
		}},
		sets(func(q *query) *bool { return &q.show.stats }, "stats"),
		sets(func(q *query) *bool { return &q.show.ttl }, "ttlid", "ttl"),
		sets(func(q *query) *bool { return &q.show.class }, "class", "cl"),
		sets(func(q *query) *bool { return &q.show.sent }, "qr"),
		{names: []string{"cmd"}, set: func(p *parser, _ *query, on bool, _ string) error {
			p.command.greet = on
			return nil
		}},
		{names: []string{"all"}, set: func(p *parser, q *query, on bool, _ string) error {
			q.show.all(on)
			p.command.greet = on
			return nil
		}},
		{names: []string{"short"}, set: func(p *parser, q *query, on bool, _ string) error {
			p.command.short = on
			if on {
				q.show.all(false)
				q.show.answer = true
				p.command.greet = false
			}
			return nil
		}},
	}
}

func headerOptions() []plusOption {
	return []plusOption{
		sets(func(q *query) *bool { return &q.header.RecursionDesired }, "recurse", "rdflag"),
		sets(func(q *query) *bool { return &q.header.AuthenticatedData }, "adflag", "ad"),
		sets(func(q *query) *bool { return &q.header.CheckingDisabled }, "cdflag", "cd"),
		sets(func(q *query) *bool { return &q.header.Authoritative }, "aaflag", "aaonly"),
		sets(func(q *query) *bool { return &q.header.RecursionAvailable }, "raflag"),
		sets(func(q *query) *bool { return &q.header.Truncated }, "tcflag"),
		sets(func(q *query) *bool { return &q.header.Zero }, "zflag"),
	}
}

func ednsOptions() []plusOption {
	return []plusOption{
		asks(func(e *edns) *bool { return &e.do }, "dnssec", "do"),
		asks(func(e *edns) *bool { return &e.co }, "coflag", "co"),
		asks(func(e *edns) *bool { return &e.nsid }, "nsid"),
		asks(func(e *edns) *bool { return &e.expire }, "expire"),
		asks(func(e *edns) *bool { return &e.keepalive }, "keepalive"),
		sets(func(q *query) *bool { return &q.edns.negotiate }, "ednsnegotiation"),
		sets(func(q *query) *bool { return &q.edns.badCookie }, "badcookie"),
		counts(512, func(q *query, n int) {
			q.edns.use()
			q.edns.padding = n
		}, "padding"),
		{names: []string{"edns"}, value: optional, set: setVersion},
		{names: []string{"bufsize"}, value: optional, always: true, set: setSize},
		{names: []string{"cookie"}, value: optional, set: setCookie},
		{names: []string{"subnet", "client"}, value: needed, set: setSubnet},
		{names: []string{"ednsopt"}, value: needed, set: addOption},
		{names: []string{"ednsflags"}, value: optional, set: setFlags},
	}
}

func transportOptions() []plusOption {
	const most = 0xffff
	return []plusOption{
		{names: []string{"tcp", "vc"}, set: func(_ *parser, q *query, on bool, _ string) error {
			q.tcp, q.tcpSet = on || q.qtype == dns.TypeAXFR, true
			return nil
		}},
		sets(func(q *query) *bool { return &q.ignore }, "ignore", "i"),
		{names: []string{"trace"}, set: setTrace},
		{names: []string{"nssearch"}, set: setServers},
		counts(most, func(q *query, n int) { q.timeout = time.Duration(max(n, 1)) * time.Second }, "timeout"),
		counts(most, func(q *query, n int) { q.tries = max(n, 1) }, "tries"),
		counts(most, func(q *query, n int) { q.tries = n + 1 }, "retry", "retries"),
	}
}

// fixedOptions are those of dig's that cannot be changed here, with the state
// that they are always in. They are known so that scripts that turn them off go
// on working, and so that abbreviations mean what they mean to dig.
func fixedOptions() []plusOption {
	var all []plusOption
	add := func(state bool, names ...string) {
		for _, name := range names {
			all = append(all, plusOption{names: []string{name}, set: func(_ *parser, _ *query, on bool, _ string) error {
				if on != state {
					return fatal(exitUsage, "+[no]%s is not implemented", name)
				}
				return nil
			}})
		}
	}
	add(true, "besteffort", "fail")
	add(false, "defname", "dns64prefix", "domain", "dscp", "header-only",
		"https", "https-get", "http-plain", "http-plain-get", "idnin", "idnout", "keepopen", "ndots",
		"opcode", "qid", "search", "showbadcookie", "showsearch",
		"tls-certfile", "tls-keyfile")
	return all
}

func setVersion(_ *parser, q *query, on bool, value string) (err error) {
	switch {
	case !on:
		q.edns.version = -1
	case value == "":
		q.edns.version = 0
	default:
		q.edns.version, err = number("edns", value, 255)
	}
	return err
}

func setSize(_ *parser, q *query, _ bool, value string) error {
	size := defaultSize
	if value != "" {
		var err error
		if size, err = number("bufsize", value, 0xffff); err != nil {
			return err
		}
	}
	q.edns.use()
	q.edns.size = uint16(size)
	return nil
}

func setCookie(_ *parser, q *query, on bool, value string) error {
	cookie, err := hex.DecodeString(value)
	if err != nil || len(cookie) > 40 { // RFC 7873 4
		return fatal(exitUsage, "invalid cookie '%s', expected up to 40 octets in hexadecimal", value)
	}
	if on {
		q.edns.use()
	}
	q.edns.cookie, q.edns.client = on, cookie
	return nil
}

func setSubnet(_ *parser, q *query, on bool, value string) (err error) {
	if !on {
		q.edns.subnet = netip.Prefix{}
		return nil
	}
	q.edns.use()
	q.edns.subnet, err = parseSubnet(value)
	return err
}

func addOption(_ *parser, q *query, on bool, value string) error {
	if !on {
		q.edns.options = nil
		return nil
	}
	codeText, dataText, _ := strings.Cut(value, ":")
	code, err := number("ednsopt", codeText, 0xffff)
	if err != nil {
		return err
	}
	data, err := hex.DecodeString(dataText)
	if err != nil {
		return fatal(exitInternal, "invalid ednsopt '%s', expected its data in hexadecimal", value)
	}
	q.edns.use()
	q.edns.options = append(q.edns.options, option{uint16(code), data})
	return nil
}

func setFlags(_ *parser, q *query, on bool, value string) error {
	q.edns.flags = 0
	if !on || value == "" {
		return nil
	}
	flags, err := strconv.ParseUint(value, 0, 16)
	if err != nil {
		return fatal(exitInternal, "invalid ednsflags '%s', expected a number from 0 to 0xffff", value)
	}
	q.edns.use()
	q.edns.flags = uint16(flags)
	return nil
}
