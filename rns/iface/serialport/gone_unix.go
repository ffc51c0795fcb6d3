//go:build unix

package serialport

import (
	"errors"
	"syscall"
)

// gone tells the errors of a terminal whose device was pulled.
func gone(err error) bool {
	return errors.Is(err, syscall.EIO) || errors.Is(err, syscall.ENXIO) || errors.Is(err, syscall.ENODEV)
}
