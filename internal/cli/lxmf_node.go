package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"meshchatx/internal/api"
)

// lxmfSyncCommand fetches messages.
type lxmfSyncCommand struct {
	headless
	Node    string        `help:"Use this propagation node from now on, and fetch from it." placeholder:"HASH"`
	Max     int           `help:"Most messages to fetch; 0: as the settings say." default:"0"`
	Timeout time.Duration `help:"Give up waiting after this time; fetching goes on in the program." default:"5m"`
	JSON    bool          `name:"json" help:"Print the result as JSON."`
}

// syncLook is how often a fetch is looked at.
const syncLook = 100 * time.Millisecond

// Run fetches. The exit code is 1 if that fails.
func (c lxmfSyncCommand) Run(env *Environment) (err error) {
	s, err := c.connect(env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if c.Node != "" {
		node, err := parseHash(c.Node)
		if err != nil {
			return err
		}
		body := map[string]any{"mode": "fixed", "node": node.Hex()}
		if err := s.call(env.Context, http.MethodPut, s.path("/propagation"), body, nil); err != nil {
			return err
		}
	}
	if err := s.call(env.Context, http.MethodPost, s.path("/propagation/sync"), map[string]any{"max": c.Max}, nil); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(env.Context, c.Timeout, errors.New("not finished in time"))
	defer cancel()
	line := newStatusLine(env.Stderr, !c.JSON)
	defer line.end()
	v, err := s.synced(ctx, line)
	if err != nil {
		return err
	}
	line.end()
	if err := printSync(env.Stdout, v, c.JSON); err != nil {
		return err
	}
	if v.Failed {
		return &failure{exitFailure, nil}
	}
	return nil
}

// synced waits for the end of a fetch.
func (s *session) synced(ctx context.Context, line *statusLine) (api.SyncView, error) {
	tick := time.NewTicker(syncLook)
	defer tick.Stop()
	for {
		var v api.PropagationView
		if err := s.call(ctx, http.MethodGet, s.path("/propagation"), nil, &v); err != nil {
			return v.Sync, err
		}
		if !v.Sync.Active && v.Sync.State != "idle" {
			return v.Sync, nil
		}
		line.say("%s", syncText(v.Sync))
		select {
		case <-tick.C:
		case <-ctx.Done():
			return v.Sync, context.Cause(ctx)
		}
	}
}

// syncText says how far a fetch is.
func syncText(v api.SyncView) string {
	switch v.State {
	case "idle":
		return "nothing is being fetched"
	case "path_requested":
		return "looking for a path to the node"
	case "link_establishing":
		return "connecting to the node"
	case "link_established", "request_sent":
		return "asking the node for messages"
	case "receiving":
		if v.Percent != nil {
			return fmt.Sprintf("receiving, %d %%", *v.Percent)
		}
		return "receiving"
	case "response_received":
		return "storing messages"
	case "complete":
		return "complete"
	case "no_path":
		return "there is no path to the node"
	case "link_failed":
		return "no connection to the node came about"
	case "transfer_failed":
		return "the connection broke"
	case "no_identity":
		return "the node did not recognise the identity"
	case "no_access":
		return "the node does not serve this identity"
	}
	return "failed"
}

func printSync(w io.Writer, v api.SyncView, asJSON bool) error {
	if asJSON {
		return printJSON(w, v)
	}
	if v.Failed {
		_, err := fmt.Fprintf(w, "Failed: %s\n", syncText(v))
		return err
	}
	_, err := fmt.Fprintf(w, "%s, %s, %d left on the node\n",
		plural(v.Stored, "new message", "new messages"), plural(v.Duplicates, "duplicate", "duplicates"), v.Left)
	return err
}

type lxmfStatusCommand struct {
	headless
	JSON bool `name:"json" help:"Print as JSON."`
}

// Run prints the state of things.
func (c lxmfStatusCommand) Run(env *Environment) (err error) {
	s, err := c.connect(env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	var v api.PropagationView
	if err := s.call(env.Context, http.MethodGet, s.path("/propagation"), nil, &v); err != nil {
		return err
	}
	var host api.HostView
	if err := s.call(env.Context, http.MethodGet, "/propagation/host", nil, &host); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(env.Stdout, struct {
			api.PropagationView
			Host api.HostView `json:"host"`
		}{v, host})
	}
	var p page
	if v.Choice.Address == "" {
		p.line("Propagation node  none in use (%s)", v.Choice.Mode)
	} else {
		p.line("Propagation node  <%s> %s (%s: %s), stamp cost %d", v.Choice.Address, oneLine(v.Choice.Name), v.Choice.Mode, v.Choice.Reason, v.Choice.Cost)
	}
	p.line("Known nodes       %d, of which %d can be used and %d rest after failures", v.Choice.Heard, v.Choice.Usable, v.Choice.Resting)
	p.line("Last fetch        %s", syncText(v.Sync))
	p.line("Own node          %s", host.State)
	if host.State == "on" {
		p.line("                  <%s>, %s of %s, %s", host.Address, plural(host.Messages, "message", "messages"),
			sizeText(float64(host.Bytes)), plural(len(host.Peers), "peer", "peers"))
	}
	_, err = io.WriteString(env.Stdout, p.String())
	return err
}

type lxmfPeersCommand struct {
	headless
	Sync  string `help:"Synchronise with this peer now." placeholder:"HASH"`
	Break string `help:"End the peering with this one." placeholder:"HASH"`
	JSON  bool   `name:"json" help:"Print as JSON."`
}

// Run prints the peers, or commands one.
func (c lxmfPeersCommand) Run(env *Environment) (err error) {
	s, err := c.connect(env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if c.Sync != "" {
		return s.peer(env.Context, http.MethodPost, c.Sync, "/sync")
	}
	if c.Break != "" {
		return s.peer(env.Context, http.MethodDelete, c.Break, "")
	}
	var host api.HostView
	if err := s.call(env.Context, http.MethodGet, "/propagation/host", nil, &host); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(env.Stdout, host.Peers)
	}
	var p page
	if host.State != "on" {
		p.line("This program is no propagation node now (%s).", host.State)
	}
	for i := range host.Peers {
		peer := &host.Peers[i]
		alive := "unreachable"
		if peer.Alive {
			alive = "available"
		}
		p.line("<%s> %s", peer.Address, oneLine(peer.Name))
		p.line("  %s, %s, heard %s", alive, peer.State, ago(float64(peer.HeardAt)/1000, time.Now()))
		p.line("  %d offered, %d sent, %d received, %s\n", peer.Offered, peer.Sent, peer.Received, plural(peer.Outstanding, "outstanding", "outstanding"))
	}
	_, err = io.WriteString(env.Stdout, p.String())
	return err
}

// peer commands a peer of the own node.
func (s *session) peer(ctx context.Context, method, hash, what string) error {
	addr, err := parseHash(hash)
	if err != nil {
		return err
	}
	return s.call(ctx, method, "/propagation/host/peers/"+addr.Hex()+what, nil, nil)
}
