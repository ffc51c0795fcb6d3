package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"meshchatx/internal/api"
	"meshchatx/internal/app"
)

// headless are the flags of commands that talk through the program: a running
// one, or one of their own for as long as they take.
type headless struct {
	Paths
	As string `help:"Identity that acts: hash or name; default the first." placeholder:"IDENTITY"`
}

// session is a way to the program with the identity that acts.
type session struct {
	*client
	identity api.IdentityView
	stop     func() error
}

// connect finds the running program, or starts one without a page.
func (h headless) connect(env *Environment) (*session, error) {
	storage, reticulum, err := h.dirs(env)
	if err != nil {
		return nil, err
	}
	i, token, err := running(env, storage)
	stop := func() error { return nil }
	if errors.Is(err, app.ErrNotRunning) {
		i, token, stop, err = h.start(env, storage, reticulum)
	}
	if err != nil {
		return nil, err
	}
	c, err := dial(env.Context, i, token)
	if err != nil {
		return nil, errors.Join(err, stop())
	}
	s := &session{client: c, stop: stop}
	if err := c.ready(env.Context); err != nil {
		return nil, errors.Join(err, s.close())
	}
	if s.identity, err = h.pick(env.Context, c); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// start runs the program in this process, on any free port of the loopback.
func (h headless) start(env *Environment, storage, reticulum string) (app.Instance, string, func() error, error) {
	a, err := app.Open(env.Context, app.Config{
		StorageDir: storage, ReticulumDir: reticulum, PlainHTTP: true, Version: version, Log: logger(env, slog.LevelError),
	})
	if err != nil {
		return app.Instance{}, "", nil, explain(err)
	}
	end, err := a.Background(env.Context)
	stop := func() error { return errors.Join(end(), a.Close()) }
	if err != nil {
		return app.Instance{}, "", nil, errors.Join(err, stop())
	}
	token, err := a.StartToken()
	if err != nil {
		return app.Instance{}, "", nil, errors.Join(err, stop())
	}
	return app.Instance{URL: a.URL()}, token, stop, nil
}

func (h headless) pick(ctx context.Context, c *client) (api.IdentityView, error) {
	var all struct {
		Items []api.IdentityView `json:"items"`
	}
	if err := c.call(ctx, "GET", "/identities", nil, &all); err != nil {
		return api.IdentityView{}, err
	}
	for _, i := range all.Items {
		if h.As == "" && i.Online || h.As != "" && (i.Hash == h.As || i.Address == h.As || i.DisplayName == h.As) {
			return i, nil
		}
	}
	if h.As != "" {
		return api.IdentityView{}, failf("there is no identity %q here", h.As)
	}
	return api.IdentityView{}, failf("no identity is online")
}

func (s *session) close() error {
	s.client.close()
	return s.stop()
}

func (s *session) path(format string, args ...any) string {
	return "/identities/" + s.identity.Hash + fmt.Sprintf(format, args...)
}
