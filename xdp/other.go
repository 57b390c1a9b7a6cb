//go:build !linux

package xdp

import "context"

// Interface is a network interface whose queries are taken from the driver.
type Interface struct{}

// Queue is one of its receive queues.
type Queue struct{}

// Open fails with ErrUnsupported.
func Open(o Options) (*Interface, error) { return nil, problem(o.Interface, "open", ErrUnsupported) }

// Mode is how the program hangs on the interface.
func (i *Interface) Mode() Mode { return Generic }

// Queues are its receive queues.
func (i *Interface) Queues() []*Queue { return nil }

// Run fails with ErrUnsupported.
func (i *Interface) Run(context.Context) error { return ErrUnsupported }

// Counts is what its queues have done.
func (i *Interface) Counts() []Counts { return nil }

// Close does nothing.
func (i *Interface) Close() error { return nil }

// Serve fails with ErrUnsupported.
func (q *Queue) Serve(Answerer) error { return ErrUnsupported }

// Stop does nothing.
func (q *Queue) Stop() {}
