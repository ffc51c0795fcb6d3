package router

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
	"meshchatx/rns/iface"
	"meshchatx/rns/node"
)

// Serve runs the router until ctx ends: it opens the delivery destination, sends what is queued and gives what arrives to the
// inbox. It can be called once. When it returns, no goroutine of the router is left, its links are closed, and nothing is
// given to the inbox any more. Messages that are not final stay so; the application submits them to the next router.
func (r *Router) Serve(ctx context.Context) error {
	r.life.Lock()
	served := r.life.served
	r.life.served = true
	r.life.Unlock()
	if served {
		return ErrServed
	}
	defer r.end()
	remembered, err := r.cfg.State.Load(ctx)
	if err != nil {
		return err
	}
	now := r.cfg.Node.Now()
	r.m.load(now, remembered)
	r.m.setNode(now, r.cfg.NodeMode, r.cfg.PropagationNode)
	r.m.syncEvery(now, r.cfg.SyncInterval)
	r.spool.sweep()
	dest, err := r.register()
	if err != nil {
		return err
	}
	r.setDestination(dest)
	stopAnnounces := r.cfg.Node.OnAnnounce(node.AnnounceHandler{
		Name: lxmf.DeliveryName, PathResponses: node.On, Handle: r.announced,
	})
	stopNodes := r.cfg.Node.OnAnnounce(node.AnnounceHandler{
		Name: lxmf.PropagationName, PathResponses: node.On, Handle: r.nodeAnnounced,
	})
	stopEvents := r.cfg.Node.OnEvent(func(e node.Event) {
		if e.Kind == node.EventInterfaceState || e.Kind == node.EventInterfaceGone {
			r.watch(ctx)
		}
	})
	var crew sync.WaitGroup
	crew.Go(func() { r.keep.run(ctx) })
	crew.Go(func() { r.work.run(ctx) })
	crew.Go(func() { r.fetch.run(ctx) })
	for range max(r.cfg.Params.Receivers, 1) {
		crew.Go(func() { r.in.run(ctx) })
	}
	r.watch(ctx)
	r.loop(ctx)
	r.setDestination(nil)
	stopAnnounces()
	stopNodes()
	stopEvents()
	for _, l := range r.links {
		l.Close()
	}
	err = dest.Close(context.WithoutCancel(ctx)) // the destination must go even though ctx has ended
	r.in.close()
	crew.Wait()
	return errors.Join(context.Cause(ctx), err)
}

// end refuses everything from now on.
func (r *Router) end() {
	r.box.close()
	r.in.close()
	close(r.done)
}

func (r *Router) setDestination(d *node.Destination) {
	r.life.Lock()
	defer r.life.Unlock()
	r.life.dest = d
}

// farDeadline is when the timer fires if nothing is due.
const farDeadline = 24 * time.Hour

// loop owns the machine until ctx ends.
func (r *Router) loop(ctx context.Context) {
	timer := time.NewTimer(farDeadline)
	defer timer.Stop()
	var spare []input
	for ctx.Err() == nil {
		inputs := r.box.take(spare)
		for i, in := range inputs {
			now := r.cfg.Node.Now()
			in(r.m, now)
			r.apply(ctx, now)
			inputs[i] = nil
		}
		spare = inputs
		now := r.cfg.Node.Now()
		r.m.expire(now)
		r.apply(ctx, now)
		wait := farDeadline
		if d := r.relaxFlood(now); !d.IsZero() {
			wait = max(0, d.Sub(now))
		}
		if d := r.m.deadline(); !d.IsZero() {
			wait = min(wait, max(0, d.Sub(r.cfg.Node.Now())))
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
		case <-r.box.wake:
		case <-timer.C:
		}
	}
}

// apply carries out what the machine wants.
func (r *Router) apply(ctx context.Context, now time.Time) {
	for {
		fx := r.m.take()
		if len(fx.events)+len(fx.notices)+len(fx.actions) == 0 {
			return
		}
		if r.cfg.Events != nil {
			for _, e := range fx.events {
				r.cfg.Events(e)
			}
		}
		if r.cfg.Notices != nil {
			for _, n := range fx.notices {
				r.cfg.Notices(n)
			}
		}
		for _, a := range fx.actions {
			if ctx.Err() == nil {
				r.perform(ctx, now, a)
			}
		}
	}
}

