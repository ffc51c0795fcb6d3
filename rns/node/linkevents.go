package node

import (
	"errors"
	"fmt"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/link"
	"meshchatx/rns/resource"
)

// happened spreads an event of the link machine. It runs on the link's goroutine. The effects it belongs to are being
// carried out, so it must not call the machine; what it wants of the machine goes into later.
func (l *Link) happened(now time.Time, e link.Event) {
	switch e := e.(type) {
	case link.Established:
		l.established()
	case link.Closed:
		l.closed(e)
	case link.Data:
		l.data(now, e)
	case link.Proved:
		l.receipt(e.Hash, func(s *ReceiptStatus) { s.State, s.Concluded, s.Explicit = ReceiptDelivered, now, true })
	case link.ReceiptFailed:
		err := e.Err
		if errors.Is(err, rns.VerdictTimeout) {
			err = ErrNoProof
		}
		l.receipt(e.Hash, func(s *ReceiptStatus) { s.State, s.Concluded, s.Err = ReceiptFailed, now, err })
	case link.Identified:
		l.identified(e)
	case link.RequestReceived:
		l.requested(e)
	case link.RequestSent, link.RequestProgress, link.ResponseReceived, link.RequestFailed:
		l.requestHappened(now, e)
	case link.TransferAdvertised, link.TransferStarted, link.SegmentReceived, link.TransferProgress, link.TransferConcluded:
		l.transferHappened(now, e)
	case link.ChannelReadable:
		l.later = append(l.later, func(time.Time) { l.readChannel() })
	case link.ChannelReady:
		l.channelReady()
	case link.MessageDelivered:
		l.messageDelivered(e)
	}
}

// established tells the application that the link is up: the initiator's handler, or the destination's OnLink, whose
// result becomes the handler.
func (l *Link) established() {
	if l.role == link.Responder {
		l.node.post(func(time.Time) { l.settle() })
		l.calls.do(func() {
			if f := l.local.conf.OnLink; f != nil {
				l.handler = f(l)
			}
		})
		return
	}
	l.calls.do(func() {
		if f := l.handler.OnEstablished; f != nil {
			f(l)
		}
	})
}

// closed notes why the link ended.
func (l *Link) closed(e link.Closed) {
	switch {
	case l.cause != nil:
	case e.Reason == link.ReasonTimeout && (e.Cause == nil || errors.Is(e.Cause, rns.VerdictTimeout)):
		l.cause = ErrLinkTimeout
	case e.Cause != nil:
		l.cause = e.Cause
	}
}

// conclude fails what is unfinished when the link has ended, and tells the application.
func (l *Link) conclude() {
	now := l.node.env.now()
	l.failOutbox(now)
	for hash := range l.receipts {
		l.receipt(hash, func(s *ReceiptStatus) { s.State, s.Concluded, s.Err = ReceiptFailed, now, ErrLinkClosed })
	}
	for id, r := range l.requests {
		delete(l.requests, id)
		r.conclude(func(s *RequestStatus) { s.State, s.Concluded, s.Err = RequestFailed, now, ErrLinkClosed })
	}
	for id := range l.transfers {
		l.transferConcluded(now, link.TransferConcluded{Transfer: id, Status: resource.StatusFailed, Err: ErrLinkClosed})
	}
	l.closeChannel()
	err := l.cause
	l.calls.do(func() {
		if f := l.handler.OnClosed; f != nil {
			f(l, err)
		}
	})
}

// unreadCost is what a waiting packet costs beside its content, in bytes.
const unreadCost = 256

// data hands a packet to the application. When the application is behind by too much the packet is dropped: without a
// proof its sender repeats it.
func (l *Link) data(now time.Time, e link.Data) {
	size, bound := int64(len(e.Plaintext)+unreadCost), int64(l.node.cfg.Params.LinkInbox)
	if l.unread.Load()+size > bound/4 || l.node.unread.Load()+size > 8*bound {
		if l.port != nil {
			l.port.count.verdict(rns.VerdictOverload)
		}
		return
	}
	l.unread.Add(size)
	l.node.unread.Add(size)
	p := &LinkPacket{Data: e.Plaintext, Hash: e.Hash, Received: now}
	p.prove = func() error {
		ok := l.inbox.call(func(now time.Time) {
			if fx, err := l.m.Prove(now, e.Hash); err == nil {
				l.apply(now, fx)
			}
		})
		if !ok {
			return l.closedErr()
		}
		return nil
	}
	l.calls.do(func() {
		defer l.node.unread.Add(-size)
		defer l.unread.Add(-size)
		if f := l.handler.OnPacket; f != nil {
			f(l, p)
		}
	})
}

// receipt concludes the receipt of a packet.
func (l *Link) receipt(hash rns.Hash, f func(*ReceiptStatus)) {
	if r, ok := l.receipts[hash]; ok {
		delete(l.receipts, hash)
		r.conclude(f)
	}
}

// identified tells the application whom the peer proved to be, unless this node refuses that identity.
// spec: rns-link §3.5
func (l *Link) identified(e link.Identified) {
	if l.node.refuses(e.Identity.Hash()) {
		l.later = append(l.later, func(now time.Time) { l.fail(now, rns.VerdictBlackholed) })
		return
	}
	l.calls.do(func() {
		if f := l.handler.OnIdentified; f != nil {
			f(l, e.Identity)
		}
	})
}

// fail ends the link for a reason of this side.
func (l *Link) fail(now time.Time, err error) {
	l.cause = err
	l.apply(now, l.m.Close(now))
}

// metadataError is the end of a transfer whose metadata is not one msgpack value.
func metadataError(err error) error { return fmt.Errorf("%w: %w", resource.ErrMetadata, err) }
