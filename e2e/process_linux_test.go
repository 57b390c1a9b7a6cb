//go:build e2e

package e2e_test

import "syscall"

// dieWithUs lets a server end even when the tests are killed: go test does that
// to tests that take too long. SIGKILL, because one of them may stand stopped.
func dieWithUs() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
