package metrics_test

import (
	"fmt"
	"net/http/httptest"
	"strings"

	"github.com/sextant-dns/sextant/metrics"
)

func Example() {
	m := metrics.New("1.2.3", func() metrics.Snapshot {
		var s metrics.Snapshot
		s.Server.Queries = []metrics.Queries{
			{Proto: "udp", Type: "AAAA", Rcode: "NOERROR", Count: 41},
			{Proto: "udp", Type: "AAAA", Rcode: "NXDOMAIN", Count: 1},
		}
		return s
	})
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, "sextant_queries") || strings.HasPrefix(line, "sextant_responses") {
			fmt.Print(line)
		}
	}
	// Output:
	// sextant_queries_total{proto="udp",type="AAAA"} 42
	// sextant_queries_waiting 0
	// sextant_responses_total{rcode="NOERROR"} 41
	// sextant_responses_total{rcode="NXDOMAIN"} 1
}
