package dig

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// parse reads a command line. The command is not nil when err is a failure, but
// then only its warnings are good.
func parse(args []string, env environment) (*command, error) {
	p := newParser(env)
	if err := p.family(args); err != nil {
		return p.command, err
	}
	return p.command, p.read(commandLine, args)
}

// hosts is an environment without a network.
func hosts(resolv string) environment {
	return environment{version: "test", resolv: resolv, readFile: os.ReadFile, resolve: func(host string) ([]netip.Addr, error) {
		if host != "ns.example" {
			return nil, errors.New("no such host")
		}
		return []netip.Addr{netip.MustParseAddr("192.0.2.53"), netip.MustParseAddr("2001:db8::53")}, nil
	}}
}

func TestWrongArgumentsAreExplainedWithDigsExitCodes(t *testing.T) {
	t.Parallel()
	real, _ := exec.LookPath("dig")
	for _, c := range []struct {
		line string
		code int
		says string
	}{
		{"+fo", exitUsage, "Invalid option: +fo"},
		{"+re", exitUsage, "Invalid option: +re"},
		{"+mutliline", exitUsage, ";; did you mean +multiline?"},
		{"+nobufsize", exitUsage, "Invalid option: +nobufsize"},
		{"+subnet", exitUsage, "Invalid option: +subnet"},
		{"+time", exitUsage, "Invalid option: +time"},
		{"-z", exitUsage, "Invalid option: -z"},
		{"-p", exitUsage, "Invalid option: -p"},
		{"-p 99999", exitUsage, "invalid port number '99999'"},
		{"-b nonsense", exitUsage, "invalid address nonsense"},
		{"-b 127.0.0.1#x", exitUsage, "invalid port number 'x'"},
		{"-b 127.0.0.1 @::1", exitUsage, "address family not supported"},
		{"-4 -6", exitUsage, "only one of -4 and -6 allowed"},
		{"-4 @::1", exitUsage, "couldn't get address for '::1': address family not supported"},
		{"-f no-such-file", exitBatch, "no such file"},
		{"+split=1024", exitInternal, "invalid split '1024'"},
		{"-y nonsense", exitUsage, "Invalid option: -y"},
		{"+subnet=nonsense", exitUsage, "invalid address 'nonsense'"},
		{"+subnet=10", exitUsage, "invalid address '10'"},
		{"+subnet=192.0.2.0/x", exitUsage, "invalid prefix length in '192.0.2.0/x'"},
		{"+cookie=zz @127.0.0.1 -p 1", exitUsage, "invalid cookie 'zz'"},
		{"+time=x", exitInternal, "invalid timeout 'x'"},
		{"+tries=-1", exitInternal, "invalid tries '-1'"},
		{"+bufsize=70000", exitInternal, "invalid buffer size '70000'"},
		{"+edns=256", exitInternal, "invalid edns '256'"},
		{"+ednsflags=x", exitInternal, "invalid ednsflags 'x'"},
		{"+padding=513", exitInternal, "invalid padding '513'"},
		{"@127.0.0.1 a..example", exitInternal, "'a..example' is not a legal name (empty label)"},
		{"@127.0.0.1 " + strings.Repeat("a", 64), exitInternal, "is not a legal name (label longer"},
	} {
		t.Run(c.line, func(t *testing.T) {
			t.Parallel()
			var out, errOut bytes.Buffer
			code := Run(context.Background(), strings.Fields(c.line), &out, &errOut, Options{})
			if code != c.code || !strings.Contains(out.String()+errOut.String(), c.says) {
				t.Errorf("exit code %d, stdout %q, stderr %q; want %d and %q", code, out.String(), errOut.String(), c.code, c.says)
			}
			if real == "" {
				return
			}
			cmd := exec.Command(real, append([]string{"-r"}, strings.Fields(c.line)...)...)
			if err := cmd.Run(); err == nil || cmd.ProcessState.ExitCode() != c.code {
				t.Errorf("the real dig: %v", err)
			}
		})
	}
}

