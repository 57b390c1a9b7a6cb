package xdp

import (
	"encoding/binary"
	"net/netip"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

const xdpRedirect = 4

// needsBPF skips the test where programs cannot be loaded.
func needsBPF(t testing.TB) {
	t.Helper()
	missing := t.Skipf
	if os.Getenv("CI") == "true" {
		missing = t.Fatalf
	}
	if os.Geteuid() != 0 {
		missing("needs root, to load an eBPF program")
	}
}

var ourMAC = [macLen]byte{2, 0, 0xde, 0xad, 0xbe, 0xef}

// loaded is the program with one socket and our addresses: 192.0.2.53 and
// 2001:db8::53 at port 53 without a VLAN, 198.51.100.53 on VLAN 100.
func loaded(t testing.TB) *program {
	t.Helper()
	needsBPF(t)
	p, err := loadProgram(ourMAC, 1)
	if err != nil {
		t.Fatalf("%+v", err)
	}
	t.Cleanup(func() { p.close() })
	for _, o := range []struct {
		at   string
		vlan uint16
	}{{"192.0.2.53:53", 0}, {"[2001:db8::53]:53", 0}, {"198.51.100.53:53", 100}, {"[2001:db8:100::53]:53", 100}} {
		if err := p.ours.Put(entry(netip.MustParseAddrPort(o.at), o.vlan), uint8(1)); err != nil {
			t.Fatal(err)
		}
	}
	// An unbound socket with a ring is enough for the program to name it.
	fd, err := unix.Socket(unix.AF_XDP, unix.SOCK_RAW, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.SetsockoptInt(fd, unix.SOL_XDP, unix.XDP_RX_RING, 64); err != nil {
		t.Fatal(err)
	}
	if err := p.sockets.Put(uint32(0), uint32(fd)); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestProgramTakesOurQueriesAndNothingElse(t *testing.T) {
	t.Parallel()
	p := loaded(t)
	for name, c := range frames() {
		action, _, err := p.look.Test(c.frame)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want := uint32(xdpPass)
		if c.taken {
			want = xdpRedirect
		}
		if action != want {
			t.Errorf("%s: action %d, want %d", name, action, want)
		}
	}
}

// Without a socket nothing is taken: so queries are not lost before the queue is
// served, nor after.
func TestProgramPassesAllWithoutASocket(t *testing.T) {
	t.Parallel()
	p := loaded(t)
	if err := p.sockets.Delete(uint32(0)); err != nil {
		t.Fatal(err)
	}
	for name, c := range frames() {
		if action, _, err := p.look.Test(c.frame); err != nil || action != xdpPass {
			t.Errorf("%s: action %d, %v", name, action, err)
		}
	}
}

// What the program takes, and is not damaged, is read; whatever it is given, the two
// agree.
func FuzzProgramAgreesWithRead(f *testing.F) {
	for _, c := range frames() {
		f.Add(c.frame)
	}
	p := loaded(f)
	f.Fuzz(func(t *testing.T, frame []byte) {
		if len(frame) < ipAt || len(frame) > 2000 {
			return
		}
		action, _, err := p.look.Test(frame)
		if err != nil {
			t.Fatal(err)
		}
		var d datagram
		v := d.read(frame)
		if action == xdpRedirect && v == good && (d.to.Port() != 53 || len(d.message) > longest) {
			t.Errorf("taken, and yet for %v, %d octets", d.to, len(d.message))
		}
	})
}

func BenchmarkProgram(b *testing.B) {
	p, err := loadProgram(ourMAC, 1)
	if err != nil {
		b.Skip(err)
	}
	defer p.close()
	frame := frames()["IPv4"].frame
	at := binary.BigEndian.Uint16(frame[ipAt+ipv4Len+2:])
	if err := p.ours.Put(entry(netip.AddrPortFrom(netip.AddrFrom4([4]byte(frame[30:34])), at), 0), uint8(1)); err != nil {
		b.Fatal(err)
	}
	_, each, err := p.look.Benchmark(frame, max(b.N, 1), b.ResetTimer)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(each.Nanoseconds()), "ns/frame")
}
