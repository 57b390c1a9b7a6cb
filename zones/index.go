package zones

import (
	"hash/maphash"
	"math/bits"

	"github.com/sextant-dns/sextant/lookup"
)

// index finds the node of a name: an open-addressing hash table of node numbers.
// Four octets of a slot are enough for a number and, in the bits that numbers do not
// need, for a part of the hash; so a name that does not exist is seldom compared with
// one that does. The zero value finds nothing.
type index struct {
	seed  maphash.Seed
	slots []uint32 // 0: free; else the number of a node, plus 1, below a part of its hash
	bits  uint8    // that numbers need
	count int      // how many names are in it
}

// newIndex makes the index of all nodes of z that exist.
func newIndex(z *Zone) index {
	x := index{seed: maphash.MakeSeed()}
	nodes := len(z.nodes) - 1
	x.bits = uint8(bits.Len(uint(nodes)))
	x.slots = make([]uint32, 1<<bits.Len(uint(nodes+nodes/3))) // at most three quarters full
	for i := range nodes {
		if z.nodes[i].marks&isOnlyHash != 0 {
			continue
		}
		hash := maphash.String(x.seed, string(z.name(uint32(i))))
		at := x.start(hash)
		for x.slots[at] != 0 {
			at = x.next(at)
		}
		x.slots[at] = x.tag(hash) | uint32(i+1)
		x.count++
	}
	return x
}

// start is the slot where the search for a hash begins.
func (x *index) start(hash uint64) int { return int(hash) & (len(x.slots) - 1) }

// next is the slot to look at after slot at.
func (x *index) next(at int) int { return (at + 1) & (len(x.slots) - 1) }

// tag is the part of a hash that slots keep. Its bits are not those of start.
func (x *index) tag(hash uint64) uint32 { return uint32(hash>>32) >> x.bits << x.bits }

// find is the number of the node of a name. It allocates nothing.
func find(z *Zone, name lookup.Name) (node uint32, ok bool) {
	if len(z.index.slots) == 0 {
		return 0, false
	}
	return search(z, maphash.String(z.index.seed, string(name)), name)
}

// findOctets is find for a name in a buffer.
func findOctets(z *Zone, name []byte) (node uint32, ok bool) {
	return search(z, maphash.Bytes(z.index.seed, name), name)
}

// search is find for a name whose hash is known.
func search[T lookup.Name | []byte](z *Zone, hash uint64, name T) (node uint32, ok bool) {
	x := &z.index
	tag, number := x.tag(hash), uint32(1)<<x.bits-1
	for at := x.start(hash); x.slots[at] != 0; at = x.next(at) {
		slot := x.slots[at]
		if slot&^number != tag {
			continue
		}
		if i := slot&number - 1; string(z.name(i)) == string(name) {
			return i, true
		}
	}
	return 0, false
}
