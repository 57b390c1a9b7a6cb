// Package server turns bytes into queries and responses into bytes.
//
// The story in ten lines: [Server.Respond] takes a message and gives back the
// reply, and everything else is around it. The message is parsed in place; what
// is wrong with it is answered as the RFCs ask. The first [View] that contains
// the client answers the rest. If the packet cache has the answer, it is
// rendered for this client at once: ID, flags, letter case, TTLs less their age,
// OPT. If not, RD selects one of the view's resolvers, its response (or the
// SERVFAIL that stands for its error) is packed once, kept, and rendered by the
// same code. [Server.Listen] opens sockets and [Server.Run] serves them: UDP in
// batches, where hits are answered by the reader, some together (group.go), and misses by
// a bounded number of goroutines, and TCP, pipelined and in any order. What servers for one zone say
// to each other, transfers and NOTIFY, and all that is signed, goes to [Zones]
// (zones.go). Who asks whom is known by cookies (cookies.go), and to whom it is not known
// not everything is said as often as it is asked ([RateLimit]). [Server.Replace] changes the views while all this goes on;
// [Server.Stats] tells what happened.
//
// How a query travels through the files:
//
//	udp*.go, tcp.go -> respond.go -> view.go -> packets.go --- hit ---> render.go
//	  (limits.go)      (edns.go,                   | miss                  ^ (edns.go,
//	                    cookies.go,                +-> resolver -> pack ---+  ratelimit.go)
//	                    special.go)
//
// Standards: RFC 1035 4.1 and 4.2 (messages, transports), RFC 1995 2 (IXFR), RFC 1996
// (NOTIFY), RFC 2136 2 and 3.8 (UPDATE; package update does it), RFC 2181 4 and 9 (the
// address that replies leave from, TC), RFC 3225 (DO), RFC 4035 3.1.6 and 3.2
// (AD, CD), RFC 4892 (ID.SERVER), RFC 5001 (NSID), RFC 5936 2.2 (AXFR), RFC 6840 5.7 and 5.8 (AD),
// RFC 6891 (EDNS), RFC 7314 (EXPIRE), RFC 7766 and 7828 (TCP), RFC 7830 and 8467 4.1
// (padding), RFC 7871 6 and 7.2.1 (Client Subnet: its form and its echo), RFC 7873 5.2 and
// 5.4 and RFC 9018 (cookies), RFC 8906 8 (every
// query gets a reply), RFC 8914 (Extended DNS Errors), RFC 8945 (TSIG), RFC 9471 3 (glue), RFC
// 9619 (one question), RFC 9824 3.5 (NXNAME). Not implemented: sockets for TLS, HTTPS,
// QUIC.
package server
