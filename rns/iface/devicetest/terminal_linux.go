package devicetest

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"unsafe"
)

// terminal is a pseudo-terminal. The simulation reads and writes the master; programs open the path. The simulation keeps
// the slave open, so that the master does not fail while no program has it.
type terminal struct {
	*os.File
	slave *os.File
	path  string
}

func openTerminal() (*terminal, error) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	var number, unlock uint32
	if err := errors.Join(control(master, syscall.TIOCSPTLCK, unsafe.Pointer(&unlock)),
		control(master, syscall.TIOCGPTN, unsafe.Pointer(&number))); err != nil {
		return nil, errors.Join(err, master.Close())
	}
	path := fmt.Sprintf("/dev/pts/%d", number)
	slave, err := os.OpenFile(path, os.O_RDWR|syscall.O_NOCTTY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, errors.Join(err, master.Close())
	}
	t := &terminal{File: master, slave: slave, path: path}
	if err := raw(slave); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

// Close hangs up on the program that has the terminal open.
func (t *terminal) Close() error { return errors.Join(t.File.Close(), t.slave.Close()) }

// raw keeps the terminal from echoing and translating before a program has set it up.
func raw(f *os.File) error {
	var s syscall.Termios
	if err := control(f, syscall.TCGETS, unsafe.Pointer(&s)); err != nil {
		return err
	}
	s.Iflag, s.Oflag, s.Lflag = 0, 0, 0
	s.Cflag = s.Cflag&^(syscall.CSIZE|syscall.PARENB) | syscall.CS8 | syscall.CREAD | syscall.CLOCAL
	return control(f, syscall.TCSETS, unsafe.Pointer(&s))
}

func control(f *os.File, request uintptr, arg unsafe.Pointer) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed syscall.Errno
	err = conn.Control(func(fd uintptr) {
		_, _, failed = syscall.Syscall(syscall.SYS_IOCTL, fd, request, uintptr(arg))
	})
	if err == nil && failed != 0 {
		err = os.NewSyscallError("ioctl", failed)
	}
	return err
}

func makeLink(path, link string) error { return os.Symlink(path, link) }

func removeLink(link string) {
	if i, err := os.Lstat(link); err == nil && i.Mode()&os.ModeSymlink != 0 {
		_ = os.Remove(link)
	}
}
