package xdp

import (
	"encoding/binary"
	"net"
	"reflect"
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// attribute is a netlink attribute, padded.
func attribute(kind uint16, parts ...[]byte) []byte {
	value := slices.Concat(parts...)
	a := binary.NativeEndian.AppendUint16(nil, uint16(unix.SizeofNlAttr+len(value)))
	a = append(binary.NativeEndian.AppendUint16(a, kind), value...)
	for len(a)%4 != 0 {
		a = append(a, 0)
	}
	return a
}

func u32(n uint32) []byte { return binary.NativeEndian.AppendUint32(nil, n) }

// newLink is a message RTM_NEWLINK.
func newLink(index int, attributes ...[]byte) []byte {
	body := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(body[4:], uint32(index))
	body = append(body, slices.Concat(attributes...)...)
	m := u32(uint32(unix.SizeofNlMsghdr + len(body)))
	m = binary.NativeEndian.AppendUint16(m, syscall.RTM_NEWLINK)
	return append(append(m, make([]byte, 10)...), body...)
}

func vlanInfo(kind string, id uint16, protocol ...byte) []byte {
	data := attribute(1, binary.NativeEndian.AppendUint16(nil, id))
	if protocol != nil {
		data = append(data, attribute(5, protocol)...)
	}
	return attribute(unix.IFLA_LINKINFO, attribute(unix.IFLA_INFO_KIND, []byte(kind+"\x00")), attribute(unix.IFLA_INFO_DATA|unix.NLA_F_NESTED, data))
}

func TestLinksAreRead(t *testing.T) {
	t.Parallel()
	answer := slices.Concat(
		newLink(1),
		newLink(2, attribute(unix.IFLA_IFNAME, []byte("eth0\x00")), attribute(unix.IFLA_NUM_RX_QUEUES, u32(4))),
		newLink(3, attribute(unix.IFLA_LINK, u32(2)), vlanInfo("vlan", 100, 0x81, 0)),
		newLink(4, attribute(unix.IFLA_LINK, u32(2)), vlanInfo("vlan", 200)),
		newLink(5, attribute(unix.IFLA_LINK, u32(2)), vlanInfo("vlan", 300, 0x88, 0xa8)),        // QinQ
		newLink(6, attribute(unix.IFLA_LINK, u32(2)), vlanInfo("macvlan", 400)),                 // no VLAN
		newLink(7, attribute(unix.IFLA_LINK, u32(1)), vlanInfo("vlan", 500)),                    // elsewhere
		newLink(8, attribute(unix.IFLA_LINK, u32(2)), attribute(unix.IFLA_LINKINFO, []byte{9})), // broken
	)
	links, err := parseLinks(answer)
	if err != nil {
		t.Fatal(err)
	}
	if len(links) != 8 || links[2].queues != 4 || links[1].queues != 0 {
		t.Errorf("got %+v", links)
	}
	if got, want := vlansOf(links, 2), map[int]uint16{3: 100, 4: 200}; !reflect.DeepEqual(got, want) {
		t.Errorf("VLANs %v, want %v", got, want)
	}
}

func FuzzLinks(f *testing.F) {
	f.Add(newLink(3, attribute(unix.IFLA_LINK, u32(2)), vlanInfo("vlan", 100, 0x81, 0)))
	f.Fuzz(func(t *testing.T, answer []byte) { parseLinks(answer) })
}

// What this system says can be read, and agrees with what package net makes of it.
func TestLinksOfThisHost(t *testing.T) {
	t.Parallel()
	links, err := readLinks()
	if err != nil {
		t.Fatal(err)
	}
	interfaces, err := net.Interfaces()
	if err != nil || len(interfaces) == 0 {
		t.Skip("there are none")
	}
	for _, i := range interfaces {
		if l, ok := links[i.Index]; !ok || l.queues < 1 {
			t.Errorf("%s: %+v", i.Name, l)
		}
	}
}
