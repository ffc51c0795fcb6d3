//go:build unix

package blob

import (
	"errors"
	"syscall"
)

// full reports whether an error of the system means that there is no room.
func full(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}
