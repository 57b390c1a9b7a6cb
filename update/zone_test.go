package update

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/zones"
)

// bed is a zone with its files, and servers that keep it one after another.
type bed struct {
	*testing.T
	file, journal string
	events        []Kind
	last          *Zone
}

func newBed(t *testing.T) *bed {
	dir := t.TempDir()
	b := &bed{T: t, file: filepath.Join(dir, "example.zone"), journal: filepath.Join(dir, "example.zone.journal")}
	b.edit(text)
	return b
}

func (b *bed) edit(text string) {
	b.Helper()
	if err := os.WriteFile(b.file, []byte(text), 0o644); err != nil {
		b.Fatal(err)
	}
}

func (b *bed) read() (*zones.Zone, error) { return zones.LoadFile(b.file, lookup.MustName("example.")) }

// start starts a server, which is never told that it ends: the one before has crashed.
func (b *bed) start() (*Zone, error) {
	b.Helper()
	if b.last != nil && b.last.journal.lock != nil {
		_ = b.last.journal.lock.Close() // as the system does
	}
	z := New(Options{
		Apex: lookup.MustName("example."), File: b.file, Journal: b.journal, Read: b.read,
		Observe: func(e Event) { b.events = append(b.events, e.Kind) },
	})
	b.last = z
	return z, errors.Join(b.take(z), z.Open())
}

func (b *bed) take(z *Zone) error {
	b.Helper()
	file, err := b.read()
	if err != nil {
		b.Fatal(err)
	}
	if err := z.Take(file); err != nil {
		z.now.Store(&current{zone: file}) // so that Open has something to look at
		return err
	}
	return nil
}

func (b *bed) mustStart() *Zone {
	b.Helper()
	z, err := b.start()
	if err != nil {
		b.Fatal(err)
	}
	return z
}

// update has the zone be changed by everybody's friend.
func (b *bed) update(z *Zone, lines ...string) lookup.Rcode {
	b.Helper()
	return z.Update(request(b, lines...)).Rcode
}

func request(t testing.TB, lines ...string) Request {
	key := lookup.MustName("key.")
	return Request{From: netip.MustParseAddr("192.0.2.1"), Key: key, Grants: []Grant{{Key: key}}, Message: ask(t, lines...)}
}

func (b *bed) must(z *Zone, lines ...string) {
	b.Helper()
	if got := b.update(z, lines...); got != lookup.NOERROR {
		b.Fatalf("%v: %s", lines, got)
	}
}

func dataOf(z *Zone) *zones.Zone {
	data, _ := z.Data()
	return data
}

func serials(z *Zone) (all []uint32) {
	_, history := z.Data()
	for _, d := range history {
		all = append(all, d.To.Serial())
	}
	return all
}

// What was said yes to is there after a restart, with the history that led to it; the
// master file is as the operator left it.
func TestChangesOutliveARestart(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	z := b.mustStart()
	b.must(z, "new 5 IN A 192.0.2.9")
	b.must(z, "www 0 ANY ANY", "odd 0 ANY ANY")
	b.must(z, "new 7 IN A 192.0.2.9")
	b.must(z, "new 7 IN A 192.0.2.9") // which changes nothing
	if got := b.update(z, "nobody 0 ANY ANY", "---", "x 1 IN A 192.0.2.1"); got != lookup.NXDOMAIN {
		t.Error(got)
	}
	again := b.mustStart()
	if !slices.Equal(brief(dataOf(z)), brief(dataOf(again))) || dataOf(again).SOARecord().Serial() != 10 {
		t.Errorf("got\n%s, want\n%s", brief(dataOf(again)), brief(dataOf(z)))
	}
	if got := serials(again); !slices.Equal(got, []uint32{8, 9, 10}) {
		t.Errorf("history %v", got)
	}
	if s := again.Status(); s.Serial != 10 || s.File != 7 || s.Pending != 3 {
		t.Errorf("got %+v", s)
	}
	if now, err := os.ReadFile(b.file); err != nil || string(now) != text {
		t.Error("the master file was touched")
	}
	b.must(again, "x 1 IN A 192.0.2.1")
	if got := dataOf(b.mustStart()).SOARecord().Serial(); got != 11 {
		t.Errorf("serial %d", got)
	}
}

