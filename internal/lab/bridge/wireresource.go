package bridge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"meshchatx/rns/bzip2"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/node"
	"meshchatx/rns/resource"
)

func resourceCommands() map[string]handler {
	return map[string]handler{
		"wire_resource_send":            onPeer(resourceSend),
		"wire_resource_send_bomb":       onPeer(resourceBomb),
		"wire_resource_cancel":          onPeer(resourceCancel),
		"wire_resource_poll":            onPeer(resourcePoll),
		"wire_resource_receiver_status": onPeer(receiverStatus),
	}
}

// Numbers of the reference, release 1.4.2.
const (
	resourceComplete = 6
	resourceFailed   = 7
	resourceCorrupt  = 8
	resourceRejected = 9
)

// smallResource is up to which size a listener with the strategy "app" takes resources.
const smallResource = 4096

// expandLimit bounds what a listener of the suite decompresses: less than the specification says.
const expandLimit = 256 << 10

// expand is how the nodes of the suite decompress resources.
func expand(src []byte, limit int) ([]byte, error) {
	return bzip2.Decompress(src, min(limit, expandLimit))
}

// sending is an outgoing resource with what was seen of its machine.
type sending struct {
	*node.Transfer
	link     *node.Link
	metadata bool
	seen     resource.Snapshot
}

// look copies the state of the transfer while there is one.
func (s *sending) look(ctx context.Context) {
	snap, err := s.link.Snapshot(ctx)
	if err != nil {
		return
	}
	for _, t := range snap.Transfers {
		if !t.Incoming && t.Resource.Segment > 0 {
			s.seen = t.Resource
		}
	}
}

// describe tells what was seen of the machine. Of a small resource it may have been too fast to be seen; its hash is known
// all the same, and it has one segment.
func (s *sending) describe() obj {
	if s.seen.Segment == 0 {
		hash := s.Status().Hash.Hex()
		return obj{
			"original_hash": hash, "hash": hash, "total_segments": 1, "segment_index": 1, "parts": nil, "compressed": nil,
			"has_metadata": s.metadata, "split": false,
		}
	}
	return obj{
		"original_hash": s.seen.Original.Hex(), "hash": s.seen.Hash.Hex(), "total_segments": s.seen.Segments, "segment_index": s.seen.Segment,
		"parts": s.seen.Parts, "compressed": s.seen.Compressed, "has_metadata": s.seen.HasMetadata, "split": s.seen.Segments > 1,
	}
}

// outcome is the state of a transfer as the reference numbers it.
func (s *sending) outcome() int {
	t := s.Status()
	switch {
	case t.State == node.TransferComplete:
		return resourceComplete
	case errors.Is(t.Err, node.ErrRejected):
		return resourceRejected
	case t.State == node.TransferFailed:
		return resourceFailed
	}
	return 3
}

type resourceParams struct {
	linkParam
	Metadata hexed
	Wait     *bool
	Size     *int     `json:"decompressed_size"`
	Timeout  *float64 `json:"timeout_ms"`
}

// transfer starts a transfer and returns when its first segment is ready.
func (p *peer) transfer(ctx context.Context, q resourceParams) (string, *sending, error) {
	l, err := p.link(q.Link)
	if err != nil {
		return "", nil, err
	}
	o := node.ResourceOptions{}
	if q.Metadata != nil {
		o.Metadata, o.HasMetadata = msgpack.Bin(q.Metadata), true
	}
	t, err := l.SendResource(ctx, bytes.NewReader(q.Data), int64(len(q.Data)), o)
	if err != nil {
		return "", nil, err
	}
	s := &sending{Transfer: t, link: l, metadata: o.HasMetadata}
	wait(2*time.Second, func() bool {
		s.look(ctx)
		return s.seen.Segment > 0 || t.Status().State != node.TransferRunning
	})
	h := handle()
	p.more.sending[h] = s
	return h, s, nil
}

func resourceSend(ctx context.Context, n *peer, p resourceParams) (any, error) {
	h, s, err := n.transfer(ctx, p)
	if err != nil {
		return nil, err
	}
	first := s.describe()
	first["resource_id"], first["size"] = h, len(p.Data)
	if p.Wait != nil && !*p.Wait {
		first["started"] = true
		return first, nil
	}
	done := wait(within(p.Timeout, 30*time.Second), func() bool { return s.Status().State != node.TransferRunning })
	if !done {
		_ = s.Cancel(ctx)
	}
	if s.seen.Segment == 0 {
		first = s.describe()
		first["resource_id"], first["size"] = h, len(p.Data)
	}
	status := s.outcome()
	first["success"], first["status"], first["timed_out"] = status == resourceComplete, status, !done
	return first, nil
}

