// Package dig is dig's command line and output.
//
// The story in ten lines: [Run] is the whole program. The arguments become a
// list of queries (args.go, plus.go): what stands before the first name changes
// all of them, what stands behind a name changes that one. Each query is packed
// and sent to its servers, over UDP and, when it must be, over TCP (ask.go); it
// is sent anew when the server wants another EDNS version or a cookie. What
// comes back is taken apart here (message.go), not by a library, because an
// instrument has to show broken messages, too: an RR whose inside makes no sense
// is printed as octets (RFC 3597 5). RRs are printed by a table that says of
// which fields each type is made (rdata.go), in columns (print.go), with the
// EDNS options as comments (edns.go): byte for byte what BIND's dig prints, but
// for the program's name.
//
// Standards: RFC 1035 4 (messages), RFC 3597 5 (unknown types), RFC 6891 (EDNS),
// RFC 5001 (NSID), RFC 7871 (EDNS Client Subnet), RFC 7873 (cookies), RFC 8914
// (Extended DNS Errors), RFC 9460 2.1 (SVCB). Not implemented: -f, -k, -y, zone
// transfers, search lists, +multiline, +trace, +nssearch, +yaml, TLS and HTTPS;
// the types APL, HIP, IPSECKEY and AMTRELAY are printed as octets.
package dig
