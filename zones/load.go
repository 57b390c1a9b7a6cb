package zones

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

// LoadOptions say how a master file is read. The zero value suits a file that
// begins with $ORIGIN or writes its names in full.
type LoadOptions struct {
	// Origin is the apex of the zone and the $ORIGIN that the file starts with.
	// The zero Name takes the owner of the first SOA as apex.
	Origin lookup.Name

	// Includes is where $INCLUDE reads from, beside the file itself; nil refuses
	// $INCLUDE. It must keep readers inside: os.DirFS follows links out of its
	// directory, os.Root.FS does not.
	Includes fs.FS

	// Generate is how many RRs all $GENERATEs together may make; default
	// 1 048 576. A single one makes 65 536 at most.
	Generate int

	size int64 // of the file; 0: unknown
	slow bool  // the library reads every line, for tests

	narrow bool // what the library cannot read is wrong, for tests
}

const maxTTL = 1<<31 - 1 // RFC 2181 8

// Load reads a zone from a master file (RFC 1035 5); file is what problems call
// it. The error tells everything that is wrong, up to 20 things, each as a
// [Problem] on a line of its own; what is merely unwise is in [Zone.Lint].
func Load(r io.Reader, file string, o LoadOptions) (*Zone, error) {
	l := &loader{src: newSource(r, file, o)}
	l.gathered.reserve(o.size)
	defer l.src.close()
	err := l.read(o)
	l.report.files = l.src.names
	if err != nil || l.mistaken {
		return nil, errors.Join(l.report.err(), err)
	}
	apex, ok := l.apex(o.Origin)
	if !ok {
		return nil, errors.Join(l.report.err(), Problem{File: file, Text: "no SOA"})
	}
	z := build(apex, &l.gathered, &l.report)
	if err := l.report.err(); err != nil {
		return nil, err
	}
	z.lint = l.report.lint()
	return z, nil
}

// LoadFile is Load for a file on disk. Its $INCLUDEs may name files of its own
// directory and below; neither .. nor links lead out of it.
func LoadFile(file string, origin lookup.Name) (*Zone, error) {
	dir, err := os.OpenRoot(filepath.Dir(file))
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	o := LoadOptions{Origin: origin, Includes: dir.FS()}
	if info, err := f.Stat(); err == nil {
		o.size = info.Size()
	}
	return Load(f, filepath.ToSlash(file), o)
}

// loader turns the RRs of a master file into records.
type loader struct {
	src       *source
	lines     reader
	group     []byte // lines as one
	report    report
	gathered  gathered
	generated int
	options   LoadOptions
	mistaken  bool // lines were left out that nobody can read

	owner string // the owner of the latest RR that the library has read, and its wire form
	name  lookup.Name
}

// read makes records of all RRs. Its error is one after which nothing more can
// be read.
func (l *loader) read(o LoadOptions) error {
	if o.Generate == 0 {
		o.Generate = 1 << 20
	}
	l.options = o
	l.lines.narrow = o.narrow
	if o.Origin != "" {
		l.lines.origin = []byte(o.Origin)
	}
	for more := true; more; {
		line, err := l.src.main().peekLine()
		if len(line) == 0 && err == io.EOF {
			return nil
		}
		v := unread
		if err == nil && !o.slow {
			v = l.lines.line(line)
			if v == unread && grouped(line) {
				v = l.readGroup()
			}
		}
		switch v {
		case empty:
			l.src.main().skip()
		case whole:
			if err := l.addLine(); err != nil {
				return err
			}
			l.src.main().skip()
		case unread:
			if more, err = l.parse(); err != nil {
				return err
			}
		}
	}
	return nil
}

// grouped tells whether a line has parentheses, after what an RR begins with.
func grouped(line []byte) bool {
	i := bytes.IndexByte(line, '(')
	return i > 0 && line[0] != '$' && len(bytes.TrimLeft(line[:i], " \t")) > 0
}

// readGroup reads lines that parentheses hold together.
func (l *loader) readGroup() verdict {
	line := l.src.main().peekGroup(l.group)
	if line == nil {
		return unread
	}
	l.group = line
	return l.lines.line(line)
}

// addLine takes in the RR of a line.
func (l *loader) addLine() error {
	rr, st := &l.lines.rr, l.src.main()
	r := record{t: rr.t, ttl: rr.ttl, at: position{line: uint32(st.line), column: uint16(min(rr.column, 0xffff))}}
	if rr.t == lookup.TypeRRSIG {
		r.t, r.sig = lookup.Type(binary.BigEndian.Uint16(rr.rdata)), true
	}
	return add(&l.gathered, r, rr.name, rr.rdata)
}

