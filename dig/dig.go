package dig

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"
)

// The exit codes are dig's.
const (
	exitOK       = 0
	exitUsage    = 1
	exitNoReply  = 9
	exitInternal = 10
)

// Options are what the program around dig decides. The zero value is good.
type Options struct {
	Version    string // printed in the first line
	ResolvConf string // the file with the default servers; default /etc/resolv.conf

	// Resolve finds the addresses of a server that was given by name; nil asks
	// the operating system.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)

	Now  func() time.Time // default time.Now; its zone is the one that is printed
	Rand io.Reader        // of IDs and cookies; default crypto/rand
}

func (o Options) withDefaults() Options {
	if o.ResolvConf == "" {
		o.ResolvConf = "/etc/resolv.conf"
	}
	if o.Resolve == nil {
		o.Resolve = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	return o
}

// Run is dig with the arguments args, without the program's name. It returns the
// exit code: 0 when a server answered, whatever it said, 1 for wrong arguments,
// 9 when no server answered and 10 for everything else; with several queries it
// is that of the last one. Run ends early when ctx is done.
func Run(ctx context.Context, args []string, out, errOut io.Writer, o Options) int {
	o = o.withDefaults()
	c, err := parse(args, environment{
		version: o.Version,
		resolv:  o.ResolvConf,
		resolve: func(host string) ([]netip.Addr, error) { return o.Resolve(ctx, host) },
	})
	if c != nil {
		for _, w := range c.warnings {
			fmt.Fprintln(errOut, w)
		}
	}
	if err != nil {
		return explain(err, out, errOut)
	}
	w := bufio.NewWriter(out)
	code := exitOK
	for _, q := range c.queries {
		d := &dialogue{Options: o, command: c, query: q, out: w}
		code = d.run(ctx)
		if w.Flush() != nil || ctx.Err() != nil {
			return exitInternal
		}
	}
	return code
}

// failure is an error that decides the exit code.
type failure struct {
	code int
	text string
}

func (f *failure) Error() string { return f.text }

// fatal is a failure with dig's name before it.
func fatal(code int, format string, args ...any) *failure {
	return &failure{code, "dig: " + fmt.Sprintf(format, args...)}
}

// request is no failure: somebody asked for a text and nothing else.
type request struct{ text string }

func (r *request) Error() string { return r.text }

// explain prints why there is nothing to do and returns the exit code.
func explain(err error, out, errOut io.Writer) int {
	if r, ok := errors.AsType[*request](err); ok {
		fmt.Fprintln(out, r.text)
		return exitOK
	}
	fmt.Fprintln(errOut, err)
	if f, ok := errors.AsType[*failure](err); ok {
		return f.code
	}
	return exitInternal
}
