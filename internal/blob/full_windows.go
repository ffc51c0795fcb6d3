package blob

import (
	"errors"
	"syscall"
)

// Errors of the system that mean that there is no room.
const (
	handleDiskFull = syscall.Errno(39)
	diskFull       = syscall.Errno(112)
)

// full reports whether an error of the system means that there is no room.
func full(err error) bool { return errors.Is(err, handleDiskFull) || errors.Is(err, diskFull) }