// parse has the library read from here on, up to the first RR after which all that it
// knows is known here, too. It tells whether there is more after that.
func (l *loader) parse() (more bool, err error) {
	st := l.src.main()
	line := st.line
	p, prefix := l.parser()
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		at := l.src.position()
		generated := l.src.generated()
		if generated {
			if l.generated++; l.generated > l.options.Generate {
				l.report.errorf(at, "$GENERATE has made more than %d RRs", l.options.Generate)
				return false, nil
			}
			l.src.setGeneratedTTL(rr)
		}
		if err := l.add(rr, at); errors.Is(err, errZoneSize) {
			return false, err
		} else if err != nil {
			l.report.errorf(at, "%v", err)
		}
		if !generated && l.takeOver(rr) {
			l.src.next()
			return true, nil
		}
		l.src.next()
	}
	if err := p.Err(); err != nil {
		return l.goOn(l.parseProblem(err, line, prefix))
	}
	return false, nil
}

// goOn goes on after a mistake of the main file, behind the line that has it: who corrects a
// file wants to see all that is wrong. What is known is known still, unless a directive that
// the library alone has read stands before the mistake, or parentheses or strings do not end.
func (l *loader) goOn(mistake error) (more bool, err error) {
	p, ok := mistake.(Problem)
	st := l.src.main()
	if !ok || p.File != l.src.names[0] || len(l.src.open) > 1 || l.src.generated() || st.directed || l.options.slow || len(l.report.errors) == maxErrors-1 {
		return false, mistake
	}
	for !st.broken || !st.lexed.idle() {
		if _, err := st.ReadByte(); err != nil {
			return false, mistake
		}
	}
	l.mistaken = true
	l.report.errorf(position{line: uint32(p.Line), column: uint16(min(p.Column, 0xffff))}, "%s", p.Text)
	st.settle()
	l.src.next()
	return true, nil
}

// parser is the library's parser, which knows what is known here: the origin, the TTL
// and, when the line does not begin with an owner, the latest one. Of that it learns by
// an RR in prefix lines, put before the line.
func (l *loader) parser() (p *dns.ZoneParser, prefix int) {
	st, origin := l.src.main(), ""
	if l.lines.origin != nil {
		origin = lookup.Presentation(string(l.lines.origin))
	}
	st.prefix = nil
	if l.lines.owner != nil && !st.ownsLine() {
		st.prefix = []byte(lookup.Presentation(string(l.lines.owner)) + " IN A 192.0.2.0\n")
		prefix = 1
	}
	st.directed, st.lexed = false, lexed{}
	p = dns.NewZoneParser(st, origin, path.Base(l.src.names[0]))
	p.SetIncludeAllowed(l.options.Includes != nil)
	p.SetIncludeFS(l.src)
	if l.lines.timed {
		p.SetDefaultTTL(l.lines.ttl)
	}
	if l.lines.fixed {
		st.ttl = strconv.FormatUint(uint64(l.lines.ttl), 10)
	}
	if prefix > 0 {
		p.Next()
	}
	return p, prefix
}

// takeOver makes known what the library knows after an RR, if that can be: not inside
// of an included file, and not when a directive has told it more.
func (l *loader) takeOver(rr dns.RR) bool {
	st := l.src.main()
	if l.options.slow || len(l.src.open) > 1 || st.directed || !st.broken || !st.lexed.idle() || rr.Header().Name == "" {
		return false
	}
	owner, err := lookup.ParseName(rr.Header().Name)
	if err != nil {
		return false
	}
	if ttl := rr.Header().Ttl; !l.lines.fixed && ttl != 0 {
		l.lines.ttl, l.lines.timed = ttl, true
	} else if !l.lines.fixed {
		return false // the RR has no TTL, or 0
	}
	l.lines.owner = append(l.lines.owner[:0], owner...)
	st.settle()
	return true
}

