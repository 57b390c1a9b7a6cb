package xdp

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
)

// given is a frame, and what is to become of it.
type given struct {
	frame   []byte
	taken   bool    // by the program
	verdict verdict // of read, whether the program takes it or not
}

var theirMAC = [macLen]byte{2, 0, 0, 0, 0, 1}

// build makes a frame with a query in it, as a host would.
func build(from, to string, vlan int, message []byte) []byte {
	f, o := netip.MustParseAddrPort(from), netip.MustParseAddrPort(to)
	frame := slices.Concat([]byte{2, 0, 0xde, 0xad, 0xbe, 0xef}, theirMAC[:])
	if vlan >= 0 {
		frame = binary.BigEndian.AppendUint16(frame, etherVLAN)
		frame = binary.BigEndian.AppendUint16(frame, uint16(vlan)|0x6000) // with a priority
	}
	udp := binary.BigEndian.AppendUint16(nil, f.Port())
	udp = binary.BigEndian.AppendUint16(udp, o.Port())
	udp = binary.BigEndian.AppendUint16(udp, uint16(udpLen+len(message)))
	udp = append(udp, 0, 0)
	udp = append(udp, message...)
	pseudo := slices.Concat(f.Addr().AsSlice(), o.Addr().AsSlice(), []byte{0, protoUDP, udp[4], udp[5]})
	binary.BigEndian.PutUint16(udp[6:], slow(pseudo, udp))
	if f.Addr().Is4() {
		frame = binary.BigEndian.AppendUint16(frame, etherIPv4)
		ip := []byte{0x45, 0, 0, 0, 0x12, 0x34, 0x40, 0, 63, protoUDP, 0, 0}
		binary.BigEndian.PutUint16(ip[2:], uint16(ipv4Len+len(udp)))
		ip = slices.Concat(ip, f.Addr().AsSlice(), o.Addr().AsSlice())
		binary.BigEndian.PutUint16(ip[10:], slow(ip))
		return slices.Concat(frame, ip, udp)
	}
	frame = binary.BigEndian.AppendUint16(frame, etherIPv6)
	ip := []byte{0x60, 1, 2, 3, 0, 0, protoUDP, 63}
	binary.BigEndian.PutUint16(ip[4:], uint16(len(udp)))
	return slices.Concat(frame, ip, f.Addr().AsSlice(), o.Addr().AsSlice(), udp)
}

// slow is the checksum of RFC 1071, as it is written there.
func slow(parts ...[]byte) uint16 {
	sum, n := uint32(0), 0
	for _, p := range parts {
		for _, octet := range p {
			sum += uint32(octet) << (8 * (1 - n%2))
			sum = sum>>16 + sum&0xffff
			n++
		}
	}
	return ^uint16(sum)
}

func with(frame []byte, change func(f []byte)) []byte {
	frame = slices.Clone(frame)
	change(frame)
	return frame
}

// resum makes the header's checksum right again.
func resum(f []byte) {
	f[ipAt+10], f[ipAt+11] = 0, 0
	binary.BigEndian.PutUint16(f[ipAt+10:], slow(f[ipAt:ipAt+ipv4Len]))
}

