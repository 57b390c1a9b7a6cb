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
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The exit codes are dig's.
const (
	exitOK       = 0
	exitUsage    = 1
	exitBatch    = 8
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

	Start string    // the file with options for all; default .digrc in the home directory
	Stdin io.Reader // what "-f -" reads; default os.Stdin

	Now  func() time.Time // default time.Now; its zone is the one that is printed
	Rand io.Reader        // of IDs and cookies; default crypto/rand
}

func (o Options) withDefaults() Options {
	if o.ResolvConf == "" {
		o.ResolvConf = "/etc/resolv.conf"
	}
	if home, err := os.UserHomeDir(); o.Start == "" && err == nil {
		o.Start = filepath.Join(home, ".digrc")
	}
	if o.Stdin == nil {
		o.Stdin = os.Stdin
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
// exit code: 0 when a server answered, whatever it said, 1 for wrong arguments, 8
// when the batch file cannot be read, 9 when no server answered and 10 for
// everything else; with several queries it is that of the last one. Run ends
// early when ctx is done.
func Run(ctx context.Context, args []string, out, errOut io.Writer, o Options) int {
	o = o.withDefaults()
	s := &session{Options: o, out: bufio.NewWriter(out), errOut: errOut}
	s.parser = newParser(environment{
		version: o.Version,
		resolv:  o.ResolvConf,
		resolve: func(host string) ([]netip.Addr, error) { return o.Resolve(ctx, host) },
	})
	code, err := s.run(ctx, args)
	if err != nil {
		return explain(err, out, errOut)
	}
	return code
}

// session is the queries of one command line.
type session struct {
	Options
	parser *parser
	out    *bufio.Writer
	errOut io.Writer
}

// run does what the start file, the command line and the batch file say.
func (s *session) run(ctx context.Context, args []string) (code int, err error) {
	if err := s.parser.family(args); err != nil {
		return 0, err
	}
	if len(args) == 0 || args[0] != "-r" {
		if err := s.start(); err != nil {
			return 0, err
		}
	}
	if code, err = s.line(ctx, commandLine, args); err != nil || s.parser.batch == "" || ctx.Err() != nil {
		return code, err
	}
	in := s.Stdin
	if name := s.parser.batch; name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return 0, fatal(exitBatch, "couldn't open batch file %s: %v", name, errors.Unwrap(err))
		}
		defer f.Close()
		in = f
	}
	for lines := bufio.NewScanner(in); lines.Scan() && ctx.Err() == nil; {
		if text := lines.Text(); text != "" && text[0] != '#' && text[0] != ';' {
			if code, err = s.line(ctx, batchFile, strings.Fields(text)); err != nil {
				return code, err
			}
		}
	}
	return code, nil
}

// start reads the options for all; it is not there for most people.
func (s *session) start() error {
	text, err := os.ReadFile(s.Start)
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(text)) {
		if err := s.read(startFile, strings.Fields(line)); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) read(from source, args []string) error {
	err := s.parser.read(from, args)
	for _, w := range s.parser.command.warnings {
		fmt.Fprintln(s.errOut, w)
	}
	return err
}

// line reads one line and asks its queries.
func (s *session) line(ctx context.Context, from source, args []string) (code int, err error) {
	if err := s.read(from, args); err != nil {
		return 0, err
	}
	for _, q := range s.parser.command.queries {
		d := &dialogue{Options: s.Options, command: s.parser.command, query: q, out: s.out}
		code = d.run(ctx)
		if s.out.Flush() != nil || ctx.Err() != nil {
			return exitInternal, nil
		}
	}
	return code, nil
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
