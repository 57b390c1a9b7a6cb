package transport

import "testing"

func TestTheSystemChoosesFromARange(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		choice, reserved string
		offered          map[uint16]bool
	}{
		{"32768\t60999\n", "\n", map[uint16]bool{0: false, 32767: false, 32768: true, 60999: true, 61000: false, 65535: false}},
		{"1024 65535\n", "4791,11211\n", map[uint16]bool{1023: false, 1024: true, 4790: true, 4791: false, 4792: true, 11211: false, 65535: true}},
		{"1024 65535\n", "30000-32767,65535\n", map[uint16]bool{29999: true, 30000: false, 32767: false, 32768: true, 65534: true, 65535: false}},
		{"5000 5000\n", "", map[uint16]bool{4999: false, 5000: true, 5001: false}},
		{"", "", map[uint16]bool{32768: false}},
		{"all of them", "", map[uint16]bool{32768: false}},
		{"60999 32768", "", map[uint16]bool{32768: false, 60999: false}},
		{"32768 70000", "", map[uint16]bool{32768: false}},
		{"32768 60999", "a few", map[uint16]bool{40000: false}},
		{"32768 60999", "40000-", map[uint16]bool{40000: false, 50000: false}},
	} {
		var p ports
		p.offer([]byte(c.choice), []byte(c.reserved))
		for port, want := range c.offered {
			if got := p.leavable(port); got != want {
				t.Errorf("%q without %q: %d: %t", c.choice, c.reserved, port, got)
			}
		}
	}
}

func TestAPortIsTakenOnce(t *testing.T) {
	t.Parallel()
	var s portSet
	for _, port := range []uint16{0, 63, 64, 65535} {
		if s.has(port) || !s.add(port) || !s.has(port) || s.add(port) {
			t.Errorf("%d is not taken, or twice", port)
		}
	}
	s.remove(63)
	if s.has(63) || !s.has(0) || !s.has(64) || !s.add(63) {
		t.Error("one is left, and others with it")
	}
}
