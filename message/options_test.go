package message

import (
	"net/netip"
	"testing"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

func TestSubnetsTravelAsRFC7871Draws(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		source string
		scope  uint8
		wire   string
	}{
		{"192.0.2.0/24", 0, "\x00\x01\x18\x00\xc0\x00\x02"},
		{"192.0.2.0/24", 32, "\x00\x01\x18\x20\xc0\x00\x02"},
		{"192.0.2.128/25", 0, "\x00\x01\x19\x00\xc0\x00\x02\x80"},
		{"192.0.2.1/32", 0, "\x00\x01\x20\x00\xc0\x00\x02\x01"},
		{"0.0.0.0/0", 0, "\x00\x01\x00\x00"},
		{"2001:db8::/56", 48, "\x00\x02\x38\x30\x20\x01\x0d\xb8\x00\x00\x00"},
		{"::/0", 0, "\x00\x02\x00\x00"},
	} {
		source := netip.MustParsePrefix(c.source)
		o := SubnetOption(source, c.scope)
		if o.Code != OptionSubnet || o.Data != c.wire {
			t.Errorf("%s: %x, want %x", c.source, o.Data, c.wire)
		}
		if got, scope, ok := o.Subnet(); !ok || got != source || scope != c.scope {
			t.Errorf("%s: read as %v, %d, %v", c.source, got, scope, ok)
		}
	}
	// RFC 7871 6: bits beyond SOURCE are zero.
	if got := SubnetOption(netip.MustParsePrefix("192.0.2.255/25"), 0).Data; got != "\x00\x01\x19\x00\xc0\x00\x02\x80" {
		t.Errorf("%x tells more than it should", got)
	}
}

func TestSubnetsThatAreMalformed(t *testing.T) {
	t.Parallel()
	for title, data := range map[string]string{
		"nothing":                   "",
		"half a head":               "\x00\x01\x18",
		"an unknown family":         "\x00\x03\x00\x00",
		"a family of 16 bits":       "\x01\x01\x00\x00",
		"no family but an address":  "\x00\x00\x08\x00\x0a",
		"too few octets":            "\x00\x01\x18\x00\xc0\x00",
		"too many octets":           "\x00\x01\x18\x00\xc0\x00\x02\x00",
		"bits beyond SOURCE":        "\x00\x01\x17\x00\xc0\x00\x03",
		"SOURCE beyond the address": "\x00\x01\x21\x00\xc0\x00\x02\x01\x00",
		"SCOPE beyond the address":  "\x00\x01\x18\x21\xc0\x00\x02",
		"IPv6 SOURCE of 129":        "\x00\x02\x81\x00" + string(make([]byte, 17)),
	} {
		if source, _, ok := (Option{OptionSubnet, data}).Subnet(); ok {
			t.Errorf("%s was read as %v", title, source)
		}
	}
	if _, _, ok := (Option{OptionPadding, "\x00\x01\x00\x00"}).Subnet(); ok {
		t.Error("padding was read as a subnet")
	}
}

// dig +subnet=0 has been seen to send it.
func TestNoFamilyIsForgivenWhenThereIsNoAddress(t *testing.T) {
	t.Parallel()
	if source, scope, ok := (Option{OptionSubnet, "\x00\x00\x00\x00"}).Subnet(); !ok || source != netip.MustParsePrefix("0.0.0.0/0") || scope != 0 {
		t.Errorf("got %v, %d, %v", source, scope, ok)
	}
}

func TestEDEIsReadAndWritten(t *testing.T) {
	t.Parallel()
	e := lookup.EDE{Code: lookup.EDENoReachableAuth, Text: "all silent"}
	o := EDEOption(e)
	if got, ok := o.EDE(); !ok || got != e {
		t.Errorf("got %v, %v", got, ok)
	}
	var theirs dns.EDNS0_EDE
	m := unpacked(t, AppendQuery(nil, Header{}, ask("a.", lookup.TypeA), &OPT{Options: []Option{o}}))
	if theirs = *m.IsEdns0().Option[0].(*dns.EDNS0_EDE); theirs.InfoCode != e.Code || theirs.ExtraText != e.Text {
		t.Errorf("the library reads %v", theirs)
	}
	for _, c := range []struct {
		data string
		want lookup.EDE
		ok   bool
	}{
		{"\x00", lookup.EDE{}, false},
		{"\x00\x06", lookup.EDE{Code: 6}, true},
		{"\x00\x06text\x00", lookup.EDE{Code: 6, Text: "text"}, true},
		{"\x00\x06bad \xff octet", lookup.EDE{Code: 6, Text: "bad  octet"}, true},
	} {
		if got, ok := (Option{OptionEDE, c.data}).EDE(); ok != c.ok || got != c.want {
			t.Errorf("%q: %v, %v", c.data, got, ok)
		}
	}
}
