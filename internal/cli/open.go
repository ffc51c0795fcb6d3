package cli

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"meshchatx/internal/app"
	"meshchatx/internal/auth"
)

type openCommand struct {
	StorageDir string `help:"Storage directory of the running program." placeholder:"DIR" type:"path"`
}

// Run prints another one-time address.
func (c openCommand) Run(env *Environment) error {
	i, token, err := running(env, c.StorageDir)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(env.Stdout, app.StartURL(i.URL, token))
	return err
}

// running finds the program that works on a storage directory and makes a start
// token for it.
func running(env *Environment, dir string) (app.Instance, string, error) {
	var err error
	if dir == "" {
		if dir, err = app.DefaultStorageDir(env.Getenv); err != nil {
			return app.Instance{}, "", &failure{exitFailure, err}
		}
	}
	i, err := app.FindInstance(dir)
	if errors.Is(err, app.ErrNotRunning) {
		return i, "", failf("no program is running on %s; start it with: meshchatx serve: %w", dir, app.ErrNotRunning)
	}
	if err != nil {
		return i, "", err
	}
	secret, err := auth.ReadSecret(dir)
	if errors.Is(err, fs.ErrPermission) {
		return i, "", failf("%s belongs to another user", dir)
	}
	if err != nil {
		return i, "", err
	}
	token, err := secret.StartToken(rand.Reader, time.Now())
	return i, token, err
}
