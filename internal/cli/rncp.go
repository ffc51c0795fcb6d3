package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"meshchatx/internal/tools/rncp"
	"meshchatx/internal/tools/stack"
	"meshchatx/rns"
	"meshchatx/rns/node"
)

type rncpCommand struct {
	toolFlags
	Quiet int  `short:"q" type:"counter" help:"Say less; may be repeated."`
	JSON  bool `name:"json" help:"Print JSON: one object for each thing that happens."`

	File        string   `arg:"" optional:"" help:"File to send, or with -f the file to fetch."`
	Destination string   `arg:"" optional:"" help:"Address of the listener."`
	Silent      bool     `short:"S" help:"Show no progress."`
	Listen      bool     `short:"l" help:"Take files from others."`
	NoCompress  bool     `short:"C" help:"Do not compress."`
	AllowFetch  bool     `short:"F" help:"Let others fetch files from the directory given with -j."`
	Fetch       bool     `short:"f" help:"Fetch a file instead of sending one."`
	Jail        string   `short:"j" help:"Directory files can be fetched from; / for everything you can read." placeholder:"DIR" type:"path"`
	Save        string   `short:"s" help:"Directory for received files, instead of the present one." placeholder:"DIR" type:"path"`
	Overwrite   bool     `short:"O" help:"Replace files of the same name instead of adding a number."`
	Announce    int      `short:"b" name:"announce-interval" help:"Announce the listener every so many seconds; 0: once, at the start." placeholder:"SECONDS" default:"-1"`
	Allowed     []string `short:"a" name:"allowed" help:"Serve this identity; may be repeated. ~/.rncp/allowed_identities lists more, one on each line." placeholder:"HASH"`
	NoAuth      bool     `short:"n" help:"Serve anybody."`
	Print       bool     `short:"p" name:"print-identity" help:"Print identity and address, and end."`
	Identity    string   `short:"i" help:"File of the identity to use." placeholder:"FILE" type:"path"`
	Timeout     float64  `short:"w" name:"timeout" help:"How long to wait for path and link." placeholder:"SECONDS" default:"15"`
	PhyRates    bool     `short:"P" help:"Also show the rate at the interface."`
	MaxSize     int64    `help:"Take no files larger than this." placeholder:"BYTES" default:"0"`
}

// Exit codes for directories that cannot be used, as people know them.
const (
	exitNoIdentity = 2
	exitNoDir      = 3
	exitNotWritten = 4
)

// Run copies files.
func (c rncpCommand) Run(env *Environment) error {
	switch {
	case c.Print:
		return c.printIdentity(env)
	case c.Listen:
		return c.listen(env)
	case c.File == "" || c.Destination == "":
		return &failure{exitUsage, errors.New("rncp needs a file and an address, or -l to listen; see rncp --help")}
	}
	to, err := parseHash(c.Destination)
	if err != nil {
		return err
	}
	s, id, err := c.start(env)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // what could not be saved is learned again
	line := newStatusLine(env.Stdout, !c.Silent && !c.JSON)
	defer line.end()
	peer := stack.Peer{Addr: to, Identity: id, Timeout: seconds(c.Timeout)}
	if c.Fetch {
		return c.fetch(env, s, peer, line)
	}
	return c.send(env, s, peer, line)
}

// start opens the node and reads the identity.
func (c rncpCommand) start(env *Environment) (*stack.Stack, *rns.Identity, error) {
	dir, err := c.dir(env)
	if err != nil {
		return nil, nil, err
	}
	id, err := stack.Identity(dir, "rncp", c.Identity)
	if err != nil {
		return nil, nil, &failure{exitNoIdentity, err}
	}
	s, err := c.open(env, c.Quiet, nil)
	return s, id, err
}

func (c rncpCommand) compression() node.Compression {
	if c.NoCompress {
		return node.CompressNever
	}
	return node.CompressAuto
}

func (c rncpCommand) existing() rncp.Existing {
	if c.Overwrite {
		return rncp.Replace
	}
	return rncp.KeepBoth
}

type rncpIdentity struct {
	Event       string   `json:"event"`
	Identity    rns.Addr `json:"identity"`
	Destination rns.Addr `json:"destination"`
}

func (c rncpCommand) printIdentity(env *Environment) error {
	dir, err := c.dir(env)
	if err != nil {
		return err
	}
	id, err := stack.Identity(dir, "rncp", c.Identity)
	if err != nil {
		return &failure{exitNoIdentity, err}
	}
	return printListener(env, c.JSON, "identity", id.Hash(), rncp.AddrOf(id))
}

