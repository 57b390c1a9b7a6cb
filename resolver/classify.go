package resolver

import (
	"slices"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/ecs"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/transport"
)

// maxRest is how many aliases are learned from one reply beside the one that was
// asked for (CacheFlush).
const maxRest = 11

// maxAny is how many RRsets are taken of an answer to a question for ANY, each of
// which may cost a signature. Whoever asks for ANY gets what there is at hand
// (RFC 8482 4.1).
const maxAny = 24

// kind is what a reply means for the question.
type kind uint8

const (
	useless     kind = iota // from a server that is ill, lame or confused: ask another
	empty                   // NOERROR and not a single RR: ask another, and believe the third
	answer                  // the RRset that was asked for
	alias                   // a CNAME in its place
	redirection             // a DNAME above it
	noData                  // the name has no such type
	nameError               // there is no such name, NXDOMAIN
	referral                // others know
)

// verdict is what is believed of a reply. Only what is about the zone that was
// asked gets into one.
type verdict struct {
	kind     kind
	rcode    lookup.Rcode
	sets     []lookup.RRset // answer: what was asked for. alias: the CNAME. redirection: DNAME and synthesised CNAME
	soa      lookup.RRset   // of noData and nameError; may be missing, and then its type is 0
	next     lookup.Name    // where an alias leads
	cut      *cut           // where a referral leads; or what the zone says of itself, when asked for its NS
	why      string         // it is useless
	lame     bool           // useless not for this question only but for the zone
	soaAbove bool           // useless because it is a denial by a zone above

	// secondHand says that the server has it from another one's answer, which is
	// not what it was asked for: believed when there is nothing better.
	secondHand bool

	own lookup.RRset // the NS of the zone as it is in the authority section; type 0 if it is not

	proof    []lookup.RRset  // NSEC and NSEC3 that say what does not exist
	security lookup.Security // of all this, once it has been validated
	ede      []lookup.EDE    // what there is to tell about it, its security above all
	absence  dnssec.Cut      // of the denial of a DS that has been validated: what that says
	words    string          // of its security, for those who are curious
	scope    ecs.Scope       // whom it is for
	passing  bool            // it may not be kept

	// rest is what the same reply says of the names that the alias leads to.
	rest []finding
}

// kept is a copy of v, for when it may be needed.
func (v verdict) kept() *verdict { return &v }

// finding is a verdict on a question other than the one that was asked.
type finding struct {
	question lookup.Question
	verdict  verdict
}

// response is the verdict as a Response, without rest.
func (v verdict) response() *lookup.Response {
	r := &lookup.Response{Rcode: v.rcode, Answer: v.sets, Security: v.security, EDE: v.ede, Scope: v.scope.Network, Wanted: v.scope.Wanted}
	if v.soa.Type == lookup.TypeSOA {
		r.Authority = append(r.Authority, v.soa)
	}
	r.Authority = append(r.Authority, v.proof...)
	return r
}

// classify judges what a server of zone said when it was asked q. The order of
// the rules is that of RFC 1034 5.3.3 step 4, made sharper by what servers on the
// Internet do.
func classify(zone lookup.Name, q lookup.Question, r *transport.Reply) verdict {
	r = reunited(q, r)
	v := judge(zone, q, r)
	switch v.kind {
	case answer, alias, redirection, noData, nameError:
		v.secondHand = r.RA && !r.AA
		if r.AA {
			v.rest = readOn(zone, q, v, r)
			v.own, _ = lookup.Find(r.Authority, zone, lookup.TypeNS)
		}
		prove(zone, &v, r)
		if r.Misfits > 0 { // RFC 8914 4.1: nobody could guess from the answer alone
			v.ede = []lookup.EDE{{Code: lookup.EDEOther, Text: "RRs whose data do not fit their type were left out"}}
		}
	}
	if v.kind == answer && q.Type == lookup.TypeNS && q.Name == zone {
		v.cut = newCut(zone, v.sets[0], r.Additional)
	}
	return v
}

// relayed judges what a resolver said that the zone is forwarded to. It is taken
// for the authority for all that is in the zone, and whatever it says of name
// servers is of no interest (MaginotDNS, CVE-2021-25220).
func relayed(zone lookup.Name, q lookup.Question, r *transport.Reply) verdict {
	said := *r
	said.AA, said.RA = true, false
	v := classify(zone, q, &said)
	switch {
	case v.kind == referral && r.RA:
		v = denial(zone, q, &said) // the SOA is lost
	case v.kind == referral:
		v = verdict{why: "refers to others", lame: true}
	case v.soaAbove:
		v = denial(zone, q, &said) // the zone that is forwarded is only a part of that one
	}
	v.cut, v.own = nil, lookup.RRset{}
	return v
}

func judge(zone lookup.Name, q lookup.Question, r *transport.Reply) verdict {
	switch {
	case r.TC:
		return verdict{why: "truncated over TCP"}
	case r.Rcode == lookup.REFUSED || r.Rcode == lookup.NOTAUTH:
		return verdict{why: r.Rcode.String(), lame: true}
	case r.Rcode != lookup.NOERROR && r.Rcode != lookup.NXDOMAIN && r.Rcode != lookup.YXDOMAIN:
		return verdict{why: r.Rcode.String()}
	}
	found, ok := inAnswer(zone, q, r.Answer)
	switch {
	case r.Rcode == lookup.YXDOMAIN && (found.kind == answer || !hasDNAME(r.Answer)):
		return verdict{why: r.Rcode.String()} // RFC 6672 2.2: only a DNAME makes names too long
	case ok && r.AA:
		return found
	case r.Rcode != lookup.NOERROR && ok:
		return found
	case r.Rcode == lookup.NXDOMAIN:
		return denial(zone, q, r)
	}
	// A server that answers from data that it is not the authority for tells in
	// the same breath who is.
	if delegation, below := delegated(zone, q, r); below {
		return delegation
	}
	if ok {
		return found
	}
	return inAuthority(zone, q, r)
}

