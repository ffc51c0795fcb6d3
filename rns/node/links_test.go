package node_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshchatx/rns"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/node"
	"meshchatx/rns/rnstest"
)

// answering is a destination with a link handler and requests.
func answering(h node.LinkHandler, requests ...node.RequestHandler) func(*node.DestinationConfig) {
	return func(c *node.DestinationConfig) {
		c.OnLink = func(*node.Link) node.LinkHandler { return h }
		c.Requests = requests
	}
}

// linked connects two nodes and opens a link from the first to a destination of the second.
func linked(t *testing.T, w *rnstest.Network, c mem.Conditions, h node.LinkHandler, d func(*node.DestinationConfig)) *node.Link {
	t.Helper()
	a, b := w.Node("a"), w.Node("b")
	w.Connect(a, b, c)
	in := b.Inbox("test.inbox", d)
	in.Announce()
	w.Run(10 * time.Second)
	l, err := a.OpenLink(t.Context(), in.Addr(), h)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func pattern(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{1})
	_, _ = r.Read(b)
	return b
}

// spec: rns-link §7.3, rns-core §5.6
func TestRequestsAndPolicies(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		friend := w.Identity(77)
		echo := func(r *node.Request) (*node.Response, error) { return &node.Response{Value: r.Data}, nil }
		l := linked(t, w, mem.Conditions{Delay: 5 * time.Millisecond}, node.LinkHandler{}, answering(node.LinkHandler{},
			node.RequestHandler{Path: "/all", Policy: node.AllowAll, Serve: echo},
			node.RequestHandler{Path: "/none", Serve: echo},
			node.RequestHandler{Path: "/list", Policy: node.AllowList, Allow: []rns.Addr{friend.Hash()}, Serve: echo},
			node.RequestHandler{Path: "/silent", Policy: node.AllowAll, Serve: func(*node.Request) (*node.Response, error) {
				return nil, nil
			}},
			node.RequestHandler{Path: "/broken", Policy: node.AllowAll, Serve: func(*node.Request) (*node.Response, error) {
				return nil, errors.New("cannot")
			}},
			node.RequestHandler{Path: "/file", Policy: node.AllowAll, Serve: func(*node.Request) (*node.Response, error) {
				return node.FileResponse(pattern(100_000), msgpack.Str("name.bin")), nil
			}},
		))
		ask := func(path string, v msgpack.Value) (node.RequestStatus, error) {
			r, err := l.Request(t.Context(), path, v, node.RequestOptions{Timeout: time.Second})
			if err != nil {
				t.Fatal(err)
			}
			return r.Wait(t.Context())
		}
		for _, size := range []int{0, 100, 10_000, 2_000_000} {
			s, err := ask("/all", msgpack.Bin(pattern(size)))
			if b, ok := s.Response.Bytes(); err != nil || !ok || !bytes.Equal(b, pattern(size)) {
				t.Errorf("echo of %d bytes: %d bytes, %v", size, len(b), err)
			}
		}
		for _, path := range []string{"/none", "/list", "/silent", "/broken", "/unknown"} {
			if _, err := ask(path, msgpack.Nil()); !errors.Is(err, rns.VerdictTimeout) {
				t.Errorf("%s answered: %v", path, err)
			}
		}
		if err := l.Identify(t.Context(), friend); err != nil {
			t.Fatal(err)
		}
		if _, err := ask("/list", msgpack.Nil()); err != nil {
			t.Errorf("identified friend was refused: %v", err)
		}
		s, err := ask("/file", msgpack.Nil())
		if name, _ := s.Response.Text(); err != nil || !s.IsFile || name != "name.bin" || !bytes.Equal(s.File, pattern(100_000)) {
			t.Errorf("file of %d bytes, %q: %v", len(s.File), name, err)
		}
		v, err := l.RequestValue(t.Context(), "/all", msgpack.Int(5), node.RequestOptions{})
		if n, _ := v.Int(); err != nil || n != 5 {
			t.Errorf("value %v: %v", n, err)
		}
	})
}

// received keeps what arrives as resources.
type received struct {
	mu   sync.Mutex
	all  []node.IncomingResource
	fail error
}

func (r *received) accept(*node.Link, node.ResourceOffer) *node.ResourceAcceptance {
	return &node.ResourceAcceptance{Conclude: func(_ *node.Link, in node.IncomingResource) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.all = append(r.all, in)
		return r.fail
	}}
}

func (r *received) list() []node.IncomingResource {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all
}

