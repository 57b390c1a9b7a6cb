package scenario

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/server"
)

// rule is what an option of a server section comes to. One of its first three
// fields is set.
type rule struct {
	ignore  string // why it does not matter to what the stories look at
	need    string // what the program would have to have for it
	apply   func(*setup, Clause) error
	without []string // values for which there is no need
}

func ignored(why string) rule { return rule{ignore: why} }

// missing options need something, except with the values given.
func missing(need string, without ...string) rule { return rule{need: need, without: without} }

func mapped(apply func(*setup, Clause) error) rule { return rule{apply: apply} }

// numberInto takes the option's value for a number.
func numberInto(field func(*setup) *int) rule {
	return mapped(func(s *setup, c Clause) (err error) {
		*field(s), err = strconv.Atoi(c.Value())
		return err
	})
}

// durationInto takes the option's value for so many units. The program's word for
// 0 is a negative duration.
func durationInto(unit time.Duration, field func(*setup) *time.Duration) rule {
	return mapped(func(s *setup, c Clause) error {
		n, err := strconv.Atoi(c.Value())
		if *field(s) = time.Duration(n) * unit; n == 0 {
			*field(s) = -1
		}
		return err
	})
}

// staleTTL is the TTL of answers that have expired.
func (s *setup) staleTTL(c Clause) error {
	n, err := strconv.ParseUint(c.Value(), 10, 32)
	s.stale.TTL = uint32(n)
	return err
}

// serverOptions are the options of server sections that stories use.
func serverOptions() map[string]rule {
	options := map[string]rule{}
	for _, part := range []map[string]rule{resolverOptions(), validatorOptions(), edgeOptions(), subnetOptions(), otherOptions()} {
		for key, r := range part {
			options[key] = r
		}
	}
	return options
}

// resolverOptions are about iteration and its cache.
func resolverOptions() map[string]rule {
	return map[string]rule{
		"target-fetch-policy":          ignored("addresses of name servers are fetched when they are needed"),
		"qname-minimisation":           mapped(func(s *setup, c Clause) error { s.noMinimise = c.Value() == "no"; return nil }),
		"iter-scrub-promiscuous":       ignored("the answer section does not depend on it"),
		"harden-referral-path":         missing("knob:harden-referral-path", "no"),
		"harden-glue":                  mapped(func(s *setup, c Clause) error { s.noHardenGlue = c.Value() == "no"; return nil }),
		"harden-unverified-glue":       missing("knob:harden-unverified-glue", "no"),
		"harden-below-nxdomain":        ignored("Unbound's is about validated denials, and without validation there are none"),
		"harden-unknown-additional":    ignored("additional RRs of other names are never passed on"),
		"iter-scrub-ns":                missing("knob:iter-scrub-ns"),
		"outbound-msg-retry":           missing("knob:outbound-msg-retry"),
		"do-not-query-localhost":       mapped(func(s *setup, c Clause) error { s.around.localhost = c.Value() == "no"; return nil }),
		"do-not-query-address":         networkInto(func(s *setup) *[]netip.Prefix { return &s.around.doNotQuery }),
		"tcp-upstream":                 missing("knob:tcp-upstream", "no"),
		"private-address":              networkInto(func(s *setup) *[]netip.Prefix { return &s.around.private }),
		"private-domain":               nameInto(func(s *setup) *[]lookup.Name { return &s.around.privateDomains }),
		"do-nat64":                     missing("feature:nat64", "no"),
		"nat64-prefix":                 missing("feature:nat64"),
		"do-ip4":                       mapped(func(s *setup, c Clause) error { s.noIPv4 = c.Value() == "no"; return nil }),
		"do-ip6":                       mapped(func(s *setup, c Clause) error { s.noIPv6 = c.Value() == "no"; return nil }),
		"max-global-quota":             numberInto(func(s *setup) *int { return &s.quota }),
		"max-query-restarts":           numberInto(func(s *setup) *int { return &s.aliases }),
		"cache-max-ttl":                numberInto(func(s *setup) *int { return &s.maxTTL }),
		"cache-max-negative-ttl":       numberInto(func(s *setup) *int { return &s.maxNegative }),
		"cache-min-ttl":                numberInto(func(s *setup) *int { return &s.minTTL }),
		"cache-min-negative-ttl":       numberInto(func(s *setup) *int { return &s.minNegative }),
		"prefetch":                     mapped(func(s *setup, c Clause) error { s.prefetch = c.Value() == "yes"; return nil }),
		"serve-expired":                mapped(func(s *setup, c Clause) error { s.stale.Enabled = c.Value() == "yes"; return nil }),
		"serve-expired-ttl":            durationInto(time.Second, func(s *setup) *time.Duration { return &s.stale.MaxAge }),
		"serve-expired-ttl-reset":      missing("knob:serve-expired-ttl-reset", "no"),
		"serve-expired-reply-ttl":      mapped((*setup).staleTTL),
		"serve-expired-client-timeout": durationInto(time.Millisecond, func(s *setup) *time.Duration { return &s.stale.ClientTimer }),
		"ede-serve-expired":            ignored("Extended DNS Errors are always told"),
		"serve-original-ttl":           missing("feature:serve-original-ttl", "no"),
		"msg-cache-size":               missing("unbound-only", "4m"),
		"rrset-cache-size":             missing("unbound-only", "4m"),
		"num-queries-per-thread":       missing("unbound-only"),
		"discard-timeout":              ignored("queries are not dropped for their age here"),
		"root-hints": mapped(func(s *setup, c Clause) error {
			s.hints += s.story.Texts[c.Value()]
			return nil
		}),
	}
}

