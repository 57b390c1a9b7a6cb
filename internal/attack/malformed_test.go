package attack_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/sextant-dns/sextant/internal/attack"
	"github.com/sextant-dns/sextant/message"
)

// Whatever a message of 64 KiB holds, decoding it takes memory in proportion.
func TestMalformedMessagesCostWhatTheyWeigh(t *testing.T) {
	const runs = 20
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "message\torigin\toctets\tallocated\tbound\ttime\tresult\t")
	for _, p := range attack.Malformed() {
		var before, after runtime.MemStats
		var result string
		runtime.ReadMemStats(&before)
		start := time.Now()
		for range runs {
			m, err := message.Decode(p.Octets)
			if result = fmt.Sprint(err); err == nil {
				result = fmt.Sprintf("%d sets", len(m.Answer)+len(m.Additional))
			}
		}
		took := time.Since(start) / runs
		runtime.ReadMemStats(&after)
		allocated := int(after.TotalAlloc-before.TotalAlloc) / runs
		// The least RR has 12 octets, and an RRset takes some hundred while it is put
		// together; names are decompressed to 64 KiB in all, twice.
		bound := 32*len(p.Octets) + 4*64<<10
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%v\t%s\t\n", p.Name, p.Origin, len(p.Octets), allocated, bound, took.Round(time.Microsecond), result)
		if allocated > bound {
			t.Errorf("%s: %d octets are allocated for %d, want at most %d", p.Name, allocated, len(p.Octets), bound)
		}
	}
	w.Flush()
	t.Log("\n" + table.String())
}
