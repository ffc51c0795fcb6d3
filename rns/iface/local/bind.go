package local

import (
	"context"
	"errors"
	"net"
	"runtime"
	"syscall"
)

// windowsInUse is what Windows says of an address in use.
const windowsInUse = syscall.Errno(10048)

// Listen binds a socket. InUse tells whether the error means that another program has it.
func Listen(ctx context.Context, a Address) (net.Listener, error) {
	return new(net.ListenConfig).Listen(ctx, a.Network, a.Address)
}

// InUse reports whether a socket could not be bound because it is bound already.
func InUse(err error) bool {
	var errno syscall.Errno
	return errors.As(err, &errno) && (errno == syscall.EADDRINUSE || runtime.GOOS == "windows" && errno == windowsInUse)
}