// Two servers never write one journal: the second does not open it while the first does,
// nor when the first has written after the second has read.
func TestJournalOfTwoServers(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	z := b.mustStart()
	b.must(z, "a 5 IN A 192.0.2.9")
	b.last = nil // which has not crashed
	second, err := b.start()
	if !errors.Is(err, errLocked) {
		t.Fatalf("got %v", err)
	}
	if got := b.update(second, "b 5 IN A 192.0.2.9"); got != lookup.SERVFAIL {
		t.Error(got)
	}
	b.must(z, "c 5 IN A 192.0.2.9")
	z.Close()
	if err := second.Open(); !errors.Is(err, errTaken) {
		t.Fatalf("got %v", err)
	}
	third := b.mustStart()
	if got := serials(third); !slices.Equal(got, []uint32{8, 9}) {
		t.Errorf("history %v", got)
	}
	b.must(third, "d 5 IN A 192.0.2.9")
}

// A crash leaves any part of the last write. Whatever is left, what was acknowledged
// before that write is there, and of the write itself all or nothing.
func TestJournalThatIsCutAnywhere(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	z := b.mustStart()
	whole := [][]byte{contents(t, b.journal)}
	versions := [][]string{brief(dataOf(z))}
	for i := range 4 {
		b.must(z, fmt.Sprintf("n%d 5 IN A 192.0.2.9", i), "www 0 NONE A 192.0.2.80")
		whole = append(whole, contents(t, b.journal))
		versions = append(versions, brief(dataOf(z)))
	}
	all := whole[len(whole)-1]
	for n := len(whole[0]); n <= len(all); n++ {
		last := 0
		for last+1 < len(whole) && n >= len(whole[last+1]) {
			last++
		}
		for what, left := range map[string][]byte{
			"cut":   all[:n],
			"zeros": append(bytes.Clone(all[:n]), make([]byte, len(all)-n)...),
			"noise": append(bytes.Clone(all[:n]), bytes.Repeat([]byte{0xa5}, 40)...),
		} {
			if what == "zeros" && bytes.Equal(left, all) {
				continue // what is missing was zeros
			}
			if c, good, err := parseJournal(left, lookup.MustName("example.")); err != nil || len(c.steps) != last || good != len(whole[last]) {
				t.Fatalf("%s at %d: %d steps, %d octets, %v", what, n, len(c.steps), good, err)
			}
			if n > len(whole[last])+1 && n%29 > 0 {
				continue // a server takes longer than reading does
			}
			one := newBed(t)
			replace(t, one.journal, left)
			again, err := one.start()
			if err != nil {
				t.Fatalf("%s at %d: %v", what, n, err)
			}
			if got := brief(dataOf(again)); !slices.Equal(got, versions[last]) {
				t.Fatalf("%s at %d: got serial %d, want that of %d changes", what, n, dataOf(again).SOARecord().Serial(), last)
			}
			if cut := slices.Contains(one.events, Shorn); cut != (len(left) != len(whole[last])) {
				t.Fatalf("%s at %d: told: %t", what, n, cut)
			}
			one.must(again, "later 5 IN A 192.0.2.9") // and it goes on
			if _, ok := lookup.Find(dataOf(one.mustStart()).At(lookup.MustName("later.example.")), lookup.MustName("later.example."), lookup.TypeA); !ok {
				t.Fatalf("%s at %d: what came later is gone", what, n)
			}
		}
	}
}

