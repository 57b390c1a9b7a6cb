package store_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sextant-dns/sextant/store"
)

func says(text string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}
}

func TestReplace(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path, when := filepath.Join(folder, "anchors"), time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for _, text := range []string{"the first", "the second"} {
		if err := store.Replace(path, when, says(text)); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != text {
			t.Errorf("got %q, %v", got, err)
		}
	}
	info, err := os.Stat(path)
	if err != nil || !info.ModTime().Equal(when) || info.Mode().Perm() != 0o644 {
		t.Errorf("%v, %v", info, err)
	}
}

// What cannot be written whole leaves no trace.
func TestWhatFailsChangesNothing(t *testing.T) {
	t.Parallel()
	folder, full := t.TempDir(), errors.New("the disk is full")
	path := filepath.Join(folder, "anchors")
	if err := store.Replace(path, time.Time{}, says("what was")); err != nil {
		t.Fatal(err)
	}
	err := store.Replace(path, time.Time{}, func(w io.Writer) error {
		_, _ = io.WriteString(w, "half of")
		return full
	})
	if !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "what was" {
		t.Errorf("got %q, %v", got, err)
	}
	left, err := os.ReadDir(folder)
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if err := store.Replace(filepath.Join(folder, "nowhere", "anchors"), time.Time{}, says("")); err == nil {
		t.Error("a folder that is not there is no error")
	}
}

func ExampleReplace() {
	folder, err := os.MkdirTemp("", "store")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "memory")
	err = store.Replace(path, time.Time{}, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, "worth remembering")
		return err
	})
	text, _ := os.ReadFile(path)
	fmt.Print(err, " ", string(text))
	// Output: <nil> worth remembering
}