// frames are the cases of both tests, of the program and of read, by what they are.
func frames() map[string]given {
	query := []byte("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07example\x00\x00\x01\x00\x01")
	four := build("192.0.2.1:4000", "192.0.2.53:53", -1, query)
	six := build("[2001:db8::1]:4000", "[2001:db8::53]:53", -1, query)
	tagged := build("198.51.100.1:4000", "198.51.100.53:53", 100, query)
	tagged6 := build("[2001:db8:100::1]:4000", "[2001:db8:100::53]:53", 100, query)
	all := map[string]given{
		"IPv4":                    {four, true, good},
		"IPv6":                    {six, true, good},
		"IPv4 on a VLAN":          {tagged, true, good},
		"IPv6 on a VLAN":          {tagged6, true, good},
		"priority tag, VLAN 0":    {build("192.0.2.1:4000", "192.0.2.53:53", 0, query), true, good},
		"a message of odd length": {build("192.0.2.1:4000", "192.0.2.53:53", -1, append(query, 7)), true, good},
		"no message":              {build("192.0.2.1:4000", "192.0.2.53:53", -1, nil), true, good},
		"trailing octets":         {append(slices.Clone(four), 0, 0, 0, 0, 0), true, good}, // Ethernet pads short frames

		"another VLAN":      {build("198.51.100.1:4000", "198.51.100.53:53", 101, query), false, good},
		"tag taken away":    {build("198.51.100.1:4000", "198.51.100.53:53", -1, query), false, good},
		"tag too many":      {build("192.0.2.1:4000", "192.0.2.53:53", 100, query), false, good},
		"two tags":          {slices.Concat(tagged[:12], []byte{0x81, 0, 0, 1}, tagged[12:]), false, malformed},
		"another port":      {build("192.0.2.1:53", "192.0.2.53:5353", -1, query), false, good},
		"another port, v6":  {build("[2001:db8::1]:53", "[2001:db8::53]:54", -1, query), false, good},
		"another address":   {build("192.0.2.1:4000", "192.0.2.54:53", -1, query), false, good},
		"another, v6":       {build("[2001:db8::1]:4000", "[2001:db8::54]:53", -1, query), false, good},
		"broadcast":         {build("192.0.2.1:4000", "255.255.255.255:53", -1, query), false, malformed},
		"multicast":         {build("192.0.2.1:4000", "224.0.0.251:53", -1, query), false, malformed},
		"multicast, v6":     {build("[2001:db8::1]:4000", "[ff02::fb]:53", -1, query), false, malformed},
		"another host's":    {with(four, func(f []byte) { f[5] ^= 1 }), false, good},
		"another host's, 2": {with(four, func(f []byte) { f[1] ^= 1 }), false, good},
		"ARP":               {with(four, func(f []byte) { f[13] = 6 }), false, malformed},
		"short":             {four[:20], false, malformed},
		"cut":               {four[:41], false, malformed},
		"cut, v6":           {six[:61], false, malformed},
		"TCP":               {with(four, func(f []byte) { f[ipAt+9] = 6; resum(f) }), false, malformed},
		"ICMP":              {with(four, func(f []byte) { f[ipAt+9] = 1; resum(f) }), false, malformed},
		"TCP, v6":           {with(six, func(f []byte) { f[ipAt+6] = 6 }), false, malformed},
		"ICMPv6":            {with(six, func(f []byte) { f[ipAt+6] = 58 }), false, malformed},
		"hop-by-hop":        {with(six, func(f []byte) { f[ipAt+6] = 0 }), false, malformed},
		"fragment, v6":      {with(six, func(f []byte) { f[ipAt+6] = 44 }), false, malformed},
		"options":           {with(four, func(f []byte) { f[ipAt] = 0x46; resum(f) }), false, malformed},
		"first fragment":    {with(four, func(f []byte) { f[ipAt+6] = 0x20; resum(f) }), false, malformed},
		"last fragment":     {with(four, func(f []byte) { f[ipAt+7] = 9; resum(f) }), false, malformed},
		"may be fragmented": {with(four, func(f []byte) { f[ipAt+6] = 0; resum(f) }), true, good},
		"version 5":         {with(four, func(f []byte) { f[ipAt] = 0x55; resum(f) }), false, malformed},
		"version 7":         {with(six, func(f []byte) { f[ipAt] = 0x70 }), false, malformed},
		"traffic class":     {with(six, func(f []byte) { f[ipAt] = 0x6f }), true, good},

		"from 0/8":           {build("0.0.0.0:4000", "192.0.2.53:53", -1, query), false, malformed},
		"from 127/8":         {build("127.0.0.1:4000", "192.0.2.53:53", -1, query), false, malformed},
		"from multicast":     {build("224.0.0.1:4000", "192.0.2.53:53", -1, query), false, malformed},
		"from ::":            {build("[::]:4000", "[2001:db8::53]:53", -1, query), false, malformed},
		"from ::1":           {build("[::1]:4000", "[2001:db8::53]:53", -1, query), false, malformed},
		"from mapped":        {build("[::ffff:192.0.2.1]:4000", "[2001:db8::53]:53", -1, query), false, malformed},
		"from multicast, v6": {build("[ff02::1]:4000", "[2001:db8::53]:53", -1, query), false, malformed},
		"from ourselves":     {build("192.0.2.53:4000", "192.0.2.53:53", -1, query), true, malformed},
		"from ourselves, v6": {build("[2001:db8::53]:4000", "[2001:db8::53]:53", -1, query), true, malformed},
		"from link-local":    {build("[fe80::1]:4000", "[2001:db8::53]:53", -1, query), false, good},
		"from febf::/16":     {build("[febf::1]:4000", "[2001:db8::53]:53", -1, query), false, good},

		"IP longer than UDP":     {with(four, func(f []byte) { f[ipAt+3]++; resum(f) }), false, malformed},
		"UDP shorter than IP":    {with(four, func(f []byte) { f[ipAt+ipv4Len+5]-- }), false, malformed},
		"UDP shorter than IP v6": {with(six, func(f []byte) { f[ipAt+ipv6Len+5]-- }), false, malformed},
		"long datagram":          {build("192.0.2.1:4000", "192.0.2.53:53", -1, make([]byte, longest)), false, good},
		"longest datagram":       {build("192.0.2.1:4000", "192.0.2.53:53", -1, make([]byte, longest-udpLen)), true, good},
		"longer than the frame":  {four[:len(four)-1], true, malformed},
		"longer, v6":             {six[:len(six)-1], true, malformed},

		"IP checksum":     {with(four, func(f []byte) { f[ipAt+8]++ }), true, badChecksum},
		"UDP checksum":    {with(four, func(f []byte) { f[len(f)-1]++ }), true, badChecksum},
		"UDP checksum v6": {with(six, func(f []byte) { f[len(f)-1]++ }), true, badChecksum},
		"no UDP checksum": {with(four, func(f []byte) { f[ipAt+ipv4Len+6], f[ipAt+ipv4Len+7] = 0, 0 }), true, good},
		"none, v6":        {with(six, func(f []byte) { f[ipAt+ipv6Len+6], f[ipAt+ipv6Len+7] = 0, 0 }), true, badChecksum},
		"left to hardware": {with(four, func(f []byte) {
			binary.BigEndian.PutUint16(f[ipAt+ipv4Len+6:], ^slow(f[ipAt+12:ipAt+20], []byte{0, protoUDP, f[ipAt+ipv4Len+4], f[ipAt+ipv4Len+5]}))
		}), true, good},
		"left to hardware, v6": {with(six, func(f []byte) {
			binary.BigEndian.PutUint16(f[ipAt+ipv6Len+6:], ^slow(f[ipAt+8:ipAt+40], []byte{0, protoUDP, f[ipAt+ipv6Len+4], f[ipAt+ipv6Len+5]}))
		}), true, good},
	}
	return all
}

