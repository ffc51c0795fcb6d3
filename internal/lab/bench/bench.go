package bench

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"

	"meshchatx/internal/interfaces"
	"meshchatx/rns"
	"meshchatx/rns/config"
	"meshchatx/rns/iface"
	"meshchatx/rns/iface/tcp"
	"meshchatx/rns/node"
	"meshchatx/rns/stamp"
	"meshchatx/rns/transport"
)

// bench is the node under test.
type bench struct {
	node *node.Node
	id   *rns.Identity
	echo *node.Destination
	mail *mail
}

func (b *bench) do(ctx context.Context, o order) (answer, error) {
	f, ok := map[string]func(context.Context, order) (answer, error){
		"start": b.start, "serve": b.serve, "announce": b.announce, "stats": b.stats, "wait_paths": b.waitPaths,
		"has_path": b.hasPath, "link_rate": b.linkRate, "rtt": b.rtt, "resource": b.resource, "lxmf": b.lxmf,
		"stop": b.stop, "stamp": b.stamp, "workblock": b.workblock, "attempts": b.attempts,
	}[o.Cmd]
	if !ok {
		return nil, fmt.Errorf("unknown order %q", o.Cmd)
	}
	return f(ctx, o)
}

func (b *bench) close() {
	if b.mail != nil {
		b.mail.close()
	}
	if b.node != nil {
		_ = b.node.Close()
	}
}

func (b *bench) start(ctx context.Context, o order) (answer, error) {
	conf := node.DefaultConfig()
	conf.Transport = node.Switch(o.Transport)
	if o.Config != "" {
		c, err := readConfig(o.Config)
		if err != nil {
			return nil, err
		}
		conf = interfaces.NodeConfig(c)
	}
	var opts []node.Option
	if o.Storage != "" {
		opts = append(opts, node.WithStorage(node.NewDirStorage(o.Storage)))
	}
	n, err := node.New(conf, opts...)
	if err != nil {
		return nil, err
	}
	if err := n.Start(ctx); err != nil {
		return nil, err
	}
	b.node = n
	if b.id, err = rns.NewIdentity(rand.Reader); err != nil {
		return nil, err
	}
	if o.Config != "" {
		return nil, b.configured(o.Config)
	}
	var i iface.Interface
	if o.Listen > 0 {
		i, err = tcp.NewServer(tcp.ServerConfig{Name: "bench", Host: "127.0.0.1", Port: o.Listen})
	} else {
		i, err = tcp.NewClient(tcp.ClientConfig{Name: "bench", Host: "127.0.0.1", Port: o.Connect})
	}
	if err == nil {
		_, err = n.AddInterface(i, node.InterfaceConfig{IngressControl: transport.LimitOff})
	}
	return nil, err
}

// readConfig reads the configuration in a folder.
func readConfig(dir string) (config.Config, error) {
	text, err := os.ReadFile(filepath.Join(dir, "config"))
	if err != nil {
		return config.Config{}, err
	}
	return config.Parse(text)
}

// configured adds the interfaces of the configuration in a folder.
func (b *bench) configured(dir string) error {
	c, err := readConfig(dir)
	for _, i := range c.Interfaces {
		if !i.Enabled {
			continue
		}
		d, conf, derr := interfaces.Drivers(i)
		if derr == nil {
			_, derr = b.node.AddInterface(d, conf)
		}
		err = errors.Join(err, i.Err, derr)
	}
	return err
}

// stop closes the node, which saves its tables, and answers how long that took.
func (b *bench) stop(context.Context, order) (answer, error) { return times(1, b.node.Close) }

func (b *bench) serve(ctx context.Context, o order) (answer, error) {
	var err error
	b.echo, err = b.node.Register(node.DestinationConfig{
		Identity: b.id, Name: "bench.echo", Proofs: node.ProveAll,
		OnLink: func(*node.Link) node.LinkHandler {
			return node.LinkHandler{
				OnPacket: func(l *node.Link, p *node.LinkPacket) {
					_ = l.SendContext(ctx, rns.ContextNone, p.Data) // nobody waits for its proof
					_ = p.Prove()
				},
				OnResource: func(*node.Link, node.ResourceOffer) *node.ResourceAcceptance {
					return &node.ResourceAcceptance{Sink: io.Discard}
				},
			}
		},
	})
	if err != nil {
		return nil, err
	}
	if b.mail, err = newMail(b, o.Durable); err != nil {
		return nil, err
	}
	return answer{"echo": b.echo.Addr().Hex(), "lxmf": b.mail.Address().Hex()}, nil
}

func (b *bench) announce(ctx context.Context, _ order) (answer, error) {
	return nil, errors.Join(b.echo.Announce(ctx, node.AnnounceOptions{}), b.mail.Announce(ctx))
}

// stats are the tables and, after a collection, the memory.
func (b *bench) stats(ctx context.Context, _ order) (answer, error) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	mallocs := m.Mallocs
	debug.FreeOSMemory()
	runtime.ReadMemStats(&m)
	c, err := b.node.Counts(ctx)
	return answer{"paths": c.Paths, "known": c.Known, "heap": m.HeapAlloc, "mallocs": mallocs}, err
}

