package lookup_test

import (
	"context"
	"fmt"

	"github.com/sextant-dns/sextant/lookup"
)

// A decorator is one Resolve: this one shortens every TTL below it.
func Example() {
	zone := lookup.Func(func(context.Context, lookup.Query) (*lookup.Response, error) {
		return &lookup.Response{AA: true, Answer: lookup.MustRRsets("www.example. 300 IN A 192.0.2.1")}, nil
	})
	older := lookup.Func(func(ctx context.Context, q lookup.Query) (*lookup.Response, error) {
		r, err := zone.Resolve(ctx, q)
		if err != nil {
			return nil, err
		}
		return r.Aged(100), nil
	})
	q := lookup.Query{Question: lookup.Question{Name: lookup.MustName("www.example."), Type: lookup.TypeA, Class: lookup.ClassIN}}
	r, _ := older.Resolve(context.Background(), q)
	fmt.Println(r.Answer[0])
	// Output: www.example.	200	IN	A	192.0.2.1
}