// validatorOptions are about DNSSEC validation.
func validatorOptions() map[string]rule {
	const only = "it matters to validation only, and then there is a trust anchor"
	return map[string]rule{
		"trust-anchor":                 mapped(func(s *setup, c Clause) error { return s.validation.anchor(strings.Join(c.Values, " ")) }),
		"trust-anchor-file":            mapped(func(s *setup, c Clause) error { return s.validation.anchor(s.story.Texts[c.Value()]) }),
		"auto-trust-anchor-file":       missing("feature:autotrust"),
		"trust-anchor-signaling":       ignored(only),
		"val-override-date":            mapped(func(s *setup, c Clause) error { return s.validation.date(c.Value()) }),
		"val-log-level":                ignored(only),
		"val-max-restart":              ignored(only),
		"val-nsec3-keysize-iterations": mapped(func(s *setup, c Clause) error { return s.validation.iterations(strings.Join(c.Values, " ")) }),
		"fake-sha1":                    mapped(func(s *setup, c Clause) error { s.validation.fakeSHA1 = c.Value() == "yes"; return nil }),
		"fake-dsa":                     mapped(func(s *setup, c Clause) error { s.validation.fakeDSA = c.Value() == "yes"; return nil }),
		"domain-insecure":              mapped(func(s *setup, c Clause) error { return s.validation.insecure(c.Value()) }),
		"prefetch-key":                 ignored(only),
		"aggressive-nsec":              mapped(func(s *setup, c Clause) error { s.validation.modest = c.Value() == "no"; return nil }),
		"harden-algo-downgrade":        ignored(only),
		"harden-dnssec-stripped":       ignored(only),
		"root-key-sentinel":            ignored(only),
		"hide-trustanchor":             missing("feature:chaos-trustanchor"),
	}
}

