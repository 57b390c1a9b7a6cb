package zones

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
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
	if err := l.readFile(); !errors.Is(err, errGenerated) {
		return err
	}
	return nil
}

// readFile makes records of all RRs of a file.
func (l *loader) readFile() error {
	for more := true; more; {
		line, err := l.src.main().peekLine()
		if len(line) == 0 && err == io.EOF {
			return nil
		}
		v := unread
		if err == nil && !l.options.slow {
			v = l.lines.line(line)
			if v == unread && grouped(line) {
				v = l.readGroup()
			}
			if v == unread && line[0] == '$' {
				if v, err = l.obey(line); err != nil {
					return err
				}
			}
		}
		switch v {
		case obeyed:
		case empty:
			l.src.main().skip()
		case whole:
			if err := l.addLine(l.place()); err != nil {
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

// obey obeys a directive that makes RRs, if it is one that is read here.
func (l *loader) obey(line []byte) (verdict, error) {
	if !l.options.narrow && nibbled(line) {
		return empty, l.generate(string(line))
	}
	if done, err := l.include(line); done {
		return obeyed, err
	}
	return unread, nil
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

// place is where the RR of a line stands.
func (l *loader) place() position {
	return position{line: uint32(l.src.main().line), file: l.src.main().index, column: uint16(min(l.lines.rr.column, 0xffff))}
}

// addLine takes in the RR of a line, which stands there.
func (l *loader) addLine(at position) error {
	rr := &l.lines.rr
	r := record{t: rr.t, ttl: rr.ttl, at: at}
	if rr.t == lookup.TypeRRSIG {
		r.t, r.sig = lookup.Type(binary.BigEndian.Uint16(rr.rdata)), true
	}
	return add(&l.gathered, r, rr.name, rr.rdata)
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
