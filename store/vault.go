package store

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// What Load finds wrong with a record.
var (
	ErrSeal = errors.New("the seal is broken: the file is damaged, or somebody else has written it")
	ErrOld  = errors.New("an older record has been put into the place of a newer one")
)

// Of each record the generations that are kept, and the most octets that one may have.
const (
	generations = 3
	maxRecord   = 64 << 10
)

// A Vault keeps records in a folder, each in a file of its own and sealed with an HMAC
// (RFC 2104, SHA-256), so that what was damaged, written by others or put back from the
// past is noticed when it is read. The key is in the folder, and only its owner may read
// it: who can read that can do anything. A Vault is safe for concurrent use as long as
// no two save one record at the same time.
type Vault struct {
	folder string
	key    []byte
}

// OpenVault opens a folder, which is made when there is none.
func OpenVault(folder string) (*Vault, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	v := &Vault{folder: folder}
	path := filepath.Join(folder, "key")
	key, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return v, v.makeKey(path)
	case err != nil:
		return nil, err
	case len(key) != sha256.Size:
		return nil, fmt.Errorf("%s: %d octets, expected %d; without the key nothing in the folder can be believed: remove it to begin anew", path, len(key), sha256.Size)
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s: others may read it (mode %v), expected 0600", path, info.Mode().Perm())
	}
	v.key = key
	return v, nil
}

func (v *Vault) makeKey(path string) error {
	v.key = make([]byte, sha256.Size)
	_, _ = rand.Read(v.key) // it never fails
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(v.key)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		settle(v.folder)
	}
	return err
}

// path is the file of a record and a generation: 0 is the newest.
func (v *Vault) path(name string, generation int) string {
	file := strings.Map(func(r rune) rune {
		if r == '/' || r == 0 || r == os.PathSeparator {
			return '_'
		}
		return r
	}, name)
	if generation > 0 {
		file = fmt.Sprintf("%s.%d", file, generation)
	}
	return filepath.Join(v.folder, "record-"+file)
}

// Save puts content into the place of what the record was, on the disk when it returns.
// epoch never goes down; when it goes up, the record as it was stays as the generation
// before.
func (v *Vault) Save(name string, epoch uint64, content []byte) error {
	if len(content) > maxRecord {
		return fmt.Errorf("record %s: %d octets, and at most %d are kept", name, len(content), maxRecord)
	}
	if _, last, err := v.read(v.path(name, 0), name); err == nil && last != epoch {
		for g := generations - 1; g > 0; g-- {
			if err := os.Rename(v.path(name, g-1), v.path(name, g)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	if mark, err := v.mark(name); err != nil || mark < epoch {
		if err := v.write(v.path(name+" mark", 0), name+" mark", epoch, nil); err != nil {
			return err
		}
	}
	return v.write(v.path(name, 0), name, epoch, content)
}

// Load is the newest generation of a record whose seal is whole and that is not older
// than those that are kept. nil is that there is none. The error says what is wrong with
// newer ones, also when there is content.
func (v *Vault) Load(name string) (content []byte, epoch uint64, err error) {
	mark, markErr := v.mark(name)
	var wrong []error
	if markErr != nil {
		wrong = append(wrong, markErr)
	}
	for g := range generations {
		path := v.path(name, g)
		content, epoch, err := v.read(path, name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			wrong = append(wrong, fmt.Errorf("%s: %w", path, err))
		case epoch+generations <= mark:
			wrong = append(wrong, fmt.Errorf("%s: %w: epoch %d, and there were %d", path, ErrOld, epoch, mark))
		default:
			return content, epoch, errors.Join(wrong...)
		}
	}
	return nil, 0, errors.Join(wrong...)
}

// Remove forgets a record.
func (v *Vault) Remove(name string) error {
	var wrong []error
	for g := range generations {
		wrong = append(wrong, os.Remove(v.path(name, g)))
	}
	wrong = append(wrong, os.Remove(v.path(name+" mark", 0)))
	for i, err := range wrong {
		if errors.Is(err, fs.ErrNotExist) {
			wrong[i] = nil
		}
	}
	return errors.Join(wrong...)
}

// mark is the highest epoch that was ever saved.
func (v *Vault) mark(name string) (uint64, error) {
	path := v.path(name+" mark", 0)
	_, epoch, err := v.read(path, name+" mark")
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	return epoch, nil
}

func (v *Vault) seal(name string, epoch, content []byte) []byte {
	mac := hmac.New(sha256.New, v.key)
	mac.Write([]byte(name))
	mac.Write([]byte{0})
	mac.Write(epoch)
	mac.Write(content)
	return mac.Sum(nil)
}

func (v *Vault) write(path, name string, epoch uint64, content []byte) error {
	e := binary.BigEndian.AppendUint64(nil, epoch)
	return Replace(path, time.Time{}, func(w io.Writer) error {
		for _, part := range [][]byte{v.seal(name, e, content), e, content} {
			if _, err := w.Write(part); err != nil {
				return err
			}
		}
		return nil
	})
}

// read reads a file, however large somebody has made it.
func (v *Vault) read(path, name string) (content []byte, epoch uint64, err error) {
	const head = sha256.Size + 8
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	all, err := io.ReadAll(io.LimitReader(f, head+maxRecord+1))
	if err != nil {
		return nil, 0, err
	}
	if len(all) < head || len(all) > head+maxRecord || !hmac.Equal(all[:sha256.Size], v.seal(name, all[sha256.Size:head], all[head:])) {
		return nil, 0, ErrSeal
	}
	return all[head:], binary.BigEndian.Uint64(all[sha256.Size:head]), nil
}
