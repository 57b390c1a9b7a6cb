package scenario

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sextant-dns/sextant/anchors"
	"github.com/sextant-dns/sextant/lookup"
)

// Clockwork is background work that is done when the story says that time has passed,
// at the end of that time and not at the moment when it was due, as testbound does: a
// story tells of months in which it expects one thing to happen once.
type Clockwork struct {
	Due  func() (next time.Time, ok bool) // ok is false when there is nothing to be done any more
	Poll func(context.Context)            // does what is due
	File func() string                    // what the work has come to: a file of trust anchors
}

// keeper makes the keeper of the story's trust anchors, which asks through ask. It is
// nil when nothing is validated.
func (s *setup) keeper(network *Network, ask lookup.Resolver) (*anchors.Keeper, *Clockwork, error) {
	v := &s.validation
	if !v.enabled() {
		return nil, nil, nil
	}
	store := &anchors.Recollection{}
	o := anchors.Options{
		Positive: v.positive, Negative: v.negative, Policy: v.believes(), Managed: v.managed, Store: store,
		Timing:   anchors.Timing{KeepMissing: 366 * 24 * time.Hour}, // Unbound's default
		Now:      network.now,
		Validity: v.validity(network),
		Float64:  func() float64 { return 0.5 },
		Report:   func(e anchors.Event) { network.journal.addf("trust anchors: %s", e) },
		Fetch:    anchors.FetchBy(ask),
	}
	if len(v.managed) == 0 {
		k, err := anchors.NewKeeper(o)
		return k, nil, err
	}
	if err := store.Save(v.state); err != nil {
		return nil, nil, err
	}
	k, err := anchors.NewKeeper(o)
	return k, &Clockwork{Due: k.Due, Poll: k.Poll, File: func() string {
		text, _, _ := store.Load()
		return text
	}}, err
}

// now is the time in the story, which begins in 1970.
func (n *Network) now() time.Time { return time.Unix(0, 0).UTC().Add(time.Since(n.journal.start)) }

// checkFile compares the file of trust anchors with the text of the step.
func (p *player) checkFile(step *Step) *failure {
	if p.system.Clockwork == nil || len(step.Args) != 1 || step.Args[0] != p.story.Anchors {
		return &failure{reason: fmt.Sprintf("%s: there is no such file", step)}
	}
	var want strings.Builder
	for line := range strings.Lines(step.Text) {
		expanded, err := p.macros.expand(line)
		if err != nil {
			return &failure{reason: fmt.Sprintf("%s: %v", step, err)}
		}
		want.WriteString(expanded)
	}
	file := p.system.Clockwork.File()
	expected, actual := essence(want.String()), essence(file)
	if slices.Equal(expected, actual) {
		return nil
	}
	details := "expected:\n" + want.String() + "actual:\n" + file
	for _, line := range expected {
		if !slices.Contains(actual, line) {
			return &failure{reason: fmt.Sprintf("%s: the file lacks %s", step, line), details: details}
		}
	}
	for _, line := range actual {
		if !slices.Contains(expected, line) {
			return &failure{reason: fmt.Sprintf("%s: the file has besides %s", step, line), details: details}
		}
	}
	return &failure{reason: fmt.Sprintf("%s: the file is in another order", step), details: details}
}

var (
	keyComment = regexp.MustCompile(`;\{id = (\d+)[^}]*\}`)
	failures   = regexp.MustCompile(`^;;query_failed: [1-9]\d*$`)
	ours       = regexp.MustCompile(` ?;;signers=[0-9,]+`)
)

// essence is what a file of trust anchors says, line by line: without comments for
// people, without what only we write, without the sizes of keys, and with the keys in
// a fixed order. How often a query was tried in vain is a matter of policy.
func essence(text string) []string {
	var head, keys []string
	for line := range strings.Lines(text) {
		line = strings.Join(strings.Fields(line), " ")
		switch {
		case strings.HasPrefix(line, ";;sextant"), strings.HasPrefix(line, ";;sha256"):
		case strings.HasPrefix(line, ";;"):
			head = append(head, failures.ReplaceAllString(line, ";;query_failed: some"))
		case line != "" && line[0] != ';':
			line = keyComment.ReplaceAllString(line, ";{id = $1}")
			keys = append(keys, ours.ReplaceAllString(line, ""))
		}
	}
	slices.Sort(keys)
	return append(head, keys...)
}

// poll lets the clockwork do what is due.
func (p *player) poll(step *Step) {
	if p.system.Clockwork == nil {
		return
	}
	done := make(chan struct{})
	p.clients.Go(func() {
		p.system.Clockwork.Poll(p.ctx)
		close(done)
		select {
		case p.network.arrived <- struct{}{}: // to be looked at now, and not at the end of our patience
		default:
		}
	})
	p.pass(patience, step.Number, func() bool {
		select {
		case <-done:
			return true
		default:
			return false
		}
	})
}

// timeout is how many seconds it takes until the clockwork has something to do; 0 when
// it never has.
func (p *player) timeout() float64 {
	if p.system.Clockwork == nil {
		return 0
	}
	next, ok := p.system.Clockwork.Due()
	if !ok {
		return 0
	}
	return float64(next.Unix()) - p.macros.now()
}
