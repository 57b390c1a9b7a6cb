package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/secondary"
	"github.com/sextant-dns/sextant/tsig"
	"github.com/sextant-dns/sextant/zones"
)

// copies are the zones that others transfer to us, those of the configuration that
// was read last. It is safe for concurrent use.
type copies struct {
	changed chan struct{} // filled when one may be another than before

	mu      sync.Mutex
	all     map[lookup.Name]*copied
	names   []lookup.Name   // of all, in the order of the configuration
	running context.Context // that they run in; nil: they do not yet
	group   sync.WaitGroup
}

// copied is one of them.
type copied struct {
	*secondary.Copy
	from   config.Zone // what it is made of
	absent *zones.Zone // stands for it when it may not be used
	stop   context.CancelFunc
	done   chan struct{} // closed when it has stopped

	awaited *zones.Zone // stands for it as long as it has not come
}

func newCopies() *copies { return &copies{changed: make(chan struct{}, 1)} }

// newCopy makes the copy of a zone.
func (p *parts) newCopy(c *config.Config, z config.Zone) *secondary.Copy {
	o := secondary.Options{
		Zone:        z.Name,
		Store:       z.Store,
		Unvalidated: true,
		Verify:      newZONEMD(c.DNSSEC, p.trusted).verify,
		Turn:        p.turns.take,
		Dial:        dialer("tcp", p.transfers.Source),
		Key: func(primary netip.AddrPort) (tsig.Key, bool) {
			for _, s := range z.Primaries {
				if s.Address == primary && s.Key != "" {
					return p.primary.Key(s.Key)
				}
			}
			return tsig.Key{}, false
		},
		Observe: func(e secondary.Event) {
			logCopy(p.log, e)
			p.moved.copied(e)
			p.copies.signal()
		},
	}
	switch z.ZONEMD {
	case config.ZONEMDRequire:
		o.Digest = secondary.RequireDigest
	case config.ZONEMDIgnore:
		o.Digest = secondary.IgnoreDigest
	}
	for _, s := range z.Primaries {
		o.Primaries = append(o.Primaries, s.Address)
	}
	return secondary.New(o)
}

// signal says that a copy may be another than before.
func (cs *copies) signal() {
	select {
	case cs.changed <- struct{}{}:
	default:
	}
}

// refresh has all copies ask their primaries.
func (cs *copies) refresh() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for _, one := range cs.all {
		one.Refresh()
	}
}

// succession is how copies follow each other.
type succession struct {
	make    func(config.Zone) *secondary.Copy
	anew    map[lookup.Name]bool // nothing of what they were goes on
	between func()               // called when those that end have ended, and no other has begun
}

// replace makes the copies those of these zones. Those that stay as they were go on.
func (cs *copies) replace(wanted []config.Zone, by succession) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	was := cs.all
	cs.all, cs.names = make(map[lookup.Name]*copied, len(wanted)), nil
	for _, z := range wanted {
		cs.names = append(cs.names, z.Name)
		if old := was[z.Name]; old != nil && sameCopy(old.from, z) && !by.anew[z.Name] {
			old.from = z
			cs.all[z.Name] = old
			delete(was, z.Name)
		}
	}
	for _, gone := range was {
		gone.end()
	}
	by.between()
	for _, z := range wanted {
		if cs.all[z.Name] == nil {
			one := &copied{Copy: by.make(z), from: z, absent: zones.Absent(z.Name), awaited: zones.Awaited(z.Name)}
			cs.all[z.Name] = one
			if cs.running != nil {
				_ = one.Load() // what is wrong with it has been logged
				cs.start(one)
			}
		}
	}
}

// sameCopy tells whether two entries are of the same copy. Who may have it is not a
// matter of the copy.
func sameCopy(a, b config.Zone) bool {
	return a.Store == b.Store && a.ZONEMD == b.ZONEMD && slices.Equal(a.Primaries, b.Primaries)
}

