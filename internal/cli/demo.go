package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"meshchatx/internal/demo"
	"meshchatx/web"
)

type demoCommand struct {
	StorageDir string `help:"Keep the demonstration in this directory, to go on with it later; without it a temporary one is removed at the end." placeholder:"DIR" type:"path" variable:"none"`
	Port       int    `help:"Port to listen on; 0 takes any free one." default:"8000"`
	NoHTTPS    bool   `name:"no-https" help:"Serve plain HTTP, to this machine only."`
	OpenURL    bool   `name:"open-url" help:"Print nothing but the one-time address."`
	Fast       bool   `help:"Compress the times of protocols and people, for tests."`
	Still      bool   `help:"Let nothing happen by itself, for screenshots."`
	Seed       uint64 `help:"What everything invented derives from." default:"1"`
	Messages   int    `help:"Add a conversation of so many messages." default:"0"`
	Heard      int    `help:"How many destinations were heard before." default:"300"`
	Rate       int    `help:"Announces of strangers per second, for load; 0: a few per minute." default:"0"`
	LogLevel   string `help:"error, warning, info or debug." default:"error"`
}

// Run shows the program with invented data on a simulated network.
func (c demoCommand) Run(env *Environment) (err error) {
	level, err := parseLevel(c.LogLevel)
	if err != nil {
		return &failure{code: exitUsage, err: err}
	}
	if min(c.Messages, c.Heard, c.Rate) < 0 {
		return &failure{code: exitUsage, err: errors.New("--messages, --heard and --rate cannot be negative")}
	}
	conf := c.config(logger(env, level))
	if conf.Dir == "" {
		if conf.Dir, err = os.MkdirTemp("", "meshchatx-demo-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(conf.Dir)) }()
	}
	d, err := demo.Open(env.Context, conf)
	if errors.Is(err, demo.ErrForeign) {
		return failf("%w; give --storage-dir an empty directory, or leave it out", err)
	}
	if err != nil {
		return explain(err)
	}
	err = c.tell(env, d)
	if err == nil {
		err = d.Run(env.Context)
	}
	err = errors.Join(err, d.Close())
	if errors.Is(err, context.Canceled) && env.Context.Err() != nil {
		return nil
	}
	return err
}

func (c demoCommand) config(log *slog.Logger) demo.Config {
	conf := demo.Config{
		Dir: c.StorageDir, Port: c.Port, PlainHTTP: c.NoHTTPS, Seed: c.Seed, Heard: c.Heard, Messages: c.Messages, Rate: c.Rate,
		Version: version, Web: web.Dist(), Log: log,
	}
	if c.Fast {
		conf.Pace = demo.PaceFast
	}
	if c.Still {
		conf.Motion = demo.MotionStill
	}
	return conf
}

func (c demoCommand) tell(env *Environment, d *demo.Demo) error {
	url, err := d.StartURL()
	if err != nil {
		return err
	}
	if c.OpenURL {
		_, err = fmt.Fprintln(env.Stdout, url)
		return err
	}
	_, err = fmt.Fprintf(env.Stdout, `MeshChatX %s: demonstration. Everybody here is invented, and nothing leaves this machine.

  Open this address once, within an hour:
  %s

  Write to Mira: she answers. "/help" tells what she can do. Stop with Ctrl+C.
`, version, url)
	return err
}
