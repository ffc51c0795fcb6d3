//go:build !linux

package devicetest

import "os"

type terminal struct {
	*os.File
	path string
}

func openTerminal() (*terminal, error) { return nil, ErrUnsupported }
func makeLink(string, string) error    { return ErrUnsupported }
func removeLink(string)                {}
