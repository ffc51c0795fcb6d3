package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"meshchatx/internal/keyfile"
	"meshchatx/internal/tools/lxmd"
	"meshchatx/internal/tools/stack"
	"meshchatx/lxmf"
	"meshchatx/rns"
	"meshchatx/rns/node"
)

type lxmdCommand struct {
	Config        string      `help:"Directory of lxmd." placeholder:"DIR" type:"path"`
	RNSConfig     string      `name:"rnsconfig" help:"Reticulum configuration directory." placeholder:"DIR" type:"path"`
	Node          bool        `name:"propagation-node" short:"p" help:"Be a propagation node, whatever the configuration says."`
	OnInbound     string      `short:"i" help:"Command to run with the file of every message that arrives." placeholder:"COMMAND"`
	Verbose       int         `short:"v" type:"counter" help:"Say more; may be repeated."`
	Quiet         int         `short:"q" type:"counter" help:"Say less; may be repeated."`
	Service       bool        `short:"s" help:"Log to the file logfile in the directory."`
	Status        bool        `help:"Show what the running propagation node does."`
	Peers         bool        `help:"Show the peers of the running propagation node."`
	Sync          string      `help:"Have the node synchronise with a peer." placeholder:"HASH"`
	Break         string      `short:"b" help:"Have the node leave a peer." placeholder:"HASH"`
	Timeout       float64     `help:"Seconds to wait for an answer; 5 for statistics, 10 for commands." placeholder:"SECONDS"`
	Remote        string      `short:"r" help:"Ask this propagation node instead of the own one." placeholder:"HASH"`
	Identity      string      `help:"Identity to ask with, instead of the one of the directory." placeholder:"FILE" type:"path"`
	JSON          bool        `name:"json" help:"Print statistics and log as JSON."`
	ExampleConfig bool        `name:"exampleconfig" help:"Print an explained configuration file, and end."`
	Version       toolVersion `help:"Print the version."`
}

// Exit codes of lxmd that people's scripts know.
const (
	lxmdTimeout    = 200
	lxmdNoDir      = 201
	lxmdNoIdentity = 202
	lxmdBadHash    = 203
	lxmdNoAccess   = 204
	lxmdBadData    = 205
	lxmdNotFound   = 206
	lxmdEmpty      = 207
)

// Run runs the daemon, or asks one that runs.
func (c lxmdCommand) Run(env *Environment) error {
	switch {
	case c.ExampleConfig:
		_, err := io.WriteString(env.Stdout, lxmd.Example)
		return err
	case c.Status || c.Peers || c.Sync != "" || c.Break != "":
		return c.ask(env)
	}
	tuneMemory(env)
	dir := c.dir(env)
	conf, err := lxmd.Load(dir)
	if err != nil {
		return err
	}
	conf.Node = conf.Node || c.Node
	if c.OnInbound != "" {
		conf.OnInbound = c.OnInbound
	}
	log, done, err := c.logger(env, dir, conf.LogLevel)
	if err != nil {
		return err
	}
	return errors.Join(c.serve(env, dir, conf, log), done())
}

// dir is the directory of the daemon.
func (c lxmdCommand) dir(env *Environment) string {
	if c.Config != "" {
		return c.Config
	}
	return lxmd.Dir(env.Getenv("HOME"))
}

