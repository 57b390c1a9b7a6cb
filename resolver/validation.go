package resolver

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/ecs"
	"github.com/sextant-dns/sextant/lookup"
)

// Validation says whether and how answers are validated (RFC 4035 5). The zero
// value is that they are not.
type Validation struct {
	// Anchor finds the trust anchor that is closest to a name, at or above it; ok is
	// false where there is none, and there answers are taken as they come. It must be
	// quick and safe for concurrent use. nil: nothing is validated.
	Anchor func(name lookup.Name) (a Anchor, ok bool)

	// Seen is told of each DNSKEY RRset, with its RRSIGs and before it is checked, that
	// has come from servers for the chain of a zone at which there is a positive Anchor:
	// it may revoke the anchor (RFC 5011 2.1). Anchor is asked again afterwards. It must
	// be quick and safe for concurrent use, and must not ask the resolver. nil: nobody is
	// told.
	Seen func(keys lookup.RRset)

	Policy       dnssec.Policy
	Now          func() time.Time // by which signatures are valid; default Options.Now
	NoAggressive bool             // ask for names although proofs that are remembered deny them (RFC 8198)
	Permissive   bool             // what is bogus is answered as if it were insecure, and the EDE tells
	Turns        Turns            // to share with other resolvers; default NewTurns(0)
}

// Anchor is where validation begins, or where it ends.
type Anchor struct {
	Zone     lookup.Name
	DS       []dnssec.DS // one of them names a key that has signed the DNSKEY RRset
	Negative bool        // nothing at or below Zone is validated (RFC 7646)
}

// bogusLife is how long a failure of validation is remembered at least. A client
// who asks again is spared the work, and so are we (RFC 4035 4.7).
const bogusLife = time.Minute

// What is wrong with data that do not validate.
var (
	errBogus  = errors.New("validation has failed")
	errForged = errors.New("a server's answer is bogus") // others may have a better one
	// errUnsigned is with errForged when there are no signatures where there should be,
	// unless a cut of an unsigned zone hides there, which is tedious to find out.
	errUnsigned = errors.New("no signatures")
)

// bogus is the failure of data whose zone is all right.
func bogus(ede lookup.EDE) error {
	return &lookup.Failure{EDE: ede, Cause: errors.Join(errBogus, errForged)}
}

// spent is the failure of a query that has used up what it may compute. Another one
// might get further.
func spent(ede lookup.EDE) error { return &lookup.Failure{EDE: ede, Cause: errBudget} }

func (r *Resolver) validates() bool { return r.options.Validation.Anchor != nil }

// settled tells whether it is known how far h can be trusted.
func (r *Resolver) settled(h *hop) bool {
	return h.response.Security != lookup.Unchecked || !r.validates()
}

func (r *Resolver) verifier(t task) *dnssec.Verifier {
	return &dnssec.Verifier{Policy: r.options.Validation.Policy, Now: r.options.Validation.Now(), Budget: t.budget}
}

// reconsider validates what is remembered as an answer to q, and remembers the
// outcome.
func (r *Resolver) reconsider(ctx context.Context, t task, q lookup.Question, h *hop) (*hop, error) {
	now := r.options.Now()
	v, err := t.proof(ctx, t, q, verdictOf(q, h.aged(now), h.next))
	t.tellProof(q, v, err)
	if err != nil {
		return nil, err
	}
	return r.remember(t, q, v, now), nil
}

// remember keeps v as the answer to q, unless a flush has overtaken t.
func (r *Resolver) remember(t task, q lookup.Question, v verdict, now time.Time) *hop {
	kept := r.answers.keep(q, v, now)
	if r.overtaken(t) {
		r.unlearn(q, v)
	}
	return kept
}

// verdictOf is the verdict that response, an answer to q that leads to next, came
// from.
func verdictOf(q lookup.Question, response *lookup.Response, next lookup.Name) verdict {
	v := verdict{kind: answer, rcode: response.Rcode, sets: response.Answer, next: next, security: response.Security, ede: response.EDE}
	v.scope, v.passing = ecs.Scope{Network: response.Scope, Wanted: response.Wanted}, response.Uncacheable
	switch {
	case response.Keep > 0 && len(v.sets) == 0:
		v.kind = empty
	case len(v.sets) > 0 && v.sets[0].Type == lookup.TypeDNAME && q.Type != lookup.TypeDNAME && q.Type != lookup.TypeANY:
		v.kind = redirection
	case len(v.sets) > 0 && v.sets[0].Type == lookup.TypeCNAME && followsAlias(q.Type):
		v.kind = alias
	case len(v.sets) > 0:
	case v.rcode == lookup.NXDOMAIN:
		v.kind = nameError
	default:
		v.kind = noData
	}
	for _, s := range response.Authority {
		if s.Type == lookup.TypeSOA {
			v.soa = s
		} else if denies(s.Type) {
			v.proof = append(v.proof, s)
		}
	}
	return v
}

