package serialport

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"go.bug.st/serial"
)

// device is a terminal opened twice: the library's handle sets it up and keeps it to ourselves, the file moves the bytes.
// The file is polled by the runtime, so that closing it ends reads and writes that a silent device would block for good.
type device struct {
	*os.File
	setup serial.Port
}

func open(path string, m *serial.Mode) (io.ReadWriteCloser, error) {
	f, err := os.OpenFile(path, os.O_RDWR|syscall.O_NOCTTY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if err := lock(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	setup, err := serial.Open(path, m)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if err := setup.ResetInputBuffer(); err != nil {
		return nil, errors.Join(err, f.Close(), setup.Close())
	}
	return &device{File: f, setup: setup}, nil
}

// lock keeps other programs that lock, and other interfaces of this one, from the device until it is closed. The exclusive
// mode of terminals, which the library sets too, does not stop the superuser. spec: rns-interfaces §7
func lock(f *os.File) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := conn.Control(func(fd uintptr) { failed = syscall.Flock(int(fd), syscall.LOCK_EX|syscall.LOCK_NB) }); err != nil {
		return err
	}
	if errors.Is(failed, syscall.EWOULDBLOCK) {
		return syscall.EBUSY
	}
	return failed
}

// Close closes both handles.
func (d *device) Close() error { return errors.Join(d.File.Close(), d.setup.Close()) }

func explainSystem(err error) error {
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, syscall.ENXIO), errors.Is(err, syscall.ENODEV):
		return fmt.Errorf("%w (%w)", ErrNotFound, err)
	case errors.Is(err, syscall.EBUSY):
		return fmt.Errorf("%w (%w)", ErrBusy, err)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("%w (%w)", ErrPermission, err)
	}
	return err
}
