package health_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/sextant-dns/sextant/health"
)

// Two sites, one of which is found to be down after one failure.
func Example() {
	settings, err := health.ParseSettings([]health.Pair{{Key: "check", Value: "icmp"}, {Key: "fall", Value: "1"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fra := settings.Target("fra", netip.MustParseAddr("192.0.2.80"))
	iad := settings.Target("iad", netip.MustParseAddr("198.51.100.80"))

	ctx, cancel := context.WithCancel(context.Background())
	m := health.New(health.Options{
		Echo: func(_ context.Context, addr netip.Addr) error {
			if addr == iad.Addr {
				return nil
			}
			return errors.New("no reply")
		},
		Report: func(e health.Event) {
			if e.To == health.Down {
				fmt.Println(e)
				cancel()
			}
		},
	})
	m.Watch([]health.Target{fra, iad})
	fmt.Println("fra", m.Snapshot().Status(fra).State)
	if err := m.Run(ctx); err != nil {
		fmt.Println(err)
	}
	fmt.Println("fra", m.Snapshot().Status(fra).State)
	// Output:
	// fra unknown
	// site fra, 192.0.2.80: icmp is now down, was unknown: no reply
	// fra down
}
