package server_test

import (
	"net"
	"testing"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/server"
)

// RFC 7871 7.2.1 and 12.1: whatever a zone's server replies, be it a refusal, has the option
// if the query had it, as it had it, with SCOPE 0 where nothing is tailored; no reply has it
// otherwise. What is no query of EDNS version 0 is none with the option, whatever is in it
// (RFC 6891 6.1.3): there we are a server that does not know it.
func TestE25E26E27E34E36E37EveryKindOfReply(t *testing.T) {
	t.Parallel()
	s := newAuthority(t, "")
	opcode := func(code int) func(*dns.Msg) { return func(m *dns.Msg) { m.Opcode = code } }
	version := func(m *dns.Msg) { m.IsEdns0().SetVersion(1) }
	nothing := func(*dns.Msg) {}
	for _, c := range []struct {
		what, question string
		change         func(*dns.Msg)
		rcode          int
	}{
		{"an answer", "www.example. A", nothing, dns.RcodeSuccess},
		{"all types", "example. ANY", nothing, dns.RcodeSuccess},
		{"a chain", "Mixed.example. A", nothing, dns.RcodeSuccess},
		{"a referral", "x.sub.example. A", nothing, dns.RcodeSuccess},
		{"no data", "www.example. AAAA", nothing, dns.RcodeSuccess},
		{"no name", "nobody.example. A", nothing, dns.RcodeNameError},
		{"nobody's zone", "www.example.net. A", nothing, dns.RcodeRefused},
		{"a zone that is awaited", "www.awaited. A", nothing, dns.RcodeServerFailure},
		{"another class", "www.example. A", func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS }, dns.RcodeRefused},
		{"a transfer over UDP", "example. IXFR", nothing, dns.RcodeRefused},
		{"a version to come", "www.example. A", version, dns.RcodeBadVers},
		{"an opcode", "www.example. A", opcode(dns.OpcodeStatus), dns.RcodeNotImplemented},
		{"a NOTIFY", "example. SOA", opcode(dns.OpcodeNotify), dns.RcodeNotImplemented},
		{"an UPDATE", "example. SOA", opcode(dns.OpcodeUpdate), dns.RcodeNotImplemented},
	} {
		for _, ip := range []string{"", "203.0.113.0", "2001:db8::"} {
			m := query(c.question, withEDNS(1232, false))
			var want *dns.EDNS0_SUBNET
			if ip != "" {
				want = &dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 24, Address: net.ParseIP(ip)}
				if want.Address.To4() == nil {
					want.Family, want.SourceNetmask = 2, 32
				}
				m.IsEdns0().Option = []dns.EDNS0{want}
			}
			c.change(m)
			reply, _ := exchange(t, s, m, server.UDP)
			if c.rcode == dns.RcodeNotImplemented || c.rcode == dns.RcodeBadVers {
				want = nil
			}
			if got := subnetOf(reply); reply.Rcode != c.rcode || got != told(want) {
				t.Errorf("%s, %q: rcode %d with %q, not %d with %q", c.what, ip, reply.Rcode, got, c.rcode, told(want))
			}
		}
	}
}

// subnetOf is the option of a message, "" without one.
func subnetOf(m *dns.Msg) string {
	if opt := m.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if subnet, ok := o.(*dns.EDNS0_SUBNET); ok {
				return subnet.String()
			}
		}
	}
	return ""
}

func told(o *dns.EDNS0_SUBNET) string {
	if o == nil {
		return ""
	}
	return o.String()
}
