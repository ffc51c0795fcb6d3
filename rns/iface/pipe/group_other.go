//go:build !unix

package pipe

import "os/exec"

// force is how a program is ended.
type force uint8

// The ways to end a program: systems without signals know only one.
const (
	polite force = iota
	final
)

// ownGroup does nothing: without process groups what the program starts must notice that its pipes are closed.
func ownGroup(*exec.Cmd) {}

// signalGroup ends the program.
func signalGroup(cmd *exec.Cmd, f force) {
	if f == final {
		_ = cmd.Process.Kill()
	}
}
