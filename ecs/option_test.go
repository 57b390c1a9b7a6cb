package ecs_test

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/ecs"
)

func prefix(s string) netip.Prefix {
	if s == "" {
		return netip.Prefix{}
	}
	return netip.MustParsePrefix(s)
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// RFC 7871 6 draws the option. SCOPE is 0 unless somebody sets it (E1).
func TestE1E2E3OptionAsItIsDrawn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		source string
		scope  uint8
		wire   string
	}{
		{"192.0.2.0/24", 0, "\x00\x01\x18\x00\xc0\x00\x02"},
		{"192.0.2.0/24", 32, "\x00\x01\x18\x20\xc0\x00\x02"},
		{"192.0.2.128/25", 0, "\x00\x01\x19\x00\xc0\x00\x02\x80"},
		{"192.0.0.0/17", 0, "\x00\x01\x11\x00\xc0\x00\x00"},
		{"192.0.2.1/32", 0, "\x00\x01\x20\x00\xc0\x00\x02\x01"},
		{"0.0.0.0/0", 0, "\x00\x01\x00\x00"},
		{"2001:db8::/56", 48, "\x00\x02\x38\x30\x20\x01\x0d\xb8\x00\x00\x00"},
		{"2001:db8::1/128", 0, "\x00\x02\x80\x00\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"},
		{"::/0", 0, "\x00\x02\x00\x00"},
	} {
		o := ecs.Option{Source: prefix(c.source), Scope: c.scope}
		if data := o.Data(); data != c.wire {
			t.Errorf("%s: %x, want %x", c.source, data, c.wire)
		}
		if got, err := ecs.Parse(c.wire); err != nil || got != o {
			t.Errorf("%s: read as %v, %v", c.source, got, err)
		}
	}
	// E2: bits beyond SOURCE are zero.
	if got := (ecs.Option{Source: netip.MustParsePrefix("192.0.2.255/25")}).Data(); got != "\x00\x01\x19\x00\xc0\x00\x02\x80" {
		t.Errorf("%x tells more than it should", got)
	}
}

func TestE4E5MalformedOptions(t *testing.T) {
	t.Parallel()
	for title, data := range map[string]string{
		"nothing":                   "",
		"half a head":               "\x00\x01\x18",
		"an unknown family":         "\x00\x03\x00\x00",
		"a family of 16 bits":       "\x01\x01\x00\x00",
		"no family but an address":  "\x00\x00\x08\x00\x0a",
		"too few octets":            "\x00\x01\x18\x00\xc0\x00",
		"no octets at all":          "\x00\x01\x18\x00",
		"too many octets":           "\x00\x01\x18\x00\xc0\x00\x02\x00",
		"octets where none belong":  "\x00\x01\x00\x00\x00",
		"bits beyond SOURCE":        "\x00\x01\x17\x00\xc0\x00\x03",
		"SOURCE beyond the address": "\x00\x01\x21\x00\xc0\x00\x02\x01\x00",
		"SCOPE beyond the address":  "\x00\x01\x18\x21\xc0\x00\x02",
		"IPv6 SOURCE of 129":        "\x00\x02\x81\x00" + string(make([]byte, 17)),
		"no family but a scope":     "\x00\x00\x00\x21",
	} {
		if o, err := ecs.Parse(data); !errors.Is(err, ecs.ErrMalformed) {
			t.Errorf("%s was read as %v, %v", title, o, err)
		}
	}
}

// dig +subnet=0 has been seen to send it.
func TestE6NoFamilyIsForgivenWhenThereIsNoAddress(t *testing.T) {
	t.Parallel()
	o, err := ecs.Parse("\x00\x00\x00\x00")
	if err != nil || o.Source != prefix("0.0.0.0/0") || !o.NoFamily {
		t.Fatalf("got %+v, %v", o, err)
	}
	if o.Data() != "\x00\x00\x00\x00" {
		t.Errorf("written as %x", o.Data())
	}
	for client, want := range map[string]string{"192.0.2.1": "0.0.0.0/0", "::ffff:192.0.2.1": "0.0.0.0/0", "2001:db8::1": "::/0"} {
		if got := o.For(addr(client)); got != prefix(want) {
			t.Errorf("%s means %v, want %s", client, got, want)
		}
	}
	if o, _ := ecs.Parse("\x00\x01\x00\x00"); o.For(addr("2001:db8::1")) != prefix("0.0.0.0/0") {
		t.Error("a FAMILY that was told is not the client's to choose again")
	}
}

