package config

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/sextant-dns/sextant/lookup"
)

// fromText makes a scalar of a function that reads text. When read says no
// more than that it failed, wanted is what the error says was expected.
func fromText[T any](wanted string, read func(string) (T, error)) scalar[T] {
	return func(n ast.Node) (v T, err error) {
		text, ok := textOf(n)
		if !ok {
			return v, unexpected(n, wanted)
		}
		if v, err = read(text); err != nil {
			return v, fmt.Errorf("%w, expected %s", err, wanted)
		}
		return v, nil
	}
}

// textOf is the text of a node that is text. The parser takes fd00::/8 in a list
// inside braces for a key and a value; but a colon with no space behind it is
// part of a text (YAML 1.2 7.3.3).
func textOf(n ast.Node) (text string, ok bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.MappingNode:
		if n.IsFlowStyle || len(n.Values) != 1 {
			return "", false
		}
		key, colon, value := n.Values[0].Key.GetToken(), n.Values[0].Start, n.Values[0].Value
		if v := value.GetToken(); v.Position.Line == colon.Position.Line && v.Position.Column == colon.Position.Column+1 {
			if _, scalar := value.(ast.ScalarNode); scalar {
				return key.Value + ":" + v.Value, true
			}
		}
	}
	return "", false
}

// no is the error of text that is not of its kind at all.
func no(text string) error { return errors.New("found " + quote(text)) }

// text reads a line of text of 1 to limit octets.
func text(limit int) scalar[string] {
	wanted := fmt.Sprintf("text of at most %d octets (numbers and words like true in quotes)", limit)
	return fromText(wanted, func(s string) (string, error) {
		if s == "" || len(s) > limit {
			return "", fmt.Errorf("found %d octets", len(s))
		}
		return s, nil
	})
}

// maxSocket is how long the path of a socket may be on every system.
const maxSocket = 103

// socket reads the path of a socket, or that there is none.
func socket(n ast.Node) (string, error) {
	path, err := text(maxSocket)(n)
	if path == "off" {
		return "", nil
	}
	return path, err
}

// boolean reads true or false.
func boolean(n ast.Node) (bool, error) {
	b, ok := n.(*ast.BoolNode)
	if !ok {
		return false, unexpected(n, "true or false")
	}
	return b.Value, nil
}

// integer reads a whole number from low to high.
func integer[T int | uint16 | uint32](low, high T) scalar[T] {
	return func(n ast.Node) (T, error) {
		i, ok := n.(*ast.IntegerNode)
		if ok {
			if v, isUint := i.Value.(uint64); isUint && v >= uint64(low) && v <= uint64(high) {
				return T(v), nil
			}
		}
		return 0, unexpected(n, fmt.Sprintf("a whole number from %d to %d", low, high))
	}
}

// units of sizes, the largest first.
func units() []unit {
	return []unit{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}}
}

type unit struct {
	name   string
	octets int64
}

// size reads a number of octets with its unit, from low to high.
func size(low, high int64) scalar[int64] {
	wanted := fmt.Sprintf("a size from %s to %s, with its unit", inUnits(low), inUnits(high))
	return fromText(wanted, func(s string) (int64, error) {
		for _, u := range units() {
			digits, ok := strings.CutSuffix(s, u.name)
			if !ok {
				continue
			}
			n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
			if err != nil || n < 0 || n > high/u.octets || n*u.octets < low {
				break
			}
			return n * u.octets, nil
		}
		return 0, no(s)
	})
}

// inUnits is a size in the largest unit that it is a whole number of.
func inUnits(octets int64) string {
	for _, u := range units() {
		if octets%u.octets == 0 {
			return strconv.FormatInt(octets/u.octets, 10) + u.name
		}
	}
	return strconv.FormatInt(octets, 10)
}

// duration reads a time with its unit, from low to high.
func duration(low, high time.Duration) scalar[time.Duration] {
	wanted := fmt.Sprintf("a time from %s to %s, with its unit", short(low), short(high))
	return fromText(wanted, func(s string) (time.Duration, error) {
		v, err := time.ParseDuration(s)
		if err != nil || v < low || v > high {
			return 0, no(s)
		}
		return v, nil
	})
}

// instant reads a point in time.
func instant(n ast.Node) (time.Time, error) {
	return fromText("a date and time with its zone, such as 2026-12-01T12:00:00Z", func(s string) (time.Time, error) {
		t, err := time.Parse(time.RFC3339, s)
		if err != nil {
			return t, no(s)
		}
		return t.UTC(), nil
	})(n)
}

// short is a duration without its zeros: 1m, not 1m0s.
func short(d time.Duration) string {
	s := d.String()
	for _, zeros := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(s, zeros) {
			s = s[:len(s)-2]
		}
	}
	return s
}

// oneOf reads one of several words.
func oneOf[T ~string](words ...T) scalar[T] {
	plain := make([]string, len(words))
	for i, w := range words {
		plain[i] = string(w)
	}
	return func(n ast.Node) (T, error) {
		s, ok := n.(*ast.StringNode)
		if !ok {
			return "", unexpected(n, enumerate(plain))
		}
		for _, w := range words {
			if s.Value == string(w) {
				return w, nil
			}
		}
		return "", fmt.Errorf("%w%s", unexpected(n, enumerate(plain)), suggest(s.Value, plain))
	}
}

