package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"meshchatx/internal/interfaces"
	"meshchatx/internal/keyfile"
	"meshchatx/internal/tools/stack"
	"meshchatx/rns"
	"meshchatx/rns/config"
	"meshchatx/rns/control"
	"meshchatx/rns/node"
)

// Exit codes of questions to other nodes.
const (
	exitNoStatus     = 2
	exitRemoteFailed = 10
	exitRemoteNoPath = 12
	exitBadRemote    = 20
)

// instance returns the control connection of the shared instance that runs with a configuration.
func (t toolFlags) instance(env *Environment) (*control.Client, error) {
	dir, err := t.dir(env)
	if err != nil {
		return nil, err
	}
	if !stack.Exists(dir) {
		return nil, failf("no shared instance is available: there is no configuration in %s", dir)
	}
	conf, err := interfaces.Load(dir)
	if err != nil {
		return nil, &failure{exitFailure, err}
	}
	return dialInstance(env.Context, dir, conf)
}

func dialInstance(ctx context.Context, dir string, conf config.Config) (*control.Client, error) {
	if !conf.Reticulum.ShareInstance {
		return nil, failf("no shared instance is available: %s says that none is shared", dir)
	}
	key := conf.Reticulum.RPCKey
	if key == nil {
		id, err := keyfile.Read(filepath.Join(stack.StorageDir(dir), "transport_identity"))
		if err != nil {
			return nil, failf("no shared instance is available: no node has run with %s yet", dir)
		}
		key = control.Key(id)
	}
	client, err := control.Dial(ctx, interfaces.SharedConfig(conf.Reticulum).Endpoint, key)
	switch {
	case errors.Is(err, control.ErrAuth):
		return nil, failf("the running instance has another key: use its configuration directory, or the same rpc_key in both")
	case err != nil && ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, failf("no shared instance is available: %w", err)
	}
	return client, nil
}

// remoteFlags are for questions to nodes far away.
type remoteFlags struct {
	Remote   string `short:"R" name:"remote" help:"Ask the node with this transport identity." placeholder:"HASH"`
	Identity string `short:"i" name:"identity" help:"File of the identity that may manage it." placeholder:"FILE" type:"path"`
}

// remote is a question to another node.
type remote struct {
	*stack.Stack
	owner rns.Addr
	as    *rns.Identity
	ctx   context.Context //nolint:containedctx // of the one question, with its timeout
	close func()
}

// dial prepares a question to another node. Close it.
func (f remoteFlags) dial(env *Environment, t toolFlags, timeout float64) (*remote, error) {
	owner, err := rns.ParseAddr(f.Remote)
	if err != nil {
		return nil, &failure{exitBadRemote, fmt.Errorf("%q is not an address: 32 hexadecimal digits are needed", f.Remote)}
	}
	if f.Identity == "" {
		return nil, &failure{exitBadRemote, errors.New("questions to other nodes need an identity that may ask: name its file with -i")}
	}
	id, err := keyfile.Read(f.Identity)
	if err != nil {
		return nil, &failure{exitBadRemote, fmt.Errorf("identity %s: %w", f.Identity, err)}
	}
	s, err := t.open(env, 0, nil)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(env.Context, seconds(timeout))
	return &remote{Stack: s, owner: owner, as: id, ctx: ctx, close: func() {
		cancel()
		_ = s.Close() // what could not be saved is learned again
	}}, nil
}

// remoteFailure says why another node did not answer.
func remoteFailure(env *Environment, err error, owner rns.Addr) error {
	switch {
	case env.Context.Err() != nil:
		return context.Cause(env.Context)
	case errors.Is(err, node.ErrNoPath), errors.Is(err, node.ErrUnknownIdentity):
		return &failure{exitRemoteNoPath, fmt.Errorf("Path request timed out: no way to %s is known", pretty(owner))} //nolint:staticcheck // people know it so
	case errors.Is(err, control.ErrResponse):
		return &failure{exitRemoteFailed, fmt.Errorf("%s sent something that is no answer: %w", pretty(owner), err)}
	}
	return &failure{exitRemoteFailed, fmt.Errorf("the remote request failed, probably because this identity may not ask: %w", err)}
}
