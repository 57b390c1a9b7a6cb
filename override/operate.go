package override

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// DefaultFor is how long an override that an operator has added lasts unless it is said.
const DefaultFor = 24 * time.Hour

// maxAdded is how many overrides operators may add.
const maxAdded = 1000

// Add puts an override in force, in the place of the one that an operator has added for
// the same zone and the same When, and before all that are configured for it. It outlives
// the program when there is a state file. lasts is for how long; 0 is for good. The error
// says why nothing has changed.
func (s *Set) Add(o Override, by string, lasts time.Duration) error {
	if lasts < 0 {
		return errors.New("an override cannot end before it begins")
	}
	if err := o.Check(); err != nil {
		return err
	}
	now := s.o.Now()
	e := &entry{o: o, by: by, since: now}
	if lasts > 0 {
		e.until = now.Add(lasts)
	}
	var err error
	if e.source, err = s.make(o); err != nil {
		return err
	}
	events := []Event{{Kind: Added, Override: o, By: by, Until: e.until}}
	s.mu.Lock()
	if err := s.addable(o); err != nil {
		s.mu.Unlock()
		return err
	}
	s.added = slices.Clone(s.added)
	if i := s.find(o.Zone, o.When); i >= 0 {
		s.added[i] = e
	} else {
		s.added = append(s.added, e)
	}
	s.settle()
	s.save(&events)
	s.mu.Unlock()
	s.observe(events...)
	return nil
}

// addable tells why an override cannot be beside those that there are. s.mu is held.
func (s *Set) addable(o Override) error {
	if len(s.added) >= maxAdded && s.find(o.Zone, o.When) < 0 {
		return fmt.Errorf("there are %d overrides already", len(s.added))
	}
	for _, e := range slices.Concat(s.added, s.configured) {
		if o.Kind != Mirror || e.o.Kind != Mirror || !o.meets(e.o) || o.When == Outage || e.o.When == Outage || e.o.Zone == o.Zone {
			continue
		}
		if o.Mirror.IsSubdomainOf(e.o.Zone) || e.o.Mirror.IsSubdomainOf(o.Zone) {
			return fmt.Errorf("%s would be a mirror of %s, and %s is one of %s: nobody mirrors a mirror", o.Zone, o.Mirror, e.o.Zone, e.o.Mirror)
		}
	}
	return nil
}

// Remove takes away what operators have added for a zone: the override for that time, or
// all of them when it is "". The error says that there is none.
func (s *Set) Remove(zone lookup.Name, when When, by string) (removed []Override, err error) {
	var events []Event
	s.mu.Lock()
	kept := slices.DeleteFunc(slices.Clone(s.added), func(e *entry) bool {
		gone := e.o.Zone == zone && (when == "" || e.o.When == when)
		if gone {
			removed = append(removed, e.o)
			events = append(events, Event{Kind: Removed, Override: e.o, By: by})
		}
		return gone
	})
	if len(removed) == 0 {
		defer s.mu.Unlock()
		if slices.ContainsFunc(s.configured, func(e *entry) bool { return e.o.Zone == zone }) {
			return nil, fmt.Errorf("the override of %s is configured: take it out of overrides and reload", zone)
		}
		return nil, fmt.Errorf("there is no override of %s", zone)
	}
	s.added = kept
	s.settle()
	s.save(&events)
	s.mu.Unlock()
	s.observe(events...)
	return removed, nil
}

// SwitchOn has the manual overrides of a zone count, for lasts or, if that is 0, until
// SwitchOff.
func (s *Set) SwitchOn(zone lookup.Name, by string, lasts time.Duration) error {
	if lasts < 0 {
		return errors.New("it cannot end before it begins")
	}
	now := s.o.Now()
	on := Switch{Zone: zone, By: by, Since: now}
	if lasts > 0 {
		on.Until = now.Add(lasts)
	}
	s.mu.Lock()
	if !slices.ContainsFunc(slices.Concat(s.added, s.configured), func(e *entry) bool { return e.o.Zone == zone && e.o.When == Manual }) {
		s.mu.Unlock()
		return fmt.Errorf("there is no override of %s that can be switched: want one with when: manual", zone)
	}
	s.switches = append(without(s.switches, zone), on)
	events := []Event{{Kind: SwitchedOn, Override: Override{Zone: zone, When: Manual}, By: by, Until: on.Until}}
	s.settle()
	s.save(&events)
	s.mu.Unlock()
	s.observe(events...)
	return nil
}

// SwitchOff ends what SwitchOn has begun.
func (s *Set) SwitchOff(zone lookup.Name, by string) error {
	s.mu.Lock()
	if s.switchOf(zone) == nil {
		s.mu.Unlock()
		return fmt.Errorf("no override of %s is switched on", zone)
	}
	s.switches = without(s.switches, zone)
	events := []Event{{Kind: SwitchedOff, Override: Override{Zone: zone, When: Manual}, By: by}}
	s.settle()
	s.save(&events)
	s.mu.Unlock()
	s.observe(events...)
	return nil
}

func without(all []Switch, zone lookup.Name) []Switch {
	return slices.DeleteFunc(slices.Clone(all), func(w Switch) bool { return w.Zone == zone })
}
