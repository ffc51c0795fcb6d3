package chat

import (
	"context"
	"time"

	"meshchatx/internal/store"
	"meshchatx/rns"
)

// Medium is an interface of the node as a diagnosis sees it.
type Medium struct {
	Name    string
	Up      bool
	Traffic time.Time // last frame in, zero if none
	Bitrate int64
}

// Route is what the node knows of the way to a peer.
type Route struct {
	Known     bool // there is a path
	Hops      int
	Interface string
	Bitrate   int64 // bits per second of the first hop, 0 unknown
	LearnedAt time.Time
	ExpiresAt time.Time
	Stale     bool // links found the path not to work
	Identity  bool // the peer's keys are known
	HeardAt   time.Time
	StampCost int
	Ticket    bool
	Limit     int64 // largest message the peer takes, 0 unknown
	// Node is the propagation node in use, "" for none, and NodeHeard when it was last heard.
	Node      string
	NodeHeard time.Time
}

// Network is what a diagnosis may ask and try. Its methods end with ctx.
type Network interface {
	// Media lists the interfaces.
	Media(ctx context.Context) ([]Medium, error)
	// Route tells what is known without asking anyone.
	Route(ctx context.Context, peer rns.Addr) (Route, error)
	// FindPath asks the network for a path and waits for the answer.
	FindPath(ctx context.Context, peer rns.Addr) (Route, error)
	// TryLink opens a link to the peer and closes it again.
	TryLink(ctx context.Context, peer rns.Addr) (rtt time.Duration, err error)
	// AnnouncedAt is when this identity was last announced, zero if never.
	AnnouncedAt() time.Time
}

// Verdict is the one sentence that answers "why is this not delivered?".
type Verdict struct {
	Code       VerdictCode
	Confidence Confidence
	HeardAt    time.Time
	Hops       int // -1 unknown
	Limit      int64
	Size       int64
}

// VerdictCode names a sentence.
type VerdictCode string

// The sentences.
const (
	VerdictDelivered    VerdictCode = "delivered"
	VerdictAtNode       VerdictCode = "at_node"
	VerdictOnPaper      VerdictCode = "on_paper"
	VerdictNoNode       VerdictCode = "no_node"
	VerdictNodeFailed   VerdictCode = "node_failed"
	VerdictNodeRefused  VerdictCode = "node_refused"
	VerdictOnItsWay     VerdictCode = "on_its_way"
	VerdictNoInterface  VerdictCode = "no_interface"
	VerdictNeverHeard   VerdictCode = "never_heard"
	VerdictNoPath       VerdictCode = "no_path"
	VerdictQuiet        VerdictCode = "quiet"
	VerdictLinkFailed   VerdictCode = "link_failed"
	VerdictNoProof      VerdictCode = "no_proof"
	VerdictStalled      VerdictCode = "stalled"
	VerdictTooLarge     VerdictCode = "too_large"
	VerdictStamp        VerdictCode = "stamp"
	VerdictRefused      VerdictCode = "refused"
	VerdictCancelled    VerdictCode = "cancelled"
	VerdictStorageFull  VerdictCode = "storage_full"
	VerdictBlocked      VerdictCode = "blocked"
	VerdictWaitingHeard VerdictCode = "waiting_heard"
	VerdictUnknown      VerdictCode = "unknown"
)

// Confidence says how sure a verdict is.
type Confidence string

// Degrees of confidence.
const (
	Certain  Confidence = "certain"
	Probable Confidence = "probable"
	Unsure   Confidence = "unsure"
)

// quietAfter is how long without an announce makes a peer probably offline.
const quietAfter = 2 * time.Hour

// facts are what a verdict is made of.
type facts struct {
	delivery Delivery
	media    []Medium
	route    Route
	size     int64
	now      time.Time
}

func (f facts) anyUp() bool {
	for _, m := range f.media {
		if m.Up {
			return true
		}
	}
	return false
}

// judge is a pure function from what is known to the sentence. What the log says
// for certain comes first, then what is true of the network now.
func judge(f facts) Verdict {
	v := Verdict{Confidence: Certain, HeardAt: f.route.HeardAt, Hops: -1, Limit: max(f.delivery.Limit, f.route.Limit), Size: f.size}
	if f.route.Known {
		v.Hops = f.route.Hops
	}
	v.Code = judgeLog(f.delivery)
	if v.Code != "" {
		return v
	}
	f.judgeNetwork(&v)
	return v
}

func judgeLog(d Delivery) VerdictCode {
	switch d.State {
	case StateDelivered:
		return VerdictDelivered
	case StatePropagated:
		return VerdictAtNode
	case StatePaper:
		return VerdictOnPaper
	case StateCancelled:
		return VerdictCancelled
	case StateWaitHeard:
		return VerdictWaitingHeard
	}
	switch d.Code {
	case CodeTooLargeDirect, CodeTooLargePropagation:
		return VerdictTooLarge
	case CodeStampRequired, CodeStampRefused:
		return VerdictStamp
	case CodePropagationNone:
		return VerdictNoNode
	case CodePropagationNoPath, CodePropagationThrottled:
		return VerdictNodeFailed
	case CodePropagationRefused:
		return VerdictNodeRefused
	case CodeStorageFull:
		return VerdictStorageFull
	case CodeBlockedByMe:
		return VerdictBlocked
	}
	if d.State == StateRefused {
		return VerdictRefused
	}
	return ""
}

