package lab

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/transport"
	"github.com/sextant-dns/sextant/zones"
)

// walker resolves names by hand: it starts at the roots, follows referrals, asks
// for the addresses of servers without glue, and goes where aliases lead. It has
// no cache, no patience and no suspicion.
type walker struct {
	net *Internet
	// hops counts the messages; it bounds every walk.
	hops int
	tcp  bool // one of the replies came over TCP
}

func (w *walker) resolve(ctx context.Context, name lookup.Name, t lookup.Type) (*lookup.Response, error) {
	var whole lookup.Response
	for range 10 {
		reply, err := w.descend(ctx, name, t)
		if err != nil {
			return nil, err
		}
		whole.Rcode = reply.Rcode
		whole.Answer = append(whole.Answer, reply.Answer...)
		_, end := whole.Chase(name)
		if _, found := lookup.Find(whole.Answer, end, t); found || end == name || reply.Rcode != lookup.NOERROR {
			return &whole, nil
		}
		name = end
	}
	return nil, fmt.Errorf("%s: too many aliases", name)
}

// descend goes from the roots down to whoever answers.
func (w *walker) descend(ctx context.Context, name lookup.Name, t lookup.Type) (*transport.Reply, error) {
	servers := w.net.Roots()[0].Addrs
	at := lookup.Root
	for {
		if w.hops++; w.hops > 100 {
			return nil, fmt.Errorf("%s: lost", name)
		}
		reply, err := w.net.Exchange(ctx, transport.Request{
			Server:   netip.AddrPortFrom(servers[w.hops%len(servers)], 53),
			Question: lookup.Question{Name: name, Type: t, Class: lookup.ClassIN},
		})
		if err != nil {
			return nil, err
		}
		w.tcp = w.tcp || reply.TCP
		if len(reply.Answer) > 0 || reply.AA {
			return reply, nil
		}
		if len(reply.Authority) == 0 || reply.Authority[0].Type != lookup.TypeNS {
			return nil, fmt.Errorf("%s: %s says neither yes nor no nor where to go: %v", name, at, reply)
		}
		cut := reply.Authority[0]
		if !cut.Name.IsSubdomainOf(at) || cut.Name == at {
			return nil, fmt.Errorf("%s: from %s up or sideways to %s", name, at, cut.Name)
		}
		at = cut.Name
		if servers, err = w.addresses(ctx, cut, reply.Additional); err != nil {
			return nil, err
		}
	}
}

// addresses is where the servers of a cut are.
func (w *walker) addresses(ctx context.Context, ns lookup.RRset, glue []lookup.RRset) ([]netip.Addr, error) {
	var addrs []netip.Addr
	add := func(s lookup.RRset) {
		for rdata := range s.Data.All() {
			if a, ok := netip.AddrFromSlice([]byte(rdata)); ok {
				addrs = append(addrs, a)
			}
		}
	}
	for _, s := range glue {
		add(s)
	}
	if len(addrs) > 0 {
		return addrs, nil
	}
	for host := range zones.Hosts(ns) {
		r, err := w.resolve(ctx, host, lookup.TypeA)
		if err != nil {
			return nil, err
		}
		for _, s := range r.Answer {
			add(s)
		}
	}
	if len(addrs) == 0 {
		return nil, fmt.Errorf("no address for the servers of %s", ns.Name)
	}
	return addrs, nil
}

// synthesize is DNS64 in as few words as the tests need: the well-known prefix, no
// exceptions but mapped addresses.
func (w *walker) synthesize(ctx context.Context, trial Trial, forced bool) (*lookup.Response, error) {
	name, t := trial.Name, trial.Type
	prefix := netip.MustParsePrefix("64:ff9b::/96")
	if t == lookup.TypePTR {
		if a, ok := embedded(name); ok {
			name = a
		}
		r, err := w.resolve(ctx, name, t)
		if err != nil {
			return nil, err
		}
		for i := range r.Answer {
			r.Answer[i].Name = trial.Name
		}
		return r, nil
	}
	real, err := w.resolve(ctx, name, t)
	if err != nil || t != lookup.TypeAAAA || real.Rcode != lookup.NOERROR {
		return real, err
	}
	_, end := real.Chase(name)
	set, found := lookup.Find(real.Answer, end, t)
	if a, ok := netip.AddrFromSlice([]byte(set.Data.First())); ok && a.Is4In6() {
		found = false
	}
	if found && !forced {
		return real, nil
	}
	v4, err := w.resolve(ctx, name, lookup.TypeA)
	if err != nil {
		return nil, err
	}
	_, end = v4.Chase(name)
	a, ok := lookup.Find(v4.Answer, end, lookup.TypeA)
	if !ok {
		return real, nil
	}
	var rdata []string
	for v := range a.Data.All() {
		b := prefix.Addr().As16()
		copy(b[12:], v)
		rdata = append(rdata, string(b[:]))
	}
	return &lookup.Response{Answer: append(v4.Answer, lookup.RRset{Name: end, Type: lookup.TypeAAAA, Data: lookup.PackRdata(rdata...)})}, nil
}

