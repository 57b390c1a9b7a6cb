package rebinding_test

import (
	"context"
	"fmt"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/rebinding"
)

func Example() {
	internet := lookup.Func(func(_ context.Context, q lookup.Query) (*lookup.Response, error) {
		name := q.Name.String()
		return &lookup.Response{Answer: lookup.MustRRsets(name + " 60 IN A 192.0.2.1\n" + name + " 60 IN A 192.168.1.1")}, nil
	})
	filter, err := rebinding.New(internet, rebinding.Options{Domains: []lookup.Name{lookup.MustName("corp.example.")}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, name := range []string{"www.evil.example.", "nas.corp.example."} {
		question := lookup.Question{Name: lookup.MustName(name), Type: lookup.TypeA, Class: lookup.ClassIN}
		response, _ := filter.Resolve(context.Background(), lookup.Query{Question: question})
		fmt.Print(response)
	}
	// Output:
	// NOERROR EDE 15 (Blocked): rebinding filter: RRs with a private address removed: 1
	// answer:
	// www.evil.example.	60	IN	A	192.0.2.1
	// NOERROR
	// answer:
	// nas.corp.example.	60	IN	A	192.0.2.1
	// nas.corp.example.	60	IN	A	192.168.1.1
}
