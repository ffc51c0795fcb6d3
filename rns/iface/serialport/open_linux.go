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
	setup, err := serial.Open(path, m)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if err := setup.ResetInputBuffer(); err != nil {
		return nil, errors.Join(err, f.Close(), setup.Close())
	}
	return &device{File: f, setup: setup}, nil
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
