package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"meshchatx/internal/tools/stack"
	"meshchatx/rns/control"
	"meshchatx/rns/discovery"
	"meshchatx/rns/discovery/agent"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/node"
)

type rnstatusCommand struct {
	toolFlags
	remoteFlags
	JSON bool `short:"j" name:"json" help:"Print JSON."`

	Filter     string  `arg:"" optional:"" help:"Show interfaces whose name contains this."`
	All        bool    `short:"a" help:"Show connections of others too."`
	Announces  bool    `short:"A" name:"announce-stats" help:"Show announces."`
	Requests   bool    `short:"P" name:"pr-stats" help:"Show path requests."`
	Links      bool    `short:"l" name:"link-stats" help:"Show the number of links."`
	Bursts     bool    `short:"B" name:"burst" help:"Show only interfaces that hold announces or path requests back."`
	Totals     bool    `short:"t" help:"Show the traffic of all interfaces together."`
	Sort       string  `short:"s" help:"Sort by rate, traffic, rx, tx, rxs, txs, announces, arx, atx, prx, ptx, held or gravity." placeholder:"WORD"`
	Reverse    bool    `short:"r" help:"Sort the other way round."`
	Discovered bool    `short:"d" help:"List interfaces that other nodes offer."`
	Details    bool    `short:"D" name:"details" help:"The same, with all that is known and a block for the configuration."`
	Monitor    bool    `short:"m" help:"Go on showing."`
	Interval   float64 `short:"I" name:"monitor-interval" help:"Time between two looks with -m." placeholder:"SECONDS" default:"1"`
	Timeout    float64 `short:"w" name:"timeout" help:"How long to wait for another node." placeholder:"SECONDS" default:"15"`
}

// nodeStatus is what is shown. links is negative if it is not known.
type nodeStatus struct {
	control.Stats
	links int
}

// Run shows the state of a node.
func (c rnstatusCommand) Run(env *Environment) error {
	if c.Discovered || c.Details {
		return c.discovered(env)
	}
	if c.Sort != "" && sortKey(c.Sort) == nil {
		return &failure{exitUsage, fmt.Errorf("cannot sort by %q; see rnstatus --help", c.Sort)}
	}
	ask, done, err := c.source(env)
	if err != nil {
		return err
	}
	defer done()
	if !c.Monitor {
		return c.show(env, env.Stdout, ask)
	}
	for {
		var page bytes.Buffer
		if err := c.show(env, &page, ask); err != nil {
			return err
		}
		if terminal(env.Stdout) {
			_, _ = io.WriteString(env.Stdout, "\x1b[H\x1b[2J")
		}
		if _, err := page.WriteTo(env.Stdout); err != nil {
			return err
		}
		t := time.NewTimer(max(seconds(c.Interval), 200*time.Millisecond))
		select {
		case <-t.C:
		case <-env.Context.Done():
			t.Stop()
			return context.Cause(env.Context)
		}
	}
}

// source is whom to ask: the running instance, or a node far away.
func (c rnstatusCommand) source(env *Environment) (ask func() (nodeStatus, error), done func(), err error) {
	if c.Remote == "" {
		client, err := c.instance(env)
		if err != nil {
			return nil, nil, err
		}
		return func() (nodeStatus, error) { return c.local(env, client) }, func() {}, nil
	}
	line := newStatusLine(env.Stdout, !c.JSON && !c.Monitor)
	r, err := c.dial(env, c.toolFlags, c.Timeout)
	if err != nil {
		return nil, nil, err
	}
	return func() (nodeStatus, error) {
		line.say("Asking %s", pretty(r.owner))
		defer line.end()
		ctx, cancel := context.WithTimeout(env.Context, seconds(c.Timeout))
		defer cancel()
		s, err := r.RemoteStatus(ctx, r.owner, r.as)
		if err != nil {
			return nodeStatus{}, remoteFailure(env, err, r.owner)
		}
		return nodeStatus{s.Stats, s.Links}, nil
	}, r.close, nil
}

func (c rnstatusCommand) local(env *Environment, s control.Service) (nodeStatus, error) {
	stats, err := s.InterfaceStats(env.Context)
	if err != nil {
		return nodeStatus{}, &failure{exitNoStatus, fmt.Errorf("no status from the running instance: %w", err)}
	}
	n := nodeStatus{stats, -1}
	if c.Links {
		if n.links, err = s.LinkCount(env.Context); err != nil {
			n.links = -1
		}
	}
	return n, nil
}

