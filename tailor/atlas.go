package tailor

import (
	"encoding/binary"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/sextant-dns/sextant/geo"
	"github.com/sextant-dns/sextant/overlay"
)

// Atlas is what all zones share of where clients are: the geo.Map in use, which
// conditions are true of which of its classes, and how classes have been grouped. It is
// safe for concurrent use.
type Atlas struct {
	current func() *geo.Map
	chart   atomic.Pointer[chart]
}

// NewAtlas makes an Atlas of the Map that current gives at the time, as geo.Watcher.Map
// does. It is called for each Find and must not wait. nil, as a function or a Map, is
// a Map that knows nothing.
func NewAtlas(current func() *geo.Map) *Atlas {
	if current == nil {
		current = func() *geo.Map { return nil }
	}
	return &Atlas{current: current}
}

// now is the chart of the Map in use.
func (a *Atlas) now() *chart {
	m := a.current()
	c := a.chart.Load()
	for c == nil || c.m != m {
		if a.chart.CompareAndSwap(c, newChart(m)) {
			return a.chart.Load()
		}
		c = a.chart.Load()
	}
	return c
}

// chart is what is known of the classes of one Map.
type chart struct {
	m       *geo.Map // nil: there is one class, of which has tells
	classes int
	has     func(geo.Class, geo.Selector) bool
	nearest func(candidate) string // for those who are only supposed to be somewhere; else nil

	mutex      sync.Mutex
	truths     map[string]truth
	partitions map[string]*partition
}

// maxPartitions bounds how many groupings are remembered. Zones use few; sites that come
// and go make more of them, of which only the latest are of use.
const maxPartitions = 4096

func newChart(m *geo.Map) *chart {
	c := &chart{m: m, classes: 1, has: func(geo.Class, geo.Selector) bool { return false }, truths: map[string]truth{}, partitions: map[string]*partition{}}
	if m != nil {
		c.classes, c.has = m.Classes(), m.Has
	}
	return c
}

// truth tells of which classes something is true, a bit each.
type truth []uint64

func (t truth) of(c geo.Class) bool { return t[c/64]>>(c%64)&1 != 0 }

// truth is for which classes a condition holds that says nothing of views.
func (c *chart) truth(when overlay.Condition) truth {
	key := when.String()
	c.mutex.Lock()
	defer c.mutex.Unlock()
	t, known := c.truths[key]
	if !known {
		t = make(truth, c.classes/64+1)
		for class := range geo.Class(c.classes) {
			if when.Holds(func(s geo.Selector) bool { return c.has(class, s) }) {
				t[class/64] |= 1 << (class % 64)
			}
		}
		c.truths[key] = t
	}
	return t
}

// partition is one way to group all classes. Names whose answers are different but
// differ for the same clients have the same.
type partition struct {
	groups string           // the group of each class in two octets, the first group first
	equal  *geo.Equivalence // nil without a Map
}

func (p *partition) group(c geo.Class) int {
	return int(p.groups[2*c])<<8 | int(p.groups[2*c+1])
}

// partition is the grouping in which each class is of that group. Groups must be numbered
// in the order in which they first occur. It is nil when there is only one.
func (c *chart) partition(groups []uint16) *partition {
	most := uint16(0)
	key := make([]byte, 0, 2*len(groups))
	for _, g := range groups {
		most = max(most, g)
		key = binary.BigEndian.AppendUint16(key, g)
	}
	if most == 0 {
		return nil
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	p, known := c.partitions[string(key)]
	if !known {
		if len(c.partitions) >= maxPartitions {
			clear(c.partitions)
		}
		p = &partition{groups: string(key)}
		if c.m != nil {
			p.equal = c.m.Equivalence(func(class geo.Class) uint32 { return uint32(p.group(class)) })
		}
		c.partitions[p.groups] = p
	}
	return p
}

// locate is the group of the clients at a network, and the widest prefix around it in
// which all are of that group.
func (p *partition) locate(at netip.Prefix) (group int, around netip.Prefix) {
	if p.equal == nil {
		return p.group(0), at
	}
	class, around := p.equal.Locate(at)
	if around.IsValid() && around.Bits() == 0 {
		// All of one family are alike and those of the other are not. Whatever is
		// said to be for /0 is taken to be for both (RFC 7871 7.3.1).
		around = netip.PrefixFrom(at.Addr(), 1).Masked()
	}
	return p.group(class), around
}
