package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"meshchatx/internal/app"
	"meshchatx/internal/settings"
	"meshchatx/rns"
	"meshchatx/rns/node"
)

// ErrForeign means that a storage directory is in use and was not made by a demonstration: it is left alone.
var ErrForeign = errors.New("the directory holds something else than a demonstration")

// Defaults of Config.
const (
	DefaultHeard = 300
	DefaultSeed  = 1
)

// Config says what to show.
type Config struct {
	Dir       string // storage; made if it is not there. A demonstration that is there already goes on
	Port      int    // 0: any free port
	PlainHTTP bool
	Seed      uint64
	Heard     int // destinations heard before
	Messages  int // of a very long conversation; 0: none
	Rate      int // announces of strangers per second; 0: a few per minute
	Pace      Pace
	Motion    Motion
	Version   string
	Web       fs.FS
	Log       *slog.Logger
	Now       func() time.Time
}

// Demo is a running demonstration.
type Demo struct {
	*app.App
	world *world
}

// marker is the file that tells a demonstration from a real storage directory.
const markerName = "demo.json"

type marker struct {
	Seed uint64    `json:"seed"`
	Made time.Time `json:"made"`
}

// Open prepares data and network and assembles the program over them. Use Run, and Close in any case.
func Open(ctx context.Context, conf Config) (d *Demo, err error) {
	if conf.Log == nil {
		conf.Log = slog.New(slog.DiscardHandler)
	}
	if conf.Now == nil {
		conf.Now = time.Now
	}
	d = new(Demo)
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close())
		}
	}()
	if conf.Seed, err = prepare(ctx, conf); err != nil {
		return d, err
	}
	seed := source(conf.Seed)
	people, err := newCast(seed)
	if err != nil {
		return d, err
	}
	if d.world, err = newWorld(conf, seed, people); err != nil {
		return d, err
	}
	d.App, err = app.Open(ctx, app.Config{
		StorageDir: conf.Dir, ReticulumDir: filepath.Join(conf.Dir, reticulumDir), Port: conf.Port, PlainHTTP: conf.PlainHTTP,
		Version: conf.Version, Web: conf.Web, Log: conf.Log, Now: conf.Now, Profile: conf.Pace.profile(),
		Build: d.world.build, Try: try, Tune: conf.Pace.node,
		Prepare: func(_ context.Context, n *node.Node) error { return d.world.meet(n) },
	})
	return d, err
}

// Close ends what Open began. It may be called more than once, and after Run.
func (d *Demo) Close() error {
	var err error
	if d.App != nil {
		err = d.App.Close()
	}
	if d.world != nil {
		err = errors.Join(err, d.world.close())
	}
	return err
}

const reticulumDir = "reticulum"

// prepare fills an empty directory, and returns the seed of what is in it.
func prepare(ctx context.Context, conf Config) (uint64, error) {
	b, err := os.ReadFile(filepath.Join(conf.Dir, markerName))
	if err == nil {
		var m marker
		return m.Seed, errors.Join(json.Unmarshal(b, &m))
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	entries, err := os.ReadDir(conf.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	if len(entries) > 0 {
		return 0, fmt.Errorf("%s: %w", conf.Dir, ErrForeign)
	}
	if err := fill(ctx, conf); err != nil {
		return 0, fmt.Errorf("make the demonstration's data: %w", err)
	}
	if b, err = json.Marshal(marker{Seed: conf.Seed, Made: conf.Now()}); err != nil {
		return 0, err
	}
	return conf.Seed, os.WriteFile(filepath.Join(conf.Dir, markerName), b, 0o600)
}

// fill writes the data of a demonstration.
func fill(ctx context.Context, conf Config) error {
	dir := filepath.Join(conf.Dir, reticulumDir)
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "config"), []byte(reticulumConfig), 0o600); err != nil {
		return err
	}
	seed := source(conf.Seed)
	people, err := newCast(seed)
	if err != nil {
		return err
	}
	mine := make(map[string]*rns.Identity)
	for _, o := range owners() {
		if mine[o.key], err = seed.identity("owner " + o.key); err != nil {
			return err
		}
	}
	if err := writeServer(ctx, conf, seed, people, mine); err != nil {
		return err
	}
	for _, o := range owners() {
		if err := fillOwner(ctx, conf, seed, people, o, mine[o.key]); err != nil {
			return err
		}
	}
	return nil
}

func fillOwner(ctx context.Context, conf Config, seed source, people cast, o owner, me *rns.Identity) (err error) {
	w, err := openWriter(ctx, conf.Dir, seed, people, me, conf.Now())
	if err != nil {
		return err
	}
	w.motion = conf.Motion
	defer func() { err = errors.Join(err, w.db.Close()) }()
	if err := w.set(ctx, settings.Changes{settings.KeyDisplayName: settings.StringValue(o.name)}); err != nil {
		return err
	}
	switch o.key {
	case "neptune":
		if err := w.contacts(ctx); err != nil {
			return err
		}
		if err := w.bulk(ctx, conf.Messages); err != nil {
			return err
		}
		return w.write(ctx, w.stories())
	case "workshop":
		return w.write(ctx, w.workshop())
	}
	return nil
}
