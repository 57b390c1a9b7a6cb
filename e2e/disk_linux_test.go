//go:build e2e

package e2e_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The disk is full while clients change a zone: they hear SERVFAIL, what others were told to
// be done stays, and when there is room again changes go on. A journal that was changed by
// somebody else is not used, and not touched.
func TestDiskIsFull(t *testing.T) {
	needs(t, "root", "ip", "nsupdate", "dig", "mount")
	t.Parallel()
	f := newFamily(t)
	small := f.path("small")
	if err := os.Mkdir(small, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=256k"); err != nil {
		missing(t, "needs a tmpfs: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(small, syscall.MNT_DETACH) })
	f.serveDynamic(t, "    journal: small/journal\n")
	done := map[string]bool{}
	change := func(name string) string {
		out := f.nsupdate(t, adminKey, "update add "+name+".dyn.example 60 TXT \""+strings.Repeat("x", 250)+"\" \""+strings.Repeat("y", 250)+"\"")
		if out == "" {
			done[name+".dyn.example."] = true
		}
		return out
	}
	for i := range 10 {
		if out := change(fmt.Sprintf("before%d", i)); out != "" {
			t.Fatal(out)
		}
	}
	if err := os.WriteFile(filepath.Join(small, "filler"), make([]byte, 1<<20), 0o600); err == nil {
		t.Fatal("the disk is not full")
	}
	failed := 0
	for i := range 40 {
		if out := change(fmt.Sprintf("full%d", i)); out != "" {
			if failed++; !strings.Contains(out, "SERVFAIL") {
				t.Fatal(out)
			}
		}
	}
	if failed == 0 {
		t.Fatal("nothing failed on a full disk")
	}
	there := func(when string) {
		t.Helper()
		text := strings.Join(f.whole(t, ourAddr, "dyn.example"), "\n")
		for name := range done {
			if !strings.Contains(text, name+" 60 IN TXT") {
				t.Errorf("%s: %s is lost", when, name)
			}
		}
		if n := strings.Count(text, " IN TXT "); n != len(done) {
			t.Errorf("%s: %d are there, %d were acknowledged", when, n, len(done))
		}
	}
	there("on a full disk")
	f.kill(t, 0)
	f.restart(t)
	there("after a crash on a full disk")
	if err := os.Remove(filepath.Join(small, "filler")); err != nil {
		t.Fatal(err)
	}
	if out := change("after"); out != "" {
		t.Errorf("with room again: %s", out)
	}
	there("with room again")
	f.kill(t, 0)

	journal, err := os.ReadFile(filepath.Join(small, "journal"))
	if err != nil {
		t.Fatal(err)
	}
	journal[len(journal)/2] ^= 0x10
	write(t, filepath.Join(small, "journal"), string(journal))
	out, err := f.try(t, sextant, "serve", "--config", f.path("sextant.yaml"))
	if err == nil || !strings.Contains(out, "is damaged at octet") {
		t.Errorf("with a damaged journal: %v\n%s", err, out)
	}
	if again, err := os.ReadFile(filepath.Join(small, "journal")); err != nil || string(again) != string(journal) {
		t.Error(errors.Join(errors.New("the damaged journal was touched"), err))
	}
}
