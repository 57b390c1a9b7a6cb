package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

// Trial is something to try in the lab: what to ask, what it shows, and what
// comes out of a resolver that does DNS64 with the well-known prefix.
type Trial struct {
	Dig   string // the question as arguments of dig: a name and a type, or -x and an address
	Shows string

	Name   lookup.Name
	Type   lookup.Type
	Subnet netip.Prefix // what is said of the client; the zero Prefix: nothing

	Off, Standard, Forced Outcome // by mode of DNS64
}

// Outcome is what comes out of a Trial. The zero value is NODATA.
type Outcome struct {
	Rcode lookup.Rcode

	// Data is the rdata, in presentation form and sorted, of the RRset of the
	// type asked that stands at the end of the aliases.
	Data []string

	// Octets, when not 0, is how many octets of rdata come at least; Data is
	// then empty, for nobody wants to read so much.
	Octets int
}

// String is the outcome in a word or, for data, a line.
func (o Outcome) String() string {
	switch {
	case o.Rcode != lookup.NOERROR:
		return o.Rcode.String()
	case o.Octets > 0:
		return fmt.Sprintf("%d octets or more", o.Octets)
	case len(o.Data) == 0:
		return "NODATA"
	}
	return strings.Join(o.Data, " ")
}

// Check compares the response to a Trial's question with the outcome. Its error
// says what is otherwise.
func (o Outcome) Check(name lookup.Name, t lookup.Type, r *lookup.Response) error {
	if r.Rcode != o.Rcode {
		return fmt.Errorf("%s %s: %s, want %s", name, t, r.Rcode, o)
	}
	end := name
	if t != lookup.TypeCNAME {
		_, end = r.Chase(name)
	}
	set, _ := lookup.Find(r.Answer, end, t)
	if o.Octets > 0 {
		if len(set.Data) < o.Octets {
			return fmt.Errorf("%s %s: %d octets, want %s", name, t, len(set.Data), o)
		}
		return nil
	}
	data, err := presentation(set)
	if err != nil {
		return fmt.Errorf("%s %s: %w", name, t, err)
	}
	if got := (Outcome{Data: data}); !slices.Equal(data, o.Data) {
		return fmt.Errorf("%s %s: %s, want %s", name, t, got, o)
	}
	return nil
}

// presentation is the rdata of a set's RRs in presentation form, sorted.
func presentation(set lookup.RRset) ([]string, error) {
	var data []string
	for rdata := range set.Data.All() {
		rr, err := lookup.UnpackRR(set.Name, set.Type, set.TTL, rdata)
		if err != nil {
			return nil, err
		}
		data = append(data, strings.TrimPrefix(rr.String(), rr.Header().String()))
	}
	slices.Sort(data)
	return data, nil
}

