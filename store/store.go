package store

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"
)

// Replace puts what write writes into the place of the file at path, as a whole or,
// when anything fails, not at all; then its error is write's or the system's.
// modified becomes the file's time of modification; the zero Time is now. The folder
// must exist. Of two that replace one file at the same time, one wins.
func Replace(path string, modified time.Time, write func(io.Writer) error) (err error) {
	folder := filepath.Dir(path)
	f, err := os.CreateTemp(folder, "."+filepath.Base(path)+".*.new")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if err = errors.Join(write(f), f.Chmod(0o644), f.Sync()); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	if !modified.IsZero() {
		if err = os.Chtimes(f.Name(), modified, modified); err != nil {
			return err
		}
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	settle(folder)
	return nil
}

// settle sees to it that a new name in a folder is on the disk. Not every file
// system can do that, and the file is in its place already.
func settle(folder string) {
	d, err := os.Open(folder)
	if err != nil {
		return
	}
	_ = d.Sync()
	_ = d.Close()
}
