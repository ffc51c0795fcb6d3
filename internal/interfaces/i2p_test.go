package interfaces

import (
	"context"
	"testing"

	"meshchatx/rns/config"
	"meshchatx/rns/iface/i2p/samtest"
	"meshchatx/rns/node"
)

// i2pBlock attaches one block to a node, with the waits of a test.
func i2pBlock(t *testing.T, n *node.Node, b *Builder, lines string) node.InterfaceID {
	t.Helper()
	c, err := config.Parse([]byte("[interfaces]\n[[I]]\ntype = I2PInterface\nenabled = yes\nnetwork_name = net\n" + lines + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	d, conf, err := b.Build(c.Interfaces[0])
	if err != nil {
		t.Fatal(err)
	}
	conf.Reconnect = 1 // nanosecond
	id, err := n.AddInterface(d, conf)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// A configured peer is an interface of its own with the settings of its block. It stays when its connection is lost, and
// the next connection is the same interface. spec: rns-interfaces §14, §17
func TestI2PPeersStay(t *testing.T) {
	r := new(samtest.Router)
	t.Cleanup(r.Close)
	address, err := r.Listen()
	if err != nil {
		t.Fatal(err)
	}
	far, near := startNode(t), startNode(t)
	id := i2pBlock(t, far, &Builder{I2PRouter: address, Storage: t.TempDir(), Identity: far.TransportID}, "connectable = yes")
	var endpoint string
	await(t, "the endpoint is up", func() bool {
		st, err := far.InterfaceStatus(t.Context(), id)
		endpoint = st.Address
		return err == nil && endpoint != ""
	})
	parent := i2pBlock(t, near, &Builder{I2PRouter: address}, "peers = "+endpoint)
	name := "I to " + endpoint
	up := func() bool {
		st, _ := named(t, near, name)
		return st.State.Word == node.StateUp
	}
	await(t, "the peer is connected", up)
	first, _ := named(t, near, name)
	if first.Parent != parent || first.Config.NetworkName != "net" || tunnelOf(first) != "active" || !first.Info.Tunnel {
		t.Errorf("%+v", first)
	}
	_, probe := linked(t, near, far)
	probe()
	states := make(chan node.StateWord, 100)
	stop := near.OnEvent(func(e node.Event) {
		if e.Kind == node.EventInterfaceState && e.Interface == first.ID {
			states <- e.State.Word
		}
	})
	defer stop()
	r.Restart()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for down := false; ; {
		select {
		case s := <-states:
			if down = down || s == node.StateError; down && s == node.StateUp {
				if now, ok := named(t, near, name); !ok || now.Count.RxBytes < first.Count.RxBytes {
					t.Error("the counters of the peer do not go on")
				}
				return
			}
		case <-ctx.Done():
			t.Fatal("the peer does not come back")
		}
	}
}
