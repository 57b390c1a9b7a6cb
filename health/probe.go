package health

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"unicode"
)

// ErrNotPermitted says that the operating system does not let us send an echo request.
var ErrNotPermitted = errors.New("not permitted to send ICMP echo requests (see ping_group_range, or CAP_NET_RAW)")

// probe does what the check of e says. ctx ends when its time is up.
func (m *Monitor) probe(ctx context.Context, e *entry) Outcome {
	if m.options.Probe != nil {
		return m.options.Probe(ctx, e.target)
	}
	addr := e.target.Addr.Unmap()
	if !addr.IsValid() && e.remote() && e.check.kind != Exec {
		return blind(errors.New("the target has no address"))
	}
	switch c := e.check; c.kind {
	case TCP:
		return m.connect(ctx, netip.AddrPortFrom(addr, c.port))
	case HTTP, HTTPS:
		return m.request(ctx, c, addr)
	case ICMP:
		return m.ping(ctx, addr)
	case Exec:
		return execute(ctx, c.argv, e.target)
	case File:
		return readState(c.path, e.target)
	}
	return blind(errors.New("there is no check"))
}

// connect makes a connection and closes it.
func (m *Monitor) connect(ctx context.Context, to netip.AddrPort) Outcome {
	start := m.options.Now()
	conn, err := m.options.Dial(ctx, "tcp", to.String())
	if err != nil {
		return m.failed(ctx, to.Addr(), err)
	}
	o := Outcome{Result: Passed, RTT: m.options.Now().Sub(start)}
	_ = conn.Close() // it has shown what it had to show
	return o
}

func (m *Monitor) ping(ctx context.Context, addr netip.Addr) Outcome {
	echo := m.options.Echo
	if echo == nil {
		echo = sendEcho
	}
	start := m.options.Now()
	switch err := echo(ctx, addr); {
	case err == nil:
		return Outcome{Result: Passed, RTT: m.options.Now().Sub(start)}
	case errors.Is(err, ErrNotPermitted):
		return blind(err)
	default:
		return m.failed(ctx, addr, err)
	}
}

// failed is the outcome of an attempt to reach addr that has ended with err. When that
// is because of this machine it says nothing of the target.
func (m *Monitor) failed(ctx context.Context, addr netip.Addr, err error) Outcome {
	for _, ours := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.ENOBUFS, syscall.EADDRNOTAVAIL, syscall.EAFNOSUPPORT} {
		if errors.Is(err, ours) {
			return blind(err)
		}
	}
	// A router on the way may have said so, or we have no route ourselves: many hosts
	// have no IPv6. To connect a UDP socket sends nothing, and needs a route.
	if errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.EHOSTUNREACH) {
		conn, noRoute := m.options.Dial(ctx, "udp", netip.AddrPortFrom(addr, 9).String())
		if noRoute != nil && ctx.Err() == nil {
			return blind(fmt.Errorf("no route from here: %w", err))
		}
		if noRoute == nil {
			_ = conn.Close()
		}
	}
	return failure(ctx, err)
}

// failure is the outcome of an attempt that has ended with err.
func failure(ctx context.Context, err error) Outcome {
	if ctx.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded) {
		return Outcome{Result: Failed, Reason: "timed out"}
	}
	if e, ok := errors.AsType[*net.OpError](err); ok && e.Err != nil {
		err = fmt.Errorf("%s: %w", e.Op, e.Err) // the addresses are known
	}
	return Outcome{Result: Failed, Reason: printable(err.Error())}
}

func blind(err error) Outcome { return Outcome{Result: Blind, Reason: printable(err.Error())} }

// printable is the first line of a text, short and without what upsets terminals.
func printable(text string) string {
	const most = 200
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
	if r := []rune(text); len(r) > most {
		text = string(r[:most]) + "…"
	}
	return text
}

// fillIn puts the target into a text that may speak of it.
func fillIn(text string, t Target) string {
	return strings.NewReplacer("{addr}", t.Addr.Unmap().String(), "{site}", t.Site).Replace(text)
}

// readState reads what a file says. One that says nothing of the kind, or is not there,
// leaves things as they are.
func readState(path string, t Target) Outcome {
	if strings.Contains(path, "{site}") && strings.ContainsAny(t.Site, "/\x00") {
		return blind(fmt.Errorf("site %q cannot stand in a path", t.Site))
	}
	path = fillIn(path, t)
	if info, err := os.Stat(path); err != nil {
		return blind(err)
	} else if !info.Mode().IsRegular() { // a pipe would have us wait
		return blind(fmt.Errorf("%s is no regular file", path))
	}
	f, err := os.Open(path)
	if err != nil {
		return blind(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 64))
	if err != nil {
		return blind(err)
	}
	switch word := strings.ToLower(strings.TrimSpace(string(text))); word {
	case "up":
		return Outcome{Result: Passed}
	case "drain":
		return Outcome{Result: Drained}
	case "down":
		return Outcome{Result: Failed, Reason: path + " says so"}
	default:
		return blind(fmt.Errorf("%s says %q; want up, down or drain", path, word))
	}
}
