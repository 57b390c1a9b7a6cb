package ednscheck

import (
	"fmt"
	"slices"

	"github.com/miekg/dns"
)

// Observation is what matters of a reply.
type Observation struct {
	Rcode   int // the extended one (RFC 6891 6.1.3)
	AA, Z   bool
	Answers int  // RRs in the answer section
	SOA     bool // one of them is an SOA

	EDNS    bool
	Version uint8
	DO      bool
	Flags   uint16 // of EDNS, beside DO
	Options []uint16

	Size int // in octets; 0: unknown
}

// Observe is what matters of a reply of so many octets, 0 for not known.
func Observe(m *dns.Msg, octets int) Observation {
	o := Observation{Rcode: m.Rcode, AA: m.Authoritative, Z: m.Zero, Answers: len(m.Answer), Size: octets}
	o.SOA = slices.ContainsFunc(m.Answer, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeSOA })
	if opt := m.IsEdns0(); opt != nil {
		o.Rcode = m.Rcode&0xf | opt.ExtendedRcode()&^0xf
		o.EDNS, o.Version, o.DO, o.Flags = true, opt.Version(), opt.Do(), opt.Z()
		for _, option := range opt.Option {
			o.Options = append(o.Options, option.Option())
		}
	}
	return o
}

// Judge tells what is wrong with the reply to c, in words; nothing when all is well. aa says
// that the server is authoritative for the zone, and was asked as such.
func (c Case) Judge(o Observation, aa bool) (complaints []string) {
	complain := func(wrong bool, format string, args ...any) {
		if wrong {
			complaints = append(complaints, fmt.Sprintf(format, args...))
		}
	}
	complain(o.Rcode != c.Rcode, "rcode %s, expected %s", rcode(o.Rcode), rcode(c.Rcode))
	complain(aa && c.Rcode == dns.RcodeSuccess && !o.AA, "AA is missing")
	complain(c.Opcode != 0 && o.AA, "AA is set, which means nothing for an unknown opcode")
	complain(o.Z, "the reserved bit of the header is set")
	complain(c.Answer == SOA && !o.SOA, "there is no SOA in the answer section")
	complain(c.Answer == Nothing && o.Answers > 0, "there are %d RRs in the answer section, expected none", o.Answers)
	complain(c.EDNS && !o.EDNS, "there is no OPT, and the query had one")
	complain(!c.EDNS && o.EDNS, "there is an OPT, and the query had none")
	complain(o.EDNS && o.Version != 0, "EDNS version %d, expected 0", o.Version)
	complain(o.Flags != 0, "unknown flags of EDNS are set: %#x", o.Flags)
	complain(o.EDNS && c.EDNS && c.Version == 0 && o.DO != c.DO, "DO is %v, expected what the query has", o.DO) // RFC 3225 3
	complain(slices.Contains(o.Options, unknownOption), "the unknown option comes back")
	limit := 65535
	if !c.TCP {
		limit = max(int(c.Size), smallSize)
	}
	complain(o.Size > limit, "%d octets, expected %d at most", o.Size, limit)
	return complaints
}

// rcode is the mnemonic of an rcode, of which 16 has two.
func rcode(n int) string {
	if n == dns.RcodeBadVers {
		return "BADVERS"
	}
	if s, ok := dns.RcodeToString[n]; ok {
		return s
	}
	return fmt.Sprint("RCODE", n)
}
