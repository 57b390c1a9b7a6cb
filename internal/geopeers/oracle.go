package geopeers

import (
	"iter"
	"net/netip"
	"slices"
	"sort"

	"github.com/oschwald/maxminddb-golang/v2"
)

// An Oracle knows what everybody hears. It is safe for concurrent use.
type Oracle struct {
	v4, v6   []span
	widest   [2][]netip.Prefix // IPv4's and IPv6's, in the order of their addresses
	answerOf [2][]string       // what is heard in each
}

// A span is addresses in a row that all hear the same, up to the next one.
type span struct {
	from, to netip.Addr
	answer   string
}

// NewOracle asks answer once for each piece between the borders of networks, and takes what
// it says for all of the piece. Networks of a family are told apart from those of the
// other. The IPv6 forms of IPv4 addresses are pieces of which nothing is asked; it knows
// nothing in there, nor may a scope reach across them.
func NewOracle(networks []netip.Prefix, answer func(netip.Addr) string) *Oracle {
	forms := []netip.Prefix{
		netip.MustParsePrefix("::/32"), netip.MustParsePrefix("64:ff9b::/96"),
		netip.MustParsePrefix("2001::/32"), netip.MustParsePrefix("2002::/16"),
	}
	known := func(a netip.Addr) string {
		for _, f := range forms {
			if f.Contains(a) {
				return "IPv4 in " + f.String()
			}
		}
		return answer(a)
	}
	var v4, v6 []netip.Prefix
	for _, n := range append(slices.Clone(networks), forms...) {
		if n.Addr().Is4() {
			v4 = append(v4, n)
		} else {
			v6 = append(v6, n)
		}
	}
	o := &Oracle{v4: spans(v4, netip.IPv4Unspecified(), known), v6: spans(v6, netip.IPv6Unspecified(), known)}
	for family, all := range [][]span{o.v4, o.v6} {
		for _, s := range all {
			for a := s.from; a.IsValid() && a.Compare(s.to) <= 0; {
				p := s.widest(a)
				o.widest[family], o.answerOf[family] = append(o.widest[family], p), append(o.answerOf[family], s.answer)
				a = last(p).Next()
			}
		}
	}
	return o
}

// spans are all addresses from zero on.
func spans(networks []netip.Prefix, zero netip.Addr, answer func(netip.Addr) string) (all []span) {
	borders := []netip.Addr{zero}
	for _, n := range networks {
		borders = append(borders, n.Masked().Addr())
		if after := last(n).Next(); after.IsValid() {
			borders = append(borders, after)
		}
	}
	slices.SortFunc(borders, netip.Addr.Compare)
	borders = slices.Compact(borders)
	for i, from := range borders {
		to := last(netip.PrefixFrom(zero, 0))
		if i+1 < len(borders) {
			to = borders[i+1].Prev()
		}
		if said := answer(from); len(all) > 0 && all[len(all)-1].answer == said {
			all[len(all)-1].to = to
		} else {
			all = append(all, span{from, to, said})
		}
	}
	return all
}

// last is the last address of a prefix.
func last(p netip.Prefix) netip.Addr {
	a := p.Masked().Addr()
	if a.Is4() {
		b := a.As4()
		fill(b[:], p.Bits())
		return netip.AddrFrom4(b)
	}
	b := a.As16()
	fill(b[:], p.Bits())
	return netip.AddrFrom16(b)
}

// fill sets all bits after the first ones.
func fill(b []byte, bits int) {
	for i := bits / 8; i < len(b); i++ {
		b[i] |= 0xff >> max(0, bits-8*i)
	}
}

// at is the span of an address.
func (o *Oracle) at(a netip.Addr) span {
	all := o.family(a)
	return all[sort.Search(len(all), func(i int) bool { return all[i].to.Compare(a) >= 0 })]
}

func (o *Oracle) family(a netip.Addr) []span {
	if a.Is4() {
		return o.v4
	}
	return o.v6
}

// Answer is what an address hears.
func (o *Oracle) Answer(a netip.Addr) string { return o.at(a).answer }

// Widest is the widest prefix around an address in which all hear the same.
func (o *Oracle) Widest(a netip.Addr) netip.Prefix { return o.at(a).widest(a) }

// widest is the widest prefix around one of the span's addresses that does not leave it.
func (s span) widest(a netip.Addr) netip.Prefix {
	bits := sort.Search(a.BitLen(), func(bits int) bool { return s.holds(netip.PrefixFrom(a, bits)) })
	return netip.PrefixFrom(a, bits).Masked()
}

func (s span) holds(p netip.Prefix) bool {
	return s.from.Compare(p.Masked().Addr()) <= 0 && last(p).Compare(s.to) <= 0
}

// Uniform tells whether all of p hear the same.
func (o *Oracle) Uniform(p netip.Prefix) bool { return o.at(p.Addr()).holds(p) }

// Within is all widest prefixes in which all hear the same that lie within p, or the
// one around p, with what is heard.
func (o *Oracle) Within(p netip.Prefix) iter.Seq2[netip.Prefix, string] {
	return func(yield func(netip.Prefix, string) bool) {
		family := p.Addr().BitLen() / 128
		all, end := o.widest[family], last(p)
		first := sort.Search(len(all), func(i int) bool { return all[i].Addr().Compare(p.Masked().Addr()) > 0 }) - 1
		for i := first; i < len(all) && all[i].Addr().Compare(end) <= 0; i++ {
			if !yield(all[i], o.answerOf[family][i]) {
				return
			}
		}
	}
}

// Countries tells in which country an address is, as the reader of the mmdb file itself
// has it: of a file in either layout.
type Countries struct{ reader *maxminddb.Reader }

// OpenCountries opens a database. It stays open as long as the process runs.
func OpenCountries(path string) (*Countries, error) {
	reader, err := maxminddb.Open(path)
	return &Countries{reader}, err
}

// Of is a country's two letters, "" where the file says none.
func (c *Countries) Of(a netip.Addr) string {
	var record struct {
		Flat    string `maxminddb:"country_code"`
		Country struct {
			Code string `maxminddb:"iso_code"`
		} `maxminddb:"country"`
	}
	if err := c.reader.Lookup(a).Decode(&record); err != nil {
		return ""
	}
	return record.Flat + record.Country.Code
}

// Networks are all borders of the file.
func (c *Countries) Networks() (all []netip.Prefix) {
	for result := range c.reader.Networks() {
		if result.Err() == nil {
			all = append(all, result.Prefix())
		}
	}
	return all
}

// Network is the one of the file that an address is in.
func (c *Countries) Network(a netip.Addr) netip.Prefix { return c.reader.Lookup(a).Prefix() }
