package lookup

import "net/netip"

// Choice tells which of few answers to one question somebody gets, without the answer: by
// where they are, say. Whoever has the answers then has no need to keep them for each
// network. It is safe for concurrent use.
type Choice interface {
	// Of is the number, 0 or more, of the answer for a client, which told of subnet or, if
	// that is the zero Prefix, of none; and what Scope and Wanted of its Response are.
	// Answers of one number are the same but for those. ok is false when one has to ask
	// anew: what the choice was made of has changed, or the answer is none of those. It
	// must not wait, and asked for the same it says the same, until it says that.
	Of(client netip.Addr, subnet netip.Prefix) (number int, scope netip.Prefix, wanted uint8, ok bool)

	// Warm has the processor fetch the memory that Of will look at for clients in these
	// networks, and for all of them at once. It must not wait, and keeps nothing of them.
	Warm(networks []netip.Prefix)
}
