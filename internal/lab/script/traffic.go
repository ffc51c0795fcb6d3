package script

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/node"
)

func trafficCommands() map[string]handler {
	return map[string]handler{
		"dest.new":      command(destNew),
		"announce":      command(announce),
		"request.serve": command(requestServe),
		"path.request":  command(pathRequest),
		"path.await":    command(pathAwait),
		"path.list":     command(pathList),
		"path.drop":     command(pathDrop),
		"send":          command(send),
		"received":      command(received),
	}
}

// payload is data as text or as hexadecimal digits.
type payload struct {
	Text string
	Data string
}

func (p payload) bytes() ([]byte, error) {
	if p.Data != "" {
		return hex.DecodeString(p.Data)
	}
	return []byte(p.Text), nil
}

// defaultTimeout is how long a command waits that does not say.
const defaultTimeout = 15 * time.Second

// patience is how long a command waits.
type patience struct {
	Timeout *float64 `json:"timeout_s"`
}

func (p patience) context(ctx context.Context) (context.Context, context.CancelFunc) {
	t := defaultTimeout
	if p.Timeout != nil {
		t = time.Duration(*p.Timeout * float64(time.Second))
	}
	return context.WithTimeout(ctx, t)
}

// proofs are the strategies by name.
var proofs = map[string]node.ProofStrategy{"": node.ProveAll, "all": node.ProveAll, "app": node.ProveApp, "none": node.ProveNone}

func destNew(_ context.Context, l *lab, p struct {
	Node, Name, Identity, Proofs string
	AppData                      string `json:"app_data"`
}) (any, error) {
	n, err := l.station(p.Node)
	if err != nil {
		return nil, err
	}
	strategy, ok := proofs[p.Proofs]
	if !ok {
		return nil, fmt.Errorf("proofs %q: %w", p.Proofs, errName)
	}
	id, err := rns.NewIdentity(n.Random())
	if p.Identity != "" {
		id, err = identity(p.Identity)
	}
	if err != nil {
		return nil, err
	}
	in := new(inbox)
	c := node.DestinationConfig{
		Identity: id, Name: p.Name, Proofs: strategy,
		OnPacket: func(k *node.Packet) { in.put(obj{"data": hex.EncodeToString(k.Data), "hops": k.Hops}) },
		OnLink:   in.accept,
	}
	if p.AppData != "" {
		c.AppData = func() []byte { return []byte(p.AppData) }
	}
	d, err := n.Register(c)
	if err != nil {
		return nil, err
	}
	in.dest = d
	n.dests[d.Addr()] = in
	return obj{"dest": d.Addr().Hex(), "identity": id.Hash().Hex()}, nil
}

// accept keeps what comes over a link; it proves everything and takes every resource.
func (i *inbox) accept(k *node.Link) node.LinkHandler {
	link := k.ID().Hex()
	return node.LinkHandler{
		OnPacket: func(_ *node.Link, p *node.LinkPacket) {
			i.put(obj{"link": link, "data": hex.EncodeToString(p.Data)})
			_ = p.Prove()
		},
		OnIdentified: func(_ *node.Link, key rns.PublicKey) { i.put(obj{"link": link, "identity": key.Hash().Hex()}) },
		OnResource: func(*node.Link, node.ResourceOffer) *node.ResourceAcceptance {
			return &node.ResourceAcceptance{Conclude: func(_ *node.Link, r node.IncomingResource) error {
				o := obj{"link": link, "resource": r.Hash.Hex(), "size": r.Size}
				if r.Err != nil {
					o["error"] = r.Err.Error()
				}
				i.put(o)
				return nil
			}}
		},
	}
}

// destParam names a destination of a node, or one that it is to reach.
type destParam struct {
	Node string
	Dest rns.Addr
}

// own finds a destination that the node has.
func (l *lab) own(p destParam) (*inbox, error) {
	n, err := l.station(p.Node)
	if err != nil {
		return nil, err
	}
	in, ok := n.dests[p.Dest]
	if !ok {
		return nil, fmt.Errorf("destination %s: %w", p.Dest, errName)
	}
	return in, nil
}

