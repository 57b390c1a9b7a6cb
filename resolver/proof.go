package resolver

import (
	"slices"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/transport"
)

// maxProof is how many NSEC or NSEC3 RRsets of one reply are taken. The longest
// honest proof, of NXDOMAIN by NSEC3, has three (RFC 5155 7.2.2).
const maxProof = 6

// prove gives v, and what else the same reply says, the NSEC and NSEC3 RRsets that
// it takes to believe it: denials, and answers that were made from a wildcard
// (RFC 4035 3.1.3).
func prove(zone lookup.Name, v *verdict, r *transport.Reply) {
	var proof, unsigned []lookup.RRset
	for _, s := range r.Authority {
		switch {
		case !denies(s.Type) || !s.Name.IsSubdomainOf(zone):
		case s.Sigs == "":
			unsigned = append(unsigned, s)
		case len(proof) < maxProof:
			proof = append(proof, s)
		}
	}
	if len(proof) == 0 { // what proves nothing tells at least what is wrong
		proof = unsigned[:min(len(unsigned), maxProof)]
	}
	if len(proof) == 0 {
		return
	}
	if v.needsProof() {
		v.proof = proof
	}
	for i := range v.rest {
		if f := &v.rest[i].verdict; f.needsProof() {
			f.proof = proof
		}
	}
}

func denies(t lookup.Type) bool { return t == lookup.TypeNSEC || t == lookup.TypeNSEC3 }

func (v *verdict) needsProof() bool {
	if len(v.sets) == 0 {
		return v.kind != useless
	}
	return isExpanded(v.sets[0])
}

// isExpanded tells whether s was made from a wildcard: its RRSIGs cover fewer
// labels than its name has (RFC 4035 5.3.4).
func isExpanded(s lookup.RRset) bool {
	const labels = 3 // where it stands in the rdata of an RRSIG (RFC 4034 3.1)
	for sig := range s.Sigs.All() {
		if len(sig) > labels && int(sig[labels]) < s.Name.Labels() {
			return true
		}
	}
	return false
}

// reunited is r in which sets have the signatures, too, that stand in another section
// than they do: it is the signature that counts, not its place. r itself as a rule.
func reunited(q lookup.Question, r *transport.Reply) *transport.Reply {
	var lone []lookup.RRset
	for _, section := range [...][]lookup.RRset{r.Answer, r.Authority, r.Additional} {
		for _, s := range section {
			if s.Type == lookup.TypeRRSIG {
				lone = append(lone, s)
			}
		}
	}
	if len(lone) == 0 || q.Type == lookup.TypeRRSIG {
		return r
	}
	joined := *r
	joined.Answer, joined.Authority = slices.Clone(r.Answer), slices.Clone(r.Authority)
	for _, section := range [...][]lookup.RRset{joined.Answer, joined.Authority} {
		for i, s := range section {
			sigs := slices.Collect(s.Sigs.All())
			for _, l := range lone {
				for sig := range l.Data.All() {
					if l.Name == s.Name && len(sig) > 2 && lookup.Type(sig[0])<<8|lookup.Type(sig[1]) == s.Type {
						sigs = append(sigs, sig)
					}
				}
			}
			section[i].Sigs = lookup.PackRdata(sigs...)
		}
	}
	return &joined
}
