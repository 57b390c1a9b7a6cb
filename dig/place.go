package dig

import (
	"net/netip"
	"strconv"
	"strings"
	"unicode"
)

// place is the value of +subnet that is no address: a country, an autonomous
// system or whatever else a GeoIP database knows, or the name of a host, of whose
// network it is. It is looked up when all arguments were read, since the database
// may be named behind it.
func (p *parser) place(text string) (netip.Prefix, error) {
	name, length, prefixed := strings.Cut(text, "/")
	if !strings.Contains(name, ".") {
		if p.locate == nil {
			return netip.Prefix{}, fatal(exitUsage, "invalid address '%s'", text)
		}
		found, err := p.locate(p.command.geo, text)
		if err != nil {
			return netip.Prefix{}, fatal(exitUsage, "invalid address '%s': %v", text, err)
		}
		return found, nil
	}
	addrs, err := p.resolve(name)
	if err != nil || len(addrs) == 0 {
		return netip.Prefix{}, fatal(exitUsage, "invalid address '%s': there is no such host", text)
	}
	a := addrs[0].Unmap().WithZone("")
	bits := 24 // RFC 7871 11.1: no more than a network's worth of a person's address
	if a.Is6() {
		bits = 56
	}
	if prefixed {
		n, err := strconv.ParseUint(length, 10, 16)
		if err != nil {
			return netip.Prefix{}, fatal(exitUsage, "invalid prefix length in '%s': not a valid number", text)
		}
		bits = min(int(n), a.BitLen())
	}
	return a.Prefix(bits)
}

// isPlace tells whether a value, which is no address, may be a place.
func isPlace(text string) bool {
	name, _, _ := strings.Cut(text, "/")
	return strings.ContainsFunc(name, unicode.IsLetter) && !strings.Contains(name, "..")
}

// geoOption names a GeoIP database; repeated, more of them.
func geoOption() plusOption {
	return plusOption{names: []string{"geo"}, own: true, value: needed, set: func(p *parser, _ *query, on bool, value string) error {
		if p.command.geo = append(p.command.geo, value); !on {
			p.command.geo = nil
		}
		return nil
	}}
}
