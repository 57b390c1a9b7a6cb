package config

import (
	"fmt"
	"strings"
	"testing"
)

func TestSizesHaveTheirUnit(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"1MiB": 1 << 20, "1024KiB": 1 << 20, "64 MiB": 64 << 20, "2GiB": 2 << 30, "1TiB": 1 << 40,
		"1048576": 0, "64MB": 0, "64M": 0, "1023KiB": 0, "0MiB": 0, "-1MiB": 0, "1.5GiB": 0, "2TiB": 0, "MiB": 0, "99999999999999999999GiB": 0, "17179869185GiB": 0,
	} {
		c, err := Parse("x.yaml", []byte("cache: { memory: "+text+" }"))
		switch {
		case want == 0 && err == nil:
			t.Errorf("%s is taken for %d", text, c.Cache.Memory)
		case want == 0 && !strings.Contains(err.Error(), "a size from 1MiB to 1TiB, with its unit"):
			t.Errorf("%s: %v", text, err)
		case want > 0 && (err != nil || c.Cache.Memory != want):
			t.Errorf("%s: %v, %v", text, c, err)
		}
	}
}

// Whoever protects or overrides a hundred thousand zones wants something else.
func TestZonesThatCostMuchAreFew(t *testing.T) {
	t.Parallel()
	for line, list := range map[string]string{"lifeline: { zones: [": "z%d.io", "overrides: [": "{ zone: z%d.io, servers: [192.0.2.1] }"} {
		end := map[bool]string{true: "] }", false: "]"}[strings.HasPrefix(line, "lifeline")]
		for n, want := range map[int]string{1000: "", 1001: "1001"} {
			var all []string
			for i := range n {
				all = append(all, fmt.Sprintf(list, i))
			}
			_, err := Parse("x.yaml", []byte(line+strings.Join(all, ", ")+end))
			if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "expected at most 1000")) {
				t.Errorf("%s %d: %v", line, n, err)
			}
		}
	}
}
