package interfaces

import (
	"context"
	"errors"
	"strings"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/config"
	"meshchatx/rns/configobj"
	"meshchatx/rns/iface"
	"meshchatx/rns/node"
)

// State is what an interface is, whatever the file says about it.
type State string

// States.
const (
	StateUp         State = "up"
	StateConnecting State = "connecting"
	StateWaiting    State = "waiting"
	StateError      State = "error"
	StateOff        State = "off"
)

// Status is one configured interface with its live state.
type Status struct {
	Name, Type       string
	Enabled          bool
	State            State
	Code, Detail     string // why, in the states error and connecting
	Line             int    // of the file, for a broken block
	Since, RetryAt   time.Time
	Mode             string
	Bitrate          int64
	MTU              int
	IFAC             bool
	Endpoint         string
	RxBytes, TxBytes uint64
	RxPackets        uint64
	TxPackets        uint64
	RxRate, TxRate   int64
	HeardAt          time.Time
	Dropped, Refused uint64
	Peers            []Peer
	Listens          bool    // it only waits for others
	Blocked          int     // addresses it refuses
	Config           *Config // nil: not editable here
}

// Peer is a connection a listener accepted, or a neighbour it found.
type Peer struct {
	Name             string
	State            State
	RxBytes, TxBytes uint64
	Since            time.Time
	Tunnel           string // creating, active, unresponsive; empty without one
}

// Listing is every interface with the state of the file.
type Listing struct {
	Items   []Status
	Path    string
	Changed bool  // another program changed the file
	Err     error // why the file cannot be used
	Shared  *Shared
}

// Media are the interfaces that packets of this program take: the enabled ones
// of the file or, for a client, its connection to the program that runs them.
func (l Listing) Media() []Status {
	if sh := l.Shared; sh != nil && sh.Role == roleClient {
		st := Status{Name: sh.Address, Type: "LocalClientInterface", Enabled: true, State: StateError, Since: sh.Since, Code: sh.Code, Detail: sh.Detail}
		if sh.Connected {
			st.State = StateUp
		}
		return []Status{st}
	}
	var out []Status
	for _, st := range l.Items {
		if st.Enabled {
			out = append(out, st)
		}
	}
	return out
}

// List returns every interface in the order of the file.
func (s *Service) List(ctx context.Context) (Listing, error) {
	live, err := s.live(ctx)
	if err != nil {
		return Listing{}, err
	}
	s.mu.Lock()
	doc, docErr := s.doc, s.docErr
	s.mu.Unlock()
	l := Listing{Path: s.Path(), Err: docErr, Changed: !doc.sameText(s.opt.Dir)}
	l.Shared = s.shared(ctx)
	for _, c := range doc.conf.Interfaces {
		l.Items = append(l.Items, s.status(c, live))
	}
	return l, nil
}

// Get returns one interface.
func (s *Service) Get(ctx context.Context, name string) (Status, error) {
	l, err := s.List(ctx)
	if err != nil {
		return Status{}, err
	}
	for _, st := range l.Items {
		if st.Name == name {
			return st, nil
		}
	}
	return Status{}, ErrNotFound
}

func (s *Service) live(ctx context.Context) ([]node.InterfaceStatus, error) {
	if s.opt.Node == nil {
		return nil, nil
	}
	all, err := s.opt.Node.Interfaces(ctx)
	if errors.Is(err, node.ErrClosed) {
		return nil, nil
	}
	return all, err
}

