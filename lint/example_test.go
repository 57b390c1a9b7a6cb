package lint_test

import (
	"fmt"

	"github.com/sextant-dns/sextant/lint"
)

// A report is as bad as its worst check.
func ExampleReport() {
	r := lint.Report{Instrument: "edns", Server: "192.0.2.53:53", Checks: []lint.Check{
		{ID: "8906-1.1", RFC: "RFC 8906 8.1.1"},
		{ID: "6891-two-opt", RFC: "RFC 6891 6.1.1", Result: lint.Error, Why: []string{"NOERROR"}},
	}}
	c, _ := r.Find("6891-two-opt")
	fmt.Println(r.Worst(), r.Count(lint.OK), c.Why)
	// Output: error 1 [NOERROR]
}
