package config

import (
	"net/url"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/sextant-dns/sextant/lookup"
)

// Lifeline is what is done for names whose TLD is out of order.
type Lifeline struct {
	State string // folder for what is known of Zones; "": nothing outlives a restart
	Tell  bool   // clients hear by EDE when an answer is not by the parent's delegation
	Zones []LifelineZone

	Notify LifelineNotify

	// GraceDelegation is for how long a delegation of any zone may be used after it has
	// expired, while the zone above is silent; 0: not at all.
	GraceDelegation time.Duration
}

// LifelineZone is a zone that is protected.
type LifelineZone struct {
	Zone             lookup.Name
	Change, Withdraw Stance // when the parent gives another delegation, or none

	MaxHold                    time.Duration // how long a delegation is kept that nobody confirms
	ChangeDwell, WithdrawDwell time.Duration // how long a majority has to last that is followed
}

// Stance is what is done about a change that a majority of the parent's servers shows.
type Stance string

// The stances.
const (
	StanceHold   Stance = "hold"   // nothing, until the operator agrees
	StanceFollow Stance = "follow" // the same, once it has lasted
)

// LifelineNotify is who is told when a zone is in an emergency, and when it is over.
type LifelineNotify struct {
	Webhook string   // URL to which JSON is posted; "": none
	Command []string // that is run, with JSON on its standard input; empty: none
}

func (l *Lifeline) keys() keys {
	return keys{
		"state":            value(&l.State, text(4096)),
		"tell":             value(&l.Tell, boolean),
		"zones":            list(&l.Zones, lifelineZone),
		"notify":           object(&l.Notify, l.Notify.keys()),
		"grace-delegation": value(&l.GraceDelegation, duration(0, 24*time.Hour)),
	}
}

func (n *LifelineNotify) keys() keys {
	return keys{
		"webhook": value(&n.Webhook, text(2048)),
		"command": values(&n.Command, text(4096)),
	}
}

// lifelineZone reads a name with what is to be done, or only a name.
func lifelineZone(z *LifelineZone) reader {
	z.Change, z.Withdraw = StanceHold, StanceHold
	z.MaxHold, z.ChangeDwell, z.WithdrawDwell = 7*24*time.Hour, 10*time.Minute, time.Hour
	return func(d *decoder, n ast.Node) {
		if _, alone := textOf(n); alone {
			value(&z.Zone, name)(d, n)
			return
		}
		object(z, z.keys(), "zone")(d, n)
	}
}

func (z *LifelineZone) keys() keys {
	return keys{
		"zone":           value(&z.Zone, name),
		"change":         value(&z.Change, oneOf(StanceHold, StanceFollow)),
		"withdraw":       value(&z.Withdraw, oneOf(StanceHold, StanceFollow)),
		"max-hold":       value(&z.MaxHold, duration(time.Hour, 90*24*time.Hour)),
		"change-dwell":   value(&z.ChangeDwell, duration(time.Minute, 7*24*time.Hour)),
		"withdraw-dwell": value(&z.WithdrawDwell, duration(10*time.Minute, 7*24*time.Hour)),
	}
}

// maxProtected is how many zones may be protected.
const maxProtected = 1000

// checkLifeline sees to it that a protected zone is found by delegations, since those
// are what is kept of it.
func (doc *document) checkLifeline(d *decoder) {
	l := &doc.Lifeline
	unique(d, l.Zones, func(z *LifelineZone) *lookup.Name { return &z.Zone })
	if len(l.Zones) > maxProtected {
		d.report(&l.Zones, "%d zones, expected at most %d", len(l.Zones), maxProtected)
	}
	for i := range l.Zones {
		z := &l.Zones[i]
		if z.Zone == lookup.Root {
			d.report(&z.Zone, "there is no zone above the root, expected resolver.local-root for that")
		}
		if z.Zone != "" {
			doc.checkFoundByDelegation(d, z)
		}
		for _, useless := range []struct {
			at     *time.Duration
			stance Stance
			key    string
		}{{&z.ChangeDwell, z.Change, "change"}, {&z.WithdrawDwell, z.Withdraw, "withdraw"}} {
			if useless.stance == StanceHold && d.given(useless.at) {
				d.report(useless.at, "says nothing while it is held, expected %s: follow beside it", useless.key)
			}
		}
	}
	l.Notify.check(d, len(l.Zones)+len(doc.Overrides) > 0 || doc.Control.Overrides != "")
}

func (doc *document) checkFoundByDelegation(d *decoder, z *LifelineZone) {
	var closest *Pinned
	for _, pinned := range [][]Pinned{doc.Forward, doc.Stub} {
		for i := range pinned {
			p := &pinned[i]
			if p.Name != "" && z.Zone.IsSubdomainOf(p.Name) && (closest == nil || p.Name.IsSubdomainOf(closest.Name)) {
				closest = p
			}
		}
	}
	if p := closest; p != nil && len(p.Servers) > 0 && (p.Forward || p.Name == z.Zone) {
		d.report(&z.Zone, "%s is found by the servers of %s, on line %d, and by no delegation, expected one or the other", z.Zone, p.Name, d.places[&p.Name].line)
		return
	}
	for i := range doc.Zones {
		if own := &doc.Zones[i]; own.Name != "" && z.Zone.IsSubdomainOf(own.Name) {
			d.report(&z.Zone, "%s is in our own zone %s, on line %d, and needs no delegation, expected one or the other", z.Zone, own.Name, d.places[&own.Name].line)
			return
		}
	}
}

func (n *LifelineNotify) check(d *decoder, anything bool) {
	notEmpty(d, &n.Command)
	if u, err := url.Parse(n.Webhook); n.Webhook != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		d.report(&n.Webhook, "%s is no URL of a web server, expected https://… or http://…", quote(n.Webhook))
	}
	for _, at := range []any{&n.Webhook, &n.Command} {
		if d.given(at) && !anything {
			d.report(at, "there is nothing to tell of, expected zones beside notify, or overrides")
		}
	}
}
