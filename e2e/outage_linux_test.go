//go:build e2e

package e2e_test

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// An ioWorld is the Internet of 28 October 2016, with real servers: a root, seven of
// io. and two of example.io. on one host, and resolvers of several makes on another.
//
//	127.0.0.2 … 127.0.0.7            198.41.0.4       the root        NSD
//	Unbound, Knot Resolver,  ──────  198.51.100.1 …   ns0 … ns6.io.   BIND and NSD
//	Sextant                          192.0.2.1,       ns1, ns2 of     NSD
//	                                 203.0.113.1      example.io.
type ioWorld struct {
	near, far host // the resolvers' host, and the servers'
	dir       string
	ttl       ioTimes
	io        [7]*process
	children  [2]*process
	root      *process
	state     string // folder of Sextant's
}

// ioTimes are how long records live, and how long the fault lasts.
type ioTimes struct{ delegation, host, denial, fault time.Duration }

const (
	ioRoot  = "198.41.0.4"
	ioCable = "10.64.0.1"
	ioLiar  = 6 // the number of the server that is nearest, and the one that lies
	ioHosts = 10
)

func ioAddr(i int) string { return fmt.Sprintf("198.51.%d.1", 100+i) }

var ioChildren = [2]string{"192.0.2.1", "203.0.113.1"}

func newIOWorld(t *testing.T, ttl ioTimes) *ioWorld {
	t.Helper()
	w := &ioWorld{near: newHost(t, "near"), far: newHost(t, "far"), dir: t.TempDir(), ttl: ttl}
	longCable(t, w.near, w.far, func(from, to netip.Addr) time.Duration {
		if liar := ioAddr(ioLiar); from.String() == liar || to.String() == liar {
			return time.Millisecond
		}
		return 8 * time.Millisecond
	})
	w.near.ip(t, "address add "+ioCable+"/32 dev tun0")
	w.near.ip(t, "link set up dev tun0")
	w.near.ip(t, "route add default dev tun0")
	w.far.ip(t, "link set up dev tun0")
	w.far.ip(t, "route add "+ioCable+"/32 dev tun0")
	for i := range ioResolvers() {
		w.near.ip(t, fmt.Sprintf("address add 127.0.0.%d/8 dev lo", 2+i))
	}
	glue := ""
	for i := range w.io {
		glue += fmt.Sprintf("io. NS ns%d.io.\nns%[1]d.io. A %s\n", i, ioAddr(i))
	}
	for _, a := range append(ioChildren[:], ioRoot) {
		w.far.ip(t, "address add "+a+"/32 dev lo")
	}
	root := filepath.Join(w.dir, "root")
	folder(t, root)
	write(t, filepath.Join(root, "zone"), "$TTL 86400\n. SOA a.root-servers.net. nobody.invalid. 1 1800 900 604800 60\n. NS a.root-servers.net.\na.root-servers.net. A "+ioRoot+"\n"+glue)
	w.root = w.nsd(t, root, ioRoot, ".")
	for i := range w.io {
		w.far.ip(t, "address add "+ioAddr(i)+"/32 dev lo")
		dir := w.folder(i)
		folder(t, dir)
		w.writeIO(t, i, 1, true)
		if i%3 == 0 && i != ioLiar {
			w.io[i] = w.bind(t, dir, ioAddr(i))
		} else {
			w.io[i] = w.nsd(t, dir, ioAddr(i), "io.")
		}
	}
	for i, a := range ioChildren {
		dir := filepath.Join(w.dir, fmt.Sprint("child", i))
		folder(t, dir)
		w.writeChild(t, i, 1)
		w.children[i] = w.nsd(t, dir, a, "example.io.")
	}
	return w
}

func (w *ioWorld) folder(i int) string { return filepath.Join(w.dir, fmt.Sprint("io", i)) }

func seconds(d time.Duration) int { return int(d / time.Second) }

// writeIO writes the zone of a server of io., with the delegation or emptied.
func (w *ioWorld) writeIO(t *testing.T, i, serial int, delegates bool) {
	t.Helper()
	text := fmt.Sprintf("$ORIGIN io.\n$TTL %d\n@ SOA ns0 nobody.invalid. %d 1800 900 604800 %d\n", seconds(w.ttl.delegation), serial, seconds(w.ttl.denial))
	for j := range w.io {
		text += fmt.Sprintf("@ 86400 NS ns%d\nns%[1]d 86400 A %s\n", j, ioAddr(j))
	}
	if delegates {
		for j, a := range ioChildren {
			text += fmt.Sprintf("example NS ns%d.example\nns%[1]d.example A %s\n", j+1, a)
		}
	}
	write(t, filepath.Join(w.folder(i), "zone"), text)
}

