package main

import (
	"context"
	"errors"

	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/metrics"
	"github.com/sextant-dns/sextant/server"
	"github.com/sextant-dns/sextant/xdp"
)

// queue has the server answer what package xdp receives.
type queue struct{ *xdp.Queue }

func (q queue) Serve(r *server.Reader) error { return q.Queue.Serve(r) }

// openDrivers takes queries from the drivers of interfaces. Where that cannot be, the log
// says why, and the sockets, which are open already, do all of the work.
func (p *parts) openDrivers(c config.XDP) {
	for _, name := range c.Interfaces {
		o := xdp.Options{Interface: name, Mode: xdpMode(c.Mode), Queues: c.Queues, Listens: p.server.Addrs()}
		i, err := xdp.Open(o)
		if err != nil {
			p.log.Warn("queries come to the sockets alone", "error", err)
			continue
		}
		for _, q := range i.Queues() {
			p.server.Attach(queue{q})
		}
		p.drivers = append(p.drivers, i)
		p.log.Info("serving at the driver", "interface", name, "mode", i.Mode(), "queues", len(i.Queues()))
	}
}

func xdpMode(m config.XDPMode) xdp.Mode {
	switch m {
	case config.XDPNative:
		return xdp.Native
	case config.XDPGeneric:
		return xdp.Generic
	}
	return xdp.Auto
}

// followAddresses keeps up with the addresses that the driver of an interface answers for. If that
// fails, the rest of the server goes on.
func (p *parts) followAddresses(ctx context.Context, i *xdp.Interface) {
	if err := i.Run(ctx); err != nil {
		p.log.Error("addresses that come or go from now on are served by sockets alone", "error", err)
	}
}

// closeDrivers gives the interfaces back. Nobody serves them any more.
func (p *parts) closeDrivers() error {
	var err error
	for _, i := range p.drivers {
		err = errors.Join(err, i.Close())
	}
	return err
}

func (p *parts) driverCounts() (all []metrics.Driver) {
	for _, i := range p.drivers {
		for _, c := range i.Counts() {
			all = append(all, metrics.Driver{Interface: c.Interface, Queue: c.Queue, Queries: c.Queries, Replies: c.Replies, Dropped: map[string]uint64{
				"malformed": c.Malformed, "checksum": c.Checksums, "full": c.Full, "send": c.Unsent,
			}})
		}
	}
	return all
}
