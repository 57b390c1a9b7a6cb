package lookup

import (
	"context"
	"net/netip"

	"github.com/miekg/dns"
)

// Type is an RR type (RFC 1035 3.2.2) or a question type.
type Type uint16

// The types that the program itself speaks of.
const (
	TypeNone       Type = 0
	TypeA          Type = 1
	TypeNS         Type = 2
	TypeCNAME      Type = 5
	TypeSOA        Type = 6
	TypePTR        Type = 12
	TypeHINFO      Type = 13
	TypeMX         Type = 15
	TypeTXT        Type = 16
	TypeAAAA       Type = 28
	TypeSRV        Type = 33
	TypeDNAME      Type = 39
	TypeOPT        Type = 41
	TypeDS         Type = 43
	TypeRRSIG      Type = 46
	TypeNSEC       Type = 47
	TypeDNSKEY     Type = 48
	TypeNSEC3      Type = 50
	TypeNSEC3PARAM Type = 51
	TypeCDS        Type = 59
	TypeZONEMD     Type = 63
	TypeSVCB       Type = 64
	TypeHTTPS      Type = 65
	TypeTSIG       Type = 250
	TypeIXFR       Type = 251
	TypeAXFR       Type = 252
	TypeMAILB      Type = 253
	TypeMAILA      Type = 254
	TypeANY        Type = 255
)

// String is the mnemonic, or TYPEnnn (RFC 3597 5).
func (t Type) String() string { return dns.Type(t).String() }

// Class is an RR class or question class.
type Class uint16

// The classes that the program knows.
const (
	ClassIN   Class = 1
	ClassCH   Class = 3
	ClassNONE Class = 254
	ClassANY  Class = 255
)

// String is the mnemonic, or CLASSnnn (RFC 3597 5).
func (c Class) String() string { return dns.Class(c).String() }

// Question is what is asked, as a comparable value: two queries with the same
// Question may share an answer when its Scope allows it. The letter case in
// which a client wrote the name is not part of it.
type Question struct {
	Name  Name
	Type  Type
	Class Class
	DO    bool // the asker wants DNSSEC records (RFC 3225)
	CD    bool // the asker validates by itself (RFC 4035 3.2.2)
}

// String is the question as people write it: name, class and type.
func (q Question) String() string {
	return q.Name.String() + " " + q.Class.String() + " " + q.Type.String()
}

// Query is a Question with facts about who asks. Resolvers take it by value, so
// each may change its own copy before it passes it on.
type Query struct {
	Question
	RD bool // recursion desired (RFC 1035 4.1.1)

	// Client is the address that the query came from; the zero Addr when the
	// program itself asks.
	Client netip.Addr

	// Subnet is the EDNS Client Subnet as the client sent it, SCOPE left out
	// (RFC 7871 6). The zero Prefix means that none was sent; a valid /0 is the
	// client's wish that nothing about it be told (RFC 7871 7.1.2).
	Subnet netip.Prefix

	// NAT64 says that the client will reach what is found through a NAT64, which
	// then is whom the servers of that address see (RFC 6146).
	NAT64 bool

	// Budget pays for the work that this query causes, sub-queries included. A
	// resolver that is given none starts one of its own.
	Budget *Budget

	// Fresh asks for what servers say now: answers and delegations that are
	// remembered do not count, and what is heard takes their place. For people
	// who look for a fault; clients cannot ask for it.
	Fresh bool

	// Trace records what is done for the query; nil: nobody is curious.
	Trace *Trace
}

// Resolver answers queries. It is safe for concurrent use.
//
// A DNS outcome, good or bad, is a Response; it is shared and must not be
// changed. An error means that no answer could be had: it is a *Failure, or
// wraps one, when the cause has an Extended DNS Error code. Exactly one of the
// two results is nil.
type Resolver interface {
	Resolve(ctx context.Context, q Query) (*Response, error)
}

// Func is a function that is a Resolver.
type Func func(ctx context.Context, q Query) (*Response, error)

// Resolve calls f.
func (f Func) Resolve(ctx context.Context, q Query) (*Response, error) { return f(ctx, q) }
