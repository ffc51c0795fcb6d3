package rncp

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/node"
)

// Protocol names. spec: rns-link §13.2
const (
	// DestinationName is the destination of a listener.
	DestinationName = "rncp.receive"
	fetchPath       = "fetch_file"
	notAllowed      = 0xF0
)

// Access says who may send and fetch.
type Access uint8

// The choices.
const (
	// Listed admits the identities of ListenerConfig.Allowed.
	Listed Access = iota
	// Anybody admits everybody, even those who do not identify.
	Anybody
)

// ListenerConfig describes a listener.
type ListenerConfig struct {
	Identity *rns.Identity
	// Access says who is served, Allowed lists the identities.
	Access  Access
	Allowed []rns.Addr
	// Save is the directory for received files, empty for the working directory.
	Save     string
	Existing Existing
	// MaxSize refuses larger files, in bytes; 0 takes all.
	MaxSize int64
	// Jail is the directory files can be fetched from, empty for none. "/" hands out everything the user can read.
	Jail string
	// Compression of files that are handed out.
	Compression node.Compression
	// Fetches is how many files are handed out on one link at a time, 0 for DefaultFetches.
	Fetches int
	// OnEvent is told what happens. It may be nil.
	OnEvent func(Event)
}

// DefaultFetches is how many files are handed out on one link at a time.
const DefaultFetches = 16

// EventKind says what happened at a listener.
type EventKind uint8

// The kinds.
const (
	// Refused: a peer identified that is not allowed, or asked for what is not allowed; Peer, Path.
	Refused EventKind = iota
	// Receiving: a file begins to arrive; Peer, Size.
	Receiving
	// Received: a file is complete; Peer, Path, Size.
	Received
	// Serving: a file begins to be handed out; Peer, Path, Size.
	Serving
	// Served: a file was handed out; Peer, Path, Size.
	Served
	// Failed: a transfer in either direction broke off; Peer, Path, Err.
	Failed
)

// String names the kind.
func (k EventKind) String() string {
	return [...]string{"refused", "receiving", "received", "serving", "served", "failed"}[k]
}

// Event is something that happened at a listener.
type Event struct {
	Kind EventKind
	At   time.Time
	// Peer is whom the peer identified as, zero if it did not.
	Peer rns.Addr
	Path string
	Size int64
	Err  error
}

// Listener takes and hands out files. It is safe for concurrent use.
type Listener struct {
	conf   ListenerConfig
	dest   *node.Destination
	folder *folder
	jail   *os.Root
	base   string // of the jail, absolute

	mu      sync.Mutex
	serving map[rns.Addr]int // files that are handed out, by link
}

// begin counts a file that is to be handed out, unless there are enough on the link.
func (l *Listener) begin(link rns.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.serving[link] >= l.conf.Fetches {
		return false
	}
	l.serving[link]++
	return true
}

func (l *Listener) end(link rns.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.serving[link]--; l.serving[link] <= 0 {
		delete(l.serving, link)
	}
}

// Listen begins to listen. Close the listener before the node.
func Listen(n *node.Node, c ListenerConfig) (l *Listener, err error) {
	if c.Fetches <= 0 {
		c.Fetches = DefaultFetches
	}
	l = &Listener{conf: c, serving: make(map[rns.Addr]int)}
	defer func() {
		if err != nil {
			l.closeFiles()
		}
	}()
	if l.folder, err = openFolder(c.Save, c.Existing); err != nil {
		return nil, fmt.Errorf("directory for received files: %w", err)
	}
	d := node.DestinationConfig{Identity: c.Identity, Name: DestinationName, OnLink: l.linked}
	if c.Jail != "" {
		if l.base, err = filepath.Abs(c.Jail); err != nil {
			return nil, err
		}
		if l.jail, err = os.OpenRoot(l.base); err != nil {
			return nil, fmt.Errorf("directory for files to fetch: %w", err)
		}
		h := node.RequestHandler{Path: fetchPath, Policy: node.AllowList, Allowed: l.admits, Serve: l.fetched}
		if c.Access == Anybody {
			h.Policy = node.AllowAll
		}
		d.Requests = []node.RequestHandler{h}
	} else {
		// Without a handler the peer would wait for its timeout.
		d.Requests = []node.RequestHandler{{Path: fetchPath, Policy: node.AllowAll, Serve: func(r *node.Request) (*node.Response, error) {
			l.event(Event{Kind: Refused, Peer: r.Identity.Hash(), Path: "fetching is off"}, n.Now())
			return &node.Response{Value: msgpack.Int(notAllowed)}, nil
		}}}
	}
	if l.dest, err = n.Register(d); err != nil {
		return nil, err
	}
	return l, nil
}

