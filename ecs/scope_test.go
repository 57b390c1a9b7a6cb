package ecs_test

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/sextant-dns/sextant/ecs"
	"github.com/sextant-dns/sextant/lookup"
)

func scope(s string, wanted ...uint8) ecs.Scope {
	scope := ecs.Scope{Network: prefix(s)}
	if len(wanted) > 0 {
		scope.Wanted = wanted[0]
	}
	return scope
}

// The three-way rule of RFC 7871 7.3.1, and what becomes of replies to queries that
// told nothing.
func TestE46E53E54E55E56Store(t *testing.T) {
	t.Parallel()
	known, shy := ecs.Audience{Subnet: prefix("9.8.7.0/24")}, ecs.Audience{Subnet: prefix("9.8.0.0/16")}
	nobody := ecs.Audience{}
	heard := func(source string, scope int) ecs.Heard {
		return ecs.Heard{Sent: prefix(source), Option: true, Scope: scope}
	}
	for _, c := range []struct {
		name  string
		who   ecs.Audience
		heard ecs.Heard
		v     ecs.Verdict
		plain bool
		want  ecs.Scope
	}{
		{"E53 a shorter scope", known, heard("9.8.7.0/24", 20), ecs.ForScope, false, scope("9.8.0.0/20")},
		{"E53 the same length", known, heard("9.8.7.0/24", 24), ecs.ForScope, false, scope("9.8.7.0/24")},
		{"E53 one bit", known, heard("9.8.7.0/24", 1), ecs.ForScope, false, scope("0.0.0.0/1")},
		{"E54 a longer scope, and we tell no more", known, heard("9.8.7.0/24", 32), ecs.ForScope, false, scope("9.8.7.0/24")},
		{"E55 a longer scope, and the client tells no more", shy, heard("9.8.0.0/16", 20), ecs.ForScope, false, scope("9.8.0.0/16", 20)},
		{"E55 a scope that is longer than what we would tell", shy, heard("9.8.0.0/16", 28), ecs.ForScope, false, scope("9.8.0.0/16", 24)},
		{"E53 the client tells little, and it is enough", shy, heard("9.8.0.0/16", 16), ecs.ForScope, false, scope("9.8.0.0/16")},
		{"E56 scope 0 is for everyone", known, heard("9.8.7.0/24", 0), ecs.ForEveryone, false, scope("")},
		{"E56 nothing told is for those who tell nothing", nobody, ecs.Heard{}, ecs.ForEveryone, false, scope("0.0.0.0/0")},
		{"E56 nothing told in a zone that tailors", nobody, ecs.Heard{}, ecs.ForNetwork, false, scope("0.0.0.0/0")},
		{"nothing told to who cannot tailor", nobody, ecs.Heard{}, ecs.ForEveryone, true, scope("")},
		{"told, but not this server", known, ecs.Heard{}, ecs.ForEveryone, false, scope("")},
		{"told, but not this server of a zone that tailors", known, ecs.Heard{}, ecs.ForNetwork, true, scope("9.8.7.0/24")},
		{"the same for who tells little", shy, ecs.Heard{}, ecs.ForNetwork, true, scope("9.8.0.0/16", 24)},
		{"E49 not to be confirmed", known, ecs.Heard{Sent: prefix("9.8.7.0/24")}, ecs.ForNetwork, false, scope("9.8.7.0/24")},
		{"E49 a scope of 0 that cannot be confirmed", known, heard("9.8.7.0/24", 0), ecs.ForNetwork, false, scope("9.8.7.0/24")},
	} {
		if got := c.who.Store(c.heard, c.v, c.plain, 24); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestAsks(t *testing.T) {
	t.Parallel()
	if got := (ecs.Audience{Subnet: prefix("2600::/56")}).Asks(); got != prefix("2600::/56") {
		t.Errorf("asks for %v", got)
	}
	if got := (ecs.Audience{}).Asks(); got != prefix("0.0.0.0/0") {
		t.Errorf("asks for %v", got)
	}
}

// What the client is told of an answer, in terms of itself.
func TestE29E40E66E70Tell(t *testing.T) {
	t.Parallel()
	inside := ecs.Options{Send: ecs.SendAnything, NAT64: prefix("9.64.0.0/24"), Networks: []ecs.Network{
		{Clients: prefix("10.0.0.0/8"), As: prefix("9.1.0.0/16")},
		{Clients: prefix("10.1.0.0/16"), As: prefix("9.2.2.0/28")},
		{Clients: prefix("10.1.1.0/24")},
		{Clients: prefix("9.9.0.0/16")},
	}}
	nat64 := func(q lookup.Query) lookup.Query { q.NAT64 = true; return q }
	everyone, nothing := scope(""), scope("0.0.0.0/0")
	for _, c := range []struct {
		name  string
		o     ecs.Options
		query lookup.Query
		kept  ecs.Scope
		want  ecs.Scope
	}{
		{"everyone is everyone", ecs.Options{Send: ecs.SendAddress}, asked(client4, ""), everyone, everyone},
		{"the client's own network", ecs.Options{Send: ecs.SendAddress}, asked(client4, ""), scope("9.8.0.0/20"), scope("9.8.0.0/20")},
		{"what it was shy about", ecs.Options{Send: ecs.SendAddress}, asked(client4, "9.8.0.0/16"), scope("9.8.0.0/16", 24), scope("9.8.0.0/16", 24)},
		{"asked without telling, for want of room", ecs.Options{Send: ecs.SendAddress}, asked(client4, ""), nothing, scope("9.8.7.0/24", 32)},
		{"another's", ecs.Options{Send: ecs.SendOption}, asked(client4, "8.8.8.0/24"), scope("8.8.8.0/24"), scope("8.8.8.0/24")},
		{"E66 opt-out", ecs.Options{Send: ecs.SendAddress}, asked(client4, "0.0.0.0/0"), nothing, scope("0.0.0.0/0")},
		{"E29 opt-out of the family that was sent", ecs.Options{Send: ecs.SendAddress}, asked(client4, "::/0"), nothing, scope("::/0")},
		{"off", ecs.Options{}, asked(client4, ""), nothing, everyone},
		{"a type of which nothing is told", ecs.Options{Send: ecs.SendAddress, Types: []lookup.Type{lookup.TypeAAAA}}, asked(client4, ""), nothing, everyone},
		{"E40 E70 private space", ecs.Options{Send: ecs.SendAddress}, asked("10.1.2.3", ""), nothing, scope("10.0.0.0/8")},
		{"E40 private space, IPv6", ecs.Options{Send: ecs.SendAddress}, asked("fd00::1", ""), nothing, scope("8000::/1")},
		{"no option where only options are told", ecs.Options{Send: ecs.SendOption}, asked(client4, ""), nothing, scope("9.8.7.6/32")},
		{"an option that is overlooked", ecs.Options{Send: ecs.SendAddress, Ignore: true}, asked(client4, "8.8.8.0/24"), nothing, scope("8.8.8.0/24")},
		{"substituted: all of the network but what is different", inside, asked("10.2.3.4", ""), scope("9.1.0.0/16"), scope("10.2.0.0/15")},
		{"substituted: half of it", inside, asked("10.200.0.1", ""), scope("9.1.0.0/16"), scope("10.128.0.0/9")},
		{"substituted: within", inside, asked("10.1.0.1", ""), scope("9.2.2.0/24"), scope("10.1.0.0/24")},
		{"substituted: for everyone", inside, asked("10.1.0.1", ""), everyone, everyone},
		{"substituted: what an option tells", inside, asked(client4, "10.1.4.0/24"), scope("9.2.0.0/20"), scope("10.1.4.0/22")},
		{"substituted: for those who are as shy", inside, asked("10.1.4.1", "10.0.0.0/10"), scope("9.0.0.0/10", 24), scope("10.0.0.0/10")},
		{"never: inside", inside, asked("10.1.1.1", ""), nothing, scope("10.1.1.0/24")},
		{"never: a public network", inside, asked("9.9.1.1", ""), nothing, scope("9.9.0.0/16")},
		{"substituted, but nothing was told", inside, asked("10.2.3.4", ""), nothing, scope("10.2.0.0/15")},
		{"NAT64's pool is for all behind it", inside, nat64(asked(client6, "")), scope("9.64.0.0/24"), everyone},
		{"NAT64's pool, for an opt-out", inside, nat64(asked(client6, "::/0")), nothing, scope("::/0")},
	} {
		p := policy(t, c.o)
		if got := p.Audience(c.query).Tell(c.kept); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

// For every client in the network that an answer is told to be for, the same would
// have been told to servers.
func TestAGroupHearsTheSame(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	o := ecs.Options{Send: ecs.SendAddress, Withheld: networks("10.0.0.0/8", "10.128.0.0/10")}
	for range 12 {
		n := ecs.Network{Clients: ecs.Truncated(hostOf(r), 8+r.IntN(20))}
		if r.IntN(2) == 0 {
			n.As = ecs.Truncated(prefix("9.0.0.0/24"), 16+r.IntN(9))
		}
		o.Networks = append(o.Networks, n)
	}
	p := policy(t, o)
	kept := scope("0.0.0.0/0")
	for range 20_000 {
		client := hostOf(r).Addr()
		a := p.Audience(asked(client.String(), ""))
		if a.Why == ecs.BecauseOwn {
			continue
		}
		group := a.Tell(kept).Network
		other := hostOf(r)
		if !group.Contains(client) {
			t.Fatalf("%v is not in its own group %v", client, group)
		}
		if !ecs.Covers(group, other) {
			continue
		}
		if b := p.Audience(asked(other.Addr().String(), "")); b.Subnet != a.Subnet || b.Why != a.Why {
			t.Fatalf("%v is told as %v, %v of the same group %v as %v", client, a.Subnet, other, group, b.Subnet)
		}
	}
}

// hostOf is a host in 10.0.0.0/8, of few.
func hostOf(r *rand.Rand) netip.Prefix {
	return host4(10, byte(r.IntN(2))*0x81, byte(r.IntN(4))<<6, byte(r.IntN(8)))
}

func host4(a, b, c, d byte) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{a, b, c, d}), 32)
}

func TestE31NarrowestOfTwo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ a, b, want ecs.Scope }{
		{scope(""), scope(""), scope("")},
		{scope(""), scope("9.8.0.0/16"), scope("9.8.0.0/16")},
		{scope("9.8.7.0/24"), scope("9.8.0.0/16"), scope("9.8.7.0/24")},
		{scope("9.8.0.0/16", 24), scope("9.8.0.0/16"), scope("9.8.0.0/16", 24)},
		{scope("9.8.0.0/16", 24), scope("9.0.0.0/8"), scope("9.8.0.0/16", 24)},
		{scope("0.0.0.0/0"), scope(""), scope("0.0.0.0/0")},
	} {
		if got := ecs.Narrowest(c.a, c.b); got != c.want {
			t.Errorf("%+v and %+v: %+v, want %+v", c.a, c.b, got, c.want)
		}
		if got := ecs.Narrowest(c.b, c.a); got != c.want {
			t.Errorf("%+v and %+v: %+v, want %+v", c.b, c.a, got, c.want)
		}
	}
}

