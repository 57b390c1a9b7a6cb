// Package tailor decides which answer a client of a zone gets, and for which network
// that answer is the same.
//
// The story in ten lines: a [Zone] is a zones.Zone with an overlay.Overlay upon it, as
// one view sees them; the base is not copied. [Zone.Find] is Find of the base where the
// overlay says nothing. Where it does, the most specific condition that is true of a
// class of clients (geo.Class) wins: a rule's RRset, an alias, or a choice of sites of a
// route, of which those answer that are up. Classes with equal answers, compared by
// content, are one group, and the widest prefix in which all classes are of the
// client's group is the scope: neither wider than true nor narrower than needed. An
// [Atlas] keeps these groupings for all zones, each once. When the health of a site
// changes what is decided anew is which group gets what, name by name when somebody asks;
// the trie of geo.Map stays. Chance among weights is drawn for each query, or hangs on
// the client's network ("sticky") so that a client keeps its site when others come and
// go. [Zone.Judge] holds the overlay's expectations against all of it.
//
// Standards: RFC 7871 7.2.1 (scopes: widest, and never overlapping; the longest of
// several), 7.1.2 (SOURCE 0), 7.4 (negative answers are for everyone), 10 and 11.3
// (addresses that are nobody's), RFC 4592 (wildcards, over both layers), RFC 9460 7.3
// (hints follow the addresses). Not here: sections, aliases' targets, and signatures.
package tailor
