package ecs

import "net/netip"

// Heard is a reply, as far as it says for whom it is.
type Heard struct {
	Sent   netip.Prefix // what the query told; the zero Prefix: nothing
	Option bool         // the reply has an option, which echoes Sent
	Scope  int          // its SCOPE PREFIX-LENGTH

	// Certain says that nobody but the server can have sent it: it came over TCP, or
	// with the right DNS Cookie.
	Certain bool
}

// Verdict is whom to believe that a reply is for.
type Verdict uint8

// The verdicts.
const (
	ForEveryone Verdict = iota
	ForScope            // the network of its option
	ForNetwork          // the network that was told, whatever the reply says
	Confirm             // it may be forged: ask again in a way that is certain
)

// Judge says whom a reply is for. What is said to be for everyone, with a SCOPE of
// 0 or without an option, is not believed on the word of one UDP packet where
// answers are known to differ: those who ask for many networks at once have as many
// queries in the air as they like, of which a forged reply has to match but one
// (RFC 7871 11.2; CVE-2025-5994). Where nothing of the kind is known, queries are
// aggregated, see Flights.
func Judge(k Known, h Heard) Verdict {
	switch {
	case !h.Sent.IsValid() && k.Tailors:
		return ForNetwork // there may be a better one for others
	case !h.Sent.IsValid():
		return ForEveryone
	case h.Option && h.Scope > 0:
		return ForScope
	case h.Certain:
		return ForEveryone // RFC 7871 7.3
	case k.Tailors || k.Server == Yes && !h.Option:
		if k.Unsure {
			return ForNetwork
		}
		return Confirm
	}
	return ForEveryone
}

// Bounds of what is in the air at once for one name and type (resilience against
// birthday attacks): of one network, one query; of all, so many.
const (
	maxFlights     = 4 // with the one that tells nothing
	maxAggregation = 1
)

// Flights is how many networks may be told at once under one name, while one more
// query may be in the air that tells nothing: one where answers are not known to
// differ, since the first one is likely to do for all.
func Flights(tailors bool) int {
	if tailors {
		return maxFlights - 1
	}
	return maxAggregation
}

// OutcomeOf is what to remember of a reply to a query with an option.
func OutcomeOf(h Heard) Outcome {
	switch {
	case h.Option && h.Scope > 0:
		return Tailored
	case h.Option:
		return Echoed
	case h.Certain:
		return Confirmed
	}
	return Missing
}
