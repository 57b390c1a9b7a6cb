package config

import (
	"encoding/hex"
	"net/netip"
	"slices"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// Cookies is how DNS cookies of clients are treated (RFC 7873, RFC 9018).
type Cookies struct {
	Answer     bool       // false: they are ignored
	Secrets    [][16]byte // the first makes cookies, all check them; empty, with SecretFile: a random one
	SecretFile string     // file with a secret in hexadecimal on each line, in the place of Secrets
	Require    CookieRequirement
}

// CookieRequirement is when clients that know of cookies have to bring ours, over UDP.
type CookieRequirement string

// The choices for requiring cookies.
const (
	RequireNever     CookieRequirement = "never"
	RequireOverLimit CookieRequirement = "over-limit" // of a rate limit
	RequireAlways    CookieRequirement = "always"
)

func (c *Cookies) keys() keys {
	return keys{
		"answer":      value(&c.Answer, boolean),
		"secrets":     values(&c.Secrets, cookieSecret),
		"secret-file": value(&c.SecretFile, text(4096)),
		"require":     value(&c.Require, oneOf(RequireNever, RequireOverLimit, RequireAlways)),
	}
}

// cookieSecret reads 16 octets in hexadecimal. What it found it does not repeat.
func cookieSecret(n ast.Node) (secret [16]byte, err error) {
	return fromText("16 octets in hexadecimal, in quotes", func(s string) (secret [16]byte, err error) {
		octets, err := hex.DecodeString(s)
		if err != nil || len(octets) != len(secret) {
			return secret, no("something else")
		}
		return [16]byte(octets), nil
	})(n)
}

func (c *Cookies) check(d *decoder) {
	notEmpty(d, &c.Secrets)
	for i, secret := range c.Secrets {
		if secret != [16]byte{} && slices.Contains(c.Secrets[:i], secret) {
			d.report(&c.Secrets[i], "was given before, expected another secret")
		}
	}
	if d.given(&c.Secrets) && d.given(&c.SecretFile) {
		d.report(&c.SecretFile, "says nothing beside secrets, expected one or the other")
	}
	for _, at := range []any{&c.Secrets, &c.SecretFile, &c.Require} {
		if d.given(at) && !c.Answer {
			d.report(at, "says nothing when cookies are ignored, expected answer true")
		}
	}
}

// RateLimit bounds how many replies over UDP one network gets.
type RateLimit struct {
	Responses  int            // of one kind and name, a second; 0: any number
	Errors     int            // a second; 0: any number
	Window     time.Duration  // for how long a flood has to end before all is as before
	Slip       int            // how many that are withheld come to one that is truncated; 0: none is
	IPv4Prefix int            // length of what is one network
	IPv6Prefix int            // the same
	Exempt     []netip.Prefix // networks without limit
	Table      int            // networks and names that are counted apart
}

func (r *RateLimit) keys() keys {
	return keys{
		"responses-per-second": value(&r.Responses, integer(0, 10_000)),
		"errors-per-second":    value(&r.Errors, integer(0, 10_000)),
		"window":               value(&r.Window, duration(time.Second, 5*time.Minute)),
		"slip":                 value(&r.Slip, integer(0, 100)),
		"ipv4-prefix":          value(&r.IPv4Prefix, integer(8, 32)),
		"ipv6-prefix":          value(&r.IPv6Prefix, integer(16, 128)),
		"exempt":               values(&r.Exempt, network),
		"table":                value(&r.Table, integer(1000, 100_000_000)),
	}
}
