//go:build unix && !linux && !solaris && !illumos && !aix

package auto

import "syscall"

// reusePort is SO_REUSEPORT.
const reusePort = syscall.SO_REUSEPORT