// load takes what is on disk into use.
func (cs *copies) load() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for _, one := range cs.all {
		_ = one.Load() // what is wrong with it has been logged
	}
}

// start has a copy run. cs.mu is held.
func (cs *copies) start(one *copied) {
	ctx, stop := context.WithCancel(cs.running)
	one.stop, one.done = stop, make(chan struct{})
	cs.group.Go(func() {
		defer close(one.done)
		_ = one.Run(ctx) // which is always nil
	})
}

// end stops a copy and waits until it writes nothing any more.
func (one *copied) end() {
	if one.stop != nil {
		one.stop()
		<-one.done
	}
}

// run runs the copies until ctx ends.
func (cs *copies) run(ctx context.Context) error {
	cs.mu.Lock()
	cs.running = ctx
	for _, one := range cs.all {
		cs.start(one)
	}
	cs.mu.Unlock()
	<-ctx.Done()
	cs.mu.Lock() // nobody starts another any more: replace has ended, or will find ctx ended
	defer cs.mu.Unlock()
	cs.group.Wait()
	return nil
}

// hear has the copy of a zone ask its primaries, since the one at the address says that
// there is something new.
func (cs *copies) hear(zone lookup.Name, from netip.Addr) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if one := cs.all[zone]; one != nil {
		one.Hear(from)
	}
}

// zones are the zones as they may be served now.
func (cs *copies) zones() map[lookup.Name]*zones.Zone {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	now := make(map[lookup.Name]*zones.Zone, len(cs.all))
	for name, one := range cs.all {
		zone, ok := one.Zone()
		switch {
		case ok:
		case one.Status().State == secondary.Missing:
			zone = one.awaited
		default:
			zone = one.absent
		}
		now[name] = zone
	}
	return now
}

// status is how each of them is.
func (cs *copies) status() (all []secondary.Status) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for _, name := range cs.names {
		all = append(all, cs.all[name].Status())
	}
	return all
}

// of is the copy of a zone; nil when it is not copied.
func (cs *copies) of(zone lookup.Name) *secondary.Copy {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if one := cs.all[zone]; one != nil {
		return one.Copy
	}
	return nil
}

// loadKeys reads the secrets of keys.
func loadKeys(c *config.Config, log *slog.Logger) (keys []tsig.Key, err error) {
	var wrong []error
	for _, k := range c.Keys {
		key := tsig.Key{Name: k.Name, Algorithm: tsig.Algorithm(k.Algorithm), Secret: k.Secret}
		if k.SecretFile != "" {
			text, err := os.ReadFile(k.SecretFile)
			if err != nil {
				wrong = append(wrong, fmt.Errorf("key %s: %w", k.Name, err))
				continue
			}
			if key.Secret, err = base64.StdEncoding.DecodeString(strings.TrimSpace(string(text))); err != nil {
				wrong = append(wrong, fmt.Errorf("key %s: %s: %w", k.Name, k.SecretFile, err))
				continue
			}
		}
		if err := key.Check(); err != nil {
			wrong = append(wrong, err)
		}
		if len(key.Secret) < 16 {
			log.Warn("key", "key", k.Name, "problem", "the secret is short enough to be guessed")
		}
		keys = append(keys, key)
	}
	return keys, errors.Join(wrong...)
}

// checkStores says which copies could not be kept.
func checkStores(c *config.Config) error {
	var wrong []error
	for _, z := range c.Zones {
		if z.Store == "" {
			continue
		}
		if err := checkFolder(filepath.Dir(z.Store)); err != nil {
			wrong = append(wrong, fmt.Errorf("zone %s: store: %w", z.Name, err))
		}
	}
	for _, cat := range c.Catalogs {
		if cat.Store == "" {
			continue
		}
		if err := checkFolder(cat.Store); err != nil {
			wrong = append(wrong, fmt.Errorf("catalog %s: store: %w", cat.Name, err))
		}
	}
	return errors.Join(wrong...)
}
