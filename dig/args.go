package dig

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

// command is a command line that was understood.
type command struct {
	queries  []*query
	short    bool
	greet    bool           // print the greeting
	greeting string         // of the first query
	port     uint16         // 0: the usual one
	only     int            // 4 or 6: the address family; 0: both
	source   netip.AddrPort // to send from; invalid: the system's choice
	key      *key           // nil: queries are not signed
	keep     bool           // one connection is for several queries
	search   search
	geo      []string // files
	form     form
	split    int // characters of base64 or hexadecimal between spaces; 0: no spaces
	warnings []string
}

// environment is what parsing needs to know of the world.
type environment struct {
	version  string
	resolv   string // path of resolv.conf
	resolve  func(host string) ([]netip.Addr, error)
	readFile func(file string) ([]byte, error)
	locate   func(files []string, place string) (netip.Prefix, error) // nil: nobody knows
	geo      []string
	idn      bool // U-labels are read and printed unless somebody says otherwise
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
	first    *query // what the first name takes in place of a copy of the defaults
	batch    string // name of the file with more lines
	source   source
	guess    bool // a word may be a type or class: -t and -c end that
	greeted  bool // there was a greeting
	found    int  // addresses of the last @server
}

// source is where arguments come from.
type source int

const (
	commandLine source = iota
	batchFile          // options are for their line
	startFile          // ~/.digrc: there are no names
)

func newParser(env environment) *parser {
	p := &parser{
		environment: env,
		command:     &command{greet: true, split: unsplit, search: search{ndots: -1}},
		defaults:    newQuery(),
	}
	p.defaults.idn.in, p.defaults.idn.out = env.idn, env.idn
	p.command.geo = env.geo
	return p
}

// read takes the arguments of one line. The command's queries and warnings are
// those of this line.
func (p *parser) read(from source, args []string) error {
	p.source, p.args, p.rest, p.guess = from, args, args, true
	p.current, p.first = p.defaults, nil
	if from == batchFile {
		p.first = p.defaults.clone()
		p.current = p.first
	}
	p.command.queries, p.command.greeting, p.command.warnings = nil, "", nil
	for len(p.rest) > 0 {
		if err := p.argument(p.next()); err != nil {
			return err
		}
	}
	if from == startFile {
		return nil
	}
	return p.finish()
}

func (p *parser) next() string {
	arg := p.rest[0]
	p.rest = p.rest[1:]
	return arg
}

func (p *parser) warn(format string, args ...any) { p.note(";; Warning, "+format, args...) }

// note is a line for the error output.
func (p *parser) note(format string, args ...any) {
	p.command.warnings = append(p.command.warnings, fmt.Sprintf(format, args...))
}