// Addr is the address of the listener.
func (l *Listener) Addr() rns.Addr { return l.dest.Addr() }

// Announce tells the network about the listener.
func (l *Listener) Announce(ctx context.Context) error {
	return l.dest.Announce(ctx, node.AnnounceOptions{})
}

// Close ends the listener. Transfers that run go on until their link ends, and fail if they need the files.
func (l *Listener) Close(ctx context.Context) error {
	err := l.dest.Close(ctx)
	return errors.Join(err, l.closeFiles())
}

func (l *Listener) closeFiles() error {
	var err error
	if l.folder != nil {
		err = l.folder.close()
	}
	if l.jail != nil {
		err = errors.Join(err, l.jail.Close())
	}
	return err
}

func (l *Listener) admits(identity rns.Addr) bool {
	return l.conf.Access == Anybody || slices.Contains(l.conf.Allowed, identity)
}

func (l *Listener) event(e Event, at time.Time) {
	if e.At = at; l.conf.OnEvent != nil {
		l.conf.OnEvent(e)
	}
}

// peerOf is whom the peer of a link identified as.
func peerOf(l *node.Link) (addr rns.Addr, known bool) {
	if k, ok := l.RemoteIdentity(); ok {
		return k.Hash(), true
	}
	return rns.Addr{}, false
}

// linked prepares an incoming link. spec: rns-link §13.2
func (l *Listener) linked(*node.Link) node.LinkHandler {
	return node.LinkHandler{
		OnIdentified: func(link *node.Link, who rns.PublicKey) {
			if !l.admits(who.Hash()) {
				l.event(Event{Kind: Refused, Peer: who.Hash()}, link.Node().Now())
				link.Close()
			}
		},
		OnResource: l.offered,
	}
}

// offered decides about a file. One that is offered before the peer has identified is refused.
func (l *Listener) offered(link *node.Link, o node.ResourceOffer) *node.ResourceAcceptance {
	peer, known := peerOf(link)
	now := link.Node().Now()
	if l.conf.Access != Anybody && (!known || !l.admits(peer)) {
		l.event(Event{Kind: Refused, Peer: peer, Size: o.Size}, now)
		return nil
	}
	if l.conf.MaxSize > 0 && o.Size > l.conf.MaxSize || !o.HasMetadata {
		l.event(Event{Kind: Refused, Peer: peer, Size: o.Size}, now)
		return nil
	}
	in, err := l.folder.begin()
	if err != nil {
		l.event(Event{Kind: Failed, Peer: peer, Err: err}, now)
		return nil
	}
	l.event(Event{Kind: Receiving, Peer: peer, Size: o.Size}, now)
	return &node.ResourceAcceptance{Sink: in, Conclude: func(link *node.Link, r node.IncomingResource) error {
		name, err := in.conclude(r)
		if err != nil {
			l.event(Event{Kind: Failed, Peer: peer, Err: err}, link.Node().Now())
			return err
		}
		l.event(Event{Kind: Received, Peer: peer, Path: filepath.Join(l.conf.Save, name), Size: r.Size}, link.Node().Now())
		return nil
	}}
}