func contents(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func replace(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// An octet that is another in the middle, of what was acknowledged long ago, is not taken
// for a crash: it is refused with the place, and the journal is left as it is.
func TestJournalThatIsDamaged(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	z := b.mustStart()
	b.must(z, "a 5 IN A 192.0.2.9")
	b.must(z, "b 5 IN A 192.0.2.9")
	before := len(contents(t, b.journal))
	b.must(z, "c 5 IN A 192.0.2.9")
	all := contents(t, b.journal)
	one := newBed(t)
	for i := range before {
		for _, flip := range []byte{1, 0x80} {
			damaged := bytes.Clone(all)
			damaged[i] ^= flip
			replace(t, one.journal, damaged)
			_, err := one.start()
			if corrupt, ok := errors.AsType[*CorruptError](err); !ok || corrupt.File != one.journal || corrupt.Offset > i {
				t.Fatalf("octet %d: got %v", i, err)
			}
		}
	}
	// Nor is it when a server that was started anew has put all of it together.
	z.Close()
	b.mustStart()
	all = contents(t, b.journal)
	for i := range len(all) - len(appendFrame(nil, appendSteps(nil, nil))) {
		damaged := bytes.Clone(all)
		damaged[i] ^= 1
		if _, _, err := parseJournal(damaged, lookup.MustName("example.")); err == nil {
			t.Fatalf("octet %d of a journal that was put together: no error", i)
		}
	}
	// Nor is the journal of another zone believed, or something else.
	for _, other := range []string{"", "x", magic, strings.Replace(string(all), "example", "elpmaxe", 1)} {
		one := newBed(t)
		replace(t, one.journal, []byte(other))
		if _, err := one.start(); err == nil {
			t.Errorf("%.20q was taken", other)
		}
	}
}

// A file that was edited while there are updates is refused, and both serials are named.
// The operator says which side to keep.
func TestFileThatWasEditedBesideUpdates(t *testing.T) {
	t.Parallel()
	edited := strings.Replace(text, " 7 1 2", " 20 1 2", 1) + "mine A 192.0.2.100\n"
	for _, mode := range []Mode{Overwrite, Discard} {
		b := newBed(t)
		z := b.mustStart()
		b.must(z, "new 5 IN A 192.0.2.9")
		b.edit(edited)
		err := b.takeOnly(z)
		if e, ok := errors.AsType[*EditedError](err); !ok || e.Serial != 20 || e.From != 7 || e.To != 8 {
			t.Fatalf("got %v", err)
		}
		for _, word := range []string{"serial 20", "serials 7 to 8", "sextant zone sync", b.file} {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%q is not in %v", word, err)
			}
		}
		if dataOf(z).SOARecord().Serial() != 8 {
			t.Error("the last good zone is gone")
		}
		b.must(z, "newer 5 IN A 192.0.2.9") // it goes on
		if _, err := b.start(); err == nil {
			t.Error("a server started with it")
		}
		if err := z.Sync(Refuse); err == nil {
			t.Error("it was written over")
		}
		if err := z.Sync(mode); err != nil {
			t.Fatal(err)
		}
		want := uint32(9)
		if mode == Discard {
			want = 20
		}
		for _, z := range []*Zone{z, b.mustStart()} {
			if s := z.Status(); s.Serial != want || s.File != want || s.Pending != 0 {
				t.Errorf("mode %d: got %+v", mode, s)
			}
		}
		_, mine := lookup.Find(dataOf(z).At(lookup.MustName("mine.example.")), lookup.MustName("mine.example."), lookup.TypeA)
		if mine != (mode == Discard) {
			t.Errorf("mode %d: the edit is there: %t", mode, mine)
		}
	}
}

func (b *bed) takeOnly(z *Zone) error {
	b.Helper()
	file, err := b.read()
	if err != nil {
		b.Fatal(err)
	}
	check, take := z.Check(file), z.Take(file)
	if (check == nil) != (take == nil) {
		b.Errorf("Check says %v, Take %v", check, take)
	}
	return take
}

// Once the file has what was changed, it can be edited again, and the edit is one more
// step of the history.
func TestFileThatIsEditedAfterSync(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	z := b.mustStart()
	b.must(z, "new 5 IN A 192.0.2.9")
	if err := z.Sync(Refuse); err != nil {
		t.Fatal(err)
	}
	synced := string(contents(t, b.file))
	if !strings.Contains(synced, "new.example.\t5\tIN\tA\t192.0.2.9\n") || !strings.HasPrefix(synced, "; Zone example., serial 8,") {
		t.Errorf("got\n%s", synced)
	}
	b.must(z, "newer 5 IN A 192.0.2.9")
	if err := z.Sync(Refuse); err != nil {
		t.Fatal(err)
	}
	b.edit(strings.Replace(string(contents(t, b.file)), " 9 1 2", " 30 1 2", 1) + "mine.example. 5 IN A 192.0.2.100\n")
	if err := b.takeOnly(z); err != nil {
		t.Fatal(err)
	}
	b.edit(strings.Replace(string(contents(t, b.file)), " 30 1 2", " 31 1 2", 1)) // and again
	if err := b.takeOnly(z); err != nil {
		t.Fatal(err)
	}
	b.must(z, "newest 5 IN A 192.0.2.9")
	for what, z := range map[string]*Zone{"at once": z, "after a restart": b.mustStart()} {
		if got := serials(z); !slices.Equal(got, []uint32{8, 9, 30, 31, 32}) {
			t.Errorf("%s: history %v", what, got)
		}
		for _, n := range []string{"new", "newer", "mine", "newest"} {
			if len(dataOf(z).At(lookup.MustName(n+".example."))) == 0 {
				t.Errorf("%s: %s is not there", what, n)
			}
		}
	}
}

// A crash after the file was written, and before the journal was, loses nothing: the file
// is known for what it holds.
func TestCrashInTheMiddleOfSync(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	z := b.mustStart()
	b.must(z, "new 5 IN A 192.0.2.9")
	before := contents(t, b.journal)
	if err := z.Sync(Refuse); err != nil {
		t.Fatal(err)
	}
	replace(t, b.journal, before)
	again := b.mustStart()
	if s := again.Status(); s.Serial != 8 || s.File != 8 || s.Pending != 0 || !slices.Equal(brief(dataOf(again)), brief(dataOf(z))) {
		t.Errorf("got %+v", s)
	}
}

// A file with the same serial and other RRs is another file; one whose serial goes back
// starts anew, when there is nothing to lose.
func TestSerialsAreNotBelieved(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	z := b.mustStart()
	b.edit(text + "mine A 192.0.2.100\n")
	if err := b.takeOnly(z); err != nil || len(serials(z)) != 0 || dataOf(z).Len() == load(t, text).Len() {
		t.Errorf("%v, history %v", err, serials(z))
	}
	b.must(z, "new 5 IN A 192.0.2.9")
	b.edit(text)
	if _, ok := errors.AsType[*EditedError](b.takeOnly(z)); !ok {
		t.Error("the serial alone was looked at")
	}
}

// When the journal cannot be written, nobody hears NOERROR, nothing changes, and it goes
// on when it can.
func TestJournalThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	z := b.mustStart()
	b.must(z, "new 5 IN A 192.0.2.9")
	z.journal.file.Close() // as a disk that fails
	was := dataOf(z)
	if got := b.update(z, "lost 5 IN A 192.0.2.9"); got != lookup.SERVFAIL || dataOf(z) != was || !slices.Contains(b.events, Unstored) {
		t.Errorf("got %s", got)
	}
	b.must(z, "found 5 IN A 192.0.2.9")
	for _, z := range []*Zone{z, b.mustStart()} {
		if got := serials(z); !slices.Equal(got, []uint32{8, 9}) || len(dataOf(z).At(lookup.MustName("lost.example."))) > 0 {
			t.Errorf("history %v", got)
		}
	}
	z.Close()
	if got := b.update(z, "later 5 IN A 192.0.2.9"); got != lookup.SERVFAIL {
		t.Errorf("closed: %s", got)
	}
	b.journal = filepath.Join(b.journal, "nowhere")
	if _, err := b.start(); err == nil {
		t.Error("a journal in no folder was opened")
	}
}

