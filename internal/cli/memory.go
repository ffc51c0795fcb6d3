package cli

import "runtime/debug"

const (
	// collectAt is how much the heap may grow before garbage is collected, in percent. Half of Go's own value leaves 47 MiB
	// instead of 65 after 5,000 announces, for about a fifth more processor time while they are stored. See docs/performance.md.
	collectAt = 50
	// softLimit is the memory, in bytes, near which garbage is collected at once: with a million destinations the copies made
	// for a save fit below 2 GiB.
	softLimit = 1792 << 20
)

// tuneMemory keeps a program that runs long small. GOGC and GOMEMLIMIT in the environment come first.
func tuneMemory(env *Environment) {
	if env.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
	if env.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softLimit)
	}
}
