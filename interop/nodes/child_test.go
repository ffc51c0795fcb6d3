package nodes

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns"
	"meshchatx/rns/iface"
	"meshchatx/rns/iface/auto"
	"meshchatx/rns/iface/udp"
	"meshchatx/rns/node"
)

// childVariable holds the childConfig of a process that is a node, not a test.
const childVariable = "MESHCHATX_NODES_CHILD"

// childConfig says what a child process is to run.
type childConfig struct {
	Name    string
	Forward bool
	Storage string // directory; empty keeps everything in memory
	// TCPPort listens on the loopback when it is not negative; UDPDevice and AutoDevice run these drivers.
	TCPPort    int
	Recursive  bool // the listener passes requests for unknown paths on
	UDPDevice  string
	AutoDevice string
	// Quick shortens the times of AutoInterfaces.
	Quick bool
}

// order is a line a child reads, report one that it writes.
type order struct {
	Announce bool
	Send     *parcel
}

// parcel is a message to be sent: Size bytes of noise come along as a file.
type parcel struct {
	To      rns.Addr
	Content string
	Size    int
	Method  lxmf.Method
}

type report struct {
	Event string // ready, heard, message, step, peer, gone
	Addr  rns.Addr
	Port  int
	Hops  int
	// Interface is the driver's type, or its name.
	Interface string
	Name      string
	Hash      rns.Hash
	Digest    string
	Kind      router.Kind
	Code      router.Code
}

// runChild is the life of a child process: it ends with its standard input.
func runChild(text string) error {
	var c childConfig
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return err
	}
	conf := stationConfig{name: c.Name, forward: node.Switch(c.Forward)}
	if c.Storage != "" {
		conf.storage = node.NewDirStorage(c.Storage)
	}
	s, err := openStation(conf)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	var crew sync.WaitGroup
	defer func() {
		cancel()
		crew.Wait()
	}()
	out := &reports{enc: json.NewEncoder(os.Stdout)}
	port, err := s.childInterfaces(ctx, c)
	if err != nil {
		return errors.Join(err, s.stop())
	}
	out.write(report{Event: "ready", Addr: s.router.Address(), Port: port})
	s.tell(ctx, &crew, out)
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		var o order
		if err := json.Unmarshal(in.Bytes(), &o); err != nil {
			return errors.Join(err, s.stop())
		}
		if err := s.obey(ctx, o); err != nil {
			return errors.Join(err, s.stop())
		}
	}
	return errors.Join(in.Err(), s.stop())
}

// reports is where a child writes.
type reports struct {
	mu  sync.Mutex
	enc *json.Encoder
}

func (r *reports) write(line report) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = r.enc.Encode(line) // without a reader the child is about to end
}

// childInterfaces adds the interfaces of a child and returns its TCP port.
func (s *station) childInterfaces(ctx context.Context, c childConfig) (port int, err error) {
	if c.TCPPort >= 0 {
		conf := node.InterfaceConfig{RecursiveRequests: node.Switch(c.Recursive)}
		if _, port, err = s.listen(ctx, c.TCPPort, conf); err != nil {
			return 0, err
		}
	}
	var drivers []iface.Interface
	if c.UDPDevice != "" {
		d, err := udp.New(udp.Config{Name: "udp", Device: c.UDPDevice, Port: 4242})
		if err != nil {
			return 0, err
		}
		drivers = append(drivers, d)
	}
	if c.AutoDevice != "" {
		p := auto.DefaultParams()
		if c.Quick {
			p.Announce, p.Reverse, p.Jobs = 200*time.Millisecond, 400*time.Millisecond, 300*time.Millisecond
			p.PeerTimeout, p.StartWait = 2*time.Second, 300*time.Millisecond
		}
		d, err := auto.New(auto.Config{Name: "auto", Devices: []string{c.AutoDevice}, Params: &p})
		if err != nil {
			return 0, err
		}
		drivers = append(drivers, d)
	}
	for _, d := range drivers {
		if _, err := s.attach(ctx, d, node.InterfaceConfig{}); err != nil {
			return 0, err
		}
	}
	return port, nil
}

