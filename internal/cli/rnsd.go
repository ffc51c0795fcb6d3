package cli

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"meshchatx/internal/event"
	"meshchatx/internal/interfaces"
	"meshchatx/internal/tools/stack"
	"meshchatx/rns/config"
	"meshchatx/rns/node"
)

type rnsdCommand struct {
	toolFlags
	Quiet         int  `short:"q" type:"counter" help:"Say less; may be repeated."`
	JSON          bool `name:"json" help:"Log as JSON, one object on each line."`
	Service       bool `short:"s" help:"Log to the file logfile in the configuration directory."`
	ExampleConfig bool `name:"exampleconfig" help:"Print an explained configuration file, and end."`
}

//go:embed example.config
var exampleConfig string

// Run runs a node until the program is told to stop.
func (c rnsdCommand) Run(env *Environment) error {
	if c.ExampleConfig {
		_, err := io.WriteString(env.Stdout, exampleConfig)
		return err
	}
	tuneMemory(env)
	dir, err := c.dir(env)
	if err != nil {
		return err
	}
	conf, err := interfaces.Load(dir)
	if err != nil {
		return &failure{exitFailure, err}
	}
	log, done, err := c.logger(env, dir, conf.Logging)
	if err != nil {
		return err
	}
	return errors.Join(c.serve(env, dir, conf, log), done())
}

// logFile is where a service logs to. spec: rns-core §23.2
const logFile = "logfile"

// logger logs at the level of the file, changed by -v and -q.
func (c rnsdCommand) logger(env *Environment, dir string, l config.Logging) (*slog.Logger, func() error, error) {
	level, err := parseLevel(strconv.Itoa(min(8, max(0, l.Level+c.Verbose-c.Quiet))))
	if err != nil {
		return nil, nil, err
	}
	out, done := env.Stdout, func() error { return nil }
	if c.Service {
		f, err := os.OpenFile(filepath.Join(dir, logFile), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			return nil, nil, err
		}
		out, done = f, f.Close
	}
	opt := &slog.HandlerOptions{Level: level}
	if c.JSON {
		return slog.New(slog.NewJSONHandler(out, opt)), done, nil
	}
	return slog.New(slog.NewTextHandler(out, opt)), done, nil
}

func (c rnsdCommand) serve(env *Environment, dir string, conf config.Config, log *slog.Logger) (err error) {
	for _, w := range conf.Warnings {
		log.Warn("setting is ignored", "reason", w)
	}
	n, err := node.New(interfaces.NodeConfig(conf), node.WithLogger(log), node.WithStorage(node.NewDirStorage(stack.StorageDir(dir))))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	bus := event.New(time.Now(), event.DefaultParams())
	defer bus.Close()
	s := interfaces.New(interfaces.Options{Dir: dir, Node: n, Bus: bus, Log: log, Now: time.Now, Params: interfaces.DefaultParams()})
	stop := n.OnEvent(func(e node.Event) { logEvent(log, n, e) })
	defer stop()
	if err := n.Start(context.WithoutCancel(env.Context)); err != nil {
		return err
	}
	var parts sync.WaitGroup
	defer parts.Wait()
	ctx, cancel := context.WithCancel(env.Context)
	defer cancel()
	parts.Go(func() {
		if err := s.Serve(ctx); err != nil && ctx.Err() == nil {
			log.Error("interfaces are no longer watched", "error", err)
		}
	})
	if n.Role() == node.RoleClient {
		log.Warn("another program shares its interfaces already: this one is only its client, which is probably not what you want")
	} else {
		s.Start(env.Context)
	}
	log.Log(env.Context, slog.LevelInfo, fmt.Sprintf("Started rnsd version %s", version), "transport_id", n.TransportID(), "role", n.Role().String())
	<-env.Context.Done()
	log.Info("stopping")
	return nil
}

// logEvent logs what operators want to know. The connections of others come and go.
func logEvent(log *slog.Logger, n *node.Node, e node.Event) {
	switch e.Kind {
	case node.EventInterfaceState:
		level := slog.LevelInfo
		if st, err := n.InterfaceStatus(context.Background(), e.Interface); err != nil || st.Parent != 0 {
			level = slog.LevelDebug
		} else if e.State.Word == node.StateError {
			level = slog.LevelWarn
		}
		log.Log(context.Background(), level, "interface", "name", e.Name, "state", e.State.Word.String(), "error", e.State.Err)
	case node.EventInterfaceGone:
		log.Debug("interface is gone", "name", e.Name)
	case node.EventInterfaceNote:
		log.Warn("interface", "name", e.Name, "note", e.Err)
	case node.EventKeyConflict:
		log.Error("announce with another key for a known destination", "destination", e.Destination)
	case node.EventStorage:
		log.Error("storage", "name", e.Name, "error", e.Err)
	case node.EventPanic:
		log.Error("internal error", "error", e.Err)
	case node.EventPathFound, node.EventPathLost:
		log.Log(context.Background(), slog.LevelDebug-4, e.Kind.String(), "destination", e.Destination, "hops", e.Hops)
	}
}
