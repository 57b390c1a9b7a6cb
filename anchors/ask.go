package anchors

import (
	"context"

	"github.com/sextant-dns/sextant/lookup"
)

// FetchBy is an Options.Fetch that asks r: for what servers say now, without
// validation.
func FetchBy(r lookup.Resolver) func(context.Context, lookup.Name) (lookup.RRset, error) {
	return func(ctx context.Context, zone lookup.Name) (lookup.RRset, error) {
		// Unchecked: a set that does not validate may still hold a revocation.
		q := lookup.Question{Name: zone, Type: lookup.TypeDNSKEY, Class: lookup.ClassIN, DO: true, CD: true}
		response, err := r.Resolve(ctx, lookup.Query{Question: q, RD: true, Fresh: true})
		if err != nil {
			return lookup.RRset{}, err
		}
		set, ok := lookup.Find(response.Answer, zone, lookup.TypeDNSKEY)
		if !ok {
			return lookup.RRset{}, errNoKeys
		}
		return set, nil
	}
}
