package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/control"
	"meshchatx/rns/msgpack"
)

// Names of the destinations of a node about itself, and the paths they serve. spec: rns-core §21
const (
	nameManagement = "rnstransport.remote.management"
	nameProbe      = "rnstransport.probe"
	nameNetwork    = "rnstransport.network"
	nameInstance   = "rnstransport.network.instance."
	nameBlackhole  = "rnstransport.info.blackhole"

	pathStatus = "/status"
	pathPath   = "/path"
	pathList   = "/list"
)

// offer registers the destinations of the node about itself.
func (n *Node) offer() error {
	for _, c := range n.services() {
		d, err := n.Register(c)
		if err != nil {
			return errors.Join(err, n.Close())
		}
		n.life.Lock()
		n.life.services = append(n.life.services, d)
		n.life.Unlock()
	}
	return nil
}

// services lists what the configuration wants offered. spec: rns-core §21
func (n *Node) services() []DestinationConfig {
	own, m := n.ident.network, &n.cfg.Management
	var all []DestinationConfig
	if m.Remote {
		all = append(all, DestinationConfig{
			Identity: own, Name: nameManagement, proofHold: n.cfg.Params.ManagementHold,
			Requests: []RequestHandler{
				{Path: pathStatus, Policy: AllowList, Allow: m.Allowed, Serve: n.serveStatus},
				{Path: pathPath, Policy: AllowList, Allow: m.Allowed, Serve: n.servePath},
			},
		})
	}
	if m.Probes && n.cfg.Transport {
		all = append(all, probeResponder(own))
	}
	if m.PublishBlackhole {
		all = append(all, DestinationConfig{
			Identity: own, Name: nameBlackhole, proofHold: n.cfg.Params.ManagementHold,
			Requests: []RequestHandler{{Path: pathList, Policy: AllowAll, Serve: n.serveBlackhole}},
		})
	}
	if id := n.ident.community; id != nil {
		for _, name := range []string{nameInstance + own.Hash().Hex(), nameNetwork} {
			all = append(all, DestinationConfig{Identity: id, Name: name, Links: RefuseLinks})
		}
	}
	return all
}

// announceServices announces the destinations of the node about itself until ctx ends. spec: rns-core §21
func (n *Node) announceServices(ctx context.Context) {
	timer := time.NewTimer(n.cfg.Params.ManagementFirst)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		n.life.Lock()
		services := n.life.services
		n.life.Unlock()
		if len(services) == 0 {
			return
		}
		for _, d := range services {
			if err := d.Announce(ctx, AnnounceOptions{}); err != nil && ctx.Err() == nil {
				n.env.log.Debug("announce", slog.String("name", d.Name()), slog.Any("error", err))
			}
		}
		timer.Reset(n.cfg.Params.ManagementInterval)
	}
}

// ProbeResponder is the address of the probe responder; false without one.
func (n *Node) ProbeResponder() (rns.Addr, bool) {
	return rns.DestinationHash(nameProbe, n.TransportID()), bool(n.cfg.Management.Probes && n.cfg.Transport)
}

// Community is the hash of the identity of the network this node belongs to; false without one. spec: rns-core §21.3
func (n *Node) Community() (rns.Addr, bool) {
	if n.ident.community == nil {
		return rns.Addr{}, false
	}
	return n.ident.community.Hash(), true
}

// loadNetworkIdentity reads the identity of the network, or makes it. spec: rns-core §21.3, §23.5
func (n *Node) loadNetworkIdentity() error {
	name := n.cfg.Management.NetworkIdentity
	if name == "" {
		return nil
	}
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		var id *rns.Identity
		if id, err = rns.NewIdentity(n.env.rand); err != nil {
			return fmt.Errorf("make network identity: %w", err)
		}
		b = id.Bytes()
		err = NewDirStorage(filepath.Dir(name)).Write(filepath.Base(name), b)
	}
	if err != nil {
		return fmt.Errorf("network identity: %w", err)
	}
	if n.ident.community, err = rns.ParseIdentity(b); err != nil {
		return fmt.Errorf("network identity %s: %w", name, err)
	}
	return nil
}

// serveStatus answers how the interfaces are. spec: rns-core §21.1
func (n *Node) serveStatus(r *Request) (*Response, error) {
	q, ok := r.Data.Array()
	if !ok || len(q) == 0 {
		return nil, nil //nolint:nilnil // such a question gets no answer
	}
	stats, err := n.InterfaceStats(context.Background())
	if err != nil {
		return nil, err
	}
	size := 1
	links, _ := q[0].Bool()
	if links {
		size = 2
	}
	b := stats.Append(msgpack.AppendArrayHeader(nil, size))
	if links {
		count, err := n.LinkCount(context.Background())
		if err != nil {
			return nil, err
		}
		b = msgpack.AppendInt(b, int64(count))
	}
	return encodedResponse(b)
}

