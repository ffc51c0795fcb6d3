package devicetest_test

import (
	"bytes"
	"context"
	"testing"
	"testing/synctest"
	"time"

	"meshchatx/rns/iface"
	"meshchatx/rns/iface/devicetest"
	"meshchatx/rns/iface/kiss"
	"meshchatx/rns/iface/rnode"
	"meshchatx/rns/iface/rnodemulti"
	"meshchatx/rns/iface/serialport"
	"meshchatx/rns/node"
	"meshchatx/rns/rnstest"
)

// receiver is a destination whose links take resources.
type receiver struct {
	*node.Destination
	got chan node.IncomingResource
}

func newReceiver(t *testing.T, w *rnstest.Network, n *rnstest.Node) *receiver {
	t.Helper()
	r := &receiver{got: make(chan node.IncomingResource, 16)}
	take := func(*node.Link, node.ResourceOffer) *node.ResourceAcceptance {
		return &node.ResourceAcceptance{Conclude: func(_ *node.Link, in node.IncomingResource) error {
			in.Data = bytes.Clone(in.Data)
			r.got <- in
			return nil
		}}
	}
	var err error
	r.Destination, err = n.Register(node.DestinationConfig{
		Identity: w.Identity(77), Name: "devicetest.inbox", Proofs: node.ProveAll, Links: node.AcceptLinks,
		OnLink: func(*node.Link) node.LinkHandler { return node.LinkHandler{OnResource: take} },
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func limited(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// carry opens a link and sends a resource over it.
func carry(t *testing.T, from *rnstest.Node, to *receiver, size int, within time.Duration) {
	t.Helper()
	ctx := limited(t, within)
	if _, err := from.AwaitPath(ctx, to.Addr()); err != nil {
		t.Fatal(err)
	}
	link, err := from.OpenLink(ctx, to.Addr(), node.LinkHandler{})
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, size)
	_, _ = rnstest.Random(uint64(size)).Read(data)
	begin := time.Now()
	tr, err := link.SendResource(ctx, bytes.NewReader(data), int64(size), node.ResourceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	if in := <-to.got; in.Err != nil || !bytes.Equal(in.Data, data) {
		t.Errorf("received %d bytes: %v", len(in.Data), in.Err)
	}
	t.Logf("%d bytes in %v", size, time.Since(begin).Round(time.Second/10))
	link.Close()
	if err := from.Quiesce(ctx); err != nil {
		t.Fatal(err)
	}
}

func radioFor(t *testing.T, port *devicetest.Port, flow serialport.Flow) iface.Interface {
	t.Helper()
	d, err := rnode.New(rnode.Config{
		Name: "radio", Port: "simulated", Frequency: 867_200_000, Bandwidth: 125_000, TXPower: 7, SpreadingFactor: 8, CodingRate: 5,
		Flow: flow, Open: port.Open,
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Two nodes at 3 kbit/s: a link and a resource, without overrunning the device; the radio is pulled and put back, and the
// interface is removed and added again.
func TestNodesOverRadios(t *testing.T) {
	for name, flow := range map[string]serialport.Flow{"plain": serialport.FlowNone, "flow control": serialport.FlowReady} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := rnstest.New(t, 1)
				a, b := w.Node("a"), w.Node("b")
				air := devicetest.NewAir()
				port := func() *devicetest.Port {
					return devicetest.NewMemoryPort(devicetest.NewRNode(air, devicetest.DefaultRNodeParams()))
				}
				pa, pb := port(), port()
				first := radioFor(t, pa, flow)
				onA := a.Add(first, rnstest.Open())
				b.Add(radioFor(t, pb, flow), rnstest.Open())
				w.Run(3 * time.Second)
				to := newReceiver(t, w, b)
				carry(t, a, to, 12_000, 5*time.Minute)

				pa.Unplug()
				w.Run(10 * time.Second)
				if st, err := a.InterfaceStatus(t.Context(), onA); err != nil || st.State.Word == node.StateUp {
					t.Errorf("state %v without a device: %v", st.State, err)
				}
				if err := pa.Plug(); err != nil {
					t.Fatal(err)
				}
				w.Run(10 * time.Second)
				carry(t, a, to, 3_000, 5*time.Minute)

				if err := a.RemoveInterface(t.Context(), onA); err != nil {
					t.Fatal(err)
				}
				a.Add(radioFor(t, pa, flow), rnstest.Open())
				w.Run(3 * time.Second)
				carry(t, a, to, 3_000, 5*time.Minute)
				w.Close()
				pa.Close()
				pb.Close()
			})
		})
	}
}

// The transceivers of one device reach different stations: the node between them forwards.
func TestNodesOverSeveralTransceivers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rnstest.New(t, 2)
		a, hub, b := w.Node("a"), w.Transport("hub"), w.Node("b")
		air := devicetest.NewAir()
		var ports []*devicetest.Port
		port := func(chips ...uint8) *devicetest.Port {
			p := devicetest.DefaultRNodeParams()
			p.Chips = chips
			ports = append(ports, devicetest.NewMemoryPort(devicetest.NewRNode(air, p)))
			return ports[len(ports)-1]
		}
		board := port(0x11, 0x20)
		multi, err := rnodemulti.New(rnodemulti.Config{Name: "board", Port: "simulated", Open: board.Open, Radios: []rnodemulti.Radio{
			{Name: "far", VPort: 0, Frequency: 868_000_000, Bandwidth: 250_000, TXPower: 10, SpreadingFactor: 7, CodingRate: 5},
			{Name: "fast", VPort: 1, Frequency: 2_400_000_000, Bandwidth: 812_500, TXPower: 10, SpreadingFactor: 7, CodingRate: 5},
		}})
		if err != nil {
			t.Fatal(err)
		}
		hub.Add(multi, rnstest.Open())
		for i, n := range []*rnstest.Node{a, b} {
			c := rnode.Config{
				Name: "radio", Port: "simulated", Frequency: 868_000_000, Bandwidth: 250_000, SpreadingFactor: 7, CodingRate: 5,
				Open: port().Open,
			}
			if i == 1 {
				c.Frequency, c.Bandwidth = 2_400_000_000, 812_500
			}
			d, err := rnode.New(c)
			if err != nil {
				t.Fatal(err)
			}
			n.Add(d, rnstest.Open())
		}
		w.Run(5 * time.Second)
		to := newReceiver(t, w, b)
		if err := to.Announce(t.Context(), node.AnnounceOptions{}); err != nil {
			t.Fatal(err)
		}
		w.Run(30 * time.Second)
		carry(t, a, to, 5_000, 10*time.Minute)
		w.Close()
		for _, p := range ports {
			p.Close()
		}
	})
}

