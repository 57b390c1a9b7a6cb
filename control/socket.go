package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"strconv"
	"syscall"
	"time"
)

const (
	forOwner fs.FileMode = 0o600
	forGroup fs.FileMode = 0o660
)

// open listens on a socket at path that its owner and, if one is given, the group
// may use.
func open(path, group string) (net.Listener, os.FileInfo, error) {
	gid, err := groupID(group)
	if err != nil {
		return nil, nil, err
	}
	if err := vacate(path); err != nil {
		return nil, nil, err
	}
	// Nobody else may slip in before the mode is set. Where the system lets the
	// socket have one before it has a name, this is all that is needed; elsewhere
	// the folder has to keep strangers out.
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) { _ = syscall.Fchmod(int(fd), uint32(forOwner)) })
	}}
	l, err := config.Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, nil, err
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false) // see remove
	file, err := admit(path, gid)
	if err != nil {
		return nil, nil, errors.Join(err, l.Close(), os.Remove(path))
	}
	return l, file, nil
}

// admit lets the owner of the socket, and the group unless gid is below 0, use it.
func admit(path string, gid int) (os.FileInfo, error) {
	mode := forOwner
	if gid >= 0 {
		mode = forGroup
		if err := os.Lchown(path, -1, gid); err != nil {
			return nil, err
		}
	}
	if err := os.Chmod(path, mode); err != nil {
		return nil, err
	}
	return os.Lstat(path)
}

// groupID is the number of a group; -1 when none is given.
func groupID(group string) (int, error) {
	if group == "" {
		return -1, nil
	}
	if gid, err := strconv.Atoi(group); err == nil && gid >= 0 {
		return gid, nil
	}
	g, err := user.LookupGroup(group)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(g.Gid)
}

// vacate removes the socket of a server that has not lived to do so.
func vacate(path string) error {
	file, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case file.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s is there and is no socket", path)
	}
	c, err := net.DialTimeout("unix", path, time.Second)
	switch {
	case err == nil:
		return errors.Join(fmt.Errorf("another server listens on %s", path), c.Close())
	case !errors.Is(err, syscall.ECONNREFUSED):
		return err
	}
	return os.Remove(path)
}

// remove removes the socket that was opened, and no other that has taken its place.
func remove(path string, file os.FileInfo) {
	if now, err := os.Lstat(path); err == nil && os.SameFile(now, file) {
		_ = os.Remove(path) // it would be replaced at the next start
	}
}
