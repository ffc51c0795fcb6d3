package agent

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"math/big"

	"meshchatx/rns"
	"meshchatx/rns/discovery"
	"meshchatx/rns/node"
)

// connects reports whether the agent connects by itself at all.
func (a *Agent) connects() bool {
	return bool(a.conf.Listen) && a.conf.Connect > 0 && a.conf.Interfaces != nil
}

// connectivity is what decisions depend on.
func (a *Agent) connectivity(ctx context.Context) discovery.Connectivity {
	c := discovery.Connectivity{}
	if !a.connects() {
		return c
	}
	c.Max, c.Endpoints = a.conf.Connect, a.conf.Interfaces.Endpoints(ctx)
	a.mu.Lock()
	defer a.mu.Unlock()
	c.Connected = len(a.connected)
	for _, other := range a.connected {
		c.Endpoints = append(c.Endpoints, other.at)
	}
	return c
}

// connect attaches an interface to what a record describes, if that is the
// decision.
func (a *Agent) connect(ctx context.Context, r discovery.Record) discovery.Decision {
	d := a.connectivity(ctx).Decide(r)
	if d != discovery.DecisionConnect {
		return d
	}
	id, err := a.conf.Interfaces.Connect(ctx, r)
	if err != nil {
		a.log.Warn("discovered interface is not connected", slog.String("name", r.Name), slog.Any("error", err))
		return d
	}
	a.log.Info("discovered interface is connected", slog.String("name", r.Name), slog.String("host", r.ReachableOn))
	a.mu.Lock()
	defer a.mu.Unlock()
	a.connected[r.Endpoint().Hash()] = connection{id: id, at: r.Endpoint()}
	return d
}

// connectStored goes through the stored records of transport nodes, the best
// first. spec: rns-core §22.6
func (a *Agent) connectStored(ctx context.Context) {
	list, err := a.entries(ctx)
	if err != nil {
		return // the node is closing
	}
	for _, e := range list {
		if e.Transport && a.connect(ctx, e.Record) == discovery.DecisionFull {
			return
		}
	}
}

// watch is a round of the monitor. spec: rns-core §22.6
func (a *Agent) watch(ctx context.Context, m *discovery.Monitor) {
	all, err := a.watched(ctx)
	if err != nil {
		return // the node is closing
	}
	round := m.Round(all, a.conf.Interfaces.Bootstrap(ctx), a.conf.Connect, a.conf.Node.Now())
	switch round.Bootstrap {
	case discovery.BootstrapStart:
		a.conf.Interfaces.StartBootstrap(ctx)
	case discovery.BootstrapStop:
		a.conf.Interfaces.StopBootstrap(ctx)
	}
	if round.Try {
		a.tryOne(ctx)
	}
	for _, endpoint := range round.Detach {
		a.detach(ctx, endpoint)
	}
}

// watched is the state of what the agent connected. What somebody else removed
// is forgotten.
func (a *Agent) watched(ctx context.Context) ([]discovery.Watched, error) {
	live, err := a.conf.Node.Interfaces(ctx)
	if err != nil {
		return nil, err
	}
	up := make(map[node.InterfaceID]bool, len(live))
	for _, i := range live {
		up[i.ID] = i.State.Word == node.StateUp
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []discovery.Watched
	for endpoint, c := range a.connected {
		online, there := up[c.id]
		if !there {
			delete(a.connected, endpoint)
			continue
		}
		all = append(all, discovery.Watched{Endpoint: endpoint, Online: online})
	}
	return all, nil
}

func (a *Agent) detach(ctx context.Context, endpoint rns.Hash) {
	a.mu.Lock()
	c := a.connected[endpoint]
	delete(a.connected, endpoint)
	a.mu.Unlock()
	a.log.Info("discovered interface is given up", slog.String("host", c.at.Host))
	if err := a.conf.Node.RemoveInterface(ctx, c.id); err != nil && !errors.Is(err, node.ErrNoInterface) {
		a.log.Warn("discovered interface does not stop", slog.Any("error", err))
	}
}

// tryOne connects to an available transport node chosen by chance, so that not
// everybody crowds on the best. spec: rns-core §22.6
func (a *Agent) tryOne(ctx context.Context) {
	list, err := a.entries(ctx)
	if err != nil {
		return // the node is closing
	}
	var candidates []discovery.Record
	for _, e := range list {
		if e.Transport && e.Status == discovery.StatusAvailable {
			candidates = append(candidates, e.Record)
		}
	}
	if len(candidates) == 0 {
		return
	}
	n, err := pick(a.conf.Node.Random(), len(candidates))
	if err != nil {
		return // without chance none is tried
	}
	a.connect(ctx, candidates[n])
}

func pick(random io.Reader, n int) (int, error) {
	i, err := rand.Int(random, big.NewInt(int64(n)))
	if err != nil {
		return 0, err
	}
	return int(i.Int64()), nil
}
