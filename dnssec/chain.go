package dnssec

import (
	"slices"
	"strings"

	"github.com/sextant-dns/sextant/lookup"
)

// chain is a part of a zone's NSEC or NSEC3 chain, sorted by key. No record's key
// lies in another's gap.
type chain []*held

// sortKey is a string that sorts as the name does in canonical order (RFC 4034
// 6.1): the labels from the root on, each ended by two zeros; a zero inside a label
// is followed by a one.
func sortKey(n lookup.Name) string {
	var at [lookup.MaxLabels]uint8
	labels := 0
	for i := 0; i < len(n) && n[i] != 0; i += int(n[i]) + 1 {
		at[labels] = uint8(i)
		labels++
	}
	key := make([]byte, 0, len(n)+labels+8)
	for labels > 0 {
		labels--
		for i := range int(n[at[labels]]) {
			c := n[int(at[labels])+1+i]
			if key = append(key, c); c == 0 {
				key = append(key, 1)
			}
		}
		key = append(key, 0, 0)
	}
	return string(key)
}

// covers tells whether key lies in h's gap; the last record's gap leads round to
// the first.
func (h *held) covers(key string) bool {
	if h.key < h.next {
		return h.key < key && key < h.next
	}
	return h.key < key || key < h.next
}

func (c chain) search(key string) (int, bool) {
	return slices.BinarySearchFunc(c, key, func(h *held, key string) int { return strings.Compare(h.key, key) })
}

// floor is the record at key, or the one before it; what is before the first is the
// last. It is nil when there is none.
func (c chain) floor(key string) *held {
	if len(c) == 0 {
		return nil
	}
	i, found := c.search(key)
	if !found {
		i = (i + len(c) - 1) % len(c)
	}
	return c[i]
}

func (c *chain) insert(h *held) {
	i, _ := c.search(h.key)
	*c = slices.Insert(*c, i, h)
}

func (c *chain) delete(i int) { *c = slices.Delete(*c, i, i+1) }

// drop removes the records around key for which stale is true: the one at key or,
// since not both can be, the one before it; and those after it. What was removed is
// told to gone.
func (c *chain) drop(stale func(*held) bool, key string, gone func(*held)) {
	if h := c.floor(key); h != nil && stale(h) {
		i, _ := c.search(h.key)
		c.delete(i)
		gone(h)
	}
	if len(*c) == 0 {
		return
	}
	i, _ := c.search(key)
	if !stale((*c)[i%len(*c)]) {
		return
	}
	*c = slices.DeleteFunc(*c, func(h *held) bool { // seldom: many names have vanished
		if stale(h) {
			gone(h)
			return true
		}
		return false
	})
}
