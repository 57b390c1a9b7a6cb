package dnssec

import (
	"container/list"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// Ranges remembers verified denials, so that questions whose answer follows from
// them need not be sent (RFC 8198). It is safe for concurrent use. The number of
// records is bounded; when it is reached, those go first that were of no use since
// they came or since their last respite.
type Ranges struct {
	max    int
	policy Policy

	mu    sync.RWMutex
	zones map[lookup.Name]*zoneRanges
	queue *list.List // of *held; the front is the next to go
}

// zoneRanges is what is known of one zone.
type zoneRanges struct {
	name   lookup.Name
	soa    *held // never in the queue; nil until it was seen
	nsec   chain
	nsec3  chain
	params nsec3Params // of nsec3
	turn   int         // which record goes next when the zone has too many
}

// held is a record and when it ends.
type held struct {
	set       lookup.RRset
	expires   time.Time
	key, next string // the gap, in terms that sort as the zone's chain does
	nsec      nsec
	nsec3     nsec3
	params    nsec3Params
	zone      *zoneRanges
	place     *list.Element
	used      atomic.Bool
}

// NewRanges makes an empty store for at most that many NSEC and NSEC3 RRs (0 stands
// for 16384), of which a single zone gets a quarter. Of the policy, MaxIterations
// counts.
func NewRanges(records int, p Policy) *Ranges {
	if records <= 0 {
		records = 16384
	}
	return &Ranges{max: max(records, 4), policy: p, zones: map[lookup.Name]*zoneRanges{}, queue: list.New()}
}

// Len is how many NSEC and NSEC3 RRs are held.
func (r *Ranges) Len() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.queue.Len()
}

// Add takes what is of use out of sets: the SOA, NSEC and NSEC3 RRsets of zone, which
// Verify has found Secure with that zone's keys, with the RRSIGs that were verified
// and a TTL that was lowered to Result.TTL. The signer's zone is the key: no zone
// denies what is another's (RFC 8198 5.1). Opt-out records, records that cover
// nothing but their own name (RFC 4470, RFC 9824) and those that the Denial of a
// response would leave out are passed over. Where new records contradict old ones,
// the old ones go.
func (r *Ranges) Add(zone lookup.Name, sets []lookup.RRset, now time.Time) {
	var soa *held
	var fresh []*held
	for _, s := range sets {
		h := &held{set: s, expires: now.Add(time.Duration(s.TTL) * time.Second)}
		switch {
		case s.TTL == 0:
		case s.Type == lookup.TypeSOA && s.Name == zone:
			soa = h
		case s.Type == lookup.TypeNSEC:
			n, ok := parseNSEC(zone, s)
			if ok && n.next != "\x01\x00"+n.owner {
				h.nsec, h.key, h.next = n, sortKey(n.owner), sortKey(n.next)
				fresh = append(fresh, h)
			}
		case s.Type == lookup.TypeNSEC3:
			n, p, ok := parseNSEC3(zone, s)
			if ok && !n.optOut && p.iterations <= r.policy.maxIterations() && n.owner.successor() != n.next {
				h.nsec3, h.key, h.next, h.params = n, string(n.owner[:]), string(n.next[:]), p
				fresh = append(fresh, h)
			}
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	z := r.zones[zone]
	if z == nil {
		if len(fresh) == 0 {
			return
		}
		z = &zoneRanges{name: zone}
	}
	if soa != nil {
		z.soa = soa
	}
	for _, h := range fresh {
		r.insert(z, h)
	}
}

// Forget drops what is known of zone.
func (r *Ranges) Forget(zone lookup.Name) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if z := r.zones[zone]; z != nil {
		r.clear(&z.nsec)
		r.clear(&z.nsec3)
		delete(r.zones, zone)
	}
}

func (r *Ranges) clear(c *chain) {
	for _, h := range *c {
		r.queue.Remove(h.place)
	}
	*c = nil
}

// insert puts h into its place and makes room for it.
func (r *Ranges) insert(z *zoneRanges, h *held) {
	r.zones[z.name] = z
	h.zone = z
	c := z.chainOf(h)
	if h.set.Type == lookup.TypeNSEC3 && z.params != h.params { // the zone has hashed its names anew
		r.clear(c)
		z.params = h.params
	}
	c.drop(func(old *held) bool {
		// One of the two is out of date: h says that old's name is not there, or
		// old says so of h's.
		return old.key == h.key || h.covers(old.key) || old.covers(h.key)
	}, h.key, func(old *held) { r.queue.Remove(old.place) })
	c.insert(h)
	h.place = r.queue.PushBack(h)
	if n := len(z.nsec) + len(z.nsec3); n > r.max/4 {
		z.turn++
		if i := z.turn % n; i < len(z.nsec) {
			r.remove(z.nsec[i])
		} else {
			r.remove(z.nsec3[i-len(z.nsec)])
		}
	}
	for r.queue.Len() > r.max {
		oldest := r.queue.Front().Value.(*held)
		if oldest.used.Swap(false) { // a respite
			r.queue.MoveToBack(oldest.place)
			continue
		}
		r.remove(oldest)
	}
}

func (z *zoneRanges) chainOf(h *held) *chain {
	if h.set.Type == lookup.TypeNSEC3 {
		return &z.nsec3
	}
	return &z.nsec
}

// remove takes h out, and its zone when nothing else is left of it.
func (r *Ranges) remove(h *held) {
	z := h.zone
	c := z.chainOf(h)
	if i, found := c.search(h.key); found {
		c.delete(i)
	}
	r.queue.Remove(h.place)
	if len(z.nsec)+len(z.nsec3) == 0 {
		delete(r.zones, z.name)
	}
}