func TestFramesAreRead(t *testing.T) {
	t.Parallel()
	for name, c := range frames() {
		var d datagram
		if v := d.read(c.frame); v != c.verdict {
			t.Errorf("%s: verdict %d, want %d", name, v, c.verdict)
		}
	}
}

// The reply to a reply is the query again, hops and the like aside: addresses, ports
// and MAC addresses change places, tags stay, and checksums are right.
func TestRepliesGoBackToWhoAsked(t *testing.T) {
	t.Parallel()
	for name, c := range frames() {
		var query datagram
		if query.read(c.frame) != good {
			continue
		}
		for _, message := range [][]byte{nil, {1}, []byte("reply"), bytes.Repeat([]byte{0xff}, MaxReply)} {
			out := append(make([]byte, query.headers), message...)
			query.reply(out)
			var reply datagram
			if v := reply.read(out); v != good {
				t.Fatalf("%s: the reply's verdict is %d", name, v)
			}
			if reply.from != query.to || reply.to != query.from || !bytes.Equal(reply.message, message) {
				t.Errorf("%s: %v -> %v %q", name, reply.from, reply.to, reply.message)
			}
			if !bytes.Equal(out[:6], c.frame[6:12]) || !bytes.Equal(out[6:12], c.frame[:6]) || !bytes.Equal(out[12:query.ip], c.frame[12:query.ip]) {
				t.Errorf("%s: link layer % x, asked with % x", name, out[:query.ip], c.frame[:query.ip])
			}
			if u := out[query.headers-udpLen:]; u[6] == 0 && u[7] == 0 {
				t.Errorf("%s: the reply has no UDP checksum", name)
			}
			network := out[query.ip : query.headers-udpLen]
			pseudo := slices.Concat(reply.from.Addr().AsSlice(), reply.to.Addr().AsSlice(), []byte{0, protoUDP}, out[query.headers-4:query.headers-2])
			if got := slow(pseudo, out[query.headers-udpLen:]); got != 0 {
				t.Errorf("%s: sum over the datagram %#x", name, got)
			}
			if len(network) == ipv4Len && slow(network) != 0 {
				t.Errorf("%s: sum over the IPv4 header %#x", name, slow(network))
			}
		}
	}
}

