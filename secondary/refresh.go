package secondary

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/zones"
)

// maxBlind is the longest time between attempts to get a first copy: no SOA has
// said yet how often to try.
const maxBlind = 15 * time.Minute

var (
	errNobody = errors.New("there is no primary to ask")
	errBehind = errors.New("it is behind what we have")
	errNoSOA  = errors.New("the reply has no SOA of the zone")
)

// refresh does what is due and tells how long to wait for the next time.
func (c *Copy) refresh(ctx context.Context) time.Duration {
	if c.options.File != "" {
		if err := c.reread(); err != nil {
			c.failed(err)
		}
		return c.options.MinWait
	}
	over, ok := c.options.Turn(ctx)
	if !ok {
		return 0
	}
	defer over()
	err := errNobody
	if from := c.notice.Swap(nil); from != nil {
		for i, primary := range c.options.Primaries {
			if primary.Addr() == *from {
				c.helped = i
			}
		}
	}
	for i := range c.options.Primaries {
		n := (c.helped + i) % len(c.options.Primaries)
		primary := c.options.Primaries[n]
		failure := c.consult(ctx, primary)
		if failure == nil {
			c.helped, c.blind = n, 0
			return c.within(c.held.Load().soa.refresh) // RFC 1034 4.3.5
		}
		if ctx.Err() != nil {
			return 0
		}
		failure = fmt.Errorf("%s: %w", primary, failure)
		if i == 0 {
			err = failure
		} else {
			err = errors.Join(err, failure)
		}
	}
	c.failed(err)
	if h := c.held.Load(); h != nil {
		return c.within(h.soa.retry)
	}
	c.blind = min(max(2*c.blind, c.options.MinWait), max(maxBlind, c.options.MinWait))
	return c.within(c.blind)
}

// within is wait in the bounds, and a little less than that, so that not all
// secondaries of a zone come at once.
func (c *Copy) within(wait time.Duration) time.Duration {
	wait = min(max(wait, c.options.MinWait), c.options.MaxWait)
	return wait - time.Duration(c.options.IntN(int(wait/10)+1))
}

// consult finds out whether a primary has something new, and gets it. Without an
// error there is a copy, and it is good.
func (c *Copy) consult(ctx context.Context, primary netip.AddrPort) error {
	ctx, cancel := context.WithTimeout(ctx, c.options.MaxTime)
	defer cancel()
	have, now := c.held.Load(), c.options.Now()
	serial, good, err := c.serial(ctx, primary)
	if code, ok := errors.AsType[rcodeError](err); ok && lookup.Rcode(code) == lookup.FORMERR && !c.plain[primary] {
		c.plain[primary] = true // RFC 6891 7: it does not know EDNS
		serial, good, err = c.serial(ctx, primary)
	}
	switch {
	case err != nil:
		return err
	case have == nil:
	case serial == have.soa.serial:
		at := have.soa.lastGood(now, good)
		if good >= 0 && at.Before(have.confirmed) {
			at = have.confirmed // RFC 7314 4: the later of the two
		}
		return c.confirm(*have, at)
	case !newer(serial, have.soa.serial) && now.Before(have.until):
		return errBehind // RFC 1982; what has expired is not held against anybody
	}
	if have != nil && newer(serial, have.soa.serial) {
		if c.transfer(ctx, primary, have) == nil {
			return nil
		}
	}
	return c.transfer(ctx, primary, nil)
}

// serial asks for the SOA, and for how long the zone is good, which is negative when it is
// not told.
func (c *Copy) serial(ctx context.Context, primary netip.AddrPort) (serial uint32, good time.Duration, err error) {
	s, err := c.ask(ctx, primary, lookup.TypeSOA, "")
	if err != nil {
		return 0, 0, err
	}
	defer s.close()
	m, _, err := s.next()
	if err != nil {
		return 0, 0, err
	}
	for _, r := range m.Answer {
		if r.Type == lookup.TypeSOA && r.Name == c.options.Zone && r.Class == lookup.ClassIN {
			return newSOA(r.Data).serial, s.good, nil
		}
	}
	return 0, 0, errNoSOA
}

// confirm notes that what we have was good at that time.
func (c *Copy) confirm(h held, at time.Time) error {
	h.confirmed = at
	if err := h.limit(c.options.Now(), !c.options.Unvalidated); err != nil {
		return err
	}
	c.use(&h, Event{Kind: Confirmed})
	c.touch(h.confirmed)
	return nil
}

// transfer gets the zone, or only what has changed since have, and takes it into
// use when it is good.
func (c *Copy) transfer(ctx context.Context, primary netip.AddrPort, have *held) error {
	start := c.options.Now()
	came, err := c.receive(ctx, primary, have)
	if err != nil {
		return err
	}
	zone, err := zones.New(c.options.Zone, came.records, primary.String())
	if err != nil {
		return err
	}
	h := &held{zone: zone, soa: soaOf(zone), source: primary.String()}
	h.confirmed = h.soa.lastGood(start, came.good)
	if err := c.judge(h); err != nil {
		return err
	}
	c.use(h, Event{Kind: Transferred, Incremental: came.incremental, Took: c.options.Now().Sub(start)})
	c.store(h)
	return nil
}

// received is what has come of a transfer.
type received struct {
	records     []zones.Record
	incremental bool          // only changes came
	good        time.Duration // for how long the primary says that it is; negative: it does not
}

// receive gets the records of the zone.
func (c *Copy) receive(ctx context.Context, primary netip.AddrPort, have *held) (came received, err error) {
	r := receiver{zone: c.options.Zone, left: c.options.MaxOctets}
	t, known := lookup.TypeAXFR, ""
	if have != nil {
		r.asked, r.have = true, have.soa.serial
		t, known = lookup.TypeIXFR, have.zone.SOA().Data.First()
	}
	s, err := c.ask(ctx, primary, t, known)
	if err != nil {
		return came, err
	}
	defer s.close()
	if err := r.run(s); err != nil {
		return came, err
	}
	came.good = s.good
	if r.changes == nil {
		came.records = r.records // RFC 1995 4: the answer to IXFR may be all of the zone
		return came, nil
	}
	came.incremental = true
	came.records, err = apply(have.zone, r.changes)
	return came, err
}

// run reads messages until the transfer is complete.
func (r *receiver) run(s *session) error {
	for r.stage != complete {
		m, octets, err := s.next()
		if err != nil {
			return err
		}
		if err := r.message(m, octets); err != nil {
			return err
		}
	}
	return s.done()
}