func TestParseDoesNotAllocate(t *testing.T) {
	for _, data := range []string{"\x00\x02\x38\x30\x20\x01\x0d\xb8\x00\x00\x00", "\x00\x01\x18\x00\xc0\x00"} {
		octets := []byte(data)
		if n := testing.AllocsPerRun(100, func() { _, _ = ecs.Parse(octets) }); n != 0 {
			t.Errorf("%x: %v allocations", data, n)
		}
	}
}

func TestSubnetArithmetic(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		prefix string
		bits   int
		want   string
	}{
		{"192.0.2.77/32", 24, "192.0.2.0/24"},
		{"192.0.0.0/16", 24, "192.0.0.0/16"},
		{"2001:db8:1:2:3::/80", 56, "2001:db8:1::/56"},
		{"192.0.2.77/32", 0, "0.0.0.0/0"},
	} {
		if got := ecs.Truncated(netip.MustParsePrefix(c.prefix), c.bits); got != prefix(c.want) {
			t.Errorf("%s to %d bits: %v, want %s", c.prefix, c.bits, got, c.want)
		}
	}
	for _, c := range []struct {
		outer, inner string
		want         bool
	}{
		{"10.0.0.0/8", "10.1.0.0/16", true},
		{"10.1.0.0/16", "10.1.0.0/16", true},
		{"10.1.0.0/16", "10.0.0.0/8", false},
		{"10.1.0.0/16", "10.2.0.0/24", false},
		{"0.0.0.0/0", "2001:db8::/32", false},
		{"::/0", "10.0.0.0/8", false},
	} {
		if got := ecs.Covers(prefix(c.outer), prefix(c.inner)); got != c.want {
			t.Errorf("%s covers %s: %v", c.outer, c.inner, got)
		}
	}
}

// What Parse takes, the library takes, too, and reads in the same way. The other
// way round does not hold: it forgives what RFC 7871 6 does not.
func FuzzOptionAgainstTheLibrary(f *testing.F) {
	for _, seed := range []string{
		"", "\x00\x00\x00\x00", "\x00\x01\x18\x00\xc0\x00\x02", "\x00\x02\x38\x30\x20\x01\x0d\xb8\x00\x00\x00",
		"\x00\x01\x17\x00\xc0\x00\x03", "\x00\x03\x00\x00", "\x00\x01\x21\x00\xc0\x00\x02\x01\x00", "\x00\x00\x08\x00\x0a",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data string) {
		if len(data) > 60_000 {
			return // no message has room for it
		}
		o, err := ecs.Parse(data)
		if o2, err2 := ecs.Parse([]byte(data)); o != o2 || err != err2 {
			t.Fatalf("%x: as octets %v, %v, as a string %v, %v", data, o2, err2, o, err)
		}
		theirs, libErr := unpacked(data)
		if err != nil {
			return
		}
		if o.Data() != data {
			t.Fatalf("%x is written as %x", data, o.Data())
		}
		if libErr != nil {
			t.Fatalf("%x: the library says %v", data, libErr)
		}
		a, _ := netip.AddrFromSlice(theirs.Address)
		if o.Source.Addr().Is4() {
			a = a.Unmap()
		}
		family := map[bool]uint16{true: 1, false: 2}[o.Source.Addr().Is4()]
		if o.NoFamily {
			family = 0
		}
		if theirs.Family != family || theirs.SourceScope != o.Scope || !o.NoFamily && netip.PrefixFrom(a, int(theirs.SourceNetmask)) != o.Source {
			t.Fatalf("%x: the library reads %v, we read %v", data, theirs, o)
		}
	})
}

// unpacked is the option as the library reads it.
func unpacked(data string) (*dns.EDNS0_SUBNET, error) {
	rdata := string([]byte{0, 8, byte(len(data) >> 8), byte(len(data))}) + data
	h := dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT, Rdlength: uint16(len(rdata))}
	rr, _, err := dns.UnpackRRWithHeader(h, []byte(rdata), 0)
	if err != nil {
		return nil, err
	}
	return rr.(*dns.OPT).Option[0].(*dns.EDNS0_SUBNET), nil
}
