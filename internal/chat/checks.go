package chat

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"meshchatx/internal/event"
	"meshchatx/internal/store"
	"meshchatx/rns"
)

// CheckName names a live check.
type CheckName string

// The checks, in the order they are shown.
const (
	CheckInterface   CheckName = "interface_up"
	CheckTraffic     CheckName = "traffic"
	CheckIdentity    CheckName = "identity_known"
	CheckPath        CheckName = "path_known"
	CheckPathRequest CheckName = "path_request"
	CheckLink        CheckName = "link"
	CheckPropagation CheckName = "propagation"
	CheckSize        CheckName = "size"
	CheckStamp       CheckName = "stamp"
	CheckAnnounced   CheckName = "announced"
)

var checkOrder = []CheckName{
	CheckInterface, CheckTraffic, CheckIdentity, CheckPath, CheckPathRequest, CheckLink, CheckPropagation, CheckSize, CheckStamp, CheckAnnounced,
}

// CheckState is how far a check is.
type CheckState string

// States of a check.
const (
	CheckIdle    CheckState = "idle"
	CheckRunning CheckState = "running"
	CheckOK      CheckState = "ok"
	CheckWarn    CheckState = "warn"
	CheckFail    CheckState = "fail"
	CheckSkipped CheckState = "skipped"
)

// Check is one check with its figures; Code names the sentence.
type Check struct {
	Name  CheckName
	State CheckState
	Code  string
	Value int64
	Limit int64
	Label string
	Took  time.Duration
}

// maxBoards bounds how many diagnoses are remembered.
const maxBoards = 64

// checkBoard remembers the checks of the last diagnoses.
type checkBoard struct {
	mu    sync.Mutex
	runs  map[rns.Hash]*checkRun
	order []rns.Hash
}

type checkRun struct {
	at      time.Time
	running bool
	checks  map[CheckName]Check
}

func newCheckBoard() *checkBoard { return &checkBoard{runs: make(map[rns.Hash]*checkRun)} }

// get returns the checks of a message in their order.
func (b *checkBoard) get(id rns.Hash) ([]Check, time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	run, ok := b.runs[id]
	out := make([]Check, 0, len(checkOrder))
	for _, name := range checkOrder {
		c := Check{Name: name, State: CheckIdle}
		if ok {
			if known, has := run.checks[name]; has {
				c = known
			}
		}
		out = append(out, c)
	}
	if !ok {
		return out, time.Time{}
	}
	return out, run.at
}

// begin starts a run unless one is under way.
func (b *checkBoard) begin(id rns.Hash, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if run, ok := b.runs[id]; ok && run.running {
		return false
	}
	b.order = append(slices.DeleteFunc(b.order, func(h rns.Hash) bool { return h == id }), id)
	if len(b.order) > maxBoards {
		delete(b.runs, b.order[0])
		b.order = b.order[1:]
	}
	run := &checkRun{at: now, running: true, checks: make(map[CheckName]Check)}
	for _, name := range checkOrder {
		run.checks[name] = Check{Name: name, State: CheckRunning}
	}
	b.runs[id] = run
	return true
}

func (b *checkBoard) put(id rns.Hash, c Check) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if run, ok := b.runs[id]; ok {
		run.checks[c.Name] = c
	}
}

func (b *checkBoard) end(id rns.Hash) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if run, ok := b.runs[id]; ok {
		run.running = false
	}
}

// RunChecks starts the live checks of a message and returns at once; an event
// tells when each has ended. A second call while they run changes nothing.
func (s *Service) RunChecks(ctx context.Context, id rns.Hash) error {
	m, err := s.outgoing(ctx, id)
	if err != nil {
		return err
	}
	if !s.checks.begin(id, s.conf.Now()) {
		return nil
	}
	s.conf.Go(func(ctx context.Context) {
		defer s.checks.end(id)
		ctx, cancel := context.WithTimeout(ctx, s.conf.Params.CheckTimeout)
		defer cancel()
		s.runChecks(ctx, m)
	})
	return nil
}

// runChecks takes the checks that need no network first, so that their answers
// stand while the others wait.
func (s *Service) runChecks(ctx context.Context, m store.Message) {
	r := &checker{s: s, m: m}
	media, err := s.conf.Network.Media(ctx)
	if err != nil {
		media = nil
	}
	route, err := s.conf.Network.Route(ctx, m.Peer)
	if err != nil {
		route = Route{}
	}
	r.report(checkMedia(media))
	r.report(checkTraffic(media, s.conf.Now()))
	r.report(checkIdentity(route))
	r.report(checkPath(route))
	r.report(checkSize(m, route))
	r.report(checkStamp(route))
	r.report(checkAnnounced(s.conf.Network.AnnouncedAt(), s.conf.Now()))
	r.report(checkNode(route))
	if !slices.ContainsFunc(media, func(m Medium) bool { return m.Up }) {
		r.report(Check{Name: CheckPathRequest, State: CheckSkipped, Code: string(CodeNoInterface)})
		r.report(Check{Name: CheckLink, State: CheckSkipped, Code: string(CodeNoInterface)})
		return
	}
	r.pathRequest(ctx)
	r.link(ctx)
}

