package config

import (
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
