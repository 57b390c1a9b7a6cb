package lint

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/probe"
)

// Result is what came of a check.
type Result uint8

// Results, from the best to the worst.
const (
	OK      Result = iota
	Skipped        // it does not apply, or there is no name to ask for
	Note           // worth knowing, and no fault
	Warning        // not as an RFC recommends (SHOULD), or unwise
	Error          // not as an RFC demands (MUST)
)

// String is the result in a word.
func (r Result) String() string {
	return [...]string{"ok", "skipped", "note", "warning", "error"}[min(r, Error)]
}

// MarshalText is String.
func (r Result) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// A Check is one thing that was looked at.
type Check struct {
	ID     string   `json:"check"`
	RFC    string   `json:"rfc"` // the number and the section
	What   string   `json:"what"`
	Result Result   `json:"result"`
	Why    []string `json:"why,omitempty"`
}

// Report is all checks of a server, in the order in which they were made.
type Report struct {
	Instrument string  `json:"instrument"`
	Server     string  `json:"server"`
	Checks     []Check `json:"checks"`
}

// Worst is the worst result.
func (r *Report) Worst() (worst Result) {
	for _, c := range r.Checks {
		worst = max(worst, c.Result)
	}
	return worst
}

// Count is how many checks have a result.
func (r *Report) Count(of Result) (n int) {
	for _, c := range r.Checks {
		if c.Result == of {
			n++
		}
	}
	return n
}

// Find is the check with an ID.
func (r *Report) Find(id string) (Check, bool) {
	i := slices.IndexFunc(r.Checks, func(c Check) bool { return c.ID == id })
	if i < 0 {
		return Check{}, false
	}
	return r.Checks[i], true
}

// add adds a check, which is ok when there is nothing to complain of.
func (r *Report) add(id, rfc, what string, otherwise Result, complaints ...string) {
	c := Check{ID: id, RFC: rfc, What: what, Result: otherwise, Why: slices.Compact(complaints)}
	if len(complaints) == 0 {
		c.Result = OK
	}
	r.Checks = append(r.Checks, c)
}

// skip adds a check that was not made.
func (r *Report) skip(id, rfc, what, why string) { r.add(id, rfc, what, Skipped, why) }

// ErrSilent is the error of a report on a server that does not answer at all.
var ErrSilent = errors.New("the server does not answer")

// present sees whether anybody is there, and whether it speaks for the zone.
func present(ctx context.Context, c *probe.Client, zone string) (authoritative bool, err error) {
	m := new(dns.Msg).SetQuestion(dns.Fqdn(zone), dns.TypeSOA)
	m.RecursionDesired = false
	r, err := c.Ask(ctx, m)
	if err == nil {
		return r.Msg != nil && r.Msg.Authoritative, nil
	}
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	// Who answers nothing over UDP may do so over TCP.
	if r, errTCP := c.Exchange(ctx, m, true); errTCP == nil {
		return r.Msg != nil && r.Msg.Authoritative, nil
	}
	return false, fmt.Errorf("%w: %w", ErrSilent, err)
}

// rcode is the mnemonic of a reply's rcode.
func rcode(r *probe.Reply) string {
	switch n := r.Rcode(); {
	case n < 0:
		return "a reply that cannot be read"
	case n == dns.RcodeBadVers:
		return "BADVERS"
	default:
		return dns.RcodeToString[n]
	}
}
