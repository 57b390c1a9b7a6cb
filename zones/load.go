package zones

import (
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
}

const maxTTL = 1<<31 - 1 // RFC 2181 8

// Load reads a zone from a master file (RFC 1035 5); file is what problems call
// it. The error tells everything that is wrong, up to 20 things, each as a
// [Problem] on a line of its own; what is merely unwise is in [Zone.Lint].
func Load(r io.Reader, file string, o LoadOptions) (*Zone, error) {
	l := &loader{src: newSource(r, file, o.Includes)}
	defer l.src.close()
	err := l.read(o)
	l.report.files = l.src.names
	if err != nil {
		return nil, errors.Join(l.report.err(), err)
	}
	apex, ok := l.apex(o.Origin)
	if !ok {
		return nil, errors.Join(l.report.err(), Problem{File: file, Text: "no SOA"})
	}
	z := build(apex, l.records, &l.report)
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
	return Load(f, filepath.ToSlash(file), LoadOptions{Origin: origin, Includes: dir.FS()})
}

// loader turns the RRs of a master file into records.
type loader struct {
	src       *source
	report    report
	records   []record
	generated int

	owner string // the owner of the latest RR, and its wire form
	name  lookup.Name
}

// record is an RR and where it stands.
type record struct {
	name  lookup.Name
	rdata string
	at    position
	ttl   uint32
	t     lookup.Type // for an RRSIG the type that it covers
	sig   bool        // an RRSIG
}

// read makes records of all RRs. Its error is one after which nothing more can
// be read.
func (l *loader) read(o LoadOptions) error {
	if o.Generate == 0 {
		o.Generate = 1 << 20
	}
	origin := ""
	if o.Origin != "" {
		origin = o.Origin.String()
	}
	p := dns.NewZoneParser(l.src.main(), origin, path.Base(l.src.names[0]))
	p.SetIncludeAllowed(o.Includes != nil)
	p.SetIncludeFS(l.src)
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		at := l.src.position()
		if l.src.generated() {
			if l.generated++; l.generated > o.Generate {
				l.report.errorf(at, "$GENERATE has made more than %d RRs", o.Generate)
				break
			}
			l.src.setGeneratedTTL(rr)
		}
		if err := l.add(rr, at); err != nil {
			l.report.errorf(at, "%v", err)
		}
		l.src.next()
	}
	if err := p.Err(); err != nil {
		return l.parseProblem(err)
	}
	return nil
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
	sortTypes(rr)
	rdata, err := lookup.PackRR(rr)
	if err != nil {
		return err
	}
	if isBare(rr, rdata) {
		return fmt.Errorf("%s: nothing follows the type", about(l.name, t))
	}
	r := record{name: l.name, t: t, ttl: h.Ttl, rdata: rdata, at: at}
	if sig, ok := rr.(*dns.RRSIG); ok {
		r.t, r.sig = lookup.Type(sig.TypeCovered), true
	}
	l.records = append(l.records, r)
	return nil
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
	for _, r := range l.records {
		if r.t == lookup.TypeSOA && !r.sig {
			return r.name, true
		}
	}
	return "", false
}

// parseProblem makes a Problem of the library's error, whose fields are private
// and whose text is "file: dns: what: \"token\" at line: 3:14".
func (l *loader) parseProblem(err error) error {
	file, what, ok := strings.Cut(err.Error(), ": dns: ")
	at := strings.LastIndex(what, " at line: ")
	if !ok || at < 0 {
		return Problem{File: l.src.names[0], Text: err.Error()}
	}
	p := Problem{File: path.Join(path.Dir(l.src.names[0]), file), Text: what[:at]}
	line, column, _ := strings.Cut(what[at+len(" at line: "):], ":")
	p.Line, _ = strconv.Atoi(line)
	p.Column, _ = strconv.Atoi(column)
	return p
}
