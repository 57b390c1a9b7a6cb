//go:build e2e

package e2e_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

const (
	driverAddress  = "10.96.0.53"
	driverAddress6 = "2001:db8:96::53"
)

// driven is a server behind a cable, and the client at its other end.
type driven struct {
	cli, srv host
	config   string
}

func newDriven(t *testing.T) *driven {
	t.Helper()
	d := &driven{cli: newHost(t, "cli"), srv: newHost(t, "srv")}
	d.cli.connect(t, d.srv, "cable", driverAddress+"/24")
	d.cli.ip(t, "address add 2001:db8:96::1/64 dev cable nodad")
	d.srv.ip(t, "address add "+driverAddress6+"/64 dev eth0 nodad")
	dir := t.TempDir()
	d.config = filepath.Join(dir, "sextant.yaml")
	var zone strings.Builder
	zone.WriteString("$TTL 300\n@ SOA ns hostmaster 1 3600 900 604800 300\n@ NS ns\nns A 10.96.0.53\nwww A 192.0.2.80\nwww AAAA 2001:db8::80\n")
	for n := range 40 {
		fmt.Fprintf(&zone, "big TXT %060d\n", n)
		if n < 15 {
			fmt.Fprintf(&zone, "medium TXT %060d\n", n)
		}
	}
	write(t, filepath.Join(dir, "example.zone"), zone.String())
	return d
}

// serve starts Sextant with these listeners.
func (d *driven) serve(t *testing.T, listen string) *process {
	t.Helper()
	d.configure(t, listen)
	return d.srv.start(t, d.cli.answers(t, driverAddress, "www.example"), sextant, "serve", "--config", d.config)
}

// configure writes the configuration with these listeners, and more lines.
func (d *driven) configure(t *testing.T, listen string, more ...string) {
	t.Helper()
	write(t, d.config, fmt.Sprintf(`listen: [%s]
metrics: 127.0.0.1:9153
control: { socket: off }
udp: { size: 4096 }
zones: [ { name: example, file: example.zone } ]
views: [ { name: all, clients: [0.0.0.0/0, "::/0"], recursion: false } ]
%s`, listen, strings.Join(more, "\n")))
}

// count is a number of the server's metrics, over all queues.
func (d *driven) count(t *testing.T, series string) (sum int) {
	t.Helper()
	metrics := d.srv.run(t, "curl", "--silent", "--fail", "--noproxy", "*", "http://127.0.0.1:9153/metrics")
	for _, m := range regexp.MustCompile(`(?m)^`+series+`\{.*\} (\S+)$`).FindAllStringSubmatch(metrics, -1) {
		n, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		sum += int(n)
	}
	return sum
}

// atDriver asks with dig, and tells how many of the replies went out by the driver.
func (d *driven) atDriver(t *testing.T, args ...string) (r reply, replies int) {
	t.Helper()
	before := d.count(t, "sextant_xdp_replies_total")
	r = d.cli.dig(t, args...)
	return r, d.count(t, "sextant_xdp_replies_total") - before
}

// Queries are answered at the driver, and everything else on the cable goes on as if
// nothing were there.
func TestDriverAnswersQueriesAndNothingElse(t *testing.T) {
	needs(t, "root", "ip", "dig", "curl", "ping")
	t.Parallel()
	d := newDriven(t)
	server := d.serve(t, "xdp:eth0")
	if log := server.out.String(); !strings.Contains(log, `msg="serving at the driver" interface=eth0 mode=native queues=`) {
		t.Fatalf("the log says nothing of the driver:\n%s", log)
	}
	for _, c := range []struct {
		about  string
		args   []string
		driver int
		answer string
	}{
		{"IPv4", []string{"@" + driverAddress, "www.example", "A"}, 1, "www.example. A 192.0.2.80"},
		{"IPv6", []string{"@" + driverAddress6, "www.example", "AAAA"}, 1, "www.example. AAAA 2001:db8::80"},
		{"with a cookie and padding", []string{"@" + driverAddress, "+cookie", "+padding=128", "www.example", "A"}, 1, "www.example. A 192.0.2.80"},
		{"TCP", []string{"@" + driverAddress, "+tcp", "www.example", "A"}, 0, "www.example. A 192.0.2.80"},
		{"TCP over IPv6", []string{"@" + driverAddress6, "+tcp", "www.example", "AAAA"}, 0, "www.example. AAAA 2001:db8::80"},
	} {
		r, n := d.atDriver(t, c.args...)
		expect(t, r, "NOERROR", c.answer)
		if n != c.driver {
			t.Errorf("%s: %d replies left by the driver, want %d\n%s", c.about, n, c.driver, r.text)
		}
	}

	// Too long for the client: TC at the driver, and then TCP.
	r, n := d.atDriver(t, "@"+driverAddress, "+bufsize=512", "+ignore", "big.example", "TXT")
	expectFlag(t, r, "tc")
	if n != 1 {
		t.Errorf("truncated: %d replies left by the driver, want 1", n)
	}
	if r, n = d.atDriver(t, "@"+driverAddress, "+bufsize=512", "big.example", "TXT"); len(r.answer) != 40 || n != 1 {
		t.Errorf("truncated, then over TCP: %d records, %d replies left by the driver\n%s", len(r.answer), n, r.text)
	}
	// Too long for a frame but not for the client: in fragments, from the socket.
	for _, at := range []string{driverAddress, driverAddress6} {
		if r, n = d.atDriver(t, "@"+at, "+bufsize=4096", "+ignore", "big.example", "TXT"); len(r.answer) != 40 || n != 0 {
			t.Errorf("long, %s: %d records, %d replies left by the driver\n%s", at, len(r.answer), n, r.text)
		}
	}
	if r, n = d.atDriver(t, "@"+driverAddress6, "+bufsize=1232", "+ignore", "medium.example", "TXT"); len(r.answer) != 15 || n != 1 {
		t.Errorf("medium: %d records, %d replies left by the driver\n%s", len(r.answer), n, r.text)
	}

	d.cli.run(t, "ping", "-c1", "-W5", driverAddress)
	d.cli.run(t, "ping", "-c1", "-W5", "-s", "4000", driverAddress6) // in fragments
	if n := d.count(t, "sextant_xdp_dropped_total"); n != 0 {
		t.Errorf("%d frames were dropped", n)
	}

	// An address that comes later is served, too, and so is one that is not the interface's own.
	d.srv.ip(t, "address add 10.96.0.54/24 dev eth0")
	d.srv.ip(t, "address add 10.96.0.55/32 dev lo")
	for _, address := range []string{"10.96.0.54", "10.96.0.55"} {
		server.until(t, func() error {
			if r, n := d.atDriver(t, "@"+address, "www.example", "A"); r.status != "NOERROR" || n != 1 {
				return fmt.Errorf("%s: %s, %d replies left by the driver", address, r.status, n)
			}
			return nil
		})
	}
	if code := server.stop(t, syscall.SIGTERM); code != 0 {
		t.Errorf("sextant ended with exit code %d", code)
	}
	d.bare(t, "after SIGTERM")
}