func printListener(env *Environment, asJSON bool, event string, id, addr rns.Addr) error {
	if asJSON {
		return printJSON(env.Stdout, rncpIdentity{event, id, addr})
	}
	_, err := fmt.Fprintf(env.Stdout, "Identity     : %s\nListening on : %s\n", pretty(id), pretty(addr))
	return err
}

// rncpResult is the JSON of a finished copy.
type rncpResult struct {
	Event       string   `json:"event"` // sent, fetched
	File        string   `json:"file"`
	SavedAs     string   `json:"saved_as,omitempty"`
	Destination rns.Addr `json:"destination"`
	Bytes       int64    `json:"bytes"`
	Seconds     float64  `json:"seconds"`
}

func (c rncpCommand) send(env *Environment, s *stack.Stack, to stack.Peer, line *statusLine) error {
	to.OnStep = line.steps(to.Addr, "Advertising file")
	r, err := rncp.Send(env.Context, s.Node, rncp.Sending{
		To: to, File: c.File, Compression: c.compression(), OnProgress: c.progress(env, line),
	})
	line.end()
	if errors.Is(err, fs.ErrNotExist) {
		return failf("File not found: %s", c.File)
	}
	if err != nil {
		return c.explain(err, to.Addr)
	}
	if c.JSON {
		return printJSON(env.Stdout, rncpResult{Event: "sent", File: c.File, Destination: to.Addr, Bytes: r.Size, Seconds: r.Took.Seconds()})
	}
	_, err = fmt.Fprintf(env.Stdout, "%s copied to %s%s\n", c.File, pretty(to.Addr), c.figures(r))
	return err
}

func (c rncpCommand) fetch(env *Environment, s *stack.Stack, from stack.Peer, line *statusLine) error {
	from.OnStep = line.steps(from.Addr, "Requesting file from remote")
	r, err := rncp.Fetch(env.Context, s.Node, rncp.Fetching{
		From: from, Path: c.File, Save: c.Save, Existing: c.existing(), OnProgress: c.progress(env, line),
	})
	line.end()
	if errors.Is(err, fs.ErrNotExist) {
		return &failure{exitNoDir, fmt.Errorf("directory not found: %s", c.Save)}
	}
	if err != nil {
		return c.explain(err, from.Addr)
	}
	if c.JSON {
		return printJSON(env.Stdout, rncpResult{
			Event: "fetched", File: c.File, SavedAs: r.Path, Destination: from.Addr, Bytes: r.Size, Seconds: r.Took.Seconds(),
		})
	}
	_, err = fmt.Fprintf(env.Stdout, "%s fetched from %s%s\n", c.File, pretty(from.Addr), c.figures(r))
	return err
}

// figures are size, time and rate for people who watch.
func (c rncpCommand) figures(r rncp.Result) string {
	if c.Silent || r.Took <= 0 {
		return ""
	}
	return fmt.Sprintf(" (%s in %s, %s)", sizeText(float64(r.Size)), durationText(r.Took), speedText(float64(r.Size)*8/r.Took.Seconds()))
}

func (c rncpCommand) explain(err error, to rns.Addr) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	if e := reachable(err, to); e != err {
		return e
	}
	return &failure{exitFailure, err}
}

// progress shows a transfer on the line.
func (c rncpCommand) progress(env *Environment, line *statusLine) func(rncp.Progress) {
	if !line.on {
		return nil
	}
	phy := phyRate{}
	return func(p rncp.Progress) {
		percent := 100.0
		if p.Size > 0 {
			percent = 100 * float64(p.Done) / float64(p.Size)
		}
		text := fmt.Sprintf("Transferring file  %.1f%% - %s of %s - %s", percent, sizeText(float64(p.Done)), sizeText(float64(p.Size)), speedText(8*p.Rate))
		if c.PhyRates {
			text += fmt.Sprintf(" (%s at the interface)", speedText(phy.measure(env.Context, p.Link)))
		}
		line.say("%s", text)
	}
}

// phyRate measures what the interface of a link carries, both ways.
type phyRate struct {
	bytes uint64
	at    time.Time
	rate  float64
}

const phyEvery = 500 * time.Millisecond

func (r *phyRate) measure(ctx context.Context, l *node.Link) float64 {
	now := time.Now()
	if now.Sub(r.at) < phyEvery {
		return r.rate
	}
	st, err := l.Node().InterfaceStatus(ctx, l.Interface())
	if err != nil {
		return r.rate
	}
	bytes := st.Count.RxBytes + st.Count.TxBytes
	if !r.at.IsZero() {
		r.rate = 8 * float64(bytes-r.bytes) / now.Sub(r.at).Seconds()
	}
	r.bytes, r.at = bytes, now
	return r.rate
}