// A disk that is full while the master file is read again keeps nobody from serving it: what
// is new is there, at once and after a crash, and changes fail until there is room.
func TestFileThatIsReadOnAFullDisk(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	z := b.mustStart()
	b.must(z, "old 5 IN A 192.0.2.9")
	if err := z.Sync(Refuse); err != nil {
		t.Fatal(err)
	}
	edited := strings.Replace(text, " 7 ", " 20 ", 1)
	b.edit(edited + "edited A 192.0.2.100\n")
	edit := lookup.MustName("edited.example.")
	z.journal.path = filepath.Join(b.journal, "nowhere")
	if err := b.takeOnly(z); err != nil || len(dataOf(z).At(edit)) == 0 || !slices.Contains(b.events, Unstored) {
		t.Errorf("%v, history %v, %v", err, serials(z), b.events)
	}
	if got := b.update(z, "lost 5 IN A 192.0.2.9"); got != lookup.SERVFAIL || len(dataOf(z).At(edit)) == 0 {
		t.Errorf("got %s", got)
	}
	z = b.mustStart() // after a crash, with the journal as it was
	if len(dataOf(z).At(edit)) == 0 {
		t.Error("the edit is gone")
	}
	z.journal.path = filepath.Join(b.journal, "nowhere")
	b.edit(strings.Replace(edited, " 20 ", " 21 ", 1) + "edited A 192.0.2.100\n")
	if err := b.takeOnly(z); err != nil {
		t.Error(err)
	}
	z.journal.path = b.journal
	b.must(z, "found 5 IN A 192.0.2.9")
	for _, z := range []*Zone{z, b.mustStart()} {
		if len(dataOf(z).At(edit)) == 0 || len(dataOf(z).At(lookup.MustName("found.example."))) == 0 || len(dataOf(z).At(lookup.MustName("lost.example."))) > 0 {
			t.Errorf("history %v", serials(z))
		}
	}
}

