package probe

import (
	"github.com/miekg/dns"
)

// udpSize is the payload that probes can take (DNS flag day 2020: no fragments).
const udpSize = 1232

// Query is a question with EDNS and options, given as their data. rd asks for recursion.
func Query(name string, qtype uint16, rd bool, options ...Option) *dns.Msg {
	m := new(dns.Msg).SetQuestion(dns.Fqdn(name), qtype)
	m.RecursionDesired = rd
	m.SetEdns0(udpSize, false)
	opt := m.IsEdns0()
	for _, o := range options {
		opt.Option = append(opt.Option, &dns.EDNS0_LOCAL{Code: o.Code, Data: []byte(o.Data)})
	}
	return m
}
