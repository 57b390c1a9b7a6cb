package anchors

import (
	"strings"
	"testing"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

func TestStandings(t *testing.T) {
	t.Parallel()
	s := mustSet(t, lookup.MustRRsets(dsOf(".", 8)+"\n"+dsOf("b.", 8)+"\na. DS 7 208 2 "+strings.Repeat("0", 64)),
		[]Negative{{Zone: name("b."), Until: noon}, {Zone: name("c.")}})
	told := func(now time.Time) (text string) {
		for _, s := range s.Standings(now) {
			text += s.Zone.String()
			if s.Counts() {
				text += "+"
			}
			text += " "
		}
		return text
	}
	if got := told(noon.Add(-1)); got != ".+ a. b. " {
		t.Errorf("before the negative anchor's end: %s", got)
	}
	if got := told(noon); got != ".+ a. b.+ " {
		t.Errorf("after it: %s", got)
	}
}

func TestWhatIsShownOfKeys(t *testing.T) {
	t.Parallel()
	set := lookup.MustRRsets(ksk2017)[0]
	waiting := Key{Type: lookup.TypeDNSKEY, Rdata: set.Data.First(), State: AddPend, Changed: noon, TTL: 60}
	if waiting.Tag() != 20326 || waiting.Algorithm() != 8 {
		t.Errorf("got %d %s", waiting.Tag(), waiting.Algorithm())
	}
	if got := waiting.TrustedFrom(Timing{}); !got.Equal(noon.Add(30 * day)) {
		t.Errorf("trusted from %s", got)
	}
	waiting.State = Valid
	if got := waiting.TrustedFrom(Timing{}); !got.IsZero() {
		t.Errorf("one that is trusted already is so from %s", got)
	}
}

func TestNegativeAnchorsBySource(t *testing.T) {
	t.Parallel()
	k, err := NewKeeper(Options{Positive: Root(), Negative: []Negative{{Zone: name("a.")}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := k.AddNegative(name("b."), 0); err != nil {
		t.Fatal(err)
	}
	if err := k.AddNegative(lookup.Root, 0); err == nil { // RFC 7646 2
		t.Error("everything can be excepted")
	}
	if configured, added := k.NegativesBySource(); len(configured) != 1 || configured[0].Zone != name("a.") || len(added) != 1 || added[0].Zone != name("b.") {
		t.Errorf("got %v, %v", configured, added)
	}
}
