// Package datagram makes the system calls of UDP sockets that are made most often.
//
// Package net is the way to a UDP socket, and it asks for addresses that we know, tells
// the scheduler of calls that never wait, and allocates for each address. Package
// golang.org/x/sys/unix does not know recvmmsg(2) and sendmmsg(2), nor how to leave a
// server. What server and transport do a hundred thousand times in a second is here
// instead, on Linux: a [Name] is a socket address as the kernel writes it, in memory of
// the caller's, and [Bind], [Connect], [Disconnect], [Send], [Receive], [SendAll] and
// [ReceiveAll] are a system call each, and make it again when a signal has interrupted
// it. They are for sockets that do not block. The scheduler is not told, so whoever may
// have to wait has to ask the runtime's poller. All that is unsafe about it stands in
// calls_linux.go.
//
// Standards: none of the IETF's; ip(7), ipv6(7), udp(7), connect(2), recvmmsg(2) and
// sendmmsg(2) of the Linux manual.
package datagram