func TestNodesOverModems(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rnstest.New(t, 3)
		a, b := w.Node("a"), w.Node("b")
		air := devicetest.NewAir()
		var ports []*devicetest.Port
		for _, n := range []*rnstest.Node{a, b} {
			p := devicetest.NewMemoryPort(devicetest.NewTNC(air, devicetest.DefaultTNCParams()))
			ports = append(ports, p)
			c := kiss.DefaultConfig("tnc", "simulated")
			c.Flow, c.Open = serialport.FlowReady, p.Open
			d, err := kiss.New(c)
			if err != nil {
				t.Fatal(err)
			}
			n.Add(d, rnstest.Open())
		}
		w.Run(3 * time.Second)
		carry(t, a, newReceiver(t, w, b), 2_000, 20*time.Minute)
		w.Close()
		for _, p := range ports {
			p.Close()
		}
	})
}

// A transceiver configured with "outgoing = no" hears and does not announce. spec: rns-interfaces §13
func TestReceiveOnlyTransceiver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rnstest.New(t, 4)
		n := w.Node("n")
		air := devicetest.NewAir()
		p := devicetest.DefaultRNodeParams()
		p.Chips = []uint8{0x11}
		board := devicetest.NewMemoryPort(devicetest.NewRNode(air, p))
		multi, err := rnodemulti.New(rnodemulti.Config{Name: "board", Port: "simulated", Open: board.Open, Radios: []rnodemulti.Radio{{
			Name: "deaf", Frequency: 868_000_000, Bandwidth: 250_000, SpreadingFactor: 7, CodingRate: 5, Receives: rnodemulti.ReceiveOnly,
		}}})
		if err != nil {
			t.Fatal(err)
		}
		n.Add(multi, rnstest.Open())
		w.Run(5 * time.Second)
		all, err := n.Interfaces(t.Context())
		if err != nil || len(all) != 2 || all[1].Info.Label != "board[deaf]" || all[1].State.Word != node.StateUp {
			t.Fatalf("interfaces %+v: %v", all, err)
		}
		_ = newReceiver(t, w, n).Announce(t.Context(), node.AnnounceOptions{}) // there is no interface to send on
		w.Run(time.Minute)
		if sent := air.Carried(); sent != 0 {
			t.Errorf("%d packets were sent", sent)
		}
		w.Close()
		board.Close()
	})
}
