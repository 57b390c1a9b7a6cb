package store_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/store"
)

func vault(t *testing.T, folder string) *store.Vault {
	t.Helper()
	v, err := store.OpenVault(folder)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func save(t *testing.T, v *store.Vault, epoch uint64, content string) {
	t.Helper()
	if err := v.Save("example.io.", epoch, []byte(content)); err != nil {
		t.Fatal(err)
	}
}

func loads(t *testing.T, v *store.Vault, want string, epoch uint64, wrong error) {
	t.Helper()
	got, e, err := v.Load("example.io.")
	if string(got) != want || e != epoch || !errors.Is(err, wrong) {
		t.Errorf("%q, epoch %d, %v; want %q, %d, %v", got, e, err, want, epoch, wrong)
	}
}

func TestVaultKeepsRecordsAcrossRestarts(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "lifeline")
	v := vault(t, folder)
	loads(t, v, "", 0, nil)
	save(t, v, 1, "one")
	save(t, v, 1, "one, again")
	save(t, v, 2, "two")
	v = vault(t, folder)
	loads(t, v, "two", 2, nil)
	if info, err := os.Stat(filepath.Join(folder, "key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key: %v %v", info.Mode(), err)
	}
	if err := v.Save("example.io.", 3, make([]byte, 64<<10+1)); err == nil {
		t.Error("a record of more than 64 KiB was kept")
	}
	if err := v.Remove("example.io."); err != nil {
		t.Error(err)
	}
	loads(t, v, "", 0, nil)
	left, _ := filepath.Glob(filepath.Join(folder, "*"))
	if len(left) != 1 {
		t.Errorf("left after Remove: %v", left)
	}
}

// Whatever octet of the newest generation is changed, or wherever it is cut: it is
// noticed, and the one before it counts.
func TestVaultNoticesDamage(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	v := vault(t, folder)
	save(t, v, 1, "one")
	save(t, v, 2, "two")
	file := filepath.Join(folder, "record-example.io.")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	write := func(content []byte) {
		t.Helper()
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		loads(t, v, "one", 1, store.ErrSeal)
	}
	for i := range whole {
		damaged := bytes.Clone(whole)
		damaged[i] ^= 0x40
		write(damaged)
		write(whole[:i])
	}
	write(append(bytes.Clone(whole), make([]byte, 1<<20)...))
}

func TestVaultNoticesThePast(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	v := vault(t, folder)
	file := filepath.Join(folder, "record-example.io.")
	save(t, v, 1, "one")
	past, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for epoch := uint64(2); epoch <= 6; epoch++ {
		save(t, v, epoch, "later")
	}
	for _, name := range []string{"", ".1", ".2"} {
		if err := os.WriteFile(file+name, past, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	loads(t, v, "", 0, store.ErrOld)

	// A record of another name, under this one, is not this one's.
	if err := v.Save("example.jp.", 9, []byte("jp")); err != nil {
		t.Fatal(err)
	}
	other, _ := os.ReadFile(filepath.Join(folder, "record-example.jp."))
	if err := os.WriteFile(file, other, 0o600); err != nil {
		t.Fatal(err)
	}
	loads(t, v, "", 0, store.ErrSeal)
}

func TestVaultWantsItsKey(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	vault(t, folder)
	key := filepath.Join(folder, "key")
	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := store.OpenVault(folder); err == nil || !strings.Contains(err.Error(), "others may read it") {
		t.Errorf("%v", err)
	}
	if err := errors.Join(os.Chmod(key, 0o600), os.WriteFile(key, []byte("short"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := store.OpenVault(folder); err == nil || !strings.Contains(err.Error(), "5 octets, expected 32") {
		t.Errorf("%v", err)
	}
}
