package interfaces

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"meshchatx/rns"
)

// Evidence is what others know that bears on reachability.
type Evidence struct {
	HeardAt   time.Time // last announce heard in this run
	HeardHour int       // destinations heard in the last hour
	Announced []Announced
}

// Announced is when an identity was last announced.
type Announced struct {
	Identity rns.Addr
	Name     string
	At       time.Time
}

// Overview answers "can I be reached?".
type Overview struct {
	Reachable      string // yes, waiting, no
	Facts          []Fact
	Up, Enabled    int
	Errors         int
	Classes        []Class
	Paths, Links   int
	Transport      bool
	TransportID    rns.Addr
	RxRate, TxRate int64
	Shared         *Shared // nil: other programs are not involved
	Err            error   // why the file or the node cannot be used
}

// Fact is one line with a tick, a clock or a cross.
type Fact struct {
	Fact     string
	State    string // ok, waiting, fail
	Identity rns.Addr
	Name     string
	Count    int
	At       time.Time
}

// Class counts interfaces of one sort.
type Class struct {
	Class          string // lan, internet, radio, other
	Up, Total      int
	RxRate, TxRate int64
}

// States of facts.
const (
	factOK      = "ok"
	factWaiting = "waiting"
	factFail    = "fail"
)

// Overview gathers the facts.
func (s *Service) Overview(ctx context.Context, e Evidence) (Overview, error) {
	l, err := s.List(ctx)
	if err != nil {
		return Overview{}, err
	}
	o := summarise(l)
	if s.opt.Node == nil {
		o.Err = errors.Join(l.Err, ErrNodeDown)
	} else {
		counts, err := s.opt.Node.Counts(ctx)
		if err != nil {
			return Overview{}, err
		}
		o.Paths, o.Links, o.TransportID = counts.Paths, counts.Links, s.opt.Node.TransportID()
		o.Transport = bool(s.opt.Node.Config().Transport)
		live, err := s.live(ctx)
		if err != nil {
			return Overview{}, err
		}
		o.join(l.Shared, live)
	}
	o.judge(e, s.opt.Now())
	return o, nil
}

func summarise(l Listing) Overview {
	o := Overview{Err: l.Err}
	byClass := make(map[string]*Class)
	for _, st := range l.Items {
		if !st.Enabled {
			continue
		}
		o.Enabled++
		c, ok := byClass[classOf(st)]
		if !ok {
			c = &Class{Class: classOf(st)}
			byClass[c.Class] = c
		}
		c.Total++
		c.RxRate, c.TxRate = c.RxRate+st.RxRate, c.TxRate+st.TxRate
		o.RxRate, o.TxRate = o.RxRate+st.RxRate, o.TxRate+st.TxRate
		switch {
		case st.State == StateError:
			o.Errors++
		case Useful(st):
			o.Up++
			c.Up++
		}
	}
	for _, name := range []string{"lan", "internet", "radio", "other"} {
		if c, ok := byClass[name]; ok {
			o.Classes = append(o.Classes, *c)
		}
	}
	return o
}

// Useful reports whether an interface is up in the sense of a person: what only
// waits for others reaches nobody yet.
func Useful(st Status) bool {
	if st.State != StateUp {
		return false
	}
	return !waits(st) || slices.ContainsFunc(st.Peers, func(p Peer) bool { return p.State == StateUp })
}

func classOf(st Status) string {
	switch Type(st.Type) {
	case TypeAuto:
		return "lan"
	case TypeI2P:
		return "internet"
	case TypeTCPClient, TypeTCPServer, TypeUDP, TypeBackbone, TypeBackboneClient, TypeWebSocketClient, TypeWebSocketServer:
		host := ""
		if c := st.Config; c != nil && c.TargetHost+c.ForwardIP != "" {
			host = c.TargetHost + c.ForwardIP
		} else if Type(st.Type) != TypeTCPServer {
			host = hostOf(st.Endpoint)
		}
		if a, err := netip.ParseAddr(host); err == nil && (a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast()) {
			return "lan"
		}
		return "internet"
	}
	if strings.HasPrefix(st.Type, "RNode") || strings.Contains(st.Type, "KISS") {
		return "radio"
	}
	return "other"
}

// hostOf is the host of an address or of a URL.
func hostOf(endpoint string) string {
	if _, rest, isURL := strings.Cut(endpoint, "://"); isURL {
		endpoint, _, _ = strings.Cut(rest, "/")
	}
	if host, _, err := net.SplitHostPort(endpoint); err == nil {
		return host
	}
	return endpoint
}

// clockFloor is before this program was written: a clock that shows less is wrong.
var clockFloor = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func (o *Overview) judge(e Evidence, now time.Time) {
	up := Fact{Fact: "interface_up", State: factFail, Count: o.Up}
	switch {
	case o.Up > 0:
		up.State = factOK
	case o.Enabled > o.Errors:
		up.State = factWaiting
	}
	heard := Fact{Fact: "announce_heard", State: factWaiting, Count: e.HeardHour, At: e.HeardAt}
	if !e.HeardAt.IsZero() {
		heard.State = factOK
	}
	o.Facts = []Fact{up, heard}
	announced := false
	for _, a := range e.Announced {
		f := Fact{Fact: "announce_sent", State: factWaiting, Identity: a.Identity, Name: a.Name, At: a.At}
		if !a.At.IsZero() {
			f.State, announced = factOK, true
		}
		o.Facts = append(o.Facts, f)
	}
	paths := Fact{Fact: "path_known", State: factWaiting, Count: o.Paths}
	if o.Paths > 0 {
		paths.State = factOK
	}
	clock := Fact{Fact: "clock", State: factOK, At: now}
	if now.Before(clockFloor) {
		clock.State = factFail
	}
	o.Facts = append(o.Facts, paths, clock)
	switch {
	case up.State == factOK && announced:
		o.Reachable = "yes"
	case up.State == factFail:
		o.Reachable = "no"
	default:
		o.Reachable = "waiting"
	}
}
