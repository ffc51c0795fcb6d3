package demo

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"meshchatx/internal/store"
	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns"
	"meshchatx/rns/node"
)

// peer is somebody with a router who answers.
type peer struct {
	*Person
	world  *world
	router *router.Router

	mu    sync.Mutex
	known []rns.Addr // who wrote
}

// friends are those who have written.
func (p *peer) friends() []rns.Addr {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.known)
}

func (p *peer) remember(who rns.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Contains(p.known, who) {
		p.known = append(p.known, who)
	}
}

// settle gives somebody a router on a node.
func (w *world) settle(p *Person, at *node.Node) error {
	b := &peer{Person: p, world: w}
	params := router.DefaultParams()
	w.conf.Pace.router(&params)
	r, err := router.New(router.Config{
		Node: at, Identity: p.id, Inbox: b, Params: params,
		DisplayName:   func() string { return p.Name },
		StampCost:     func() int { return p.StampCost },
		EnforceStamps: func() bool { return p.StampCost > 0 },
		DeliveryLimit: func() int64 {
			if p.Role == RoleSmall {
				return smallLimit
			}
			return router.DefaultDeliveryLimit
		},
	})
	if err != nil {
		return err
	}
	b.router = r
	w.peers = append(w.peers, b)
	w.run(func(ctx context.Context) {
		if err := r.Serve(ctx); err != nil && ctx.Err() == nil {
			w.log.Error("simulated person is gone", "name", p.Name, "error", err)
		}
	})
	return nil
}

// run starts a task that close waits for.
func (w *world) run(f func(context.Context)) { w.tasks.Go(func() { f(w.ctx) }) }

// Receive implements router.Inbox: it answers in its own time.
func (p *peer) Receive(_ context.Context, m router.Inbound) error {
	p.world.run(func(ctx context.Context) { p.answer(ctx, m) })
	return nil
}

// answer says something about a message.
func (p *peer) answer(ctx context.Context, m router.Inbound) {
	p.remember(m.Message.Source)
	to, text := m.Message.Source, strings.TrimSpace(string(m.Message.Content))
	if word, rest, _ := strings.Cut(text, " "); strings.HasPrefix(word, "/") {
		p.obey(ctx, to, word, strings.TrimSpace(rest))
		return
	}
	if !pause(ctx, p.world.conf.Pace.answer(p.Role)) {
		return
	}
	p.send(to, p.remark(m), func(f *lxmf.Fields) { f.SetReplyTo(m.Message.Hash) })
}

// remark is what a person says about a message.
func (p *peer) remark(m router.Inbound) string {
	text, fields := strings.TrimSpace(string(m.Message.Content)), m.Message.Fields
	var got []string
	if i, ok := fields.Image(); ok {
		got = append(got, fmt.Sprintf("a picture of %d bytes", len(i.Data)))
	}
	if a, ok := fields.Audio(); ok {
		got = append(got, fmt.Sprintf("a recording of %d bytes", len(a.Data)))
	}
	for _, f := range fields.Attachments() {
		got = append(got, fmt.Sprintf("%s (%d bytes)", f.FileName(), len(f.Data)))
	}
	switch {
	case len(got) > 0:
		return "Thank you, I received " + strings.Join(got, ", ") + "."
	case p.Key == "sakura":
		return "届きました: " + text
	case p.Role == RoleStamps:
		return fmt.Sprintf("Your stamp was worth %d bits, thank you. You wrote: %s", m.StampValue, text)
	case p.Role == RoleNews:
		return forecast(p.world.seed.chance("answer " + text))
	}
	return pick(p.world.seed.chance("answer "+text), replies) + " You wrote: " + text
}

// send writes a message.
func (p *peer) send(to rns.Addr, text string, fill ...func(*lxmf.Fields)) {
	m := lxmf.New(to, p.Address, p.world.conf.Now(), nil, []byte(text))
	for _, f := range fill {
		f(&m.Fields)
	}
	m.Sign(p.id)
	if err := p.router.Send(router.Outbound{Message: m}); err != nil {
		p.world.log.Debug("simulated person cannot write", "name", p.Name, "error", err)
	}
}

// pause waits unless ctx ends first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// put puts a file into a message as a person would send it.
func put(f material) func(*lxmf.Fields) {
	return func(to *lxmf.Fields) {
		switch f.kind {
		case store.KindImage:
			to.SetImage(lxmf.Image{Format: strings.TrimPrefix(f.mime, "image/"), Data: f.data})
		case store.KindAudio:
			to.SetAudio(lxmf.Audio{Mode: lxmf.AudioOpusOgg, Data: f.data})
		case store.KindFile:
			to.SetAttachments(lxmf.Attachment{Name: f.name, Data: f.data})
		}
	}
}
