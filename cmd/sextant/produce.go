package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/sextant-dns/sextant/catalog"
	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/zones"
)

// production is a catalog that we produce. Serial and Members are what is kept on disk.
type production struct {
	Serial uint32 `json:"serial"`
	Digest string `json:"members"` // of the list: another one needs another serial

	zone    *zones.Zone
	members int
	kept    bool // it is on disk as it is
}

// listed are the members of a catalog of ours.
func listed(c *config.Config, name lookup.Name) (members []catalog.Member) {
	for _, z := range c.Zones {
		if z.Catalog == name {
			members = append(members, catalog.Member{Zone: z.Name, Groups: z.Groups})
		}
	}
	return members
}

// checkProduced says which catalogs of c could not be made.
func checkProduced(c *config.Config) error {
	var wrong []error
	for _, cat := range c.Catalogs {
		if cat.Produce {
			_, err := catalog.Write(cat.Name, 1, listed(c, cat.Name))
			wrong = append(wrong, err)
		}
	}
	return errors.Join(wrong...)
}

// produce makes the catalogs of c. One whose members are the same is the same zone.
func (cs *catalogs) produce(c *config.Config, now time.Time) {
	was := cs.produced
	cs.produced = map[lookup.Name]production{}
	for _, cat := range c.Catalogs {
		if !cat.Produce {
			continue
		}
		members := listed(c, cat.Name)
		next := production{Digest: digest(members), members: len(members)}
		last, ok := was[cat.Name]
		if !ok {
			last, ok = cs.lastProduced(cat)
		}
		switch {
		case ok && last.Digest == next.Digest && last.zone != nil:
			cs.produced[cat.Name] = last
			continue
		case ok && last.Digest == next.Digest:
			next.Serial, next.kept = last.Serial, last.kept
		default:
			next.Serial = nextSerial(last.Serial, ok, now)
		}
		zone, err := catalog.Write(cat.Name, next.Serial, members)
		if err != nil { // which checkProduced has ruled out
			cs.log.Error("catalog: cannot be produced", "catalog", cat.Name, "reason", err)
			continue
		}
		next.zone = zone
		cs.produced[cat.Name] = next
	}
	cs.keepProduced(c)
}

// digest tells lists apart.
func digest(members []catalog.Member) string {
	set := map[lookup.Name][]string{}
	for _, m := range members {
		set[m.Zone] = m.Groups
	}
	sum := sha256.New()
	for _, zone := range slices.SortedFunc(maps.Keys(set), lookup.Name.Compare) {
		fmt.Fprintf(sum, "%q%q", string(zone), set[zone])
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// nextSerial is the seconds since 1970, as far as they come after what was before (RFC
// 1982): whoever has no memory of that does not go back with a clock that is right.
func nextSerial(last uint32, known bool, now time.Time) uint32 {
	serial := uint32(now.Unix())
	if known && int32(serial-last) <= 0 {
		return last + 1
	}
	return serial
}

func serialFile(cat config.Catalog) string {
	return filepath.Join(cat.Store, fileName(cat.Name, ".serial"))
}

// lastProduced is what is on disk of a catalog of ours.
func (cs *catalogs) lastProduced(cat config.Catalog) (last production, ok bool) {
	if cat.Store == "" {
		return last, false
	}
	text, err := os.ReadFile(serialFile(cat))
	if errors.Is(err, fs.ErrNotExist) {
		return last, false
	}
	if err == nil {
		err = json.Unmarshal(text, &last)
	}
	if err != nil {
		cs.log.Error("catalog: the last serial cannot be read; the clock decides", "catalog", cat.Name, "reason", err)
		return production{}, false
	}
	last.kept = true
	return last, true
}

// keepProduced writes down the serials that are others than those on disk.
func (cs *catalogs) keepProduced(c *config.Config) {
	for _, cat := range c.Catalogs {
		made, ok := cs.produced[cat.Name]
		if !ok || made.kept || cat.Store == "" || !cs.moving {
			continue
		}
		text, err := json.Marshal(made)
		if err == nil {
			err = writeFile(serialFile(cat), text)
		}
		if err != nil {
			cs.log.Error("catalog: the serial cannot be kept", "catalog", cat.Name, "reason", err)
			continue
		}
		made.kept = true
		cs.produced[cat.Name] = made
	}
}