// logLevel reads the name of a level.
func logLevel(n ast.Node) (slog.Level, error) {
	name, err := oneOf("debug", "info", "warn", "error")(n)
	if err != nil {
		return 0, err
	}
	var level slog.Level
	return level, level.UnmarshalText([]byte(name))
}

// name reads a domain name.
func name(n ast.Node) (lookup.Name, error) {
	return fromText("a domain name", func(s string) (lookup.Name, error) {
		name, err := lookup.ParseName(s)
		if err == nil && name.IsWildcard() {
			err = fmt.Errorf("found %s: a wildcard", quote(s))
		}
		return name, err
	})(n)
}

// address reads a unicast IP address.
func address(n ast.Node) (netip.Addr, error) {
	return fromText("an IPv4 or IPv6 address of this host", func(s string) (netip.Addr, error) {
		a, err := netip.ParseAddr(s)
		if err != nil || a.IsUnspecified() || a.IsMulticast() {
			return a, no(s)
		}
		return a.Unmap(), nil
	})(n)
}

// endpoint reads an IP address and a port, port when there is none.
func endpoint(port uint16) scalar[netip.AddrPort] { return endpointOr(port, port) }

// endpointOr reads an IP address and a port such as usual, or missing when there is
// none.
func endpointOr(usual, missing uint16) scalar[netip.AddrPort] {
	wanted := fmt.Sprintf("an IP address and port, such as 127.0.0.1:%d or [::1]:%d", usual, usual)
	return fromText(wanted, func(s string) (netip.AddrPort, error) {
		if ap, err := netip.ParseAddrPort(s); err == nil {
			return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()), nil
		}
		bare := strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")
		a, err := netip.ParseAddr(bare)
		if err != nil || a.IsMulticast() {
			return netip.AddrPort{}, no(s)
		}
		return netip.AddrPortFrom(a.Unmap(), missing), nil
	})
}

// pin reads the SHA-256 hash of a public key in base64, as kdig and others print it.
func pin(n ast.Node) (hash [sha256.Size]byte, err error) {
	return fromText("the SHA-256 hash of a public key in base64", func(s string) (hash [sha256.Size]byte, err error) {
		octets, err := base64.StdEncoding.DecodeString(s)
		if err != nil || len(octets) != len(hash) {
			return hash, no(s)
		}
		return [sha256.Size]byte(octets), nil
	})(n)
}

// network reads a prefix of any family; an address alone is a whole prefix.
// IPv4-mapped IPv6 is taken for the IPv4 that it means, as clients have it.
func network(n ast.Node) (netip.Prefix, error) {
	return fromText("an address or prefix, such as 192.0.2.0/24 or 2001:db8::/32", func(s string) (netip.Prefix, error) {
		p, err := parseNetwork(s)
		if err == nil && p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		return p, err
	})(n)
}

// network4 reads an IPv4 prefix.
func network4(n ast.Node) (netip.Prefix, error) {
	return fromText("an IPv4 prefix, such as 192.0.2.0/24", func(s string) (netip.Prefix, error) {
		p, err := parseNetwork(s)
		if err == nil && !p.Addr().Is4() {
			err = no(s)
		}
		return p, err
	})(n)
}

// network6 reads an IPv6 prefix.
func network6(n ast.Node) (netip.Prefix, error) {
	return fromText("an IPv6 prefix, such as 2001:db8::/32", func(s string) (netip.Prefix, error) {
		p, err := parseNetwork(s)
		if err == nil && !p.Addr().Is6() {
			err = no(s)
		}
		return p, err
	})(n)
}

func parseNetwork(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return p, no(s)
	}
	if m := p.Masked(); m != p {
		return p, fmt.Errorf("found %s with bits set behind its length (%s has none)", quote(s), m)
	}
	return p, nil
}

// prefix64 reads a prefix for IPv4-embedded IPv6 addresses.
func prefix64(n ast.Node) (netip.Prefix, error) {
	return fromText("an IPv6 prefix that RFC 6052 2.2 allows, such as 64:ff9b::/96", func(s string) (netip.Prefix, error) {
		p, err := parseNetwork(s)
		switch {
		case err != nil:
			return p, err
		case !p.Addr().Is6() || !strings.Contains(s, "/"):
			return p, no(s)
		}
		switch p.Bits() {
		case 32, 40, 48, 56, 64, 96:
		default:
			return p, fmt.Errorf("found length %d, not 32, 40, 48, 56, 64 or 96", p.Bits())
		}
		if octet := p.Addr().As16()[8]; octet != 0 { // RFC 6052 2.2: the "u" octet
			return p, fmt.Errorf("found bits 64 to 71 set to 0x%s, not zero", strconv.FormatUint(uint64(octet), 16))
		}
		return p, nil
	})(n)
}
