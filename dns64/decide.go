package dns64

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/sextant-dns/sextant/lookup"
)

// Outcome is what a lookup came to: a Response or an error. The zero value says
// that nothing was looked up yet.
type Outcome struct {
	Response *lookup.Response
	Err      error
}

// Known tells whether the lookup was made.
func (o Outcome) Known() bool { return o.Response != nil || o.Err != nil }

// Action is what to do next for an AAAA question.
type Action uint8

// The actions: two lookups that more must be known for, and five ends.
const (
	AskAAAA    Action = iota // look up AAAA, then decide again
	AskA                     // look up A, then decide again
	Pass                     // reply with what the AAAA lookup came to
	PassA                    // reply with what the A lookup came to
	Filter                   // reply with the AAAA response less its excluded AAAA
	Synthesize               // reply with AAAA made of the A response
	Deny                     // reply NODATA, built on the A response
)

// String is the action as a word.
func (a Action) String() string {
	return enumName("Action", uint8(a), "ask AAAA", "ask A", "pass", "pass A", "filter", "synthesize", "deny")
}

// Decision is an action and what led to it.
type Decision struct {
	Action Action
	Reason string // for people, with the section of the RFC

	// AAAA is the RRset to answer with: the synthetic one, or what is left of
	// the real one. Set with Synthesize and Filter.
	AAAA lookup.RRset

	// Prefixes are the Pref64s that AAAA was made with. Set with Synthesize.
	Prefixes []netip.Prefix
}

// String is the action and its reason.
func (d Decision) String() string { return fmt.Sprintf("%s: %s", d.Action, d.Reason) }

// Policy is a Rule made ready for use, with the addresses that it works on. It
// is immutable and safe for concurrent use.
type Policy struct {
	Rule
	mapping *mapping
	exclude *exclusion
}

// Decide tells what to do next for the AAAA question of name, from what is
// known so far. It is a pure function: Resolve does nothing but call it, make
// the lookups that it asks for, and do what it says in the end.
func (p *Policy) Decide(name lookup.Name, aaaa, a Outcome) Decision {
	switch {
	case p.Mode == Forced:
		return p.decideForced(name, aaaa, a)
	case p.Mode == Standard:
		return p.decideStandard(name, aaaa, a)
	case !aaaa.Known():
		return Decision{Action: AskAAAA, Reason: "the rule is off"}
	}
	return Decision{Action: Pass, Reason: "the rule is off"}
}

// decideStandard is RFC 6147 5.1 and 5.5.
func (p *Policy) decideStandard(name lookup.Name, aaaa, a Outcome) Decision {
	if !aaaa.Known() {
		return Decision{Action: AskAAAA, Reason: "a real AAAA is sought first (RFC 6147 5.1)"}
	}
	found, native := aaaa.find(name, lookup.TypeAAAA)
	switch found {
	case nxdomain:
		return Decision{Action: Pass, Reason: "the name does not exist (RFC 6147 5.1.2)"}
	case bogus:
		return Decision{Action: Pass, Reason: "the AAAA lookup failed validation (RFC 6147 5.5)"}
	case failed:
		if rcode := aaaa.rcode(); slices.Contains(p.PassRcodes, rcode) {
			return Decision{Action: Pass, Reason: fmt.Sprintf("the rule passes %s", rcode)}
		}
	case present:
		if d, ok := p.useNative(native); ok {
			return d
		}
		found = excluded
	}
	if !a.Known() {
		return Decision{Action: AskA, Reason: "no usable AAAA: " + found.String() + " (RFC 6147 5.1.6)"}
	}
	v4, set := a.find(name, lookup.TypeA)
	switch v4 {
	case bogus:
		return Decision{Action: PassA, Reason: "the A lookup failed validation (RFC 6147 5.5)"}
	case present:
		if d, ok := p.synthesize(set, negativeTTL(aaaa)); ok {
			return d
		}
	}
	switch {
	case found == failed:
		return Decision{Action: Pass, Reason: "both lookups came to nothing, AAAA first"}
	case v4 == failed:
		return Decision{Action: PassA, Reason: "the A lookup failed (RFC 6147 5.1.6)"}
	case found == excluded:
		return Decision{Action: Deny, Reason: "every AAAA is excluded and no A can be synthesized from (RFC 6147 5.1.4)"}
	}
	return Decision{Action: Pass, Reason: "no A to synthesize from (RFC 6147 5.4)"}
}

