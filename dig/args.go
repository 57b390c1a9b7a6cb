package dig

import (
	"bufio"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

const usage = `Usage:  dig [@server] [name] [type] [class] [-option...] [+option...]
            [name [@server] [type] [class] [-option...] [+option...] ...]

  @server   address or name of the server; default: those of /etc/resolv.conf
  name      what is asked about; type and class are A and IN unless they are given
  -4, -6    use IPv4 or IPv6 only              -b addr[#port]  send from there
  -p port   the server's port, 53              -q name         the name, certainly
  -t type   the type, certainly                -c class        the class, certainly
  -x addr   the name that belongs to addr      -u              times in microseconds
  -h        this text                          -v              the version

  +[no]short, +[no]all, +[no]comments, +[no]question, +[no]answer, +[no]authority,
  +[no]additional, +[no]stats, +[no]cmd, +[no]ttlid, +[no]class, +[no]qr
  +[no]tcp (+vc), +[no]ignore, +timeout=s, +tries=n, +retry=n
  +[no]recurse, +[no]adflag, +[no]cdflag, +[no]aaflag, +[no]raflag, +[no]tcflag, +[no]zflag
  +[no]edns[=n], +bufsize[=n], +[no]dnssec, +[no]nsid, +[no]cookie[=hex],
  +[no]subnet=addr[/len] (+client), +[no]expire, +[no]keepalive, +padding=n,
  +[no]ednsflags[=n], +[no]ednsopt=code[:hex], +[no]ednsnegotiation, +[no]badcookie`

// command is a command line that was understood.
type command struct {
	queries  []*query
	short    bool
	greet    bool   // print the greeting
	greeting string // of the first query
	port     uint16
	source   netip.AddrPort // to send from; invalid: the system's choice
	warnings []string
}

// environment is what parsing needs to know of the world.
type environment struct {
	version string
	resolv  string // path of resolv.conf
	resolve func(host string) ([]netip.Addr, error)
}

// parser walks the arguments. Options change the newest query, and before there
// is one the defaults that every query is copied from.
type parser struct {
	environment
	args     []string
	rest     []string // arguments that were not read yet
	command  *command
	defaults *query
	current  *query
	guess    bool // a word may be a type or class: -t and -c end that
	found    int  // addresses of the last @server
	only     int  // 4 or 6: the address family; 0: both
}

// parse reads a command line. The command is not nil when err is a failure, but
// then only its warnings are good.
func parse(args []string, env environment) (*command, error) {
	p := &parser{
		environment: env, args: args, rest: args,
		command:  &command{greet: true, port: 53},
		defaults: newQuery(), guess: true,
	}
	p.current = p.defaults
	if err := p.family(); err != nil {
		return p.command, err
	}
	for len(p.rest) > 0 {
		if err := p.argument(p.next()); err != nil {
			return p.command, err
		}
	}
	return p.command, p.finish()
}

func (p *parser) next() string {
	arg := p.rest[0]
	p.rest = p.rest[1:]
	return arg
}

func (p *parser) warn(format string, args ...any) {
	p.command.warnings = append(p.command.warnings, fmt.Sprintf(";; Warning, "+format, args...))
}

// family looks for -4 and -6 before all else: they decide which addresses a
// server has.
func (p *parser) family() error {
	for _, arg := range p.args {
		for i := 1; i < len(arg) && arg[0] == '-' && strings.IndexByte(flagLetters, arg[i]) >= 0; i++ {
			wanted := map[byte]int{'4': 4, '6': 6}[arg[i]]
			if wanted != 0 && p.only != 0 && p.only != wanted {
				return fatal(exitUsage, "only one of -4 and -6 allowed")
			}
			p.only = max(p.only, wanted)
		}
	}
	return nil
}

func (p *parser) argument(arg string) error {
	switch {
	case strings.HasPrefix(arg, "@"):
		return p.server(arg[1:])
	case strings.HasPrefix(arg, "+"):
		return p.plus(arg[1:])
	case strings.HasPrefix(arg, "-"):
		return p.dash(arg[1:])
	}
	if p.guess {
		if t, ok := parseType(arg); ok {
			return p.setType(t)
		}
		if c, ok := parseClass(arg); ok {
			p.setClass(c)
			return nil
		}
	}
	p.begin(arg)
	return nil
}

// begin starts a query for a name.
func (p *parser) begin(name string) {
	if len(p.command.queries) == 0 && p.command.greet {
		p.command.greeting = p.greeting()
	}
	p.current = p.defaults.clone()
	p.current.name = name
	p.command.queries = append(p.command.queries, p.current)
}

// greeting is what is printed before the first reply. It tells what was known
// when the first name was met.
func (p *parser) greeting() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n; <<>> Sextant %s <<>>", p.version)
	for _, arg := range p.args {
		b.WriteString(" " + arg)
	}
	b.WriteByte('\n')
	if p.found > 0 {
		fmt.Fprintf(&b, "; (%s found)\n", count(p.found, "server"))
	}
	b.WriteString(";; global options:")
	if p.command.short {
		b.WriteString(" +short")
	}
	b.WriteString(" +cmd\n")
	return b.String()
}

