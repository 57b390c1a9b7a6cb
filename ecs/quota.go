package ecs

import (
	"container/heap"
	"math"
	"net/netip"
	"sync"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// QuotaOptions bound what a cache keeps for networks. A zero field takes the
// default.
type QuotaOptions struct {
	Total   int // entries that are alive; default 50000
	Zone    int // of them, in one zone; default a quarter
	Client  int // of them, because of one client; default a quarter
	Tallies int // zones and clients of which books are kept; default 20000
}

// Quota counts the entries that a cache keeps for networks, by the zone that they
// are from and by the client who had them fetched: whoever floods a cache with
// networks fills its own share and nobody else's (RFC 7871 11.3). It is safe for
// concurrent use and reads no clock.
type Quota struct {
	options QuotaOptions
	mu      sync.Mutex
	total   expiries
	zones   map[lookup.Name]*expiries
	clients map[netip.Prefix]*expiries
}

// NewQuota is a Quota of which nothing has been used.
func NewQuota(o QuotaOptions) *Quota {
	if o.Total <= 0 {
		o.Total = 50_000
	}
	if o.Zone <= 0 {
		o.Zone = max(1, o.Total/4)
	}
	if o.Client <= 0 {
		o.Client = max(1, o.Total/4)
	}
	if o.Tallies <= 0 {
		o.Tallies = 20_000
	}
	return &Quota{options: o, zones: map[lookup.Name]*expiries{}, clients: map[netip.Prefix]*expiries{}}
}

// Admit tells whether an entry of zone that client had fetched may be kept until
// expires, and counts it if so. A client is an IPv4 address or the /56 of an IPv6
// one; the zero Addr is the program itself, which has no share of its own.
func (q *Quota) Admit(client netip.Addr, zone lookup.Name, expires, now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	at := now.Unix()
	ofZone := tally(q.zones, zone, q.options.Tallies, at)
	ofClient := &expiries{}
	if client.IsValid() {
		ofClient = tally(q.clients, Truncated(host(client), household(client)), q.options.Tallies, at)
	}
	if q.total.alive(at) >= q.options.Total || ofZone.alive(at) >= q.options.Zone || ofClient.alive(at) >= q.options.Client {
		return false
	}
	for _, e := range [...]*expiries{&q.total, ofZone, ofClient} {
		heap.Push(e, seconds(expires))
	}
	return true
}

// Alive is how many entries have been admitted and have not expired.
func (q *Quota) Alive(now time.Time) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.total.alive(now.Unix())
}

// household is how many bits of an address are taken for one client.
func household(client netip.Addr) int {
	if client.Unmap().Is4() {
		return 32
	}
	return 56
}

// maxLooked is how many books are looked into for one that can go.
const maxLooked = 8

// tally is the book of key, new if need be. In a full map one goes that has nothing
// left in it, if one can be found without much ado, or any other.
func tally[K comparable](books map[K]*expiries, key K, most int, now int64) *expiries {
	if book, ok := books[key]; ok {
		return book
	}
	if len(books) >= most {
		looked := 0
		for other, book := range books {
			if book.alive(now) == 0 {
				delete(books, other)
				break
			}
			if looked++; looked == maxLooked {
				break
			}
		}
		forgetOne(books, key, most)
	}
	books[key] = &expiries{}
	return books[key]
}

// expiries is a heap of the times at which entries expire, in seconds of Unix time;
// there are many of them.
type expiries []uint32

func (e *expiries) alive(now int64) int {
	for len(*e) > 0 && int64((*e)[0]) <= now {
		heap.Pop(e)
	}
	return len(*e)
}

func (e expiries) Len() int           { return len(e) }
func (e expiries) Less(i, j int) bool { return e[i] < e[j] }
func (e expiries) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }

// seconds is t in seconds of Unix time, or the last that there is room for, in 2106.
func seconds(t time.Time) uint32 { return uint32(min(max(t.Unix(), 0), math.MaxUint32)) }

// Push is for package heap.
func (e *expiries) Push(x any) { *e = append(*e, x.(uint32)) }

// Pop is for package heap.
func (e *expiries) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}
