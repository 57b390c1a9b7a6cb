//go:build e2e && !linux

package e2e_test

import "syscall"

// dieWithUs is for Linux, where most of these tests run.
func dieWithUs() *syscall.SysProcAttr { return nil }
