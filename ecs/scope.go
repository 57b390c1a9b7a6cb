package ecs

import "net/netip"

// Scope is whom an answer is good for. The zero value is everyone. It is
// comparable.
type Scope struct {
	Network netip.Prefix // masked; the zero Prefix: everyone

	// Wanted is how many bits the authority wanted to know, of those that are kept apart,
	// when they are more than it was told. The answer then is to as little as it was told: only for those who
	// tell just as many bits as Network has (RFC 7871 7.3.1).
	Wanted uint8
}

// Exact tells whether the answer is only for those who tell just as many bits as
// Network has. What was asked without telling anything is, and has length 0: RFC
// 7871 7.3.1 keeps it apart from what has a SCOPE of 0.
func (s Scope) Exact() bool {
	return s.Wanted > 0 || s.Network.IsValid() && s.Network.Bits() == 0
}

// bySource is whom an answer is for that was asked without telling anything.
func bySource() Scope { return Scope{Network: Untold(netip.Addr{})} }

// shyly is whom an answer is for that was given to sent, which is less than there
// may be to tell.
func shyly(sent netip.Prefix, wanted int) Scope {
	return Scope{Network: sent, Wanted: uint8(min(max(wanted, sent.Bits()+1), sent.Addr().BitLen()))}
}

// Asks is the network to look up in a cache for a: what is told, or nothing.
func (a Audience) Asks() netip.Prefix {
	if a.Subnet.IsValid() {
		return a.Subnet
	}
	return bySource().Network
}

// Store is under which scope to keep an answer, and negative answers alike, that
// was got for a. most is the longest length that is kept apart; v is what Judge
// said, and plain that the zone cannot have tailored it, because it only delegates
// or its server is known to make nothing of the option.
//
// Only what stands in the answer section is kept so, and the denial itself; what
// authority and additional section tell of name servers is for everyone (RFC 7871
// 7.3.1), and a SCOPE in a referral is not looked at (RFC 7871 7.4).
func (a Audience) Store(h Heard, v Verdict, plain bool, most int) Scope {
	switch {
	case !h.Sent.IsValid() && !a.Subnet.IsValid():
		if plain && v == ForEveryone {
			return Scope{}
		}
		return bySource()
	case v == ForEveryone:
		return Scope{}
	case v == ForScope && h.Scope <= h.Sent.Bits():
		return Scope{Network: Truncated(h.Sent, h.Scope)}
	}
	// A SCOPE longer than SOURCE, or no word that can be believed.
	sent := a.Subnet
	if h.Sent.IsValid() {
		sent = h.Sent
	}
	if sent.Bits() >= most {
		return Scope{Network: sent}
	}
	if v == ForScope {
		return shyly(sent, min(h.Scope, most))
	}
	return shyly(sent, most)
}

// Tell is kept as it looks to a: whom of those who share the policy the answer is
// good for. What was told need not be in the asker's address, nor of its family:
// whoever hears the same because the same is told is meant. So an A record that was
// asked for on behalf of a NAT64 is for everyone who is behind it, and makes an
// AAAA that is.
func (a Audience) Tell(kept Scope) Scope {
	switch {
	case !kept.Network.IsValid(): // everyone
		return Scope{}
	case a.Subnet.IsValid() && kept == bySource(): // it was asked without telling what could be told
		return a.Tell(shyly(a.Subnet, a.Subnet.Addr().BitLen()))
	case a.Subnet.IsValid() && !a.alien:
		return kept
	}
	return Scope{Network: a.group}
}

// Narrowest is whom two answers are both good for, both having been given to the
// same asker: that of the two with the longer network, which lies in the other.
func Narrowest(a, b Scope) Scope {
	switch {
	case !a.Network.IsValid():
		return b
	case !b.Network.IsValid():
		return a
	case b.Network.Bits() != a.Network.Bits():
		if b.Network.Bits() > a.Network.Bits() {
			return b
		}
		return a
	}
	a.Wanted = max(a.Wanted, b.Wanted)
	return a
}
