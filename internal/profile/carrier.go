package profile

import (
	"context"
	"errors"

	"meshchatx/internal/chat"
	"meshchatx/internal/store"
	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns"
	"meshchatx/rns/iface"
	"meshchatx/rns/node"
)

// carrier is the router as the profile uses it.
type carrier interface {
	Send(router.Outbound) error
	Cancel(rns.Hash)
	RetryNow(rns.Hash)
	Ticket(context.Context, rns.Addr) (lxmf.Ticket, bool, error)
	Announce(context.Context) error
}

// idle is the carrier while there is no node: messages wait on the disk.
type idle struct{}

func (idle) Send(router.Outbound) error     { return nil }
func (idle) Cancel(rns.Hash)                {}
func (idle) RetryNow(rns.Hash)              {}
func (idle) Announce(context.Context) error { return node.ErrClosed }
func (idle) Ticket(context.Context, rns.Addr) (lxmf.Ticket, bool, error) {
	return lxmf.Ticket{}, false, nil
}

// chatRouter is the carrier as the chat service sees it.
type chatRouter Profile

// Send implements chat.Router.
func (c *chatRouter) Send(o chat.Outbound) error {
	return c.carrier.Send(router.Outbound{
		Message: o.Message, Method: lxmf.Method(o.Method), Fallback: fallbacks[o.Method], WaitHeard: o.WaitHeard, Attempts: o.Attempts,
	})
}

// Cancel implements chat.Router.
func (c *chatRouter) Cancel(id rns.Hash) {
	if _, offline := c.carrier.(idle); offline {
		c.Chat.Happened(id, chat.Event{At: c.shared.Now(), Kind: chat.EventCancelled, Hops: -1})
		return
	}
	c.carrier.Cancel(id)
}

// RetryNow implements chat.Router.
func (c *chatRouter) RetryNow(id rns.Hash) { c.carrier.RetryNow(id) }

// Ticket implements chat.Router.
func (c *chatRouter) Ticket(ctx context.Context, peer rns.Addr) (lxmf.Ticket, bool, error) {
	return c.carrier.Ticket(ctx, peer)
}

// happened hands an event of the router to the chat service. That a message was
// taken over is known: its first event was stored with it.
func (p *Profile) happened(e router.Event) {
	if e.Kind == router.KindQueued {
		return
	}
	p.Chat.Happened(e.ID, chat.Event{
		At: e.At, Kind: chat.EventKind(e.Kind), Attempt: e.Attempt, Code: chat.ParseCode(string(e.Code)), Detail: e.Detail,
		Try: e.Try, Hops: e.Hops, Interface: p.shared.Interfaces.Configured(e.Interface), Percent: e.Percent, Bytes: e.Bytes, Rate: e.Rate, ETA: e.ETA,
		RTT: e.RTT, RetryAt: e.RetryAt, Bits: e.Bits, Limit: e.Limit, Via: via(e), Stamp: e.Stamp,
	})
}

// via is what people know a propagation node by.
func via(e router.Event) string {
	if e.ViaName == "" && !e.Via.IsZero() {
		return e.Via.Hex()
	}
	return e.ViaName
}

// inbox stores what arrives.
type inbox struct{ p *Profile }

// Receive implements router.Inbox.
func (i inbox) Receive(ctx context.Context, m router.Inbound) error {
	return i.ReceiveAll(ctx, []router.Inbound{m})[0]
}

// ReceiveAll implements router.BatchInbox.
func (i inbox) ReceiveAll(ctx context.Context, messages []router.Inbound) []error {
	in := make([]chat.Inbound, len(messages))
	for k, m := range messages {
		in[k] = chat.Inbound{
			Message: m.Message, Packed: m.Packed, Method: store.Method(m.Method), Verified: store.Verification(m.Unverified),
			Signal: signal(m.Hops, m.Signal), Received: m.Received,
		}
		if m.Stamp == router.StampValid || m.Stamp == router.StampTicket || m.Stamp == router.StampInvalid {
			in[k].StampValue = &messages[k].StampValue
		}
	}
	said := i.p.Chat.ReceiveAll(ctx, in)
	for k, err := range said {
		switch {
		case errors.Is(err, chat.ErrDiscard):
			said[k] = router.ErrDiscard
		case err != nil:
			i.p.shared.Log.Error("incoming message is not stored; its sender will try again", "peer", in[k].Message.Source, "error", err)
		}
	}
	return said
}

func signal(hops int, s iface.Signal) store.Signal {
	var out store.Signal
	if hops >= 0 {
		out.Hops = &hops
	}
	if s.HasRSSI {
		out.RSSI = &s.RSSI
	}
	if s.HasSNR {
		out.SNR = &s.SNR
	}
	if s.HasQuality {
		out.Quality = &s.Quality
	}
	return out
}
