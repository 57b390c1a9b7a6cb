package xdp

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

var errNotEthernet = errors.New("it has no MAC address, expected an Ethernet interface")

// Interface is a network interface whose queries are taken from the driver. Its methods
// are safe for concurrent use.
type Interface struct {
	options Options
	link    linkInfo
	mode    Mode
	program *program
	hold    link.Link // of the program to the interface; it ends with the process
	queues  []*Queue

	mu     sync.Mutex
	keys   map[taken]struct{} // in the program's map
	closed bool
}

// Open puts a program onto the interface and makes sockets for its queues. Until Serve is
// called, all frames go to the system as before. The error says what is missing.
func Open(o Options) (*Interface, error) {
	i := &Interface{options: o, keys: map[taken]struct{}{}}
	if err := i.open(); err != nil {
		return nil, errors.Join(problem(o.Interface, "open", explained(err)), i.Close())
	}
	return i, nil
}

func (i *Interface) open() (err error) {
	if i.link, err = findLink(i.options.Interface); err != nil {
		return err
	}
	if len(i.link.mac) != macLen {
		return errNotEthernet
	}
	queues := min(max(i.link.queues, 1), mostQueues)
	if n := i.options.Queues; n > 0 {
		queues = min(queues, n)
	}
	if i.program, err = loadProgram([macLen]byte(i.link.mac), queues); err != nil {
		return fmt.Errorf("load the program: %w", err)
	}
	if err := i.attach(); err != nil {
		return err
	}
	for n := range queues {
		q, err := i.openQueue(n)
		if n > 0 && errors.Is(err, unix.EINVAL) {
			break // the driver has made room for more queues than it uses
		}
		if err != nil {
			return fmt.Errorf("queue %d: %w", n, err)
		}
		i.queues = append(i.queues, q)
	}
	return i.follow()
}

// attach hangs the program on the interface.
func (i *Interface) attach() error {
	flags := []struct {
		mode Mode
		flag link.XDPAttachFlags
	}{{Native, link.XDPDriverMode}, {Generic, link.XDPGenericMode}}
	var wrong error
	for _, f := range flags {
		if m := i.options.Mode; m != Auto && m != f.mode {
			continue
		}
		hold, err := link.AttachXDP(link.XDPOptions{Program: i.program.look, Interface: i.link.index, Flags: f.flag})
		if err == nil {
			i.hold, i.mode = hold, f.mode
			return nil
		}
		wrong = errors.Join(wrong, fmt.Errorf("attach the program, %s: %w", f.mode, err))
		if errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.EBUSY) {
			break // it would be no better otherwise
		}
	}
	return wrong
}

// explained says what to do about err, where that is known.
func explained(err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w; expected root, or the capabilities CAP_NET_ADMIN, CAP_NET_RAW and CAP_BPF", err)
	case errors.Is(err, unix.EBUSY):
		return fmt.Errorf("%w; another program has the interface or the queue", err)
	case errors.Is(err, unix.ENOBUFS):
		return fmt.Errorf("%w; expected more memory that may be locked (ulimit -l), or CAP_IPC_LOCK", err)
	case errors.Is(err, unix.EAFNOSUPPORT):
		return fmt.Errorf("%w; expected a kernel with XDP_SOCKETS", err)
	}
	return err
}

// Mode is how the program hangs on the interface: Native or Generic.
func (i *Interface) Mode() Mode { return i.mode }

// Queues are its receive queues. Each has to be served.
func (i *Interface) Queues() []*Queue { return i.queues }

// Counts is what its queues have done.
func (i *Interface) Counts() []Counts {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.closed {
		return nil
	}
	var all []Counts
	for _, q := range i.queues {
		all = append(all, q.counted())
	}
	return all
}

// Run keeps up with the addresses of the host until ctx is done. The error is not nil when
// the interface has gone, with which all that is here ends.
func (i *Interface) Run(ctx context.Context) error {
	changes, err := watchAddresses()
	if err != nil {
		return problem(i.link.name, "watch addresses", err)
	}
	defer changes.Close()
	defer context.AfterFunc(ctx, func() { _ = changes.SetReadDeadline(longAgo) })()
	message := make([]byte, 1<<16)
	for {
		if err := i.follow(); err != nil {
			return problem(i.link.name, "follow addresses", err)
		}
		// What has changed is not read from the message but looked at. ENOBUFS says that
		// so much has changed that the system has not kept it.
		if _, err := changes.Read(message); errors.Is(err, os.ErrDeadlineExceeded) {
			return nil
		} else if err != nil && !errors.Is(err, unix.ENOBUFS) {
			return problem(i.link.name, "watch addresses", err)
		}
	}
}

// follow has the program take what is for the addresses that there are now.
func (i *Interface) follow() error {
	links, err := readLinks()
	if err != nil {
		return err
	}
	if _, there := links[i.link.index]; !there {
		return fmt.Errorf("the interface has gone: %w", unix.ENODEV)
	}
	has, err := readAddresses()
	if err != nil {
		return err
	}
	now := wanted(i.options.Listens, has, i.link.index, vlansOf(links, i.link.index))
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.closed {
		return nil
	}
	for key := range i.keys {
		if _, still := now[key]; !still {
			if err := i.program.ours.Delete(entry(key.at, key.vlan)); err != nil {
				return err
			}
			delete(i.keys, key)
		}
	}
	for key := range now {
		if _, already := i.keys[key]; already {
			continue
		}
		if err := i.program.ours.Put(entry(key.at, key.vlan), uint8(1)); err != nil {
			return fmt.Errorf("take %s: %w", key.at, err)
		}
		i.keys[key] = struct{}{}
	}
	return nil
}

// Close takes the program off the interface and gives everything back. Serve and Run must
// have returned.
func (i *Interface) Close() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.closed {
		return nil
	}
	i.closed = true
	var err error
	if i.hold != nil {
		err = i.hold.Close()
	}
	for _, q := range i.queues {
		err = errors.Join(err, q.close())
	}
	if i.program != nil {
		err = errors.Join(err, i.program.close())
	}
	return err
}
