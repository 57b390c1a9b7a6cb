package transport

import (
	"errors"
	"net/netip"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/sextant-dns/sextant/datagram"
)

// maxLeft is how many sockets of a family are kept that have left their servers.
const maxLeft = 256

// sockets opens and closes those of a Client. A new socket costs more than twice what moving
// one costs, in the kernel; which of the two it is depends on the port that was drawn and
// on nothing else, so that it is as hard to guess as it would be if all were new (RFC 5452
// 9.2). It is safe for concurrent use.
type sockets struct {
	ports  ports
	memory sync.Pool // of *socket that are closed

	mu   sync.Mutex
	left [2][]*socket // of IPv4 and IPv6, without server and port
}

// newSockets finds out which ports the system chooses from.
func newSockets() *sockets {
	p := new(sockets)
	if !canChoose() {
		return p
	}
	const folder = "/proc/sys/net/ipv4/" // of IPv6, too
	choice, err1 := os.ReadFile(folder + "ip_local_port_range")
	reserved, err2 := os.ReadFile(folder + "ip_local_reserved_ports")
	if err1 == nil && err2 == nil {
		p.ports.offer(choice, reserved)
	}
	return p
}

// canChoose tells whether the system can be told which port to choose.
func canChoose() bool {
	fd, err := datagram.Socket(netip.IPv4Unspecified())
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	return only(fd, 1024) == nil
}

// open is a socket from local to server.
func (p *sockets) open(local, server netip.AddrPort) (*socket, error) {
	if !p.ports.taken.add(local.Port()) {
		return nil, ends{local, server}.wrap("dial", unix.EADDRINUSE)
	}
	s, err := p.dial(local, server)
	if err != nil {
		p.ports.taken.remove(local.Port())
	}
	return s, err
}

func (p *sockets) dial(local, server netip.AddrPort) (*socket, error) {
	leavable := p.ports.leavable(local.Port()) && !server.Addr().IsUnspecified() // whose packets come from elsewhere
	if leavable {
		if s := p.again(server.Addr().Is6()); s != nil {
			err := s.move(local, server)
			if err == nil {
				return s, nil
			}
			p.discard(s)
			leavable = !errors.Is(err, unix.EAGAIN)
		}
	}
	s, _ := p.memory.Get().(*socket)
	if s == nil {
		s = new(socket)
	}
	if leavable && s.open(local, server, true) == nil {
		return s, nil
	}
	// Where the system does not choose that port, because somebody else has it, it tells so,
	// or gives it after all.
	err := s.open(local, server, false)
	if errors.Is(err, unix.EADDRINUSE) {
		p.ports.busy.add(local.Port())
	}
	if err != nil {
		p.memory.Put(s)
		return nil, err
	}
	p.ports.busy.remove(local.Port())
	return s, nil
}

// again is a socket that has left its server, nil if there is none.
func (p *sockets) again(is6 bool) (s *socket) {
	p.mu.Lock()
	defer p.mu.Unlock()
	left := p.family(is6)
	if n := len(*left); n > 0 {
		s, *left = (*left)[n-1], (*left)[:n-1]
	}
	return s
}

func (p *sockets) family(is6 bool) *[]*socket {
	if is6 {
		return &p.left[1]
	}
	return &p.left[0]
}

// close closes the port of s, at once when it has been of use: an open port can be found
// and flooded (SAD DNS). Nobody may refer to s any more.
func (p *sockets) close(s *socket) {
	port := s.ends.local.Port()
	if !s.leavable || s.leave() != nil || !p.keep(s) {
		p.discard(s)
	}
	p.ports.taken.remove(port)
}

// keep makes room for s, if it can.
func (p *sockets) keep(s *socket) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	left := p.family(s.ends.server.Addr().Is6())
	if len(*left) == maxLeft {
		return false
	}
	*left = append(*left, s)
	return true
}

func (p *sockets) discard(s *socket) {
	_ = s.Close()
	p.memory.Put(s)
}
