package lab

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing/fstest"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/transport"
)

// Mute, in the place of the name of a variant, is that servers do not reply.
const Mute = "silent"

// TLDOptions are what can be chosen about a TLD. The zero value is io. on seven servers of
// seven operators, and below it example.io., which nobody has signed.
type TLDOptions struct {
	TLD     lookup.Name   // default io.
	Hosts   []string      // its name servers, relative to it, of which the n-th, from 0, is at 198.51.(100+n).1; default ns0 to ns6
	Zone    string        // the label of the zone below it that it is all about; default example
	Signed  bool          // that zone is; the root, the TLD and com. always are
	NSEC3   bool          // the TLD denies by NSEC3
	KeyTTL  uint32        // of all DS and DNSKEY, in seconds; default 300
	Serial  uint32        // of the TLD; default 100
	Records string        // of the zone, more than it has anyway, in the form of a master file
	RTT     time.Duration // to all servers but the nearest; default 20 ms
	Instant bool          // round trips take no time, and replies tell what they would have taken
}

// TLD is a small Internet with a top-level domain whose servers fail as those of top-level
// domains have failed, and a zone below it whose own servers are well. There are several
// variants of that Internet, which differ in what they say, and each server answers from
// one of them: at first, from the one in which all is well, whose name is "". It is safe
// for concurrent use once the variants have been added.
type TLD struct {
	options  TLDOptions
	variants map[string]*Internet
	anchor   string

	mu      sync.Mutex
	nearest netip.Addr
	at      map[netip.Addr]string // which variant a server answers from
	sent    map[netip.Addr]int
}

// Variant is in what an Internet differs from the one in which all is well.
type Variant struct {
	Serial    uint32                        // of the TLD; 0: that of the options
	Delegates string                        // what the TLD says of the zone in the place of the truth, in the form of a master file; "none": nothing
	Expires   func(lookup.RRset) time.Time  // of the signatures of the TLD
	Stolen    func(lookup.RRset) (bad bool) // RRsets of the TLD that are signed by a key that is not published, of the same tag
	Key       string                        // of the TLD, and of its DS in the root: another key pair for each text
	Forged    bool                          // the TLD says so of all that is below it, signed by nobody
	Unsigned  bool                          // the zone is not signed
	Records   string                        // of the zone, more
	Elsewhere bool                          // the only server of the zone is www.example.com.
	Foreign   bool                          // the TLD delegates the zone to ns.zz of its own, whose zone has 203.0.113.66 for all its hosts
	Own       uint32                        // serial of the zone; 0: 1
}

// NewTLD makes a TLD in which all is well.
func NewTLD(o TLDOptions) (*TLD, error) {
	if o.TLD == "" {
		o.TLD = "\x02io\x00"
	}
	if o.Hosts == nil {
		o.Hosts = []string{"ns0", "ns1", "ns2", "ns3", "ns4", "ns5", "ns6"}
	}
	if o.Zone == "" {
		o.Zone = "example"
	}
	if o.Serial == 0 {
		o.Serial = 100
	}
	if o.RTT == 0 {
		o.RTT = 20 * time.Millisecond
	}
	t := &TLD{options: o, variants: map[string]*Internet{}, at: map[netip.Addr]string{}, sent: map[netip.Addr]int{}}
	return t, t.Add("", Variant{})
}

// Zone is the zone that it is all about.
func (t *TLD) Zone() lookup.Name {
	return lookup.MustName(t.options.Zone + "." + t.options.TLD.String())
}

// Servers are the addresses of the name servers of the TLD, in the order of the options.
func (t *TLD) Servers() (all []netip.Addr) {
	for i := range t.options.Hosts {
		all = append(all, netip.AddrFrom4([4]byte{198, 51, byte(100 + i), 1}))
	}
	return all
}

// Children are the addresses of the name servers of the zone.
func (t *TLD) Children() []netip.Addr {
	return []netip.Addr{netip.AddrFrom4([4]byte{192, 0, 2, 1}), netip.AddrFrom4([4]byte{203, 0, 113, 1})}
}

// The servers that there are beside.
const (
	rootServer = "198.41.1.1"
	comServer  = "198.41.2.1"
)

// Roots are the servers of the root: the hints that a resolver starts with.
func (t *TLD) Roots() []Server { return t.variants[""].Roots() }

// Anchor is the DS of the root, in presentation form: what validation begins with.
func (t *TLD) Anchor() string { return t.anchor }

// Set has servers answer from a variant from now on, or not at all (Mute).
func (t *TLD) Set(variant string, servers ...netip.Addr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, a := range servers {
		t.at[a] = variant
	}
}

// Nearest has one server be nearer than all others: 2 ms away.
func (t *TLD) Nearest(server netip.Addr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.nearest = server
}

// Sent is how many messages servers have got.
func (t *TLD) Sent(servers ...netip.Addr) (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, a := range servers {
		n += t.sent[a]
	}
	return n
}

// Exchange asks the server at an address, as Internet.Exchange does.
func (t *TLD) Exchange(ctx context.Context, r transport.Request) (*transport.Reply, error) {
	a := r.Server.Addr()
	t.mu.Lock()
	t.sent[a]++
	variant := t.at[a]
	t.mu.Unlock()
	if variant == Mute {
		err := t.wait(ctx, r.Timeout)
		if err == nil {
			err = transport.ErrTimeout
		}
		return nil, &transport.Error{Server: r.Server, Sent: 1, Cause: err}
	}
	reply, err := t.variants[variant].Exchange(ctx, r)
	if err == nil {
		reply.Cookie = true
	}
	return reply, err
}

