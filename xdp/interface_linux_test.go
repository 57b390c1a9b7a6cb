package xdp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// echo answers with the query again, with two octets before it, but "later" not at once.
// It takes in three queries at a time.
type echo struct{ taken []func() []byte }

func (*echo) Begin() {}

func (e *echo) Take(dst, query []byte, _, _ netip.AddrPort) (more bool) {
	e.taken = append(e.taken, func() []byte {
		switch string(query) {
		case "later":
			return nil
		case "long":
			return append(dst, make([]byte, MaxReply+1)...)
		case "longest":
			return append(dst, make([]byte, MaxReply)...)
		}
		return append(append(dst, "re"...), query...)
	})
	return len(e.taken) < 3
}

func (e *echo) Answer(reply func([]byte)) {
	for _, each := range e.taken {
		reply(each())
	}
	e.taken = nil
}

// cable has the test's thread in a network of its own with a cable between near and far.
// The host has 192.0.2.53 and 2001:db8::53 on near.
func cable(t *testing.T) {
	t.Helper()
	needsBPF(t)
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("needs the command ip (Debian package iproute2)")
	}
	runtime.LockOSThread() // and never unlock: the thread ends with the goroutine
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{
		"link add near type veth peer name far",
		"address add 192.0.2.53/24 dev near",
		"address add 2001:db8::53/64 dev near nodad",
		"link set near address 02:00:de:ad:be:ef", "link set far address 02:00:00:00:00:01",
		"link set near up", "link set far up",
	} {
		if out, err := exec.Command("ip", strings.Fields(command)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v: %s", command, err, out)
		}
	}
}

// wire is the far end of the cable, where frames can be put in and come out.
type wire struct{ fd int }

func plugIn(t *testing.T) wire {
	t.Helper()
	all := binary.NativeEndian.Uint16([]byte{unix.ETH_P_ALL >> 8, unix.ETH_P_ALL & 0xff})
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(all))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	far, err := net.InterfaceByName("far")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: far.Index}),
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_AUXDATA, 1),
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 10}),
	); err != nil {
		t.Fatal(err)
	}
	return wire{fd}
}

func (w wire) send(t *testing.T, frame []byte) {
	t.Helper()
	if _, err := unix.Write(w.fd, frame); err != nil {
		t.Fatal(err)
	}
}

// receive is the next DNS reply that comes, with its VLAN tag where it was in the frame.
func (w wire) receive(t *testing.T) []byte {
	t.Helper()
	for {
		frame, control := make([]byte, 4096), make([]byte, 256)
		n, nc, _, _, err := unix.Recvmsg(w.fd, frame, control, 0)
		if err != nil {
			t.Fatal("no reply: ", err)
		}
		frame = frame[:n]
		messages, err := unix.ParseSocketControlMessage(control[:nc])
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range messages { // struct tpacket_auxdata of packet(7)
			if m.Header.Type == unix.PACKET_AUXDATA && binary.NativeEndian.Uint32(m.Data)&unix.TP_STATUS_VLAN_VALID != 0 {
				tag := binary.BigEndian.AppendUint16(nil, etherVLAN)
				tag = binary.BigEndian.AppendUint16(tag, binary.NativeEndian.Uint16(m.Data[16:]))
				frame = slices.Concat(frame[:etherAt], tag, frame[etherAt:])
			}
		}
		var d datagram
		if d.read(frame) == good && d.from.Port() == 53 {
			return frame
		}
	}
}

