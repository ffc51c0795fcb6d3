package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
	"meshchatx/rns/iface/framing"
	"meshchatx/rns/node"
)

// Rates of what would otherwise take both processors for itself, per second.
const (
	announceRate = 500
	forwardRate  = 4_000
	messageRate  = 60
)

// errLost is an answer that did not come.
var errLost = errors.New("no answer")

// start begins all loads. Each goes on until ctx ends, and counts what it does.
func (w *world) start(ctx context.Context) {
	for _, l := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"announces", w.announceAll}, {"links", w.openLinks}, {"resources", w.sendResources}, {"forwarding", w.forward},
		{"direct messages", func(ctx context.Context) error { return w.write(ctx, lxmf.MethodDirect) }},
		{"opportunistic messages", func(ctx context.Context) error { return w.write(ctx, lxmf.MethodOpportunistic) }},
	} {
		w.loads.Go(func() {
			for ctx.Err() == nil {
				if err := l.run(ctx); err != nil && ctx.Err() == nil {
					w.failed.Add(1)
					fmt.Fprintf(os.Stderr, "soak: %s: %v\n", l.name, err)
				}
			}
		})
	}
}

func (w *world) dial() (net.Conn, error) { return net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", w.port)) }

// announceAll has every person announce again.
func (w *world) announceAll(ctx context.Context) error {
	c, err := w.dial()
	if err != nil {
		return err
	}
	defer c.Close()
	w.loads.Go(func() { frames(c, func([]byte) {}) }) // ends with the connection
	limit := newPace(announceRate)
	for i := 0; ; i = (i + 1) % len(w.people) {
		if !limit.wait(ctx, 1) {
			return nil
		}
		info := lxmf.DeliveryInfo{Name: fmt.Sprint("Soak ", i), Named: true}
		frame, _, err := announce(w.people[i], lxmf.DeliveryName, info.Append(nil))
		if err != nil {
			return err
		}
		if _, err := c.Write(frame); err != nil {
			return err
		}
		w.announces.Add(1)
	}
}

// announce builds a valid announce, framed.
func announce(id *rns.Identity, name string, data []byte) (frame []byte, dest rns.Addr, err error) {
	a, err := rns.NewAnnounce(rand.Reader, id, rns.NameHashOf(name), nil, data, time.Now())
	if err != nil {
		return nil, dest, err
	}
	p, err := a.Packet(rns.ContextNone).Pack(rns.MTU)
	return framing.AppendHDLC(nil, p), a.Dest, err
}

// open opens a link to the server. A link that failed has taken its path along, so one is asked for.
func (w *world) open(ctx context.Context, h node.LinkHandler) (*node.Link, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if _, err := w.client.AwaitPath(ctx, w.echo.Addr()); err != nil {
		return nil, err
	}
	return w.client.OpenLink(ctx, w.echo.Addr(), h)
}

// openLinks opens one link after the other, with ten packets and their echoes on each.
func (w *world) openLinks(ctx context.Context) error {
	back := make(chan struct{}, 1)
	l, err := w.open(ctx, node.LinkHandler{OnPacket: func(*node.Link, *node.LinkPacket) { back <- struct{}{} }})
	if err != nil {
		return err
	}
	defer l.Close()
	for range 10 {
		if _, err := l.Send(ctx, make([]byte, 64), node.SendOptions{}); err != nil {
			return err
		}
		select {
		case <-back:
		case <-ctx.Done():
			return nil
		case <-time.After(30 * time.Second):
			return errLost
		}
	}
	w.links.Add(1)
	return nil
}

// sendResources sends a hundred resources over one link.
func (w *world) sendResources(ctx context.Context) error {
	l, err := w.open(ctx, node.LinkHandler{})
	if err != nil {
		return err
	}
	defer l.Close()
	data := make([]byte, 1_000_000)
	_, _ = rand.Read(data)
	for range 100 {
		t, err := l.SendResource(ctx, bytes.NewReader(data), int64(len(data)), node.ResourceOptions{Compression: node.CompressNever})
		if err == nil {
			err = t.Wait(ctx)
		}
		if err != nil {
			return err
		}
		w.resources.Add(1)
	}
	return nil
}

// forward sends packets from one neighbour of the transport node to another.
func (w *world) forward(ctx context.Context) error {
	in, err := w.dial()
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := w.dial()
	if err != nil {
		return err
	}
	defer out.Close()
	id, err := rns.NewIdentity(rand.Reader)
	if err != nil {
		return err
	}
	frame, dest, err := announce(id, "soak.relay", nil)
	if err != nil {
		return err
	}
	w.loads.Go(func() {
		frames(out, func(p []byte) {
			if p[0]&3 == byte(rns.PacketData) {
				w.forwarded.Add(1)
			}
		})
	})
	w.loads.Go(func() { frames(in, func([]byte) {}) })
	if _, err := out.Write(frame); err != nil {
		return err
	}
	select {
	case <-time.After(2 * time.Second):
	case <-ctx.Done():
		return nil
	}
	limit := newPace(forwardRate)
	const burst = 40
	for {
		if !limit.wait(ctx, burst) {
			return nil
		}
		var blob []byte
		for range burst {
			data := make([]byte, 200)
			_, _ = rand.Read(data)
			p, err := rns.Packet{
				HeaderType: rns.HeaderType2, TransportType: rns.TransportTransport, TransportID: w.hub.TransportID(), Dest: dest, Data: data,
			}.Pack(rns.MTU)
			if err != nil {
				return err
			}
			blob = framing.AppendHDLC(blob, p)
		}
		if _, err := in.Write(blob); err != nil {
			return err
		}
	}
}

// frames gives every frame of a connection to f until it ends.
func frames(c net.Conn, f func([]byte)) {
	d := framing.NewHDLC(framing.Limits{Min: framing.MinFrame, Max: 1100})
	buf := make([]byte, 64<<10)
	for {
		n, err := c.Read(buf)
		d.Feed(buf[:n], f)
		if err != nil {
			return
		}
	}
}
