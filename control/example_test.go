package control_test

import (
	"context"
	"fmt"
	"os"

	"github.com/sextant-dns/sextant/control"
	"github.com/sextant-dns/sextant/lookup"
)

// Whoever resolves leaves a trace of it, and Explain makes the page of that.
func ExampleExplain() {
	resolver := lookup.Func(func(_ context.Context, q lookup.Query) (*lookup.Response, error) {
		q.Trace.Add(lookup.Event{Kind: lookup.EventSpecial, Name: q.Name, Type: q.Type, Text: "RFC 6761 6.3"})
		return &lookup.Response{AA: true, Answer: lookup.MustRRsets("localhost. 10800 A 127.0.0.1")}, nil
	})
	q := lookup.Query{Question: lookup.Question{Name: lookup.MustName("localhost."), Type: lookup.TypeA, Class: lookup.ClassIN}, RD: true}
	e := control.Explain(context.Background(), resolver, q, lookup.Limits{})
	e.Steps[0].At, e.Took = 0, 0 // or the example would differ each time
	if err := e.Print(os.Stdout, control.Plain); err != nil {
		fmt.Println(err)
	}
	// Output:
	// localhost. A
	//      0.0    localhost. A: special name, answered here: RFC 6761 6.3
	//      0.0 NOERROR, authoritative
	// answer     localhost.	10800	IN	A	127.0.0.1
	// used       0 of 100 messages, 0 of 11 aliases
}
