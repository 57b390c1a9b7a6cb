package metrics

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// Listen opens the address on which Run will serve; port 0 is any free one.
func (e *Exporter) Listen(addr netip.AddrPort) (err error) {
	e.listener, err = net.Listen("tcp", addr.String())
	return err
}

// Addr is the address that is listened on. Listen must have succeeded.
func (e *Exporter) Addr() netip.AddrPort {
	return e.listener.Addr().(*net.TCPAddr).AddrPort()
}

// Run serves the series at /metrics until ctx is done. It returns when no request
// is left, or two seconds later; the error is nil when ctx was the reason. Listen
// must have succeeded.
func (e *Exporter) Run(ctx context.Context) error {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", e.Handler())
	mux.Handle("GET /{$}", http.RedirectHandler("/metrics", http.StatusFound))
	server := &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      20 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(e.listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if server.Shutdown(grace) != nil {
		_ = server.Close()
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
