// Package transport asks one server one question and brings back its reply.
//
// The story in ten lines: [Client.Exchange] takes a [Request] and asks over UDP,
// from a socket of its own on a random port, with a random ID and random letter
// case; whoever cannot see the query has to guess all three. What comes back is
// judged before it is read: another question, or garbage, is ignored and the
// waiting goes on; a reply that looks like a guess, or that is truncated, is
// answered by asking again over TCP, where guessing is of no use. So is a reply
// without the DNS cookie of a server that has sent one before (cookie.go). A reply that
// passes is decoded, its EDNS Client Subnet is compared with the one that was
// sent, and it becomes a [Reply]. Everything else, a refused port or silence, is
// an [Error] about this one attempt: what it says of the server is for the caller
// to decide, as is whom to ask next. Nothing but cookies is remembered from one
// exchange to the next, and no goroutine or port outlives one; a socket may serve another
// one on another port (sockets_linux.go). The exception is TLS,
// over which a server has to prove who it is (tls.go): such connections are few, many
// queries share them, and [Client.Run] ends them (session.go).
//
// Standards: RFC 1035 4.2 (UDP and TCP), RFC 5452 9 (resilience against forged
// answers), RFC 6891 6 (EDNS), RFC 7766 5 (TCP after truncation), RFC 7871
// 7.1 and 11.2 (sending and checking EDNS Client Subnet), RFC 7873 5.1 and 5.3 and RFC
// 9018 3 (client side of DNS cookies), RFC 7858 3 and 4.2 and RFC 8310 5 (TLS, in the
// strict profile by name, address or key, or without any proof), RFC 7766 6.2.1 (pipelining
// and replies in any order, over TLS), RFC 8467 4.1 (padding), RFC 8914 2 (Extended DNS
// Errors), RFC 9715 3 (no fragments); draft-vixie-dnsext-dns0x20. Not implemented: reuse
// of connections without TLS, RFC 7828 (keepalive).
package transport
