package xdp

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// What stands where in a frame. The network layer begins after the EtherType.
const (
	macLen  = 6
	etherAt = 2 * macLen
	tagLen  = 4 // an 802.1Q tag: EtherType, and priority and VLAN
	ipAt    = etherAt + 2

	ipv4Len = 20
	ipv6Len = 40
	udpLen  = 8

	// longest is the longest UDP datagram that is taken. Longer ones, from links with
	// large frames, would not fit into ours.
	longest = 1500

	etherIPv4 = 0x0800
	etherIPv6 = 0x86dd
	etherVLAN = 0x8100
	protoUDP  = 17

	hops = 64 // of replies, as RFC 1700 has it and Linux
)

// verdict is what is to be thought of a frame.
type verdict uint8

const (
	good        verdict = iota
	malformed           // the program would not have let it pass, or its lengths contradict each other
	badChecksum         // it was damaged on the way
)

// datagram is a UDP datagram in an Ethernet frame. Its slices are parts of the frame.
type datagram struct {
	frame    []byte
	message  []byte
	from, to netip.AddrPort
	ip       int // where the network layer begins
	headers  int // octets before the message
}

// read takes the frame apart. What it finds is valid if the verdict is good. It does not
// trust the program that has let the frame pass.
func (d *datagram) read(frame []byte) verdict {
	if len(frame) < ipAt {
		return malformed
	}
	d.frame, d.ip = frame, ipAt
	ether := binary.BigEndian.Uint16(frame[etherAt:])
	if ether == etherVLAN && len(frame) >= ipAt+tagLen {
		ether, d.ip = binary.BigEndian.Uint16(frame[etherAt+tagLen:]), ipAt+tagLen
	}
	switch ether {
	case etherIPv4:
		return d.read4(frame[d.ip:])
	case etherIPv6:
		return d.read6(frame[d.ip:])
	}
	return malformed
}

func (d *datagram) read4(p []byte) verdict {
	if len(p) < ipv4Len+udpLen || p[0] != 0x45 || p[9] != protoUDP || binary.BigEndian.Uint16(p[6:])&^0x4000 != 0 {
		return malformed // options, or a fragment
	}
	length := int(binary.BigEndian.Uint16(p[2:]))
	if length < ipv4Len+udpLen || length > len(p) {
		return malformed
	}
	from, to := netip.AddrFrom4([4]byte(p[12:16])), netip.AddrFrom4([4]byte(p[16:20]))
	if from == to || !ofHost(from) || !ofHost(to) {
		return malformed
	}
	if fold(sum(0, p[:ipv4Len])) != 0xffff {
		return badChecksum
	}
	return d.readUDP(p[ipv4Len:length], from, to, pseudo4(p, length-ipv4Len), ipv4Len)
}

func (d *datagram) read6(p []byte) verdict {
	if len(p) < ipv6Len+udpLen || p[0]>>4 != 6 || p[6] != protoUDP {
		return malformed
	}
	length := ipv6Len + int(binary.BigEndian.Uint16(p[4:]))
	if length < ipv6Len+udpLen || length > len(p) {
		return malformed
	}
	from, to := netip.AddrFrom16([16]byte(p[8:24])), netip.AddrFrom16([16]byte(p[24:40]))
	if from == to || !ofHost(from) || !ofHost(to) {
		return malformed
	}
	return d.readUDP(p[ipv6Len:length], from, to, pseudo6(p, length-ipv6Len), ipv6Len)
}

// ofHost tells whether a is an address that one host may have and that leads to it over a
// network (RFC 1122 3.2.1.3, RFC 4291 2.5).
func ofHost(a netip.Addr) bool {
	if a.Is4() {
		first := a.As4()[0]
		return first != 0 && first != 127 && first < 224
	}
	return !a.IsUnspecified() && !a.IsLoopback() && !a.IsMulticast() && !a.Is4In6()
}

