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

	// Locate finds a network of a place, a country or an autonomous system for
	// instance, in GeoIP databases. Its error says why there is none. nil: +subnet
	// takes addresses only.
	Locate func(files []string, place string) (netip.Prefix, error)
	Geo    []string // the databases, unless others are named

	// Terminal says that a person looks at the output: U-labels are read and
	// printed unless +noidnin and +noidnout, or IDN_DISABLE in the environment, say
	// otherwise.
	Terminal bool
	Colour   bool // +short and the like stay plain: only comments have colours

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
	if o.Colour {
		p := &painter{to: out}
		defer p.flush()
		out = p
	}
	s := &session{Options: o, out: bufio.NewWriter(out), errOut: errOut}
	s.parser = newParser(environment{
		version:  o.Version,
		resolv:   o.ResolvConf,
		resolve:  func(host string) ([]netip.Addr, error) { return o.Resolve(ctx, host) },
		readFile: readSmall,
		locate:   o.Locate,
		geo:      o.Geo,
		idn:      o.Terminal && os.Getenv("IDN_DISABLE") == "",
	})
	code, err := s.run(ctx, args)
	s.kept.close()
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
	kept   kept
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
	if err := s.read(commandLine, args); err != nil {
		return 0, err
	}
	in, done, err := s.batch()
	if err != nil {
		return 0, err
	}
	defer done()
	code = s.ask(ctx)
	for lines := bufio.NewScanner(in); lines.Scan() && ctx.Err() == nil; {
		if text := lines.Text(); text != "" && text[0] != '#' && text[0] != ';' {
			if err = s.read(batchFile, strings.Fields(text)); err != nil {
				return 0, err
			}
			code = s.ask(ctx)
		}
	}
	return code, nil
}

// batch opens the file with more lines, when there is one.
func (s *session) batch() (in io.Reader, done func(), err error) {
	switch name := s.parser.batch; name {
	case "":
		return strings.NewReader(""), func() {}, nil
	case "-":
		return s.Stdin, func() {}, nil
	default:
		f, err := os.Open(name)
		if err != nil {
			return nil, nil, fatal(exitBatch, "couldn't open batch file %s: %v", name, errors.Unwrap(err))
		}
		return f, func() { _ = f.Close() }, nil
	}
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

// ask asks the queries of one line.
func (s *session) ask(ctx context.Context) (code int) {
	for _, q := range s.parser.command.queries {
		d := &dialogue{Options: s.Options, command: s.parser.command, query: q, out: s.out, kept: &s.kept}
		code = d.run(ctx)
		if s.out.Flush() != nil || ctx.Err() != nil {
			return exitInternal
		}
	}
	return code
}

// failure is an error that decides the exit code.
type failure struct {
	code int
	text string
	said string // what dig prints on its output before that
}

func (f *failure) Error() string { return f.text }

// fatal is a failure with dig's name before it.
func fatal(code int, format string, args ...any) *failure {
	return &failure{code: code, text: "dig: " + fmt.Sprintf(format, args...)}
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
	f, ok := errors.AsType[*failure](err)
	if !ok {
		fmt.Fprintln(errOut, err)
		return exitInternal
	}
	_, _ = io.WriteString(out, f.said)
	fmt.Fprintln(errOut, f.text)
	return f.code
}
