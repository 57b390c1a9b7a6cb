package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// Options are what a Server may be told. Socket is required.
type Options struct {
	Socket string // path of the socket

	// Group is the name or number of a group whose members may use the socket,
	// too; "": its owner and root alone may.
	Group string

	Handlers Handlers
}

// Bounds of what callers may take up.
const (
	maxCalls   = 16       // at work at once; more are told to come back
	maxRequest = 64 << 10 // octets of a request

	readTime  = 10 * time.Second // for a request
	writeTime = time.Minute      // for a reply, and for each part of a stream
	idleTime  = 30 * time.Second
	grace     = time.Second // for calls under way when the server ends
)

// Server answers calls on a socket.
type Server struct {
	options Options

	mu       sync.Mutex
	listener net.Listener
	file     os.FileInfo // of the socket, so that nobody else's is removed
}

// New makes a Server. It opens nothing.
func New(o Options) *Server { return &Server{options: o} }

// Listen opens the socket. A socket at the same place that nobody listens on any
// more is replaced; one that somebody listens on, or what is no socket, is an
// error.
func (s *Server) Listen() error {
	l, file, err := open(s.options.Socket, s.options.Group)
	if err != nil {
		return fmt.Errorf("control socket: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listener, s.file = l, file
	return nil
}

// Run answers calls until ctx is done, removes the socket, and returns after
// everything that it started has ended. Listen must have been called before; Run
// may be called once. The error is nil when it was ctx that ended it.
func (s *Server) Run(ctx context.Context) error {
	s.mu.Lock()
	l, file := s.listener, s.file
	s.mu.Unlock()
	if l == nil {
		return errors.New("control socket: not open")
	}
	defer remove(s.options.Socket, file)
	web := &http.Server{
		Handler:           s.options.Handlers.routes(),
		ReadHeaderTimeout: readTime,
		ReadTimeout:       readTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxRequest,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          log.New(io.Discard, "", 0), // of callers that hang up
	}
	ended := make(chan error, 1)
	go func() { ended <- web.Serve(l) }()
	select {
	case err := <-ended:
		return fmt.Errorf("control socket: %w", err)
	case <-ctx.Done():
	}
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if web.Shutdown(patience) != nil {
		_ = web.Close() // who has not been served by now will not be
	}
	<-ended
	return nil
}
