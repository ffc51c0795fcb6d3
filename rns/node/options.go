package node

import (
	"crypto/rand"
	"io"
	"log/slog"
	"time"
)

// Option injects what a program, not a configuration file, decides.
type Option func(*environment)

// environment is what a node takes from the program around it.
type environment struct {
	now     func() time.Time
	rand    io.Reader
	log     *slog.Logger
	storage Storage
	sockets LocalSockets // nil for the real ones
}

func newEnvironment(opts []Option) environment {
	e := environment{now: time.Now, rand: rand.Reader, log: slog.New(slog.DiscardHandler), storage: &MemStorage{}}
	for _, o := range opts {
		o(&e)
	}
	return e
}

// WithNow sets the clock. The default is time.Now.
func WithNow(now func() time.Time) Option { return func(e *environment) { e.now = now } }

// WithRandom sets the source of keys, IVs, tags and jitter. It must be safe for concurrent use. The default is
// crypto/rand.
func WithRandom(r io.Reader) Option { return func(e *environment) { e.rand = r } }

// WithLogger sets the logger. The default discards.
func WithLogger(l *slog.Logger) Option { return func(e *environment) { e.log = l } }

// WithStorage sets where the node keeps its tables and the transport identity. The default keeps them in memory.
func WithStorage(s Storage) Option { return func(e *environment) { e.storage = s } }

// WithLocalSockets replaces the sockets between the programs of a machine, for simulations.
func WithLocalSockets(s LocalSockets) Option { return func(e *environment) { e.sockets = s } }