// embedded is the reverse name of the IPv4 address that a reverse name below
// 64:ff9b::/96 holds.
func embedded(name lookup.Name) (lookup.Name, bool) {
	const suffix = "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.b.9.f.f.4.6.0.0.ip6.arpa."
	if !name.IsSubdomainOf(lookup.MustName(suffix)) {
		return "", false
	}
	var b [4]byte
	for i := range 8 {
		var nibble byte
		fmt.Sscanf(name.Label(), "%x", &nibble)
		b[3-i/2] |= nibble << (4 * (i % 2))
		name, _ = name.Parent()
	}
	return lookup.MustName(fmt.Sprintf("%d.%d.%d.%d.in-addr.arpa.", b[3], b[2], b[1], b[0])), true
}

func TestEveryTrialComesOutAsTheTableSays(t *testing.T) {
	t.Parallel()
	net := internet(t, Options{})
	for _, trial := range Try() {
		w := &walker{net: net}
		off, err := w.resolve(t.Context(), trial.Name, trial.Type)
		if err == nil {
			err = trial.Off.Check(trial.Name, trial.Type, off)
		}
		if err != nil {
			t.Errorf("off: %v", err)
		}
		if (trial.Off.Octets > 0) != w.tcp {
			t.Errorf("%s: over TCP: %v", trial.Dig, w.tcp)
		}
		for _, mode := range []struct {
			forced bool
			want   Outcome
		}{{false, trial.Standard}, {true, trial.Forced}} {
			w := &walker{net: net}
			r, err := w.synthesize(t.Context(), trial, mode.forced)
			if err == nil {
				err = mode.want.Check(trial.Name, trial.Type, r)
			}
			if err != nil {
				t.Errorf("forced %v: %v", mode.forced, err)
			}
		}
	}
}

// The issue promises these to everybody.
func TestPromisedData(t *testing.T) {
	t.Parallel()
	w := &walker{net: internet(t, Options{})}
	for _, c := range []struct {
		name string
		t    lookup.Type
		want []string
	}{
		{"www.facebook.com.", lookup.TypeCNAME, []string{"star.c10r.facebook.com."}},
		{"star.c10r.facebook.com.", lookup.TypeA, []string{"31.13.79.246"}},
		{"star.c10r.facebook.com.", lookup.TypeAAAA, []string{"2a03:2880:f00d:1:face:b00c:0:1"}},
		{"v4only.example.com.", lookup.TypeA, []string{"93.184.215.14"}},
		{"v4only.example.com.", lookup.TypeAAAA, nil},
		{"v6only.example.com.", lookup.TypeAAAA, []string{"2606:2800:21f:cb07:6820:80da:af6b:8b2c"}},
		{"v6only.example.com.", lookup.TypeA, nil},
		{"dual.example.com.", lookup.TypeA, []string{"93.184.215.15"}},
		{"dual.example.com.", lookup.TypeAAAA, []string{"2606:2800:21f:cb07:6820:80da:af6b:8b2d"}},
		{"api.corp.io.", lookup.TypeA, []string{"52.193.10.20"}},
		{"api.corp.jp.", lookup.TypeA, []string{"52.193.10.20"}},
		{"a.b.wild.example.org.", lookup.TypeA, []string{"93.184.215.50"}},
		{"exact.wild.example.org.", lookup.TypeA, nil},
		{"14.215.184.93.in-addr.arpa.", lookup.TypePTR, []string{"v4only.example.com."}},
		{"co.jp.", lookup.TypeA, nil},
	} {
		w.hops = 0
		r, err := w.resolve(t.Context(), lookup.MustName(c.name), c.t)
		if err == nil {
			err = Outcome{Data: c.want}.Check(lookup.MustName(c.name), c.t, r)
		}
		if err != nil {
			t.Error(err)
		}
	}
}

// Whatever the referrals say, the zone below says, too.
func TestDelegationsAgreeWithTheZonesBelow(t *testing.T) {
	t.Parallel()
	n := internet(t, Options{})
	delegated := map[lookup.Name]bool{lookup.Root: true}
	for parent := range n.tree.All() {
		for cut := range parent.All() {
			if cut.Type != lookup.TypeNS || cut.Name == parent.Apex() {
				continue
			}
			delegated[cut.Name] = true
			child, ok := n.tree.Zone(cut.Name)
			if !ok {
				t.Errorf("%s: delegated, but there is no such zone", cut.Name)
				continue
			}
			own := child.Find(cut.Name, lookup.TypeNS).Set
			if a, b := slices.Sorted(zones.Hosts(cut)), slices.Sorted(zones.Hosts(own)); !slices.Equal(a, b) {
				t.Errorf("%s: NS\n%v\nwhere the zone itself has\n%v", cut.Name, cut, own)
			}
			for host := range zones.Hosts(cut) {
				checkGlue(t, n, parent, cut, host)
			}
		}
	}
	for zone := range n.tree.All() {
		if !delegated[zone.Apex()] {
			t.Errorf("%s: a zone to which nothing leads", zone.Apex())
		}
	}
}

func checkGlue(t *testing.T, n *Internet, parent *zones.Zone, cut lookup.RRset, host lookup.Name) {
	t.Helper()
	var glue []netip.Addr
	for _, s := range parent.At(host) {
		for rdata := range s.Data.All() {
			if a, ok := netip.AddrFromSlice([]byte(rdata)); ok {
				glue = append(glue, a)
			}
		}
	}
	if len(glue) == 0 && !host.IsSubdomainOf(cut.Name) {
		return // a delegation without glue
	}
	if own := n.Addrs(host); !slices.Equal(glue, own) {
		t.Errorf("%s: glue %v for %s, where the zone itself has %v", cut.Name, glue, host, own)
	}
}