// add takes an RR in.
func (l *loader) add(rr dns.RR, at position) error {
	h := rr.Header()
	if h.Name == "" {
		return errors.New("an RR that should inherit its owner, and there is none before it")
	}
	if h.Name != l.owner {
		name, err := lookup.ParseName(h.Name)
		if err != nil {
			return err
		}
		l.owner, l.name = h.Name, name
	}
	t := lookup.Type(h.Rrtype)
	switch {
	case h.Class != dns.ClassINET:
		return fmt.Errorf("%s: class %s, and a zone is of class IN", about(l.name, t), lookup.Class(h.Class))
	case isMeta(t):
		return fmt.Errorf("%s: a type that no zone may hold", about(l.name, t))
	case h.Ttl > maxTTL:
		return fmt.Errorf("%s: TTL %d is above 2^31-1 (RFC 2181 8)", about(l.name, t), h.Ttl)
	}
	l.checkStrings(rr, at)
	sortTypes(rr)
	rdata, err := lookup.PackRR(rr)
	if err != nil {
		return err
	}
	if isBare(rr, rdata) {
		return fmt.Errorf("%s: nothing follows the type", about(l.name, t))
	}
	r := record{t: t, ttl: h.Ttl, at: at}
	if t == lookup.TypeRRSIG {
		r.t, r.sig = coveredBy(rdata), true
	}
	return add(&l.gathered, r, string(l.name), rdata)
}

// checkStrings reports strings that the library has split, as servers do not agree to.
func (l *loader) checkStrings(rr dns.RR, at position) {
	txt, ok := rr.(*dns.TXT)
	if !ok || l.src.now().lexed.longest <= 255 || l.src.generated() {
		return
	}
	for _, s := range txt.Txt[:max(0, len(txt.Txt)-1)] {
		if len(s) >= 255 {
			l.report.warnf(at, "%s: a string of more than 255 octets, which is split (RFC 1035 3.3)", about(l.name, lookup.TypeTXT))
			return
		}
	}
}

// sortTypes puts the types of a bitmap into order: people may write them in any
// (RFC 4034 4.2), and the library writes none that is not in order.
func sortTypes(rr dns.RR) {
	switch rr := rr.(type) {
	case *dns.NSEC:
		slices.Sort(rr.TypeBitMap)
	case *dns.NSEC3:
		slices.Sort(rr.TypeBitMap)
	case *dns.CSYNC:
		slices.Sort(rr.TypeBitMap)
	}
}

// isMeta tells whether a type exists in messages only (RFC 6895 3.1, RFC 9824 3).
func isMeta(t lookup.Type) bool {
	return t == lookup.TypeNone || t == lookup.TypeOPT || t >= 128 && t <= lookup.TypeANY
}

// isBare tells whether an RR was written without rdata. The parser lets that pass,
// for dynamic updates (RFC 2136 2.4.1), and leaves every field zero.
func isBare(rr dns.RR, rdata string) bool {
	fresh, known := dns.TypeToRR[rr.Header().Rrtype]
	if _, list := rr.(*dns.APL); list { // RFC 3123 4: there may be no items
		return false
	}
	if !known || strings.Trim(rdata, "\x00") != "" {
		return false
	}
	bare := fresh()
	*bare.Header() = *rr.Header()
	return reflect.DeepEqual(rr, bare)
}

// apex is the name of the zone: as ordered, or the owner of the first SOA.
func (l *loader) apex(ordered lookup.Name) (apex lookup.Name, ok bool) {
	if ordered != "" {
		return ordered, true
	}
	for _, r := range l.gathered.records {
		if r.t == lookup.TypeSOA && !r.sig {
			return l.gathered.name(r), true
		}
	}
	return "", false
}

// parseProblem makes a Problem of the library's error, whose fields are private
// and whose text is "file: dns: what: \"token\" at line: 3:14". The library has read
// from that line on, in which it has seen prefix octets that are not there.
func (l *loader) parseProblem(err error, from, prefix int) error {
	file, what, ok := strings.Cut(err.Error(), ": dns: ")
	at := strings.LastIndex(what, " at line: ")
	if !ok || at < 0 {
		return Problem{File: l.src.names[0], Text: err.Error()}
	}
	p := Problem{File: path.Join(path.Dir(l.src.names[0]), file), Text: what[:at]}
	if l.options.Origin == "" && l.lines.origin == nil && strings.HasPrefix(p.Text, `bad owner name: "@"`) {
		p.Text += "; the name of the zone is not known, and there is no $ORIGIN"
	}
	line, column, _ := strings.Cut(what[at+len(" at line: "):], ":")
	p.Line, _ = strconv.Atoi(line)
	p.Column, _ = strconv.Atoi(column)
	switch {
	case file != path.Base(l.src.names[0]) || l.src.closed && slices.Contains(l.src.names[1:], l.src.names[0]):
		// The mistake is in an included file, which may have included itself.
	case l.src.generated(): // in lines that stand nowhere
		p.Line, p.Column = l.src.main().line, 1
	default:
		p.Line += from - 1 - prefix
	}
	return p
}
