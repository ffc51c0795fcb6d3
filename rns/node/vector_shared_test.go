package node_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"testing"
	"time"

	"meshchatx/rns/iface"
	"meshchatx/rns/iface/framing"
	"meshchatx/rns/iface/local"
	"meshchatx/rns/node"
	"meshchatx/spec/vectortest"
)

// rawClient is a program on the packet socket that says what a test tells it.
type rawClient struct {
	net.Conn
	frames [][]byte
	hdlc   *framing.HDLC
}

func connectRaw(t *testing.T, e local.Endpoint) *rawClient {
	t.Helper()
	conn, err := local.Dial(t.Context(), e.Packets(), local.OwnUser)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return &rawClient{Conn: conn, hdlc: framing.NewHDLC(framing.Limits{Min: framing.MinFrame, Max: 262_144})}
}

func (c *rawClient) say(t *testing.T, packet []byte) {
	t.Helper()
	if _, err := c.Write(framing.AppendHDLC(nil, packet)); err != nil {
		t.Fatal(err)
	}
}

func (c *rawClient) hear(t *testing.T) []byte {
	t.Helper()
	buf := make([]byte, 64<<10)
	for len(c.frames) == 0 {
		n, err := c.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		c.hdlc.Feed(buf[:n], func(packet []byte) { c.frames = append(c.frames, bytes.Clone(packet)) })
	}
	first := c.frames[0]
	c.frames = c.frames[1:]
	return first
}

// TestVectorSharedInstance replays what two clients of an instance said to each other, over real sockets. What the
// instance passes on must be what the reference passed on. spec: rns-link §11.3, §11.4
func TestVectorSharedInstance(t *testing.T) {
	type identity struct {
		ID      string         `json:"id"`
		Private vectortest.Hex `json:"private"`
	}
	keys := make(map[string]vectortest.Hex)
	vectortest.Each(t, "rns-link.json", "identity", func(_ *testing.T, v identity) { keys[v.ID] = v.Private })
	type line struct {
		From   string         `json:"from"`
		To     string         `json:"to"`
		Packet vectortest.Hex `json:"packet"`
	}
	vectortest.Each(t, "rns-link.json", "shared_instance", func(t *testing.T, v struct {
		Identity   string `json:"transport_identity"`
		Transcript []line `json:"transcript"`
	}) {
		storage := new(node.MemStorage)
		if err := storage.Write("transport_identity", keys[v.Identity]); err != nil {
			t.Fatal(err)
		}
		c := node.DefaultConfig()
		c.StaticIdentity = node.On
		c.Shared = node.Shared{Mode: node.SharedServe, Endpoint: local.Endpoint{Name: fmt.Sprintf("vector-%d", os.Getpid())}}
		if !c.Shared.Endpoint.Unix() {
			t.Skip("needs abstract socket names, or else a port of its own")
		}
		n, err := node.New(c, node.WithStorage(storage))
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := n.Close(); err != nil {
				t.Error(err)
			}
		}()
		joined := make(chan struct{}, 16)
		defer n.OnEvent(func(e node.Event) {
			if e.Kind == node.EventInterfaceState && e.State.Word == node.StateUp {
				joined <- struct{}{}
			}
		})()
		if err := n.Start(context.WithoutCancel(t.Context())); err != nil {
			t.Fatal(err)
		}
		<-joined // the listener
		clients := make(map[string]*rawClient)
		for _, name := range []string{"client-a", "client-b"} {
			clients[name] = connectRaw(t, c.Shared.Endpoint)
			<-joined
		}
		for i, l := range v.Transcript {
			if from := clients[l.From]; from != nil {
				from.say(t, l.Packet)
				continue
			}
			if got := clients[l.To].hear(t); !bytes.Equal(got, l.Packet) {
				t.Fatalf("line %d to %s: %x, want %x", i, l.To, got, []byte(l.Packet))
			}
		}
	})
}

// TestLocalFrames: runts, keepalives, oversize and unterminated frames harm nothing; the largest packet passes.
// spec: rns-link §11.3
func TestLocalFrames(t *testing.T) {
	endpoint := local.Endpoint{Name: fmt.Sprintf("frames-%d", os.Getpid())}
	if !endpoint.Unix() {
		t.Skip("needs abstract socket names")
	}
	socket, err := local.Listen(t.Context(), endpoint.Packets())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := local.Listen(t.Context(), endpoint.Packets()); !local.InUse(err) {
		t.Errorf("bound twice: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	h := &frameHost{sizes: make(chan int, 16)}
	h.serve = func(child iface.Interface) error { return child.Serve(ctx, h) }
	ended := make(chan error, 1)
	listener := local.NewListener(local.ListenerConfig{Endpoint: endpoint, Socket: socket})
	go func() { ended <- listener.Serve(ctx, h) }()
	defer func() {
		cancel()
		<-ended
	}()
	c := connectRaw(t, endpoint)
	for _, raw := range [][]byte{
		{0x7e, 0x7e, 0x7e, 0x7e}, framing.AppendHDLC(nil, make([]byte, 19)), framing.AppendHDLC(nil, make([]byte, 262_145)),
		make([]byte, 600_000), framing.AppendHDLC(nil, make([]byte, 20)), framing.AppendHDLC(nil, make([]byte, 262_144)),
	} {
		if _, err := c.Write(raw); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []int{20, 262_144} {
		if got := <-h.sizes; got != want {
			t.Errorf("frame of %d bytes, want %d", got, want)
		}
	}
}

// frameHost serves peers and tells the sizes of their frames.
type frameHost struct {
	serve func(iface.Interface) error
	sizes chan int
}

func (h *frameHost) Up()        {}
func (h *frameHost) Note(error) {}
func (h *frameHost) Receive(frames []iface.Frame) {
	for _, f := range frames {
		h.sizes <- len(f.Data)
	}
}

func (h *frameHost) Spawn(child iface.Interface) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = h.serve(child)
	}()
	return done
}
