package xdp

import (
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// linkInfo is what the system says of a network interface.
type linkInfo struct {
	name   string
	index  int
	mac    net.HardwareAddr
	queues int // to receive from, for which the driver has made room

	parent int    // index of the interface that a VLAN is on; 0: none
	vlan   uint16 // 0: it is no VLAN of 802.1Q
}

// findLink looks for an interface by name.
func findLink(name string) (linkInfo, error) {
	interfaces, err := net.InterfaceByName(name)
	if err != nil {
		return linkInfo{}, err
	}
	links, err := readLinks()
	if err != nil {
		return linkInfo{}, err
	}
	info := links[interfaces.Index]
	info.name, info.index, info.mac = name, interfaces.Index, interfaces.HardwareAddr
	return info, nil
}

// readLinks asks the system for all interfaces (rtnetlink(7)).
func readLinks() (map[int]linkInfo, error) {
	answer, err := syscall.NetlinkRIB(syscall.RTM_GETLINK, syscall.AF_UNSPEC)
	if err != nil {
		return nil, os.NewSyscallError("netlink", err)
	}
	return parseLinks(answer)
}

// parseLinks reads messages RTM_NEWLINK.
func parseLinks(answer []byte) (map[int]linkInfo, error) {
	messages, err := syscall.ParseNetlinkMessage(answer)
	if err != nil {
		return nil, err
	}
	links := map[int]linkInfo{}
	for _, m := range messages {
		if m.Header.Type != syscall.RTM_NEWLINK || len(m.Data) < unix.SizeofIfInfomsg {
			continue
		}
		attributes, err := syscall.ParseNetlinkRouteAttr(&m)
		if err != nil {
			return nil, err
		}
		info := linkInfo{index: int(int32(binary.NativeEndian.Uint32(m.Data[4:])))}
		for _, a := range attributes {
			switch {
			case a.Attr.Type == unix.IFLA_NUM_RX_QUEUES && len(a.Value) >= 4:
				info.queues = int(binary.NativeEndian.Uint32(a.Value))
			case a.Attr.Type == unix.IFLA_LINK && len(a.Value) >= 4:
				info.parent = int(binary.NativeEndian.Uint32(a.Value))
			case a.Attr.Type == unix.IFLA_LINKINFO:
				info.vlan = vlanID(a.Value)
			}
		}
		links[info.index] = info
	}
	return links, nil
}

// vlanID is that of IFLA_LINKINFO, whose attributes have attributes of their own; 0 if it
// is of no VLAN of 802.1Q.
func vlanID(info []byte) uint16 {
	const vlanIs, protocolIs = 1, 5 // IFLA_VLAN_ID and IFLA_VLAN_PROTOCOL of if_link.h
	of := attributes(info)
	if string(of[unix.IFLA_INFO_KIND]) != "vlan\x00" {
		return 0
	}
	data := attributes(of[unix.IFLA_INFO_DATA])
	if p := data[protocolIs]; len(p) >= 2 && binary.BigEndian.Uint16(p) != etherVLAN {
		return 0
	}
	if id := data[vlanIs]; len(id) >= 2 {
		return binary.NativeEndian.Uint16(id)
	}
	return 0
}

// attributes takes netlink attributes apart.
func attributes(b []byte) map[uint16][]byte {
	all := map[uint16][]byte{}
	for len(b) >= unix.SizeofNlAttr {
		length := int(binary.NativeEndian.Uint16(b))
		if length < unix.SizeofNlAttr || length > len(b) {
			break
		}
		all[binary.NativeEndian.Uint16(b[2:])&^(unix.NLA_F_NESTED|unix.NLA_F_NET_BYTEORDER)] = b[unix.SizeofNlAttr:length]
		b = b[min((length+3)&^3, len(b)):]
	}
	return all
}

// vlansOf are the VLANs on an interface, by the indices of theirs.
func vlansOf(links map[int]linkInfo, index int) map[int]uint16 {
	vlans := map[int]uint16{}
	for _, l := range links {
		if l.parent == index && l.vlan != 0 {
			vlans[l.index] = l.vlan
		}
	}
	return vlans
}

// readAddresses asks the system for all addresses of the host.
func readAddresses() (all []address, err error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	for _, i := range interfaces {
		addrs, err := i.Addrs()
		if err != nil {
			return nil, err
		}
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil {
				all = append(all, address{p.Addr(), i.Index})
			}
		}
	}
	return all, nil
}

// watchAddresses can be read from whenever an address or interface comes or goes.
func watchAddresses() (*os.File, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	const groups = unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV6_IFADDR
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups}); err != nil {
		_ = unix.Close(fd)
		return nil, os.NewSyscallError("bind", err)
	}
	return os.NewFile(uintptr(fd), "netlink"), nil
}
