package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"meshchatx/internal/tools/stack"
	"meshchatx/rns"
	"meshchatx/rns/control"
	"meshchatx/rns/node"
)

type rnpathCommand struct {
	toolFlags
	remoteFlags
	JSON bool `short:"j" name:"json" help:"Print JSON."`

	Destination string  `arg:"" optional:"" help:"Address of a destination, transport node or identity."`
	ListFilter  string  `arg:"" optional:"" help:"With -p: show entries that contain this."`
	Table       bool    `short:"t" help:"List known paths."`
	MaxHops     int     `short:"m" name:"max" help:"List paths of at most so many hops." placeholder:"HOPS" default:"-1"`
	Rates       bool    `short:"r" help:"List how often destinations announce themselves."`
	Drop        bool    `short:"d" help:"Forget the path to a destination."`
	DropQueues  bool    `short:"D" name:"drop-announces" help:"Forget all announces that wait to be sent."`
	DropVia     bool    `short:"x" help:"Forget all paths through a transport node."`
	Timeout     float64 `short:"w" name:"timeout" help:"How long to wait for a path." placeholder:"SECONDS" default:"15"`
	RemoteWait  float64 `short:"W" name:"remote-timeout" help:"How long to wait for another node." placeholder:"SECONDS" default:"15"`
	Blackholed  bool    `short:"b" help:"List refused identities."`
	Blackhole   bool    `short:"B" help:"Refuse an identity."`
	Unblackhole bool    `short:"U" help:"Accept an identity again."`
	Duration    float64 `help:"With -B: for how long." placeholder:"HOURS" default:"0"`
	Reason      string  `help:"With -B: why." placeholder:"TEXT"`
	Published   bool    `short:"p" name:"blackholed-list" help:"List what another transport node refuses, if it publishes that."`
}

const exitNotOffered = 255

// Run does what the options ask for.
func (c rnpathCommand) Run(env *Environment) error {
	addr, err := c.address()
	if err != nil {
		return err
	}
	if c.Remote != "" {
		return c.remotely(env, addr)
	}
	if c.Published {
		return c.published(env, *addr)
	}
	calls, s, err := c.service(env)
	if err != nil {
		return err
	}
	if s != nil {
		defer func() { _ = s.Close() }() // what could not be saved is learned again
	}
	switch {
	case c.Blackholed:
		list, err := calls.BlackholedIdentities(env.Context)
		if err != nil {
			return &failure{exitBadRemote, err}
		}
		return c.printBlackholed(env, list, c.Destination)
	case c.Blackhole, c.Unblackhole:
		return c.refuse(env, calls, *addr)
	case c.Table:
		table, err := calls.PathTable(env.Context, c.MaxHops)
		if err != nil {
			return err
		}
		return c.printTable(env, table, addr)
	case c.Rates:
		table, err := calls.RateTable(env.Context)
		if err != nil {
			return err
		}
		return c.printRates(env, table, addr)
	case c.DropQueues:
		if err := calls.DropAnnounceQueues(env.Context); err != nil {
			return err
		}
		return c.done(env, "announce_queues_dropped", nil, 0, "Dropped announce queues on all interfaces")
	case c.Drop, c.DropVia:
		return c.drop(env, calls, *addr)
	}
	return c.find(env, s, calls, *addr)
}

// needsNode tells whether packets have to be sent.
func (c rnpathCommand) needsNode() bool {
	return !c.Blackholed && !c.Blackhole && !c.Unblackhole && !c.Table && !c.Rates && !c.DropQueues && !c.Drop && !c.DropVia
}

// address reads the address that most operations need, nil if none is given and none is needed.
func (c rnpathCommand) address() (*rns.Addr, error) {
	if c.Destination == "" {
		if c.Table || c.Rates || c.DropQueues || c.Blackholed {
			return nil, nil
		}
		return nil, &failure{exitUsage, errors.New("rnpath needs an address; see rnpath --help")}
	}
	if c.Blackholed { // a filter
		return nil, nil
	}
	a, err := parseHash(c.Destination)
	return &a, err
}

// service is the running instance, or else a node of our own.
func (c rnpathCommand) service(env *Environment) (control.Service, *stack.Stack, error) {
	if !c.needsNode() {
		if client, err := c.instance(env); err == nil {
			return client, nil, nil
		}
	}
	s, err := c.open(env, 0, nil)
	if err != nil {
		return nil, nil, err
	}
	return s.Service(), s, nil
}

// pathDone is the JSON of a change.
type pathDone struct {
	Event       string    `json:"event"`
	Destination *rns.Addr `json:"destination,omitempty"`
	Count       int       `json:"count,omitempty"`
}

func (c rnpathCommand) done(env *Environment, event string, addr *rns.Addr, n int, format string, args ...any) error {
	if c.JSON {
		return printJSON(env.Stdout, pathDone{event, addr, n})
	}
	_, err := fmt.Fprintf(env.Stdout, format+"\n", args...)
	return err
}

