package script

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/node"
)

func nodeCommands() map[string]handler {
	return map[string]handler{
		"node.new":      command(nodeNew),
		"node.close":    command(nodeClose),
		"node.list":     command(nodeList),
		"clock.advance": command(clockAdvance),
		"maintain":      command(maintain),
		"quiesce":       command(quiesce),
	}
}

// nodeParam is the parameter of commands about one node.
type nodeParam struct{ Node string }

// identityFile is where a node keeps its transport identity. spec: rns-core §11.1
const identityFile = "transport_identity"

func nodeNew(ctx context.Context, l *lab, p struct {
	Node      string
	Transport bool
	Identity  string // 64 bytes, hexadecimal
	Storage   string // a folder; empty keeps everything in memory
}) (any, error) {
	if _, taken := l.nodes[p.Node]; taken {
		return nil, fmt.Errorf("node %q: %w", p.Node, errTaken)
	}
	var storage node.Storage = new(node.MemStorage)
	if p.Storage != "" {
		storage = node.NewDirStorage(p.Storage)
	}
	if p.Identity != "" {
		id, err := identity(p.Identity)
		if err != nil {
			return nil, err
		}
		if err := storage.Write(identityFile, id.Bytes()); err != nil {
			return nil, err
		}
	}
	c := node.DefaultConfig()
	c.Transport, c.StaticIdentity = node.Switch(p.Transport), node.On
	n, err := node.New(c, node.WithStorage(storage), node.WithNow(l.now))
	if err != nil {
		return nil, err
	}
	if err := n.Start(ctx); err != nil {
		return nil, err
	}
	l.nodes[p.Node] = &station{Node: n, name: p.Node, dests: make(map[rns.Addr]*inbox)}
	return obj{"identity": n.TransportID().Hex()}, nil
}

// identity reads private keys.
func identity(text string) (*rns.Identity, error) {
	b, err := hex.DecodeString(text)
	if err != nil {
		return nil, err
	}
	return rns.ParseIdentity(b)
}

func nodeClose(_ context.Context, l *lab, p nodeParam) (any, error) {
	n, err := l.station(p.Node)
	if err != nil {
		return nil, err
	}
	delete(l.nodes, p.Node)
	return nil, n.Close()
}

func nodeList(_ context.Context, l *lab, _ struct{}) (any, error) {
	all := []string{}
	for name := range l.nodes {
		all = append(all, name)
	}
	slices.Sort(all)
	return obj{"nodes": all}, nil
}

// clockAdvance sets the clock of all nodes forward and does what is due then. Media keep the real time.
func clockAdvance(ctx context.Context, l *lab, p struct{ Seconds float64 }) (any, error) {
	if p.Seconds < 0 {
		return nil, errors.New("clocks do not go back")
	}
	l.ahead.Add(int64(p.Seconds * float64(time.Second)))
	if _, err := maintain(ctx, l, nodeParam{}); err != nil {
		return nil, err
	}
	return obj{"now": float64(l.now().UnixMilli()) / 1000}, nil
}

func maintain(ctx context.Context, l *lab, p nodeParam) (any, error) {
	all, err := l.stations(p.Node)
	for _, n := range all {
		if n != nil {
			err = errors.Join(err, n.Maintain(ctx), n.Quiesce(ctx))
		}
	}
	return nil, err
}

// quiesce waits until what was caused has been done, on all nodes in turn until none has anything left.
func quiesce(ctx context.Context, l *lab, p nodeParam) (any, error) {
	all, err := l.stations(p.Node)
	for range max(1, len(all)) {
		for _, n := range all {
			if n != nil {
				err = errors.Join(err, n.Quiesce(ctx))
			}
		}
	}
	return nil, err
}
