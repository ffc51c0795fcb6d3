//go:build linux && !mips && !mipsle && !mips64 && !mips64le

package auto

// reusePort is SO_REUSEPORT, which the standard library does not name on every architecture.
const reusePort = 0xf
