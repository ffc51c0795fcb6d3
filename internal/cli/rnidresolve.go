package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"meshchatx/internal/keyfile"
	"meshchatx/internal/tools/stack"
	"meshchatx/rns"
	"meshchatx/rns/node"
)

// resolve finds the identity to work with, nil if none is named.
func (c rnidCommand) resolve(env *Environment) (*working, error) {
	switch {
	case c.Generate != "":
		return c.generate(env)
	case c.ImportPub != "":
		b, err := keyBytes(c.ImportPub)
		if err != nil {
			return nil, err
		}
		k, err := rns.ParsePublicKey(b)
		if err != nil {
			return nil, rnidFail(rnidInvalidIdentity, "%w", err)
		}
		return ofPublic(k), nil
	case c.ImportPrv != "":
		b, err := keyBytes(c.ImportPrv)
		if err != nil {
			return nil, err
		}
		id, err := rns.ParseIdentity(b)
		if err != nil {
			return nil, rnidFail(rnidInvalidIdentity, "%w", err)
		}
		return ofPrivate(id), nil
	case c.Identity != "":
		return c.find(env)
	}
	return nil, nil
}

// keyBytes reads 64 bytes from a file or text.
func keyBytes(s string) ([]byte, error) {
	b := []byte(s)
	if f, err := readKeyFile(expand(s)); err == nil {
		b = f
	}
	id, err := keyfile.Parse(b)
	if err != nil {
		return nil, rnidFail(rnidInvalidIdentity, "not a key: expected 64 bytes in a file, or their hex, base32 or base64 text")
	}
	return id.Bytes(), nil
}

func readKeyFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, keyfile.MaxSize+1))
}

// expand replaces a leading ~.
func expand(name string) string {
	if rest, ok := strings.CutPrefix(name, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, rest)
		}
	}
	return name
}

type rnidMade struct {
	Event    string   `json:"event"`
	Identity rns.Addr `json:"identity"`
	File     string   `json:"file,omitempty"`
}

func (c rnidCommand) generate(env *Environment) (*working, error) {
	id, err := rns.NewIdentity(rand.Reader)
	if err != nil {
		return nil, err
	}
	if err := c.writeKey(c.Generate, id); err != nil {
		return nil, err
	}
	return ofPrivate(id), c.say(env, rnidMade{"generated", id.Hash(), c.Generate}, "New identity %s written to %s", pretty(id.Hash()), c.Generate)
}

// writeKey writes a private key, in place of another one only with -f.
func (c rnidCommand) writeKey(name string, id *rns.Identity) error {
	err := keyfile.Create(name, id)
	if errors.Is(err, fs.ErrExist) && c.Force {
		fresh := name + ".new"
		if err = keyfile.Create(fresh, id); err == nil {
			err = os.Rename(fresh, name)
		}
	}
	if errors.Is(err, fs.ErrExist) {
		return rnidFail(rnidFileExists, "file %s already exists, not overwriting", name)
	}
	if err != nil {
		return rnidFail(rnidWriteError, "%w", err)
	}
	return nil
}

// find looks for the identity of -i: a file, something known, or something the network knows.
func (c rnidCommand) find(env *Environment) (*working, error) {
	if st, err := os.Stat(expand(c.Identity)); err == nil && st.Mode().IsRegular() {
		b, err := readKeyFile(expand(c.Identity))
		if err != nil {
			return nil, rnidFail(rnidReadError, "%w", err)
		}
		if strings.HasSuffix(strings.ToLower(c.Identity), publicSuffix) {
			k, err := rns.ParsePublicKey(b)
			if err != nil {
				return nil, rnidFail(rnidInvalidIdentity, "%s: %w", c.Identity, err)
			}
			return ofPublic(k), nil
		}
		id, err := keyfile.Parse(b)
		if err != nil {
			return nil, rnidFail(rnidInvalidIdentity, "%s: %w", c.Identity, err)
		}
		return ofPrivate(id), nil
	}
	addr, err := rns.ParseAddr(c.Identity)
	if err != nil {
		return nil, rnidFail(rnidInvalidIdentity, "%s is neither a file nor an address", c.Identity)
	}
	if c.NoCache {
		return &working{hash: addr}, nil
	}
	if k, ok := c.known(env, addr); ok {
		return ofPublic(k), nil
	}
	if c.Request {
		return c.request(env, addr)
	}
	if len(c.Validate) > 0 || c.Hash != "" { // the hash is enough
		return &working{hash: addr}, nil
	}
	return nil, rnidFail(rnidNoIdentity, "the identity of %s is not known; -R asks the network", pretty(addr))
}

// known looks into what the nodes of this configuration have heard.
func (c rnidCommand) known(env *Environment, addr rns.Addr) (rns.PublicKey, bool) {
	dir, err := c.dir(env)
	if err != nil {
		return rns.PublicKey{}, false
	}
	b, err := os.ReadFile(filepath.Join(stack.StorageDir(dir), "known_destinations"))
	if err != nil {
		return rns.PublicKey{}, false
	}
	list, _ := rns.ParseKnownDestinations(b) // what could be read counts
	for i := range list {
		if list[i].Dest == addr || list[i].Public.Hash() == addr {
			return list[i].Public, true
		}
	}
	return rns.PublicKey{}, false
}

// request asks the network for the address, as a destination and as an identity that announces itself.
func (c rnidCommand) request(env *Environment, addr rns.Addr) (*working, error) {
	s, err := c.open(env, c.Quiet, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.Close() }() // what could not be saved is learned again
	ctx, cancel := context.WithTimeout(env.Context, seconds(c.Timeout))
	line := newStatusLine(env.Stdout, !c.JSON)
	defer line.end()
	line.say("Requesting unknown identity for %s", pretty(addr))
	own := rns.DestinationHash(identityName, addr)
	var asked sync.WaitGroup
	defer asked.Wait()
	defer cancel()
	found := make(chan struct{}, 2)
	for _, dest := range []rns.Addr{addr, own} {
		asked.Go(func() {
			_, _ = s.AwaitPath(ctx, dest) // what counts is what is known then
			found <- struct{}{}
		})
	}
	for range 2 {
		<-found
		if env.Context.Err() != nil {
			return nil, context.Cause(env.Context)
		}
		for _, recall := range []func() (node.Known, error){
			func() (node.Known, error) { return s.Recall(env.Context, addr) },
			func() (node.Known, error) { return s.Recall(env.Context, own) },
			func() (node.Known, error) { return s.RecallIdentity(env.Context, addr) },
		} {
			if k, err := recall(); err == nil {
				_, _ = s.Service().RetainIdentity(env.Context, k.Public.Hash()) // not needed for this time
				return ofPublic(k.Public), nil
			}
		}
	}
	return nil, rnidFail(rnidNoIdentity, "identity request for %s timed out", pretty(addr))
}
