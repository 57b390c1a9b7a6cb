package anchors

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// How long a negative anchor may last that comes at run time (RFC 7646 2), and how
// often it is looked whether it is still needed (RFC 7646 4).
const (
	DefaultNegative = time.Hour
	MaxNegative     = 7 * day
	recheckEvery    = 5 * time.Minute
)

// Why a negative anchor is not taken.
var (
	errTooLong  = fmt.Errorf("a negative trust anchor lasts at most %d days (RFC 7646 2)", MaxNegative/day)
	errNegative = errors.New("a negative trust anchor cannot end before it begins")
	errAll      = errors.New("a negative trust anchor at the root would switch validation off altogether")
)

// negative is a negative anchor that came at run time.
type negative struct {
	Negative
	checked time.Time // when the zone was last looked at; the zero Time: never
}

// due is when something is to be done about n.
func (n negative) due(rechecks bool) time.Time {
	if next := n.checked.Add(recheckEvery); rechecks && next.Before(n.Until) {
		return next
	}
	return n.Until
}

// AddNegative puts a negative anchor in force for so long, 0 meaning an hour; one that
// is there already gets a new end. It is taken away when it ends, or earlier when the
// zone validates again; the first look is five minutes away.
func (k *Keeper) AddNegative(zone lookup.Name, lasts time.Duration) error {
	switch {
	case zone == lookup.Root: // RFC 7646 2: for the purposes of one domain
		return errAll
	case lasts == 0:
		lasts = DefaultNegative
	case lasts < 0:
		return errNegative
	case lasts > MaxNegative:
		return errTooLong
	}
	now := k.options.Now()
	n := negative{Negative: Negative{Zone: zone, Until: now.Add(lasts).Truncate(time.Second).UTC()}, checked: now}
	k.mu.Lock()
	k.negative = slices.DeleteFunc(k.negative, func(old negative) bool { return old.Zone == zone })
	k.negative = append(k.negative, n)
	err := k.publish()
	k.mu.Unlock()
	if err != nil {
		return err
	}
	k.options.Report(Event{Kind: NegativeAdded, Zone: zone})
	k.save()
	select {
	case k.wake <- struct{}{}:
	default:
	}
	return nil
}

// RemoveNegative takes a negative anchor away; false when there is none that came
// at run time.
func (k *Keeper) RemoveNegative(zone lookup.Name) bool {
	return k.drop(zone, NegativeRemoved, func(negative) bool { return true })
}

// drop takes the negative anchor at zone away if it is the one that is meant.
func (k *Keeper) drop(zone lookup.Name, why EventKind, is func(negative) bool) bool {
	k.mu.Lock()
	before := len(k.negative)
	k.negative = slices.DeleteFunc(k.negative, func(n negative) bool { return n.Zone == zone && is(n) })
	dropped := len(k.negative) < before
	err := k.publish()
	k.mu.Unlock()
	if !dropped {
		return false
	}
	k.options.Report(Event{Kind: why, Zone: zone, Err: err})
	k.save()
	return true
}

// Negatives are the negative anchors that are in force, the configured ones first.
func (k *Keeper) Negatives() []Negative {
	configured, added := k.NegativesBySource()
	return append(configured, added...)
}

// NegativesBySource are the negative anchors that are in force: those that are
// configured, and those that came at run time, which RemoveNegative can take away.
func (k *Keeper) NegativesBySource() (configured, added []Negative) {
	now := k.options.Now()
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, n := range k.options.Negative {
		if !n.over(now) {
			configured = append(configured, n)
		}
	}
	for _, n := range k.negative {
		if !n.over(now) {
			added = append(added, n.Negative)
		}
	}
	return configured, added
}

// recheck drops negative anchors that have ended, or are not needed any more.
func (k *Keeper) recheck(ctx context.Context) {
	k.mu.Lock()
	all := slices.Clone(k.negative)
	k.mu.Unlock()
	for _, n := range all {
		now := k.options.Now()
		same := func(other negative) bool { return other.Until.Equal(n.Until) } // nobody has prolonged it meanwhile
		switch {
		case ctx.Err() != nil:
			return
		case n.over(now):
			k.drop(n.Zone, NegativeOver, same)
		case k.options.Validates == nil || n.due(true).After(now):
		case k.options.Validates(ctx, n.Zone, k.Set().Without(n.Zone)):
			k.drop(n.Zone, NegativeHealed, same)
		default:
			k.checked(n.Zone, now)
		}
	}
}

// checked notes that a zone was looked at and still does not validate.
func (k *Keeper) checked(zone lookup.Name, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := range k.negative {
		if k.negative[i].Zone == zone {
			k.negative[i].checked = now
		}
	}
}
