package dig

import (
	"encoding/hex"
	"errors"
	"fmt"
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
	always bool   // there is no +noname
	both   bool   // +noname needs a value, too
	family string // an abbreviation for several of a family is for the first of them
	own    bool   // BIND has it not: there are no abbreviations, for those of BIND's mean what they mean there
	set    func(p *parser, q *query, on bool, value string) error
}

// need is whether an option has a value.
type need int

const (
	unneeded need = iota // what is given is not looked at
	optional
	bare // as optional, and +noname has none
	needed
)

// plus reads an option without its plus sign.
func (p *parser) plus(arg string) error {
	keyword, value, valued := strings.Cut(arg, "=")
	typed := keyword
	keyword, off := strings.CutPrefix(strings.ToLower(keyword), "no")
	o, ok := findPlus(keyword)
	if !ok || off && o.always || (!off || o.both) && !valued && o.value == needed || off && valued && o.value == bare {
		near := ""
		if !ok {
			near = suggestion(keyword, off)
		}
		return invalid("+"+typed, near)
	}
	return o.set(p, p.current, !off, value)
}

// invalid is the failure of an option that is none, with what may have been meant.
func invalid(option, near string) *failure {
	text := "Invalid option: " + option + "\n"
	if near != "" {
		text += ";; " + near + "\n"
	}
	return &failure{code: exitUsage, text: text + usage}
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
		if o.own || !slices.ContainsFunc(o.names, func(name string) bool { return strings.HasPrefix(name, keyword) }) {
			continue
		}
		if ok && o.family != "" && o.family == found.family {
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
	return slices.Concat(displayOptions(), formOptions(), headerOptions(), ednsOptions(), transportOptions(), tlsOptions(), httpsOptions(), searchOptions(), nameOptions(), laterOptions(), []plusOption{geoOption()})
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
		if err != nil {
			return err
		}
		set(q, n)
		return nil
	}}
}

// number reads a value. Its failure is told as dig tells it: what is wrong on the
// output, and that there is something on the error output.
func number(name, value string, limit int) (int, *failure) {
	n, err := strconv.ParseUint(value, 10, 32)
	why := ""
	switch {
	case errors.Is(err, strconv.ErrRange) || err == nil && n > uint64(limit):
		why = "out of range"
	case err != nil:
		why = "not a valid number"
	default:
		return int(n), nil
	}
	f := fatal(exitInternal, "Couldn't parse %s", name)
	f.said = fmt.Sprintf("invalid %s '%s': %s\n", name, value, why)
	return 0, f
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
		sets(func(q *query) *bool { return &q.bare }, "header-only"),
		{names: []string{"opcode"}, value: needed, set: setOpcode},
		{names: []string{"qid"}, value: needed, set: setID},
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
		sets(func(q *query) *bool { return &q.show.badCookie }, "showbadcookie"),
		{names: []string{"padding"}, value: needed, both: true, set: setPadding},
		{names: []string{"edns"}, value: optional, set: setVersion},
		{names: []string{"bufsize"}, value: optional, always: true, set: setSize},
		{names: []string{"cookie"}, value: optional, set: setCookie},
		{names: []string{"subnet"}, value: needed, set: setSubnet},
		{names: []string{"client"}, own: true, value: needed, set: setSubnet}, // as a patch of 2011 had it
		{names: []string{"ednsopt"}, value: optional, set: addOption},
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
		{names: []string{"keepopen"}, set: func(p *parser, _ *query, on bool, _ string) error {
			p.command.keep = on
			return nil
		}},
		{names: []string{"fail"}, set: func(_ *parser, q *query, on bool, _ string) error {
			q.onward = !on
			return nil
		}},
		{names: []string{"besteffort"}, set: func(_ *parser, q *query, on bool, _ string) error {
			q.strict = !on
			return nil
		}},
		{names: []string{"trace"}, set: setTrace},
		{names: []string{"nssearch"}, set: setServers},
		counts(most, func(q *query, n int) { q.timeout = time.Duration(max(n, 1)) * time.Second }, "timeout"),
		counts(most, func(q *query, n int) { q.tries = max(n, 1) }, "tries"),
		counts(most, func(q *query, n int) { q.tries = n + 1 }, "retries", "retry"),
	}
}

// laterOptions are those that dig has no longer, and those that nobody has yet.
func laterOptions() []plusOption {
	var all []plusOption
	for _, name := range []string{"dscp", "mapped", "sigchase", "topdown", "trusted-key", "unexpected"} {
		all = append(all, plusOption{names: []string{name}, set: func(p *parser, _ *query, _ bool, _ string) error {
			p.note(";; +%s has no effect", name)
			return nil
		}})
	}
	return append(all, plusOption{names: []string{"quic"}, own: true, set: func(_ *parser, q *query, on bool, _ string) error {
		if on {
			return fatal(exitUsage, "+quic (RFC 9250) is not implemented yet; +tls and +https encrypt as well")
		}
		return nil
	}})
}

func setVersion(_ *parser, q *query, on bool, value string) error {
	switch {
	case !on:
		q.edns.version = -1
	case value == "":
		q.edns.version = 0
	default:
		n, err := number("edns", value, 255)
		if err != nil {
			return err
		}
		q.edns.version = n
	}
	return nil
}

func setSize(_ *parser, q *query, _ bool, value string) error {
	size := defaultSize
	if value != "" {
		n, err := number("buffer size", value, 0xffff)
		if err != nil {
			return err
		}
		size = n
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
		q.edns.subnet, q.edns.place = netip.Prefix{}, ""
		return nil
	}
	q.edns.use()
	q.edns.place = ""
	if q.edns.subnet, err = parseSubnet(value); err != nil && isPlace(value) {
		q.edns.place = value
		return nil
	}
	return err
}

func setPadding(_ *parser, q *query, _ bool, value string) error {
	n, err := number("padding", value, 512)
	if err != nil {
		return err
	}
	q.edns.use()
	q.edns.padding = n
	return nil
}

// setOpcode reads an opcode's name or number.
func setOpcode(_ *parser, q *query, on bool, value string) error {
	q.header.Opcode = dns.OpcodeQuery
	if !on {
		return nil
	}
	for code := range 16 {
		if strings.EqualFold(opcodeText(code), value) {
			q.header.Opcode = code
			return nil
		}
	}
	n, err := number("opcode", value, 15)
	if err != nil {
		return err
	}
	q.header.Opcode = n
	return nil
}

// setID chooses the ID, which is random otherwise.
func setID(_ *parser, q *query, on bool, value string) error {
	q.id = -1
	if !on {
		return nil
	}
	n, err := number("qid", value, 0xffff)
	if err != nil {
		return err
	}
	q.id = n
	return nil
}

func setFlags(_ *parser, q *query, on bool, value string) error {
	q.edns.flags = 0
	if !on || value == "" {
		return nil
	}
	flags, err := strconv.ParseUint(value, 0, 16)
	if err != nil {
		_, why := number("ednsflags", value, 0)
		return why
	}
	q.edns.use()
	q.edns.flags = uint16(flags)
	return nil
}
