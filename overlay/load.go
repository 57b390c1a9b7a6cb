package overlay

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/sextant-dns/sextant/geo"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/zones"
)

// Options say what an overlay lies over. It needs a Base, or an Origin in its place.
type Options struct {
	// Base is the zone. nil, or Absent: what an overlay says is not judged against a zone.
	Base *zones.Zone
	// Origin is the apex, and the $ORIGIN that the file starts with; default Base's apex.
	Origin lookup.Name

	// Includes is where $INCLUDE reads from, beside the file itself; nil refuses
	// $INCLUDE. It must keep readers inside: os.DirFS follows links out of its
	// directory, os.Root.FS does not.
	Includes fs.FS

	// Views and Sets are those that there are, for view: and net:. Other names are
	// errors. nil: any name is good.
	Views []string
	Sets  map[string][]netip.Prefix
}

const (
	maxTTL      = 1<<31 - 1 // RFC 2181 8
	maxIncludes = 1000      // files that one overlay is made of
	maxDepth    = 8         // of files that include one another
	maxFile     = 256 << 20 // octets; whoever needs more has a different problem
)

// Load reads an overlay; file is what problems call it. The error tells everything that
// is wrong, up to 20 things, each as a [Problem] on a line of its own; what is merely
// unwise is in [Overlay.Lint].
func Load(r io.Reader, file string, o Options) (*Overlay, error) {
	if o.Origin == "" && o.Base != nil {
		o.Origin = o.Base.Apex()
	}
	if o.Base != nil && o.Base.Absent() {
		o.Base = nil
	}
	if o.Origin == "" {
		return nil, errors.New("overlay: neither a zone nor a name of one")
	}
	l := &loader{
		Options: o,
		main:    file,
		report:  report{files: map[string]int{}},
		overlay: &Overlay{Apex: o.Origin},
		sites:   map[string]int{},
		routes:  map[lookup.Name]int{},
		origins: map[lookup.Name]string{},
	}
	l.read(r, file, Position{File: file}, scope{origin: o.Origin, when: []Condition{{}}}, 0)
	l.judge()
	if err := l.err(file); err != nil {
		return nil, err
	}
	l.overlay.Lint = l.inOrder(l.warnings, l.forgotten, file)
	return l.overlay, nil
}

// LoadFile is Load for a file on disk. Its $INCLUDEs may name files of its own directory
// and below; neither .. nor links lead out of it. o.Includes is not used.
func LoadFile(file string, o Options) (*Overlay, error) {
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
	o.Includes = dir.FS()
	return Load(f, filepath.ToSlash(file), o)
}

// loader makes an Overlay of the entries of files.
type loader struct {
	Options
	report
	main    string
	opened  int // files
	overlay *Overlay

	sites   map[string]int      // in overlay.Sites
	routes  map[lookup.Name]int // in overlay.Routes
	records []record
	named   []named
	serving map[lookup.Name][]int           // which sites have records for a name
	served  []map[lookup.Name][]lookup.Type // what each site has
	origins map[lookup.Name]string          // in presentation form
}

// scope is what entries of a file depend on: what was said before them.
type scope struct {
	origin lookup.Name
	owner  lookup.Name // of the latest record
	ttl    uint32      // of the latest $TTL
	timed  bool        // there was one

	when   []Condition // alternatives, one at least
	within Position    // of the $WHEN that is in force; the zero Position: none
	keep   []lookup.Type
	site   string // of the $AT that is in force; "": none
	at     Position
}

// named is a name that has to be defined somewhere.
type named struct {
	what string // site, view or set
	name string
	at   Position
}

// read reads a file that depth others include, the last of them at that place.
func (l *loader) read(r io.Reader, file string, from Position, s scope, depth int) {
	if _, again := l.files[file]; !again {
		l.files[file] = len(l.files)
	}
	l.opened++
	text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		l.mistake(from, "", "cannot be read: %v", err)
		return
	}
	if len(text) > maxFile {
		l.mistake(from, "", "longer than %d octets", maxFile)
		return
	}
	lexer := newLexer(file, string(text))
	var e entry
	for {
		wrong, more := lexer.next(&e)
		switch {
		case wrong != nil:
			l.mistake(wrong.Position, wrong.Hint, "%s", wrong.Text)
		case !more:
			return
		default:
			l.entry(&s, e, depth)
		}
	}
}