// A checksum that comes out as 0 is sent as all ones (RFC 768, RFC 8200 8.1).
func TestChecksumIsNeverZero(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"IPv4", "IPv6"} {
		var d datagram
		if d.read(frames()[name].frame) != good {
			t.Fatal(name)
		}
		seen := false
		for n := range 1 << 16 {
			out := append(make([]byte, d.headers), byte(n>>8), byte(n))
			d.reply(out)
			check := binary.BigEndian.Uint16(out[d.headers-2:])
			if check == 0 {
				t.Fatalf("%s, %04x: no checksum", name, n)
			}
			seen = seen || check == 0xffff
		}
		if !seen {
			t.Errorf("%s: no sum came out as 0; the test has shown nothing", name)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, c := range frames() {
		f.Add(c.frame)
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		var d datagram
		before := slices.Clone(frame)
		if v := d.read(frame); v != good {
			return
		}
		out := append(make([]byte, d.headers), "reply"...)
		d.reply(out)
		if !bytes.Equal(frame, before) {
			t.Error("the frame has changed")
		}
		var reply datagram
		if v := reply.read(out); v != good || reply.to != d.from || reply.from != d.to {
			t.Errorf("verdict %d of the reply, %v -> %v to %v -> %v", v, reply.from, reply.to, d.from, d.to)
		}
		if got, want := fold(sum(0, frame)), ^slow(frame); got != want && !(got == 0xffff && want == 0 || got == 0 && want == 0xffff) {
			t.Errorf("sum %#x, want %#x", got, want)
		}
	})
}

func TestFramesTakeNoMemory(t *testing.T) {
	all, out := frames(), make([]byte, 2048)
	four, six := all["IPv4"].frame, all["IPv6 on a VLAN"].frame
	var d datagram
	if n := testing.AllocsPerRun(100, func() {
		for _, f := range [][]byte{four, six} {
			if d.read(f) == good {
				d.reply(out[:d.headers+100])
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkReadAndReply(b *testing.B) {
	for _, name := range []string{"IPv4", "IPv6"} {
		frame, out := frames()[name].frame, make([]byte, 2048)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				var d datagram
				d.read(frame)
				d.reply(out[:d.headers+60])
			}
		})
	}
}
