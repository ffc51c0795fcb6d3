package app

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"meshchatx/internal/announces"
	"meshchatx/internal/api"
	"meshchatx/internal/auth"
	"meshchatx/internal/event"
	"meshchatx/internal/httpd"
	"meshchatx/internal/interfaces"
	"meshchatx/internal/profile"
	"meshchatx/internal/propagation"
	"meshchatx/internal/selfcert"
	"meshchatx/internal/settings"
	"meshchatx/internal/store"
	"meshchatx/rns"
	"meshchatx/rns/node"
)

// Config says what to run and where.
type Config struct {
	StorageDir   string
	ReticulumDir string // configuration directory shared by Reticulum programs

	Host          string // default 127.0.0.1
	Port          int    // 0: any free port
	PlainHTTP     bool   // no TLS
	PlainAnywhere bool   // plain HTTP to other machines too: said explicitly
	CertFile      string // with KeyFile: the owner's certificate instead of our own
	KeyFile       string

	Identity *rns.Identity // brought in at start if it is not here yet; nil: none
	Version  string
	Web      fs.FS // the built web application
	Log      *slog.Logger
	Now      func() time.Time
	Random   io.Reader
	Profile  profile.Params // zero: the defaults

	// Build makes the drivers of interfaces; nil: those for real media. A demonstration or test puts simulated ones behind the
	// blocks of its configuration file.
	Build interfaces.Build
	// Try tests the media behind Build before settings are saved; nil: the real ones.
	Try interfaces.Try
	// Tune, if set, changes what no file says about the node, such as its times.
	Tune func(*node.Config)
	// Prepare, if set, runs after the node has started and before identities come online: for demonstrations and tests
	// that bring their own network.
	Prepare func(ctx context.Context, n *node.Node) error
}

const (
	serverDatabase = "server.db"
	hostDir        = "propagation"
	dirMode        = 0o700
	sweepEvery     = time.Hour
	stopTimeout    = 4 * time.Second
	instanceBytes  = 4
)

// App is the program, assembled. Use Open, then Run, and Close in any case.
type App struct {
	conf   Config
	lock   *lock
	server *store.Server
	set    *settings.Set
	secret auth.Secret
	auth   *auth.Service
	cert   *selfcert.Source
	http   *httpd.Server
	handle http.Handler
	bus    *event.Bus

	node       *node.Node
	announces  *announces.Service
	interfaces *interfaces.Service
	profiles   *profile.Set
	host       *propagation.Host

	damage  damage
	started time.Time
	ready   atomic.Bool
	up      chan struct{} // closed when everything that can be up is up
}

