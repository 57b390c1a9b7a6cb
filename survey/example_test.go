package survey_test

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/sextant-dns/sextant/ecs"
	"github.com/sextant-dns/sextant/survey"
)

// An authority that knows two halves of the Internet is understood with two queries.
func ExampleRun() {
	ask := func(_ context.Context, source netip.Prefix) (survey.Heard, error) {
		answer := "192.0.2.1"
		if source.Addr().As4()[0] >= 128 {
			answer = "192.0.2.2"
		}
		return survey.Heard{Answers: []string{answer}, Option: &ecs.Option{Source: source, Scope: 1}}, nil
	}
	r, err := survey.Run(context.Background(), survey.Options{Ask: ask, Adaptive: true, Networks: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, j := range r.Joined() {
		fmt.Println(j.Network, j.Answer)
	}
	fmt.Println(r.Queries, "queries")
	// Output:
	// 0.0.0.0/1 192.0.2.1
	// 128.0.0.0/1 192.0.2.2
	// 2 queries
}