func (c rnpathCommand) drop(env *Environment, calls control.Service, addr rns.Addr) error {
	if c.Drop {
		existed, err := calls.DropPath(env.Context, addr)
		if err != nil {
			return err
		}
		if !existed {
			return failf("Unable to drop path to %s. Does it exist?", pretty(addr))
		}
		return c.done(env, "path_dropped", &addr, 0, "Dropped path to %s", pretty(addr))
	}
	n, err := calls.DropAllVia(env.Context, addr)
	if err != nil {
		return err
	}
	if n == 0 {
		return failf("Unable to drop paths via %s. Does the transport instance exist?", pretty(addr))
	}
	return c.done(env, "paths_dropped", &addr, n, "Dropped all paths via %s", pretty(addr))
}

func (c rnpathCommand) refuse(env *Environment, calls control.Service, addr rns.Addr) error {
	if c.Unblackhole {
		was, err := calls.UnblackholeIdentity(env.Context, addr)
		switch {
		case err != nil:
			return &failure{exitBadRemote, fmt.Errorf("could not lift the blackhole for %s: %w", pretty(addr), err)}
		case !was:
			return c.done(env, "not_blackholed", &addr, 0, "Identity %s not blackholed", digits(addr))
		}
		return c.done(env, "blackhole_lifted", &addr, 0, "Lifted blackhole for identity %s", digits(addr))
	}
	var until time.Time
	if c.Duration > 0 {
		until = time.Now().Add(time.Duration(min(c.Duration, 1e6) * float64(time.Hour)))
	}
	fresh, err := calls.BlackholeIdentity(env.Context, addr, until, c.Reason)
	switch {
	case err != nil:
		return &failure{exitBadRemote, fmt.Errorf("could not blackhole identity %s: %w", pretty(addr), err)}
	case !fresh:
		return c.done(env, "already_blackholed", &addr, 0, "Identity %s already blackholed", digits(addr))
	}
	return c.done(env, "blackholed", &addr, 0, "Blackholed identity %s", digits(addr))
}

// pathFound is the JSON of a found path.
type pathFound struct {
	Destination rns.Addr `json:"destination"`
	Hops        int      `json:"hops"`
	Via         rns.Addr `json:"via"`
	Interface   string   `json:"interface"`
}

// find asks for a path and shows it.
func (c rnpathCommand) find(env *Environment, s *stack.Stack, calls control.Service, addr rns.Addr) error {
	line := newStatusLine(env.Stdout, !c.JSON)
	defer line.end()
	if !s.HasPath(env.Context, addr) {
		line.say("Path to %s requested", pretty(addr))
	}
	ctx, cancel := context.WithTimeout(env.Context, seconds(c.Timeout))
	defer cancel()
	p, err := s.AwaitPath(ctx, addr)
	line.end()
	if errors.Is(err, node.ErrNoPath) {
		return failf("Path not found")
	}
	if err != nil {
		return err
	}
	found := pathFound{Destination: addr, Hops: p.Hops, Via: p.NextHop, Interface: p.InterfaceName}
	if next, ok, err := calls.NextHop(env.Context, addr); err == nil && ok {
		found.Via = next
	}
	if name, err := calls.NextHopInterface(env.Context, addr); err == nil && name != "" {
		found.Interface = name
	}
	if c.JSON {
		return printJSON(env.Stdout, found)
	}
	_, err = fmt.Fprintf(env.Stdout, "Path found, destination %s is %s away via %s on %s\n",
		pretty(addr), plural(found.Hops, "hop", "hops"), pretty(found.Via), found.Interface)
	return err
}

// remotely asks another node for its tables; nothing can be changed there. spec: rns-link §13.3
func (c rnpathCommand) remotely(env *Environment, addr *rns.Addr) error {
	if !c.Table && !c.Rates {
		return &failure{exitNotOffered, errors.New("another node can be asked for its table (-t) and its rates (-r) only")}
	}
	r, err := c.dial(env, c.toolFlags, c.RemoteWait)
	if err != nil {
		return err
	}
	defer r.close()
	line := newStatusLine(env.Stdout, !c.JSON)
	line.say("Asking %s", pretty(r.owner))
	defer line.end()
	if c.Table {
		table, err := r.RemotePaths(r.ctx, r.owner, r.as, c.MaxHops)
		line.end()
		if err != nil {
			return remoteFailure(env, err, r.owner)
		}
		return c.printTable(env, table, addr)
	}
	table, err := r.RemoteRates(r.ctx, r.owner, r.as)
	line.end()
	if err != nil {
		return remoteFailure(env, err, r.owner)
	}
	return c.printRates(env, table, addr)
}

// published asks another node for the list it publishes. spec: rns-core §21.4
func (c rnpathCommand) published(env *Environment, owner rns.Addr) error {
	s, err := c.open(env, 0, nil)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // what could not be saved is learned again
	ctx, cancel := context.WithTimeout(env.Context, seconds(c.RemoteWait))
	defer cancel()
	got, err := s.FetchBlackhole(ctx, owner)
	if err != nil {
		return remoteFailure(env, err, owner)
	}
	list := make([]control.BlackholeEntry, len(got))
	for i, b := range got {
		list[i] = control.BlackholeEntry{Identity: b.Identity, Source: b.Source, Until: b.Until, Reason: b.Reason}
	}
	return c.printBlackholed(env, list, c.ListFilter)
}