// vet validates what v says about q: its security is known then. What is bogus is
// a *lookup.Failure whose code says why (RFC 4035 5, RFC 8914 4.6-4.13).
func (r *Resolver) vet(ctx context.Context, t task, q lookup.Question, v verdict) (verdict, error) {
	at := home(q)
	anchor, ok := r.options.Validation.Anchor(at)
	z := r.zoneOf(t, q)
	switch {
	case !ok, z != nil && z.Insecure && !anchor.Zone.IsSubdomainOf(z.Name),
		q.Type == lookup.TypeRRSIG: // signatures are not signed (RFC 4035 2.2)
		return v.unsecured(lookup.EDE{}), nil
	case anchor.Negative:
		return v.unsecured(lookup.EDE{Code: lookup.EDENegativeAnchor}), nil
	}
	checked := v
	zone, err := r.zoneKeys(ctx, t, at, anchor, v)
	if err == nil {
		checked, err = r.weighed(ctx, t, q, v, zone)
	}
	if zone != nil && errors.Is(err, errForged) && looksOutdated(err) {
		if renewed := r.rekeyed(ctx, t, zone); renewed != zone {
			return r.weighed(ctx, t, q, v, renewed)
		}
	}
	return checked, err
}

// looksOutdated tells whether what is wrong may be wrong with what we know of the zone:
// it has changed its keys in a hurry, or is signed no longer.
func looksOutdated(err error) bool {
	code := lookup.EDEOf(err).Code
	return code == lookup.EDEDNSKEYMissing || code == lookup.EDERRSIGsMissing
}

// weighed is v with what it is worth, given what is known about its zone.
func (r *Resolver) weighed(ctx context.Context, t task, q lookup.Question, v verdict, zone *trust) (verdict, error) {
	if zone.grip != insecure {
		return r.verify(ctx, t, q, v, zone)
	}
	return v.unsecured(zone.why), nil
}

// unsecured is v as an insecure one, for the reason why; code 0 is none to tell.
func (v verdict) unsecured(why lookup.EDE) verdict {
	v.security = lookup.Insecure
	if why.Code != lookup.EDEOther {
		v.ede = append(slices.Clip(v.ede), why)
	}
	return v
}

// tolerate is vet for those who only want to see what validation would do.
func (r *Resolver) tolerate(ctx context.Context, t task, q lookup.Question, v verdict) (verdict, error) {
	vetted, err := r.vet(ctx, t, q, v)
	if err == nil || ctx.Err() != nil || t.soft && errors.Is(err, errForged) {
		return vetted, err
	}
	v.security, v.ede = lookup.Insecure, []lookup.EDE{lookup.EDEOf(err)}
	return v, nil
}

// zoneKeys is what is known about the zone that has signed v, or, when nobody has,
// about the zone of the name at. With an error it is the zone that v should be of, if
// it is known.
func (r *Resolver) zoneKeys(ctx context.Context, t task, at lookup.Name, anchor Anchor, v verdict) (*trust, error) {
	signer, signed := v.signer()
	if signed && at.IsSubdomainOf(signer) { // RFC 4035 5.3.1
		// The signer may well be above the anchor that is closest to the name: any
		// chain that holds will do (RFC 6840 C.2). But that nobody vouches for a zone
		// above says nothing about an island below it.
		if _, ok := r.options.Validation.Anchor(signer); ok {
			zone, err := r.trust(ctx, t, signer)
			if err != nil || zone.grip == secure || zone.grip == insecure && signer.IsSubdomainOf(anchor.Zone) {
				return zone, err
			}
		}
	}
	zone, err := r.governing(ctx, t, at, anchor.Zone, false)
	if err == nil && zone.grip == secure && t.soft && !signed {
		return nil, errors.Join(unsigned(zone), errUnsigned)
	}
	if err == nil && zone.grip == secure {
		zone, err = r.governing(ctx, t, at, anchor.Zone, true)
	}
	switch {
	case err != nil || zone.grip == insecure:
		return zone, err
	case signed:
		return nil, bogus(lookup.EDE{Code: lookup.EDEBogus, Text: "signed by " + signer.String() + ", not by " + zone.zone.String()})
	}
	return zone, unsigned(zone)
}