// edgeOptions are about clients and what they are told.
func edgeOptions() map[string]rule {
	local := missing("feature:local-zone")
	return map[string]rule{
		// Story.Comparison does not compare what a client gets besides, since that depends
		// on what is in memory.
		"minimal-responses": mapped(func(s *setup, c Clause) error { s.complete = c.Value() == "no"; return nil }),
		"rrset-roundrobin": mapped(func(s *setup, c Clause) error {
			if s.order = server.OrderFixed; c.Value() == "yes" {
				s.order = server.OrderRandom // Unbound takes the number from the query's ID
			}
			return nil
		}),
		"access-control":     mapped((*setup).accessControl),
		"access-control-tag": local, "access-control-tag-action": local, "access-control-tag-data": local,
		"access-control-view": local, "define-tag": local, "local-zone-tag": local, "local-zone-override": local,
		"local-data": local, "response-ip": local, "response-ip-data": local, "response-ip-tag": local,
		"local-zone": mapped((*setup).localZone),
		"ede":        ignored("Extended DNS Errors are always told"),
		"nsid": mapped(func(s *setup, c Clause) error {
			text, ascii := strings.CutPrefix(c.Value(), "ascii_")
			if !ascii {
				octets, err := hex.DecodeString(c.Value())
				if err != nil {
					return err
				}
				text = string(octets)
			}
			s.nsid = text
			return nil
		}),
		"version": mapped(func(s *setup, c Clause) error { s.version = c.Value(); return nil }),
		"hide-version": mapped(func(s *setup, c Clause) error {
			if c.Value() == "yes" {
				s.version = ""
			}
			return nil
		}),
		"hide-identity":              missing("knob:identity", "yes"),
		"identity":                   missing("knob:identity"),
		"answer-cookie":              missing("feature:server-cookies", "no"),
		"cookie-secret":              ignored("answer-cookie switches it"),
		"edns-tcp-keepalive":         missing("knob:edns-tcp-keepalive", "no"),
		"edns-tcp-keepalive-timeout": ignored("edns-tcp-keepalive switches it"),
		"edns-client-string":         missing("feature:edns-client-string"),
		"edns-client-string-opcode":  missing("feature:edns-client-string"),
		"disable-edns-do":            missing("knob:disable-edns-do", "no"),
		"dns-error-reporting":        missing("feature:error-reporting", "no"),
		"allow-notify":               missing("feature:zone-transfer"),
		"zonemd-permissive-mode":     missing("feature:auth-zone"),
	}
}

// otherOptions are about features as a whole and about nothing.
func otherOptions() map[string]rule {
	const quiet = "it changes no answer"
	return map[string]rule{
		"module-config": mapped((*setup).modules),
		"tags":          missing("feature:rpz"),
		"dns64-prefix": mapped(func(s *setup, c Clause) (err error) {
			s.dns64Prefix, err = netip.ParsePrefix(c.Value())
			return err
		}),
		"dns64-synthall":    mapped(func(s *setup, c Clause) error { s.dns64All = c.Value() == "yes"; return nil }),
		"dns64-ignore-aaaa": mapped(func(s *setup, c Clause) error { s.dns64Ignore = append(s.dns64Ignore, c.Value()); return nil }),
		"verbosity":         ignored(quiet),
		"log-time-ascii":    ignored(quiet),
		"log-servfail":      ignored(quiet),
		"log-queries":       ignored(quiet),
		"log-replies":       ignored(quiet),
		"directory":         ignored(quiet),
		"use-syslog":        ignored(quiet),
		"msg-cache-slabs":   ignored(quiet),
		"rrset-cache-slabs": ignored(quiet),
		"infra-cache-slabs": ignored(quiet),
	}
}

// modules reads module-config, Unbound's list of what a query goes through.
func (s *setup) modules(c Clause) error {
	s.validation.modules = false
	for _, module := range strings.Fields(strings.Join(c.Values, " ")) {
		switch module {
		case "validator":
			s.validation.modules = true
		case "iterator", "respip": // the latter is idle without its own options
		case "dns64":
			s.dns64 = true
		case "subnetcache":
			s.subnets.module = true
		case "cachedb", "ipsecmod":
			s.needs("unbound-only")
		default:
			return fmt.Errorf("no module is called %s", module)
		}
	}
	return nil
}

// accessControl says what a network may do.
func (s *setup) accessControl(c Clause) error {
	if len(c.Values) != 2 {
		return fmt.Errorf("want a network and a word, got %q", c.Values)
	}
	prefix, err := netip.ParsePrefix(c.Value())
	if err != nil {
		addr, err := netip.ParseAddr(c.Value())
		if err != nil {
			return err
		}
		prefix = netip.PrefixFrom(addr, addr.BitLen())
	}
	switch c.Values[1] {
	case "allow", "allow_setrd":
	case "allow_snoop":
		s.allowSnoop = true
	case "refuse":
		s.clients = append(s.clients, clientRule{clients: prefix.Masked()})
		return nil
	default:
		s.needs("feature:access-" + c.Values[1])
	}
	s.clients = append(s.clients, clientRule{clients: prefix.Masked(), allow: true})
	return nil
}
