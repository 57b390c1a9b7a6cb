package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/secondary"
	"github.com/sextant-dns/sextant/server"
	"github.com/sextant-dns/sextant/zones"
)

// cookieSecrets are the secrets of c, read from where they are.
func cookieSecrets(c config.Cookies) (secrets []server.CookieSecret, err error) {
	for _, secret := range c.Secrets {
		secrets = append(secrets, secret)
	}
	if c.SecretFile == "" {
		return secrets, nil
	}
	text, err := os.ReadFile(c.SecretFile)
	if err != nil {
		return nil, fmt.Errorf("cookies: %w", err)
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for number := 1; lines.Scan(); number++ {
		line, _, _ := strings.Cut(lines.Text(), "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		octets, err := hex.DecodeString(line)
		if err != nil || len(octets) != len(server.CookieSecret{}) {
			return nil, fmt.Errorf("cookies: %s:%d: not 16 octets in hexadecimal", c.SecretFile, number)
		}
		secrets = append(secrets, server.CookieSecret(octets))
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("cookies: %s: %w", c.SecretFile, err)
	}
	if len(secrets) == 0 {
		return nil, fmt.Errorf("cookies: %s: %w", c.SecretFile, errors.New("there is no secret in it"))
	}
	return secrets, nil
}

func cookieOptions(c config.Cookies, secrets []server.CookieSecret) server.CookieOptions {
	o := server.CookieOptions{Off: !c.Answer, Secrets: secrets}
	switch c.Require {
	case config.RequireOverLimit:
		o.Require = server.RequireOverLimit
	case config.RequireAlways:
		o.Require = server.RequireAlways
	}
	return o
}

func rateLimit(r config.RateLimit) server.RateLimit {
	return server.RateLimit{
		Responses: r.Responses,
		Errors:    r.Errors,
		Window:    r.Window,
		Slip:      cmp.Or(r.Slip, -1), // to the server, 0 is its default and less is never
		IPv4Bits:  r.IPv4Prefix,
		IPv6Bits:  r.IPv6Prefix,
		Exempt:    r.Exempt,
		Table:     r.Table,
	}
}

// good is what tells for how long a zone of ours is good.
type good struct {
	data *zones.Zone
	copy *secondary.Copy // nil: the zone is not a copy
}

// serves tells whether a zone is ours, be it configured or listed by a catalog.
func (p *parts) serves(zone lookup.Name) bool {
	_, ok := (*p.good.Load())[zone]
	return ok
}

// expire is for how many seconds a zone of ours is good: a copy until it expires, any
// other for as long as its SOA says (RFC 7314 3.2 and 3.3). It waits for nobody who loads
// zones.
func (p *parts) expire(zone lookup.Name) (seconds uint32, ok bool) {
	g := (*p.good.Load())[zone]
	switch {
	case g.data == nil || g.data.Absent():
		return 0, false
	case g.copy != nil:
		left := time.Until(g.copy.Status().Expires)
		return uint32(max(left, 0) / time.Second), true
	}
	soa := g.data.SOA().Data.First() // whose last fields are REFRESH, RETRY, EXPIRE, MINIMUM
	return binary.BigEndian.Uint32([]byte(soa[len(soa)-8:])), true
}
