package scenario

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// journal notes what happens in a story, in order, so that a failure can be
// read as one.
type journal struct {
	start time.Time

	mu    sync.Mutex
	step  int
	notes []*note
}

type note struct{ text, fate string }

// at sets the number of the step that notes are made in.
func (j *journal) at(step int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.step = step
}

// addf adds a note; its fate can be written later, and is printed behind it.
func (j *journal) addf(format string, args ...any) (fate *string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := &note{text: fmt.Sprintf("%6s  step %-3d ", j.clock(), j.step) + fmt.Sprintf(format, args...)}
	j.notes = append(j.notes, n)
	return &n.fate
}

// clock is the time since the story began.
func (j *journal) clock() string { return time.Since(j.start).Round(time.Millisecond).String() }

// String is all notes, one a line. Nothing may happen in the story meanwhile.
func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var b strings.Builder
	for _, n := range j.notes {
		b.WriteString("  " + n.text + n.fate + "\n")
	}
	return b.String()
}

// summary is what a packet says, in a few words.
func (p *Packet) summary() string {
	if p.Raw != nil {
		return fmt.Sprintf("%d raw octets", len(p.Raw))
	}
	words := []string{p.Header.Rcode.String()}
	if flags := strings.TrimPrefix(strings.TrimPrefix(flagNames(p.Header), "QR"), " "); flags != "" {
		words = append(words, flags)
	}
	for i, name := range []string{"answer", "authority", "additional"} {
		var sets []string
		for _, rr := range p.Sections[i] {
			set := lookup.Presentation(rr.Name) + " " + rr.Type.String()
			if len(sets) == 0 || sets[len(sets)-1] != set {
				sets = append(sets, set)
			}
		}
		if len(sets) > 0 {
			words = append(words, name+" "+strings.Join(sets, " + "))
		}
	}
	return strings.Join(words, "; ")
}
