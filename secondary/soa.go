package secondary

import (
	"encoding/binary"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/zones"
)

// soa is what the SOA of a zone says to secondaries (RFC 1035 3.3.13).
type soa struct {
	serial                 uint32
	refresh, retry, expire time.Duration
}

// soaNumbers is the length of the five numbers at the end of SOA rdata.
const soaNumbers = 20

// newSOA reads SOA rdata, which has been found to be well-formed.
func newSOA(rdata string) soa {
	b := []byte(rdata[len(rdata)-soaNumbers:])
	number := func(i int) uint32 { return binary.BigEndian.Uint32(b[4*i:]) }
	seconds := func(i int) time.Duration { return time.Duration(number(i)) * time.Second }
	return soa{number(0), seconds(1), seconds(2), seconds(3)}
}

func soaOf(z *zones.Zone) soa { return newSOA(z.SOA().Data.First()) }

// lastGood is when a zone was last known to be good that a primary has now. A primary
// that is a secondary itself says what is left of the zone's time, which is not to begin
// anew with every server on the way; no more than the SOA allows (RFC 7314 4). A negative
// time is not known.
func (s soa) lastGood(now time.Time, left time.Duration) time.Time {
	if left < 0 || left > s.expire {
		return now
	}
	return now.Add(left - s.expire)
}

// sameSOA compares SOA rdata. What compression has done to the letter case of
// names makes no difference.
func sameSOA(a, b string) bool {
	for range 2 {
		x, n, err := lookup.NameFromWire(a)
		y, m, err2 := lookup.NameFromWire(b)
		if err != nil || err2 != nil || x != y {
			return false
		}
		a, b = a[n:], b[m:]
	}
	return a == b
}

// newer tells whether serial a comes after b (RFC 1982 3.2).
func newer(a, b uint32) bool { return int32(a-b) > 0 }