func (c lxmdCommand) logger(env *Environment, dir string, base int) (*slog.Logger, func() error, error) {
	level, err := parseLevel(strconv.Itoa(min(8, max(0, base+c.Verbose-c.Quiet))))
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

func (c lxmdCommand) serve(env *Environment, dir string, conf lxmd.Config, log *slog.Logger) (err error) {
	for _, w := range conf.Warnings {
		log.Warn("configuration", "reason", w)
	}
	network, err := toolFlags{Config: c.RNSConfig}.dir(env)
	if err != nil {
		return err
	}
	s, err := stack.Open(context.WithoutCancel(env.Context), stack.Config{Dir: network, Log: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	stop := s.OnEvent(func(e node.Event) { logEvent(log, s.Node, e) })
	defer stop()
	d, err := lxmd.New(env.Context, lxmd.Options{Node: s.Node, Dir: dir, Config: conf, Log: log})
	if err != nil {
		return err
	}
	log.Info(fmt.Sprintf("Started lxmd version %s", version), "delivery", d.Addr())
	if conf.Node {
		log.Info("propagation node", "destination", d.NodeAddr(), "store", filepath.Join(dir, "storage", "lxmf", "messagestore"))
	}
	err = d.Serve(env.Context)
	log.Info("stopping")
	return err
}

// ask asks a running daemon.
func (c lxmdCommand) ask(env *Environment) error {
	var peer rns.Addr
	if hash := c.Sync + c.Break; hash != "" {
		var err error
		if c.Sync != "" && c.Break != "" {
			return &failure{exitUsage, errors.New("--sync and --break exclude each other")}
		}
		if peer, err = parseHash(hash); err != nil {
			return &failure{lxmdBadHash, err}
		}
	}
	id, err := c.operator(env)
	if err != nil {
		return err
	}
	s, err := toolFlags{Config: c.RNSConfig, Verbose: c.Verbose}.open(env, c.Quiet+2, nil)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // what could not be saved is learned again
	line := newStatusLine(env.Stderr, c.Quiet == 0)
	defer line.end()
	r := &lxmd.Remote{Node: s.Node, Identity: id, Target: id.Hash(), Timeout: c.wait()}
	r.OnStep = line.steps(rns.DestinationHash(lxmf.ControlName, r.Target), "Asking")
	if c.Remote != "" {
		addr, err := parseHash(c.Remote)
		if err != nil {
			return &failure{lxmdBadHash, err}
		}
		if r.Target, err = lxmd.Find(env.Context, s.Node, addr, r.Timeout); err != nil {
			return c.failed(err)
		}
	}
	switch {
	case c.Sync != "":
		if err := r.Sync(env.Context, peer); err != nil {
			return c.failed(err)
		}
		_, err = fmt.Fprintf(env.Stdout, "Sync requested for peer %s\n", pretty(peer))
	case c.Break != "":
		if err := r.Unpeer(env.Context, peer); err != nil {
			return c.failed(err)
		}
		_, err = fmt.Fprintf(env.Stdout, "Broke peering with %s\n", pretty(peer))
	default:
		report, err := r.Stats(env.Context)
		if err != nil {
			return c.failed(err)
		}
		line.end()
		return printNode(env.Stdout, report, nodeParts{c.Status, c.Peers, c.JSON}, time.Now())
	}
	return err
}

// wait is how long an answer is waited for.
func (c lxmdCommand) wait() time.Duration {
	switch {
	case c.Timeout > 0:
		return seconds(c.Timeout)
	case c.Status || c.Peers:
		return 5 * time.Second
	}
	return 10 * time.Second
}

// operator is the identity to ask with. None is made: one that is new has no rights.
func (c lxmdCommand) operator(env *Environment) (*rns.Identity, error) {
	name := c.Identity
	if name == "" {
		dir := c.dir(env)
		if st, err := os.Stat(dir); err != nil || !st.IsDir() {
			return nil, &failure{lxmdNoDir, fmt.Errorf("%s is no directory of lxmd", dir)}
		}
		name = filepath.Join(dir, lxmd.IdentityName)
	}
	id, err := keyfile.Read(name)
	if err != nil {
		return nil, &failure{lxmdNoIdentity, fmt.Errorf("identity: %w", err)}
	}
	return id, nil
}

// failed gives errors of asking the exit codes that scripts know.
func (lxmdCommand) failed(err error) error {
	for _, known := range []struct {
		is   error
		code int
		text string
	}{
		{lxmf.ErrorNoIdentity, lxmdBadHash, "the node received no identity"},
		{lxmf.ErrorNoAccess, lxmdNoAccess, "access denied"},
		{lxmf.ErrorInvalidData, lxmdBadData, "the node did not understand the question"},
		{lxmf.ErrorNotFound, lxmdNotFound, "the node has no such peer"},
		{lxmd.ErrTimeout, lxmdTimeout, "no answer in time: the node is not there, or does not know the identity that asks"},
		{lxmd.ErrAnswer, lxmdEmpty, "the answer makes no sense"},
	} {
		if errors.Is(err, known.is) {
			return &failure{known.code, errors.New(known.text)}
		}
	}
	return err
}
