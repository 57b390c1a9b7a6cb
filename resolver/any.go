package resolver

import "github.com/sextant-dns/sextant/lookup"

// Any is what becomes of queries for ANY, which mostly serve to make answers large.
type Any uint8

// The choices.
const (
	AnyFull    Any = iota // all that a server of the zone says
	AnyMinimal            // one RRset of that (RFC 8482 4.1)
	AnyRefuse             // REFUSED, and nobody is asked
)

// single is a response to a query for ANY with its first RRset alone. That the others
// are missing makes what is there no less true, nor less signed.
func single(response *lookup.Response) *lookup.Response {
	if len(response.Answer) < 2 {
		return response
	}
	one := *response
	one.Answer = response.Answer[:1:1]
	return &one
}
