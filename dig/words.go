package dig

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

// parseType reads a type's mnemonic or TYPEnnn (RFC 3597 5).
func parseType(word string) (uint16, bool) {
	for t, name := range newTypes() {
		if strings.EqualFold(word, name) {
			return t, true
		}
	}
	return mnemonic(word, "TYPE", dns.StringToType)
}

// newTypes are names that the library lacks, or has in other words than BIND.
func newTypes() map[uint16]string {
	return map[uint16]string{
		typeWKS: "WKS", typeNSAP: "NSAP", typeA6: "A6", typeSINK: "SINK", typeDSYNC: "DSYNC", typeHHIT: "HHIT", typeBRID: "BRID",
		typeDOA: "DOA", typeWALLET: "WALLET",
	}
}

// typeName is a type's mnemonic, or TYPEnnn (RFC 3597 5).
func typeName(t uint16) string {
	if name, ok := newTypes()[t]; ok {
		return name
	}
	return dns.Type(t).String()
}

// parseClass reads a class's mnemonic or CLASSnnn (RFC 3597 5).
func parseClass(word string) (uint16, bool) {
	switch strings.ToUpper(word) {
	case "CHAOS":
		return dns.ClassCHAOS, true
	case "HESIOD":
		return dns.ClassHESIOD, true
	}
	return mnemonic(word, "CLASS", dns.StringToClass)
}

func mnemonic(word, prefix string, known map[string]uint16) (uint16, bool) {
	word = strings.ToUpper(word)
	if v, ok := known[word]; ok {
		return v, true
	}
	digits, ok := strings.CutPrefix(word, prefix)
	v, err := strconv.ParseUint(digits, 10, 16)
	return uint16(v), ok && err == nil
}

// className is a class's mnemonic, or CLASSnnn (RFC 3597 5).
func className(class uint16) string {
	switch class {
	case dns.ClassANY:
		return "ANY"
	case dns.ClassNONE:
		return "NONE"
	}
	return dns.Class(class).String()
}

// parseSerial reads ixfr=serial.
func parseSerial(word string) (uint32, bool) {
	const prefix = "ixfr="
	if len(word) <= len(prefix) || !strings.EqualFold(word[:len(prefix)], prefix) {
		return 0, false
	}
	serial, err := strconv.ParseUint(word[len(prefix):], 10, 32)
	return uint32(serial), err == nil
}

// reverse is the name for an address (RFC 1035 3.5, RFC 3596 2.5). Of what is no
// address the labels are turned around: 192.0.2 is the network's name.
func reverse(text string) string {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		name, _ := dns.ReverseAddr(a.String())
		return name
	}
	labels := strings.Split(strings.TrimSuffix(text, "."), ".")
	slices.Reverse(labels)
	return strings.Join(labels, ".") + ".in-addr.arpa."
}

// parseSubnet reads the value of +subnet. An address without a length is a whole
// prefix; an IPv4 address with a length may lack octets at its end; 0 says that
// nothing about the client may be told (RFC 7871 7.1.2).
func parseSubnet(text string) (netip.Prefix, error) {
	if text == "0" {
		text = "0.0.0.0/0"
	}
	host, length, prefixed := strings.Cut(text, "/")
	if missing := 3 - strings.Count(host, "."); prefixed && missing > 0 && !strings.Contains(host, ":") {
		host += strings.Repeat(".0", missing)
	}
	a, err := netip.ParseAddr(host)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, fatal(exitUsage, "invalid address '%s'", text)
	}
	bits := a.BitLen()
	if prefixed {
		n, err := strconv.ParseUint(length, 10, 16)
		if err != nil {
			return netip.Prefix{}, fatal(exitUsage, "invalid prefix length in '%s': not a valid number", text)
		}
		bits = min(bits, int(n))
	}
	return netip.PrefixFrom(a, bits).Masked(), nil
}

// count is a number and a noun: 1 server, 2 servers.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
