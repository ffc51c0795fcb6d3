package router

import (
	"cmp"
	"slices"
	"time"

	"meshchatx/rns"
)

// NodeRecord is what is known of a propagation node: its last announce and our own experience with it.
type NodeRecord struct {
	Node rns.Addr
	// Name is what it calls itself, for people.
	Name string
	// Heard is when its last announce came, Hops how far it is, 0 unknown, by Interface.
	Heard     time.Time
	Hops      int
	Interface string
	// Active tells that it serves everybody.
	Active bool
	// TransferLimit is the largest message it passes on, SyncLimit the largest transfer it takes, in bytes; 0 is unknown.
	TransferLimit, SyncLimit int64
	// StampCost is the work it asks for, in bits, and Flexibility how much less it takes.
	StampCost, Flexibility int

	// Successes and Failures count links that came up and that did not; Streak counts the failures since the last success.
	Successes, Failures, Streak int
	LastSuccess, LastFailure    time.Time
	// Latency is how long the last link took to come up.
	Latency time.Duration
}

// ChoiceParams are the rules of choosing a node. DefaultChoiceParams fills them.
type ChoiceParams struct {
	// MaxAge is the age of an announce from which a node is not taken for there.
	MaxAge time.Duration
	// MaxCost is the highest stamp cost that is paid.
	MaxCost int
	// CoolDown is how long a node rests after its first failure, doubled by each further one, up to MaxCoolDown.
	CoolDown, MaxCoolDown time.Duration
	// Proven is how long a success counts.
	Proven time.Duration
	// Margin is how much better another node must be, in hops, to replace a working one.
	Margin float64
}

// DefaultChoiceParams are the values of this implementation.
func DefaultChoiceParams() ChoiceParams {
	return ChoiceParams{
		MaxAge: 48 * time.Hour, MaxCost: 24, CoolDown: 15 * time.Minute, MaxCoolDown: 12 * time.Hour, Proven: 7 * 24 * time.Hour, Margin: 2.5,
	}
}

// ChoiceReason is why a node is in use.
type ChoiceReason string

// The reasons.
const (
	ReasonNone     ChoiceReason = "none"     // no node was heard that could be used
	ReasonFixed    ChoiceReason = "fixed"    // a person chose it
	ReasonOnly     ChoiceReason = "only"     // no other one can be used
	ReasonProven   ChoiceReason = "proven"   // it worked before, others did not yet
	ReasonNearest  ChoiceReason = "nearest"  // fewest hops
	ReasonFresh    ChoiceReason = "fresh"    // announced most recently
	ReasonCheapest ChoiceReason = "cheapest" // asks for the least work
	ReasonFastest  ChoiceReason = "fastest"  // its link came up fastest
	ReasonKept     ChoiceReason = "kept"     // it works, and no other one is much better
	ReasonFailover ChoiceReason = "failover" // the one before failed
	ReasonResting  ChoiceReason = "resting"  // all rest after failures; it is the first to be tried again
)

// Choice is the node in use and the numbers that led to it.
type Choice struct {
	Node   rns.Addr // zero for none
	Name   string
	Reason ChoiceReason
	Hops   int
	Age    time.Duration // of its announce
	Cost   int           // of its stamps
	// Heard counts the nodes that are known, Usable those among which was chosen, Resting those left out after failures.
	Heard, Usable, Resting int
	// Score is in hops, lower is better; Next is that of the best other node, 0 if there is none.
	Score, Next float64
	// Until is when a node that rests may be tried again, for ReasonResting.
	Until time.Time
}

// RestsUntil is when a node may be tried again after its last failures; zero if it does not rest.
func (p ChoiceParams) RestsUntil(r NodeRecord) time.Time {
	if r.Streak == 0 {
		return time.Time{}
	}
	rest := p.MaxCoolDown
	if shift := r.Streak - 1; shift < 16 {
		rest = min(p.CoolDown<<shift, p.MaxCoolDown)
	}
	return r.LastFailure.Add(rest)
}

// score is a node with what speaks for it and against it, in hops. Lower is better.
type score struct {
	r                               NodeRecord
	hops, age, cost, latency, doubt float64
}

func (s score) total() float64 { return s.hops + s.age + s.cost + s.latency + s.doubt }

// Weights of the parts of a score, in hops.
const (
	hopsUnknown = 6.0
	ageWeight   = 1.0 / 12 // per hour
	costWeight  = 0.5      // per bit above the cheap ones
	cheapCost   = 16       // bits nobody notices
	slowWeight  = 1.0      // per second until a link is up
	slowMost    = 10.0     // most of it
	unproven    = 3.0      // no success yet
	failWeight  = 1.0      // per failure in a row
	failMost    = 5.0      // most of it
	silent      = 6.0      // not heard since the last failure
)

