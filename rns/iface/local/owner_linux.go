package local

import (
	"net"
	"os"
	"syscall"
)

// checkOwner refuses a socket of another user. Sockets that do not tell pass.
func checkOwner(conn net.Conn) error {
	c, ok := conn.(*net.UnixConn)
	if !ok {
		return nil
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var cred *syscall.Ucred
	var credErr error
	if err := raw.Control(func(fd uintptr) {
		cred, credErr = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	}); err != nil {
		return err
	}
	if credErr == nil && cred.Uid != 0 && int(cred.Uid) != os.Geteuid() {
		return &ForeignError{UID: int(cred.Uid)}
	}
	return nil
}
