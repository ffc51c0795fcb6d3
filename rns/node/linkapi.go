package node

import (
	"context"
	"errors"
	"io"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/bzip2"
	"meshchatx/rns/link"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/resource"
)

// linkAsk runs f on the goroutine of a link and returns its answer.
func linkAsk[T any](ctx context.Context, l *Link, f func(now time.Time) T) (T, error) {
	var zero T
	answer := make(chan T, 1)
	if !l.inbox.call(func(now time.Time) { answer <- f(now) }) {
		return zero, l.closedErr()
	}
	select {
	case v := <-answer:
		return v, nil
	case <-ctx.Done():
		return zero, context.Cause(ctx)
	case <-l.done:
		select {
		case v := <-answer:
			return v, nil
		default:
			return zero, l.closedErr()
		}
	}
}

// closedErr is the error of calls on an ended link.
func (l *Link) closedErr() error {
	if err := l.Err(); err != nil && !errors.Is(err, ErrLinkClosed) {
		return errors.Join(ErrLinkClosed, err)
	}
	return ErrLinkClosed
}

// ID is the link id.
func (l *Link) ID() rns.Addr { return l.id }

// DestinationAddr is the destination the link was opened to.
func (l *Link) DestinationAddr() rns.Addr { return l.dest }

// Destination is the local destination of an incoming link, nil for outgoing ones.
func (l *Link) Destination() *Destination { return l.local }

// Role is the side of the link.
func (l *Link) Role() link.Role { return l.role }

// Node is the node of the link.
func (l *Link) Node() *Node { return l.node }

func (l *Link) look() linkView {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.view
}

// State is the present state.
func (l *Link) State() LinkState { return l.look().state }

// RTT is the measured round-trip time, 0 before the link is established.
func (l *Link) RTT() time.Duration { return l.look().rtt }

// MTU is the size limit of packets in bytes, MDU that of the data in them.
func (l *Link) MTU() int { return l.look().mtu }

// MDU is the largest data of one packet in bytes.
func (l *Link) MDU() int { return link.MDU(l.look().mtu) }

// Hops is the number of hops to the peer, 128 if unknown.
func (l *Link) Hops() int { return l.look().hops }

// Interface is where the link is attached, 0 before it is known.
func (l *Link) Interface() InterfaceID { return InterfaceID(l.attached.Load()) }

// RemoteIdentity is whom the peer identified as; on the initiator it is the owner of the destination.
func (l *Link) RemoteIdentity() (rns.PublicKey, bool) {
	v := l.look()
	return v.remote, v.known
}

// Done is closed when the link has ended.
func (l *Link) Done() <-chan struct{} { return l.done }

// Err is why the link ended: nil before, and after an ordinary close by either side.
func (l *Link) Err() error { return l.look().err }

