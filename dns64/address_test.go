package dns64

import (
	"net/netip"
	"strings"
	"testing"
)

// TestD51Vectors are the examples of RFC 6052 2.4 for 192.0.2.33.
func TestD51Vectors(t *testing.T) {
	t.Parallel()
	v4 := netip.MustParseAddr("192.0.2.33")
	for _, test := range []struct{ prefix, want string }{
		{"2001:db8::/32", "2001:db8:c000:221::"},
		{"2001:db8:100::/40", "2001:db8:1c0:2:21::"},
		{"2001:db8:122::/48", "2001:db8:122:c000:2:2100::"},
		{"2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"},
		{"2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100:0"},
		{"2001:db8:122:344::/96", "2001:db8:122:344::c000:221"},
		{"64:ff9b::/96", "64:ff9b::c000:221"},
	} {
		p, want := netip.MustParsePrefix(test.prefix), netip.MustParseAddr(test.want)
		if got := Embed(p, v4); got != want {
			t.Errorf("Embed(%s, %s) = %s, want %s", p, v4, got, want)
		}
		if got, ok := Extract(p, want); !ok || got != v4 {
			t.Errorf("Extract(%s, %s) = %s, %v, want %s", p, want, got, ok, v4)
		}
	}
}

// TestD27D48CheckPrefixLengths also holds every length that is not allowed
// against its message.
func TestD27D48CheckPrefixLengths(t *testing.T) {
	t.Parallel()
	allowed := map[int]bool{32: true, 40: true, 48: true, 56: true, 64: true, 96: true}
	for bits := range 129 {
		p := netip.PrefixFrom(netip.IPv6Unspecified(), bits)
		err := CheckPrefix(p)
		if (err == nil) != allowed[bits] {
			t.Errorf("CheckPrefix(%s) = %v", p, err)
		}
		if err != nil && !strings.Contains(err.Error(), "32, 40, 48, 56, 64 and 96") {
			t.Errorf("CheckPrefix(%s) = %q, which does not tell the lengths", p, err)
		}
	}
}

func TestD49PrefixWithBits64To71IsRejected(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ prefix, want string }{
		{"2001:db8:0:0:100::/96", "bits 64 to 71 set"},
		{"2001:db8:0:0:ff00::/96", "bits 64 to 71 set"},
		{"2001:db8::1/96", "bits set after its length; meant 2001:db8::/96?"},
		{"192.0.2.0/24", "not an IPv6 prefix"},
		{"::ffff:0:0/96", "not an IPv6 prefix"},
		{"2001:db8::", "no '/'"},
	} {
		if p, err := ParsePrefix(test.prefix); err == nil || !strings.Contains(err.Error(), test.want) || p.IsValid() {
			t.Errorf("ParsePrefix(%q) = %s, %v, want an error with %q", test.prefix, p, err, test.want)
		}
	}
	// The octet after bits 64 to 71 is free for an operator to use.
	if _, err := ParsePrefix("2001:db8:0:0:00ff::/96"); err != nil {
		t.Error(err)
	}
}

func TestD50SuffixIsZeroWhenMadeAndIgnoredWhenRead(t *testing.T) {
	t.Parallel()
	p := netip.MustParsePrefix("2001:db8:122:344::/64")
	if got := Embed(p, netip.MustParseAddr("192.0.2.33")).As16(); got[13] != 0 || got[14] != 0 || got[15] != 0 {
		t.Errorf("suffix of %x is not zero", got)
	}
	odd := netip.MustParseAddr("2001:db8:122:344:ffc0:2:21ff:ffff") // bits 64 to 71 and the suffix all ones
	if got, ok := Extract(p, odd); !ok || got.String() != "192.0.2.33" {
		t.Errorf("Extract(%s) = %s, %v", odd, got, ok)
	}
}

func TestD52InputTakesDottedQuads(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"64:ff9b::/96", "64:ff9b::0.0.0.0/96", "0064:FF9B:0:0:0:0:0:0/96"} {
		if p, err := ParsePrefix(text); err != nil || p != WellKnown {
			t.Errorf("ParsePrefix(%q) = %s, %v", text, p, err)
		}
	}
}

func TestEmbedAndExtractRefuse(t *testing.T) {
	t.Parallel()
	v4, v6 := netip.MustParseAddr("192.0.2.33"), netip.MustParseAddr("2001:db8::1")
	if a := Embed(WellKnown, v6); a.IsValid() {
		t.Errorf("embedded an IPv6 address: %s", a)
	}
	if a := Embed(netip.MustParsePrefix("2001:db8::/72"), v4); a.IsValid() {
		t.Errorf("embedded in a /72: %s", a)
	}
	if a := Embed(WellKnown, netip.MustParseAddr("::ffff:192.0.2.33")); a.String() != "64:ff9b::c000:221" {
		t.Errorf("an IPv4-mapped address gave %s", a)
	}
	for _, a := range []netip.Addr{v4, v6, {}} {
		if got, ok := Extract(WellKnown, a); ok {
			t.Errorf("Extract(%s, %s) = %s", WellKnown, a, got)
		}
	}
}

// FuzzD25ExtractUndoesEmbed is RFC 6147 5.2: the mapping can be undone. It also
// watches bits 64 to 71 (RFC 6052 2.2).
func FuzzD25ExtractUndoesEmbed(f *testing.F) {
	f.Add([]byte("\x20\x01\x0d\xb8\x01\x22\x03\x44\x00\xff\xff\xff"), uint8(4), uint32(0xc0000221))
	f.Add([]byte("\x00\x64\xff\x9b\x00\x00\x00\x00\x00\x00\x00\x00"), uint8(5), uint32(0xffffffff))
	f.Fuzz(func(t *testing.T, network []byte, length uint8, v4 uint32) {
		checkRoundTrip(t, network, length, v4)
	})
}

func TestD25ExtractUndoesEmbed(t *testing.T) {
	t.Parallel()
	network := []byte("\x20\x01\x0d\xb8\xff\xff\xff\xff\xff\xff\xff\xff")
	for length := range uint8(6) {
		for _, v4 := range []uint32{0, 1, 0xc0000221, 0x01020304, 0x80000000, 0xffffffff} {
			checkRoundTrip(t, network, length, v4)
		}
	}
}

func checkRoundTrip(t *testing.T, network []byte, length uint8, v4 uint32) {
	t.Helper()
	var octets [16]byte
	copy(octets[:12], network)
	octets[uOctet] = 0
	bits := [...]int{32, 40, 48, 56, 64, 96}[length%6]
	p, err := netip.AddrFrom16(octets).Prefix(bits)
	if err != nil {
		t.Fatal(err)
	}
	if p.Addr().Is4In6() {
		return
	}
	want := netip.AddrFrom4([4]byte{byte(v4 >> 24), byte(v4 >> 16), byte(v4 >> 8), byte(v4)})
	a := Embed(p, want)
	if got, ok := Extract(p, a); !ok || got != want {
		t.Errorf("Extract(%s, Embed(%s)) = %s, %v", p, want, got, ok)
	}
	if got := a.As16(); got[uOctet] != 0 {
		t.Errorf("Embed(%s, %s) = %s has bits 64 to 71 set", p, want, a)
	}
}
