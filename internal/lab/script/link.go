package script

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/node"
)

func linkCommands() map[string]handler {
	return map[string]handler{
		"link.open":     command(linkOpen),
		"link.send":     command(linkSend),
		"link.identify": command(linkIdentify),
		"link.request":  command(linkRequest),
		"link.resource": command(linkResource),
		"link.status":   command(linkStatus),
		"link.close":    command(linkClose),
	}
}

type linkParam struct{ Link string }

func (l *lab) link(p linkParam) (*node.Link, error) {
	k, ok := l.links[p.Link]
	if !ok {
		return nil, fmt.Errorf("link %q: %w", p.Link, errName)
	}
	return k, nil
}

func linkOpen(ctx context.Context, l *lab, p struct {
	destParam
	patience
}) (any, error) {
	n, err := l.station(p.Node)
	if err != nil {
		return nil, err
	}
	ctx, cancel := p.context(ctx)
	defer cancel()
	k, err := n.OpenLink(ctx, p.Dest, node.LinkHandler{})
	if err != nil {
		return nil, err
	}
	l.links[k.ID().Hex()] = k
	return obj{"link": k.ID().Hex(), "rtt_s": k.RTT().Seconds(), "mtu": k.MTU(), "hops": k.Hops()}, nil
}

func linkSend(ctx context.Context, l *lab, p struct {
	linkParam
	payload
	patience
}) (any, error) {
	k, err := l.link(p.linkParam)
	if err != nil {
		return nil, err
	}
	b, err := p.bytes()
	if err != nil {
		return nil, err
	}
	ctx, cancel := p.context(ctx)
	defer cancel()
	r, err := k.Send(ctx, b, node.SendOptions{})
	if err != nil {
		return nil, err
	}
	return outcome(ctx, r)
}

func linkIdentify(ctx context.Context, l *lab, p struct {
	linkParam
	Identity string
}) (any, error) {
	k, err := l.link(p.linkParam)
	if err != nil {
		return nil, err
	}
	id, err := rns.NewIdentity(k.Node().Random())
	if p.Identity != "" {
		id, err = identity(p.Identity)
	}
	if err != nil {
		return nil, err
	}
	return obj{"identity": id.Hash().Hex()}, k.Identify(ctx, id)
}

// linkRequest asks with a byte string and shows the response the same way.
func linkRequest(ctx context.Context, l *lab, p struct {
	linkParam
	payload
	patience
	Path string
}) (any, error) {
	k, err := l.link(p.linkParam)
	if err != nil {
		return nil, err
	}
	b, err := p.bytes()
	if err != nil {
		return nil, err
	}
	ctx, cancel := p.context(ctx)
	defer cancel()
	v, err := k.RequestValue(ctx, p.Path, msgpack.Bin(b), node.RequestOptions{})
	if err != nil {
		return nil, err
	}
	return obj{"response": hex.EncodeToString(v.Append(nil))}, nil
}

// linkResource sends data, or size bytes that do not compress.
func linkResource(ctx context.Context, l *lab, p struct {
	linkParam
	payload
	patience
	Size int64
}) (any, error) {
	k, err := l.link(p.linkParam)
	if err != nil {
		return nil, err
	}
	const most = 1 << 28
	b, err := p.bytes()
	if p.Size > 0 && p.Size <= most {
		b = make([]byte, p.Size)
		_, err = io.ReadFull(k.Node().Random(), b)
	}
	if err != nil {
		return nil, err
	}
	ctx, cancel := p.context(ctx)
	defer cancel()
	begin := time.Now()
	t, err := k.SendResource(ctx, bytes.NewReader(b), int64(len(b)), node.ResourceOptions{})
	if err != nil {
		return nil, err
	}
	if err := t.Wait(ctx); err != nil {
		return nil, err
	}
	return obj{"resource": t.Status().Hash.Hex(), "size": len(b), "seconds": time.Since(begin).Seconds()}, nil
}

func linkStatus(ctx context.Context, l *lab, p linkParam) (any, error) {
	k, err := l.link(p)
	if err != nil {
		return nil, err
	}
	s, err := k.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	return obj{
		"link": s.ID.Hex(), "state": fmt.Sprint(s.State), "dest": s.Destination.Hex(), "iface": s.Interface, "hops": s.Hops, "mtu": s.MTU,
		"mdu": s.MDU, "rtt_s": s.RTT.Seconds(), "keepalive_s": s.Keepalive.Seconds(), "stale_s": s.StaleTime.Seconds(),
		"rx_packets": s.Counters.RxPackets, "tx_packets": s.Counters.TxPackets,
	}, nil
}

func linkClose(ctx context.Context, l *lab, p linkParam) (any, error) {
	k, err := l.link(p)
	if err != nil {
		return nil, err
	}
	k.Close()
	select {
	case <-k.Done():
		return nil, k.Err()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
