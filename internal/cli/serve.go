package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"meshchatx/internal/app"
	"meshchatx/internal/httpd"
	"meshchatx/internal/keyfile"
	"meshchatx/rns"
	"meshchatx/web"
)

type serveCommand struct {
	Paths
	Host              string `help:"Address to listen on." default:"127.0.0.1"`
	Port              int    `help:"Port to listen on; 0 takes any free one." default:"8000"`
	NoHTTPS           bool   `name:"no-https" help:"Serve plain HTTP, to this machine only."`
	PlainHTTPAnywhere bool   `name:"plain-http-anywhere" help:"With --no-https: serve plain HTTP to other machines too, as behind a proxy that encrypts."`
	SSLCert           string `name:"ssl-cert" help:"Certificate file to use instead of our own." placeholder:"FILE" type:"path"`
	SSLKey            string `name:"ssl-key" help:"Key file of the certificate." placeholder:"FILE" type:"path"`
	IdentityFile      string `help:"Bring in the identity of this key file if it is not here yet." placeholder:"FILE" type:"path"`
	IdentityBase64    string `name:"identity-base64" help:"The same, key as base64 text." placeholder:"KEY" hidden:""`
	IdentityBase32    string `name:"identity-base32" help:"The same, key as base32 text." placeholder:"KEY" hidden:""`
	Headless          bool   `help:"Accepted for compatibility: no browser is ever opened."`
	LogLevel          string `help:"error, warning, info or debug, or a number of the Reticulum scale." default:"info"`
}

// Run serves until the process is told to stop.
func (c serveCommand) Run(env *Environment, vars *variables) error {
	level, err := parseLevel(c.LogLevel)
	if err != nil {
		return &failure{code: exitUsage, err: err}
	}
	log := logger(env, level)
	tuneMemory(env)
	vars.report(log)
	if err := vars.guard(c.Host, c.NoHTTPS); err != nil {
		return err
	}
	conf, err := c.config(env, log)
	if err != nil {
		return err
	}
	a, err := app.Open(env.Context, conf)
	if err != nil {
		return explain(err)
	}
	err = announceServer(env, a)
	if err == nil {
		err = a.Run(env.Context)
	}
	return errors.Join(err, a.Close())
}

func (c serveCommand) config(env *Environment, log *slog.Logger) (app.Config, error) {
	conf := app.Config{
		Host: c.Host, Port: c.Port, PlainHTTP: c.NoHTTPS, PlainAnywhere: c.PlainHTTPAnywhere, CertFile: c.SSLCert, KeyFile: c.SSLKey,
		Version: version, Web: web.Dist(), Log: log,
	}
	if (c.SSLCert == "") != (c.SSLKey == "") {
		return conf, failf("--ssl-cert and --ssl-key belong together")
	}
	var err error
	if conf.StorageDir, conf.ReticulumDir, err = c.dirs(env); err != nil {
		return conf, err
	}
	conf.Identity, err = c.identity()
	return conf, err
}

// dirs are the directories of the command line, or the usual ones.
func (p Paths) dirs(env *Environment) (storage, reticulum string, err error) {
	storage, reticulum = p.StorageDir, p.ReticulumDir
	if storage == "" {
		if storage, err = app.DefaultStorageDir(env.Getenv); err != nil {
			return "", "", &failure{exitFailure, err}
		}
	}
	if reticulum == "" {
		if reticulum, err = app.DefaultReticulumDir(env.Getenv); err != nil {
			return "", "", &failure{exitFailure, err}
		}
	}
	return storage, reticulum, nil
}

func (c serveCommand) identity() (*rns.Identity, error) {
	switch {
	case c.IdentityFile != "":
		id, err := keyfile.Read(c.IdentityFile)
		if err != nil {
			return nil, failf("--identity-file %s: %w", c.IdentityFile, err)
		}
		return id, nil
	case c.IdentityBase64 != "":
		return keyText("--identity-base64", c.IdentityBase64)
	case c.IdentityBase32 != "":
		return keyText("--identity-base32", c.IdentityBase32)
	}
	return nil, nil
}

func keyText(flag, text string) (*rns.Identity, error) {
	id, err := keyfile.Parse([]byte(strings.TrimSpace(text)))
	if err != nil {
		return nil, failf("%s: %w", flag, err)
	}
	return id, nil
}

func announceServer(env *Environment, a *app.App) error {
	url, err := a.StartURL()
	if err != nil {
		return err
	}
	text := fmt.Sprintf("MeshChatX %s is running.\n\n  Open this address once, within an hour:\n  %s\n", version, url)
	if f := a.Fingerprint(); f != "" {
		text += fmt.Sprintf("\n  The browser warns about the certificate. It is the right one if its SHA-256 fingerprint is\n  %s\n", f)
	}
	_, err = fmt.Fprintf(env.Stdout, "%s\n  Another address: meshchatx open. Stop with Ctrl+C.\n", text)
	return err
}

// explain says what to do about an error of the start.
func explain(err error) error {
	var port *httpd.PortError
	switch {
	case errors.As(err, &port) && port.Next > 0:
		return failf("%s is taken by another program; try --port %d", port.Addr, port.Next)
	case errors.As(err, &port):
		return failf("%s is taken by another program; choose another --port", port.Addr)
	case errors.Is(err, httpd.ErrPlainHTTP):
		return failf("plain HTTP is served to this machine only: leave --no-https out, or add --plain-http-anywhere if something in front encrypts")
	case errors.Is(err, app.ErrInUse):
		return failf("%w; meshchatx open prints an address of the running program", err)
	case errors.Is(err, context.Canceled):
		return nil
	}
	return err
}
