package health

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Admin is what people have decided about a target.
type Admin uint8

// The values of Admin.
const (
	Auto       Admin = iota // the checks decide
	ForceUp                 // it is up, whatever the checks say
	ForceDown               // it is down
	ForceDrain              // it is for new answers only if there is nothing else
)

// String is the word for a.
func (a Admin) String() string { return [...]string{"auto", "up", "down", "drain"}[a] }

// ParseAdmin reads auto, up, down or drain.
func ParseAdmin(text string) (Admin, error) {
	for a := Auto; a <= ForceDrain; a++ {
		if strings.EqualFold(text, a.String()) {
			return a, nil
		}
	}
	return Auto, fmt.Errorf("%q; want auto, up, down or drain%s", text, suggest(text, "auto", "up", "down", "drain"))
}

// state is what a makes of what the checks say.
func (a Admin) state(checked State) State {
	return [...]State{checked, Up, Down, Drain}[a]
}

// place is what an operator speaks of: a site, or one address of it.
type place struct {
	site string
	addr netip.Addr // zero: all of them
}

// order is what an operator has said at run time.
type order struct {
	admin Admin
	until time.Time // zero: no end
}

// MaxAdmin is how long an order may last that has an end.
const MaxAdmin = 366 * 24 * time.Hour

// Force has the targets of a site, or those of one address of it when addr is valid, be
// what a says, for a time or, if lasts is 0, until Auto takes that away. It goes before
// what Target.State says; an order for an address goes before one for its site. Orders
// are forgotten when the program ends, and when the site is watched no more. It returns
// the number of targets that it is about; none is an error.
func (m *Monitor) Force(site string, addr netip.Addr, a Admin, lasts time.Duration) (n int, err error) {
	if lasts < 0 || lasts > MaxAdmin {
		return 0, fmt.Errorf("%s; want at most %s", lasts, MaxAdmin)
	}
	if a == Auto && lasts > 0 {
		return 0, errors.New("auto has no end: it takes away what was forced")
	}
	addr = addr.Unmap()
	m.update(func(now time.Time) {
		var about []*entry
		for _, e := range m.order {
			if e.target.Site == site && (!addr.IsValid() || e.target.Addr.Unmap() == addr) {
				about = append(about, e)
			}
		}
		if n = len(about); n == 0 {
			err = m.nowhere(site, addr)
			return
		}
		at := place{site, addr}
		if a == Auto {
			delete(m.orders, at)
		} else {
			o := order{admin: a}
			if lasts > 0 {
				o.until = now.Add(lasts)
			}
			m.orders[at] = o
		}
		m.publish(now, about...)
	})
	if err == nil {
		m.nudge() // there may be an end to wait for
	}
	return n, err
}

// nowhere is the error for a place where nothing is watched.
func (m *Monitor) nowhere(site string, addr netip.Addr) error {
	var sites []string
	for _, e := range m.order {
		if !slices.Contains(sites, e.target.Site) {
			sites = append(sites, e.target.Site)
		}
	}
	switch {
	case len(sites) == 0:
		return errors.New("no site is watched")
	case slices.Contains(sites, site):
		return fmt.Errorf("site %q has no address %s", site, addr)
	}
	return fmt.Errorf("there is no site %q%s", site, suggest(site, sites...))
}

// forced is what people say of e: at run time, else where it is written.
func (m *Monitor) forced(e *entry) order {
	for _, at := range [...]place{{e.target.Site, e.target.Addr.Unmap()}, {e.target.Site, netip.Addr{}}} {
		if o, ok := m.orders[at]; ok {
			return o
		}
	}
	return order{admin: e.written}
}

// expire takes away the orders whose end has come, and returns when the next one's
// does; zero: none has an end.
func (m *Monitor) expire(now time.Time) (next time.Time) {
	ended := false
	for at, o := range m.orders {
		switch {
		case o.until.IsZero():
		case !now.Before(o.until):
			delete(m.orders, at)
			ended = true
		case next.IsZero() || o.until.Before(next):
			next = o.until
		}
	}
	if ended {
		m.publish(now, m.order...)
	}
	return next
}

// abandon forgets the orders for what is watched no more.
func (m *Monitor) abandon() {
	for at := range m.orders {
		if !slices.ContainsFunc(m.order, func(e *entry) bool {
			return e.target.Site == at.site && (!at.addr.IsValid() || e.target.Addr.Unmap() == at.addr)
		}) {
			delete(m.orders, at)
		}
	}
}
