package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sextant-dns/sextant/anchors"
	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
)

// anchorOptions are what a Keeper of these trust anchors is made of; how it reaches
// the zones is for others to say.
func anchorOptions(c config.DNSSEC) (anchors.Options, error) {
	o := anchors.Options{Policy: validationPolicy(c), Validity: validationClock(c)}
	now := time.Now
	if o.Validity != nil {
		now = o.Validity
	}
	if c.BuiltinAnchor {
		o.Positive = anchors.Root()
	}
	var wrong []error
	take := func(sets []lookup.RRset, err error) {
		o.Positive = append(o.Positive, sets...)
		wrong = append(wrong, err)
	}
	for i, text := range c.TrustAnchors {
		take(anchors.Read(fmt.Sprintf("dnssec.trust-anchors[%d]", i), text, now()))
	}
	for _, path := range c.TrustAnchorFiles {
		take(anchors.ReadFile(path, now()))
	}
	for _, n := range c.NegativeAnchors {
		o.Negative = append(o.Negative, anchors.Negative{Zone: n.Name, Until: n.Until})
	}
	if c.State != "" {
		o.Store, o.Managed = anchors.File(c.State), slices.Clone(c.Managed)
	}
	return o, errors.Join(wrong...)
}

// validationPolicy is what a validator puts up with.
func validationPolicy(c config.DNSSEC) dnssec.Policy {
	p := dnssec.Policy{SHA1: c.SHA1 == config.SHA1Accept, MaxIterations: c.MaxNSEC3Iterations, Skew: c.ClockSkew}
	// To the validator, 0 is its default and less is not at all.
	switch {
	case c.ClockSkew < 0:
		p.Skew = 0
	case c.ClockSkew == 0:
		p.Skew = -1
	}
	return p
}

// validationClock is the time by which signatures are valid; nil is the clock's.
func validationClock(c config.DNSSEC) func() time.Time {
	if c.Now.IsZero() {
		return nil
	}
	return func() time.Time { return c.Now }
}
