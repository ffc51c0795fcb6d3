//go:build solaris || illumos || aix

package auto

import "syscall"

// reusePort is SO_REUSEADDR again: these systems share ports by it alone.
const reusePort = syscall.SO_REUSEADDR