func TestResourcesArriveWhole(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		var got received
		c := mem.Conditions{Delay: 10 * time.Millisecond, Loss: 0.02, Reorder: 0.02, Duplicate: 0.02, Seed: 5}
		l := linked(t, w, c, node.LinkHandler{}, answering(node.LinkHandler{OnResource: got.accept}))
		for i, size := range []int{1, 500, 100_000, 2_500_000} {
			var progress []float64
			tr, err := l.SendResource(t.Context(), bytes.NewReader(pattern(size)), int64(size), node.ResourceOptions{
				Metadata: msgpack.Int(int64(i)), HasMetadata: true,
				OnProgress: func(s node.TransferStatus) { progress = append(progress, s.Progress) },
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := tr.Wait(t.Context()); err != nil {
				t.Fatalf("%d bytes: %v", size, err)
			}
			w.Settle()
			all := got.list()
			if len(all) != i+1 {
				t.Fatalf("%d resources concluded", len(all))
			}
			last := all[i]
			if n, _ := last.Metadata.Int(); !bytes.Equal(last.Data, pattern(size)) || n != int64(i) || last.Err != nil ||
				last.Hash != tr.Status().Hash || last.Size != int64(size) {
				t.Errorf("%d bytes: got %d, metadata %d, %v", size, len(last.Data), n, last.Err)
			}
			for k := 1; k < len(progress); k++ {
				if progress[k] < progress[k-1] {
					t.Errorf("progress goes back: %v", progress)
				}
			}
		}
	})
}

// spec: rns-link §8.3
func TestResourceDecisions(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		var got received
		var mu sync.Mutex
		mode := ""
		set := func(m string) {
			mu.Lock()
			defer mu.Unlock()
			mode = m
		}
		handler := node.LinkHandler{OnResource: func(l *node.Link, o node.ResourceOffer) *node.ResourceAcceptance {
			mu.Lock()
			defer mu.Unlock()
			switch mode {
			case "reject":
				return nil
			case "sink fails":
				a := got.accept(l, o)
				a.Sink = failing{}
				return a
			}
			return got.accept(l, o)
		}}
		l := linked(t, w, mem.Conditions{Delay: time.Millisecond}, node.LinkHandler{}, answering(handler))
		send := func() error {
			tr, err := l.SendResource(t.Context(), bytes.NewReader(pattern(50_000)), 50_000, node.ResourceOptions{})
			if err != nil {
				t.Fatal(err)
			}
			return tr.Wait(t.Context())
		}
		set("reject")
		if err := send(); !errors.Is(err, node.ErrRejected) {
			t.Errorf("rejected: %v", err)
		}
		set("")
		got.fail = errors.New("disk full")
		if err := send(); !errors.Is(err, node.ErrRejected) {
			t.Errorf("not stored, but the sender thinks: %v", err)
		}
		got.fail = nil
		set("sink fails")
		if err := send(); !errors.Is(err, node.ErrRejected) {
			t.Errorf("sink failed, but the sender thinks: %v", err)
		}
		w.Settle()
		if all := got.list(); len(all) != 2 || all[1].Err == nil {
			t.Errorf("%d conclusions, the last without reason", len(all))
		}
		set("")
		if err := send(); err != nil {
			t.Error(err)
		}
	})
}

// failing is a sink that takes nothing.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

// spec: rns-link §8.10
func TestResourceCancelledByTheSender(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		var got received
		l := linked(t, w, mem.Conditions{Delay: 50 * time.Millisecond, Bandwidth: 1_000_000}, node.LinkHandler{},
			answering(node.LinkHandler{OnResource: got.accept}))
		tr, err := l.SendResource(t.Context(), bytes.NewReader(pattern(900_000)), 900_000, node.ResourceOptions{})
		if err != nil {
			t.Fatal(err)
		}
		w.Run(2 * time.Second)
		if p := tr.Status().Progress; p <= 0 || p >= 1 {
			t.Errorf("progress %v after two of seven seconds", p)
		}
		if err := tr.Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := tr.Wait(t.Context()); !errors.Is(err, rns.VerdictCancelled) {
			t.Errorf("sender: %v", err)
		}
		w.Run(10 * time.Second)
		if all := got.list(); len(all) != 1 || all[0].Err == nil {
			t.Errorf("receiver: %+v", all)
		}
	})
}