func (b *bench) paths(ctx context.Context) int {
	c, _ := b.node.Counts(ctx)
	return c.Paths
}

func (b *bench) waitPaths(ctx context.Context, o order) (answer, error) {
	last, at := b.paths(ctx), time.Now()
	for tick := time.NewTicker(5 * time.Millisecond); last < o.N; <-tick.C {
		if k := b.paths(ctx); k != last {
			last, at = k, time.Now()
		} else if time.Since(at) > seconds(cmp.Or(o.Stall, 15)) {
			break
		}
	}
	return answer{"paths": last, "t": float64(at.UnixNano()) / 1e9}, nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func (b *bench) hasPath(ctx context.Context, o order) (answer, error) {
	dest, err := rns.ParseAddr(o.Dest)
	if err != nil {
		return nil, err
	}
	end := time.Now().Add(seconds(cmp.Or(o.Timeout, 30)))
	for tick := time.NewTicker(10 * time.Millisecond); !b.node.HasPath(ctx, dest) && time.Now().Before(end); <-tick.C {
	}
	return answer{"has": b.node.HasPath(ctx, dest), "hops": b.node.HopsTo(ctx, dest)}, nil
}

func (b *bench) open(ctx context.Context, o order, h node.LinkHandler) (*node.Link, error) {
	dest, err := rns.ParseAddr(o.Dest)
	if err != nil {
		return nil, err
	}
	return b.node.OpenLink(ctx, dest, h)
}

// times runs f n times and returns how long each took, in seconds.
func times(n int, f func() error) (answer, error) {
	out := make([]float64, 0, n)
	for range n {
		begin := time.Now()
		if err := f(); err != nil {
			return nil, err
		}
		out = append(out, time.Since(begin).Seconds())
	}
	return answer{"seconds": out}, nil
}

func (b *bench) linkRate(ctx context.Context, o order) (answer, error) {
	return times(o.N, func() error {
		l, err := b.open(ctx, o, node.LinkHandler{})
		if err == nil {
			defer l.Close()
		}
		return err
	})
}

func (b *bench) rtt(ctx context.Context, o order) (answer, error) {
	back := make(chan struct{}, 1)
	l, err := b.open(ctx, o, node.LinkHandler{OnPacket: func(*node.Link, *node.LinkPacket) { back <- struct{}{} }})
	if err != nil {
		return nil, err
	}
	defer l.Close()
	payload := make([]byte, cmp.Or(o.Size, 32))
	_, _ = rand.Read(payload)
	return times(o.N, func() error {
		if _, err := l.Send(ctx, payload, node.SendOptions{}); err != nil {
			return err
		}
		select {
		case <-back:
			return nil
		case <-time.After(5 * time.Second):
			return errors.New("echo lost")
		}
	})
}

func (b *bench) resource(ctx context.Context, o order) (answer, error) {
	l, err := b.open(ctx, o, node.LinkHandler{})
	if err != nil {
		return nil, err
	}
	defer l.Close()
	data := repeated(make([]byte, 1<<20))
	_, _ = rand.Read(data)
	return times(o.N, func() error {
		t, err := l.SendResource(ctx, data, int64(o.Size), node.ResourceOptions{Compression: node.CompressNever})
		if err != nil {
			return err
		}
		return t.Wait(ctx)
	})
}

// repeated is a file of any length without the memory for it.
type repeated []byte

func (r repeated) ReadAt(p []byte, off int64) (n int, err error) {
	for n < len(p) {
		n += copy(p[n:], r[(off+int64(n))%int64(len(r)):])
	}
	return n, nil
}

func (b *bench) stamp(ctx context.Context, o order) (answer, error) {
	return times(o.N, func() error {
		var material [32]byte
		_, _ = rand.Read(material[:])
		cores := runtime.GOMAXPROCS(0)
		_, err := stamp.NewWork(material[:], stamp.MessageRounds, cores).Search(ctx, o.Cost, stamp.Options{Workers: cores})
		return err
	})
}

func (b *bench) workblock(_ context.Context, o order) (answer, error) {
	return times(o.N, func() error {
		stamp.Workblock(bytes.Repeat([]byte{1}, 32), stamp.MessageRounds, runtime.GOMAXPROCS(0))
		return nil
	})
}

// attempts counts the candidates tried in a second.
func (b *bench) attempts(ctx context.Context, _ order) (answer, error) {
	cores := runtime.GOMAXPROCS(0)
	w := stamp.NewWork(make([]byte, 32), stamp.MessageRounds, cores)
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	var n atomic.Uint64
	begin := time.Now()
	_, err := w.Search(ctx, 80, stamp.Options{Workers: cores, Attempts: &n})
	if !errors.Is(err, context.DeadlineExceeded) {
		return nil, err
	}
	return answer{"per_s": float64(n.Load()) / time.Since(begin).Seconds()}, nil
}
