package special

import (
	"strconv"
	"strings"

	"github.com/sextant-dns/sextant/lookup"
)

// row is a zone that is answered for, and the document that asks for it.
type row struct {
	apex lookup.Name
	kind kind
	rfc  string
}

// registry is every special zone: IANA's registry of locally served zones, and
// of the special-use names those that a resolver should not ask the DNS for.
func registry() []row {
	rows := []row{
		{lookup.MustName("test."), empty, "RFC 6761 6.2"},
		{localhost, loopback, "RFC 6761 6.3"},
		{lookup.MustName("invalid."), absent, "RFC 6761 6.4"},
		{lookup.MustName("local."), absent, "RFC 6762 22.1"}, // belongs to multicast DNS
		{lookup.MustName("onion."), absent, "RFC 7686 2"},
		{lookup.MustName("alt."), absent, "RFC 9476 2"}, // not in the DNS, so there is nothing to ask it

		{lookup.MustName("home.arpa."), empty, "RFC 8375 4"},
		{lookup.MustName("resolver.arpa."), barren, "RFC 9462 6.4"}, // any name, any type: NODATA
		{lookup.MustName("service.arpa."), empty, "RFC 9665"},
	}
	return append(append(rows, reverse4()...), reverse6()...)
}

// reverse4 is the IPv4 part of the registry of locally served zones.
func reverse4() []row {
	add := func(rows []row, zone, rfc string) []row {
		return append(rows, row{lookup.MustName(zone + ".in-addr.arpa."), empty, rfc})
	}
	rows := add(nil, "10", "RFC 6303 4.1") // RFC 1918; RFC 6761 6.1 says the same
	for octet := 16; octet <= 31; octet++ {
		rows = add(rows, strconv.Itoa(octet)+".172", "RFC 6303 4.1")
	}
	rows = add(rows, "168.192", "RFC 6303 4.1")
	for _, zone := range []string{
		"0",               // this network
		"127",             // loopback
		"254.169",         // link-local
		"2.0.192",         // TEST-NET-1
		"100.51.198",      // TEST-NET-2
		"113.0.203",       // TEST-NET-3
		"255.255.255.255", // limited broadcast
	} {
		rows = add(rows, zone, "RFC 6303 4.2")
	}
	for octet := 64; octet <= 127; octet++ { // shared address space 100.64/10
		rows = add(rows, strconv.Itoa(octet)+".100", "RFC 7793")
	}
	return rows
}

// reverse6 is the IPv6 part.
func reverse6() []row {
	rows := []row{
		{lookup.MustName(strings.Repeat("0.", 32) + "ip6.arpa."), empty, "RFC 6303 4.3"}, // ::
		{lookup.MustName("1." + strings.Repeat("0.", 31) + "ip6.arpa."), empty, "RFC 6303 4.3"},
		{lookup.MustName("d.f.ip6.arpa."), empty, "RFC 6303 4.4"},             // fd00::/8
		{lookup.MustName("8.b.d.0.1.0.0.2.ip6.arpa."), empty, "RFC 6303 4.6"}, // 2001:db8::/32
		{lookup.MustName("0.f.f.f.3.ip6.arpa."), empty, "RFC 9637"},           // 3fff::/20, documentation, too
	}
	for _, nibble := range []string{"8", "9", "a", "b"} { // fe80::/10
		rows = append(rows, row{lookup.MustName(nibble + ".e.f.ip6.arpa."), empty, "RFC 6303 4.5"})
	}
	return rows
}

// loopbacks are the reverse names of 127.0.0.1 and ::1 (RFC 1912 4.1).
func loopbacks() []lookup.Name {
	return []lookup.Name{
		lookup.MustName("1.0.0.127.in-addr.arpa."),
		lookup.MustName("1." + strings.Repeat("0.", 31) + "ip6.arpa."),
	}
}
