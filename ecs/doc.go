// Package ecs is EDNS Client Subnet: what is told of clients, to whom, and for
// whom an answer holds.
//
// The story in ten lines: [Parse] reads an option, strictly, and [Option.Data]
// writes one. A network is a netip.Prefix everywhere, so family, address and
// length travel as one value.
//
// Standards: RFC 7871 6 (the option) and 7.2.1 (what is malformed).
package ecs
