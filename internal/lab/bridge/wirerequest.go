package bridge

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/link"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/node"
)

func requestCommands() map[string]handler {
	return map[string]handler{
		"wire_register_request_handler":   onPeer(serveRequests),
		"wire_deregister_request_handler": onPeer(unserveRequests),
		"wire_get_request_log":            onPeer(requestLog),
		"wire_link_request":               onPeer(linkRequest),
		"wire_link_request_large":         onPeer(linkRequestLarge),
		"wire_link_request_timeout":       onPeer(requestTimeout),
	}
}

// served keeps the requests of one path of one destination.
type served struct {
	mu  sync.Mutex
	log []obj
}

type handledPath struct {
	dest rns.Addr
	path string
}

var policies = map[string]node.RequestPolicy{"": node.AllowAll, "all": node.AllowAll, "none": node.AllowNone, "list": node.AllowList}

func serveRequests(_ context.Context, n *peer, p struct {
	Dest     hexed `json:"destination_hash"`
	Path     string
	Response hexed
	None     bool    `json:"response_none"`
	File     hexed   `json:"response_file"`
	Metadata hexed   `json:"response_metadata"`
	Allow    string  `json:"allow"`
	List     []hexed `json:"allowed_identity_hashes"`
}) (any, error) {
	d, err := n.destination(p.Dest)
	if err != nil {
		return nil, err
	}
	policy, ok := policies[p.Allow]
	if !ok {
		return nil, fmt.Errorf("%w: allow %q", errParam, p.Allow)
	}
	h := node.RequestHandler{Path: p.Path, Policy: policy}
	for _, b := range p.List {
		id, err := address(b)
		if err != nil {
			return nil, err
		}
		h.Allow = append(h.Allow, id)
	}
	key := handledPath{d.Addr(), p.Path}
	kept := n.more.served[key]
	if kept == nil {
		kept = new(served)
		n.more.served[key] = kept
	}
	h.Serve = func(r *node.Request) (*node.Response, error) {
		kept.note(r)
		switch {
		case p.File != nil:
			metadata := msgpack.Nil()
			if p.Metadata != nil {
				metadata = msgpack.Bin(p.Metadata)
			}
			return node.FileResponse(p.File, metadata), nil
		case p.None:
			return nil, nil //nolint:nilnil // no answer
		}
		return node.BytesResponse(p.Response), nil
	}
	d.Handle(h)
	return obj{"registered": true}, nil
}

func (s *served) note(r *node.Request) {
	data, _ := r.Data.Bytes()
	entry := obj{
		"data": bin(data), "request_id": r.ID.Hex(), "link_id": r.Link.ID().Hex(), "remote_identity_hash": nil, "requested_at": epoch(r.At),
	}
	if r.HasIdentity {
		entry["remote_identity_hash"] = r.Identity.Hash().Hex()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, entry)
}

type pathParams struct {
	Dest hexed `json:"destination_hash"`
	Path string
}

func unserveRequests(_ context.Context, n *peer, p pathParams) (any, error) {
	d, err := n.destination(p.Dest)
	if err != nil {
		return nil, err
	}
	d.Unhandle(p.Path)
	_, had := n.more.served[handledPath{d.Addr(), p.Path}]
	return obj{"deregistered": had}, nil
}

func requestLog(_ context.Context, n *peer, p pathParams) (any, error) {
	dest, err := address(p.Dest)
	if err != nil {
		return nil, err
	}
	entries := []obj{}
	if kept := n.more.served[handledPath{dest, p.Path}]; kept != nil {
		kept.mu.Lock()
		defer kept.mu.Unlock()
		entries = append(entries, kept.log...)
	}
	return obj{"count": len(entries), "entries": entries}, nil
}

type askParams struct {
	linkParam
	Path    string
	Timeout *float64 `json:"timeout_ms"`
}

// value is the data of a request: a byte string, or nil for none.
func (p askParams) value() msgpack.Value {
	if len(p.Data) == 0 {
		return msgpack.Nil()
	}
	return msgpack.Bin(p.Data)
}

func linkRequest(ctx context.Context, n *peer, p askParams) (any, error) {
	return n.ask(ctx, p, 10*time.Second)
}

func linkRequestLarge(ctx context.Context, n *peer, p askParams) (any, error) {
	return n.ask(ctx, p, 30*time.Second)
}

func (p *peer) ask(ctx context.Context, q askParams, preset time.Duration) (any, error) {
	l, err := p.link(q.Link)
	if err != nil {
		return nil, err
	}
	timeout := within(q.Timeout, preset)
	r, err := l.Request(ctx, q.Path, q.value(), node.RequestOptions{Timeout: timeout})
	if err != nil {
		return nil, err
	}
	out := obj{"status": "timeout", "response": nil, "response_metadata": nil}
	wait(timeout+500*time.Millisecond, func() bool {
		s := r.Status().State
		return s == node.RequestReady || s == node.RequestFailed
	})
	s := r.Status()
	switch s.State {
	case node.RequestFailed:
		out["status"] = "failed"
	case node.RequestReady:
		out["status"], out["response_time_s"] = "ready", s.Concluded.Sub(s.Sent).Seconds()
		if s.IsFile {
			out["response"] = bin(s.File)
			if b, ok := s.Response.Bytes(); ok {
				out["response_metadata"] = bin(b)
			}
		} else if b, ok := s.Response.Bytes(); ok {
			out["response"] = bin(b)
		}
	}
	return out, nil
}

// trafficFactor is the constant of the reference that takes part in timeouts of requests; here it is a parameter of links.
func requestTimeout(ctx context.Context, n *peer, p askParams) (any, error) {
	l, err := n.link(p.Link)
	if err != nil {
		return nil, err
	}
	o := node.RequestOptions{}
	out := obj{"explicit_timeout": nil}
	if p.Timeout != nil {
		o.Timeout = milliseconds(*p.Timeout)
		out["explicit_timeout"] = o.Timeout.Seconds()
	}
	r, err := l.Request(ctx, p.Path, p.value(), o)
	if err != nil {
		return nil, err
	}
	s, err := l.Snapshot(ctx)
	q, ok := find(s.Requests, func(q link.RequestSnapshot) bool { return q.ID == r.Status().ID })
	if !ok {
		return nil, errors.Join(err, fmt.Errorf("%w: the request has ended already", errHandle))
	}
	params := n.node.Config().Params.Link
	out["receipt_timeout"], out["rtt"] = q.Timeout.Seconds(), s.RTT.Seconds()
	out["traffic_timeout_factor"] = params.TrafficFactor
	out["response_max_grace_time"] = int(params.RequestGrace.Seconds() / 1.125)
	return out, nil
}
