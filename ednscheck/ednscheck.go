package ednscheck

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/miekg/dns"
)

// Case is a query of RFC 8906 8, and what its reply must be.
type Case struct {
	Section string // of RFC 8906
	What    string // in a few words

	Type       uint16 // that is asked for, at the apex of a zone
	Opcode     int
	HeaderOnly bool // there is no question
	TCP        bool

	RD, AD, CD, Z bool // bits of the header

	EDNS    bool
	Version uint8
	Size    uint16 // of UDP payload; 0 without EDNS
	DO      bool
	Flags   uint16 // of EDNS, beside DO
	Options []uint16

	Rcode  int
	Answer Answer
}

// Answer is what there must be in the answer section.
type Answer uint8

// What answer sections must have.
const (
	Anything Answer = iota
	SOA             // the SOA of the zone
	Nothing
)

const (
	unknownOption = 100
	unknownFlag   = 0x40
	unknownType   = 1000
	usualSize     = 4096
	smallSize     = 512
)

// Cases is the whole list, in the order of the RFC. The caller owns it.
func Cases() []Case {
	soa := func(c Case) Case {
		c.Type, c.Answer = dns.TypeSOA, SOA
		return c
	}
	edns := func(c Case) Case {
		c.EDNS = true
		if c.Size == 0 {
			c.Size = usualSize
		}
		return c
	}
	version1 := func(c Case) Case { // RFC 6891 6.1.3: BADVERS, the version that is known, and no answer
		c = edns(soa(c))
		c.Version, c.Rcode, c.Answer = 1, dns.RcodeBadVers, Nothing
		return c
	}
	cases := []Case{
		soa(Case{Section: "8.1.1", What: "is the server configured for the zone"}),
		{Section: "8.1.2", What: "unknown type", Type: unknownType, Answer: Nothing},
		soa(Case{Section: "8.1.3.1", What: "CD=1", CD: true}),
		soa(Case{Section: "8.1.3.2", What: "AD=1", AD: true}),
		soa(Case{Section: "8.1.3.3", What: "reserved bit", Z: true}),
		soa(Case{Section: "8.1.3.4", What: "recursive query", RD: true}),
	}
	for _, opcode := range []int{3, 7, 8, 9, 10, 11, 12, 13, 14, 15} { // those that IANA has not assigned
		cases = append(cases, Case{Section: "8.1.4", What: fmt.Sprint("unknown opcode ", opcode), Opcode: opcode, HeaderOnly: true, Rcode: dns.RcodeNotImplemented, Answer: Nothing})
	}
	return append(cases,
		soa(Case{Section: "8.1.5", What: "TCP", TCP: true}),
		edns(soa(Case{Section: "8.2.1", What: "minimal EDNS"})),
		version1(Case{Section: "8.2.2", What: "EDNS version 1"}),
		edns(soa(Case{Section: "8.2.3", What: "unknown option", Options: []uint16{unknownOption}})),
		edns(soa(Case{Section: "8.2.4", What: "unknown flag", Flags: unknownFlag})),
		version1(Case{Section: "8.2.5", What: "EDNS version 1 with an unknown flag", Flags: unknownFlag}),
		version1(Case{Section: "8.2.6", What: "EDNS version 1 with an unknown option", Options: []uint16{unknownOption}}),
		edns(Case{Section: "8.2.7", What: "truncated response", Type: dns.TypeDNSKEY, Size: smallSize, DO: true}),
		edns(soa(Case{Section: "8.2.8", What: "DO=1", DO: true})),
		version1(Case{Section: "8.2.9", What: "EDNS version 1 with DO=1", DO: true}),
		edns(soa(Case{Section: "8.2.10", What: "several defined options", Options: []uint16{dns.EDNS0NSID, dns.EDNS0SUBNET, dns.EDNS0EXPIRE, dns.EDNS0COOKIE}})),
	)
}

// String is the section and the words for it.
func (c Case) String() string { return c.Section + " " + c.What }

// Query is the query of the case, for the zone with that apex.
func (c Case) Query(zone string) *dns.Msg {
	m := &dns.Msg{MsgHdr: dns.MsgHdr{Id: dns.Id(), Opcode: c.Opcode, RecursionDesired: c.RD, AuthenticatedData: c.AD, CheckingDisabled: c.CD, Zero: c.Z}}
	if !c.HeaderOnly {
		m.Question = []dns.Question{{Name: dns.Fqdn(zone), Qtype: c.Type, Qclass: dns.ClassINET}}
	}
	if !c.EDNS {
		return m
	}
	m.SetEdns0(c.Size, c.DO)
	o := m.IsEdns0()
	o.SetVersion(c.Version)
	o.SetZ(c.Flags)
	for _, code := range c.Options {
		data := ""
		switch code {
		case dns.EDNS0SUBNET:
			data = "\x00\x01\x00\x00" // 0.0.0.0/0: whom it concerns is told to nobody
		case dns.EDNS0COOKIE:
			data = "ednsTest"
		}
		o.Option = append(o.Option, &dns.EDNS0_LOCAL{Code: code, Data: []byte(data)})
	}
	return m
}

// Dig is the query of the case as arguments of dig, without server and port.
func (c Case) Dig(zone string) []string {
	pick := func(set bool, word string) string {
		if set {
			return "+" + word
		}
		return "+no" + word
	}
	args := []string{
		pick(c.RD, "rec"), pick(c.AD, "ad"), pick(c.CD, "cd"), pick(c.Z, "zflag"), pick(c.TCP, "tcp"),
		pick(slices.Contains(c.Options, dns.EDNS0COOKIE), "cookie"), pick(c.DO, "dnssec"), "+ignore",
	}
	if c.HeaderOnly {
		args = append(args, fmt.Sprintf("+opcode=%d", c.Opcode), "+header-only")
	}
	if c.EDNS {
		args = append(args, fmt.Sprintf("+edns=%d", c.Version), "+noednsneg", fmt.Sprintf("+bufsize=%d", c.Size))
	} else {
		args = append(args, "+noedns")
	}
	if c.Flags != 0 {
		args = append(args, fmt.Sprintf("+ednsflags=%#x", c.Flags))
	}
	for _, code := range c.Options {
		switch code {
		case dns.EDNS0NSID:
			args = append(args, "+nsid")
		case dns.EDNS0SUBNET:
			args = append(args, "+subnet=0.0.0.0/0")
		case dns.EDNS0EXPIRE:
			args = append(args, "+expire")
		case dns.EDNS0COOKIE:
		default:
			args = append(args, "+ednsopt="+strconv.Itoa(int(code)))
		}
	}
	if c.HeaderOnly {
		return args
	}
	return append(args, dns.Fqdn(zone), dns.Type(c.Type).String())
}