// writeChild writes the zone of a server of example.io. Each edition has its own
// addresses, and the second and later ones have names that the first has not.
func (w *ioWorld) writeChild(t *testing.T, i, serial int) {
	t.Helper()
	text := fmt.Sprintf("$ORIGIN example.io.\n$TTL %d\n@ SOA ns1 nobody.invalid. %d 1800 900 604800 %d\n", seconds(w.ttl.delegation), serial, seconds(w.ttl.denial))
	for j, a := range ioChildren {
		text += fmt.Sprintf("@ NS ns%d\nns%[1]d A %s\n", j+1, a)
	}
	for j := range ioHosts {
		text += fmt.Sprintf("host%d %d A %s\n", j, seconds(w.ttl.host), ioAddress(serial))
	}
	if serial > 1 {
		for j := range ioAsked {
			text += fmt.Sprintf("new%d A %s\n", j, ioAddress(serial))
		}
	}
	write(t, filepath.Join(w.dir, fmt.Sprint("child", i), "zone"), text)
}

// ioAddress is the address of each name in an edition of example.io.
func ioAddress(serial int) string { return fmt.Sprint("192.0.2.", 100+serial) }

// edition has the servers of example.io. serve another edition.
func (w *ioWorld) edition(t *testing.T, serial int) {
	t.Helper()
	for i, p := range w.children {
		w.writeChild(t, i, serial)
		w.reload(t, p, ioChildren[i], "example.io.", serial)
	}
}

// reload has a server read its zone again, and waits until it serves it.
func (w *ioWorld) reload(t *testing.T, p *process, address, zone string, serial int) {
	t.Helper()
	signalTree(t, p, syscall.SIGHUP, false)
	p.until(t, func() error {
		out, err := w.far.try(t, "dig", "@"+address, zone, "SOA", "+norec", "+short", "+tries=1", "+time=1")
		if err == nil && !strings.Contains(out, fmt.Sprintf(" %d 1800 ", serial)) {
			err = fmt.Errorf("dig: %s", out)
		}
		return err
	})
}

// nsd starts a NSD with the zone in a folder. It forks, so it has process IDs of its
// own: whatever becomes of it and of us, none of its processes is left behind.
func (w *ioWorld) nsd(t *testing.T, dir, address, zone string) *process {
	t.Helper()
	write(t, filepath.Join(dir, "nsd.conf"), nsdServer(address, dir, dir)+"zone:\n\tname: "+zone+"\n\tzonefile: zone\n")
	p := w.far.start(t, w.far.answers(t, address, zone), "unshare", "--pid", "--fork", "--kill-child", "nsd", "-d", "-c", filepath.Join(dir, "nsd.conf"))
	t.Cleanup(func() { p.os.Kill() }) // unshare itself does not listen to SIGTERM
	return p
}

func (w *ioWorld) bind(t *testing.T, dir, address string) *process {
	t.Helper()
	write(t, filepath.Join(dir, "named.conf"), fmt.Sprintf(`
options {
	directory %q;  pid-file none;  lock-file none;  session-keyfile "session.key";
	listen-on { %s; };  listen-on-v6 { none; };
	recursion no;  dnssec-validation no;  notify no;
};
controls { };
zone "io" { type primary; file "zone"; };
`, dir, address))
	return w.far.start(t, w.far.answers(t, address, "io."), "named", "-g", "-n", "1", "-c", filepath.Join(dir, "named.conf"))
}

// silence stops a server with all its processes; alive lets it go on.
func silence(t *testing.T, p *process) { signalTree(t, p, syscall.SIGSTOP, true) }
func alive(t *testing.T, p *process)   { signalTree(t, p, syscall.SIGCONT, true) }

