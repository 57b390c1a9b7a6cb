package xdp

import (
	"encoding/binary"
	"net/netip"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// The program, in C:
//
//	int look(struct xdp_md *ctx) {
//		if (destination MAC != ours) goto pass;
//		key.vlan = 0;
//		if (EtherType == 802.1Q) { key.vlan = VLAN of the tag; skip the tag; }
//		if (EtherType == IPv4) {
//			if (version and header length != 0x45 || a fragment || not UDP) goto pass;
//			if (source in 0/8, 127/8, 224/3) goto pass;
//			if (IP length != UDP length + 20) goto pass;
//			key.address = ::ffff:destination;
//		} else if (EtherType == IPv6) {
//			if (version != 6 || next header != UDP) goto pass;
//			if (source in ff00::/8, fe80::/10, ::/64) goto pass;
//			if (IP length != UDP length) goto pass;
//			key.address = destination;
//		} else goto pass;
//		if (UDP length > longest) goto pass;
//		key.port = destination port;
//		if (!lookup(ours, &key)) goto pass;
//		return redirect(sockets, ctx->rx_queue_index, or pass if there is none);
//	pass:
//		return XDP_PASS;
//	}
//
// Each load from the frame is behind a comparison with its end, which the kernel's
// verifier insists on.

const (
	xdpPass = 2 // enum xdp_action

	keyLen     = 20   // 16 octets of address, 2 of port in network order, 2 of VLAN in the machine's
	mostKeys   = 8192 // addresses times ports times VLANs
	mostQueues = 256

	// Where struct xdp_md has what.
	ctxData, ctxDataEnd, ctxQueue = 0, 4, 16
)

// The registers that keep something: R1 to R5 do not survive a call.
const (
	frame  = asm.R6 // 14 octets before the network layer
	end    = asm.R7
	ctx    = asm.R8
	vlan   = asm.R9
	key    = -keyLen // on the stack
	passTo = "pass"
)

// program is the program and its maps in the kernel.
type program struct {
	ours    *ebpf.Map // keys of what is taken
	sockets *ebpf.Map // of the queues
	look    *ebpf.Program
}

// loadProgram loads the program for an interface with that MAC address.
func loadProgram(mac [macLen]byte, queues int) (*program, error) {
	p := new(program)
	var err error
	if p.ours, err = ebpf.NewMap(&ebpf.MapSpec{Name: "sextant_ours", Type: ebpf.Hash, KeySize: keyLen, ValueSize: 1, MaxEntries: mostKeys}); err != nil {
		return nil, err
	}
	if p.sockets, err = ebpf.NewMap(&ebpf.MapSpec{Name: "sextant_socks", Type: ebpf.XSKMap, KeySize: 4, ValueSize: 4, MaxEntries: uint32(queues)}); err != nil {
		_ = p.close()
		return nil, err
	}
	if p.look, err = ebpf.NewProgram(&ebpf.ProgramSpec{
		Name:         "sextant_look",
		Type:         ebpf.XDP,
		License:      "Apache-2.0", // it calls nothing that would ask for the GPL
		Instructions: instructions(mac, p.ours.FD(), p.sockets.FD()),
	}); err != nil {
		_ = p.close()
		return nil, err
	}
	return p, nil
}

// close lets go of all of it; the kernel keeps what is in use.
func (p *program) close() error {
	if p.look != nil {
		_ = p.look.Close()
	}
	for _, m := range []*ebpf.Map{p.ours, p.sockets} {
		if m != nil {
			_ = m.Close()
		}
	}
	return nil
}

// network is a number of 16 bits in network order, as the program loads it.
func network(n uint16) int32 {
	return int32(binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, n)))
}

// atLeast passes the frame on if it has fewer octets.
func atLeast(octets int) asm.Instructions {
	return asm.Instructions{
		asm.Mov.Reg(asm.R1, frame),
		asm.Add.Imm(asm.R1, int32(octets)),
		asm.JGT.Reg(asm.R1, end, passTo),
	}
}

func instructions(mac [macLen]byte, ours, sockets int) asm.Instructions {
	var all asm.Instructions
	all = append(all, ethernet(mac)...)
	all = append(all, inIPv4()...)
	all = append(all, inIPv6()...)
	return append(all,
		// "known": R1 is the datagram's length in the machine's order, R2 its port.
		asm.JGT.Imm(asm.R1, longest, passTo).WithSymbol("known"),
		asm.StoreMem(asm.RFP, key+16, asm.R2, asm.Half),
		asm.StoreMem(asm.RFP, key+18, vlan, asm.Half),
		asm.LoadMapPtr(asm.R1, ours),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, key),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, passTo),
		asm.LoadMapPtr(asm.R1, sockets),
		asm.LoadMem(asm.R2, ctx, ctxQueue, asm.Word),
		asm.Mov.Imm(asm.R3, xdpPass),
		asm.FnRedirectMap.Call(),
		asm.Return(),
		asm.Mov.Imm(asm.R0, xdpPass).WithSymbol(passTo),
		asm.Return(),
	)
}