func hasDNAME(section []lookup.RRset) bool {
	return slices.ContainsFunc(section, func(s lookup.RRset) bool { return s.Type == lookup.TypeDNAME })
}

// inAnswer finds what q asks for, or the alias in its place. All else that the
// answer section holds is left out.
func inAnswer(zone lookup.Name, q lookup.Question, section []lookup.RRset) (verdict, bool) {
	var matching []lookup.RRset
	var cname lookup.RRset
	for _, s := range section {
		switch {
		case s.Type == lookup.TypeDNAME && isAbove(s.Name, q.Name) && s.Name.IsSubdomainOf(zone):
			return redirect(q.Name, s), true // whatever else is there: we do the synthesis
		case s.Name != q.Name:
		case s.Type == q.Type, q.Type == lookup.TypeANY && len(matching) < maxAny:
			matching = append(matching, s)
		case s.Type == lookup.TypeCNAME:
			cname = s
		}
	}
	if len(matching) > 0 {
		return verdict{kind: answer, sets: matching, next: aliasOf(matching)}, true
	}
	if target, ok := cname.Target(); ok && followsAlias(q.Type) {
		cname.Data = lookup.PackRdata(cname.Data.First()) // RFC 2181 10.1: there is but one
		return verdict{kind: alias, sets: []lookup.RRset{cname}, next: target}, true
	}
	return verdict{}, false
}

// aliasOf is where the answer to a question for CNAME leads those who ask for
// another type.
func aliasOf(sets []lookup.RRset) lookup.Name {
	if len(sets) != 1 || sets[0].Type != lookup.TypeCNAME {
		return ""
	}
	next, _ := sets[0].Target()
	return next
}

// isAbove tells whether upper is an ancestor of name.
func isAbove(upper, name lookup.Name) bool { return upper != name && name.IsSubdomainOf(upper) }

// redirect is what dname makes of name: the CNAME is always our own (RFC 6672 3.2),
// with the TTL of the DNAME (RFC 6672 3.1).
func redirect(name lookup.Name, dname lookup.RRset) verdict {
	v := verdict{kind: redirection, sets: []lookup.RRset{dname}}
	target, ok := dname.Target()
	if !ok {
		return verdict{why: "DNAME without a target"}
	}
	moved, err := name.Replace(dname.Name, target)
	if err != nil {
		v.rcode = lookup.YXDOMAIN // RFC 6672 2.2: the new name is too long
		return v
	}
	cname := lookup.RRset{Name: name, Type: lookup.TypeCNAME, TTL: dname.TTL, Data: lookup.PackRdata(string(moved))}
	v.sets, v.next = append(v.sets, cname), moved
	return v
}

// denial is a reply that says that q has no answer, with the SOA that says for how
// long (RFC 2308 2). The SOA of another zone is not taken.
func denial(zone lookup.Name, q lookup.Question, r *transport.Reply) verdict {
	v := verdict{kind: noData, rcode: r.Rcode}
	if r.Rcode == lookup.NXDOMAIN {
		v.kind = nameError
	}
	v.soa, _ = soaFor(zone, q.Name, r)
	return v
}

func soaFor(zone, name lookup.Name, r *transport.Reply) (lookup.RRset, bool) {
	for _, s := range r.Authority {
		if s.Type == lookup.TypeSOA && name.IsSubdomainOf(s.Name) && s.Name.IsSubdomainOf(zone) {
			return s, true
		}
	}
	return lookup.RRset{}, false
}

// inAuthority judges a reply by its authority section: the answer section is of
// no use.
func inAuthority(zone lookup.Name, q lookup.Question, r *transport.Reply) verdict {
	if _, ok := soaFor(zone, q.Name, r); ok {
		return denial(zone, q, r)
	}
	for _, s := range r.Authority {
		switch {
		case denies(s.Type) && s.Name.IsSubdomainOf(zone):
			return denial(zone, q, r) // a proof, good or bad, says more than the SOA that was left out
		case s.Type == lookup.TypeSOA && isAbove(s.Name, zone):
			return verdict{why: "answers for a zone above", lame: true, soaAbove: true}
		case s.Type != lookup.TypeNS:
		case s.Name == zone && r.AA:
			return denial(zone, q, r) // RFC 2308 2.2 type 3 with an NS in place of nothing
		case zone.IsSubdomainOf(s.Name):
			return verdict{why: "refers upwards or to itself", lame: true} // RFC 4697 2.2
		case q.Type == lookup.TypeDS && s.Name == q.Name:
			return denial(zone, q, r) // the parent side knows of no DS
		}
	}
	if len(r.Answer) == 0 && len(r.Authority) == 0 {
		return verdict{kind: empty}
	}
	return verdict{why: "nothing about the question"}
}

// readOn judges what r says about the name that v leads to, and about the one
// behind that, as long as they are in the zone: of other zones this server is not
// believed.
func readOn(zone lookup.Name, q lookup.Question, v verdict, r *transport.Reply) (rest []finding) {
	for range min(len(r.Answer), maxRest) {
		if v.next == "" || !followsAlias(q.Type) || !v.next.IsSubdomainOf(zone) {
			break
		}
		q.Name = v.next
		next, ok := inAnswer(zone, q, r.Answer)
		if !ok {
			if _, ok := soaFor(zone, q.Name, r); ok {
				rest = append(rest, finding{q, denial(zone, q, r)})
			}
			break
		}
		rest = append(rest, finding{q, next})
		v = next
	}
	return rest
}
