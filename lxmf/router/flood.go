package router

import (
	"sync"
	"time"

	"meshchatx/rns"
)

// FloodParams say when strangers have to work more, and how much. DefaultFloodParams fills them.
type FloodParams struct {
	// Window is the time over which messages of strangers are counted, of one author no more than PerSource.
	Window    time.Duration
	PerSource int
	// FirstCost is what the first step asks for at least, Step what each further one adds, MaxCost the end of that, in bits.
	FirstCost, Step, MaxCost int
	// Raise is the least time between two steps up: the announce of the last must get around before it is judged. Relax is
	// the time without a flood after which one step is taken back.
	Raise, Relax time.Duration
}

// DefaultFloodParams returns the values of this implementation. 8 bits are a moment's work for a person and 18 some minutes;
// who sends thousands of messages pays it for each.
func DefaultFloodParams() FloodParams {
	return FloodParams{
		Window: time.Minute, PerSource: 5, FirstCost: 8, Step: 3, MaxCost: 18, Raise: 2 * time.Minute, Relax: 20 * time.Minute,
	}
}

// FloodState is how far the answer to a flood has gone. The zero value is no flood.
type FloodState struct {
	Level int       // steps taken
	Since time.Time // when the last one was
}

// flood raises what is asked of strangers while more of them write than the owner wants, and lowers it afterwards. It is a
// function of its state, its inputs and the time; the lock is for the goroutines that give them. spec: lxmf §6.3
type flood struct {
	p     FloodParams
	limit func() int // messages of strangers per window; below 1 there is no limit

	mu     sync.Mutex
	state  FloodState
	from   time.Time // when the window began
	count  int
	of     map[rns.Addr]int
	flowed time.Time // when the limit was last exceeded
}

// note counts a message of a stranger. It reports whether more is asked for from now on.
func (f *flood) note(now time.Time, source rns.Addr) (raised bool) {
	limit := 0
	if f.limit != nil {
		limit = f.limit()
	}
	if limit < 1 {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.of == nil || now.Sub(f.from) >= f.p.Window || now.Before(f.from) {
		f.from, f.count, f.of = now, 0, make(map[rns.Addr]int)
	}
	if f.of[source] >= f.p.PerSource {
		return false
	}
	f.of[source]++
	if f.count++; f.count <= limit {
		return false
	}
	f.flowed = now
	if f.state.Level > 0 && now.Sub(f.state.Since) < f.p.Raise || f.costAt(f.state.Level, 0) >= f.p.MaxCost {
		return false
	}
	f.state = FloodState{Level: f.state.Level + 1, Since: now}
	f.from, f.count, f.of = now, 0, nil // the next step needs a new flood
	return true
}

// costAt is what a level asks for, where base is asked for without a flood.
func (f *flood) costAt(level, base int) int {
	if level <= 0 {
		return base
	}
	return max(base, min(max(base, f.p.FirstCost-f.p.Step)+f.p.Step*level, f.p.MaxCost))
}

// cost is what is asked of strangers now.
func (f *flood) cost(base int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.costAt(f.state.Level, base)
}

// relax takes steps back that are no longer needed and reports whether it did. next is when to call it again, zero for never.
func (f *flood) relax(now time.Time) (lowered bool, next time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.state.Level > 0 {
		next = later(f.state.Since, f.flowed).Add(f.p.Relax)
		if now.Before(next) {
			return lowered, next
		}
		f.state = FloodState{Level: f.state.Level - 1, Since: next}
		lowered = true
	}
	return lowered, time.Time{}
}

func (f *flood) now() FloodState {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state
}

// Asked is what strangers are asked for at present in bits, 0 for nothing, and how far the answer to a flood has gone.
func (r *Router) Asked() (cost int, flood FloodState) { return r.stampCost(), r.flood.now() }

// stranger counts a message of a stranger for the answer to floods.
func (r *Router) stranger(now time.Time, source rns.Addr) {
	if r.flood.note(now, source) {
		r.floodChanged()
		r.box.post(func(*machine, time.Time) {}) // the loop looks when to relax
	}
}

// relaxFlood takes back what is not needed any more; it returns when to look again.
func (r *Router) relaxFlood(now time.Time) time.Time {
	lowered, next := r.flood.relax(now)
	if lowered {
		r.floodChanged()
	}
	return next
}

func (r *Router) floodChanged() {
	if r.cfg.OnFlood != nil {
		r.cfg.OnFlood(r.flood.now())
	}
}
