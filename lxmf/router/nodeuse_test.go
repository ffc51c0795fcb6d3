package router_test

import (
	"testing"
	"testing/synctest"
	"time"

	"meshchatx/lxmf/router"
	"meshchatx/rns"
	"meshchatx/rns/iface/mem"
)

// A node that was never heard is asked for; a message for it waits, ends with the reason, and goes when the node is heard.
// spec: lxmf §6.6
func TestNodeNotHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, a, b, cable := pair(t, 320, delay)
		f := w.propagationNode(b.node)
		cable.A.SetConditions(mem.Conditions{Loss: 1})
		a.UseNode(router.NodeFixed, f.dest.Addr())
		lost := a.send(b, "lost", propagated)
		w.Run(5 * time.Minute)
		a.expect(lost, router.KindFailed, router.CodePropagationNoPath)
		if s := a.sync(router.SyncOptions{}); s.State != router.SyncNoPath || s.Code != router.CodePropagationNoPath {
			t.Errorf("fetched %+v", s)
		}
		id := a.send(b, "found", propagated)
		w.Run(time.Second)
		cable.A.SetConditions(delay)
		f.announce()
		w.Run(30 * time.Second)
		a.expect(id, router.KindPropagated, "")
	})
}

// Without the keys of its recipient nothing can be sealed; when they are heard the message goes.
func TestPropagatedToStranger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t, 321)
		p.to[1](mem.Conditions{Loss: 1})
		c := p.w.user(p.b.node)
		lost := p.a.send(c, "lost", propagated)
		p.w.Run(5 * time.Minute)
		p.a.expect(lost, router.KindFailed, router.CodeNoIdentity)
		id := p.a.send(c, "found", propagated)
		p.w.Run(time.Second)
		p.to[1](delay)
		c.announce()
		p.w.Run(30 * time.Second)
		p.a.expect(id, router.KindPropagated, "")
	})
}

// Who chooses another node takes what waits along; who chooses none learns that it cannot go. spec: lxmf §9.3
func TestChangeNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t, 322)
		other := p.w.Transport("bergen")
		p.w.Connect(p.a.node, other, delay)
		g := p.w.propagationNode(other)
		g.announce()
		p.to[0](mem.Conditions{Loss: 1})
		id := p.a.send(p.b, "x", propagated)
		p.w.Run(5 * time.Second)
		p.a.UseNode(router.NodeFixed, g.dest.Addr())
		p.w.Run(30 * time.Second)
		p.a.expect(id, router.KindPropagated, "")
		if via := p.a.log.last(id).Via; via != g.dest.Addr() || g.count() != 1 || p.f.count() != 0 {
			t.Errorf("went to %v", via)
		}
		p.a.UseNode(router.NodeFixed, p.f.dest.Addr())
		next := p.a.send(p.b, "y", propagated)
		p.w.Run(5 * time.Second)
		p.a.UseNode(router.NodeOff, rns.Addr{})
		p.w.Run(time.Second)
		p.a.expect(next, router.KindFailed, router.CodePropagationNone)
		choices := p.an.choices()
		var reasons []router.ChoiceReason
		for _, c := range choices {
			reasons = append(reasons, c.Choice.Reason)
		}
		if len(reasons) != 4 || reasons[1] != router.ReasonFixed || reasons[3] != router.ReasonNone {
			t.Errorf("told %v", reasons)
		}
	})
}

// What was heard of nodes, and how they did, survives a restart.
func TestNodesSurvive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t, 323)
		id := p.a.send(p.b, "x", propagated)
		p.w.Run(20 * time.Second)
		p.a.expect(id, router.KindPropagated, "")
		p.a.stop()
		p.a.conf.NodeMode = router.NodeAuto
		p.a.start()
		nodes, mode, choice, err := p.a.Nodes(t.Context())
		if err != nil || mode != router.NodeAuto || choice.Node != p.f.dest.Addr() || choice.Reason != router.ReasonOnly {
			t.Fatalf("%v, %+v, %v", mode, choice, err)
		}
		if len(nodes) != 1 || nodes[0].Successes != 1 || nodes[0].Latency <= 0 || nodes[0].Name != "oslo" {
			t.Errorf("remembered %+v", nodes)
		}
	})
}