// Try is things to try, the most telling first.
func Try() []Trial {
	const facebook, v4only = "64:ff9b::1f0d:4ff6", "64:ff9b::5db8:d70e"
	nodata, nxdomain := Outcome{}, Outcome{Rcode: lookup.NXDOMAIN}
	return []Trial{
		forced("www.facebook.com AAAA", "dual-stack, behind an alias: forced DNS64 ignores the real AAAA",
			data("2a03:2880:f00d:1:face:b00c:0:1"), data(facebook)),
		always("www.facebook.com A", "its IPv4 address, untouched", data("31.13.79.246")),
		dns64("v4only.example.com AAAA", "IPv4-only: what DNS64 is for", nodata, data(v4only)),
		always("v6only.example.com AAAA", "IPv6-only: there is no A to embed, so forced mode lets the AAAA pass",
			data("2606:2800:21f:cb07:6820:80da:af6b:8b2c")),
		always("v6only.example.com A", "and IPv4 clients are out of luck", nodata),
		forced("dual.example.com AAAA", "dual-stack without an alias",
			data("2606:2800:21f:cb07:6820:80da:af6b:8b2d"), data("64:ff9b::5db8:d70f")),
		dns64("mapped.example.com AAAA", "an IPv4-mapped AAAA is no IPv6 address",
			data("::ffff:93.184.215.16"), data("64:ff9b::5db8:d710")),
		dns64("chain.example.com AAAA", "three aliases through three zones", nodata, data(v4only)),
		dns64("v4only.old.example.org AAAA", "a DNAME", nodata, data(v4only)),
		dns64("anything.wild.example.org AAAA", "a wildcard", nodata, data("64:ff9b::5db8:d732")),
		forced("www.example.com AAAA", "a CDN: two aliases, two addresses, TTL 20",
			data("2600:1401:2::1790", "2600:1401:2::1791"), data("64:ff9b::17d3:f5a", "64:ff9b::17d3:f5b")),
		always("www.example.net A", "a delegation without glue", data("93.184.215.60")),
		forced("www.wikipedia.org AAAA", "servers in a sibling zone",
			data("2a02:ec80:300:ed1a::1"), data("64:ff9b::b90f:3be0")),
		dns64("github.com AAAA", "an IPv4-only site with IPv4-only servers", nodata, data("64:ff9b::8c52:7904")),
		always("www.six.jp AAAA", "an IPv6-only site with an IPv6-only server", data("2001:218:3003:1::80")),
		dns64("www.example.co.jp AAAA", "below co.jp, an empty non-terminal", nodata, data("64:ff9b::d2ab:e050")),
		forced("api.corp.io AAAA", "below io, which fails in sextant lab --incident io-2016",
			data("2406:da14:10::20"), data("64:ff9b::34c1:a14")),
		forced("api.corp.jp AAAA", "the same service below jp",
			data("2406:da14:10::20"), data("64:ff9b::34c1:a14")),
		always("large.example.com TXT", "does not fit into UDP", Outcome{Octets: 1233}),
		always("nobody.example.com AAAA", "a name that does not exist", nxdomain),
		dns64("ipv4only.arpa AAAA", "how hosts find the prefix (RFC 7050)",
			nodata, data("64:ff9b::c000:aa", "64:ff9b::c000:ab")),
		always("-x 31.13.79.246", "a reverse name", data("star.c10r.facebook.com.")),
		dns64("-x "+facebook, "the reverse name of a synthesized address", nxdomain, data("star.c10r.facebook.com.")),
	}
}

// Places is what to try of names that are answered by location. They are not in the lab's
// Internet: who serves it has their zone.
func Places() []Trial {
	return []Trial{
		always("www.places.example A +subnet=203.0.113.0/24", "answered by location: somebody in Germany", data("203.0.113.80")),
		always("www.places.example A +subnet=203.0.121.0/24", "and somebody in the USA", data("198.51.100.80")),
		always("www.places.example A", "and somebody of whom nobody knows where they are", data("192.0.2.80")),
	}
}

func data(rdata ...string) Outcome { return Outcome{Data: rdata} }

// always is a Trial on which DNS64 has no influence.
func always(dig, shows string, o Outcome) Trial { return trial(dig, shows, o, o, o) }

// dns64 is a Trial whose outcome DNS64 changes in both modes.
func dns64(dig, shows string, off, synthesized Outcome) Trial {
	return trial(dig, shows, off, synthesized, synthesized)
}

// forced is a Trial whose outcome is real data, except in forced mode.
func forced(dig, shows string, real, synthesized Outcome) Trial {
	return trial(dig, shows, real, real, synthesized)
}

func trial(dig, shows string, off, standard, forced Outcome) Trial {
	question, said, _ := strings.Cut(dig, " +subnet=")
	name, t, err := parseDig(question)
	subnet := netip.Prefix{}
	if err == nil && said != "" {
		subnet, err = netip.ParsePrefix(said)
	}
	if err != nil {
		panic(fmt.Errorf("lab: the trial %q: %w", dig, err)) // the table is constant
	}
	return Trial{Dig: dig, Shows: shows, Name: name, Type: t, Subnet: subnet, Off: off, Standard: standard, Forced: forced}
}

// parseDig reads a name and a type, or -x and an address.
func parseDig(dig string) (lookup.Name, lookup.Type, error) {
	first, second, _ := strings.Cut(dig, " ")
	if first == "-x" {
		reverse, err := dns.ReverseAddr(second)
		if err != nil {
			return "", 0, err
		}
		name, err := lookup.ParseName(reverse)
		return name, lookup.TypePTR, err
	}
	t, ok := dns.StringToType[second]
	if !ok {
		return "", 0, errors.New("no such type")
	}
	name, err := lookup.ParseName(first)
	return name, lookup.Type(t), err
}
