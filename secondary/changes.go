package secondary

import (
	"fmt"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/zones"
)

// identity is what makes two RRs the same one (RFC 2136 1.1.1): not the TTL.
type identity struct {
	name lookup.Name
	t    lookup.Type
	data string
}

func identify(r zones.Record) identity { return identity{r.Name, r.Type, r.Data} }

// apply is the records of the zone after the changes, one after the other
// (RFC 1995 4). What is to be taken out and is not there shows that the copy is not
// what the primary takes it for.
func apply(z *zones.Zone, changes []change) ([]zones.Record, error) {
	all := make(map[identity]uint32, z.Len())
	for r := range z.Records() {
		all[identify(r)] = r.TTL
	}
	for _, c := range changes {
		for _, r := range c.deleted {
			if _, there := all[identify(r)]; !there {
				return nil, fmt.Errorf("the changes do not fit the copy: they take out an RR of %s %s that it does not have", r.Name, r.Type)
			}
			delete(all, identify(r))
		}
		for _, r := range c.added {
			all[identify(r)] = r.TTL
		}
	}
	records := make([]zones.Record, 0, len(all))
	for id, ttl := range all {
		records = append(records, zones.Record{Name: id.name, Type: id.t, TTL: ttl, Data: id.data})
	}
	return records, nil
}
