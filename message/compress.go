package message

import "encoding/binary"

const (
	// maxRemembered bounds the work of compression (CVE-2024-8508): names after
	// so many suffixes are compressed against the ones before.
	maxRemembered = 120
	maxPointer    = 1<<14 - 1 // the farthest offset that a pointer reaches (RFC 1035 4.1.4)
)

// compressor remembers the names of one message and points back to them. Names
// are the same whatever their letter case (RFC 1035 2.3.3). The zero value is
// ready for a message that starts at dst[0].
type compressor struct {
	start  int // of the message in dst
	count  int
	heads  [64]uint8 // by hash, one more than the index of the latest suffix
	known  [maxRemembered]suffix
	labels [maxName / 2]uint8  // where the labels of the current name start
	hashes [maxName / 2]uint32 // of the suffixes that start there
}

// reset makes it ready for a message that starts at dst[start]. What it remembered
// stays behind the heads, where nobody looks.
func (c *compressor) reset(start int) {
	c.start, c.count, c.heads = start, 0, [64]uint8{}
}

// suffix is a name, or the end of one, that stands uncompressed or with a
// pointer at its end somewhere in the message.
type suffix struct {
	wire string
	at   uint16
	next uint8 // as in heads
}

// appendName appends a well-formed wire-form name, its longest known ending as a
// pointer, and remembers what is new in it.
func (c *compressor) appendName(dst []byte, wire string) []byte {
	labels := 0
	for i := 0; wire[i] != 0; i += 1 + int(wire[i]) {
		c.labels[labels] = uint8(i)
		labels++
	}
	fresh, pointer := c.longest(wire, labels)

	at := len(dst) - c.start
	if fresh == labels { // nothing known: the root ends it
		dst = append(dst, wire...)
	} else {
		dst = append(dst, wire[:c.labels[fresh]]...)
		dst = binary.BigEndian.AppendUint16(dst, 0xc000|pointer)
	}
	// The shortest first: who knows a name knows its endings.
	for i := fresh - 1; i >= 0; i-- {
		c.remember(wire[c.labels[i]:], c.hashes[i], at+int(c.labels[i]))
	}
	return dst
}

// longest finds the longest known ending of the name: the first labels before
// it are fresh. It hashes from the right, so each octet is read once, and fills
// c.hashes for the fresh ones.
func (c *compressor) longest(wire string, labels int) (fresh int, pointer uint16) {
	hash, end := uint32(2166136261), len(wire)-1
	fresh = labels
	for i := labels - 1; i >= 0; i-- {
		at := int(c.labels[i])
		for _, octet := range []byte(wire[at:end]) {
			hash = (hash ^ uint32(lowerOctet(octet))) * 16777619
		}
		c.hashes[i], end = hash, at
		if fresh != i+1 {
			continue // a shorter ending was new already
		}
		for k := c.heads[bucket(hash)]; k != 0; k = c.known[k-1].next {
			if sameName(c.known[k-1].wire, wire[at:]) {
				fresh, pointer = i, c.known[k-1].at
				break
			}
		}
	}
	return fresh, pointer
}

func (c *compressor) remember(wire string, hash uint32, at int) {
	if c.count == maxRemembered || at > maxPointer {
		return
	}
	head := &c.heads[bucket(hash)]
	c.known[c.count] = suffix{wire, uint16(at), *head}
	c.count++
	*head = uint8(c.count)
}

// bucket folds a hash to an index of heads.
func bucket(hash uint32) uint32 { return (hash ^ hash>>16) % 64 }

// sameName compares wire-form names without regard to letter case.
func sameName(a, b string) bool {
	if a == b {
		return true
	}
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lowerOctet(a[i]) != lowerOctet(b[i]) {
			return false
		}
	}
	return true
}
