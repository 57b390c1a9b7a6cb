//go:build e2e

package e2e_test

import (
	"fmt"
	"math"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/sextant-dns/sextant/ecs"
)

// geoExplanation has a row for each kind of difference.
const geoExplanation = "../docs/explanation/answers-by-location.md"

// judge holds the replies to one question, ours first, against the oracle and each other.
func (g *geoComparison) judge(t *testing.T, asked netip.Prefix, replies []geoReply) {
	ours := replies[0]
	if block, nobodys := ecs.Nobodys(asked); nobodys {
		client := g.oracle.Answer(netip.MustParseAddr("127.0.0.1"))
		if ours.address != client || ours.scope != block.Bits() {
			t.Errorf("%s is nobody's: %v, not %s for /%d", asked, ours, client, block.Bits())
		}
		for i, r := range replies[1:] {
			g.differs(g.names[1+i], "nobody's address", asked, ours, r)
		}
		return
	}
	// An address of 6to4 is where the IPv4 address is that it has in it (RFC 3056 2).
	p, offset := asked, 0
	if b := asked.Addr().AsSlice(); len(b) == 16 && b[0] == 0x20 && b[1] == 0x02 {
		p, offset = netip.PrefixFrom(netip.AddrFrom4([4]byte(b[2:6])), min(asked.Bits()-16, 32)).Masked(), 16
	}
	if !g.oracle.Uniform(p) {
		g.judgeShort(t, asked, p, offset, replies)
		return
	}
	widest := g.oracle.Widest(p.Addr())
	want := geoReply{g.oracle.Answer(p.Addr()), max(widest.Bits(), 1) + offset}
	if ours != want {
		t.Errorf("%s: %v, and the widest network that hears %s is %s", asked, ours, want.address, widest)
	}
	g.count(asked, replies)
	for i, r := range replies[1:] {
		name := g.names[1+i]
		switch {
		case r.address != want.address:
			t.Errorf("%s: %s says %s, not %s", asked, name, r.address, want.address)
		case r == ours:
			g.differs(name, "none", asked, ours, r)
		case name == "knot" && r.scope == 0:
			g.differs(name, "default for everyone", asked, ours, r)
		case r.scope < ours.scope:
			t.Errorf("%s: the scope of %s is wider: %d, ours %d", asked, name, r.scope, ours.scope)
		default:
			g.differs(name, "longer scope", asked, ours, r)
		}
	}
}

// judgeShort is about a prefix in which not all hear the same: it should have been longer.
func (g *geoComparison) judgeShort(t *testing.T, asked, p netip.Prefix, offset int, replies []geoReply) {
	ours := replies[0]
	if ours.scope <= asked.Bits() {
		t.Errorf("%s: not all of it hear the same, and we say /%d", asked, ours.scope)
	}
	forms := netip.MustParsePrefix("2000::/14") // IPv4 addresses are in it, in which we look, too
	if p.Bits() >= 10 && !p.Overlaps(forms) {   // in shorter ones there are too many networks to look at each
		found, parts, pieces := false, map[string]float64{}, 0
		for n, answer := range g.oracle.Within(p) {
			parts[answer] += math.Ldexp(1, p.Bits()-n.Bits())
			pieces++
			found = found || answer == ours.address && n.Bits()+offset == ours.scope
		}
		if !found {
			t.Errorf("%s: no widest network in it hears %s and has /%d", asked, ours.address, ours.scope)
		}
		for answer, part := range parts {
			// What most of thousands hear is an estimate (geo.Equivalence.Locate).
			if part > parts[ours.address]+0.001 && pieces < 1000 {
				t.Errorf("%s: we say %s, which %.3f of it hear; %.3f hear %s", asked, ours.address, parts[ours.address], part, answer)
			}
		}
	}
	for i, r := range replies[1:] {
		name := g.names[1+i]
		switch {
		case r.address != ours.address:
			g.differs(name, "too short a prefix, another answer", asked, ours, r)
		case r.scope != ours.scope:
			g.differs(name, "too short a prefix, another scope", asked, ours, r)
		default:
			g.differs(name, "none", asked, ours, r)
		}
	}
}

// differs notes a kind of difference, "none" included.
func (g *geoComparison) differs(name, kind string, asked netip.Prefix, ours, theirs geoReply) {
	if ours == theirs {
		kind = "none"
	}
	key := name + ": " + kind
	g.kinds[key]++
	if g.examples[key] == "" {
		g.examples[key] = fmt.Sprintf("%s: ours %s /%d, %s %s /%d", asked, ours.address, ours.scope, name, theirs.address, theirs.scope)
	}
}