// readUDP reads the transport layer. pseudo is the sum of the pseudo-header.
func (d *datagram) readUDP(u []byte, from, to netip.Addr, pseudo uint64, network int) verdict {
	if int(binary.BigEndian.Uint16(u[4:])) != len(u) {
		return malformed
	}
	d.from = netip.AddrPortFrom(from, binary.BigEndian.Uint16(u))
	d.to = netip.AddrPortFrom(to, binary.BigEndian.Uint16(u[2:]))
	d.message, d.headers = u[udpLen:], d.ip+network+udpLen
	switch check := binary.BigEndian.Uint16(u[6:]); {
	case check == 0 && from.Is4(): // RFC 768: the sender has made none
	case check == 0: // RFC 8200 8.1: over IPv6 there is one
		return badChecksum
	// The sender is on this machine, or in a guest of it, and leaves the checksum to
	// hardware that the frame never meets: there is only the pseudo-header's.
	case check == fold(pseudo):
	case fold(sum(pseudo, u)) != 0xffff:
		return badChecksum
	}
	return good
}

// reply makes out of what stands in out after d.headers octets, a DNS message up to the
// end of out, the reply to d: it fills in the headers.
func (d *datagram) reply(out []byte) {
	copy(out, d.frame[macLen:2*macLen])
	copy(out[macLen:], d.frame[:macLen])
	copy(out[etherAt:d.ip], d.frame[etherAt:d.ip])
	p, network := out[d.ip:], d.headers-d.ip-udpLen
	if network == ipv4Len {
		d.head4(p)
	} else {
		d.head6(p)
	}
	u := p[network:]
	// Ports change places.
	binary.BigEndian.PutUint16(u, d.to.Port())
	binary.BigEndian.PutUint16(u[2:], d.from.Port())
	binary.BigEndian.PutUint16(u[4:], uint16(len(u)))
	u[6], u[7] = 0, 0
	var pseudo uint64
	if network == ipv4Len {
		pseudo = pseudo4(p, len(u))
	} else {
		pseudo = pseudo6(p, len(u))
	}
	check := ^fold(sum(pseudo, u))
	if check == 0 {
		check = 0xffff // RFC 768: 0 would mean that there is none
	}
	binary.BigEndian.PutUint16(u[6:], check)
}

// head4 writes an IPv4 header. RFC 6864 4.1: what cannot be fragmented needs no ID.
func (d *datagram) head4(p []byte) {
	came := d.frame[d.ip:]
	p[0], p[1] = 0x45, 0
	binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
	binary.BigEndian.PutUint32(p[4:], 0x4000) // ID 0, DF
	p[8], p[9], p[10], p[11] = hops, protoUDP, 0, 0
	copy(p[12:16], came[16:20])
	copy(p[16:20], came[12:16])
	binary.BigEndian.PutUint16(p[10:], ^fold(sum(0, p[:ipv4Len])))
}

// head6 writes an IPv6 header.
func (d *datagram) head6(p []byte) {
	came := d.frame[d.ip:]
	binary.BigEndian.PutUint32(p, 6<<28)
	binary.BigEndian.PutUint16(p[4:], uint16(len(p)-ipv6Len))
	p[6], p[7] = protoUDP, hops
	copy(p[8:24], came[24:40])
	copy(p[24:40], came[8:24])
}

// pseudo4 is the sum of the pseudo-header of a datagram of n octets (RFC 768); both
// addresses stand in the header side by side.
func pseudo4(header []byte, n int) uint64 { return sum(protoUDP+uint64(n), header[12:20]) }

// pseudo6 is that of RFC 8200 8.1.
func pseudo6(header []byte, n int) uint64 { return sum(protoUDP+uint64(n), header[8:40]) }

// sum adds b, as numbers of 16 bits, to a sum in one's complement (RFC 1071). Sums of 64
// bits with the carry put in again are as good as those of 16.
func sum(acc uint64, b []byte) uint64 {
	var carry uint64
	for len(b) >= 8 {
		acc, carry = bits.Add64(acc, binary.BigEndian.Uint64(b), carry)
		b = b[8:]
	}
	var last uint64 // at most 7 octets, and zeros after them
	if len(b) > 0 {
		var tail [8]byte
		copy(tail[:], b)
		last = binary.BigEndian.Uint64(tail[:])
	}
	acc, carry = bits.Add64(acc, last, carry)
	acc, carry = bits.Add64(acc, 0, carry)
	return acc + carry
}

// fold makes 16 bits of a sum.
func fold(acc uint64) uint16 {
	acc = acc>>32 + acc&0xffffffff
	acc = acc>>32 + acc&0xffffffff
	acc = acc>>16 + acc&0xffff
	acc = acc>>16 + acc&0xffff
	return uint16(acc)
}
