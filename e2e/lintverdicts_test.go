//go:build e2e

package e2e_test

import (
	"slices"
	"strings"
	"testing"
)

// A verdict is whose fault a finding is.
type verdict struct {
	instrument, check string
	servers           string // with commas
	text              string
}

// judge is the verdict about a finding. That there is none is a failure.
func judge(t *testing.T, instrument, check, server, result string, why []string) verdict {
	t.Helper()
	for _, v := range verdicts() {
		if v.instrument == instrument && slices.Contains(strings.Split(v.check, ","), check) && slices.Contains(strings.Split(v.servers, ","), server) {
			return v
		}
	}
	t.Errorf("no verdict about %s, %s, %s (%s): %q", instrument, check, server, result, why)
	return verdict{text: "?"}
}

// verdicts are about what was looked into, with BIND's dig in the place of the instrument or
// in the text of the RFC. Where the instrument was wrong, it was mended, and there is nothing here.
func verdicts() []verdict {
	const opcodes = "8906-1.4/3,8906-1.4/7,8906-1.4/8,8906-1.4/9,8906-1.4/10,8906-1.4/11,8906-1.4/12,8906-1.4/13,8906-1.4/14,8906-1.4/15"
	const malformed, should = "formerr-family,formerr-source,formerr-short", "formerr-bits,formerr-few,formerr-many"
	return []verdict{
		{"edns", opcodes, "PowerDNS", "theirs: dig hears nothing either; RFC 8906 wants NOTIMP"},
		{"edns", "6891-two-opt", "PowerDNS", "theirs: one of the two is taken"},
		{"edns, resolvers", opcodes, "PowerDNS Recursor", "theirs: dig hears nothing either"},
		{"edns, resolvers", "6891-two-opt", "PowerDNS Recursor", "theirs: one of the two is taken"},
		{"ecs, authorities", "support", "NSD", "no fault: it takes no part, and says so by its silence"},
		{"ecs, authorities", malformed, "PowerDNS", "theirs: what it cannot read it ignores"},
		{"ecs, authorities", should, "PowerDNS", "theirs, and a SHOULD"},
		{"ecs, authorities", should, "Knot", "theirs, and a SHOULD: the bits that are too many are cut off"},
		{"ecs, authorities", "formerr-scope", "PowerDNS,Knot", "no fault: the RFC binds the asker only"},
		{"ecs, authorities", "private", "PowerDNS", "theirs, and a SHOULD: the record's program sees the private address"},
		{"ecs, authorities", "overlap", "Knot", "theirs: who is in none of the networks gets SCOPE 0, and so do, from caches, those who are"},
		{"ecs, resolvers", "nobody-ipv6", "PowerDNS Recursor", "theirs: the option comes back with the other FAMILY"},
		{"ecs, resolvers", malformed, "PowerDNS Recursor", "theirs: what it cannot read it ignores"},
		{"ecs, resolvers", should, "PowerDNS Recursor,Unbound", "theirs, and a SHOULD"},
		{"ecs, resolvers", "formerr-scope", "PowerDNS Recursor,Unbound", "no fault: the RFC binds the asker only"},
		{"ecs, resolvers", "passes", "BIND resolver", "no fault: BIND's resolver takes no part"},
		{"ecs, resolvers", "passes", "Unbound,PowerDNS Recursor,Sextant resolver", "no fault: as it is configured"},
		{"ecs, resolvers", "private", "Unbound,PowerDNS Recursor", "theirs: an authority can do nothing with it, and learns how a network is numbered"},
		{"dns64", "ttl", "Unbound with DNS64,PowerDNS Recursor", "theirs: the TTL is that of the A"},
		{"dns64", "excluded", "Unbound with DNS64,PowerDNS Recursor", "theirs, and a SHOULD: the list is empty, or there is none"},
		{"dns64", "class", "PowerDNS Recursor", "theirs: it takes CH for IN, and says IN"},
		{"dns64", "cd-do", "BIND resolver,PowerDNS Recursor", "theirs where they validate: CD is not looked at for names that are not signed"},
		{"dns64", "cd", "BIND resolver,PowerDNS Recursor", "no fault: the RFC leaves it open"},
	}
}