// servePath answers what paths or announce rates are known. spec: rns-core §21.1
func (n *Node) servePath(r *Request) (*Response, error) {
	q, ok := r.Data.Array()
	if !ok || len(q) == 0 {
		return nil, nil //nolint:nilnil // such a question gets no answer
	}
	command, _ := q[0].Text()
	other := func(rns.Addr) bool { return false }
	if len(q) > 1 && !q[1].IsNil() {
		hash, _ := q[1].Bytes()
		other = func(a rns.Addr) bool { return string(a[:]) != string(hash) }
	}
	switch command {
	case "table":
		most := control.AnyHops
		if len(q) > 2 {
			if hops, ok := q[2].Int(); ok {
				most = int(min(max(hops, 0), rns.MaxHops))
			}
		}
		paths, err := n.PathTable(context.Background(), most)
		if err != nil {
			return nil, err
		}
		paths = slices.DeleteFunc(paths, func(e control.PathEntry) bool { return other(e.Hash) })
		return encodedResponse(control.AppendPathTable(nil, paths))
	case "rates":
		rates, err := n.RateTable(context.Background())
		if err != nil {
			return nil, err
		}
		rates = slices.DeleteFunc(rates, func(e control.RateEntry) bool { return other(e.Hash) })
		return encodedResponse(control.AppendRateTable(nil, rates))
	default:
		return nil, nil //nolint:nilnil // such a question gets no answer
	}
}

// encodedResponse is a response of a value of our own that is encoded already.
func encodedResponse(b []byte) (*Response, error) {
	v, _, err := msgpack.Parse(b, msgpack.Limits{Depth: 8, Values: len(b)})
	return &Response{Value: v}, err
}

// serviceLimit bounds the answer of another node about itself, in bytes.
const serviceLimit = 16 << 20

// RemoteStatus is what another node tells about itself.
type RemoteStatus struct {
	control.Stats
	// Links is the number of links through it, -1 if it was not asked for or not told.
	Links int
}

// RemoteStatus asks the node with a transport identity for the state of its interfaces and for the number of links through
// it. as must be on the other node's list. spec: rns-core §21.1
func (n *Node) RemoteStatus(ctx context.Context, owner rns.Addr, as *rns.Identity) (RemoteStatus, error) {
	s := RemoteStatus{Links: -1}
	v, err := n.askService(ctx, nameManagement, owner, as, pathStatus, msgpack.Array(msgpack.Bool(true)))
	if err != nil {
		return s, err
	}
	parts, _ := v.Array()
	if len(parts) == 0 {
		return s, fmt.Errorf("%s of %s: %w", nameManagement, owner, control.ErrResponse)
	}
	if len(parts) > 1 {
		if links, ok := parts[1].Int(); ok {
			s.Links = int(links)
		}
	}
	s.Stats, err = control.ParseStats(parts[0].Append(nil))
	return s, err
}

// RemotePaths asks the node with a transport identity for its paths of at most maxHops hops, control.AnyHops for all.
// spec: rns-core §21.1
func (n *Node) RemotePaths(ctx context.Context, owner rns.Addr, as *rns.Identity, maxHops int) ([]control.PathEntry, error) {
	most := msgpack.Nil()
	if maxHops != control.AnyHops {
		most = msgpack.Int(int64(maxHops))
	}
	v, err := n.askService(ctx, nameManagement, owner, as, pathPath, msgpack.Array(msgpack.Str("table"), msgpack.Nil(), most))
	if err != nil {
		return nil, err
	}
	return control.ParsePathTable(v.Append(nil))
}

// RemoteRates asks the node with a transport identity for its announce histories. spec: rns-core §21.1
func (n *Node) RemoteRates(ctx context.Context, owner rns.Addr, as *rns.Identity) ([]control.RateEntry, error) {
	v, err := n.askService(ctx, nameManagement, owner, as, pathPath, msgpack.Array(msgpack.Str("rates"), msgpack.Nil()))
	if err != nil {
		return nil, err
	}
	return control.ParseRateTable(v.Append(nil))
}

// askService opens a link to a destination of another node about itself, identifies if as is not nil, asks and closes.
func (n *Node) askService(
	ctx context.Context, name string, owner rns.Addr, as *rns.Identity, path string, q msgpack.Value,
) (msgpack.Value, error) {
	dest := rns.DestinationHash(name, owner)
	if _, err := n.AwaitPath(ctx, dest); err != nil {
		return msgpack.Value{}, fmt.Errorf("%s of %s: %w", name, owner, err)
	}
	l, err := n.OpenLink(ctx, dest, LinkHandler{})
	if err != nil {
		return msgpack.Value{}, fmt.Errorf("%s of %s: %w", name, owner, err)
	}
	defer l.Close()
	if as != nil {
		if err := l.Identify(ctx, as); err != nil {
			return msgpack.Value{}, fmt.Errorf("%s of %s: %w", name, owner, err)
		}
	}
	v, err := l.RequestValue(ctx, path, q, RequestOptions{MaxResponseSize: serviceLimit})
	if err != nil {
		return msgpack.Value{}, fmt.Errorf("%s of %s: %w", name, owner, err)
	}
	return v, nil
}