// finish fills in what nobody typed.
func (p *parser) finish() error {
	if len(p.command.queries) == 0 {
		p.begin(".")
		p.current.qtype = dns.TypeNS
	}
	for _, q := range p.command.queries {
		if len(q.servers) == 0 {
			q.servers = p.systemServers()
		}
		if _, err := lookup.ParseNameCase(q.name); err != nil {
			return fatal(exitInternal, "'%s' is not a legal name (%v)", q.name, errors.Unwrap(err))
		}
	}
	return nil
}

// server adds the addresses of a server: an address, alone or in brackets, or a
// name.
func (p *parser) server(name string) error {
	var addrs []netip.Addr
	bare := strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	if a, err := netip.ParseAddr(bare); err == nil {
		addrs = []netip.Addr{a}
	} else if addrs, err = p.resolve(name); err != nil || len(addrs) == 0 {
		return fatal(exitUsage, "couldn't get address for '%s': not found", name)
	}
	p.found = 0
	for _, a := range addrs {
		if a = a.Unmap(); p.usable(a) {
			p.current.servers = append(p.current.servers, server{a, name})
			p.found++
		}
	}
	if p.found == 0 {
		return fatal(exitUsage, "couldn't get address for '%s': address family not supported", name)
	}
	return nil
}

func (p *parser) usable(a netip.Addr) bool {
	return p.only == 0 || p.only == 4 && a.Is4() || p.only == 6 && a.Is6()
}

// systemServers are the name servers of resolv.conf, or this host.
func (p *parser) systemServers() []server {
	var servers []server
	add := func(text string) {
		if a, err := netip.ParseAddr(text); err == nil && p.usable(a) {
			servers = append(servers, server{a, text})
		}
	}
	if f, err := os.Open(p.resolv); err == nil {
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if words := strings.Fields(lines.Text()); len(words) > 1 && words[0] == "nameserver" {
				add(words[1])
			}
		}
	}
	if len(servers) == 0 {
		add("::1")
		add("127.0.0.1")
	}
	return servers
}

func (p *parser) setType(t uint16) error {
	if t == dns.TypeAXFR || t == dns.TypeIXFR {
		return fatal(exitUsage, "zone transfers are not implemented")
	}
	if p.current.typeSet {
		p.warn("extra type option")
	}
	p.current.setType(t)
	return nil
}

func (p *parser) setClass(c uint16) {
	if p.current.classSet {
		p.warn("extra class option")
	}
	p.current.class, p.current.classSet = c, true
}

// flagLetters are the letters that take no value and may stand together.
const flagLetters = "46himnruv"

// dash reads an option of letters: -4, -p53, -4p 53.
func (p *parser) dash(arg string) error {
	for arg != "" && strings.IndexByte(flagLetters, arg[0]) >= 0 {
		switch arg[0] {
		case 'h':
			return &request{usage}
		case 'v':
			return &request{"Sextant " + p.version}
		case 'u':
			p.current.show.micros = true
		}
		if arg = arg[1:]; arg == "" {
			return nil
		}
	}
	if arg == "" || strings.IndexByte("bcpqtx", arg[0]) < 0 || arg[1:] == "" && len(p.rest) == 0 {
		return &failure{exitUsage, "Invalid option: -" + arg + "\n" + usage}
	}
	value := arg[1:]
	if value == "" {
		value = p.next()
	}
	return p.letter(arg[0], value)
}

func (p *parser) letter(letter byte, value string) error {
	switch letter {
	case 'b':
		return p.bind(value)
	case 'c':
		p.guess = false
		if c, ok := parseClass(value); ok {
			p.setClass(c)
		} else {
			p.warn("ignoring invalid class %s", value)
		}
	case 'p':
		port, err := strconv.ParseUint(value, 10, 16)
		if err != nil {
			return fatal(exitUsage, "invalid port number '%s'", value)
		}
		p.command.port = uint16(port)
	case 'q':
		p.begin(value)
	case 't':
		p.guess = false
		if t, ok := parseType(value); ok {
			return p.setType(t)
		}
		p.warn("ignoring invalid type %s", value)
	case 'x':
		p.begin(reverse(value))
		if !p.current.typeSet {
			p.current.qtype = dns.TypePTR
		}
	}
	return nil
}

// bind reads address[#port], and uses only the address's family from now on.
func (p *parser) bind(value string) error {
	host, portText, _ := strings.Cut(value, "#")
	a, err := netip.ParseAddr(host)
	port, portErr := strconv.ParseUint("0"+portText, 10, 16)
	switch {
	case err != nil:
		return fatal(exitUsage, "invalid address %s", value)
	case portErr != nil:
		return fatal(exitUsage, "invalid port number '%s'", portText)
	}
	if a.Is4() {
		p.only = 4
	} else {
		p.only = 6
	}
	p.command.source = netip.AddrPortFrom(a, uint16(port))
	return nil
}
