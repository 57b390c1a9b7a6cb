package dns64

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
)

// said is a response, or an error, in text.
type said struct {
	rcode                         lookup.Rcode
	answer, authority, additional string // RRs, one a line
	security                      lookup.Security
	keep                          uint32
	scope                         string // a prefix
	ede                           []lookup.EDE
	err                           error
}

func (s said) outcome() Outcome {
	if s.err != nil {
		return Outcome{Err: s.err}
	}
	r := &lookup.Response{
		Rcode:      s.rcode,
		Answer:     lookup.MustRRsets(tidy(s.answer)),
		Authority:  lookup.MustRRsets(tidy(s.authority)),
		Additional: lookup.MustRRsets(tidy(s.additional)),
		Security:   s.security,
		Keep:       s.keep,
		EDE:        s.ede,
	}
	if s.scope != "" {
		r.Scope = netip.MustParsePrefix(s.scope)
	}
	return Outcome{Response: r}
}

// world is what the resolver below says, by "name type". It fails the test when
// it is asked for something else, and it notes every question.
type world map[string]said

// below is a resolver that stands on a world.
type below struct {
	t    testing.TB
	says map[string]Outcome

	mu      sync.Mutex
	asked   []string
	queries []lookup.Query
}

func (b *below) Resolve(_ context.Context, q lookup.Query) (*lookup.Response, error) {
	key := q.Name.String() + " " + q.Type.String()
	b.mu.Lock()
	b.asked = append(b.asked, key)
	b.queries = append(b.queries, q)
	b.mu.Unlock()
	o, ok := b.says[key]
	if !ok {
		b.t.Errorf("the resolver below was asked for %q, which nobody expected", key)
		return nil, lookup.Fail(lookup.EDEOther, "unexpected question %s", key)
	}
	return o.Response, o.Err
}

// wasAsked checks what the resolver below was asked, in order.
func (b *below) wasAsked(want ...string) {
	b.t.Helper()
	if got := strings.Join(b.asked, ", "); got != strings.Join(want, ", ") {
		b.t.Errorf("below was asked %q, want %q", got, strings.Join(want, ", "))
	}
}

// stack is a DNS64 over a world.
func stack(t testing.TB, o Options, w world) (*DNS64, *below) {
	t.Helper()
	b := &below{t: t, says: map[string]Outcome{}}
	for question, s := range w {
		b.says[question] = s.outcome()
	}
	d, err := New(b, o)
	if err != nil {
		t.Fatal(err)
	}
	return d, b
}

// query is a question of class IN in text: "name type" and then flags of DO, CD.
func query(text string) lookup.Query {
	types := map[string]lookup.Type{
		"A": lookup.TypeA, "AAAA": lookup.TypeAAAA, "PTR": lookup.TypePTR, "HTTPS": lookup.TypeHTTPS, "SVCB": lookup.TypeSVCB,
		"ANY": lookup.TypeANY, "MX": lookup.TypeMX, "TXT": lookup.TypeTXT, "SOA": lookup.TypeSOA, "NS": lookup.TypeNS, "DS": lookup.TypeDS,
	}
	fields := strings.Fields(text)
	q := lookup.Query{RD: true, Question: lookup.Question{Name: lookup.MustName(fields[0]), Type: types[fields[1]], Class: lookup.ClassIN}}
	for _, flag := range fields[2:] {
		q.DO = q.DO || flag == "DO"
		q.CD = q.CD || flag == "CD"
	}
	return q
}

// resolve asks d and wants a response.
func resolve(t testing.TB, d *DNS64, question string) *lookup.Response {
	t.Helper()
	r, err := d.Resolve(t.Context(), query(question))
	if err != nil {
		t.Fatalf("%s: %v", question, err)
	}
	return r
}

// same compares a response with its text. White space counts only as a break.
func same(t testing.TB, r *lookup.Response, want string) {
	t.Helper()
	if got := tidy(r.String()); got != tidy(want) {
		t.Errorf("got\n%s\n\nwant\n%s", got, tidy(want))
	}
}

func tidy(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if fields := strings.Fields(line); len(fields) > 0 {
			lines = append(lines, strings.Join(fields, " "))
		}
	}
	return strings.Join(lines, "\n")
}

// addresses is the AAAA of the answer section, in order.
func addresses(r *lookup.Response) string {
	var all []string
	for _, s := range r.Answer {
		if s.Type != lookup.TypeAAAA {
			continue
		}
		for rdata := range s.Data.All() {
			a, _ := netip.AddrFromSlice([]byte(rdata))
			all = append(all, a.String())
		}
	}
	return strings.Join(all, " ")
}

func prefixes(texts ...string) []netip.Prefix { return parsePrefixes(texts...) }

// The rest of the page is said everywhere.
const (
	soa      = "example. 300 IN SOA ns.example. host.example. 1 2 3 4 300"
	theA     = "v4.example. 3600 IN A 198.41.0.4"
	theAAAA  = "dual.example. 3600 IN AAAA 2001:db8::1"
	thatGave = "64:ff9b::c629:4" // for theA
)

// none is NODATA with its SOA.
var none = said{authority: soa}

// resolve says the outcome to whatever is asked.
func (o Outcome) resolve(context.Context, lookup.Query) (*lookup.Response, error) {
	return o.Response, o.Err
}
