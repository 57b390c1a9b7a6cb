package transport

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
)

// fair draws from a generator that is known to be good and the same in each run,
// so what these tests judge is what dice makes of it.
func fair() *dice { return &dice{source: rand.NewChaCha8([32]byte{1})} }

// chiSquare is how far counts are from being all the same.
func chiSquare(counts []int) float64 {
	total := 0
	for _, n := range counts {
		total += n
	}
	expected, sum := float64(total)/float64(len(counts)), 0.0
	for _, n := range counts {
		sum += (float64(n) - expected) * (float64(n) - expected) / expected
	}
	return sum
}

// The bound for 255 degrees of freedom that chance exceeds once in 100 000 runs.
const bound255 = 361

func TestPortsAndIDsAreUniformAndIndependent(t *testing.T) {
	t.Parallel()
	const draws = 500_000
	d := fair()
	ports, ids := make([]int, 256), make([]int, 256)
	pairs, serial := make([]int, 256), make([]int, 256)
	last := 0
	for range draws {
		port, id := int(d.port()), int(d.uint16())
		p, i := (port-1024)*256/(65536-1024), id>>8
		ports[p]++
		ids[i]++
		pairs[p>>4<<4|i>>4]++
		serial[last>>4<<4|p>>4]++
		last = p
	}
	for what, counts := range map[string][]int{"ports": ports, "IDs": ids, "port and ID": pairs, "port after port": serial} {
		if x := chiSquare(counts); x > bound255 {
			t.Errorf("%s: chi-square %.0f, above %d", what, x, bound255)
		}
	}
}

func TestPortsKeepToTheirRange(t *testing.T) {
	t.Parallel()
	d, seen := fair(), make([]bool, 65536)
	for range 2_000_000 {
		seen[d.port()] = true
	}
	for port, ok := range seen {
		if want := port >= 1024 && port != 4791 && port != 11211; ok != want {
			t.Errorf("port %d: drawn %v, want %v", port, ok, want)
		}
	}
}

func TestBelowIsUniform(t *testing.T) {
	t.Parallel()
	d := fair()
	counts := make([]int, 255) // 65536 is no multiple of it
	for range 500_000 {
		counts[d.below(len(counts))]++
	}
	if x := chiSquare(counts); x > bound255 {
		t.Errorf("chi-square %.0f, above %d", x, bound255)
	}
	for range 1000 {
		if d.below(1) != 0 {
			t.Fatal("below(1) is not 0")
		}
	}
}

func TestEachLetterIsSpelledFreely(t *testing.T) {
	t.Parallel()
	const name = "\x1a@[`{azAZ09-_\xe1\xfaAAAAAAAAAAAAA\x03www\x00"
	d, upper := fair(), make([]int, len(name))
	for range 10_000 {
		wire := []byte(name)
		d.spell(wire)
		if !strings.EqualFold(string(wire), name) {
			t.Fatalf("%q became %q", name, wire)
		}
		for i, c := range wire {
			if c != name[i]|0x20 {
				upper[i]++
			}
		}
	}
	letter := func(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
	for i, n := range upper {
		if letter(name[i]) && (n < 4700 || n > 5300) {
			t.Errorf("letter %d (%q) is a capital %d times in 10000", i, name[i], n)
		}
	}
}

func TestAnErrorOfTheSourceIsKept(t *testing.T) {
	t.Parallel()
	broken := errors.New("no more noise")
	d := &dice{source: iotest.ErrReader(broken)}
	_, _, _ = d.uint16(), d.port(), d.below(3)
	d.spell([]byte("\x03www\x00"))
	if !errors.Is(d.err, broken) {
		t.Errorf("got %v", d.err)
	}
}
