//go:build unix

package pipe

import (
	"os/exec"
	"syscall"
)

// The ways to end a group.
const (
	polite = syscall.SIGTERM
	final  = syscall.SIGKILL
)

// ownGroup makes the program the head of a process group, so that all it starts can be ended with it.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// signalGroup sends a signal to the program and all it started. A group that is gone is what was wanted.
func signalGroup(cmd *exec.Cmd, s syscall.Signal) { _ = syscall.Kill(-cmd.Process.Pid, s) }
