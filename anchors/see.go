package anchors

import (
	"cmp"
	"slices"
	"time"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
)

const day = 24 * time.Hour

// Timing is how long things take in RFC 5011. The zero value is what it says.
type Timing struct {
	AddHoldDown    time.Duration // before a new key is trusted; default 30 days (RFC 5011 2.4.1)
	RemoveHoldDown time.Duration // before a revoked key is forgotten; default 30 days (RFC 5011 2.4.2)

	// KeepMissing is how long a key that is missing stays a trust anchor when there
	// is another. 0: for ever, which is what RFC 5011 2.2 says.
	KeepMissing time.Duration
}

func (t Timing) removeHoldDown() time.Duration { return cmp.Or(t.RemoveHoldDown, 30*day) }

// Sighting is a DNSKEY RRset as it was seen, and who has signed it.
type Sighting struct {
	Keys []dnssec.Key
	// Signed tells, for each of Keys, whether it has signed the RRset in a way that
	// can be checked and is valid now. Only those need be looked at that are trust
	// anchors of the Point, or were before they were revoked.
	Signed  []bool
	TTL     uint32    // the original TTL of the RRset (RFC 4034 3.1.4)
	Expires time.Time // when the first of the signatures ends; the zero Time: never
}

// See is what becomes of p by what was seen at now: the state table of RFC 5011 4.
// The events are in the order in which things happened. Next is the latest time for
// the next look.
//
// A set that no trust anchor has signed changes no state, with one exception: a key
// that says of itself that it is revoked is believed (RFC 5011 2.1).
func (p Point) See(s Sighting, now time.Time, t Timing, policy dnssec.Policy) (Point, []Event) {
	now = now.Truncate(time.Second).UTC()
	p.Keys = slices.Clone(p.Keys)
	w := &sight{Point: p, Sighting: s, now: now, timing: t, policy: policy}
	w.Queried = now
	w.mendClock()
	w.revoke()
	if w.Deleted() {
		w.Succeeded, w.Failed, w.Next = now, 0, time.Time{}
		w.event(PointDeleted, 0)
		return w.Point, w.events
	}
	signers := w.signers()
	if len(signers) == 0 {
		p, failed := w.fail(now)
		return p, append(w.events, failed)
	}
	w.Succeeded, w.Failed = now, 0
	w.Interval, w.Retry = intervals(s.TTL, s.Expires, now)
	w.Next = now.Add(w.Interval)
	w.replaceDS()
	w.present(signers)
	w.absent()
	w.replacePlain()
	return w.Point, w.events
}

// Miss is what becomes of p when no DNSKEY RRset could be had.
func (p Point) Miss(now time.Time) (Point, Event) { return p.fail(now.Truncate(time.Second).UTC()) }

func (p Point) fail(now time.Time) (Point, Event) {
	p.Failed++
	p.Next = now.Add(cmp.Or(p.Retry, time.Hour))
	return p, Event{Kind: ProbeFailed, Zone: p.Zone}
}

// intervals are the query interval and the retry time of RFC 5011 2.3.
func intervals(ttl uint32, expires, now time.Time) (query, retry time.Duration) {
	life, left := time.Duration(ttl)*time.Second, 100*365*day
	if !expires.IsZero() {
		left = max(0, expires.Sub(now))
	}
	// queryInterval = MAX(1 hr, MIN (15 days, 1/2*OrigTTL, 1/2*RRSigExpirationInterval))
	query = max(time.Hour, min(15*day, life/2, left/2))
	// retryTime = MAX (1 hour, MIN (1 day, .1 * origTTL, .1 * expireInterval))
	retry = max(time.Hour, min(day, life/10, left/10))
	return query.Truncate(time.Second), retry.Truncate(time.Second)
}

// sight is one run of the state table.
type sight struct {
	Point
	Sighting
	now    time.Time
	timing Timing
	policy dnssec.Policy
	events []Event
}

func (w *sight) event(kind EventKind, tag uint16) {
	w.events = append(w.events, Event{Kind: kind, Zone: w.Zone, Tag: tag})
}

// move brings a key to another state.
func (w *sight) move(i int, to State, kind EventKind) {
	k := &w.Point.Keys[i]
	k.State, k.Changed, k.Seen, k.Signers = to, w.now, 0, nil
	w.event(kind, k.ds(w.Zone).Tag)
}

// mendClock starts anew what began in the future: the clock has been set back, and
// no hold-down may be the shorter for it.
func (w *sight) mendClock() {
	for i := range w.Point.Keys {
		if k := &w.Point.Keys[i]; k.Changed.After(w.now) {
			k.Changed = w.now
		}
	}
}

// revoke obeys keys that are revoked and have signed the set themselves
// (RFC 5011 2.1): immediately and permanently.
func (w *sight) revoke() {
	for i, seen := range w.Sighting.Keys {
		if !seen.IsRevoked() || !seen.IsZone() || !w.Signed[i] {
			continue
		}
		for {
			j := w.find(seen.Rdata)
			if j < 0 || !w.Point.Keys[j].State.trusted() {
				break
			}
			k := &w.Point.Keys[j]
			k.Type, k.Rdata = lookup.TypeDNSKEY, seen.Rdata
			w.move(j, Revoked, KeyRevoked)
			// DS records that name the key have had their day, too.
			w.Point.Keys = slices.DeleteFunc(w.Point.Keys, func(k Key) bool {
				return k.Type == lookup.TypeDS && k.is(w.Zone, seen.Rdata)
			})
		}
	}
	// RFC 5011 2.2: when all keys that vouched for a new one are revoked, the new one
	// is as if it had not been seen.
	w.forget(func(k Key) bool {
		return k.State == AddPend && len(k.Signers) > 0 && !slices.ContainsFunc(k.Signers, w.trustsTag)
	})
}

