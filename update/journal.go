package update

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/store"
)

// CorruptError says that a journal cannot be believed.
type CorruptError struct {
	File   string
	Offset int // where what cannot be read begins
	Cause  error
}

// Error names the file and the place.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("journal %s is damaged at octet %d of it: %v; what it says before that is good. "+
		"Put back a copy of it, or remove it, and the zone is what its file says", e.File, e.Offset, e.Cause)
}

// Unwrap is the cause.
func (e *CorruptError) Unwrap() error { return e.Cause }

var (
	errLocked = errors.New("another server keeps this journal")
	errTaken  = errors.New("another server has written this journal meanwhile; start again")

	errMagic   = errors.New("it does not begin as a journal does")
	errDamaged = errors.New("a checksum does not hold, and good entries follow")
)

// readJournal reads the journal of a zone; ok is false when there is none. good is how
// many octets of it are: a crash in the middle of a write leaves more, which nobody has
// been told NOERROR for.
func readJournal(path string, apex lookup.Name) (c chain, good, size int, ok bool, err error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, 0, 0, false, nil
	}
	if err != nil {
		return c, 0, 0, false, err
	}
	c, good, err = parseJournal(b, apex)
	if err != nil {
		return c, good, len(b), false, &CorruptError{File: path, Offset: good, Cause: err}
	}
	return c, good, len(b), true, nil
}

// parseJournal reads what writeJournal and frames behind it have written, as far as it
// is good. A frame that is not good is the end of it when none that is follows.
func parseJournal(b []byte, apex lookup.Name) (c chain, good int, err error) {
	if len(b) < len(magic) || string(b[:len(magic)]) != magic {
		return c, 0, errMagic
	}
	body, rest, ok := nextFrame(b[len(magic):])
	if !ok { // it was written as a whole
		return c, len(magic), errDamaged
	}
	r := reader{b: string(body)}
	c, file := r.first(apex)
	if r.err != nil {
		return c, len(magic), r.err
	}
	for good = len(b) - len(rest); len(rest) > 0; good = len(b) - len(rest) {
		body, next, ok := nextFrame(rest)
		if !ok {
			if anyFrame(rest[1:]) {
				return c, good, errDamaged
			}
			break
		}
		r := reader{b: string(body)}
		if c = r.steps(c); r.err != nil {
			return c, good, r.err
		}
		rest = next
	}
	if file > len(c.steps) {
		return c, good, errStep
	}
	c.file = file
	return c, good, nil
}

// journal is the file that a zone's changes are written to before they are told.
type journal struct {
	path string
	apex lookup.Name
	file *os.File // nil: what is there is not what it should be, and is written anew
	size int64    // of what is good
	full int64    // when it is larger it is written anew

	lock *os.File    // beside it, as it is replaced itself; nil: it is not ours yet
	was  os.FileInfo // when it was read; nil: it was not there
	good bool        // it was there, and says all that anybody was told to be done
}

// take makes the journal ours, for as long as nobody closes it. It must be as it was when
// it was read: what another server has said yes to since would be lost.
func (j *journal) take() error {
	if j.lock != nil {
		return nil
	}
	f, err := os.OpenFile(j.path+".lock", os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	err = tryLock(f)
	if is := j.stat(); err == nil && !sameFile(j.was, is) {
		err = errTaken
	}
	if err != nil {
		_ = f.Close() // nothing was written
		return fmt.Errorf("%s: %w", j.path, err)
	}
	j.lock = f
	return nil
}

// stat is how the file is now; nil: there is none that we can see.
func (j *journal) stat() os.FileInfo {
	info, err := os.Stat(j.path)
	if err != nil {
		return nil
	}
	return info
}

func sameFile(a, b os.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// release lets others have it.
func (j *journal) release() {
	j.close()
	if j.lock != nil {
		_ = j.lock.Close() // nothing was written
	}
	j.lock = nil
}

// minFull is how large a journal may become in any case.
const minFull = 1 << 20

// rewrite makes the journal that of a chain, as a whole.
func (j *journal) rewrite(c chain) error {
	j.close()
	b := appendFrame([]byte(magic), appendFirst(nil, j.apex, c))
	if len(c.steps) > 0 {
		b = appendFrame(b, appendSteps(nil, c.steps))
		// One of no steps seals it: no crash can have cut off what stands before it, so
		// that damage there is not taken for a crash.
		b = appendFrame(b, appendSteps(nil, nil))
	}
	err := store.Replace(j.path, zeroTime, func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
	if err != nil {
		return err
	}
	f, err := os.OpenFile(j.path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	j.file, j.size, j.full = f, int64(len(b)), max(minFull, 2*int64(len(b)))
	return nil
}

// append writes steps behind what is there; they are on the disk when it returns without
// an error. After an error nobody knows what is.
func (j *journal) append(steps []step) error {
	b := appendFrame(nil, appendSteps(nil, steps))
	if _, err := j.file.WriteAt(b, j.size); err != nil {
		j.close()
		return err
	}
	if err := j.file.Sync(); err != nil {
		j.close()
		return err
	}
	j.size += int64(len(b))
	return nil
}

func (j *journal) close() {
	if j.file != nil {
		_ = j.file.Close() // what counts was synced
	}
	j.file = nil
}

// isFull tells whether it is time to write it anew, and shorter.
func (j *journal) isFull() bool { return j.size > j.full }