// Open takes the storage directory and the address and assembles the program.
// Nothing talks to the network yet.
func Open(ctx context.Context, conf Config) (a *App, err error) {
	conf.fill()
	a = &App{conf: conf, started: conf.Now(), up: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	if err := os.MkdirAll(conf.StorageDir, dirMode); err != nil {
		return a, fmt.Errorf("storage directory: %w", err)
	}
	if a.lock, err = lockDir(conf.StorageDir); err != nil {
		return a, err
	}
	sweepUnfinished(conf.StorageDir, auth.SecretFile+"-*")
	sweepUnfinished(conf.ReticulumDir, ".config-*", ".config.bak-*")
	if err := a.openStore(ctx); err != nil {
		return a, err
	}
	if err := a.listen(ctx); err != nil {
		return a, err
	}
	if err := a.assemble(ctx); err != nil {
		return a, err
	}
	return a, a.instance().write(conf.StorageDir)
}

func (c *Config) fill() {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	if c.Host == "" {
		c.Host = httpd.DefaultHost
	}
	if c.Profile.Sweep == 0 {
		c.Profile = profile.DefaultParams()
	}
}

// openStore opens the server's database. A damaged one is put aside and begun
// anew: identities are found again by their directories.
func (a *App) openStore(ctx context.Context) (err error) {
	name := filepath.Join(a.conf.StorageDir, serverDatabase)
	db, report, err := store.OpenServer(ctx, name, store.Options{Now: a.conf.Now, Logger: a.conf.Log})
	if err != nil {
		return fmt.Errorf("open %s: %w", name, err)
	}
	if report.Damage != nil {
		a.conf.Log.Error("database was damaged; a new one was begun", "old", report.MovedAside, "error", report.Damage)
		a.damage.note(report.MovedAside)
	}
	a.server = db
	if a.set, err = settings.Open(ctx, settings.Server, db.Settings); err != nil {
		return err
	}
	if a.set.Text(settings.KeyInstanceID) != "" {
		return nil
	}
	b := make([]byte, instanceBytes)
	if _, err := io.ReadFull(a.conf.Random, b); err != nil {
		return err
	}
	return a.set.Keep(ctx, settings.Changes{settings.KeyInstanceID: settings.StringValue(hex.EncodeToString(b))})
}

// listen prepares access and takes the address.
func (a *App) listen(ctx context.Context) (err error) {
	if a.secret, err = auth.LoadSecret(a.conf.StorageDir, a.conf.Random); err != nil {
		return err
	}
	a.auth, err = auth.New(ctx, auth.Config{
		Sessions: a.server.Sessions, Attempts: a.server.Attempts, Secret: a.secret, Rand: a.conf.Random, Now: a.conf.Now,
		Idle:   func() time.Duration { return time.Duration(a.set.Int(settings.KeySessionDays)) * 24 * time.Hour },
		Logger: a.conf.Log, Params: auth.DefaultParams(),
	})
	if err != nil {
		return err
	}
	var tlsConf *tls.Config
	if !a.conf.PlainHTTP {
		if a.cert, err = a.certificate(); err != nil {
			return err
		}
		tlsConf = a.cert.TLS()
	}
	plain := httpd.PlainLoopback
	if a.conf.PlainAnywhere {
		plain = httpd.PlainAnywhere
	}
	a.http, err = httpd.Listen(ctx, httpd.Config{Host: a.conf.Host, Port: a.conf.Port, TLS: tlsConf, Plain: plain, Logger: a.conf.Log})
	return err
}

func (a *App) certificate() (*selfcert.Source, error) {
	if a.conf.CertFile != "" || a.conf.KeyFile != "" {
		return selfcert.FromFiles(a.conf.CertFile, a.conf.KeyFile)
	}
	return selfcert.Load(selfcert.Config{Dir: a.conf.StorageDir, Hosts: a.hosts(), Now: a.conf.Now})
}

// assemble makes the node, the services and the handler over them. A
// configuration file that cannot be read leaves the node on its defaults: the
// page says what is wrong with it.
func (a *App) assemble(ctx context.Context) error {
	conf, err := interfaces.Load(a.conf.ReticulumDir)
	if err != nil {
		a.conf.Log.Error("Reticulum configuration is not used", "error", err)
	}
	a.bus = event.New(a.conf.Now(), event.DefaultParams())
	nodeConf := interfaces.NodeConfig(conf)
	if err != nil {
		nodeConf.Shared = node.Shared{} // the name it would have is in the file
	}
	if a.conf.Tune != nil {
		a.conf.Tune(&nodeConf)
	}
	a.node, err = node.New(nodeConf, node.WithNow(a.conf.Now), node.WithRandom(a.conf.Random),
		node.WithLogger(a.conf.Log), node.WithStorage(node.NewDirStorage(filepath.Join(a.conf.ReticulumDir, "storage"))))
	if err != nil {
		a.conf.Log.Error("node does not run", "error", err)
	}
	a.announces = announces.New(announces.Config{
		Store: a.server, Bus: a.bus, Now: a.conf.Now, Log: a.conf.Log, Params: announces.DefaultParams(),
		Keep: func() int { return int(a.set.Int(settings.KeyHeardKeep)) },
	})
	opt := interfaces.Options{
		Dir: a.conf.ReticulumDir, Build: a.conf.Build, Try: a.conf.Try, Bus: a.bus, Log: a.conf.Log, Events: a.server.InterfaceEvents,
		Now: a.conf.Now, Params: interfaces.DefaultParams(),
	}
	if a.node != nil {
		opt.Node = a.node
	}
	a.interfaces = interfaces.New(opt)
	a.profiles = profile.NewSet(a.conf.StorageDir, a.server, profile.Shared{
		Node: a.node, Bus: a.bus, Announces: a.announces, Interfaces: a.interfaces, Now: a.conf.Now, Random: a.conf.Random,
		Log: a.conf.Log, Params: a.conf.Profile, SetAside: a.damage.note,
	})
	a.host = propagation.NewHost(propagation.HostConfig{
		Node: a.node, Dir: filepath.Join(a.conf.StorageDir, hostDir), Settings: a.set, Bus: a.bus, Now: a.conf.Now, Log: a.conf.Log,
		Local: a.profiles.Ingest,
	})
	return a.handler()
}

func (a *App) handler() (err error) {
	literals := auth.LoopbackLiterals
	if !httpd.Loopback(a.conf.Host) {
		literals = auth.AnyLiteral
	}
	guard := auth.NewGuard(auth.GuardConfig{
		Service: a.auth, Instance: a.set.Text(settings.KeyInstanceID), Secure: !a.conf.PlainHTTP, Hosts: a.hosts(),
		Literals: literals, Open: open,
	})
	mux := http.NewServeMux()
	api.New(mux, api.Config{
		Version: a.conf.Version, Instance: a.set.Text(settings.KeyInstanceID), StartedAt: a.started, Ready: a.ready.Load,
		Problems: a.damage.problems,
		Auth:     a.auth, Guard: guard, Identities: identities{a.profiles}, Settings: a.set, Announces: a.announces,
		Interfaces: a.interfaces, Host: a.host, Bus: a.bus, Now: a.conf.Now, Log: a.conf.Log,
	})
	a.handle, err = httpd.NewHandler(httpd.Parts{
		API: api.WithProblems(mux), Static: a.conf.Web, Guard: guard.Wrap, BodyLimit: bodyLimit, Logger: a.conf.Log,
	})
	return err
}
