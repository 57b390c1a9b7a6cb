//go:build !linux

package transport

import "syscall"

// dontFragment leaves the socket as it is: queries are far smaller than any path
// MTU, and replies are kept small by the size that the query offers.
func dontFragment(string, string, syscall.RawConn) error { return nil }