// trustsTag tells whether a key with this tag is a trust anchor.
func (w *sight) trustsTag(tag uint16) bool {
	return slices.ContainsFunc(w.Point.Keys, func(k Key) bool { return k.State.trusted() && k.ds(w.Zone).Tag == tag })
}

// forget takes keys back to Start.
func (w *sight) forget(which func(Key) bool) {
	w.Point.Keys = slices.DeleteFunc(w.Point.Keys, func(k Key) bool {
		if !which(k) {
			return false
		}
		w.event(KeyDropped, k.ds(w.Zone).Tag)
		return true
	})
}

// signers are the tags of the trust anchors that have signed the set. Keys whose
// hold-down is over are not among them: they are trust anchors only after a set has
// been validated without them (RFC 5011 2.2).
func (w *sight) signers() (tags []uint16) {
	for i, seen := range w.Sighting.Keys {
		if seen.IsRevoked() || !seen.IsZone() || !w.Signed[i] {
			continue
		}
		if j := w.find(seen.Rdata); j >= 0 && w.Point.Keys[j].State.trusted() {
			tags = append(tags, seen.Tag)
		}
	}
	return tags
}

// replaceDS puts the keys that have been seen in the place of the DS records that
// name them.
func (w *sight) replaceDS() {
	for _, seen := range w.Sighting.Keys {
		if seen.IsRevoked() || !seen.IsZone() {
			continue
		}
		named := false
		w.Point.Keys = slices.DeleteFunc(w.Point.Keys, func(k Key) bool {
			is := k.Type == lookup.TypeDS && k.State.trusted() && k.is(w.Zone, seen.Rdata)
			named = named || is
			return is
		})
		if !named {
			continue
		}
		j := w.find(seen.Rdata)
		if j < 0 {
			j = len(w.Point.Keys)
			w.Point.Keys = append(w.Point.Keys, Key{Type: lookup.TypeDNSKEY, Rdata: seen.Rdata, TTL: w.TTL})
		}
		if !w.Point.Keys[j].State.trusted() {
			w.move(j, Valid, KeyTrusted)
		}
	}
}

// present deals with the keys of the set.
func (w *sight) present(signers []uint16) {
	for _, seen := range w.Sighting.Keys {
		if seen.IsRevoked() || !seen.IsZone() {
			continue
		}
		i := w.find(seen.Rdata)
		if i < 0 {
			if seen.Flags&dnssec.FlagSEP != 0 && seen.Fault() == "" && w.policy.Supports(seen.Algorithm) {
				w.Point.Keys = append(w.Point.Keys, Key{
					Type: lookup.TypeDNSKEY, Rdata: seen.Rdata, TTL: w.TTL,
					State: AddPend, Seen: 1, Changed: w.now, Signers: signers,
				})
				w.event(KeySeen, seen.Tag) // NewKey
			}
			continue
		}
		switch k := &w.Point.Keys[i]; k.State {
		case AddPend:
			k.Seen++
			if !w.now.Before(k.Changed.Add(w.timing.holdDown(*k))) {
				w.move(i, Valid, KeyTrusted) // AddTime
			}
		case Missing:
			w.move(i, Valid, KeyReturned) // KeyPres
		case Valid:
			if k.Changed.IsZero() {
				k.Changed = w.now // it was configured, and there it is
			}
		}
	}
}

// absent deals with the keys that the set does not have.
func (w *sight) absent() {
	there, published := map[string]bool{}, map[string]bool{}
	for _, seen := range w.Sighting.Keys {
		there[seen.Rdata], published[unrevoked(seen.Rdata)] = true, true
	}
	w.forget(func(k Key) bool { return k.State == AddPend && !there[k.Rdata] }) // KeyRem
	for i := range w.Point.Keys {
		k := &w.Point.Keys[i]
		since := w.now.Sub(k.Changed)
		switch {
		case k.State == Valid && k.isSEP() && !there[k.Rdata]:
			w.move(i, Missing, KeyMissing) // KeyRem
		case k.State == Missing && w.timing.KeepMissing > 0 && since >= w.timing.KeepMissing && w.hasValidSEP():
			w.move(i, Removed, KeyRemoved)
		case k.State == Revoked && published[k.plain()]:
			k.Changed = w.now // as long as it is there, with the REVOKE bit or without, it is not forgotten
		case k.State == Revoked && since >= w.timing.removeHoldDown():
			w.move(i, Removed, KeyRemoved) // RemTime
		}
	}
}

func (w *sight) hasValidSEP() bool {
	return slices.ContainsFunc(w.Point.Keys, func(k Key) bool { return k.State == Valid && k.isSEP() })
}

// replacePlain puts keys with the SEP bit in the place of configured ones that have
// it not. RFC 5011 cannot follow those when they are replaced, so the SEP keys of a
// set that they have signed take over at once: there may be no second chance.
func (w *sight) replacePlain() {
	plain := func(k Key) bool { return k.Type == lookup.TypeDNSKEY && k.State.trusted() && !k.isSEP() }
	if !slices.ContainsFunc(w.Point.Keys, plain) {
		return
	}
	if !slices.ContainsFunc(w.Point.Keys, func(k Key) bool { return k.State.trusted() && !plain(k) }) {
		for i, k := range w.Point.Keys {
			if k.State == AddPend {
				w.move(i, Valid, KeyTrusted)
			}
		}
	}
	if !w.hasValidSEP() {
		return
	}
	for i, k := range w.Point.Keys {
		if plain(k) {
			w.move(i, Removed, KeyRemoved)
		}
	}
}
