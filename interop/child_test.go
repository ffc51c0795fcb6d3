package interop

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns"
	"meshchatx/rns/node"
	"meshchatx/tools/peer"
)

// childVariable makes the test binary run as a station of its own that can be killed; its value is a childConfig.
const childVariable = "MESHCHATX_LIVE_CHILD"

// childConfig says what a child does. A child started again with the same directory and port is the same one.
type childConfig struct {
	Dir  string
	Port int
	// To, if not empty, is the address to send a file to: always the same message, as an outbox would.
	To string
}

// childLine is what a child says.
type childLine struct {
	Ready   string `json:"ready,omitempty"` // its LXMF address
	Port    int    `json:"port,omitempty"`
	Event   string `json:"event,omitempty"` // of the outbound message
	Percent int    `json:"percent,omitempty"`
	Message string `json:"message,omitempty"` // hash of a received message
	Digest  string `json:"digest,omitempty"`  // of its first attachment
	Error   string `json:"error,omitempty"`
}

func say(l childLine) { _ = json.NewEncoder(os.Stdout).Encode(l) } // nobody listens when the test has ended

// runChild is the main function of a child.
func runChild(conf string) int {
	var c childConfig
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := json.Unmarshal([]byte(conf), &c)
	if err == nil {
		err = c.serve(ctx)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		say(childLine{Error: err.Error()})
		return 1
	}
	return 0
}

func (c childConfig) serve(ctx context.Context) error {
	storage := node.NewDirStorage(c.Dir)
	n, err := node.New(node.DefaultConfig(), node.WithStorage(storage))
	if err != nil {
		return err
	}
	defer n.Close()
	if err := n.Start(ctx); err != nil {
		return err
	}
	id, err := c.identity(storage, n)
	if err != nil {
		return err
	}
	port, err := listen(ctx, n, c.Port, access{})
	if err != nil {
		return err
	}
	r, err := router.New(router.Config{
		Node: n, Identity: id, Inbox: childInbox{}, SpoolDir: c.Dir,
		Events: func(e router.Event) { say(childLine{Event: string(e.Kind), Percent: e.Percent}) },
	})
	if err != nil {
		return err
	}
	if c.To != "" {
		if err := c.send(r, id); err != nil {
			return err
		}
	}
	go c.announce(ctx, r, port)
	return r.Serve(ctx)
}

// identity is the child's own, the same each time.
func (c childConfig) identity(s node.Storage, n *node.Node) (*rns.Identity, error) {
	const name = "child_identity"
	if b, err := s.Read(name); err == nil {
		return rns.ParseIdentity(b)
	}
	id, err := rns.NewIdentity(n.Random())
	if err != nil {
		return nil, err
	}
	return id, s.Write(name, id.Bytes())
}

// announce tells the network, every few seconds, until ctx ends.
func (c childConfig) announce(ctx context.Context, r *router.Router, port int) {
	say(childLine{Ready: r.Address().Hex(), Port: port})
	tick := time.NewTicker(3 * time.Second)
	defer tick.Stop()
	for {
		_ = r.Announce(ctx) // not before the partner is connected; then again
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// send hands in the one message of the child.
func (c childConfig) send(r *router.Router, id *rns.Identity) error {
	to, err := rns.ParseAddr(c.To)
	if err != nil {
		return err
	}
	m := lxmf.New(to, r.Address(), time.Unix(1_700_000_000, 0), nil, []byte("from the outbox"))
	m.Fields.SetAttachments(lxmf.Attachment{Name: "f.bin", Data: peer.Generate(fileSize, "file", peer.Random)})
	m.Sign(id)
	return r.Send(router.Outbound{Message: m, Method: lxmf.MethodDirect})
}

// childInbox tells the test.
type childInbox struct{}

func (childInbox) Receive(_ context.Context, m router.Inbound) error {
	l := childLine{Message: m.Message.Hash.Hex()}
	if files := m.Message.Fields.Attachments(); len(files) > 0 {
		l.Digest = peer.Digest(files[0].Data)
	}
	say(l)
	return nil
}

// child is a running child.
type child struct {
	cmd   *exec.Cmd
	lines feed[childLine]
	done  chan struct{}
}

// startChild runs the test binary as a station.
func startChild(t *testing.T, c childConfig) *child {
	t.Helper()
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &child{cmd: exec.Command(self), done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s", childVariable, b))
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var l childLine
			if json.Unmarshal(lines.Bytes(), &l) == nil {
				p.lines.add(l)
			}
		}
		_ = p.cmd.Wait() // killed, or ended with an error it has told
	}()
	t.Cleanup(p.kill)
	return p
}

// kill ends the child as a crash would.
func (p *child) kill() {
	_ = p.cmd.Process.Kill() // an error means that it has ended
	<-p.done
}