func (f facts) judgeNetwork(v *Verdict) {
	switch {
	case !f.anyUp():
		v.Code = VerdictNoInterface
	case !f.route.Identity:
		v.Code, v.Confidence = VerdictNeverHeard, Certain
	case !f.route.HeardAt.IsZero() && f.now.Sub(f.route.HeardAt) > quietAfter && f.delivery.State != StateSending:
		v.Code, v.Confidence = VerdictQuiet, Probable
	case !f.route.Known:
		v.Code, v.Confidence = VerdictNoPath, Certain
	default:
		v.Code, v.Confidence = f.judgeCode()
	}
}

func (f facts) judgeCode() (VerdictCode, Confidence) {
	switch f.delivery.Code {
	case CodeLinkTimeout, CodeLinkClosed, CodePathStale:
		return VerdictLinkFailed, Probable
	case CodeProofTimeout:
		return VerdictNoProof, Probable
	case CodeTransferStalled:
		return VerdictStalled, Probable
	case CodeNoPath:
		return VerdictNoPath, Unsure // there is one now
	}
	if !f.delivery.State.Final() {
		return VerdictOnItsWay, Certain
	}
	return VerdictUnknown, Unsure
}

// PathNode is one stop of the strip from here to the peer.
type PathNode struct {
	Kind  string // me, interface, hops, peer
	Name  string
	Hops  int // -1 not known
	State string
	At    time.Time
}

// Stop states.
const (
	stopOK      = "ok"
	stopUnknown = "unknown"
	stopBroken  = "broken"
)

func (f facts) strip() []PathNode {
	me := PathNode{Kind: "me", Hops: -1, State: stopOK, At: f.now}
	medium := PathNode{Kind: "interface", Name: f.route.Interface, Hops: -1, State: stopBroken}
	for _, m := range f.media {
		if m.Up && (f.route.Interface == "" || m.Name == f.route.Interface) {
			medium.State, medium.At = stopOK, m.Traffic
			if medium.Name == "" {
				medium.Name = m.Name
			}
			break
		}
	}
	hops := PathNode{Kind: "hops", Hops: -1, State: stopUnknown, At: f.route.LearnedAt}
	if f.route.Known {
		hops.Hops, hops.State = f.route.Hops, stopOK
		if f.route.Stale {
			hops.State = stopBroken
		}
	}
	peer := PathNode{Kind: "peer", Hops: -1, State: stopUnknown, At: f.route.HeardAt}
	switch {
	case f.delivery.State == StateDelivered || !f.route.HeardAt.IsZero() && f.now.Sub(f.route.HeardAt) <= quietAfter:
		peer.State = stopOK
	case f.delivery.Code == CodeLinkTimeout || f.delivery.Code == CodeProofTimeout:
		peer.State = stopBroken
	}
	return []PathNode{me, medium, hops, peer}
}

// Diagnosis answers "why is this not delivered?".
type Diagnosis struct {
	Message   rns.Hash
	Delivery  Delivery
	Verdict   Verdict
	Path      []PathNode
	Timeline  []Event
	Checks    []Check
	CheckedAt time.Time
	Actions   []string
}

// Diagnose tells what is known about the delivery of an own message, without
// asking the network.
func (s *Service) Diagnose(ctx context.Context, id rns.Hash) (Diagnosis, error) {
	m, err := s.outgoing(ctx, id)
	if err != nil {
		return Diagnosis{}, err
	}
	events, err := s.Events(ctx, id)
	if err != nil {
		return Diagnosis{}, err
	}
	f, err := s.facts(ctx, m, Derive(events))
	if err != nil {
		return Diagnosis{}, err
	}
	checks, at := s.checks.get(id)
	return Diagnosis{
		Message: id, Delivery: f.delivery, Verdict: judge(f), Path: f.strip(), Timeline: events,
		Checks: checks, CheckedAt: at, Actions: f.actions(),
	}, nil
}

func (s *Service) facts(ctx context.Context, m store.Message, d Delivery) (facts, error) {
	media, err := s.conf.Network.Media(ctx)
	if err != nil {
		return facts{}, err
	}
	route, err := s.conf.Network.Route(ctx, m.Peer)
	return facts{delivery: d, media: media, route: route, size: m.Size, now: s.conf.Now()}, err
}

// Route tells what is known of the way to a peer, for the composer's hint.
func (s *Service) Route(ctx context.Context, peer rns.Addr) (Route, []Medium, error) {
	media, err := s.conf.Network.Media(ctx)
	if err != nil {
		return Route{}, nil, err
	}
	route, err := s.conf.Network.Route(ctx, peer)
	return route, media, err
}

// actions are what can be offered now.
func (f facts) actions() []string {
	var out []string
	if f.delivery.State == StateDelivered {
		return []string{"copy_report"}
	}
	if f.anyUp() {
		out = append(out, "request_path")
	}
	if f.delivery.Retryable() {
		out = append(out, "announce_and_retry", "retry")
	}
	if !f.delivery.State.Final() {
		out = append(out, "cancel")
	}
	if f.delivery.Code == CodeTooLargeDirect || f.delivery.Code == CodeTooLargePropagation {
		out = append(out, "shrink")
	}
	return append(out, "copy_report")
}