func (c rnstatusCommand) show(env *Environment, w io.Writer, ask func() (nodeStatus, error)) error {
	s, err := ask()
	if err != nil {
		return err
	}
	if c.JSON {
		return c.printJSON(w, s)
	}
	c.sort(s.Interfaces)
	return c.print(w, s, time.Now())
}

// printJSON prints what a control connection returns, with byte strings as hexadecimal text.
func (c rnstatusCommand) printJSON(w io.Writer, s nodeStatus) error {
	v, _, err := msgpack.Parse(s.Append(nil), msgpack.Limits{})
	if err != nil {
		return err
	}
	plain, ok := plainValue(v).(map[string]any)
	if !ok {
		return errors.New("statistics are no map")
	}
	if c.Links && s.links >= 0 {
		plain["link_count"] = s.links
	}
	return printJSON(w, plain)
}

// sortKey is what interfaces are sorted by, nil for an unknown word.
func sortKey(word string) func(*control.InterfaceStats) float64 {
	type stats = control.InterfaceStats
	return map[string]func(*stats) float64{
		"rate":      func(i *stats) float64 { return float64(i.Bitrate) },
		"bitrate":   func(i *stats) float64 { return float64(i.Bitrate) },
		"rx":        func(i *stats) float64 { return float64(i.RxBytes) },
		"tx":        func(i *stats) float64 { return float64(i.TxBytes) },
		"rxs":       func(i *stats) float64 { return i.RxRate },
		"txs":       func(i *stats) float64 { return i.TxRate },
		"traffic":   func(i *stats) float64 { return float64(i.RxBytes) + float64(i.TxBytes) },
		"announces": func(i *stats) float64 { return i.IncomingAnnounces + i.OutgoingAnnounces },
		"announce":  func(i *stats) float64 { return i.IncomingAnnounces + i.OutgoingAnnounces },
		"arx":       func(i *stats) float64 { return i.IncomingAnnounces },
		"atx":       func(i *stats) float64 { return i.OutgoingAnnounces },
		"prx":       func(i *stats) float64 { return i.IncomingRequests },
		"ptx":       func(i *stats) float64 { return i.OutgoingRequests },
		"held":      func(i *stats) float64 { return float64(i.HeldAnnounces) },
		"gravity":   func(i *stats) float64 { return float64(i.Gravity) },
		"g":         func(i *stats) float64 { return float64(i.Gravity) },
	}[strings.ToLower(word)]
}

// sort puts the largest first, or last with -r.
func (c rnstatusCommand) sort(list []control.InterfaceStats) {
	key := sortKey(c.Sort)
	if key == nil {
		return
	}
	slices.SortStableFunc(list, func(a, b control.InterfaceStats) int {
		order := cmp.Compare(key(&b), key(&a))
		if c.Reverse {
			order = -order
		}
		return order
	})
}

// discovered lists what other nodes offer, as the records of this node tell.
func (c rnstatusCommand) discovered(env *Environment) error {
	dir, err := c.dir(env)
	if err != nil {
		return err
	}
	records, err := agent.ReadRecords(node.NewDirStorage(stack.StorageDir(dir)))
	if err != nil && len(records) == 0 {
		return &failure{exitFailure, err}
	}
	now := time.Now()
	list, _ := agent.List(records, discovery.Filter{}, now)
	if c.JSON {
		return c.discoveredJSON(env.Stdout, list)
	}
	list = slices.DeleteFunc(list, func(e discovery.Entry) bool {
		return !strings.Contains(strings.ToLower(e.Name), strings.ToLower(c.Filter))
	})
	if c.Details {
		return printDiscoveredDetails(env.Stdout, list, now)
	}
	return printDiscovered(env.Stdout, list, now)
}

func (c rnstatusCommand) discoveredJSON(w io.Writer, list []discovery.Entry) error {
	out := make([]any, 0, len(list))
	for _, e := range list {
		v, _, err := msgpack.Parse(e.Append(nil), msgpack.Limits{})
		if err != nil {
			return err
		}
		plain, ok := plainValue(v).(map[string]any)
		if !ok {
			continue
		}
		plain["status"], plain["config_entry"] = e.Status.String(), e.ConfigEntry()
		out = append(out, plain)
	}
	return printJSON(w, out)
}