// count puts the scopes into the histograms.
func (g *geoComparison) count(asked netip.Prefix, replies []geoReply) {
	for i, r := range replies {
		if r.scope >= 0 && r.scope <= asked.Addr().BitLen() {
			g.histograms[asked.Addr().BitLen()/128][g.names[i]][r.scope]++
		}
	}
}

// slots goes through all of IPv4, from one scope to the next one: how many of them there
// are for each server is what resolvers have to keep of the answer. Ours are looked at one
// by one.
func (g *geoComparison) slots(t *testing.T) {
	t.Helper()
	total, everyone := make([]int, len(g.names)), make([]int, len(g.names))
	g.each(t, func(server int, c *geoClient) error {
		var at [lanes]netip.Addr // where each lane is in its part of IPv4
		for lane := range at {
			at[lane] = netip.AddrFrom4([4]byte{byte(lane * 256 / lanes)})
		}
		return c.all(func(lane int) (netip.Prefix, bool) {
			a := at[lane]
			return netip.PrefixFrom(a, a.BitLen()), a.IsValid() && int(a.As4()[0])*lanes/256 == lane
		}, func(lane int, asked netip.Prefix, r geoReply) {
			scope := netip.PrefixFrom(asked.Addr(), max(r.scope, 0)).Masked()
			switch {
			case r.scope <= 0: // it is said to be for all of IPv4, and is not
				everyone[server]++
				scope = g.world.countries.Network(asked.Addr())
			case scope.Addr() == asked.Addr():
				total[server]++
			}
			if server == 0 {
				g.exact(t, asked, scope, r)
			}
			at[lane] = after(scope)
		})
	})
	for i, name := range g.names {
		g.widths[name] = total[i]
		if everyone[i] > 0 {
			g.widths[name]++
			t.Logf("%s: of %d networks it says that their answer is for everyone: one slot, which hides the others", name, everyone[i])
		}
	}
	if g.widths["gdnsd"] < g.widths["sextant"] {
		t.Errorf("gdnsd needs fewer slots: %v", g.widths)
	}
}

// exact holds a scope of ours against what counting says.
func (g *geoComparison) exact(t *testing.T, asked, scope netip.Prefix, r geoReply) {
	if _, nobodys := ecs.Nobodys(asked); nobodys || t.Failed() {
		return
	}
	a := asked.Addr()
	if want := g.oracle.Widest(a); scope != want || r.address != g.oracle.Answer(a) {
		t.Errorf("%s: %s for %s, and all of %s hear %s", a, r.address, scope, want, g.oracle.Answer(a))
	}
}

// after is the first address after an IPv4 prefix, invalid after the last one.
func after(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().As4()
	n := uint64(b[0])<<24 | uint64(b[1])<<16 | uint64(b[2])<<8 | uint64(b[3])
	if n += 1 << (32 - p.Bits()); n > 1<<32-1 {
		return netip.Addr{}
	}
	return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}

// report prints all of it, and misses what nobody has explained.
func (g *geoComparison) report(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(geoExplanation)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	out := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	for family, name := range []string{"IPv4", "IPv6"} {
		fmt.Fprintf(out, "\n%s scope\t", name)
		for _, server := range g.names {
			fmt.Fprintf(out, "%s\t", server)
		}
		fmt.Fprintln(out)
		for bits := range 129 {
			row, any := fmt.Sprintf("/%d\t", bits), false
			for _, server := range g.names {
				n := g.histograms[family][server][bits]
				row, any = row+fmt.Sprintf("%d\t", n), any || n > 0
			}
			if any {
				fmt.Fprintln(out, row)
			}
		}
	}
	if len(g.widths) > 0 {
		fmt.Fprint(out, "slots for IPv4\t")
		for _, server := range g.names {
			fmt.Fprintf(out, "%d\t", g.widths[server])
		}
		fmt.Fprintln(out)
	}
	out.Flush()
	b.WriteString("differences:\n")
	keys := make([]string, 0, len(g.kinds))
	for k := range g.kinds {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		fmt.Fprintf(&b, "%7d %s (%s)\n", g.kinds[k], k, g.examples[k])
		if _, kind, _ := strings.Cut(k, ": "); kind != "none" && !strings.Contains(string(text), "| "+kind+" |") {
			t.Errorf("%s has no row for %q", geoExplanation, kind)
		}
	}
	t.Log(b.String())
}