// A journal does not grow for ever, and what the file lacks stays in it.
func TestJournalStaysBounded(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	z := b.mustStart()
	long := strings.Repeat(" "+strings.Repeat("x", 250), 8)
	largest := int64(0)
	for i := range 1500 {
		b.must(z, fmt.Sprintf("n%d 0 ANY ANY", i%50), fmt.Sprintf("n%d 5 IN TXT %d%s", i%50, i, long))
		largest = max(largest, z.Status().Journal)
	}
	if largest > 3*minFull || largest < minFull/2 {
		t.Errorf("%d octets", largest)
	}
	again := b.mustStart()
	if !slices.Equal(brief(dataOf(z)), brief(dataOf(again))) || again.Status().Serial != 1507 {
		t.Errorf("got serial %d", again.Status().Serial)
	}
	if got := serials(again); len(got) < 100 || len(got) > maxHistory || got[len(got)-1] != 1507 {
		t.Errorf("history %v", got)
	}
}

// Who transfers a zone is not given more of its history than is useful, and the latest.
func TestHistoryIsBounded(t *testing.T) {
	t.Parallel()
	c := chain{steps: make([]step, maxHistory+50)}
	c.steps[len(c.steps)-1].To.Name = "x"
	if got := c.history(); len(got) != maxHistory || got[maxHistory-1].To.Name != "x" {
		t.Errorf("%d steps", len(got))
	}
}

// What came and went again, or went and came back, is not in a sum.
func TestSumOfDifferences(t *testing.T) {
	t.Parallel()
	z := load(t, text)
	c := chain{first: versionOf(z)}
	for _, line := range []string{"new 5 IN A 192.0.2.9", "www 0 ANY TXT", "new 0 ANY ANY", "www 60 IN TXT Text", "other 5 IN A 192.0.2.9"} {
		is, diff, _ := Apply(z, ask(t, line))
		z, c = is, c.extended(diff)
	}
	d, err := sum(c.steps)
	if err != nil || len(d.Deleted) != 0 || len(d.Added) != 1 || d.From.Serial() != 7 || d.To.Serial() != 12 {
		t.Errorf("got %+v, %v", d, err)
	}
	is, err := replay(load(t, text), c.steps)
	if err != nil || versionOf(is) != versionOf(z) {
		t.Errorf("%v", err)
	}
	if _, err := replay(load(t, top), c.steps[1:]); err == nil {
		t.Error("differences of another zone were taken")
	}
}

