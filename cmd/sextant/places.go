package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/control"
	"github.com/sextant-dns/sextant/geo"
	"github.com/sextant-dns/sextant/health"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/metrics"
	"github.com/sextant-dns/sextant/overlay"
	"github.com/sextant-dns/sextant/tailor"
	"github.com/sextant-dns/sextant/zones"
)

// places is what parts have for answers by location, beside what a state has of it.
type places struct {
	changed chan struct{} // there is another Watcher
	tally   *tailor.Tally
	zones   map[tailoring]*tailor.Zone // as they are served; guarded by parts.mutable

	mu       sync.Mutex
	accepted uint64 // Maps of files that have changed
	refused  uint64
	wrong    string // why the last was refused; "": it was not
}

// tailoring is what a tailor.Zone is made of.
type tailoring struct {
	view    string
	base    *zones.Zone
	overlay *overlay.Overlay
	atlas   *tailor.Atlas
}

func newPlaces() *places {
	return &places{changed: make(chan struct{}, 1), tally: tailor.NewTally(0), zones: map[tailoring]*tailor.Zone{}}
}

// locate compiles what the overlays of l have to know of places, beside what is in use,
// and judges what they expect. When they have to know what the state before has known its
// Watcher stays, and with it the Map before the present one.
func (p *parts) locate(l *located, files map[lookup.Name]*zones.Zone) error {
	if len(l.overlays) == 0 {
		return nil
	}
	if was := p.state.Load(); was != nil && was.located.watcher != nil && reflect.DeepEqual(was.located.watch, l.watch) {
		l.watcher, l.atlas = was.located.watcher, was.located.atlas
	} else {
		options := l.watch
		options.Accept, options.Report = p.accept, p.reportMap
		w, err := geo.NewWatcher(options)
		if err != nil {
			return fmt.Errorf("geo: %w", err)
		}
		l.watcher, l.atlas = w, tailor.NewAtlas(w.Map)
	}
	return l.judge(files, l.watcher.Map())
}

// judge says which expectations of overlays do not hold under a Map.
func (l *located) judge(bases map[lookup.Name]*zones.Zone, m *geo.Map) error {
	var wrong []error
	for _, name := range slices.SortedFunc(maps.Keys(l.overlays), lookup.Name.Compare) {
		if base := bases[name]; base != nil && !base.Absent() {
			for _, problem := range tailor.Judge(base, l.overlays[name], m) {
				wrong = append(wrong, fmt.Errorf("zone %s: %w", name, problem))
			}
		}
	}
	return errors.Join(wrong...)
}

// accept is a Watcher's Accept: what is expected must hold of the zones as they are served.
func (p *parts) accept(m *geo.Map) error {
	bases := map[lookup.Name]*zones.Zone{}
	for name, good := range *p.good.Load() {
		bases[name] = good.data
	}
	return p.state.Load().located.judge(bases, m)
}

// reportMap is a Watcher's Report.
func (p *parts) reportMap(err error) {
	p.places.mu.Lock()
	if p.places.wrong = ""; err == nil {
		p.places.accepted++
	} else {
		p.places.refused++
		p.places.wrong = err.Error()
	}
	p.places.mu.Unlock()
	if err != nil {
		p.log.Error("geo: the files have changed, and are refused; the places stay as they were", "error", err)
		return
	}
	p.server.Flush()
	p.log.Info("geo: the files have changed, and are in use")
}

// watch keeps what is known of places up to date with its files until ctx ends.
func (p *parts) watch(ctx context.Context) error {
	for ctx.Err() == nil {
		inner, stop := context.WithCancel(ctx)
		var group sync.WaitGroup
		if w := p.state.Load().located.watcher; w != nil {
			group.Go(func() { _ = w.Run(inner) }) // which is that inner has ended
		}
		select {
		case <-ctx.Done():
		case <-p.places.changed:
		}
		stop()
		group.Wait()
	}
	return nil
}

// relocate has the checks and the files be those of another state.
func (p *parts) relocate(s *state) {
	var targets []health.Target
	for _, name := range slices.SortedFunc(maps.Keys(s.located.sites), lookup.Name.Compare) {
		targets = append(targets, s.located.sites[name].order...)
	}
	p.health.Watch(targets)
	select {
	case p.places.changed <- struct{}{}:
	default: // it has been told, and has not looked yet
	}
}

// tailor makes the zones whose answers depend on who asks, as a view has them. Those that
// are the same as before stay, with all that has been decided. p.mutable is held; used
// notes which zones there are.
func (p *parts) tailor(s *state, view string, own []*zones.Zone, used map[tailoring]*tailor.Zone) map[lookup.Name]*tailor.Zone {
	var all map[lookup.Name]*tailor.Zone
	for _, base := range own {
		o := s.located.overlays[base.Apex()]
		if o == nil || base.Absent() {
			continue
		}
		key := tailoring{view, base, o, s.located.atlas}
		z := p.places.zones[key]
		if z == nil {
			z = tailor.New(base, o, tailor.Options{
				View: view, Atlas: key.atlas, Tally: p.places.tally,
				Health: siteHealth{s.located.sites[base.Apex()], p.health},
			})
		}
		used[key] = z
		if all == nil {
			all = map[lookup.Name]*tailor.Zone{}
		}
		all[base.Apex()] = z
	}
	return all
}

// leadsOut tells whether the overlay of a zone that the view has may lead out of our zones.
func leadsOut(l located, v config.View) bool {
	return slices.ContainsFunc(v.Zones, func(name lookup.Name) bool {
		o := l.overlays[name]
		return o != nil && len(o.Aliases) > 0
	})
}

// geoStatus tells operators what is known of places.
func (p *parts) geoStatus(context.Context, control.GeoRequest) (control.Geo, error) {
	told := control.Geo{}
	p.places.mu.Lock()
	told.Accepted, told.Refused, told.Reason = p.places.accepted, p.places.refused, p.places.wrong
	p.places.mu.Unlock()
	if w := p.state.Load().located.watcher; w != nil {
		size := w.Map().Size()
		told.Used, told.Compiled, told.Selectors, told.Classes = true, w.Compiled(), size.Selectors, size.Classes
		told.Nodes, told.Bytes = size.Branches+size.Chains, size.Bytes
	}
	return told, nil
}

// rollbackGeo has the Map before the present one be used.
func (p *parts) rollbackGeo(ctx context.Context, _ control.RollbackGeoRequest) (control.Geo, error) {
	w := p.state.Load().located.watcher
	if w == nil {
		return control.Geo{}, errors.New("no zone answers by location")
	}
	if !w.Rollback() {
		return control.Geo{}, errors.New("there is nothing to go back to: the files have not changed since they were first read")
	}
	p.server.Flush()
	p.log.Warn("geo: an operator has gone back to the places before")
	return p.geoStatus(ctx, control.GeoRequest{})
}

// placeCounts is what is known of places, and answered by it, for the metrics.
func (p *parts) placeCounts() metrics.Geo {
	told, _ := p.geoStatus(context.Background(), control.GeoRequest{}) // which cannot fail
	m := metrics.Geo{Used: told.Used, Classes: told.Classes, Bytes: told.Bytes, Accepted: told.Accepted, Refused: told.Refused}
	if told.Used {
		m.Age = time.Since(told.Compiled)
	}
	for v, n := range p.places.tally.All() {
		m.Answers = append(m.Answers, metrics.GeoAnswers{Zone: v.Zone.String(), Variant: v.What, Count: n})
	}
	return m
}