// decideForced is what macOS Internet Sharing does, and what to do where that
// leads nowhere.
func (p *Policy) decideForced(name lookup.Name, aaaa, a Outcome) Decision {
	if !a.Known() {
		return Decision{Action: AskA, Reason: "forced: A is sought first"}
	}
	v4, set := a.find(name, lookup.TypeA)
	switch v4 {
	case present:
		if d, ok := p.synthesize(set, noSOATTL); ok {
			return d
		}
	case nxdomain:
		return Decision{Action: PassA, Reason: "the name does not exist (RFC 6147 5.1.2)"}
	case bogus:
		return Decision{Action: PassA, Reason: "the A lookup failed validation (RFC 6147 5.5)"}
	case failed:
		// A real AAAA now would lead past the NAT64 names that do have an A.
		return Decision{Action: PassA, Reason: "the A lookup failed (RFC 6147 5.1.6)"}
	}
	switch {
	case p.HideNative:
		return Decision{Action: Deny, Reason: "no A to synthesize from, and the rule hides real AAAA"}
	case !aaaa.Known():
		return Decision{Action: AskAAAA, Reason: "no A to synthesize from: a real AAAA will do"}
	}
	found, native := aaaa.find(name, lookup.TypeAAAA)
	if found == present {
		if d, ok := p.useNative(native); ok {
			return d
		}
		return Decision{Action: Deny, Reason: "every AAAA is excluded (RFC 6147 5.1.4)"}
	}
	return Decision{Action: Pass, Reason: "neither A nor AAAA"}
}

// useNative decides for the real AAAA, unless all of them are excluded.
func (p *Policy) useNative(set lookup.RRset) (d Decision, ok bool) {
	switch kept := p.exclude.keep(set.Data); kept {
	case "":
		return Decision{}, false
	case set.Data:
		return Decision{Action: Pass, Reason: "a real AAAA exists (RFC 6147 5.1.1)"}, true
	default:
		// The signatures cover the whole RRset, so they are worth nothing now.
		set.Data, set.Sigs = kept, ""
		return Decision{Action: Filter, Reason: "some AAAA are excluded (RFC 6147 5.1.4)", AAAA: set}, true
	}
}

// noSOATTL caps the TTL of synthetic AAAA, in seconds, when no SOA came with
// the AAAA response or none was asked for (RFC 6147 5.1.7).
const noSOATTL = 600

// synthesize makes the AAAA RRset of an A RRset, unless none of its addresses
// maps to a Pref64. Owner, type and TTL are those of RFC 6147 5.1.7; the
// signatures of A do not cover it.
func (p *Policy) synthesize(a lookup.RRset, maxTTL uint32) (d Decision, ok bool) {
	data, prefixes := p.mapping.translate(a.Data)
	if data == "" {
		return Decision{}, false
	}
	return Decision{
		Action:   Synthesize,
		Reason:   "an A to synthesize from (RFC 6147 5.1.7)",
		AAAA:     lookup.RRset{Name: a.Name, Type: lookup.TypeAAAA, TTL: min(a.TTL, maxTTL), Data: data},
		Prefixes: prefixes,
	}, true
}

// negativeTTL is how long it may be held for true that there is no AAAA.
func negativeTTL(aaaa Outcome) uint32 {
	if aaaa.Response != nil && aaaa.Response.Rcode == lookup.NOERROR {
		if soa, ok := aaaa.Response.Denial(); ok {
			return lookup.NegativeTTL(soa)
		}
	}
	return noSOATTL
}

// finding is what an Outcome says of one RRset.
type finding uint8

const (
	present  finding = iota // it is there
	excluded                // it is there, but counts as absent: decided after find
	absent                  // the name exists without it (NODATA)
	nxdomain                // the name does not exist
	bogus                   // DNSSEC validation failed
	failed                  // any other failure: nobody knows
)

func (f finding) String() string {
	return enumName("finding", uint8(f), "present", "all excluded", "NODATA", "NXDOMAIN", "bogus", "the lookup failed")
}

// find looks for the RRset of type t at the end of the alias chain that starts
// at name (RFC 6147 5.1.5).
func (o Outcome) find(name lookup.Name, t lookup.Type) (finding, lookup.RRset) {
	switch {
	case o.isBogus():
		return bogus, lookup.RRset{}
	case o.rcode() == lookup.NXDOMAIN:
		return nxdomain, lookup.RRset{}
	case o.rcode() != lookup.NOERROR:
		return failed, lookup.RRset{}
	}
	_, end := o.Response.Chase(name)
	if set, ok := lookup.Find(o.Response.Answer, end, t); ok {
		return present, set
	}
	return absent, lookup.RRset{}
}

// rcode is the response's; an error counts as SERVFAIL (RFC 6147 5.1.3).
func (o Outcome) rcode() lookup.Rcode {
	if o.Err != nil {
		return lookup.SERVFAIL
	}
	return o.Response.Rcode
}

// isBogus tells whether a validator rejected the data: it says so in an Extended
// DNS Error of the codes 5 (DNSSEC Indeterminate) to 12 (NSEC Missing), or 25
// (Signature Expired before Valid).
func (o Outcome) isBogus() bool {
	rejects := func(e lookup.EDE) bool { // RFC 8914 4.6 to 4.13
		return e.Code >= lookup.EDEIndeterminate && e.Code <= lookup.EDENSECMissing || e.Code == lookup.EDESignatureExpiredEarlier
	}
	if o.Err != nil {
		return rejects(lookup.EDEOf(o.Err))
	}
	return o.Response.Rcode == lookup.SERVFAIL && slices.ContainsFunc(o.Response.EDE, rejects)
}
