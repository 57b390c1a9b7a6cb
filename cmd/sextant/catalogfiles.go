package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sextant-dns/sextant/catalog"
	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/store"
)

// keptList is the last good list of a catalog on disk: RFC 9432 5.1 wants its members
// served after a restart with a broken one, and 4.3.1 and 5.4 that their owner and
// label are known.
type keptList struct {
	Members []keptMember `json:"members"`
}

type keptMember struct {
	Zone   string   `json:"zone"`
	Label  []byte   `json:"label"`
	Groups [][]byte `json:"groups,omitempty"`
	Owner  string   `json:"coo,omitempty"`
	Owned  bool     `json:"owned"` // false: somebody else has the name
}

// fileName is the name of a file for a zone: the zone's, as far as every file system
// takes it for one.
func fileName(zone lookup.Name, suffix string) string {
	text := strings.TrimSuffix(zone.String(), ".")
	plain := strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == "" && !strings.Contains(text, `\`)
	if !plain || text == "" || text[0] == '.' || len(text) > 200 {
		text = catalog.Label(zone)
	}
	return text + suffix
}

// memberFile is where a catalog keeps the copy of a zone; "": nowhere.
func memberFile(cat config.Catalog, zone lookup.Name) string {
	if cat.Store == "" {
		return ""
	}
	return filepath.Join(cat.Store, fileName(zone, ".copy"))
}

func listFile(cat config.Catalog) string {
	return filepath.Join(cat.Store, fileName(cat.Name, ".members"))
}

// restore takes the list that is on disk into use. Without it the catalog is one that
// was never seen.
func (cs *catalogs) restore(cat config.Catalog) {
	if cat.Store == "" {
		return
	}
	text, err := os.ReadFile(listFile(cat))
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	var members []catalog.Member
	var owned map[lookup.Name]bool
	if err == nil {
		members, owned, err = parseList(text)
	}
	if err != nil {
		cs.log.Error("catalog: the list on disk cannot be read; zones are transferred anew", "catalog", cat.Name, "reason", err)
		return
	}
	cs.kept[cat.Name] = string(text)
	cs.book.Restore(cat.Name, members, func(zone lookup.Name) bool { return owned[zone] })
}

func parseList(text []byte) (members []catalog.Member, owned map[lookup.Name]bool, err error) {
	var list keptList
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, nil, err
	}
	owned = map[lookup.Name]bool{}
	for _, k := range list.Members {
		m := catalog.Member{Label: string(k.Label)}
		if m.Zone, err = lookup.ParseName(k.Zone); err != nil {
			return nil, nil, err
		}
		if _, twice := owned[m.Zone]; twice {
			return nil, nil, fmt.Errorf("%s is there twice", m.Zone)
		}
		if k.Owner != "" {
			if m.Owner, err = lookup.ParseName(k.Owner); err != nil {
				return nil, nil, err
			}
		}
		for _, g := range k.Groups {
			m.Groups = append(m.Groups, string(g))
		}
		owned[m.Zone] = k.Owned
		members = append(members, m)
	}
	return members, owned, nil
}

// keep writes the lists down that differ from what is on disk.
func (cs *catalogs) keep() {
	if !cs.moving {
		return
	}
	for _, cat := range cs.consumed {
		if cat.Store == "" || !cs.book.Knows(cat.Name) {
			continue
		}
		var list keptList
		for _, m := range cs.book.List(cat.Name) {
			k := keptMember{Zone: m.Zone.String(), Label: []byte(m.Label), Owned: cs.book.Owns(cat.Name, m.Zone)}
			if m.Owner != "" {
				k.Owner = m.Owner.String()
			}
			for _, g := range m.Groups {
				k.Groups = append(k.Groups, []byte(g))
			}
			list.Members = append(list.Members, k)
		}
		text, err := json.MarshalIndent(list, "", " ")
		if err == nil && cs.kept[cat.Name] == string(text) {
			continue
		}
		if err == nil {
			err = writeFile(listFile(cat), text)
		}
		if err != nil {
			cs.log.Error("catalog: the list cannot be kept", "catalog", cat.Name, "reason", err)
			continue
		}
		cs.kept[cat.Name] = string(text)
	}
}

func writeFile(path string, text []byte) error {
	return store.Replace(path, time.Time{}, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

// move has the files on disk follow what becomes of zones from now on.
func (p *parts) move() {
	p.mutable.Lock()
	defer p.mutable.Unlock()
	p.catalogs.moving = true
	p.catalogs.keepProduced(p.state.Load().config)
}

// settleFiles has the copies on disk follow what has become of zones. was is where each
// was kept before.
func (cs *catalogs) settleFiles(changes []catalog.Change, was map[lookup.Name]string) {
	if !cs.moving {
		return
	}
	remove := func(path string) {
		if path == "" {
			return
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			cs.log.Error("catalog: the copy of a zone cannot be removed", "file", path, "reason", err)
		}
	}
	for _, c := range changes {
		cat, _ := cs.entry(c.Catalog)
		is := memberFile(cat, c.Zone)
		switch c.Kind {
		case catalog.Removed: // RFC 9432 5.3
			remove(was[c.Zone])
		case catalog.Added, catalog.Reset: // RFC 9432 5.4, 5.6: nothing of what it was before
			remove(was[c.Zone])
			remove(is)
		case catalog.Moved: // RFC 9432 4.3.1
			switch from := was[c.Zone]; {
			case from == is:
			case from == "":
				remove(is)
			case is == "":
				remove(from)
			default:
				if err := os.Rename(from, is); err != nil && !errors.Is(err, fs.ErrNotExist) {
					cs.log.Error("catalog: the copy of a zone cannot be moved; it is transferred anew", "file", from, "to", is, "reason", err)
					remove(from)
				}
			}
		}
	}
}
