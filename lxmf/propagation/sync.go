package propagation

import (
	"bytes"
	"context"
	"errors"
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
	"meshchatx/rns/node"
	"meshchatx/rns/stamp"
)

// start begins what a peer needs: the search for a key, its path, or a synchronisation. It runs on the loop.
func (n *Node) start(ctx context.Context, now time.Time, addr rns.Addr) {
	plan, ok := n.m.begin(now, addr)
	if !ok {
		return
	}
	switch plan.lacks {
	case lackNothing:
		n.crew.Go(func() { n.synchronise(ctx, plan) })
	case lackKey:
		n.crew.Go(func() { n.search(ctx, plan) })
	default:
		n.crew.Go(func() { _ = n.cfg.Node.RequestPath(ctx, addr, 0) }) // its announce tells what is lacking
	}
}

// search finds a peering key. spec: lxmf §12.3
func (n *Node) search(ctx context.Context, plan syncPlan) {
	found, err := lxmf.PeeringWork(plan.identity, n.cfg.Identity.Hash()).Search(ctx, plan.cost, stamp.Options{Workers: 1})
	_ = n.on(func(time.Time) { // a closed node does not need it
		if err != nil {
			n.m.keyFound(plan.peer, nil, 0)
		} else {
			n.m.keyFound(plan.peer, &found.Stamp, found.Value)
		}
	})
}

// synchronise hands a peer what it lacks, over as many links as that takes. spec: lxmf §12.4
func (n *Node) synchronise(ctx context.Context, plan syncPlan) {
	sent, err := 0, error(nil)
	for more := true; more && err == nil; {
		var count int
		count, more, err = n.syncOnce(ctx, plan.peer)
		sent += count
	}
	var code lxmf.ErrorCode
	if errors.As(err, &code) && code == lxmf.ErrorNoIdentity {
		code = lxmf.ErrorInvalidData // asked twice already
	}
	_ = n.on(func(now time.Time) { n.m.ended(now, plan.peer, code, err != nil) }) // a closed node saves without it
	n.tell(Event{Kind: EventSync, Peer: plan.peer, Count: sent, Err: err})
}

// syncOnce is one link with an offer and a transfer.
func (n *Node) syncOnce(ctx context.Context, addr rns.Addr) (sent int, more bool, err error) {
	p := &n.cfg.Params
	path, cancel := context.WithTimeout(ctx, p.PathWait)
	_, err = n.cfg.Node.AwaitPath(path, addr)
	cancel()
	if err != nil {
		return 0, false, err
	}
	dial, cancel := context.WithTimeout(ctx, p.LinkWait)
	defer cancel()
	l, err := n.cfg.Node.OpenLink(dial, addr, node.LinkHandler{})
	if err != nil {
		return 0, false, err
	}
	defer l.Close()
	if err := l.Identify(dial, n.cfg.Identity); err != nil {
		return 0, false, err
	}
	var offer lxmf.Offer
	some, err := ask(ctx, n, func(now time.Time) (ok bool) {
		n.m.flush()
		n.m.linkUp(now, addr)
		offer, ok = n.m.makeOffer(now, addr)
		return ok
	})
	if err != nil || !some {
		return 0, false, err
	}
	answer, err := n.offer(ctx, l, offer)
	if err != nil {
		return 0, false, err
	}
	messages, err := ask(ctx, n, func(time.Time) []message { return n.m.answered(addr, answer) })
	if err != nil || len(messages) == 0 {
		return 0, false, err
	}
	more, err = n.send(ctx, l, addr, messages)
	if err != nil {
		return 0, false, err
	}
	return len(messages), more, nil
}

// offer makes an offer. A peer that missed the identification is told once more. spec: lxmf §11.2
func (n *Node) offer(ctx context.Context, l *node.Link, offer lxmf.Offer) (lxmf.OfferAnswer, error) {
	answer, err := n.offerOnce(ctx, l, offer)
	if errors.Is(err, lxmf.ErrorNoIdentity) {
		if err := l.Identify(ctx, n.cfg.Identity); err != nil {
			return lxmf.OfferAnswer{}, err
		}
		return n.offerOnce(ctx, l, offer)
	}
	return answer, err
}

func (n *Node) offerOnce(ctx context.Context, l *node.Link, offer lxmf.Offer) (lxmf.OfferAnswer, error) {
	data, err := encoded(offer.Append(nil))
	if err != nil {
		return lxmf.OfferAnswer{}, err
	}
	v, err := l.RequestValue(ctx, lxmf.PathOffer, data.Value, node.RequestOptions{Timeout: n.cfg.Params.AnswerWait})
	if err != nil {
		return lxmf.OfferAnswer{}, err
	}
	return lxmf.ParseOfferAnswer(v.Append(nil))
}

// send transfers messages. What cannot be read is left out. spec: lxmf §11.3
func (n *Node) send(ctx context.Context, l *node.Link, addr rns.Addr, messages []message) (more bool, err error) {
	t := lxmf.Transfer{Time: seconds(n.cfg.Node.Now())}
	for i := range messages {
		stored, err := n.read(&messages[i])
		if err != nil {
			n.storage(err)
			continue
		}
		t.Stored = append(t.Stored, stored.Append(nil))
	}
	data := t.Append(nil)
	begun := n.cfg.Node.Now()
	transfer, err := l.SendResource(ctx, bytes.NewReader(data), int64(len(data)), node.ResourceOptions{Compression: node.CompressNever})
	if err != nil {
		return false, err
	}
	wait, cancel := context.WithTimeout(ctx, n.cfg.Params.TransferWait)
	defer cancel()
	if err := transfer.Wait(wait); err != nil {
		return false, errors.Join(err, transfer.Cancel(context.WithoutCancel(ctx)))
	}
	return ask(ctx, n, func(now time.Time) bool {
		rate := float64(len(data)*8) / max(now.Sub(begun).Seconds(), 1e-3)
		return n.m.transferred(addr, messages, int64(len(data)), rate)
	})
}

// SyncPeer starts a synchronisation with a peer now. spec: lxmf §13
func (n *Node) SyncPeer(ctx context.Context, addr rns.Addr) error {
	known, err := ask(ctx, n, func(time.Time) bool {
		p := n.m.peers[addr]
		if p == nil {
			return false
		}
		p.next = time.Time{}
		n.m.flush()
		n.wishes = append(n.wishes, addr)
		return true
	})
	if err == nil && !known {
		err = ErrUnknown
	}
	return err
}

// Unpeer ends a peering; static peers stay. spec: lxmf §13
func (n *Node) Unpeer(ctx context.Context, addr rns.Addr) error {
	gone, err := ask(ctx, n, func(time.Time) bool { return n.m.unpeer(addr) })
	if err == nil && !gone {
		err = ErrUnknown
	}
	return err
}