// listen serves others until the program is told to stop.
func (c rncpCommand) listen(env *Environment) (err error) {
	conf := rncp.ListenerConfig{Save: c.Save, Existing: c.existing(), MaxSize: c.MaxSize, Compression: c.compression()}
	switch {
	case c.AllowFetch && c.Jail == "":
		return failf("-F needs -j DIR: the directory files can be fetched from; -j / hands out everything you can read")
	case c.AllowFetch:
		conf.Jail = c.Jail
	}
	if c.NoAuth {
		conf.Access = rncp.Anybody
	}
	var file string
	if conf.Allowed, file, err = stack.Allowed("rncp", env.Getenv("HOME"), c.Allowed); err != nil {
		return &failure{exitFailure, err}
	}
	s, id, err := c.start(env)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // what could not be saved is learned again
	if file != "" {
		s.Logger().Info("allowed identities were read", "file", file, "identities", len(conf.Allowed))
	}
	if len(conf.Allowed) == 0 && !c.NoAuth {
		s.Logger().Warn("no identity is allowed: no file will be accepted; name one with -a")
	}
	conf.Identity, conf.OnEvent = id, c.events(env)
	l, err := rncp.Listen(s.Node, conf)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return &failure{exitNotWritten, err}
	case errors.Is(err, fs.ErrNotExist):
		return &failure{exitNoDir, err}
	case err != nil:
		return err
	}
	defer func() { err = closing(err, l.Close) }()
	if err := c.greet(env, id, l); err != nil {
		return err
	}
	return announceEvery(env.Context, c.Announce, l.Announce)
}

func (c rncpCommand) greet(env *Environment, id *rns.Identity, l *rncp.Listener) error {
	if c.JSON {
		return printListener(env, true, "listening", id.Hash(), l.Addr())
	}
	_, err := fmt.Fprintf(env.Stdout, "rncp listening on %s\n", pretty(l.Addr()))
	return err
}

// announceEvery announces at the start, and every so many seconds if that is more than 0, until ctx ends. Nothing is announced
// if it is less.
func announceEvery(ctx context.Context, interval int, announce func(context.Context) error) error {
	if interval < 0 {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	for {
		if err := announce(ctx); err != nil && !errors.Is(err, node.ErrNotSent) {
			return err
		}
		if interval == 0 {
			return announceEvery(ctx, -1, nil)
		}
		t := time.NewTimer(time.Duration(interval) * time.Second)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return context.Cause(ctx)
		}
	}
}

// rncpEvent is the JSON of an event of a listener.
type rncpEvent struct {
	Event    string    `json:"event"`
	At       time.Time `json:"at"`
	Identity string    `json:"identity,omitempty"`
	Path     string    `json:"path,omitempty"`
	Bytes    int64     `json:"bytes,omitempty"`
	Error    string    `json:"error,omitempty"`
}

// events prints what happens at a listener.
func (c rncpCommand) events(env *Environment) func(rncp.Event) {
	var mu sync.Mutex
	return func(e rncp.Event) {
		mu.Lock()
		defer mu.Unlock()
		v := rncpEvent{Event: e.Kind.String(), At: e.At.UTC(), Path: e.Path, Bytes: e.Size}
		who := "somebody"
		if !e.Peer.IsZero() {
			v.Identity, who = digits(e.Peer), pretty(e.Peer)
		}
		if e.Err != nil {
			v.Error = e.Err.Error()
		}
		if c.JSON {
			_ = printJSON(env.Stdout, v)
			return
		}
		if c.Quiet > 0 && e.Kind != rncp.Received {
			return
		}
		switch e.Kind {
		case rncp.Received:
			_, _ = fmt.Fprintf(env.Stdout, "Saved received file to %s (%s from %s)\n", e.Path, sizeText(float64(e.Size)), who)
		case rncp.Receiving:
			_, _ = fmt.Fprintf(env.Stdout, "Receiving %s from %s\n", sizeText(float64(e.Size)), who)
		case rncp.Failed:
			_, _ = fmt.Fprintf(env.Stdout, "Transfer failed %s %s: %v\n", who, e.Path, e.Err)
		default:
			_, _ = fmt.Fprintf(env.Stdout, "%s %s to %s\n", e.Kind, e.Path, who)
		}
	}
}
