package scenario

import (
	"slices"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

// Mode is how strictly whole messages are compared.
type Mode int

// The modes, from strict to lenient.
const (
	// Exact compares every section RR by RR, in order, and the OPT.
	Exact Mode = iota
	// Sets compares header, question, answer and the SOA and denials of the
	// authority section, RRs in any order but CNAMEs in theirs. Of the OPT only
	// whether there is one counts, and the additional section does not.
	Sets
	// AnswerOnly compares the rcode, AD and the answer section as a set.
	AnswerOnly
)

// Comparison is how the words "all", "question" and "answer" compare messages.
type Comparison struct {
	Mode Mode
	// NoNS leaves the NS RRsets of the authority section out of account.
	NoNS bool
	// NoDO says that the client did not ask for DNSSEC records, so RRSIGs on
	// both sides are left out of account; not in Mode Exact.
	NoDO bool

	ttl bool // the entry has the word ttl
}

// Comparison is how strictly the answers of a third party's story are compared:
// as sets, and without the NS RRsets that it expects behind answers when it has
// switched minimal responses off.
func (s *Story) Comparison() Comparison {
	like := Comparison{Mode: Sets}
	for _, section := range s.Settings {
		for _, value := range section.Find("minimal-responses") {
			like.NoNS = value == "no"
		}
	}
	return like
}

// question compares the question sections.
func (d *differences) question(want, got *Packet) {
	d.section("question", foldAll(want.Question, false), foldAll(got.Question, false), true)
}

// answer compares the answer sections.
func (d *differences) answer(want, got *Packet, like Comparison) {
	expected, actual := like.kept(want, Answer), like.kept(got, Answer)
	if like.Mode == Exact {
		d.section("answer", expected, actual, true)
		return
	}
	if !d.section("answer", expected, actual, false) {
		return
	}
	if !slices.Equal(aliases(expected), aliases(actual)) {
		d.add("the aliases of the answer are in another order")
	}
}

// whole compares whole messages but for their IDs.
func (d *differences) whole(want, got *Packet, like Comparison, edns bool) {
	if want.Header.Rcode != got.Header.Rcode {
		d.add("rcode: want %s, got %s", want.Header.Rcode, got.Header.Rcode)
	}
	d.answer(want, got, like)
	if like.Mode == AnswerOnly {
		if want.Header.AD != got.Header.AD {
			d.add("AD: want %v, got %v", want.Header.AD, got.Header.AD)
		}
		return
	}
	if want.Header.Opcode != got.Header.Opcode {
		d.add("opcode: want %d, got %d", want.Header.Opcode, got.Header.Opcode)
	}
	if a, b := flagNames(want.Header), flagNames(got.Header); a != b {
		d.add("flags: want %s, got %s", a, b)
	}
	d.question(want, got)
	d.section("authority", like.kept(want, Authority), like.kept(got, Authority), like.Mode == Exact)
	if like.Mode == Exact {
		d.section("additional", like.kept(want, Additional), like.kept(got, Additional), true)
	}
	if edns {
		d.opt(want.OPT, got.OPT, like)
	}
}

// opt compares OPTs. Without the word ttl the flags, the version and the upper
// bits of the rcode do not count, as they stand in the TTL field.
func (d *differences) opt(want, got *OPT, like Comparison) {
	switch {
	case want == nil && got == nil:
		return
	case want == nil || got == nil:
		d.add("EDNS: want %v, got %v", want != nil, got != nil)
		return
	case like.ttl && want.ttl() != got.ttl():
		d.add("OPT flags: want %v, got %v", want, got)
	}
	if like.Mode != Exact {
		return
	}
	if want.Size != got.Size {
		d.add("EDNS size: want %d, got %d", want.Size, got.Size)
	}
	if want.Data != got.Data {
		d.add("EDNS options: want %x, got %x", want.Data, got.Data)
	}
}

// section compares RRs, in order or as a multiset, and tells whether they agree.
func (d *differences) section(name string, want, got []RR, ordered bool) bool {
	before := len(*d)
	rest := slices.Clone(got)
	for _, rr := range want {
		if i := slices.Index(rest, rr); i >= 0 {
			rest = slices.Delete(rest, i, i+1)
		} else {
			d.add("%s lacks:        %s", name, rr.folded())
		}
	}
	for _, rr := range rest {
		d.add("%s has besides:  %s", name, rr.folded())
	}
	if len(*d) == before && ordered && !slices.Equal(want, got) {
		d.add("%s: the RRs are in another order", name)
	}
	return len(*d) == before
}

// kept is the RRs of a section that count, folded.
func (like Comparison) kept(p *Packet, section int) []RR {
	rrs := foldAll(p.Sections[section], like.ttl)
	if like.Mode == Exact {
		return rrs
	}
	asked := p.Asked().Type
	return slices.DeleteFunc(rrs, func(rr RR) bool {
		t := rr.Type
		wanted := section == Answer && (asked == lookup.TypeRRSIG || asked == lookup.TypeANY)
		if t == lookup.TypeRRSIG && !wanted {
			if like.NoDO {
				return true
			}
			t = covered(rr)
		}
		return like.NoNS && section == Authority && t == lookup.TypeNS
	})
}

// covered is the type that an RRSIG covers (RFC 4034 3.1.1).
func covered(rr RR) lookup.Type {
	if len(rr.Rdata) < 2 {
		return lookup.TypeNone
	}
	return lookup.Type(rr.Rdata[0])<<8 | lookup.Type(rr.Rdata[1])
}

func foldAll(rrs []RR, ttl bool) []RR {
	folded := make([]RR, len(rrs))
	for i, rr := range rrs {
		folded[i] = rr.fold(ttl)
	}
	return folded
}

// aliases are the CNAMEs in their order.
func aliases(rrs []RR) []RR {
	return slices.DeleteFunc(slices.Clone(rrs), func(rr RR) bool { return uint16(rr.Type) != dns.TypeCNAME })
}
