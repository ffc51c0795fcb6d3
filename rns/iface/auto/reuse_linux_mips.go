//go:build linux && (mips || mipsle || mips64 || mips64le)

package auto

// reusePort is SO_REUSEPORT.
const reusePort = 0x200
