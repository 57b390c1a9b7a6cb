package config

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const reference = "../docs/reference/configuration.md"

func TestTheExampleLoads(t *testing.T) {
	t.Parallel()
	c, err := Load("../docs/reference/sextant.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Views) != 3 || len(c.Zones) != 1 {
		t.Errorf("got %+v", c)
	}
}

func TestEveryBlockOfTheDocumentationLoads(t *testing.T) {
	t.Parallel()
	pages := []string{"../README.md"}
	if err := filepath.WalkDir("../docs", func(path string, _ fs.DirEntry, err error) error {
		if filepath.Ext(path) == ".md" {
			pages = append(pages, path)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, page := range pages {
		for _, b := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(read(t, page), -1) {
			found++
			if _, err := Parse(page, []byte(b[1])); err != nil {
				t.Errorf("%v\nin\n%s", err, b[1])
			}
		}
	}
	if found < 10 {
		t.Fatalf("only %d blocks found", found)
	}
}

// documented is the rows of the reference's tables: key, type, default.
func documented(t *testing.T) [][]string {
	t.Helper()
	rows := regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([^|]+) \\| ([^|]*)\\|").FindAllStringSubmatch(read(t, reference), -1)
	for i, row := range rows {
		rows[i] = []string{row[1], row[2], strings.TrimSpace(row[3])}
	}
	return rows
}

func TestTheReferenceHasExactlyTheKeysThatThereAre(t *testing.T) {
	t.Parallel()
	var doc document
	known := map[string]bool{}
	for prefix, k := range map[string]keys{
		"":           doc.keys(),
		"cache.":     doc.Cache.keys(),
		"responses.": doc.Responses.keys(),
		"resolver.":  doc.Resolver.keys(),

		"resolver.local-root.":       doc.Resolver.LocalRoot.keys(),
		"tcp.":                       doc.TCP.keys(),
		"udp.":                       doc.UDP.keys(),
		"xdp.":                       doc.XDP.keys(),
		"cookies.":                   doc.Cookies.keys(),
		"rate-limit.":                doc.RateLimit.keys(),
		"special-names.":             doc.SpecialNames.keys(),
		"rebinding.":                 doc.Rebinding.keys(),
		"stale.":                     doc.Stale.keys(),
		"control.":                   doc.Control.keys(),
		"lifeline.":                  doc.Lifeline.keys(),
		"lifeline.notify.":           doc.Lifeline.Notify.keys(),
		"lifeline.zones[].":          new(LifelineZone).keys(),
		"dnssec.":                    doc.DNSSEC.keys(),
		"dnssec.negative-anchors[].": new(NegativeAnchor).keys(),
		"forward[].":                 new(Pinned).forwardKeys(),
		"stub[].":                    new(Pinned).stubKeys(),
		"overrides[].":               new(Override).keys(),
		"overrides[].pin[].":         new(PinnedHost).keys(),
		"dns64.":                     doc.DNS64.keys(),
		"dns64.prefixes[].":          new(Prefix64).keys(),
		"dns64.names[].":             new(NameRule).keys(),
		"ecs.":                       doc.ECS.keys(),
		"ecs.networks[].":            new(ECSNetwork).keys(),
		"ecs.zones[].":               new(ECSZone).keys(),
		"geo.":                       doc.Geo.keys(),
		"geo.databases[].":           new(GeoDatabase).keys(),
		"geo.databases[].paths.":     new(GeoPaths).keys(),
		"geo.sets[].":                new(GeoSet).keys(),
		"keys[].":                    new(Key).keys(),
		"zones[].":                   new(Zone).keys(),
		"zones[].primaries[].":       new(Server).keys(),
		"zones[].notify[].":          new(Server).keys(),
		"overrides[].primaries[].":   new(Server).keys(),
		"zones[].allow-notify[].":    new(Peer).keys(),
		"zones[].allow-transfer[].":  new(Peer).keys(),
		"catalogs[].":                new(Catalog).keys(),
		"catalogs[].primaries[].":    new(Server).keys(),
		"catalogs[].notify[].":       new(Server).keys(),
		"catalogs[].allow-notify[].": new(Peer).keys(),

		"catalogs[].allow-transfer[].": new(Peer).keys(),

		"catalogs[].groups[].":    new(Group).keys(),
		"transfers.":              doc.Transfers.keys(),
		"zones[].allow-update[].": new(Grant).keys(),
		"views[].":                new(View).keys(),
	} {
		for key := range k {
			known[prefix+key] = true
		}
	}
	for _, section := range []string{"cache", "responses", "resolver", "resolver.local-root", "special-names", "rebinding", "stale", "control", "lifeline", "lifeline.notify", "dnssec", "tcp", "udp", "xdp", "transfers", "cookies", "rate-limit", "dns64", "ecs", "geo", "geo.databases[].paths"} {
		delete(known, section) // these have keys and no value of their own
	}
	for _, row := range documented(t) {
		if !known[row[0]] {
			t.Errorf("%s is documented but not known, or documented twice", row[0])
		}
		delete(known, row[0])
	}
	for key := range known {
		t.Errorf("%s is not documented", key)
	}
}

// Writing a documented default changes nothing.
func TestTheReferenceHasTheDefaultsThatThereAre(t *testing.T) {
	t.Parallel()
	for _, row := range documented(t) {
		key, value := row[0], row[2]
		if !strings.HasPrefix(value, "`") || strings.Contains(key, "[]") {
			continue
		}
		value = strings.Trim(value, "`")
		sections := strings.Split(key, ".")
		written, empty := sections[len(sections)-1]+": "+value, ""
		for _, section := range slices.Backward(sections[:len(sections)-1]) {
			written, empty = section+": { "+written+" }", section+": { "+empty+" }"
		}
		got, want := mustParse(t, written, written), mustParse(t, empty, empty)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", written, got, want)
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