func (p ChoiceParams) score(now time.Time, r NodeRecord) score {
	s := score{r: r, hops: float64(r.Hops), age: max(now.Sub(r.Heard), 0).Hours() * ageWeight}
	if r.Hops <= 0 || r.Hops >= rns.MaxHops {
		s.hops = hopsUnknown
	}
	s.cost = max(float64(r.StampCost-cheapCost), 0) * costWeight
	s.latency = min(r.Latency.Seconds()*slowWeight, slowMost)
	s.doubt = min(float64(r.Streak)*failWeight, failMost)
	if r.Streak > 0 && !r.Heard.After(r.LastFailure) {
		s.doubt += silent
	}
	if r.LastSuccess.IsZero() || now.Sub(r.LastSuccess) > p.Proven {
		s.doubt += unproven
	}
	return s
}

// ChooseNode chooses among the nodes that were heard. It is a function of what is known: nothing is asked of the network. The
// one in use, if any, is current; need is the size of the largest message that waits, 0 for none. The result does not depend
// on the order of nodes.
func ChooseNode(now time.Time, nodes []NodeRecord, current rns.Addr, need int64, p ChoiceParams) Choice {
	var usable, resting []score
	var was *score
	for _, r := range nodes {
		if !p.admits(now, r, need) {
			continue
		}
		s := p.score(now, r)
		if p.RestsUntil(r).After(now) {
			resting = append(resting, s)
			continue
		}
		usable = append(usable, s)
	}
	c := Choice{Reason: ReasonNone, Heard: len(nodes), Usable: len(usable), Resting: len(resting)}
	if len(usable) == 0 {
		return p.leastBad(now, c, resting)
	}
	slices.SortFunc(usable, func(a, b score) int {
		return cmp.Or(cmp.Compare(a.total(), b.total()), slices.Compare(a.r.Node[:], b.r.Node[:]))
	})
	for i := range usable {
		if usable[i].r.Node == current {
			was = &usable[i]
		}
	}
	best := usable[0]
	switch {
	case len(usable) == 1:
		c.Reason = ReasonOnly
	case was != nil && was.r.Node != best.r.Node && was.total()-best.total() <= p.Margin:
		c.Next = best.total()
		best, c.Reason = *was, ReasonKept
	default:
		c.Next = usable[1].total()
		c.Reason = best.against(usable[1])
	}
	if was == nil && slices.ContainsFunc(resting, func(s score) bool { return s.r.Node == current }) {
		c.Reason = ReasonFailover
	}
	return c.of(now, best)
}

// admits tells whether a node can be used at all.
func (p ChoiceParams) admits(now time.Time, r NodeRecord, need int64) bool {
	return r.Active && now.Sub(r.Heard) <= p.MaxAge && r.StampCost <= p.MaxCost && (r.TransferLimit <= 0 || need <= r.TransferLimit)
}

// leastBad is the node whose rest ends first.
func (p ChoiceParams) leastBad(now time.Time, c Choice, resting []score) Choice {
	if len(resting) == 0 {
		return c
	}
	best := slices.MinFunc(resting, func(a, b score) int {
		return cmp.Or(p.RestsUntil(a.r).Compare(p.RestsUntil(b.r)), cmp.Compare(a.total(), b.total()), slices.Compare(a.r.Node[:], b.r.Node[:]))
	})
	c.Reason, c.Until = ReasonResting, p.RestsUntil(best.r)
	return c.of(now, best)
}

// of fills in the chosen node.
func (c Choice) of(now time.Time, s score) Choice {
	c.Node, c.Name, c.Hops, c.Cost, c.Score = s.r.Node, s.r.Name, s.r.Hops, s.r.StampCost, s.total()
	c.Age = max(now.Sub(s.r.Heard), 0)
	return c
}

// against is what speaks most for s compared with the next best.
func (s score) against(o score) ChoiceReason {
	reason, most := ReasonFresh, o.age-s.age
	for _, part := range []struct {
		reason ChoiceReason
		by     float64
	}{
		{ReasonProven, o.doubt - s.doubt}, {ReasonNearest, o.hops - s.hops}, {ReasonFastest, o.latency - s.latency},
		{ReasonCheapest, o.cost - s.cost},
	} {
		if part.by > most {
			reason, most = part.reason, part.by
		}
	}
	return reason
}
