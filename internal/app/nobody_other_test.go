//go:build !linux

package app

import (
	"os"
	"testing"
)

// asNobody runs f unless the rights of root would make it meaningless.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Getuid() != 0 {
		f()
	}
}