// A quota against a list of all that was admitted.
func TestE72E73QuotaAgainstAList(t *testing.T) {
	t.Parallel()
	type entry struct {
		client, zone int
		expires      time.Time
	}
	clients := []string{"9.0.0.1", "9.0.0.2", "2600::1", "2600:0:0:ff::1"} // the last two are of one household
	household := []int{0, 1, 2, 2}
	r := rand.New(rand.NewPCG(2, 2))
	q := ecs.NewQuota(ecs.QuotaOptions{Total: 40, Zone: 15, Client: 20})
	var admitted []entry
	refusals := 0
	for step := range 20_000 {
		now := epoch.Add(time.Duration(step) * time.Second / 4)
		e := entry{client: r.IntN(4), zone: r.IntN(4), expires: now.Add(time.Duration(1+r.IntN(30)) * time.Second)}
		total, ofZone, ofClient := 0, 0, 0
		for _, o := range admitted {
			if o.expires.Unix() <= now.Unix() {
				continue
			}
			total++
			if o.zone == e.zone {
				ofZone++
			}
			if household[o.client] == household[e.client] {
				ofClient++
			}
		}
		want := total < 40 && ofZone < 15 && ofClient < 20
		zone := lookup.MustName(string(rune('a'+e.zone)) + ".example.")
		if got := q.Admit(addr(clients[e.client]), zone, e.expires, now); got != want {
			t.Fatalf("step %d: admitted %v with %d in all, %d of the zone, %d of the client", step, got, total, ofZone, ofClient)
		}
		if want {
			admitted = append(admitted, e)
			total++
		} else {
			refusals++
		}
		if got := q.Alive(now); got != total {
			t.Fatalf("step %d: %d alive, want %d", step, got, total)
		}
		if len(admitted) > 200 {
			admitted = admitted[100:]
		}
	}
	if refusals < 1000 {
		t.Errorf("%d refusals: the bounds were hardly reached", refusals)
	}
}

// Who floods the cache fills its own share, and others find theirs.
func TestE73AFloodFillsTheShareOfItsAuthor(t *testing.T) {
	t.Parallel()
	q := ecs.NewQuota(ecs.QuotaOptions{Total: 1000, Tallies: 16})
	zone, expires := lookup.MustName("cdn.example."), epoch.Add(time.Hour)
	for range 10_000 {
		q.Admit(addr("9.0.0.1"), zone, expires, epoch)
	}
	if n := q.Alive(epoch); n != 250 {
		t.Errorf("one client holds %d of 1000", n)
	}
	if !q.Admit(addr("9.0.0.2"), lookup.MustName("other.example."), expires, epoch) {
		t.Error("another client is refused")
	}
	for i := range 1000 { // the books are bounded, too
		q.Admit(host4(9, 1, byte(i>>8), byte(i)).Addr(), lookup.MustName("more.example."), expires, epoch)
	}
}