// conclude ends the reception of a file, well or not.
func (in *incoming) conclude(r node.IncomingResource) (name string, err error) {
	if r.Err != nil {
		in.discard()
		return "", r.Err
	}
	return in.finish(r.Metadata)
}

// fetched hands out a file: it follows the answer as a resource of its own. spec: rns-link §13.2
func (l *Listener) fetched(r *node.Request) (*node.Response, error) {
	now := r.Link.Node().Now()
	answer := func(v msgpack.Value) (*node.Response, error) { return &node.Response{Value: v}, nil }
	var peer rns.Addr
	if r.HasIdentity {
		peer = r.Identity.Hash()
	}
	text, ok := r.Data.BytesOrText()
	if !ok {
		return answer(msgpack.Bool(false))
	}
	name, err := l.resolve(string(text))
	if err != nil {
		l.event(Event{Kind: Refused, Peer: peer, Path: string(text), Err: err}, now)
		return answer(msgpack.Int(notAllowed))
	}
	if !l.begin(r.Link.ID()) {
		return answer(msgpack.Nil())
	}
	file, size, err := l.open(name)
	if err != nil {
		l.end(r.Link.ID())
	}
	switch {
	case errors.Is(err, errOutside):
		l.event(Event{Kind: Refused, Peer: peer, Path: string(text), Err: err}, now)
		return answer(msgpack.Int(notAllowed))
	case err != nil:
		return answer(msgpack.Bool(false))
	}
	e := Event{Kind: Serving, Peer: peer, Path: name, Size: size}
	o := node.ResourceOptions{
		Metadata: metadataOf(filepath.Base(name)), HasMetadata: true, Compression: l.conf.Compression,
		OnConclude: func(s node.TransferStatus) {
			_ = file.Close()
			l.end(r.Link.ID())
			if e.Kind = Served; s.Err != nil {
				e.Kind, e.Err = Failed, s.Err
			}
			l.event(e, s.Concluded)
		},
	}
	l.event(e, now)
	if _, err := r.Link.SendResource(context.Background(), file, size, o); err != nil {
		_ = file.Close()
		l.end(r.Link.ID())
		e.Kind, e.Err = Failed, err
		l.event(e, now)
		return answer(msgpack.Nil())
	}
	return answer(msgpack.Bool(true))
}

// errOutside means that a path leads out of the jail.
var errOutside = errors.New("path is outside of the directory for files to fetch")

// resolve makes a path relative to the jail. An absolute one is taken as it is if it is inside, else as if the jail were the
// whole file system. spec: rns-link §13.2
func (l *Listener) resolve(path string) (string, error) {
	path = filepath.ToSlash(path)
	base := filepath.ToSlash(l.base)
	if rest, ok := strings.CutPrefix(path, "~/"); ok && base == "/" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", err
		}
		path = filepath.ToSlash(home) + "/" + rest
	}
	if rest, ok := strings.CutPrefix(path, strings.TrimSuffix(base, "/")+"/"); ok {
		path = rest
	}
	path = filepath.Clean(filepath.FromSlash(strings.TrimLeft(path, "/")))
	if !filepath.IsLocal(path) {
		return "", errOutside
	}
	return path, nil
}

// open opens a regular file in the jail. Symbolic links are followed as long as they stay inside.
func (l *Listener) open(name string) (*os.File, int64, error) {
	st, err := l.jail.Stat(name) // before opening: opening a pipe would wait
	if err == nil && !st.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, 0, outside(err)
	}
	f, err := l.jail.Open(name)
	if err != nil {
		return nil, 0, outside(err)
	}
	if st, err = f.Stat(); err == nil && !st.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, st.Size(), nil
}

// outside tells an attempt to leave the jail from a file that is not there.
func outside(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return err
	}
	return fmt.Errorf("%w: %w", errOutside, err)
}
