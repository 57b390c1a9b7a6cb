package dns64_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/sextant-dns/sextant/dns64"
	"github.com/sextant-dns/sextant/lookup"
)

// both is a resolver that knows www.facebook.com by its two addresses.
var both = lookup.Func(func(_ context.Context, q lookup.Query) (*lookup.Response, error) {
	answer := "www.facebook.com. 300 IN CNAME star.c10r.facebook.com.\n"
	switch q.Type {
	case lookup.TypeA:
		answer += "star.c10r.facebook.com. 60 IN A 31.13.79.246"
	case lookup.TypeAAAA:
		answer += "star.c10r.facebook.com. 60 IN AAAA 2a03:2880:f00d:1:face:b00c:0:1"
	}
	return &lookup.Response{Answer: lookup.MustRRsets(answer)}, nil
})

// print writes a response with single spaces.
func print(r *lookup.Response) {
	fmt.Println(strings.TrimSpace(strings.ReplaceAll(r.String(), "\t", " ")))
}

// Forced mode for everything but one zone.
func Example() {
	d, err := dns64.New(both, dns64.Options{
		Default: dns64.Rule{Mode: dns64.Forced},
		Rules:   []dns64.Rule{{Suffix: lookup.MustName("corp.example."), Mode: dns64.Off}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := d.Resolve(context.Background(), lookup.Query{Question: lookup.Question{
		Name: lookup.MustName("www.facebook.com."), Type: lookup.TypeAAAA, Class: lookup.ClassIN,
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	print(r)
	// Output:
	// NOERROR EDE 29 (Synthesized): DNS64 forced, 64:ff9b::/96
	// answer:
	// www.facebook.com. 300 IN CNAME star.c10r.facebook.com.
	// star.c10r.facebook.com. 60 IN AAAA 64:ff9b::1f0d:4ff6
}

// The steps to an answer can be told without making them.
func ExamplePolicy_Decide() {
	d, err := dns64.New(both, dns64.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	name := lookup.MustName("www.facebook.com.")
	policy := d.Policy(name)
	fmt.Println(policy.Decide(name, dns64.Outcome{}, dns64.Outcome{}))

	native := &lookup.Response{Answer: lookup.MustRRsets("www.facebook.com. 60 IN AAAA 2a03:2880:f00d:1:face:b00c:0:1")}
	fmt.Println(policy.Decide(name, dns64.Outcome{Response: native}, dns64.Outcome{}))
	// Output:
	// ask AAAA: a real AAAA is sought first (RFC 6147 5.1)
	// pass: a real AAAA exists (RFC 6147 5.1.1)
}

func ExampleEmbed() {
	v4 := netip.MustParseAddr("192.0.2.33")
	for _, text := range []string{"64:ff9b::/96", "2001:db8:122:344::/64"} {
		p, err := dns64.ParsePrefix(text)
		if err != nil {
			fmt.Println(err)
			return
		}
		a := dns64.Embed(p, v4)
		back, _ := dns64.Extract(p, a)
		fmt.Println(a, back)
	}
	// Output:
	// 64:ff9b::c000:221 192.0.2.33
	// 2001:db8:122:344:c0:2:2100:0 192.0.2.33
}
