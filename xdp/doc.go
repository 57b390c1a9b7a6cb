// Package xdp takes UDP queries from a network driver and gives back replies, without the
// system's sockets.
//
// The story in ten lines: [Open] loads a small eBPF program onto a network interface and
// makes, for each of its receive queues, an AF_XDP socket: memory that is shared with the
// kernel, cut into frames, and four rings of descriptors that say whose a frame is. The
// program looks at every frame that comes in. A UDP datagram of ordinary form for one of
// our addresses and ports it puts into the ring of the queue; everything else goes on to
// the kernel as if nothing were there: TCP, ICMP, ARP, fragments, IP options, extension
// headers, other ports, other addresses. [Queue.Serve] has the datagrams answered by an
// [Answerer], some at a time, each reply in a frame of its own with the addresses exchanged,
// and tells the driver once for all of them. What is not answered at once the Answerer
// answers otherwise, from its own sockets for the same addresses, which have to be there
// anyway. [Interface.Run] follows the addresses of the host while they change.
//
// The program hangs on a link that belongs to the process. However the process ends, the
// kernel takes the program away, and all datagrams go to sockets again.
//
// Frames that tell a lie about themselves never get here, as the program passes them on
// to the kernel, or are dropped as the kernel would: a checksum that is wrong, a length
// that is not.
//
// Standards: RFC 768 (UDP), RFC 791 and RFC 1071 (IPv4, checksums), RFC 1122 4.1.3.4 (UDP
// checksums are checked and made), RFC 6864 4.1 (IPv4 ID), RFC 8200 8.1 (UDP over IPv6),
// IEEE 802.1Q (one VLAN tag), RFC 2181 4.1 (replies leave from the address that was asked),
// RFC 9715 3.1 (replies are not fragmented). Not implemented: QinQ,
// frames of more than one buffer.
package xdp
