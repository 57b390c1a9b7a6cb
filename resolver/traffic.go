package resolver

import (
	"sync"

	"github.com/sextant-dns/sextant/lookup"
)

// traffic is how many questions are being put to the servers of each zone. It is
// bounded, so that names without number in a zone whose servers do not answer
// (water torture, 2014) neither take all places here nor keep those servers from
// coming back. Half of the places are for those in haste alone: they ask servers that
// have replied the last time, so nobody who asks for what some servers do not answer
// can keep others from what the rest of them do. It is safe for concurrent use.
type traffic struct {
	most int // for one zone; below 0: any number
	mu   sync.Mutex
	in   map[lookup.Name]int
}

// enter tells whether one more question may be put to a server of c. The root and
// top-level domains, through which all names lead, and configured zones take any
// number.
func (tr *traffic) enter(c *cut) (ok bool) {
	if tr.exempt(c) {
		return true
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if tr.in[c.zone] >= tr.most {
		return false
	}
	tr.in[c.zone]++
	return true
}

// dense tells whether only those in haste may enter.
func (tr *traffic) dense(c *cut) bool {
	if tr.exempt(c) {
		return false
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.in[c.zone] >= (tr.most+1)/2
}

// leave takes back one that entered.
func (tr *traffic) leave(c *cut) {
	if tr.exempt(c) {
		return
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if tr.in[c.zone]--; tr.in[c.zone] == 0 {
		delete(tr.in, c.zone)
	}
}

func (tr *traffic) exempt(c *cut) bool { return tr.most < 0 || c.pinned || c.zone.Labels() <= 1 }