func (t *TLD) wait(ctx context.Context, d time.Duration) error {
	if t.options.Instant {
		d = 0
	}
	return wait(ctx, d)
}

func (t *TLD) latency(server netip.Addr) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if server == t.nearest {
		return 2 * time.Millisecond
	}
	return t.options.RTT
}

// Add makes a variant.
func (t *TLD) Add(name string, v Variant) error {
	files := master{}
	delegation, err := t.child(files, v)
	if err == nil {
		err = t.above(files, v, delegation)
	}
	if err != nil {
		return fmt.Errorf("lab: variant %q: %w", name, err)
	}
	net, err := New(fstest.MapFS(files), Options{Latency: t.latency, Instant: t.options.Instant})
	if err != nil {
		return fmt.Errorf("lab: variant %q: %w", name, err)
	}
	t.variants[name] = net
	return nil
}

// master are zones, as master files.
type master fstest.MapFS

func (m master) put(apex lookup.Name, text string) {
	m[apex.String()+"zone"] = &fstest.MapFile{Data: []byte(text)}
}

// sign puts a signed zone, and returns its DS.
func (m master) sign(apex lookup.Name, text string, o Signing) (ds string, err error) {
	signed, ds, err := Sign(apex, text, o)
	m.put(apex, signed)
	return ds, err
}

const soaLine = "$ORIGIN %s\n$TTL 3600\n@ SOA ns host %d 1800 900 604800 900\n"

// small is a zone with one server.
func small(apex, server, records string) string {
	return fmt.Sprintf(soaLine, apex, 1) + delegation(apex, server) + records
}

func delegation(apex, server string) string {
	ns := "ns." + strings.TrimPrefix(apex, ".")
	return fmt.Sprintf("%s NS %s\n%s A %s\n", apex, ns, ns, server)
}

// child makes the zone that it is all about, and returns what the TLD says of it.
func (t *TLD) child(files master, v Variant) (delegates string, err error) {
	apex := t.Zone()
	servers := "@ NS ns1\n@ NS ns2\nns1 A 192.0.2.1\nns2 A 203.0.113.1\n"
	host := func(i int) string { return fmt.Sprintf("192.0.2.%d", 100+i) }
	switch {
	case v.Elsewhere:
		servers = "@ NS www.example.com.\n"
	case v.Foreign:
		servers, host = fmt.Sprintf("@ NS ns.zz.%s\n", t.options.TLD), func(int) string { return "203.0.113.66" }
		v.Delegates = fmt.Sprintf("%s NS ns.zz.%s\n", apex, t.options.TLD)
	}
	text := fmt.Sprintf(soaLine, apex, max(v.Own, 1)) + servers + "cdn 60 CNAME www.example.com.\n" + t.options.Records + v.Records
	for i := range 50 {
		text += fmt.Sprintf("host%d 60 A %s\n", i, host(i))
	}
	ds := ""
	if t.options.Signed && !v.Unsigned {
		ds, err = files.sign(apex, text, Signing{TTL: t.options.KeyTTL})
	} else {
		files.put(apex, text)
	}
	switch v.Delegates {
	case "":
		return fmt.Sprintf("%[1]s NS ns1.%[1]s\n%[1]s NS ns2.%[1]s\nns1.%[1]s A 192.0.2.1\nns2.%[1]s A 203.0.113.1\n%[2]s", apex, ds), err
	case "none":
		return "", err
	}
	if v.Foreign { // signed or not, by whoever signs the zone
		return v.Delegates + ds, err
	}
	return v.Delegates, err
}

// above makes the TLD, which delegates so, and all that is beside and above it.
func (t *TLD) above(files master, v Variant, delegates string) error {
	tld, servers := t.options.TLD, ""
	for i, a := range t.Servers() {
		servers += fmt.Sprintf("%[1]s 86400 NS %[2]s.%[1]s\n%[2]s.%[1]s 86400 A %[3]s\n", tld, t.options.Hosts[i], a)
	}
	serial := t.options.Serial
	if v.Serial > 0 {
		serial = v.Serial
	}
	other := "zz." + tld.String()
	files.put(lookup.MustName(other), small(other, "192.0.2.99", ""))
	tldDS, err := files.sign(tld, fmt.Sprintf(soaLine, tld, serial)+servers+delegates+delegation(other, "192.0.2.99"),
		Signing{Key: v.Key, TTL: t.options.KeyTTL, NSEC3: t.options.NSEC3, Expires: v.Expires, Stolen: v.Stolen})
	if err != nil {
		return err
	}
	if file := files[tld.String()+"zone"]; v.Forged {
		file.Data = []byte(unsigned(string(file.Data)))
	}
	files.put("\x07example\x03com\x00", small("example.com.", "192.0.2.77", "www 60 A 192.0.2.78\n"))
	comDS, err := files.sign("\x03com\x00", small("com.", comServer, delegation("example.com.", "192.0.2.77")), Signing{})
	if err != nil {
		return err
	}
	ds, err := files.sign(lookup.Root, small(".", rootServer, servers+tldDS+delegation("com.", comServer)+comDS), Signing{})
	if t.anchor == "" {
		t.anchor = strings.ReplaceAll(strings.TrimSpace(ds), "\t", " ")
	}
	return err
}

// unsigned leaves out what makes a zone signed.
func unsigned(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) > 3 && f[3] != "RRSIG" && f[3] != "NSEC" && f[3] != "NSEC3" && f[3] != "NSEC3PARAM" && f[3] != "DNSKEY" && f[3] != "DS" {
			b.WriteString(line)
		}
	}
	return b.String()
}