func announce(ctx context.Context, l *lab, p struct {
	destParam
	AppData *string `json:"app_data"`
}) (any, error) {
	in, err := l.own(p.destParam)
	if err != nil {
		return nil, err
	}
	o := node.AnnounceOptions{}
	if p.AppData != nil {
		o.AppData = []byte(*p.AppData)
	}
	return nil, in.dest.Announce(ctx, o)
}

func requestServe(_ context.Context, l *lab, p struct {
	destParam
	payload
	Path string
}) (any, error) {
	in, err := l.own(p.destParam)
	if err != nil {
		return nil, err
	}
	b, err := p.bytes()
	if err != nil {
		return nil, err
	}
	in.dest.Handle(node.RequestHandler{Path: p.Path, Policy: node.AllowAll, Serve: func(r *node.Request) (*node.Response, error) {
		in.put(obj{"link": r.Link.ID().Hex(), "request": p.Path})
		return &node.Response{Value: msgpack.Bin(b)}, nil
	}})
	return nil, nil
}

func pathRequest(ctx context.Context, l *lab, p destParam) (any, error) {
	n, err := l.station(p.Node)
	if err != nil {
		return nil, err
	}
	return nil, n.RequestPath(ctx, p.Dest, 0)
}

func describePath(p node.Path) obj {
	return obj{"dest": p.Destination.Hex(), "hops": p.Hops, "next_hop": p.NextHop.Hex(), "iface": p.Interface}
}

func pathAwait(ctx context.Context, l *lab, p struct {
	destParam
	patience
}) (any, error) {
	n, err := l.station(p.Node)
	if err != nil {
		return nil, err
	}
	ctx, cancel := p.context(ctx)
	defer cancel()
	path, err := n.AwaitPath(ctx, p.Dest)
	if err != nil {
		return nil, err
	}
	return describePath(path), nil
}

func pathList(ctx context.Context, l *lab, p nodeParam) (any, error) {
	n, err := l.station(p.Node)
	if err != nil {
		return nil, err
	}
	paths, err := n.Paths(ctx)
	out := []obj{}
	for _, path := range paths {
		out = append(out, describePath(path))
	}
	return obj{"paths": out}, err
}

func pathDrop(ctx context.Context, l *lab, p destParam) (any, error) {
	n, err := l.station(p.Node)
	if err != nil {
		return nil, err
	}
	return nil, n.DropPath(ctx, p.Dest)
}

// outcome waits for a receipt. That no proof came is an answer, not an error.
func outcome(ctx context.Context, r *node.Receipt) (any, error) {
	err := r.Wait(ctx)
	s := r.Status()
	if s.State == node.ReceiptDelivered {
		return obj{"delivered": true, "rtt_s": s.RTT().Seconds()}, nil
	}
	return obj{"delivered": false, "reason": fmt.Sprint(errors.Join(err))}, nil
}

func send(ctx context.Context, l *lab, p struct {
	destParam
	payload
	patience
}) (any, error) {
	n, err := l.station(p.Node)
	if err != nil {
		return nil, err
	}
	b, err := p.bytes()
	if err != nil {
		return nil, err
	}
	ctx, cancel := p.context(ctx)
	defer cancel()
	r, err := n.SendPacket(ctx, p.Dest, b, node.SendOptions{})
	if err != nil {
		return nil, err
	}
	return outcome(ctx, r)
}

// received takes what has arrived for a destination, waiting for something.
func received(ctx context.Context, l *lab, p struct {
	destParam
	patience
}) (any, error) {
	in, err := l.own(p.destParam)
	if err != nil {
		return nil, err
	}
	ctx, cancel := p.context(ctx)
	defer cancel()
	for {
		in.mu.Lock()
		got := in.got
		in.got = nil
		in.mu.Unlock()
		if len(got) > 0 || ctx.Err() != nil {
			return obj{"items": append([]obj{}, got...)}, nil
		}
		time.Sleep(5 * time.Millisecond)
	}
}