// tell writes what happens until ctx ends.
func (s *station) tell(ctx context.Context, crew *sync.WaitGroup, out *reports) {
	crew.Go(func() {
		follow(ctx, &s.heard, func(a node.Announced) {
			info, _ := lxmf.ParseDeliveryInfo(a.AppData) // without a name
			out.write(report{Event: "heard", Addr: a.Destination, Hops: a.Hops, Interface: a.InterfaceName, Name: info.Name})
		})
	})
	crew.Go(func() {
		follow(ctx, &s.inbox.feed, func(m router.Inbound) {
			r := report{
				Event: "message", Addr: m.Message.Source, Hops: m.Hops, Interface: m.Interface, Hash: m.Message.Hash,
				Name: string(m.Message.Content),
			}
			if files := m.Message.Fields.Attachments(); len(files) == 1 {
				r.Digest = digest(files[0].Data)
			}
			out.write(r)
		})
	})
	crew.Go(func() {
		follow(ctx, &s.steps, func(e router.Event) {
			if e.Kind != router.KindProgress || e.Percent%10 == 0 {
				out.write(report{Event: "step", Addr: e.Peer, Hash: e.ID, Kind: e.Kind, Code: e.Code})
			}
		})
	})
	crew.Go(func() {
		follow(ctx, &s.events, func(e node.Event) {
			switch {
			case e.Kind == node.EventInterfaceState && e.State.Word == node.StateUp:
				out.write(report{Event: "peer", Name: e.Name})
			case e.Kind == node.EventInterfaceGone:
				out.write(report{Event: "gone", Name: e.Name})
			}
		})
	})
}

// follow gives everything in a feed to f until ctx ends.
func follow[T any](ctx context.Context, f *feed[T], do func(T)) {
	for mark := 0; ; {
		list, more := f.from(mark)
		for _, v := range list {
			do(v)
		}
		mark += len(list)
		select {
		case <-more:
		case <-ctx.Done():
			return
		}
	}
}

func (s *station) obey(ctx context.Context, o order) error {
	if o.Announce {
		return s.router.Announce(ctx)
	}
	if p := o.Send; p != nil {
		var files []lxmf.Attachment
		if p.Size > 0 {
			files = append(files, lxmf.Attachment{Name: "noise", Data: noise(p.Size, uint64(p.Size))})
		}
		return s.router.Send(router.Outbound{Message: s.message(p.To, p.Content, files...), Method: p.Method})
	}
	return nil
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// child is a node in a process of its own.
type child struct {
	name  string
	addr  rns.Addr
	port  int
	cmd   *exec.Cmd
	in    io.WriteCloser
	says  feed[report]
	ended chan struct{}
}

// startChild runs this test binary as a node, by the command prefix if there is one, and waits until it is ready.
func startChild(ctx context.Context, t *testing.T, c childConfig, prefix ...string) *child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	args := append(prefix, self)
	ch := &child{name: c.Name, cmd: exec.Command(args[0], args[1:]...), ended: make(chan struct{})}
	ch.cmd.Env = append(os.Environ(), childVariable+"="+string(text))
	ch.cmd.Stderr = os.Stderr
	if ch.in, err = ch.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := ch.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := ch.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(ch.ended)
		for dec := json.NewDecoder(out); ; {
			var r report
			if dec.Decode(&r) != nil {
				break
			}
			ch.says.add(r)
		}
		_ = ch.cmd.Wait() // killed, or its reason stands on standard error
	}()
	t.Cleanup(ch.stop)
	ready := ch.expect(ctx, t, 0, func(r report) bool { return r.Event == "ready" })
	ch.addr, ch.port = ready.Addr, ready.Port
	return ch
}

// stop ends the child in order, or by force if that takes too long.
func (c *child) stop() {
	_ = c.in.Close() // it may have ended already
	late := time.AfterFunc(5*time.Second, func() { _ = c.cmd.Process.Kill() })
	<-c.ended
	late.Stop()
}

// kill ends the child at once.
func (c *child) kill() {
	_ = c.cmd.Process.Kill() // it may have ended already
	<-c.ended
}

func (c *child) order(t *testing.T, o order) {
	t.Helper()
	line, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.in.Write(append(line, '\n')); err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
}

// expect waits for a report.
func (c *child) expect(ctx context.Context, t *testing.T, mark int, match func(report) bool) report {
	t.Helper()
	r, err := c.says.wait(ctx, mark, match)
	if err != nil {
		said, _ := c.says.from(0)
		t.Fatalf("%s: %v; it said %s", c.name, err, fmt.Sprint(said))
	}
	return r
}