func TestWhatOnlyOursRefuses(t *testing.T) {
	t.Parallel()
	for line, says := range map[string]string{
		"+":                       "Invalid option: +",
		"+quic":                   "is not implemented yet",
		"+tls-certfile=x":         "belong together",
		"+subnet=de":              "invalid address 'de'",
		"+subnet=no.such.host":    "there is no such host",
		"@no-such-server.example": "couldn't get address for 'no-such-server.example': not found",
	} {
		_, err := parse(strings.Fields(line), hosts(""))
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", line, err)
		}
	}
	for _, line := range []string{"+notrace +nosearch +notls +besteffort a.example", "-r -i -n -m a.example"} {
		if _, err := parse(strings.Fields(line), hosts("")); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestHelpAndVersionAreNoErrors(t *testing.T) {
	t.Parallel()
	for arg, says := range map[string]string{"-h": "Usage:", "-v": "Sextant 1.2.3"} {
		var out, errOut bytes.Buffer
		if code := Run(context.Background(), []string{arg}, &out, &errOut, Options{Version: "1.2.3"}); code != exitOK || !strings.Contains(out.String(), says) || errOut.Len() > 0 {
			t.Errorf("%s: exit code %d, %q, %q", arg, code, out.String(), errOut.String())
		}
	}
}

func TestServers(t *testing.T) {
	t.Parallel()
	resolv := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(resolv, []byte("# comment\nsearch example\nnameserver 192.0.2.1\nnameserver\t2001:db8::1\nnameserver nonsense\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"a.example":                          "192.0.2.1 2001:db8::1",
		"-6 a.example":                       "2001:db8::1",
		"-b 192.0.2.99 a.example":            "192.0.2.1",
		"@192.0.2.2 a.example":               "192.0.2.2",
		"a.example @192.0.2.2":               "192.0.2.2",
		"@[2001:db8::2] a.example":           "2001:db8::2",
		"@fe80::1%lo a.example":              "fe80::1%lo",
		"@ns.example a.example":              "192.0.2.53 2001:db8::53",
		"-4 @ns.example a.example":           "192.0.2.53",
		"@192.0.2.2 @192.0.2.3 a.example":    "192.0.2.2 192.0.2.3",
		"@192.0.2.2 a b.example. @192.0.2.3": "192.0.2.2 192.0.2.3",
		"a.example @192.0.2.2 b.example":     "192.0.2.1 2001:db8::1",
		"@::ffff:192.0.2.7 a.example":        "192.0.2.7",
	} {
		c, err := parse(strings.Fields(line), hosts(resolv))
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		var got []string
		for _, s := range c.queries[len(c.queries)-1].servers {
			got = append(got, s.addr.String())
		}
		if g := strings.Join(got, " "); g != want {
			t.Errorf("%s: servers %s, want %s", line, g, want)
		}
	}
	c, err := parse([]string{"a.example"}, hosts(filepath.Join(t.TempDir(), "none")))
	if err != nil || len(c.queries[0].servers) != 2 || !c.queries[0].servers[0].addr.IsLoopback() {
		t.Errorf("without resolv.conf: %+v, %v", c, err)
	}
}

func TestOptionsBeforeTheFirstNameAreForAll(t *testing.T) {
	t.Parallel()
	c, err := parse(strings.Fields("+tcp mx +time=9 a.example +notcp txt b.example -t ns +tries=1 +noedns c.example"), hosts(""))
	if err != nil || len(c.queries) != 3 {
		t.Fatalf("%+v, %v", c, err)
	}
	a, b, last := c.queries[0], c.queries[1], c.queries[2]
	if a.tcp || a.qtype != dns.TypeTXT || a.timeout != 9*time.Second || a.tries != 3 {
		t.Errorf("a: %+v", a)
	}
	if !b.tcp || b.qtype != dns.TypeNS || b.tries != 1 || b.edns.version != -1 {
		t.Errorf("b: %+v", b)
	}
	if !last.tcp || last.qtype != dns.TypeMX || last.tries != 3 || last.edns.version != 0 {
		t.Errorf("c: %+v", last)
	}
}

func TestAfterTypeOrClassWordsAreNames(t *testing.T) {
	t.Parallel()
	c, err := parse(strings.Fields("-t a mx"), hosts(""))
	if err != nil || len(c.queries) != 1 || c.queries[0].name != "mx" || c.queries[0].qtype != dns.TypeA {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestAPlaceIsASubnet(t *testing.T) {
	t.Parallel()
	env := hosts("")
	env.geo = []string{"system.mmdb"}
	env.locate = func(files []string, place string) (netip.Prefix, error) {
		if place != "de" {
			return netip.Prefix{}, errors.New("no such place in " + strings.Join(files, " "))
		}
		return netip.MustParsePrefix("198.51.100.0/24"), nil
	}
	for line, want := range map[string]string{
		"+subnet=de a.example":                         "198.51.100.0/24",
		"+client=de a.example":                         "198.51.100.0/24",
		"+subnet=de +subnet=192.0.2.0/25 a.example":    "192.0.2.0/25",
		"+subnet=de +nosubnet a.example":               "invalid Prefix",
		"+subnet=ns.example a.example":                 "192.0.2.0/24",
		"+subnet=ns.example/20 a.example":              "192.0.0.0/20",
		"+subnet=fr a.example":                         "dig: invalid address 'fr': no such place in system.mmdb",
		"+subnet=fr --geo a.mmdb a.example":            "dig: invalid address 'fr': no such place in system.mmdb a.mmdb",
		"+subnet=fr +nogeo=x --geo=b.mmdb +geo=c.mmdb": "dig: invalid address 'fr': no such place in b.mmdb c.mmdb",
	} {
		c, err := parse(strings.Fields(line), env)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = c.queries[0].edns.subnet.String()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("-dft") // -d -f t
	files, _ := filepath.Glob("testdata/*.txt")
	for _, file := range files {
		text, _ := os.ReadFile(file)
		for line := range strings.Lines(string(text)) {
			if args, ok := strings.CutPrefix(strings.TrimSpace(line), prompt+"dig "); ok {
				f.Add(args)
			}
		}
	}
	f.Fuzz(func(t *testing.T, line string) {
		env := hosts("")
		env.readFile = func(string) ([]byte, error) { return nil, os.ErrNotExist } // a fuzzer's names of files are not opened
		p := newParser(env)
		args := strings.Fields(line)
		if p.family(args) != nil || p.read(commandLine, args) != nil {
			return
		}
		c := p.command
		if len(c.queries) == 0 && p.batch == "" { // -f FILE, also as the end of -dfFILE
			t.Fatal("nothing to ask")
		}
		for _, q := range c.queries {
			octets, err := encode(q, 4711)
			if err != nil {
				t.Fatalf("%q cannot be packed: %v", q.name, err)
			}
			m := decode(octets)
			if m.err != nil || m.extra != 0 || m.id != 4711 || !m.sameQuestion(q) || (m.opt != nil) != (q.edns.version >= 0) || q.header.Opcode != m.opcode() {
				t.Fatalf("%q was packed as %+v", line, m)
			}
		}
	})
}