// family looks for -4 and -6 before all else: they decide which addresses a
// server has.
func (p *parser) family(args []string) error {
	for _, arg := range args {
		for i := 1; i < len(arg) && arg[0] == '-' && strings.IndexByte(flagLetters, arg[i]) >= 0; i++ {
			wanted := map[byte]int{'4': 4, '6': 6}[arg[i]]
			if wanted != 0 && p.command.only != 0 && p.command.only != wanted {
				return fatal(exitUsage, "only one of -4 and -6 allowed")
			}
			p.command.only = max(p.command.only, wanted)
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
			if t == dns.TypeIXFR {
				p.warn("ixfr requires a serial number")
				return nil
			}
			p.setType(t)
			return nil
		}
		if serial, ok := parseSerial(arg); ok {
			p.setType(dns.TypeIXFR)
			p.current.serial = serial
			return nil
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
	if p.source == startFile {
		return
	}
	if len(p.command.queries) == 0 && p.command.greet {
		p.command.greeting = p.greeting()
	}
	if p.current = p.first; p.current == nil {
		p.current = p.defaults.clone()
	}
	p.first = nil
	p.current.name = name
	p.command.queries = append(p.command.queries, p.current)
}

// greeting is what is printed before the first reply. It tells what was known
// when the first name was met; a batch file's lines have a short one.
func (p *parser) greeting() string {
	var b strings.Builder
	fmt.Fprintf(&b, "; <<>> Sextant %s <<>>", p.version)
	for _, arg := range p.args {
		b.WriteString(" " + arg)
	}
	b.WriteByte('\n')
	if p.greeted {
		return b.String()
	}
	p.greeted = true
	if p.found > 0 {
		fmt.Fprintf(&b, "; (%s found)\n", count(p.found, "server"))
	}
	b.WriteString(";; global options:")
	if p.command.short {
		b.WriteString(" +short")
	}
	return "\n" + b.String() + " +cmd\n"
}

// finish fills in what nobody typed.
func (p *parser) finish() error {
	if len(p.command.queries) == 0 && (p.batch == "" || p.source == batchFile) {
		p.begin(".")
		p.current.qtype = dns.TypeNS
	}
	s := p.system()
	p.command.search.complete(s)
	for _, q := range p.command.queries {
		if len(q.servers) == 0 {
			q.servers = p.systemServers(s)
		}
		if err := q.check(p); err != nil {
			return err
		}
	}
	return nil
}

// check looks whether the query can be sent.
func (q *query) check(p *parser) (err error) {
	typed := q.name
	if q.idn.in {
		if q.name, err = toASCII(typed); err != nil {
			return err
		}
	}
	if _, err := lookup.ParseNameCase(q.name); err != nil {
		return fatal(exitInternal, "'%s' is not a legal name (%v)", typed, errors.Unwrap(err))
	}
	if q.edns.place != "" {
		if q.edns.subnet, err = p.place(q.edns.place); err != nil {
			return err
		}
	}
	if q.http.on() && q.qtype == dns.TypeAXFR {
		return fatal(exitUsage, "there are no zone transfers over HTTPS (RFC 8484 has one message a request); +tls has them")
	}
	return q.tls.load(p)
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
		if a = a.Unmap(); p.command.usable(a) {
			p.current.servers = append(p.current.servers, server{a, name})
			p.found++
		}
	}
	if p.found == 0 {
		return fatal(exitUsage, "couldn't get address for '%s': address family not supported", name)
	}
	return nil
}

func (c *command) usable(a netip.Addr) bool {
	return c.only == 0 || c.only == 4 && a.Is4() || c.only == 6 && a.Is6()
}

func (p *parser) setType(t uint16) {
	if p.current.typeSet {
		p.warn("extra type option")
	}
	p.current.setType(t)
}

func (p *parser) setClass(c uint16) {
	if p.current.classSet {
		p.warn("extra class option")
	}
	p.current.class, p.current.classSet = c, true
}

// flagLetters are the letters that take no value and may stand together.
const flagLetters = "46dhimnruv"

// dash reads an option of letters: -4, -p53, -4p 53.
func (p *parser) dash(arg string) error {
	if value, ok := strings.CutPrefix(arg, "-geo"); ok && (value != "" || len(p.rest) > 0) {
		if value == "" {
			value = "=" + p.next()
		}
		return p.plus("geo" + value)
	}
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
	if arg == "" || strings.IndexByte("bcfkpqtxy", arg[0]) < 0 || arg[1:] == "" && len(p.rest) == 0 {
		return invalid("-"+arg, "")
	}
	value := arg[1:]
	if value == "" {
		value = p.next()
	}
	return p.letter(arg[0], value)
}

func (p *parser) letter(letter byte, value string) (err error) {
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
	case 'f':
		if p.source == commandLine {
			p.batch = value
		}
	case 'k':
		p.command.key, err = p.readKey(value)
	case 'y':
		p.command.key, err = parseKey(value)
	case 'p':
		port, err := number("port number", value, 0xffff)
		if err != nil {
			err.code = exitUsage
			return err
		}
		p.command.port = uint16(port)
	case 'q':
		p.begin(value)
	case 't':
		p.guess = false
		p.typeOption(value)
	case 'x':
		p.begin(reverse(value))
		if !p.current.typeSet {
			p.current.qtype = dns.TypePTR
		}
	}
	return err
}

// typeOption reads the value of -t.
func (p *parser) typeOption(value string) {
	if serial, ok := parseSerial(value); ok {
		p.setType(dns.TypeIXFR)
		p.current.serial = serial
	} else if t, ok := parseType(value); !ok {
		p.warn("ignoring invalid type %s", value)
	} else if t == dns.TypeIXFR {
		p.warn("ixfr requires a serial number")
	} else {
		p.setType(t)
	}
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
		p.command.only = 4
	} else {
		p.command.only = 6
	}
	p.command.source = netip.AddrPortFrom(a, uint16(port))
	return nil
}