// perform does one thing for the machine. What fails because the end has come counts for nothing.
func (r *Router) perform(ctx context.Context, now time.Time, a action) {
	switch a := a.(type) {
	case askPath:
		_ = r.cfg.Node.RequestPath(ctx, a.dest, 0) // the machine waits for the path, not for this
	case dropPath:
		_ = r.cfg.Node.DropPath(ctx, a.dest) // it fails only at the end
	case sendPacket:
		r.sendPacket(ctx, now, a)
	case dialLink:
		r.dial(ctx, now, a)
	case linkPacket:
		r.linkPacket(ctx, now, a)
	case linkResource:
		r.linkResource(ctx, now, a)
	case cancelTransfer:
		if t, ok := r.moves[a.try]; ok {
			delete(r.moves, a.try)
			_ = t.Cancel(ctx) // a transfer that has ended needs none
		}
	case closeLink:
		if l, ok := r.links[a.ref]; ok {
			delete(r.links, a.ref)
			l.Close()
		}
	case identify:
		if l, ok := r.links[a.ref]; ok {
			_ = l.Identify(ctx, r.cfg.Identity) // without it the peer only opens a link of its own
		}
	case searchStamp, sealMessage:
		r.work.start(a)
	case stopStamp:
		r.work.cancel(a.id)
	case noteDelivery:
		r.keep.delivery(a.peer, a.at)
	case noteCost:
		r.keep.cost(a.cost)
	case noteSealed:
		r.keep.seal(a.sealed)
	case dropSealed:
		r.keep.unseal(a.message)
	case noteNode:
		r.keep.node(a.record)
	case askNode:
		r.askNode(ctx, now, a)
	case sortIDs, takeIn:
		r.fetch.start(a)
	case beginSync:
		_ = r.m.startSync(now, SyncOptions{}, r.syncLimits()) // there is a node
	case releaseProof:
		_ = a.prove() // without it the sender tries again
	}
}

func (r *Router) sendPacket(ctx context.Context, now time.Time, a sendPacket) {
	id, try := a.id, a.try
	_, err := r.cfg.Node.SendPacket(ctx, a.dest, a.data, node.SendOptions{
		Timeout: r.cfg.Params.PacketProof,
		OnConclude: func(s node.ReceiptStatus) {
			r.box.post(func(m *machine, now time.Time) {
				if s.State == node.ReceiptDelivered {
					m.proved(now, id, lxmf.MethodOpportunistic, s.RTT())
					return
				}
				m.packetFailed(now, outcome{id: id, try: try, code: CodeProofTimeout})
			})
		},
	})
	if err != nil && ctx.Err() == nil {
		r.m.packetFailed(now, outcome{id: id, try: try, code: failureCode(err), detail: detail(err)})
	}
}

func (r *Router) dial(ctx context.Context, now time.Time, a dialLink) {
	handler := r.handler(a.ref)
	if a.to == toNode {
		handler = r.nodeHandler(a.ref)
	}
	l, err := r.cfg.Node.DialLink(ctx, a.dest, handler)
	switch {
	case err == nil:
		r.links[a.ref] = l
	case ctx.Err() == nil:
		r.m.linkClosed(now, a.ref, failureCode(err), detail(err))
	}
}

func (r *Router) linkPacket(ctx context.Context, now time.Time, a linkPacket) {
	id, try, by := a.id, a.try, a.way
	l, ok := r.links[a.ref]
	if !ok {
		r.m.linkClosed(now, a.ref, CodeLinkClosed, "")
		return
	}
	_, err := l.Send(ctx, a.data, node.SendOptions{OnConclude: func(s node.ReceiptStatus) {
		r.box.post(func(m *machine, now time.Time) {
			if s.State == node.ReceiptDelivered {
				m.proved(now, id, by, s.RTT())
				return
			}
			m.linkPacketFailed(now, outcome{id: id, try: try, code: failureCode(s.Err), detail: detail(s.Err)})
		})
	}})
	if err != nil && ctx.Err() == nil {
		r.unsent(now, a.ref, outcome{id: id, try: try, code: failureCode(err), detail: detail(err)}, r.m.linkPacketFailed)
	}
}

// unsent reports what a link did not take.
func (r *Router) unsent(now time.Time, ref linkRef, o outcome, failed func(time.Time, outcome)) {
	if o.code == CodeLinkClosed || o.code == CodeLinkTimeout {
		r.m.linkClosed(now, ref, CodeLinkClosed, o.detail)
		return
	}
	failed(now, o)
}

