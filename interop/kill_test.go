package interop

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"meshchatx/interop/shaper"
	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns/node"
	"meshchatx/tools/peer"
)

const (
	// slowLink is slow enough to be in the middle of a file of fileSize for some seconds.
	slowLink = 500_000
	// killAt is how far a message is when one side is killed, in percent.
	killAt = 30
	// killLimit covers what the protocol waits until it tries again.
	killLimit = 6 * time.Minute
)

// TestLiveKill kills one side in the middle of a file of 5 MB and starts it again: the message arrives, and once.
func TestLiveKill(t *testing.T) {
	pythonPath(t)
	for _, c := range []struct {
		name string
		run  func(ctx context.Context, t *testing.T) []string
	}{
		{"partner receiving", killReceivingPartner},
		{"us receiving", killReceivingChild},
		{"us sending", killSendingChild},
	} {
		t.Run(c.name, func(t *testing.T) {
			record(t, "kill -9 in the middle", c.name, killLimit, func(ctx context.Context) []string { return c.run(ctx, t) })
		})
	}
}

// slow puts a slow connection in front of a port.
func slow(t *testing.T, port int) int {
	t.Helper()
	p, err := shaper.Listen("127.0.0.1:0", fmt.Sprintf("127.0.0.1:%d", port), shaper.Conditions{BytesPerSecond: slowLink}, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p.Addr().Port
}

// partnerAt runs the partner of a directory, connected to a port.
func partnerAt(ctx context.Context, t *testing.T, dir string, port int) (*peer.Process, peer.Info) {
	t.Helper()
	p := startPartner(t, dir)
	info, err := p.Open(ctx, partnerArgs(peer.Args{"type": "tcp_client", "port": port}))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Call(ctx, "wait_online", nil, nil); err != nil {
		t.Fatal(err)
	}
	return p, info
}

// killReceivingPartner: we send, the partner is killed.
func killReceivingPartner(ctx context.Context, t *testing.T) []string {
	n := startNode(t, node.Off, new(node.MemStorage))
	port, err := listen(ctx, n, 0, access{})
	if err != nil {
		t.Fatal(err)
	}
	port = slow(t, port)
	dir := filepath.Join(t.TempDir(), "partner")
	l := &lab{ours: startStation(t, n)}
	l.peer, l.info = partnerAt(ctx, t, dir, port)
	l.lxmf = addr(t, l.info.Delivery)
	l.announceUntil(ctx, t, func() error { return l.peer.Call(ctx, "announce", nil, nil) }, l.weHear(l.lxmf))

	file := peer.Generate(fileSize, "file", peer.Random)
	m := l.ours.message(l.lxmf, "", "survives")
	m.Fields.SetAttachments(lxmf.Attachment{Name: "f.bin", Data: file})
	id := l.send(t, router.Outbound{Message: m, Method: lxmf.MethodDirect})
	expect(ctx, t, &l.ours.outbound, 0, func(e router.Event) bool { return e.Kind == router.KindProgress && e.Percent >= killAt })
	l.peer.Kill()
	if got := l.peer.Events("message", 0); len(got) != 0 {
		t.Fatal("the message arrived before the partner was killed")
	}
	l.peer, _ = partnerAt(ctx, t, dir, port)
	final := expect(ctx, t, &l.ours.outbound, 0, func(e router.Event) bool { return e.ID == id && e.Kind.Final() })
	steps := l.steps(id, 0)
	if final.Kind != router.KindDelivered {
		t.Fatalf("message was %s after %s", final.Kind, kinds(steps))
	}
	e := l.wait(ctx, t, "message", 0, func(e peer.Event) bool { return e.Hash == id.Hex() })
	if len(e.Attachments) != 1 {
		t.Fatalf("%d attachments", len(e.Attachments))
	}
	sameDigest(t, "file", e.Attachments[0].Length, e.Attachments[0].Digest, file)
	l.once(t, id)
	return []string{kinds(steps)}
}

// killReceivingChild: the partner sends, we are killed.
func killReceivingChild(ctx context.Context, t *testing.T) []string {
	conf := childConfig{Dir: t.TempDir()}
	first := startChild(t, conf)
	ready := expect(ctx, t, &first.lines, 0, func(l childLine) bool { return l.Ready != "" })
	conf.Port = ready.Port
	p, _ := partnerAt(ctx, t, filepath.Join(t.TempDir(), "partner"), slow(t, ready.Port))
	hears := func(e peer.Event) bool { return e.Hash == ready.Ready }
	if _, err := p.Wait(ctx, "announce", 0, hears); err != nil {
		t.Fatal(err)
	}
	var sent sending
	err := p.Call(ctx, "send", peer.Args{
		"to": ready.Ready, "method": "direct", "attachments": []peer.Args{{"name": "f.bin", "size": fileSize, "seed": "file"}},
	}, &sent)
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Wait(ctx, "progress", 0, func(e peer.Event) bool { return e.Progress >= float64(killAt)/100 })
	if err != nil {
		t.Fatal(err)
	}
	first.kill()
	second := startChild(t, conf)
	final, err := p.Wait(ctx, "outbound", 0, func(e peer.Event) bool { return e.Hash == sent.Hash && e.Final })
	if err != nil {
		t.Fatal(err)
	}
	if final.State != "delivered" {
		t.Fatalf("the partner's message is %s after %d attempts", final.State, final.Attempts)
	}
	is := func(l childLine) bool { return l.Message == sent.Hash }
	got := expect(ctx, t, &second.lines, 0, is)
	if want := peer.Digest(peer.Generate(fileSize, "file", peer.Random)); got.Digest != want {
		t.Errorf("file arrived as %.16s, want %.16s", got.Digest, want)
	}
	if a, b := first.lines.count(is), second.lines.count(is); a != 0 || b != 1 {
		t.Errorf("message arrived %d times before and %d times after the kill", a, b)
	}
	return []string{fmt.Sprintf("%d attempts", final.Attempts)}
}

// killSendingChild: we send, and are killed; our outbox submits the message again.
func killSendingChild(ctx context.Context, t *testing.T) []string {
	conf := childConfig{Dir: t.TempDir(), Port: freePort(t)}
	p, info := partnerAt(ctx, t, filepath.Join(t.TempDir(), "partner"), slow(t, conf.Port))
	conf.To = info.Delivery
	announced, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	go announceAlways(announced, p)
	first := startChild(t, conf)
	expect(ctx, t, &first.lines, 0, func(l childLine) bool { return l.Event == string(router.KindProgress) && l.Percent >= killAt })
	first.kill()
	second := startChild(t, conf)
	is := func(l childLine) bool { return router.Kind(l.Event).Final() }
	if final := expect(ctx, t, &second.lines, 0, is); final.Event != string(router.KindDelivered) {
		t.Fatalf("message was %s", final.Event)
	}
	stop(errors.New("delivered"))
	if _, err := p.Wait(ctx, "message", 0, nil); err != nil { // the partner proves first
		t.Fatal(err)
	}
	list := p.Events("message", 0)
	if len(list) != 1 || len(list[0].Attachments) != 1 {
		t.Fatalf("%d messages arrived", len(list))
	}
	sameDigest(t, "file", list[0].Attachments[0].Length, list[0].Attachments[0].Digest, peer.Generate(fileSize, "file", peer.Random))
	return nil
}

// announceAlways announces the partner every few seconds until ctx ends.
func announceAlways(ctx context.Context, p *peer.Process) {
	tick := time.NewTicker(3 * time.Second)
	defer tick.Stop()
	for p.Call(ctx, "announce", nil, nil) == nil {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