// bare checks that no program is on the interface, and that the network works.
func (d *driven) bare(t *testing.T, when string) {
	t.Helper()
	if link := d.srv.run(t, "ip", "link", "show", "dev", "eth0"); strings.Contains(link, "xdp") {
		t.Errorf("%s a program is left on the interface:\n%s", when, link)
	}
	d.cli.run(t, "ping", "-c1", "-W5", driverAddress)
}

// A crash leaves nothing behind, and the next start finds the interface free.
func TestDriverIsGivenBackByACrash(t *testing.T) {
	needs(t, "root", "ip", "dig", "curl", "ping")
	t.Parallel()
	d := newDriven(t)
	server := d.serve(t, driverAddress+", xdp:eth0")
	if r, n := d.atDriver(t, "@"+driverAddress, "www.example", "A"); n != 1 {
		t.Fatalf("%d replies left by the driver\n%s", n, r.text)
	}
	server.stop(t, syscall.SIGKILL)
	d.bare(t, "after SIGKILL")
	d.serve(t, driverAddress+", xdp:eth0")
	if r, n := d.atDriver(t, "@"+driverAddress, "www.example", "A"); n != 1 {
		t.Errorf("started anew: %d replies left by the driver\n%s", n, r.text)
	}
}

// Where the driver cannot be had, the log says so and the sockets do the work.
func TestSocketsServeWithoutADriver(t *testing.T) {
	needs(t, "root", "ip", "dig", "curl", "setpriv")
	t.Parallel()
	d := newDriven(t)
	server := d.serve(t, driverAddress+", xdp:lo, xdp:nowhere")
	expect(t, d.cli.dig(t, "@"+driverAddress, "www.example", "A"), "NOERROR", "www.example. A 192.0.2.80")
	for _, want := range []string{"xdp: lo: open: it has no MAC address", "xdp: nowhere: open: route ip+net: no such network interface"} {
		if log := server.out.String(); !strings.Contains(log, `level=WARN msg="queries come to the sockets alone"`) || !strings.Contains(log, want) {
			t.Errorf("the log does not say %s:\n%s", want, log)
		}
	}
	server.stop(t, syscall.SIGTERM)

	// The memory that may be locked by default is enough for one queue.
	d.configure(t, driverAddress+", xdp:eth0", "xdp: { queues: 1 }")
	for capabilities, want := range map[string]string{
		"+net_bind_service":                             "expected root, or the capabilities CAP_NET_ADMIN, CAP_NET_RAW and CAP_BPF",
		"+net_bind_service,+net_admin,+net_raw,+bpf":    `msg="serving at the driver" interface=eth0 mode=native`,
		"+net_bind_service,+net_admin,+sys_module,+bpf": "expected root, or the capabilities CAP_NET_ADMIN, CAP_NET_RAW and CAP_BPF",
	} {
		server = d.srv.start(t, d.cli.answers(t, driverAddress, "www.example"),
			"setpriv", "--bounding-set=-all,"+capabilities, "--inh-caps=-all", sextant, "serve", "--config", d.config)
		if log := server.out.String(); !strings.Contains(log, want) {
			t.Errorf("%s: the log does not say %s:\n%s", capabilities, want, log)
		}
		server.stop(t, syscall.SIGTERM)
	}
}