func (r *Router) linkResource(ctx context.Context, now time.Time, a linkResource) {
	id, try, by := a.id, a.try, a.way
	l, ok := r.links[a.ref]
	if !ok {
		r.m.linkClosed(now, a.ref, CodeLinkClosed, "")
		return
	}
	var told time.Time // belongs to the callbacks of the link
	t, err := l.SendResource(ctx, bytes.NewReader(a.data), int64(len(a.data)), node.ResourceOptions{
		Compression: r.compression(ctx, l.DestinationAddr(), a.ref),
		OnProgress: func(s node.TransferStatus) {
			at := r.cfg.Node.Now()
			if s.Progress < 1 && s.Progress > 0 && at.Sub(told) < r.cfg.Params.ProgressEvery {
				return
			}
			told = at
			g := progress{id: id, try: try, share: s.Progress, rate: s.Rate}
			r.box.post(func(m *machine, now time.Time) { m.transferMoved(now, g) })
		},
		OnConclude: func(s node.TransferStatus) {
			r.box.post(func(m *machine, now time.Time) {
				delete(r.moves, try)
				if s.State == node.TransferComplete {
					m.proved(now, id, by, s.Concluded.Sub(s.Started))
					return
				}
				m.transferFailed(now, outcome{id: id, try: try, code: failureCode(s.Err), detail: detail(s.Err)})
			})
		},
	})
	switch {
	case err == nil:
		r.moves[try] = t
	case ctx.Err() == nil:
		r.unsent(now, a.ref, outcome{id: id, try: try, code: failureCode(err), detail: detail(err)}, r.m.transferFailed)
	}
}

// compression is whether the recipient at the other end of a link takes compressed resources. spec: lxmf §5.4
func (r *Router) compression(ctx context.Context, dest rns.Addr, ref linkRef) node.Compression {
	if ch, ok := r.m.channels[ref]; ok {
		dest = ch.peer.addr
	}
	known, err := r.cfg.Node.Recall(ctx, dest)
	if err != nil {
		return node.CompressAuto
	}
	if info, err := lxmf.ParseDeliveryInfo(known.AppData); err == nil && !info.AcceptsCompressed() {
		return node.CompressNever
	}
	return node.CompressAuto
}

// way tells the machine what is known of a recipient.
func (r *Router) way(dest rns.Addr) way {
	ctx := context.Background() // the node answers at once, or is closed
	var w way
	if known, err := r.cfg.Node.Recall(ctx, dest); err == nil {
		w.known, w.ratchet, w.local = true, known.Ratchet, known.Local
	}
	if p, err := r.cfg.Node.Path(ctx, dest); err == nil {
		w.path, w.hops, w.iface = true, p.Hops, p.InterfaceName
		w.on, w.bitrate, w.backlog = uint32(p.Interface), p.Bitrate, p.Backlog
	}
	return w
}

// sends tells whether packets can leave by an interface: a listener has only its peers.
func sends(s node.InterfaceStatus) bool {
	return s.Info.Role != iface.RoleListener && !bool(s.Config.ReceiveOnly)
}

// codeBusy is a link that takes no more at the moment. It stays inside.
const codeBusy Code = "busy"

// failureCode is the code for an error of the node.
func failureCode(err error) Code {
	switch {
	case errors.Is(err, node.ErrUnknownIdentity):
		return CodeNoIdentity
	case errors.Is(err, node.ErrNoPath), errors.Is(err, rns.VerdictNoPath):
		return CodeNoPath
	case errors.Is(err, node.ErrInterfaceGone), errors.Is(err, node.ErrLinkClosed), errors.Is(err, node.ErrLinkNotReady):
		return CodeLinkClosed
	case errors.Is(err, node.ErrNotSent):
		return CodeNoInterface
	case errors.Is(err, node.ErrLinkTimeout), errors.Is(err, rns.VerdictTimeout):
		return CodeLinkTimeout
	case errors.Is(err, node.ErrNoProof), errors.Is(err, node.ErrCulled):
		return CodeProofTimeout
	case errors.Is(err, node.ErrBusy):
		return codeBusy
	case errors.Is(err, node.ErrRejected), errors.Is(err, rns.VerdictResourceRejected):
		return CodeTooLargeDirect
	}
	return CodeUnknown
}

// closedCode is the code for the end of a link.
func closedCode(err error) Code {
	switch code := failureCode(err); code {
	case CodeLinkTimeout, CodeNoInterface:
		return code
	}
	return CodeLinkClosed
}

func detail(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
