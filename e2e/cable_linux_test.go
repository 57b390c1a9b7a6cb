//go:build e2e

package e2e_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// inside runs do on a thread that is on the host: sockets and devices that it opens
// are the host's, whoever uses them later.
func (h host) inside(t *testing.T, do func() error) {
	t.Helper()
	done := make(chan error)
	go func() {
		done <- func() error {
			runtime.LockOSThread()
			// The thread goes home again: processes that it has started would end with it.
			home, err := os.Open("/proc/thread-self/ns/net")
			if err != nil {
				return err
			}
			defer home.Close()
			there, err := os.Open(filepath.Join("/run/netns", h.namespace))
			if err != nil {
				return err
			}
			defer there.Close()
			if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
				return err
			}
			result := do()
			if err := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); err != nil {
				return err // locked for good: nobody else may use this thread
			}
			runtime.UnlockOSThread()
			return result
		}()
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// longCable connects two hosts. A packet between two addresses is as long on its way as
// delay says: not every kernel has a queueing discipline that could do that.
func longCable(t *testing.T, a, b host, delay func(from, to netip.Addr) time.Duration) {
	t.Helper()
	ends := [2]*os.File{tun(t, a), tun(t, b)}
	for i, from := range ends {
		to := ends[1-i]
		go func() {
			for {
				packet := make([]byte, 2048)
				n, err := from.Read(packet)
				if err != nil {
					return // the test has ended
				}
				if n < 20 || packet[0]>>4 != 4 {
					continue
				}
				src, dst := netip.AddrFrom4([4]byte(packet[12:])), netip.AddrFrom4([4]byte(packet[16:]))
				time.AfterFunc(delay(src, dst), func() { to.Write(packet[:n]) })
			}
		}()
	}
}

// tun makes the device tun0 on a host.
func tun(t *testing.T, h host) *os.File {
	t.Helper()
	var f *os.File
	h.inside(t, func() error {
		fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		f = os.NewFile(uintptr(fd), "tun0")
		r, err := unix.NewIfreq("tun0")
		if err != nil {
			return err
		}
		r.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		return unix.IoctlIfreq(fd, unix.TUNSETIFF, r)
	})
	// A device that is attached can be waited for; one that is not yet says so for good.
	fd, err := unix.Dup(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if err := unix.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	f = os.NewFile(uintptr(fd), "tun0")
	t.Cleanup(func() { f.Close() })
	return f
}
