package geo

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"
)

// A Database is one mmdb file, held in memory as a whole: a file that is replaced or
// cut short while it is read must not take the server down. It does not change and is
// safe for concurrent use.
type Database struct {
	Name   string            // the file's, or what Read was told
	Type   string            // from the metadata: "GeoLite2-City"
	Built  time.Time         // from the metadata
	Digest [sha256.Size]byte // of the content
	Layout Layout            // where values stand; not to be changed

	reader *maxminddb.Reader
	kinds  []Kind // what its records say
}

// ErrDatabase is what errors of databases wrap: a file that is no mmdb, is damaged, or
// says nothing of where addresses are.
var ErrDatabase = errors.New("not a usable mmdb database")

// Open reads a file. The layout follows from its metadata; for the kinds that paths
// has, paths stands instead. It may be nil.
func Open(name string, paths Layout) (*Database, error) {
	content, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return Read(name, content, paths)
}

// Read is Open for content that is in memory. The Database keeps content, which must
// not be changed.
func Read(name string, content []byte, paths Layout) (*Database, error) {
	reader, err := maxminddb.OpenBytes(content)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrDatabase, name, err)
	}
	d := &Database{
		Name: name, Type: reader.Metadata.DatabaseType, Built: reader.Metadata.BuildTime(),
		Digest: sha256.Sum256(content), Layout: layoutOf(reader.Metadata.DatabaseType).with(paths), reader: reader,
	}
	if err := d.sample(); err != nil {
		return nil, err
	}
	return d, nil
}

// samples are how many different records show which kinds a database has: enough for
// those that only some networks have, such as subdivisions.
const samples = 20000

func (d *Database) sample() error {
	seen := map[uintptr]bool{}
	for result := range d.reader.Networks() {
		if err := result.Err(); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrDatabase, d.Name, err)
		}
		if len(seen) >= samples || len(d.kinds) == int(ASN)+1 {
			break
		}
		if seen[result.Offset()] {
			continue
		}
		seen[result.Offset()] = true
		said, err := d.said(result)
		if err != nil {
			return err
		}
		if _, located := d.location(result); located && !d.Has(Location) {
			d.kinds = append(d.kinds, Location)
		}
		for _, s := range said {
			if !d.Has(s.Kind) {
				d.kinds = append(d.kinds, s.Kind)
			}
		}
	}
	if len(d.kinds) == 0 {
		return fmt.Errorf("%w: %s: records of type %q have no value at %v; say where they stand", ErrDatabase, d.Name, d.Type, d.Layout)
	}
	return nil
}

// Has says whether the records have values of this kind.
func (d *Database) Has(k Kind) bool { return slices.Contains(d.kinds, k) }

// Lookup is what the database says of an address, the widest kind first, and the
// network of which it says so. It is for people: a Map answers much faster.
func (d *Database) Lookup(a netip.Addr) ([]Selector, netip.Prefix, error) {
	result := d.reader.Lookup(a)
	if err := result.Err(); err != nil {
		return nil, netip.Prefix{}, fmt.Errorf("%w: %s: %w", ErrDatabase, d.Name, err)
	}
	said, err := d.said(result)
	return said, result.Prefix(), err
}

// said is one record as selectors, the widest kind first.
func (d *Database) said(result maxminddb.Result) ([]Selector, error) {
	var said []Selector
	country := ""
	for k := Continent; k <= ASN; k++ {
		for _, dotted := range d.Layout[k] {
			var value any
			if err := result.DecodePath(&value, path(dotted)...); err != nil {
				if _, damaged := errors.AsType[maxminddb.InvalidDatabaseError](err); damaged {
					return nil, fmt.Errorf("%w: %s: %s: %w", ErrDatabase, d.Name, dotted, err)
				}
				continue // another shape than this layout has: no value here
			}
			s, ok := selector(k, value, country)
			if !ok {
				continue
			}
			said = append(said, s)
			if k == Country {
				country = s.Value
			}
			if k != Subdivision && k != City {
				break
			}
		}
	}
	return said, nil
}
