package tailor

import (
	"iter"
	"maps"
	"net/netip"
	"slices"
	"strconv"

	"github.com/sextant-dns/sextant/lookup"
)

// Decided yields the names and types about which the overlay has something to say for this
// view, in canonical order. TypeNone stands for all types that are not named beside it.
func (z *Zone) Decided() iter.Seq2[lookup.Name, lookup.Type] {
	return func(yield func(lookup.Name, lookup.Type) bool) {
		for _, name := range slices.SortedFunc(maps.Keys(z.nodes), lookup.Name.Compare) {
			n := z.nodes[name]
			if len(n.candidates) == 0 {
				continue
			}
			for i := range n.types {
				if !yield(name, n.types[i].t) {
					return
				}
			}
			if !n.plain && !yield(name, lookup.TypeNone) {
				return
			}
		}
	}
}

// World yields all networks, IPv4 first, in the order of their addresses, each with what
// its clients hear of a name and type at present, as a text that is the same for the same
// answers, also of another Zone. Where chance decides, the text is of all that it can give.
// Of IPv6 forms that embed IPv4 addresses only those appear that hear alike as a whole. The
// name is one that the zone file or the overlay has, and no wildcard's.
func (z *Zone) World(name lookup.Name, t lookup.Type) iter.Seq2[netip.Prefix, string] {
	return func(yield func(netip.Prefix, string) bool) {
		n := z.nodes[name]
		var m *memo
		if n != nil && len(n.candidates) > 0 {
			if decided, ok := n.of(t); ok && (name != z.base.Apex() || !isApex(t)) {
				m = z.memo(n, decided)
			}
		}
		if m == nil || m.partition == nil || m.partition.equal == nil {
			text := ""
			if m == nil {
				b := &builder{zone: z, node: &node{name: name}}
				text = b.content(t, answer{kind: fromBase})
			} else {
				text = newBuilder(z, n, m.chart).content(t, m.answers[0])
			}
			_ = yield(netip.PrefixFrom(netip.IPv4Unspecified(), 0), text) && yield(netip.PrefixFrom(netip.IPv6Unspecified(), 0), text)
			return
		}
		b := newBuilder(z, n, m.chart)
		texts := make([]string, len(m.answers))
		for i, a := range m.answers {
			texts[i] = b.content(t, a)
		}
		for p, class := range m.partition.equal.Prefixes() {
			if !yield(p, texts[m.partition.group(class)]) {
				return
			}
		}
	}
}

// Hears is what a client hears of a name and type at present, as a text that is the same
// for the same answers, also of another Zone.
func (z *Zone) Hears(name lookup.Name, t lookup.Type, client Client) string {
	f := z.Find(name, t, client)
	kind := strconv.Itoa(int(f.Kind)) + " "
	if m := f.Because.memo; m != nil {
		group := 0
		if m.partition != nil {
			group, _ = m.partition.locate(client.At)
		}
		if a := m.answers[group]; a.kind == chance || a.kind == alias {
			return kind + newBuilder(z, f.Because.node, m.chart).content(t, a)
		}
	}
	if f.Set.Data == "" {
		return kind
	}
	return kind + string(f.Set.Name) + setContent(f.Set)
}
