package stack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"meshchatx/internal/interfaces"
	"meshchatx/rns/config"
	"meshchatx/rns/node"
)

// Config says which node to open.
type Config struct {
	// Dir is the configuration directory.
	Dir string
	// Log receives what the node and the interfaces have to say; nil discards.
	Log *slog.Logger
	// Change, if set, changes what the file says about the node.
	Change func(*node.Config)
	// Build makes the drivers of interfaces; nil: those for real media.
	Build interfaces.Build
	// ReadyWait bounds how long Open waits for interfaces to connect, 0 for DefaultReadyWait.
	ReadyWait time.Duration
}

// DefaultReadyWait is how long Open waits for interfaces to connect.
const DefaultReadyWait = 3 * time.Second

// Stack is a running node with the settings it came from. Close it.
type Stack struct {
	*node.Node
	// Config is the configuration file as read.
	Config config.Config
	// Dir is the configuration directory.
	Dir string

	log *slog.Logger
}

// ErrConfig means that the configuration file cannot be used.
var ErrConfig = errors.New("configuration cannot be used")

// Open starts a node and waits a moment for its interfaces to connect: what is sent before goes nowhere. Interfaces that
// cannot be opened are logged and left out.
func Open(ctx context.Context, c Config) (*Stack, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.ReadyWait == 0 {
		c.ReadyWait = DefaultReadyWait
	}
	conf, err := interfaces.Load(c.Dir)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	nc := interfaces.NodeConfig(conf)
	if c.Change != nil {
		c.Change(&nc)
	}
	n, err := node.New(nc, node.WithLogger(c.Log), node.WithStorage(node.NewDirStorage(StorageDir(c.Dir))))
	if err != nil {
		return nil, err
	}
	s := &Stack{Node: n, Config: conf, Dir: c.Dir, log: c.Log}
	if err := n.Start(ctx); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	if n.Role() != node.RoleClient {
		if c.Build == nil {
			b := &interfaces.Builder{Storage: StorageDir(c.Dir), Identity: n.TransportID, I2PRouter: os.Getenv("I2P_SAM_ADDRESS")}
			c.Build = b.Build
		}
		s.attach(c.Build)
	}
	if err := s.ready(ctx, c.ReadyWait); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return s, nil
}

// StorageDir is where a node with this configuration directory keeps what it knows.
func StorageDir(dir string) string { return filepath.Join(dir, "storage") }

// attach opens the interfaces of the file.
func (s *Stack) attach(build interfaces.Build) {
	for _, c := range s.Config.Interfaces {
		if !c.Enabled {
			continue
		}
		err := c.Err
		if err == nil {
			var id node.InterfaceID
			if id, err = s.add(build, c); err == nil {
				s.log.Debug("interface", "interface", c.Name, "id", id)
				continue
			}
		}
		s.log.Error("interface is left out", "interface", c.Name, "line", c.Line, "error", err)
	}
}

func (s *Stack) add(build interfaces.Build, c config.Interface) (node.InterfaceID, error) {
	driver, conf, err := build(c)
	if err != nil {
		return 0, err
	}
	return s.AddInterface(driver, conf)
}

// readyEvery is how often the state of interfaces is looked at.
const readyEvery = 20 * time.Millisecond

// ready waits until no interface is connecting any more, or the wait is over.
func (s *Stack) ready(ctx context.Context, wait time.Duration) error {
	tick := time.NewTicker(readyEvery)
	defer tick.Stop()
	late := time.NewTimer(wait)
	defer late.Stop()
	for {
		all, err := s.Interfaces(ctx)
		if err != nil {
			return err
		}
		waiting := false
		for i := range all {
			waiting = waiting || all[i].State.Word == node.StateConnecting
		}
		if !waiting {
			return nil
		}
		select {
		case <-tick.C:
		case <-late.C:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// settleWait bounds how long Settle waits.
const settleWait = 2 * time.Second

// Settle waits until what was sent has left the interfaces, for tools that send something and end.
func (s *Stack) Settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, settleWait)
	defer cancel()
	err := s.Quiesce(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}

// Exists reports whether a directory has a configuration.
func Exists(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "config"))
	return err == nil
}
