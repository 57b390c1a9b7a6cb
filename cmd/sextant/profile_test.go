package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// Not parallel: there is one profile at a time of a process.
func TestAProfileIsOfWhatIsDoneMeanwhile(t *testing.T) {
	path, done := filepath.Join(t.TempDir(), "profile"), errors.New("done")
	err := profiled(path, func() error {
		if err := profiled(path+"2", func() error { t.Error("it is done all the same"); return nil }); err == nil {
			t.Error("two profiles at a time")
		}
		return done
	})
	written, _ := os.ReadFile(path)
	if err != done || !bytes.HasPrefix(written, []byte{0x1f, 0x8b}) {
		t.Errorf("%v, and %q is written, which is not what go tool pprof reads", err, written)
	}
	if err := profiled(filepath.Join(path, "no folder"), nil); err == nil {
		t.Error("no complaint of a file that cannot be")
	}
	if err := profiled("", func() error { return done }); err != done {
		t.Error(err)
	}
}