func (l *loader) entry(s *scope, e entry, depth int) {
	first := e.tokens[0]
	if !strings.HasPrefix(first.text, "$") || e.blank {
		l.record(s, e)
		return
	}
	rest := e.tokens[1:]
	switch strings.ToUpper(first.text) {
	case "$ORIGIN":
		if l.count(first, rest, 1, 1, "$ORIGIN NAME") {
			if name, ok := l.name(s, rest[0]); ok {
				s.origin = name
			}
		}
	case "$TTL":
		if l.count(first, rest, 1, 1, "$TTL SECONDS") {
			if ttl, ok := parseTTL(rest[0].text); ok {
				s.ttl, s.timed = ttl, true
			} else {
				l.mistake(rest[0].at, "seconds, or a number with one of w, d, h, m, s after it", "%q is not a TTL", rest[0].text)
			}
		}
	case "$INCLUDE":
		l.include(*s, first, rest, depth)
	case "$WHEN":
		l.when(s, first, rest)
	case "$SITE":
		l.site(first, rest)
	case "$AT":
		l.atSite(s, first, rest)
	case "$ROUTE":
		l.route(s, first, rest)
	case "$EXPECT":
		l.expect(s, first, rest)
	case "$GENERATE":
		l.mistake(first.at, "write the records out, or put them into the zone", "$GENERATE does not exist in overlays")
	default:
		known := []string{"$WHEN", "$SITE", "$AT", "$ROUTE", "$EXPECT", "$ORIGIN", "$TTL", "$INCLUDE"}
		l.mistake(first.at, instead(first.text, "directives", known), "there is no directive %s", first.text)
	}
}

// count sees to it that a directive has from least to most words after it.
func (l *loader) count(d token, rest []token, least, most int, usage string) bool {
	switch {
	case len(rest) < least:
		l.mistake(d.at, "write "+usage, "%s is incomplete", strings.ToUpper(d.text))
	case len(rest) > most:
		l.mistake(rest[most].at, "write "+usage, "%q is more than %s takes", rest[most].text, strings.ToUpper(d.text))
	}
	return len(rest) >= least && len(rest) <= most
}

// include reads another file. What is said in it of $ORIGIN, $TTL, $WHEN and $AT ends
// with it (RFC 1035 5.1).
func (l *loader) include(s scope, first token, rest []token, depth int) {
	if !l.count(first, rest, 1, 2, "$INCLUDE FILE, and perhaps an origin") {
		return
	}
	file := rest[0].plain()
	if len(rest) > 1 {
		origin, ok := l.name(&s, rest[1])
		if !ok {
			return
		}
		s.origin = origin
	}
	switch {
	case l.Includes == nil:
		l.mistake(rest[0].at, "", "$INCLUDE is not allowed here")
		return
	case depth+1 >= maxDepth:
		l.mistake(rest[0].at, "do files include each other?", "more than %d files that include one another", maxDepth)
		return
	case l.opened >= maxIncludes:
		l.mistake(rest[0].at, "", "more than %d files make up the overlay", maxIncludes)
		return
	}
	f, err := l.Includes.Open(file)
	if err != nil {
		l.mistake(rest[0].at, "a file of this file's directory, or of one below it", "cannot be opened: %v", err)
		return
	}
	defer f.Close()
	l.read(f, path.Join(path.Dir(l.main), file), rest[0].at, s, depth+1)
}

// name reads a name; one without a final dot is below $ORIGIN.
func (l *loader) name(s *scope, t token) (lookup.Name, bool) {
	if t.text == "@" {
		return s.origin, true
	}
	text := t.text
	if strings.HasPrefix(text, `"`) {
		l.mistake(t.at, "names are written without quotes", "%s is not a name", t.text)
		return "", false
	}
	if !absolute(text) {
		text += "." + l.presentation(s.origin)
	}
	name, err := lookup.ParseName(text)
	if err != nil {
		l.mistake(t.at, "", "%v", err)
		return "", false
	}
	return name, true
}

// presentation is a $ORIGIN as text, which many names need. The root's is "", for the
// dot is there already.
func (l *loader) presentation(origin lookup.Name) string {
	if origin == lookup.Root {
		return ""
	}
	text, ok := l.origins[origin]
	if !ok {
		text = origin.String()
		l.origins[origin] = text
	}
	return text
}

// absolute tells whether a name ends in a dot that no backslash escapes.
func absolute(text string) bool {
	rest, dot := strings.CutSuffix(text, ".")
	slashes := len(rest) - len(strings.TrimRight(rest, `\`))
	return dot && slashes%2 == 0
}

// parseTTL reads seconds, or numbers with units: 1h30m.
func parseTTL(text string) (seconds uint32, ok bool) {
	total, number := uint64(0), ""
	for _, c := range strings.ToLower(text) {
		unit := map[rune]uint64{'w': 7 * 86400, 'd': 86400, 'h': 3600, 'm': 60, 's': 1}[c]
		switch {
		case c >= '0' && c <= '9' && len(number) < 10:
			number += string(c)
			continue
		case unit == 0 || number == "":
			return 0, false
		}
		n, _ := strconv.ParseUint(number, 10, 64)
		total, number = total+n*unit, ""
		if total > maxTTL {
			return 0, false
		}
	}
	if number != "" {
		n, _ := strconv.ParseUint(number, 10, 64)
		total += n
	}
	return uint32(min(total, maxTTL+1)), text != "" && total <= maxTTL
}

// selectorMust notes that the view or set of a selector has to be there.
func (l *loader) selectorMust(s geo.Selector, at Position) {
	switch s.Kind {
	case geo.View:
		l.named = append(l.named, named{"view", s.Value, at})
	case geo.Set:
		l.named = append(l.named, named{"set", s.Value, at})
	}
}

// about is how a problem names an RRset.
func about(name lookup.Name, t lookup.Type) string { return fmt.Sprintf("%s %s", name, t) }
