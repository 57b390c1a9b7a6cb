package resolver

import "github.com/sextant-dns/sextant/lookup"

// RFC 9156 2.3: how many questions may be asked for the sake of showing less, and
// how many of these show one label more than the one before.
const (
	maxMinimised = 10
	oneByOne     = 4
)

// descent is the way from a zone cut down to a question: no server gets to see
// more of the name than it needs to refer us onwards (RFC 9156).
type descent struct {
	question lookup.Question
	shown    int         // labels of the name that the servers which are asked now may see
	taken    int         // questions for less than all
	denied   lookup.Name // the part that does not exist, they say
	bottom   int         // with so many labels there is nothing left to hide
}

// descend begins the descent to q. Without minimisation all is shown at once.
func (r *Resolver) descend(q lookup.Question, from *cut) *descent {
	d := &descent{question: q, bottom: q.Name.Labels()}
	if r.options.NoMinimise || from.forwards() { // a resolver gets to see it all in any case
		d.reveal()
	}
	d.enter(from)
	return d
}

// enter goes on below c.
func (d *descent) enter(c *cut) {
	if d.shown < d.bottom {
		d.shown = c.zone.Labels()
		d.step()
	}
}

// step shows more of the name: one label, or later as many as it takes to be
// through in time.
func (d *descent) step() {
	left, more := maxMinimised-d.taken, 1
	if d.taken >= oneByOne && left > 0 {
		more = max(1, (d.bottom-d.shown+left-1)/left)
	}
	d.shown += more
	if d.taken++; d.taken > maxMinimised || d.shown >= d.bottom {
		d.reveal()
	}
}

// retreat goes back to step after step, if it has not been tried yet, when v must
// be what the child says about a DS: a server of a zone further above may serve the
// child, too, but only the zone directly above knows its DS (RFC 4035 3.1.4.1).
func (d *descent) retreat(v verdict, at *cut) bool {
	q := d.question
	childs := v.kind == alias || v.kind == noData && v.soa.Name == q.Name
	if q.Type != lookup.TypeDS || !childs || d.taken > 0 {
		return false
	}
	d.shown = at.zone.Labels()
	d.step()
	return d.shown < d.bottom
}

// reveal goes to the end of the way.
func (d *descent) reveal() { d.shown = d.bottom }

// part is what may be asked now: the question itself, or the type A at a name
// above (RFC 9156 2.1).
func (d *descent) part() lookup.Question {
	if d.shown >= d.bottom {
		return d.question
	}
	return hopQuestion(d.question.Name.Suffix(d.shown), lookup.TypeA)
}

// heard takes what was said about a part that is not all. Names may well exist
// below one that is said not to, at servers that get empty non-terminals wrong, but then it is not worth
// while to hide them.
func (d *descent) heard(rcode lookup.Rcode) {
	if rcode != lookup.NOERROR {
		d.denied = d.part().Name
		d.reveal()
		return
	}
	d.step()
}
