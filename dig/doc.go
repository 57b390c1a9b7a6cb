// Package dig is dig's command line and output.
//
// The story in ten lines: [Run] is the whole program. The arguments, ~/.digrc and
// the lines of a batch file become lists of queries (dig.go, args.go, plus.go):
// what stands before the first name changes all of them, what stands behind a
// name changes that one. Each query is packed, signed if there is a key (tsig.go),
// and sent to its servers, over UDP, TCP, TLS or HTTPS (ask.go, tls.go, https.go); it is sent anew
// when the server wants another EDNS version or a cookie. A transfer goes on to
// its last SOA (transfer.go), a trace from referral to referral (trace.go). What
// comes back is taken apart here (message.go), not by a library, because an
// instrument has to show broken messages, too: an RR whose inside makes no sense
// is printed as octets (RFC 3597 5). RRs are printed by a table that says of
// which fields each type is made (rdata.go, style.go), in columns (print.go), with
// the EDNS options as comments (edns.go): byte for byte what BIND's dig prints, but
// for the program's name. There are BIND's YAML and a JSON of our own, too.
//
// Standards: RFC 1035 4 (messages), RFC 1995 and 5936 (zone transfers), RFC 3597 5
// (unknown types), RFC 6891 (EDNS), RFC 5001 (NSID), RFC 7858 (TLS), RFC 7871 (EDNS
// Client Subnet), RFC 7873 (cookies), RFC 8914 (Extended DNS Errors), RFC 8945
// (TSIG), RFC 9460 2.1 (SVCB), RFC 8484 (HTTPS), RFC 5891 and UTS 46 (IDNA), RFC
// 7050 (discovery of a NAT64's prefix). Not implemented: QUIC, hmac-md5 and SIG(0).
package dig