func resourceBomb(ctx context.Context, n *peer, p resourceParams) (any, error) {
	size := expandLimit + 1<<20
	if p.Size != nil {
		size = *p.Size
	}
	p.Data = make([]byte, max(expandLimit+1, min(size, 2*expandLimit)))
	h, s, err := n.transfer(ctx, p)
	if err != nil {
		return nil, err
	}
	if !wait(within(p.Timeout, 30*time.Second), func() bool { return s.Status().State != node.TransferRunning }) {
		_ = s.Cancel(ctx)
	}
	status := s.outcome()
	return obj{"success": status == resourceComplete, "status": status, "size": len(p.Data), "resource_id": h}, nil
}

func resourceCancel(ctx context.Context, n *peer, p struct {
	Resource string `json:"resource_id"`
}) (any, error) {
	s, ok := n.more.sending[p.Resource]
	if !ok {
		return nil, fmt.Errorf("%w: no resource %s", errHandle, p.Resource)
	}
	err := s.Cancel(ctx)
	wait(time.Second, func() bool { return s.Status().State != node.TransferRunning })
	return obj{"cancelled": err == nil, "resource_id": p.Resource, "status": s.outcome()}, nil
}

// receiving is an incoming resource of a listener.
type receiving struct {
	offer    node.ResourceOffer
	seen     resource.Snapshot
	status   int
	data     hexed
	metadata hexed
	done     bool
}

// take decides about an incoming resource by the strategy of the listener.
func (l *listener) take(ctx context.Context, k *node.Link, o node.ResourceOffer) *node.ResourceAcceptance {
	if l.strategy == "none" || l.strategy == "app" && o.Size > smallResource {
		return nil
	}
	r := &receiving{offer: o, status: 3}
	l.mu.Lock()
	l.inbox.resources = append(l.inbox.resources, r)
	l.mu.Unlock()
	return &node.ResourceAcceptance{Conclude: func(_ *node.Link, in node.IncomingResource) error {
		seen := incomingState(ctx, k)
		l.mu.Lock()
		defer l.mu.Unlock()
		r.seen, r.done, r.status = seen, true, resourceComplete
		if in.Err != nil {
			r.status = resourceFailed
			if errors.Is(in.Err, resource.ErrCorrupt) || errors.Is(in.Err, resource.ErrDecompression) {
				r.status = resourceCorrupt
			}
			return nil
		}
		r.data = bin(in.Data)
		if b, ok := in.Metadata.Bytes(); ok && in.HasMetadata {
			r.metadata = bin(b)
		}
		l.inbox.complete = append(l.inbox.complete, r.data)
		return nil
	}}
}

// incomingState is the state of the incoming transfer of a link.
func incomingState(ctx context.Context, k *node.Link) (s resource.Snapshot) {
	snap, err := k.Snapshot(ctx)
	if err != nil {
		return s
	}
	for _, t := range snap.Transfers {
		if t.Incoming {
			s = t.Resource
		}
	}
	return s
}

func resourcePoll(_ context.Context, n *peer, p destParam) (any, error) {
	l, err := n.listener(p.Dest)
	if err != nil {
		return nil, err
	}
	return obj{"resources": poll(&l.mu, &l.inbox.complete, p.within(30*time.Second))}, nil
}

var resourceNames = map[int]string{3: "TRANSFERRING", resourceComplete: "COMPLETE", resourceFailed: "FAILED", resourceCorrupt: "CORRUPT"}

func receiverStatus(_ context.Context, n *peer, p destParam) (any, error) {
	l, err := n.listener(p.Dest)
	if err != nil {
		return nil, err
	}
	var r receiving
	count := 0
	wait(p.within(0), func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		if count = len(l.inbox.resources); count > 0 {
			r = *l.inbox.resources[count-1]
		}
		return r.done
	})
	if count == 0 {
		return obj{"found": false, "resource_count": 0}, nil
	}
	return obj{
		"found": true, "resource_count": count, "status": r.status, "status_name": resourceNames[r.status],
		"corrupt": r.status == resourceCorrupt, "hmu_requests_sent": r.seen.UpdatesAsked, "hashmap_updates_received": r.seen.UpdatesTaken,
		"hashmap_height": r.seen.MapHashes, "max_decompressed_size": min(r.seen.MaxContent, expandLimit), "compressed": r.offer.Compressed,
		"has_metadata": r.offer.HasMetadata, "metadata": r.metadata, "data": r.data,
	}, nil
}