// WaitState returns nil when the link has reached the state, or passed it, and an error when it has ended before.
func (l *Link) WaitState(ctx context.Context, want LinkState) error {
	for {
		l.mu.Lock()
		v, changed := l.view, l.changed
		l.mu.Unlock()
		switch {
		case v.state == want, want <= LinkActive && v.state > want && v.state < LinkClosed:
			return nil
		case v.state == LinkClosed:
			if v.err != nil {
				return v.err
			}
			return ErrLinkClosed
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Close ends the link and tells the peer. It does not wait; Done is closed when the link has ended.
func (l *Link) Close() {
	l.inbox.call(func(now time.Time) { l.apply(now, l.m.Close(now)) })
}

// Identify proves an identity to the peer. Only the initiator can. spec: rns-link §3.5
func (l *Link) Identify(ctx context.Context, id *rns.Identity) error {
	return l.do(ctx, func(now time.Time) (*link.Effects, error) { return l.m.Identify(now, id) })
}

// do runs a call of the machine that returns effects.
func (l *Link) do(ctx context.Context, f func(now time.Time) (*link.Effects, error)) error {
	merr, err := linkAsk(ctx, l, func(now time.Time) error {
		fx, err := f(now)
		if fx != nil {
			l.apply(now, fx)
		}
		return err
	})
	if err != nil {
		return err
	}
	return merr
}

// SendResource sends size bytes of src, in as many segments as needed. src is read while the transfer runs; it must stay
// readable until the transfer concludes. Transfers on one link run one after the other.
func (l *Link) SendResource(ctx context.Context, src io.ReaderAt, size int64, o ResourceOptions) (*Transfer, error) {
	t := &Transfer{link: l}
	t.init(TransferStatus{Size: size})
	err := l.do(ctx, func(now time.Time) (*link.Effects, error) {
		id, fx, err := l.m.SendResource(now, linkResource(src, size, o.Metadata, o.HasMetadata, o.Compression, o.Timeout))
		if err != nil {
			return fx, err
		}
		t.id = id
		t.update(func(s *TransferStatus) { s.Started = now })
		l.transfers[id] = &transfer{out: t, progress: o.OnProgress}
		if o.OnConclude != nil {
			t.after(func() { l.calls.do(func() { o.OnConclude(t.get()) }) })
		}
		return fx, nil
	})
	if err != nil {
		return nil, err
	}
	return t, nil
}

// linkResource puts options into the form of the link machine.
func linkResource(src io.ReaderAt, size int64, meta msgpack.Value, has bool, c Compression, timeout time.Duration) link.ResourceOptions {
	o := link.ResourceOptions{Source: src, Size: size, Compress: compressor(c), AdvertTimeout: timeout}
	if has {
		o.Metadata = meta.Append(nil)
	}
	return o
}

// compressor is the function that compresses segments, nil for none. Whether data compresses is sampled first.
func compressor(c Compression) resource.Compressor {
	if c == CompressNever {
		return nil
	}
	return func(src []byte) []byte {
		if !bzip2.Worth(src) {
			return nil
		}
		if out := bzip2.Compress(nil, src); len(out) < len(src) {
			return out
		}
		return nil
	}
}

// Request asks the peer for the answer of the handler of a path.
func (l *Link) Request(ctx context.Context, path string, data msgpack.Value, o RequestOptions) (*RequestReceipt, error) {
	r := &RequestReceipt{link: l, options: o}
	r.init(RequestStatus{})
	err := l.do(ctx, func(now time.Time) (*link.Effects, error) {
		id, fx, err := l.m.Request(now, link.RequestOptions{
			Path: path, Data: data.Append(nil), Timeout: o.Timeout, MaxResponse: o.MaxResponseSize,
			Compress: compressor(CompressAuto),
		})
		if err != nil {
			return fx, err
		}
		r.update(func(s *RequestStatus) { s.ID, s.Sent = id, now })
		l.requests[id] = r
		if o.OnConclude != nil {
			r.after(func() { l.calls.do(func() { o.OnConclude(r.get()) }) })
		}
		return fx, nil
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// SetPeerCopes says that the peer copes with answers that come at once, so that none are held back. spec: rns-link §6.1
func (l *Link) SetPeerCopes(ctx context.Context) error {
	_, err := linkAsk(ctx, l, func(time.Time) struct{} {
		l.m.SetPeerCopes()
		return struct{}{}
	})
	return err
}

// SendContext sends data encrypted under any context. It is the low-level way for tools and tests: nothing waits for an
// answer.
func (l *Link) SendContext(ctx context.Context, c rns.Context, data []byte) error {
	return l.do(ctx, func(now time.Time) (*link.Effects, error) { return l.m.SendContext(now, c, data) })
}

// Transfer follows one outgoing resource. It is safe for concurrent use.
type Transfer struct {
	outcome[TransferStatus]
	link *Link
	id   link.TransferID
}

// Status is a copy of the present state.
func (t *Transfer) Status() TransferStatus { return t.get() }

// Wait returns nil when the peer has proved the whole, and otherwise why it has not.
func (t *Transfer) Wait(ctx context.Context) error {
	s, err := t.wait(ctx)
	if err != nil {
		return err
	}
	return s.Err
}

// Cancel gives the transfer up and tells the peer.
func (t *Transfer) Cancel(ctx context.Context) error {
	return t.link.do(ctx, func(now time.Time) (*link.Effects, error) { return t.link.m.CancelResource(now, t.id) })
}

// RequestReceipt follows one request. It is safe for concurrent use.
type RequestReceipt struct {
	outcome[RequestStatus]
	link    *Link
	options RequestOptions

	// Collected content of a file response; belongs to the link's callbacks.
	file []byte
}

// Status is a copy of the present state.
func (r *RequestReceipt) Status() RequestStatus { return r.get() }

// Wait returns the concluded status; its Err says why there is no response.
func (r *RequestReceipt) Wait(ctx context.Context) (RequestStatus, error) {
	s, err := r.wait(ctx)
	if err != nil {
		return s, err
	}
	return s, s.Err
}

// Cancel gives the request up.
func (r *RequestReceipt) Cancel(ctx context.Context) error {
	return r.link.do(ctx, func(now time.Time) (*link.Effects, error) {
		return r.link.m.CancelRequest(now, r.get().ID)
	})
}
