package overlay

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// Blocks of the documentation load over the zone of the reference, and nothing in them
// is unwise.
func TestTheDocumentationIsTrue(t *testing.T) {
	t.Parallel()
	blocks := func(page, kind string) (all []string) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range regexp.MustCompile("(?s)```"+kind+"\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
			all = append(all, b[1])
		}
		return all
	}
	const reference = "../docs/reference/geo-overlay.md"
	base := zone(t, blocks(reference, "zone")[0]+"www A 192.0.2.80\n")
	found := 0
	for _, page := range []string{reference, "../docs/how-to/answer-by-location.md"} {
		for _, text := range blocks(page, "geo") {
			found++
			o, err := Load(strings.NewReader(text), page, Options{Base: base, Views: []string{"corp"}})
			if err != nil {
				t.Errorf("%v\nin\n%s", err, text)
				continue
			}
			for _, p := range o.Lint {
				t.Errorf("%v\nin\n%s", p, text)
			}
		}
	}
	if found < 5 {
		t.Errorf("only %d blocks", found)
	}
	// The errors that the reference shows.
	o := "$SITE ber\n$SITE nyc\n$WHEN uk\n$WHEN *\n$SITE sin\n\n\n\n$ROUTE shop de=ber,frankfurt"
	_, err := Load(strings.NewReader(o), "example.org.geo", Options{Base: base})
	for _, want := range strings.Split(strings.TrimSpace(blocks(reference, "text")[0]), "\n") {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %s in\n%v", want, err)
		}
	}
}