func unsigned(zone *trust) error {
	return bogus(lookup.EDE{Code: lookup.EDERRSIGsMissing, Text: "no signatures, but " + zone.zone.String() + " is signed"})
}

// signer is the zone that claims to have signed v.
func (v *verdict) signer() (lookup.Name, bool) {
	for _, sets := range [...][]lookup.RRset{v.sets, {v.soa}, v.proof} {
		for _, s := range sets {
			if zone, ok := dnssec.SignerOf(s); ok {
				return zone, true
			}
		}
	}
	return "", false
}

// verify checks v against the keys of its zone.
func (r *Resolver) verify(ctx context.Context, t task, q lookup.Question, v verdict, zone *trust) (verdict, error) {
	if err := r.options.Validation.Turns.Take(ctx); err != nil {
		return v, err
	}
	defer r.options.Validation.Turns.Give()
	c, encloser := r.verifier(t), lookup.Name("")
	defer func() { r.counters.signatures.Add(uint64(c.Checked)) }()
	v.words = ""
	check := func(s lookup.RRset) (lookup.RRset, error) {
		found := c.Verify(s, zone.zone, zone.keys)
		switch {
		case found.Spent:
			return s, spent(found.EDE)
		case found.Status != dnssec.Secure:
			return s, bogus(found.EDE)
		}
		if found.Encloser != "" {
			encloser = found.Encloser
		}
		if t.trace != nil && s.Type != lookup.TypeSOA {
			v.word(signedWords(s, zone.zone, found))
		}
		return s.WithTTL(found.TTL), nil
	}
	checked := make([]lookup.RRset, 0, len(v.sets))
	for i, s := range v.sets {
		if v.kind == redirection && i > 0 {
			s.TTL = checked[0].TTL // our own synthesis of what has just been checked
		} else {
			var err error
			if s, err = check(s); err != nil {
				return v, err
			}
		}
		checked = append(checked, s)
	}
	v.sets, v.security = checked, lookup.Secure
	if len(v.sets) > 0 && encloser == "" {
		v.proof = nil // nothing has to be proven, and nothing was
		return v, nil
	}
	if v.soa.Type == lookup.TypeSOA {
		var err error
		if v.soa, err = check(v.soa); err != nil {
			return v, err
		}
	}
	return r.believe(t, c, q, v, zone, encloser)
}

// believe asks the NSEC and NSEC3 RRsets of v for what they prove. encloser is that of
// a wildcard which v was made from, "" when v is a denial.
func (r *Resolver) believe(t task, c *dnssec.Verifier, q lookup.Question, v verdict, zone *trust, encloser lookup.Name) (verdict, error) {
	var proof []lookup.RRset
	var good dnssec.Result
	var fault lookup.EDE
	for _, s := range v.proof {
		// One that is bad proves nothing; the others may do without it.
		switch found := c.Verify(s, zone.zone, zone.keys); {
		case found.Spent:
			return v, spent(found.EDE)
		case found.Status == dnssec.Secure:
			proof, good = append(proof, s.WithTTL(found.TTL)), found
		case fault.Code == 0:
			fault = found.EDE
		}
	}
	denial, p := c.Denial(zone.zone, proof), dnssec.Proof{}
	switch {
	case encloser != "":
		p = denial.Expansion(q.Name, encloser)
	case v.kind == nameError:
		if p = denial.NXDOMAIN(q.Name); p.Status == dnssec.Bogus && !p.Spent {
			// Some servers deny empty non-terminals altogether. What is signed counts.
			if exists := denial.NODATA(q.Name, q.Type); exists.Status == dnssec.Secure {
				v.kind, v.rcode, p = noData, lookup.NOERROR, exists
			}
		}
	case q.Type == lookup.TypeDS && q.Name != zone.zone:
		p = denial.NoDS(q.Name)
		v.absence = p.Cut
	default:
		p = denial.NODATA(q.Name, q.Type)
	}
	switch {
	case p.Spent:
		return v, spent(p.EDE)
	case p.Status == dnssec.Bogus && fault.Code != 0:
		return v, bogus(fault) // which is why it is missing
	case p.Status == dnssec.Bogus:
		return v, bogus(p.EDE)
	case p.Status == dnssec.Insecure:
		v = v.unsecured(p.EDE)
	}
	v.proof = proof
	if v.security == lookup.Secure {
		r.gather(v, zone)
	}
	if t.trace != nil {
		v.word(deniedWords(v, zone.zone, encloser, p, good))
	}
	return v, nil
}