// signalTree sends a signal to a server: to its first process, or to all. What
// runs it is not the server.
func signalTree(t *testing.T, p *process, s syscall.Signal, all bool) {
	t.Helper()
	pids := descendants(t, p.os.Pid)
	if len(pids) == 0 || strings.HasPrefix(p.name, "named") {
		pids = []int{p.os.Pid}
	}
	if !all {
		pids = pids[:1]
	}
	for _, pid := range pids {
		if err := syscall.Kill(pid, s); err != nil {
			t.Fatalf("%s: %v", p.name, err)
		}
	}
}

func descendants(t *testing.T, pid int) (all []int) {
	t.Helper()
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, path := range tasks {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		for f := range strings.FieldsSeq(string(text)) {
			child, err := strconv.Atoi(f)
			if err != nil {
				t.Fatal(err)
			}
			all = append(append(all, child), descendants(t, child)...)
		}
	}
	return all
}

// An ioResolver is one of those that are compared.
type ioResolver struct {
	name, settings string
	address        string
	command        func(t *testing.T, w *ioWorld, dir, address string) []string
}

func ioResolvers() []ioResolver {
	all := []ioResolver{
		{name: "Unbound", settings: "default", command: unboundIO("")},
		{name: "Unbound", settings: "expired", command: unboundIO("\tserve-expired: yes\n\tserve-expired-client-timeout: 1800\n\tserve-expired-ttl: 86400\n\tprefetch: yes\n")},
		{name: "Knot Resolver", settings: "default", command: kresdIO("")},
		{name: "Knot Resolver", settings: "stale", command: kresdIO("modules.load('serve_stale < cache')\nmodules.load('predict')\n")},
		{name: "Sextant", settings: "default", command: sextantIO("")},
		{name: "Sextant", settings: "lifeline", command: sextantIO(ioLifeline)},
	}
	for i := range all {
		all[i].address = fmt.Sprintf("127.0.0.%d", 2+i)
	}
	return all
}

// ioLifeline is the three lines of configuration.
const ioLifeline = `
lifeline:
  state: state
  zones: [example.io]
`

const ioHints = ". 3600000 NS a.root-servers.net.\na.root-servers.net. 3600000 A " + ioRoot + "\n"

func unboundIO(more string) func(*testing.T, *ioWorld, string, string) []string {
	return func(t *testing.T, w *ioWorld, dir, address string) []string {
		t.Helper()
		write(t, filepath.Join(dir, "hints"), ioHints)
		write(t, filepath.Join(dir, "unbound.conf"), fmt.Sprintf(`
server:
	interface: %s
	access-control: 127.0.0.0/8 allow
	username: ""
	chroot: ""
	directory: %q
	pidfile: ""
	use-syslog: no
	do-daemonize: no
	do-ip6: no
	root-hints: "hints"
	module-config: "iterator"
%sremote-control:
	control-enable: no
`, address, dir, more))
		return []string{"unbound", "-d", "-c", filepath.Join(dir, "unbound.conf")}
	}
}

func kresdIO(more string) func(*testing.T, *ioWorld, string, string) []string {
	return func(t *testing.T, w *ioWorld, dir, address string) []string {
		t.Helper()
		write(t, filepath.Join(dir, "kresd.conf"), fmt.Sprintf(`
net.listen('%s', 53, { kind = 'dns' })
net.ipv6 = false
for _, m in ipairs({ 'priming', 'ta_update', 'ta_signal_query', 'detect_time_skew', 'detect_time_jump' }) do modules.unload(m) end
modules.load('hints > iterate')
trust_anchors.remove('.')
hints.root({ ['a.root-servers.net.'] = '%s' })
cache.size = 20 * MB
%s`, address, ioRoot, more))
		return []string{"kresd", "-n", "-c", filepath.Join(dir, "kresd.conf"), dir}
	}
}

func sextantIO(more string) func(*testing.T, *ioWorld, string, string) []string {
	return func(t *testing.T, w *ioWorld, dir, address string) []string {
		t.Helper()
		write(t, filepath.Join(dir, "hints"), ioHints)
		write(t, filepath.Join(dir, "sextant.yaml"), fmt.Sprintf(`
listen: ["%s:53"]
control: {socket: "off"}
resolver: {root-hints: hints}
dnssec: {validate: false} # nobody signs in this Internet
%s`, address, more))
		if more != "" {
			w.state = filepath.Join(dir, "state")
		}
		return []string{sextant, "serve", "--config", filepath.Join(dir, "sextant.yaml")}
	}
}
