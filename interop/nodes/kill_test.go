package nodes

import (
	"bytes"
	"testing"
	"time"

	"meshchatx/interop/shaper"
	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns/node"
)

// TestMiddleKilled kills the transport node in the middle of a file of 5 MB, and starts it again on the same port and
// directory. The ends connect again. The new process knows no paths: they come back with the next announces, or at once where
// the listener passes path requests on (spec: rns-core §15.4). The file arrives once.
func TestMiddleKilled(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		recursive bool
	}{{"paths by announces", false}, {"paths by requests", true}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			killMiddle(t, c.recursive)
		})
	}
}

func killMiddle(t *testing.T, recursive bool) {
	ctx := limited(t, 50*time.Second)
	conf := childConfig{Name: "middle", Forward: true, Storage: t.TempDir(), Recursive: recursive}
	middle := startChild(ctx, t, conf)
	conf.TCPPort = middle.port
	a, c := newStation(t, "a", impatient), newStation(t, "c", impatient)
	// The medium of one end gives the test time to strike.
	p := startShaper(t, middle.port, shaper.Conditions{BytesPerSecond: 4_000_000}, 1)
	ends := map[*station]node.InterfaceID{
		a: a.dial(ctx, t, p.Addr().Port, node.InterfaceConfig{}), c: c.dial(ctx, t, middle.port, node.InterfaceConfig{}),
	}
	introduce(ctx, t, a, c)
	introduce(ctx, t, c, a)
	data := noise(fileSize, 11)
	m := a.message(c.router.Address(), "survives", lxmf.Attachment{Name: "big", Data: data})
	a.send(t, m, lxmf.MethodDirect)
	under := func(e router.Event) bool { return e.ID == m.Hash && e.Kind == router.KindProgress && e.Percent >= 20 }
	if e, err := a.steps.wait(ctx, 0, under); err != nil || e.Percent > 95 {
		t.Fatalf("at %d%%: %v", e.Percent, err)
	}
	down := map[*station]int{a: a.events.mark(), c: c.events.mark()}
	middle.kill()
	up := make(map[*station]int)
	for s, id := range ends {
		s.awaitState(ctx, t, down[s], id, node.StateError)
		up[s] = s.events.mark()
	}
	startChild(ctx, t, conf)
	for s, id := range ends {
		s.awaitState(ctx, t, up[s], id, node.StateUp)
	}
	if !recursive {
		introduce(ctx, t, a, c)
		introduce(ctx, t, c, a)
	}
	start := time.Now()
	steps, in := a.delivered(ctx, t, c, m)
	t.Logf("delivered %.1f s later: %s", time.Since(start).Seconds(), kinds(steps))
	if files := in.Message.Fields.Attachments(); len(files) != 1 || !bytes.Equal(files[0].Data, data) {
		t.Error("the file arrived with other content")
	}
	back := c.send(t, c.message(a.router.Address(), "thank you"), lxmf.MethodOpportunistic)
	c.delivered(ctx, t, a, back)
	c.once(t, m)
	a.once(t, back)
}
