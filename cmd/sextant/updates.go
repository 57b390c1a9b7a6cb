package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/control"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/message"
	"github.com/sextant-dns/sextant/primary"
	"github.com/sextant-dns/sextant/update"
	"github.com/sextant-dns/sextant/zones"
)

// updates are the zones with a journal, those of the configuration that was put into
// force last. It is safe for concurrent use.
type updates struct {
	use  func()                 // has what is served be the zones as they are now
	ours func(lookup.Name) bool // tells whether we have a zone, changed by clients or not
	log  *slog.Logger

	mu     sync.Mutex
	all    map[lookup.Name]*updated
	opened bool
	counts map[lookup.Rcode]uint64 // UPDATEs by what was replied
}

// updated is one of them.
type updated struct {
	*update.Zone
	from   config.Zone // what it is made of
	file   *zones.Zone // what was read of its file last
	grants []update.Grant
	open   bool // it was opened, and may be changed
}

// among is who speaks with other servers for our zones, and with who may change them.
type among struct {
	*primary.Primary
	*updates
}

func newUpdates(log *slog.Logger, use func(), ours func(lookup.Name) bool) *updates {
	return &updates{use: use, ours: ours, log: log, counts: map[lookup.Rcode]uint64{}}
}

// prepare is the zones of c that have a journal, those that stay with what they know. A
// file that cannot be taken leaves its zone as it was, and files is told so; without
// such a zone it is an error.
func (u *updates) prepare(c *config.Config, files map[lookup.Name]*zones.Zone) (map[lookup.Name]*updated, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	next := map[lookup.Name]*updated{}
	var wrong []error
	for _, z := range c.Zones {
		if z.Journal == "" || files[z.Name] == nil {
			continue
		}
		one := &updated{from: z, file: files[z.Name], grants: grants(z)}
		next[z.Name] = one
		if old := u.all[z.Name]; old != nil && old.from.File == z.File && old.from.Journal == z.Journal {
			one.Zone, one.open = old.Zone, old.open
			if one.file == old.file {
				continue // nothing better could be read
			}
			if err := one.Check(one.file); err != nil {
				u.log.Error("zone: stays as it was", "zone", z.Name, "error", err)
				one.file, files[z.Name] = old.file, old.file
			}
			continue
		}
		one.Zone = u.newZone(z)
		if err := one.Check(one.file); err != nil {
			wrong = append(wrong, fmt.Errorf("zone %s: %w", z.Name, err))
		}
	}
	return next, errors.Join(wrong...)
}

func (u *updates) newZone(z config.Zone) *update.Zone {
	return update.New(update.Options{
		Apex: z.Name, File: z.File, Journal: z.Journal, Use: u.use,
		Read:    func() (*zones.Zone, error) { return wiring{}.zone(z) },
		Observe: func(e update.Event) { logUpdate(u.log, e) },
	})
}

func grants(z config.Zone) (all []update.Grant) {
	for _, g := range z.AllowUpdate {
		grant := update.Grant{Network: g.Network, Key: g.Key, Types: g.Types}
		for _, n := range g.Names {
			grant.Names = append(grant.Names, update.Names{Name: n})
		}
		for _, n := range g.Subtrees {
			grant.Names = append(grant.Names, update.Names{Name: n, Below: true})
		}
		all = append(all, grant)
	}
	return all
}

// replace puts what was prepared into force. What goes wrong now is told; the zone stays
// what it was.
func (u *updates) replace(s *state) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for name, old := range u.all {
		if next := s.updates[name]; next == nil || next.Zone != old.Zone {
			old.Close() // before another reads its journal
		}
	}
	for name, one := range s.updates {
		if old := u.all[name]; old != nil && old.Zone == one.Zone && old.file == one.file {
			continue
		}
		if err := one.Take(one.file); err != nil { // it was updated since the file was found to be good
			u.log.Error("zone: stays as it was", "zone", name, "error", err)
		}
	}
	for name, one := range s.updates {
		if u.opened && !one.open {
			err := one.Open()
			if one.open = err == nil; err != nil {
				u.log.Error("zone: it cannot be updated", "zone", name, "reason", err)
			}
		}
	}
	u.all = s.updates
}

// open has the zones be changed from now on. Their journals must be such that they can
// be written.
func (u *updates) open() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.opened = true
	var wrong []error
	for name, one := range u.all {
		err := one.Open()
		if one.open = err == nil; err != nil {
			wrong = append(wrong, fmt.Errorf("zone %s: journal: %w", name, err))
		}
	}
	return errors.Join(wrong...)
}

// close ends changes.
func (u *updates) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, one := range u.all {
		one.Close()
	}
}