// Those that come at the same time are done together, each on top of those before; one
// that cannot be done does not harm the others.
func TestUpdatesAtTheSameTime(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	uses := 0
	z := New(Options{Apex: lookup.MustName("example."), File: b.file, Journal: b.journal, Use: func() { uses++ }})
	if err := errors.Join(b.take(z), z.Open()); err != nil {
		t.Fatal(err)
	}
	const n = 60
	var done sync.WaitGroup
	var got [n]lookup.Rcode
	z.mu.Lock() // somebody is at work
	for i := range n {
		line := fmt.Sprintf("n%d 5 IN A 192.0.2.9", i)
		if i%20 == 7 {
			line = fmt.Sprintf("n%d.d 5 IN A 192.0.2.9", i) // below a DNAME
		}
		r := request(t, line)
		done.Go(func() { got[i] = z.Update(r).Rcode })
	}
	for len(queued(z)) < n {
	}
	z.mu.Unlock()
	done.Wait()
	bad := 0
	for i, rcode := range got {
		if (rcode == lookup.REFUSED) != (i%20 == 7) || rcode != lookup.REFUSED && rcode != lookup.NOERROR {
			t.Errorf("%d: %s", i, rcode)
		}
		if rcode == lookup.REFUSED {
			bad++
		}
	}
	if serial := dataOf(z).SOARecord().Serial(); serial != 7+n-uint32(bad) {
		t.Errorf("serial %d", serial)
	}
	// Good ones alone are one version and one write.
	uses = 0
	z.mu.Lock()
	for i := range n {
		r := request(t, fmt.Sprintf("m%d 5 IN A 192.0.2.9", i))
		done.Go(func() { z.Update(r) })
	}
	for len(queued(z)) < n {
	}
	z.mu.Unlock()
	done.Wait()
	if uses != 1 {
		t.Errorf("%d versions", uses)
	}
	z.Close()
	if serial := dataOf(b.mustStart()).SOARecord().Serial(); serial != 7+2*n-uint32(bad) {
		t.Errorf("after a restart serial %d", serial)
	}
}

func queued(z *Zone) []*waiting {
	z.queue.Lock()
	defer z.queue.Unlock()
	return z.waiting
}

// Too many that wait are told to come again.
func TestQueueIsBounded(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	z := b.mustStart()
	z.waiting = make([]*waiting, maxWaiting)
	if got := b.update(z, "new 5 IN A 192.0.2.9"); got != lookup.SERVFAIL {
		t.Error(got)
	}
}

func BenchmarkUpdate(b *testing.B) {
	var text bytes.Buffer
	text.WriteString(top)
	for i := range 100_000 {
		fmt.Fprintf(&text, "h%06x A 10.0.%d.%d\n", i*2654435761&0xffffff, i>>8&255, i&255)
	}
	file := load(b, text.String())
	for _, together := range []int{1, 50} {
		b.Run(fmt.Sprint(together), func(b *testing.B) {
			z := New(Options{Apex: file.Apex(), Journal: filepath.Join(b.TempDir(), "journal")})
			if err := errors.Join(z.Take(file), z.Open()); err != nil {
				b.Fatal(err)
			}
			i := 0
			for b.Loop() {
				var all []*waiting
				for range together {
					i++
					all = append(all, &waiting{Request: request(b, fmt.Sprintf("n%d 5 IN A 192.0.2.9", i))})
				}
				z.mu.Lock()
				z.work(all)
				z.mu.Unlock()
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(i), "ms/update")
		})
	}
}
