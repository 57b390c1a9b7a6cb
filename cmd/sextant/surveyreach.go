package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/sextant-dns/sextant/health"
)

// reach measures the time to an address.
type reach func(ctx context.Context, to netip.Addr) (time.Duration, error)

// reacher is what --rtt says; nil for nothing.
func reacher(text string) (reach, error) {
	switch kind, port, _ := strings.Cut(text, ":"); {
	case text == "":
		return nil, nil
	case text == "icmp":
		return timed(health.Echo), nil
	case kind == "tcp":
		n, err := strconv.ParseUint(port, 10, 16)
		if err == nil && n > 0 {
			return timed(func(ctx context.Context, to netip.Addr) error { return connect(ctx, netip.AddrPortFrom(to, uint16(n))) }), nil
		}
	}
	return nil, fmt.Errorf("--rtt: %q is neither tcp:PORT nor icmp", text)
}

func timed(once func(context.Context, netip.Addr) error) reach {
	return func(ctx context.Context, to netip.Addr) (time.Duration, error) {
		const patience = 2 * time.Second
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		begin := time.Now()
		err := once(ctx, to)
		return time.Since(begin), err
	}
}

// connect makes a connection. A refusal took just as long.
func connect(ctx context.Context, to netip.AddrPort) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", to.String())
	if errors.Is(err, syscall.ECONNREFUSED) {
		return nil
	}
	if err != nil {
		return err
	}
	return conn.Close()
}

// measure measures the time to all addresses among answers, some at a time; what cannot
// be reached has the reason in place of a time.
func measure(ctx context.Context, to reach, answers []string) map[string]string {
	times := map[string]string{}
	if to == nil {
		return times
	}
	var mu sync.Mutex
	var group sync.WaitGroup
	const sideBySide = 8
	slots := make(chan struct{}, sideBySide)
	for _, text := range answers {
		addr, err := netip.ParseAddr(text)
		if _, known := times[text]; err != nil || known {
			continue
		}
		mu.Lock()
		times[text] = ""
		mu.Unlock()
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			took, err := to(ctx, addr)
			said := fmt.Sprintf("%.1f ms", float64(took.Microseconds())/1000)
			switch {
			case errors.Is(err, health.ErrNotPermitted):
				said = "not permitted"
			case err != nil:
				said = "not reached"
			}
			mu.Lock()
			times[text] = said
			mu.Unlock()
		})
	}
	group.Wait()
	return times
}