func TestResourceNeverOverrunsASlowRadio(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		var got received
		a, b := w.Node("a"), w.Node("b")
		cable := w.Connect(a, b, mem.Conditions{Bandwidth: 2400, Delay: 20 * time.Millisecond},
			mem.WithBitrate(2400), mem.WithMTU(500))
		in := b.Inbox("test.inbox", answering(node.LinkHandler{OnResource: got.accept}))
		in.Announce()
		w.Run(10 * time.Second)
		l, err := a.OpenLink(t.Context(), in.Addr(), node.LinkHandler{})
		if err != nil {
			t.Fatal(err)
		}
		tr, err := l.SendResource(t.Context(), bytes.NewReader(pattern(20_000)), 20_000, node.ResourceOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := tr.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		s, err := a.InterfaceStatus(t.Context(), cable.OnA)
		if err != nil {
			t.Fatal(err)
		}
		if n := s.Count.Verdicts[rns.VerdictQueueFull]; n != 0 {
			t.Errorf("%d frames were dropped", n)
		}
		if overhead := float64(s.Count.TxBytes) / 20_000; overhead > 1.25 {
			t.Errorf("sent %.2f times the data", overhead)
		}
		if took, ideal := tr.Status().Concluded.Sub(tr.Status().Started), 67*time.Second; took > 2*ideal {
			t.Errorf("took %v, the medium needs %v", took, ideal)
		}
	})
}

func TestChannelAndStream(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		var mu sync.Mutex
		var got []string
		c := mem.Conditions{Delay: 10 * time.Millisecond, Loss: 0.05, Reorder: 0.05, Seed: 3}
		var remote *node.Link
		l := linked(t, w, c, node.LinkHandler{}, func(d *node.DestinationConfig) {
			d.OnLink = func(in *node.Link) node.LinkHandler {
				remote = in
				if err := in.OpenChannel(context.Background()); err != nil {
					t.Error(err)
				}
				return node.LinkHandler{OnMessage: func(_ *node.Link, m node.ChannelMessage) {
					mu.Lock()
					defer mu.Unlock()
					got = append(got, fmt.Sprintf("%d:%s", m.Type, m.Data))
				}}
			}
		})
		if err := l.OpenChannel(t.Context()); err != nil {
			t.Fatal(err)
		}
		var want []string
		var proved []<-chan struct{}
		for i := range 50 {
			done, err := l.SendMessage(t.Context(), node.ChannelMessage{Type: 0x101, Data: fmt.Append(nil, i)})
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, fmt.Sprintf("257:%d", i))
			proved = append(proved, done)
		}
		for _, done := range proved {
			<-done
		}
		w.Settle()
		mu.Lock()
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		mu.Unlock()
		out, err := l.OpenStream(t.Context(), 1, 2)
		if err != nil {
			t.Fatal(err)
		}
		in, err := remote.OpenStream(t.Context(), 2, 1)
		if err != nil {
			t.Fatal(err)
		}
		data := pattern(300_000)
		go func() {
			_, werr := out.Write(data)
			if err := errors.Join(werr, out.Close()); err != nil {
				t.Error(err)
			}
		}()
		read, err := io.ReadAll(in)
		if err != nil || !bytes.Equal(read, data) {
			t.Errorf("read %d bytes: %v", len(read), err)
		}
	})
}

// spec: rns-core §7.6
func TestLinkEndsWithItsInterface(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		a, b := w.Node("a"), w.Node("b")
		cable := w.Connect(a, b, mem.Conditions{})
		in := b.Inbox("test.inbox")
		in.Announce()
		w.Settle()
		closed := make(chan error, 1)
		l, err := a.OpenLink(t.Context(), in.Addr(), node.LinkHandler{OnClosed: func(_ *node.Link, err error) { closed <- err }})
		if err != nil {
			t.Fatal(err)
		}
		r, err := l.Send(t.Context(), []byte("x"), node.SendOptions{})
		if err != nil {
			t.Fatal(err)
		}
		cable.Cut()
		if err := <-closed; !errors.Is(err, node.ErrInterfaceGone) {
			t.Errorf("closed with %v", err)
		}
		if err := r.Wait(t.Context()); err == nil {
			t.Error("packet of a dead link was proved")
		}
		if _, err := l.Send(t.Context(), nil, node.SendOptions{}); !errors.Is(err, node.ErrLinkClosed) ||
			!errors.Is(err, node.ErrInterfaceGone) {
			t.Errorf("send on a dead link: %v", err)
		}
	})
}