// zone is the zone of that name, if it has a journal.
func (u *updates) zone(name lookup.Name) (*updated, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	one := u.all[name]
	return one, one != nil
}

// Update does an UPDATE.
func (u *updates) Update(from netip.Addr, key lookup.Name, m *message.Records) *lookup.Response {
	response := u.update(from, key, m)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.counts[response.Rcode]++
	return response
}

func (u *updates) update(from netip.Addr, key lookup.Name, m *message.Records) *lookup.Response {
	name, response := update.ZoneOf(m)
	if response != nil {
		return response
	}
	one, changing := u.zone(name)
	switch {
	case changing:
	case u.ours(name): // a copy, a catalog, or of a file without a journal: nobody may change it here
		return &lookup.Response{Rcode: lookup.REFUSED, EDE: []lookup.EDE{{Code: lookup.EDEProhibited, Text: "nobody may update this zone here"}}}
	default:
		return update.Elsewhere()
	}
	return one.Update(update.Request{From: from, Key: key, Grants: one.grants, Message: m})
}

// results is how many UPDATEs there were, by what was replied.
func (u *updates) results() map[string]uint64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	all := map[string]uint64{}
	for rcode, n := range u.counts {
		all[rcode.String()] = n
	}
	return all
}

// syncZone writes a zone into its master file, or reads it from there.
func (p *parts) syncZone(_ context.Context, r control.SyncZoneRequest) (control.ZoneStatus, error) {
	one, err := p.updated(r.Zone)
	if err != nil {
		return control.ZoneStatus{}, err
	}
	mode := update.Refuse
	switch {
	case r.Overwrite && r.Discard:
		return control.ZoneStatus{}, errors.New("either the file or the updates can be kept")
	case r.Overwrite:
		mode = update.Overwrite
	case r.Discard:
		mode = update.Discard
	}
	if err := one.Sync(mode); err != nil {
		return control.ZoneStatus{}, err
	}
	return zoneStatus(one), nil
}

// zoneStatus is how a zone with a journal is.
func (p *parts) zoneStatus(_ context.Context, r control.ZoneStatusRequest) (control.ZoneStatus, error) {
	one, err := p.updated(r.Zone)
	if err != nil {
		return control.ZoneStatus{}, err
	}
	return zoneStatus(one), nil
}

func (p *parts) updated(zone string) (*updated, error) {
	name, err := lookup.ParseName(zone)
	if err != nil {
		return nil, err
	}
	one, ok := p.updates.zone(name)
	if !ok {
		return nil, fmt.Errorf("zone %s has no journal: there is nothing that its file lacks", name)
	}
	return one, nil
}

func zoneStatus(one *updated) control.ZoneStatus {
	s := one.Status()
	return control.ZoneStatus{
		Zone: s.Zone.String(), Serial: s.Serial, File: one.from.File, FileSerial: s.File,
		Pending: s.Pending, Journal: one.from.Journal, JournalOctets: s.Journal,
	}
}

// checkJournals says which journals could not be written.
func checkJournals(c *config.Config) error {
	var wrong []error
	for _, z := range c.Zones {
		if z.Journal == "" {
			continue
		}
		if err := checkFolder(filepath.Dir(z.Journal)); err != nil {
			wrong = append(wrong, fmt.Errorf("zone %s: journal: %w", z.Name, err))
		}
	}
	return errors.Join(wrong...)
}

// logUpdate is the Observe of zones with a journal.
func logUpdate(log *slog.Logger, e update.Event) {
	args := []any{"zone", e.Zone}
	if e.From.IsValid() {
		args = append(args, "client", e.From)
	}
	if e.Key != "" {
		args = append(args, "key", e.Key)
	}
	switch e.Kind {
	case update.Updated:
		log.Info("updated", append(args, "serial", e.Serial, "deleted", e.Deleted, "added", e.Added)...)
	case update.Refused:
		var why []string
		for _, ede := range e.Response.EDE {
			why = append(why, ede.Text)
		}
		log.Info("update refused", append(args, "rcode", e.Response.Rcode, "reason", strings.Join(slices.Compact(why), "; "))...)
	case update.Shorn:
		log.Warn("journal: ends in the middle of a write, which nobody was told to be done; cut off", append(args, "serial", e.Serial, "octets", e.Octets)...)
	case update.Unstored:
		log.Error("journal: not written", append(args, "serial", e.Serial, "reason", e.Err)...)
	case update.Synced:
		log.Info("zone: written into its file", append(args, "serial", e.Serial)...)
	case update.Dropped:
		log.Warn("zone: updates given up for the file", append(args, "serial", e.Serial)...)
	}
}
