package update

import (
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/zones"
)

// Update does an UPDATE and gives the response to it. When that is NOERROR the changes
// are on the disk and served. It waits for those that came before; what waits at the same
// time is done together.
func (z *Zone) Update(r Request) *lookup.Response {
	response := permit(r.Grants, r.From, r.Key, r.Message.Authority)
	if response == nil {
		response = z.wait(r)
	}
	if response.Rcode != lookup.NOERROR {
		z.options.Observe(Event{Kind: Refused, Zone: z.options.Apex, From: r.From, Key: r.Key, Response: response})
	}
	return response
}

// wait waits for r's turn, and is the one who works if nobody is.
func (z *Zone) wait(r Request) *lookup.Response {
	w := &waiting{Request: r}
	z.queue.Lock()
	full := len(z.waiting) >= maxWaiting
	if !full {
		z.waiting = append(z.waiting, w)
	}
	z.queue.Unlock()
	if full {
		return failed(lookup.EDENotReady, "too many updates wait")
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	if w.response == nil {
		z.queue.Lock()
		all := z.waiting
		z.waiting = nil
		z.queue.Unlock()
		z.work(all)
	}
	return w.response
}

// work does what waits, one after another, all in one draft: of many there is one new
// version of the zone to be made, and one write. z.mu is held.
func (z *Zone) work(all []*waiting) {
	if !z.opened {
		answer(all, failed(lookup.EDENotReady, "not ready for updates"))
		return
	}
	now := z.now.Load()
	whole, c := newDraft(now.zone), z.chain
	for _, w := range all {
		d, response := whole.try(w.Message)
		w.response, w.diff = response, zones.Difference{}
		if response.Rcode != lookup.NOERROR {
			continue
		}
		if diff, changed := d.difference(); changed {
			d.keep()
			c, w.diff = c.extended(diff), diff
		}
	}
	steps := c.steps[len(z.chain.steps):]
	if len(steps) == 0 {
		return
	}
	is, err := now.zone.With(whole.sets)
	switch {
	case err != nil && len(all) == 1:
		answer(all, impossible(err))
		return
	case err != nil: // it is one of them; the others must not suffer
		for i := range all {
			z.work(all[i : i+1])
		}
		return
	}
	if err := z.store(c, steps); err != nil {
		z.options.Observe(Event{Kind: Unstored, Zone: z.options.Apex, Serial: z.chain.last().serial, Err: err})
		answer(all, failed(lookup.EDEOther, "the change could not be stored"))
		return
	}
	z.set(c, is)
	_ = z.settle() // what counts is stored; what is wrong is told
	z.options.Use()
	for _, w := range all {
		if w.diff.To.Data != "" {
			z.options.Observe(Event{
				Kind: Updated, Zone: z.options.Apex, From: w.From, Key: w.Key, Serial: w.diff.To.Serial(),
				Deleted: len(w.diff.Deleted), Added: len(w.diff.Added),
			})
		}
	}
}

// store writes the steps that are new in the chain. z.mu is held.
func (z *Zone) store(c chain, steps []step) error {
	if z.dirty || z.journal.file == nil {
		return z.journal.rewrite(c)
	}
	return z.journal.append(steps)
}

func answer(all []*waiting, response *lookup.Response) {
	for _, w := range all {
		w.response = response
	}
}

func failed(code uint16, text string) *lookup.Response {
	return &lookup.Response{Rcode: lookup.SERVFAIL, EDE: []lookup.EDE{{Code: code, Text: text}}}
}
