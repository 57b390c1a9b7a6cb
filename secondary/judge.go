package secondary

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

var (
	errNoDigest   = errors.New("the zone has no ZONEMD")
	errUnverified = fmt.Errorf("nobody here can check a ZONEMD: %w", errors.ErrUnsupported)
	errOutOfDate  = errors.New("out of date already")
)

// judge tells what is wrong with a copy that is new, and sets its limit. What every
// zone must have has been seen to.
func (c *Copy) judge(h *held) error {
	if err := c.digest(h); err != nil {
		return err
	}
	return h.limit(c.options.Now(), !c.options.Unvalidated)
}

// digest tells what is wrong with the ZONEMD (RFC 8976 4).
func (c *Copy) digest(h *held) error {
	if c.options.Digest == IgnoreDigest {
		return nil
	}
	_, there := lookup.Find(h.zone.At(h.zone.Apex()), h.zone.Apex(), lookup.TypeZONEMD)
	if !there {
		if c.options.Digest == RequireDigest {
			return errNoDigest
		}
		return nil
	}
	err := errUnverified
	if c.options.Verify != nil {
		err = c.options.Verify(h.zone.Apex(), h.zone.All())
	}
	if errors.Is(err, errors.ErrUnsupported) && c.options.Digest == CheckDigest {
		return nil // RFC 8976 4: as if there were none
	}
	return err
}

// limit sets until when h may be used, given when it was confirmed, and tells if
// that is over.
//
// A copy ends with the zone's own expire time (RFC 1034 4.3.5). One that is signed
// ends earlier: when no more than a quarter of the time is left for which the SOA is
// signed, which says that whoever signs has not been heard of for long; and in any
// case with the first signature at the apex. To those who validate it would be bogus
// after that, while the network has better data.
//
// Signatures count only where validated is set.
func (h *held) limit(now time.Time, validated bool) error {
	h.until, h.why = h.confirmed.Add(h.soa.expire), "no primary has confirmed it for as long as its SOA allows"
	if validated {
		h.limitBySignatures(now)
	}
	if !now.Before(h.until) {
		return fmt.Errorf("serial %d is %w: %s (%s)", h.soa.serial, errOutOfDate, h.why, h.until.UTC().Format(time.RFC3339))
	}
	return nil
}

func (h *held) limitBySignatures(now time.Time) {
	for _, s := range h.zone.At(h.zone.Apex()) {
		for sig := range s.Sigs.All() {
			begin, end, ok := validity(sig, now)
			if !ok {
				continue
			}
			if end.Before(h.until) {
				h.until, h.why = end, fmt.Sprintf("the signature of its %s ends", s.Type)
			}
			if late := end.Add(-end.Sub(begin) / 4); s.Type == lookup.TypeSOA && late.Before(h.until) {
				h.until, h.why = late, "the signature of its SOA is about to end"
			}
		}
	}
}

// validity is when the signature with that rdata begins and ceases to be valid: of
// the times that 32 bits can mean, those that are closest to now (RFC 4034 3.1.5).
func validity(rrsig string, now time.Time) (begin, end time.Time, ok bool) {
	if len(rrsig) < 18 {
		return begin, end, false
	}
	at := func(octets string) time.Time {
		seconds := int32(binary.BigEndian.Uint32([]byte(octets)) - uint32(now.Unix()))
		return time.Unix(now.Unix()+int64(seconds), 0)
	}
	end, begin = at(rrsig[8:12]), at(rrsig[12:16])
	return begin, end, begin.Before(end)
}