type checker struct {
	s    *Service
	m    store.Message
	path bool
}

func (r *checker) report(c Check) {
	r.s.checks.put(r.m.ID, c)
	r.s.conf.Bus.Publish(event.CheckProgress, event.IDs{Peer: r.m.Peer, Message: r.m.ID, Item: string(c.Name)})
}

// pathRequest leaves half of the time to the link.
func (r *checker) pathRequest(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, r.s.conf.Params.CheckTimeout/2)
	defer cancel()
	start := r.s.conf.Now()
	route, err := r.s.conf.Network.FindPath(ctx, r.m.Peer)
	c := Check{Name: CheckPathRequest, State: CheckOK, Code: "answered", Value: int64(route.Hops), Label: route.Interface, Took: r.s.conf.Now().Sub(start)}
	if err != nil || !route.Known {
		c.State, c.Code, c.Value = CheckFail, "no_answer", 0
	}
	r.path = c.State == CheckOK
	r.report(c)
}

func (r *checker) link(ctx context.Context) {
	if !r.path {
		r.report(Check{Name: CheckLink, State: CheckSkipped, Code: string(CodeNoPath)})
		return
	}
	start := r.s.conf.Now()
	rtt, err := r.s.conf.Network.TryLink(ctx, r.m.Peer)
	c := Check{Name: CheckLink, State: CheckOK, Code: "established", Value: rtt.Milliseconds(), Took: r.s.conf.Now().Sub(start)}
	if err != nil {
		c.State, c.Code, c.Value = CheckFail, "no_answer", 0
		if errors.Is(err, context.DeadlineExceeded) {
			c.Code = string(CodeLinkTimeout)
		}
	}
	r.report(c)
}

func checkMedia(media []Medium) Check {
	c := Check{Name: CheckInterface, State: CheckFail, Code: string(CodeNoInterface), Limit: int64(len(media))}
	for _, m := range media {
		if m.Up {
			c.State, c.Code = CheckOK, "up"
			c.Value++
		}
	}
	return c
}

const trafficWindow = time.Minute

func checkTraffic(media []Medium, now time.Time) Check {
	var last Medium
	for _, m := range media {
		if m.Traffic.After(last.Traffic) {
			last = m
		}
	}
	c := Check{Name: CheckTraffic, State: CheckWarn, Code: "silent", Label: last.Name}
	if !last.Traffic.IsZero() {
		c.Value = last.Traffic.UnixMilli()
		if now.Sub(last.Traffic) <= trafficWindow {
			c.State, c.Code = CheckOK, "heard"
		}
	}
	return c
}

func checkIdentity(r Route) Check {
	if !r.Identity {
		return Check{Name: CheckIdentity, State: CheckFail, Code: "never_heard"}
	}
	c := Check{Name: CheckIdentity, State: CheckOK, Code: "known"}
	if !r.HeardAt.IsZero() {
		c.Value = r.HeardAt.UnixMilli()
	}
	return c
}

func checkPath(r Route) Check {
	switch {
	case !r.Known:
		return Check{Name: CheckPath, State: CheckFail, Code: string(CodeNoPath)}
	case r.Stale:
		return Check{Name: CheckPath, State: CheckWarn, Code: string(CodePathStale), Value: r.LearnedAt.UnixMilli(), Label: r.Interface}
	}
	return Check{Name: CheckPath, State: CheckOK, Code: "known", Value: r.LearnedAt.UnixMilli(), Label: r.Interface}
}

func checkSize(m store.Message, r Route) Check {
	c := Check{Name: CheckSize, State: CheckOK, Code: "within", Value: m.Size, Limit: r.Limit}
	switch {
	case r.Limit == 0:
		c.Code = "limit_unknown"
	case m.Size > r.Limit:
		c.State, c.Code = CheckFail, string(CodeTooLargeDirect)
	}
	return c
}

func checkStamp(r Route) Check {
	c := Check{Name: CheckStamp, State: CheckOK, Code: "none", Value: int64(r.StampCost)}
	switch {
	case r.Ticket:
		c.Code = "ticket"
	case r.StampCost > 0:
		c.Code = "required"
	}
	return c
}

func checkNode(r Route) Check {
	switch {
	case r.Node == "":
		return Check{Name: CheckPropagation, State: CheckSkipped, Code: string(CodePropagationNone)}
	case r.NodeHeard.IsZero():
		return Check{Name: CheckPropagation, State: CheckWarn, Code: "never_heard", Label: r.Node}
	}
	return Check{Name: CheckPropagation, State: CheckOK, Code: "in_use", Label: r.Node, Value: r.NodeHeard.UnixMilli()}
}

// announcedRecently: a peer without a path back cannot confirm what it receives.
const announcedRecently = 6 * time.Hour

func checkAnnounced(at, now time.Time) Check {
	switch {
	case at.IsZero():
		return Check{Name: CheckAnnounced, State: CheckWarn, Code: "never"}
	case now.Sub(at) > announcedRecently:
		return Check{Name: CheckAnnounced, State: CheckWarn, Code: "old", Value: at.UnixMilli()}
	}
	return Check{Name: CheckAnnounced, State: CheckOK, Code: "recent", Value: at.UnixMilli()}
}
