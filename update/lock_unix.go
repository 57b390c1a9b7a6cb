//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package update

import (
	"errors"
	"os"
	"syscall"
)

// tryLock locks a file for the process, until the file is closed or the process ends.
func tryLock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errLocked
	}
	return err
}