func (s *Service) status(c config.Interface, live []node.InterfaceStatus) Status {
	st := Status{
		Name: c.Name, Type: c.Type, Enabled: c.Enabled, State: StateOff, Mode: modeNames[c.Mode], Bitrate: c.Bitrate,
		IFAC: c.NetworkName != "" || c.Passphrase != "", Endpoint: where(c),
	}
	if conf, ok := editable(c); ok {
		st.Config = &conf
	}
	if !c.Enabled {
		return st
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err, failed := s.failed[c.Name]; failed {
		if errors.Is(err, node.ErrClientRole) {
			st.Code = "shared_instance"
			return st
		}
		st.State, st.Code, st.Detail, st.Line = StateError, reasonOf(c, err), err.Error(), lineOf(c, err)
		return st
	}
	r, runs := s.running[c.Name]
	if !runs {
		return st
	}
	for _, l := range live {
		switch {
		case l.ID == r.id:
			s.fill(&st, l)
		case l.Parent == r.id:
			st.Peers = append(st.Peers, Peer{
				Name: l.Info.Name, State: stateOf(l.State), RxBytes: l.Count.RxBytes, TxBytes: l.Count.TxBytes, Since: l.State.Since,
				Tunnel: tunnelOf(l),
			})
		}
	}
	return st
}

// fill adds what the running interface says. The caller holds the lock.
func (s *Service) fill(st *Status, l node.InterfaceStatus) {
	st.State, st.Since = stateOf(l.State), l.State.Since
	if l.State.Err != nil {
		st.Code, st.Detail = Reason(l.State.Err), l.State.Err.Error()
		if st.State == StateError && !iface.IsPermanent(l.State.Err) {
			st.RetryAt = l.State.Since.Add(s.reconnect(l))
		}
	}
	m := s.meter(l.ID)
	if st.State == StateConnecting && m.lastErr != nil {
		st.Code, st.Detail = Reason(m.lastErr), m.lastErr.Error()
	}
	st.Bitrate, st.MTU = l.Info.Bitrate, l.Info.MTU
	if l.Address != "" {
		st.Endpoint = l.Address
	}
	st.abilities(l)
	st.RxBytes, st.TxBytes = l.Count.RxBytes, l.Count.TxBytes
	st.RxPackets, st.TxPackets = l.Count.RxPackets, l.Count.TxPackets
	st.Dropped = l.Count.Verdicts[rns.VerdictQueueFull]
	for _, v := range accessVerdicts {
		st.Refused += l.Count.Verdicts[v]
	}
	st.RxRate, st.TxRate = m.rates()
	st.HeardAt = m.heardAt
}

func (s *Service) reconnect(l node.InterfaceStatus) time.Duration {
	if l.Config.Reconnect > 0 {
		return l.Config.Reconnect
	}
	return s.opt.Node.Config().Params.Reconnect
}

// accessVerdicts are what becomes of frames that are meant for another network.
var accessVerdicts = [...]rns.Verdict{
	rns.VerdictAccessCodeMissing, rns.VerdictAccessCodeWrong, rns.VerdictAccessCodeUnexpected,
}

func stateOf(st node.InterfaceState) State {
	switch st.Word {
	case node.StateUp:
		return StateUp
	case node.StateError:
		return StateError
	case node.StateOff:
		return StateOff
	}
	return StateConnecting
}

func endpoint(c Config) string {
	switch c.Type {
	case TypeTCPClient:
		return place(c.TargetHost, c.TargetPort)
	case TypeTCPServer, TypeUDP:
		return place(c.ListenIP, c.ListenPort)
	}
	return ""
}

// reasonOf is the code of an interface that was never started.
func reasonOf(c config.Interface, err error) string {
	switch {
	case c.Err != nil:
		return "bad_config"
	case errors.Is(err, ErrUnsupported):
		return "unsupported_type"
	}
	if code := Reason(err); code != "unknown" {
		return code
	}
	return "bad_config"
}

func lineOf(c config.Interface, err error) int {
	var syntax *configobj.SyntaxError
	if errors.As(err, &syntax) {
		return syntax.Line
	}
	var option *config.OptionError
	if errors.As(err, &option) && option.Line > 0 {
		return option.Line
	}
	return c.Line
}

// Configured is the name in the file behind the name of a running interface:
// connections of a listener and neighbours of a local network are named after
// the interface that made them.
func (s *Service) Configured(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.running[name]; ok {
		return name
	}
	best := ""
	for known := range s.running {
		if len(known) > len(best) && strings.Contains(name, known) {
			best = known
		}
	}
	if best != "" {
		return best
	}
	for _, c := range s.doc.conf.Interfaces {
		if _, runs := s.running[c.Name]; runs && c.Type == string(TypeAuto) && strings.HasPrefix(name, c.Type) {
			return c.Name
		}
	}
	return name
}