// A queue is served, from the first query to the last, over all that a frame may be.
func TestQueueIsServed(t *testing.T) {
	cable(t)
	for _, mode := range []Mode{Native, Generic, Auto} {
		i, err := Open(Options{Interface: "near", Mode: mode, Listens: []netip.AddrPort{
			netip.MustParseAddrPort("0.0.0.0:53"), netip.MustParseAddrPort("[2001:db8::53]:53"), netip.MustParseAddrPort("[2001:db8::99]:53"),
		}})
		if err != nil {
			t.Fatalf("%v: %v", mode, err)
		}
		if want := max(mode, Native); i.Mode() != want || len(i.Queues()) != 1 {
			t.Errorf("%v: %v, %d queues", mode, i.Mode(), len(i.Queues()))
		}
		// No VLAN is needed on the host for the program to take what has its tag.
		if err := i.program.ours.Put(entry(netip.MustParseAddrPort("198.51.100.53:53"), 100), uint8(1)); err != nil {
			t.Fatal(err)
		}
		w, answerer, served := plugIn(t), new(echo), make(chan error, 1)
		q := i.Queues()[0]
		go func() { served <- q.Serve(answerer) }()
		for name, c := range map[string]struct {
			from, to string
			vlan     int
		}{
			"IPv4": {"192.0.2.1:4000", "192.0.2.53:53", -1}, "IPv6": {"[2001:db8::1]:4000", "[2001:db8::53]:53", -1},
			"VLAN": {"198.51.100.1:4000", "198.51.100.53:53", 100}, "priority": {"192.0.2.1:4000", "192.0.2.53:53", 0},
		} {
			for !taking(i) {
				runtime.Gosched()
			}
			query := build(c.from, c.to, c.vlan, []byte("query"))
			w.send(t, query)
			var d datagram
			reply := w.receive(t)
			if v := d.read(reply); v != good || string(d.message) != "requery" || d.from.String() != c.to || d.to.String() != c.from {
				t.Errorf("%v, %s: %v -> %v: %q", mode, name, d.from, d.to, d.message)
			}
			if !bytes.Equal(reply[etherAt:d.ip], query[etherAt:d.ip]) {
				t.Errorf("%v, %s: tag % x, asked with % x", mode, name, reply[etherAt:d.ip], query[etherAt:d.ip])
			}
		}
		for _, message := range []string{"later", "long", "longest"} { // and the last is heard of
			w.send(t, build("192.0.2.1:4000", "192.0.2.53:53", -1, []byte(message)))
		}
		w.send(t, with(build("192.0.2.1:4000", "192.0.2.53:53", -1, []byte("bad")), func(f []byte) { f[len(f)-1]++ }))
		w.send(t, build("192.0.2.53:4000", "192.0.2.53:53", -1, []byte("ourselves")))
		if reply := w.receive(t); len(reply) != ipAt+ipv4Len+udpLen+MaxReply {
			t.Errorf("%v: the longest reply is a frame of %d octets", mode, len(reply))
		}
		// More than the rings have places for, one after the other.
		for n := range 3 * ringSize {
			w.send(t, build("192.0.2.1:4000", "192.0.2.53:53", -1, binary.BigEndian.AppendUint32(nil, uint32(n))))
			var d datagram
			if d.read(w.receive(t)); !bytes.HasSuffix(d.message, binary.BigEndian.AppendUint32(nil, uint32(n))) {
				t.Fatalf("%v, query %d: %q", mode, n, d.message)
			}
		}
		q.Stop()
		if err := <-served; err != nil {
			t.Errorf("%v: Serve: %v", mode, err)
		}
		if taking(i) {
			t.Errorf("%v: the program would still take queries", mode)
		}
		c := i.Counts()[0]
		if want := (Counts{Interface: "near", Queries: 4 + 3 + 3*ringSize, Replies: 4 + 1 + 3*ringSize, Malformed: 1, Checksums: 1, Unsent: 1}); c != want {
			t.Errorf("%v:\ngot  %+v\nwant %+v", mode, c, want)
		}
		if err := i.Close(); err != nil {
			t.Errorf("%v: Close: %v", mode, err)
		}
		if err := i.Close(); err != nil || i.Counts() != nil {
			t.Errorf("%v: Close, again: %v", mode, err)
		}
	}
}

// taking tells whether the program hands queries to the first queue.
func taking(i *Interface) bool {
	action, _, err := i.program.look.Test(build("192.0.2.1:4000", "192.0.2.53:53", -1, nil))
	return err == nil && action == xdpRedirect
}

// A queue that is told to stop before it is served returns at once.
func TestQueueStopsBeforeItIsServed(t *testing.T) {
	cable(t)
	i, err := Open(Options{Interface: "near", Queues: 1, Listens: []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:53")}})
	if err != nil {
		t.Fatal(err)
	}
	defer i.Close()
	i.Queues()[0].Stop()
	if err := i.Queues()[0].Serve(new(echo)); err != nil {
		t.Error(err)
	}
}

// What is missing is said so that somebody can do something about it.
func TestOpenSaysWhatIsMissing(t *testing.T) {
	cable(t)
	held, err := Open(Options{Interface: "near"})
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	for name, want := range map[string]string{
		"lo":      "xdp: lo: open: it has no MAC address, expected an Ethernet interface",
		"nowhere": "xdp: nowhere: open: route ip+net: no such network interface",
		"near":    "device or resource busy; another program has the interface or the queue",
	} {
		if _, err := Open(Options{Interface: name}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}

// The program takes what is for the addresses that the host has now.
func TestAddressesAreFollowed(t *testing.T) {
	cable(t)
	i, err := Open(Options{Interface: "near", Listens: []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:53"), netip.MustParseAddrPort("192.0.2.53:5353")}})
	if err != nil {
		t.Fatal(err)
	}
	defer i.Close()
	watch, err := watchAddresses()
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Close()
	keys := func() (all []string) {
		if err := i.follow(); err != nil {
			t.Fatal(err)
		}
		for k := range i.keys {
			var one uint8
			if err := i.program.ours.Lookup(entry(k.at, k.vlan), &one); err != nil {
				t.Errorf("%v is not in the program's map: %v", k.at, err)
			}
			all = append(all, k.at.String())
		}
		slices.Sort(all)
		return all
	}
	if got := keys(); !slices.Equal(got, []string{"192.0.2.53:53", "192.0.2.53:5353"}) {
		t.Errorf("at first: %v", got)
	}
	for _, step := range []struct {
		command string
		want    []string
	}{
		{"address add 192.0.2.54/24 dev near", []string{"192.0.2.53:53", "192.0.2.53:5353", "192.0.2.54:53"}},
		{"address del 192.0.2.53/24 dev near", nil}, // and with it the second of its network
		{"address add 203.0.113.1/32 dev lo", []string{"203.0.113.1:53"}},
	} {
		if out, err := exec.Command("ip", strings.Fields(step.command)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v: %s", step.command, err, out)
		}
		_ = watch.SetReadDeadline(time.Now().Add(10 * time.Second))
		if _, err := watch.Read(make([]byte, 1<<16)); err != nil {
			t.Errorf("%s: nothing was heard of it: %v", step.command, err)
		}
		if got := keys(); !slices.Equal(got, step.want) {
			t.Errorf("%s: %v, want %v", step.command, got, step.want)
		}
	}
	if out, err := exec.Command("ip", "link", "del", "near").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := i.follow(); !errors.Is(err, unix.ENODEV) {
		t.Errorf("after the interface has gone: %v", err)
	}
}