// ethernet leaves frame, end and vlan as they shall be, and the EtherType in R4.
func ethernet(mac [macLen]byte) asm.Instructions {
	all := asm.Instructions{
		asm.Mov.Reg(ctx, asm.R1),
		asm.LoadMem(frame, ctx, ctxData, asm.Word),
		asm.LoadMem(end, ctx, ctxDataEnd, asm.Word),
	}
	all = append(all, atLeast(ipAt+tagLen)...)
	return append(all,
		asm.LoadMem(asm.R1, frame, 0, asm.Word),
		asm.JNE.Imm32(asm.R1, int32(binary.NativeEndian.Uint32(mac[:])), passTo),
		asm.LoadMem(asm.R1, frame, 4, asm.Half),
		asm.JNE.Imm(asm.R1, int32(binary.NativeEndian.Uint16(mac[4:])), passTo),
		asm.Mov.Imm(vlan, 0),
		asm.LoadMem(asm.R4, frame, etherAt, asm.Half),
		asm.JNE.Imm(asm.R4, network(etherVLAN), "untagged"),
		asm.LoadMem(vlan, frame, etherAt+2, asm.Half),
		asm.HostTo(asm.BE, vlan, asm.Half),
		asm.And.Imm(vlan, 0xfff),
		asm.LoadMem(asm.R4, frame, etherAt+tagLen, asm.Half),
		asm.Add.Imm(frame, tagLen),
		asm.JEq.Imm(asm.R4, network(etherIPv4), "ipv4").WithSymbol("untagged"),
		asm.JEq.Imm(asm.R4, network(etherIPv6), "ipv6"),
		asm.Ja.Label(passTo),
	)
}

func inIPv4() asm.Instructions {
	all := atLeast(ipAt + ipv4Len + udpLen)
	all[0] = all[0].WithSymbol("ipv4")
	return append(all,
		asm.LoadMem(asm.R1, frame, ipAt, asm.Byte),
		asm.JNE.Imm(asm.R1, 0x45, passTo), // version, and no options
		asm.LoadMem(asm.R1, frame, ipAt+6, asm.Half),
		asm.And.Imm(asm.R1, network(0xbfff)), // all but DF
		asm.JNE.Imm(asm.R1, 0, passTo),       // a fragment
		asm.LoadMem(asm.R1, frame, ipAt+9, asm.Byte),
		asm.JNE.Imm(asm.R1, protoUDP, passTo),
		asm.LoadMem(asm.R1, frame, ipAt+12, asm.Byte),
		asm.JEq.Imm(asm.R1, 0, passTo),
		asm.JEq.Imm(asm.R1, 127, passTo),
		asm.JGE.Imm(asm.R1, 224, passTo),
		asm.StoreImm(asm.RFP, key, 0, asm.Word),
		asm.StoreImm(asm.RFP, key+4, 0, asm.Word),
		asm.Mov.Imm(asm.R1, network(0xffff)),
		asm.StoreImm(asm.RFP, key+8, 0, asm.Half),
		asm.StoreMem(asm.RFP, key+10, asm.R1, asm.Half),
		asm.LoadMem(asm.R1, frame, ipAt+16, asm.Word),
		asm.StoreMem(asm.RFP, key+12, asm.R1, asm.Word),
		asm.LoadMem(asm.R2, frame, ipAt+ipv4Len+2, asm.Half),
		asm.LoadMem(asm.R1, frame, ipAt+ipv4Len+4, asm.Half),
		asm.HostTo(asm.BE, asm.R1, asm.Half),
		asm.LoadMem(asm.R3, frame, ipAt+2, asm.Half),
		asm.HostTo(asm.BE, asm.R3, asm.Half),
		asm.Sub.Imm(asm.R3, ipv4Len),
		asm.JNE.Reg(asm.R1, asm.R3, passTo),
		asm.Ja.Label("known"),
	)
}

func inIPv6() asm.Instructions {
	all := atLeast(ipAt + ipv6Len + udpLen)
	all[0] = all[0].WithSymbol("ipv6")
	all = append(all,
		asm.LoadMem(asm.R1, frame, ipAt, asm.Byte),
		asm.And.Imm(asm.R1, 0xf0),
		asm.JNE.Imm(asm.R1, 0x60, passTo),
		asm.LoadMem(asm.R1, frame, ipAt+6, asm.Byte),
		asm.JNE.Imm(asm.R1, protoUDP, passTo), // extension headers, among all else
		asm.LoadMem(asm.R1, frame, ipAt+8, asm.Byte),
		asm.JEq.Imm(asm.R1, 0xff, passTo),
		asm.LoadMem(asm.R1, frame, ipAt+8, asm.Half),
		asm.And.Imm(asm.R1, network(0xffc0)),
		asm.JEq.Imm(asm.R1, network(0xfe80), passTo),
		asm.LoadMem(asm.R1, frame, ipAt+8, asm.Word),
		asm.LoadMem(asm.R2, frame, ipAt+12, asm.Word),
		asm.Or.Reg(asm.R1, asm.R2),
		asm.JEq.Imm(asm.R1, 0, passTo),
	)
	for word := range int16(4) {
		all = append(all,
			asm.LoadMem(asm.R1, frame, ipAt+24+4*word, asm.Word),
			asm.StoreMem(asm.RFP, key+4*word, asm.R1, asm.Word))
	}
	return append(all,
		asm.LoadMem(asm.R2, frame, ipAt+ipv6Len+2, asm.Half),
		asm.LoadMem(asm.R1, frame, ipAt+ipv6Len+4, asm.Half),
		asm.LoadMem(asm.R3, frame, ipAt+4, asm.Half),
		asm.JNE.Reg(asm.R1, asm.R3, passTo),
		asm.HostTo(asm.BE, asm.R1, asm.Half),
		asm.Ja.Label("known"),
	)
}

// entry is the key of an address and port on a VLAN, 0 being none.
func entry(at netip.AddrPort, vlan uint16) (k [keyLen]byte) {
	a := at.Addr().As16()
	copy(k[:], a[:])
	binary.BigEndian.PutUint16(k[16:], at.Port())
	binary.NativeEndian.PutUint16(k[18:], vlan)
	return k
}
