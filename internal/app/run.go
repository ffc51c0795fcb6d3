package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	"meshchatx/internal/profile"
	"meshchatx/rns/node"
)

// URL is the address of the page.
func (a *App) URL() string { return a.http.URL() }

// Fingerprint is that of the certificate, empty for plain HTTP.
func (a *App) Fingerprint() string {
	if a.cert == nil {
		return ""
	}
	return a.cert.Fingerprint().String()
}

// StartToken signs somebody in, once.
func (a *App) StartToken() (string, error) { return a.auth.NewStartToken() }

// StartURL is an address that signs a browser in, once.
func (a *App) StartURL() (string, error) {
	token, err := a.StartToken()
	if err != nil {
		return "", err
	}
	return StartURL(a.URL(), token), nil
}

// StartURL joins an address and a start token. The token stands behind the hash
// sign: it reaches neither the server's log nor a proxy.
func StartURL(base, token string) string { return base + "/#token=" + token }

func (a *App) instance() Instance {
	return Instance{URL: a.URL(), Fingerprint: a.Fingerprint(), PID: os.Getpid(), Version: a.conf.Version}
}

// Up is closed when the node, the identities and the interfaces have been
// started, or have said why not.
func (a *App) Up() <-chan struct{} { return a.up }

// Profiles are the identities.
func (a *App) Profiles() *profile.Set { return a.profiles }

// Run serves until ctx ends, then stops everything in order. The page answers
// before anything else is up.
func (a *App) Run(ctx context.Context) error {
	live, cancel := context.WithCancel(context.WithoutCancel(ctx)) // parts end in order, not with ctx
	defer cancel()
	web, stopWeb := context.WithCancel(live)
	defer stopWeb()
	failed := make(chan error, 1)
	hosting, stopHosting := context.WithCancel(live)
	defer stopHosting()
	var parts, page, host sync.WaitGroup
	page.Go(func() {
		if err := a.http.Serve(web, a.handle); err != nil {
			failed <- err
		}
	})
	parts.Go(func() { a.part(live, "announces", a.announces.Serve) })
	parts.Go(func() { a.part(live, "interfaces", a.interfaces.Serve) })
	parts.Go(func() { a.part(live, "access", a.sweep) })
	err := a.start(ctx)
	if err == nil {
		host.Go(func() { a.part(hosting, "propagation node", a.host.Serve) })
		a.ready.Store(true)
		close(a.up)
		select {
		case <-ctx.Done():
		case err = <-failed:
		}
	}
	a.ready.Store(false)
	a.bus.Close() // sockets say goodbye
	stopHosting()
	host.Wait()
	err = errors.Join(err, a.profiles.Close(), a.closeNode())
	cancel()
	page.Wait()
	parts.Wait()
	return err
}

// Background runs the program until stop is called, and returns when it is up.
// stop returns when nothing runs any more, with what Run returned.
func (a *App) Background(ctx context.Context) (stop func() error, err error) {
	live, cancel := context.WithCancel(context.WithoutCancel(ctx)) // ended by stop
	ended := make(chan error, 1)
	go func() { ended <- a.Run(live) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	select {
	case <-a.up:
		return stop, nil
	case err := <-ended:
		ended <- err
		return stop, errors.Join(err, stop())
	case <-ctx.Done():
		return stop, errors.Join(context.Cause(ctx), stop())
	}
}

// start brings up node, identities and interfaces, in this order: an interface
// that is there first would find nobody at home.
func (a *App) start(ctx context.Context) error {
	if a.node != nil {
		if err := a.node.Start(context.WithoutCancel(ctx)); err != nil {
			return err
		}
		a.node.OnAnnounce(node.AnnounceHandler{PathResponses: node.On, Handle: a.heard})
		if a.conf.Prepare != nil {
			if err := a.conf.Prepare(ctx, a.node); err != nil {
				return err
			}
		}
	}
	if err := a.profiles.Open(ctx); err != nil {
		return err
	}
	if a.conf.Identity != nil {
		_, err := a.profiles.Import(ctx, a.conf.Identity, "")
		if err != nil && !errors.Is(err, profile.ErrExists) {
			return err
		}
	}
	a.interfaces.Start(ctx)
	return nil
}

// part runs a long-lived function; its early end is reported.
func (a *App) part(ctx context.Context, name string, f func(context.Context) error) {
	if err := f(ctx); err != nil && ctx.Err() == nil {
		a.conf.Log.Error("part of the program stopped", "part", name, "error", err)
	}
}

// sweep forgets expired sessions now and then.
func (a *App) sweep(ctx context.Context) error {
	t := time.NewTicker(sweepEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-t.C:
			if err := a.auth.Sweep(ctx); err != nil {
				a.conf.Log.Warn("expired sessions are not removed", "error", err)
			}
		}
	}
}

func (a *App) closeNode() error {
	if a.node == nil {
		return nil
	}
	return a.node.Close()
}

// Close gives back what Open took. It may be called more than once, and after
// Run.
func (a *App) Close() error {
	var err error
	if a.profiles != nil {
		err = errors.Join(err, a.profiles.Close())
	}
	err = errors.Join(err, a.closeNode())
	if a.http != nil {
		_ = a.http.Close() // closed already if it served
	}
	if a.bus != nil {
		a.bus.Close()
	}
	if a.server != nil {
		err = errors.Join(err, a.server.Close())
	}
	if a.lock != nil {
		if a.http != nil {
			err = errors.Join(err, removeIfThere(filepath.Join(a.conf.StorageDir, instanceName)))
		}
		err = errors.Join(err, a.lock.release())
		a.lock = nil
	}
	return err
}

func removeIfThere(name string) error {
	err := os.Remove(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// heard notes an announce under the name its interface has in the file.
func (a *App) heard(n node.Announced) {
	n.InterfaceName = a.interfaces.Configured(n.InterfaceName)
	a.announces.Heard(n)
}