func TestLinksThatCannotBe(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		a, b := w.Node("a"), w.Node("b")
		w.Connect(a, b, mem.Conditions{})
		if _, err := a.OpenLink(t.Context(), rns.Addr{1}, node.LinkHandler{}); !errors.Is(err, node.ErrUnknownIdentity) {
			t.Errorf("unknown destination: %v", err)
		}
		in := b.Inbox("test.inbox", func(c *node.DestinationConfig) { c.Links = node.RefuseLinks })
		in.Announce()
		w.Settle()
		start := time.Now()
		if _, err := a.OpenLink(t.Context(), in.Addr(), node.LinkHandler{}); !errors.Is(err, node.ErrLinkTimeout) {
			t.Errorf("refused link: %v", err)
		}
		if took := time.Since(start); took < 12*time.Second || took > 13*time.Second {
			t.Errorf("gave up after %v", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := a.OpenLink(ctx, in.Addr(), node.LinkHandler{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("caller gave up: %v", err)
		}
		w.Settle()
		if c, _ := a.Counts(t.Context()); c.Links != 0 {
			t.Errorf("%d links are left", c.Links)
		}
	})
}

func TestProofFollowsTheApplication(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		kept := make(chan *node.LinkPacket, 1)
		l := linked(t, w, mem.Conditions{Delay: time.Millisecond}, node.LinkHandler{}, answering(node.LinkHandler{
			OnPacket: func(_ *node.Link, p *node.LinkPacket) { kept <- p },
		}))
		r, err := l.Send(t.Context(), []byte("store me"), node.SendOptions{})
		if err != nil {
			t.Fatal(err)
		}
		p := <-kept
		w.Run(300 * time.Millisecond)
		if s := r.Status().State; s != node.ReceiptSent {
			t.Errorf("receipt is %v before the packet was stored", s)
		}
		if err := errors.Join(p.Prove(), p.Prove()); err != nil {
			t.Fatal(err)
		}
		if err := r.Wait(t.Context()); err != nil {
			t.Errorf("stored, but not proved: %v", err)
		}
		r, err = l.Send(t.Context(), []byte("lose me"), node.SendOptions{})
		if err != nil {
			t.Fatal(err)
		}
		<-kept
		if err := r.Wait(t.Context()); !errors.Is(err, node.ErrNoProof) {
			t.Errorf("never stored: %v", err)
		}
	})
}

// TestLinkMTUFollowsThePath checks spec: rns-core §10.6
func TestLinkMTUFollowsThePath(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*node.Config)
		opts   []mem.Option
		want   int
	}{
		{"automatic", nil, nil, 8192},
		{"fixed", nil, []mem.Option{mem.WithMTU(1196)}, 1196},
		{"slow", nil, []mem.Option{mem.WithBitrate(9600)}, 500},
		{"discovery off", func(c *node.Config) { c.LinkMTUDiscovery = node.Off }, nil, 500},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *rnstest.Network) {
				a, b := w.Node("a"), w.Node("b")
				if c.change != nil {
					a = w.Node("a", c.change)
				}
				w.Connect(a, b, mem.Conditions{}, c.opts...)
				in := b.Inbox("test.inbox")
				in.Announce()
				w.Run(10 * time.Second)
				l, err := a.OpenLink(t.Context(), in.Addr(), node.LinkHandler{})
				if err != nil {
					t.Fatal(err)
				}
				if l.MTU() != c.want {
					t.Errorf("MTU %d, want %d", l.MTU(), c.want)
				}
			})
		})
	}
}

func TestPendingLinksAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		a, b := w.Node("a"), w.Node("b", func(c *node.Config) { c.Params.MaxPendingLinks = 3 })
		cable := w.Connect(a, b, mem.Conditions{})
		in := b.Inbox("test.inbox")
		in.Announce()
		w.Settle()
		cable.B.SetConditions(mem.Conditions{Loss: 1}) // proofs never arrive
		for range 5 {
			if _, err := a.DialLink(t.Context(), in.Addr(), node.LinkHandler{}); err != nil {
				t.Fatal(err)
			}
		}
		w.Settle()
		c, err := b.Counts(t.Context())
		if err != nil || c.PendingLinks != 3 || c.Links != 3 {
			t.Errorf("counts %+v: %v", c, err)
		}
		w.Run(10 * time.Minute)
		if c, _ := b.Counts(t.Context()); c.PendingLinks != 0 || c.Links != 0 {
			t.Errorf("counts after the timeout: %+v", c)
		}
	})
}
