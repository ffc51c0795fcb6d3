package rncp

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"meshchatx/internal/tools/stack"
	"meshchatx/rns"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/node"
)

// Why a copy did not come about.
var (
	// ErrNotFile means that what is to be sent is no regular file.
	ErrNotFile = errors.New("not a file")
	// ErrNotAccepted means that the listener did not want the file, or not from this identity.
	ErrNotAccepted = errors.New("file was not accepted")
	// ErrNotFound means that the listener has no such file.
	ErrNotFound = errors.New("file was not found by the remote")
	// ErrNotAllowed means that the listener does not hand out this file, or any.
	ErrNotAllowed = errors.New("fetching the file is not allowed by the remote")
	// ErrRemote means that something went wrong at the listener.
	ErrRemote = errors.New("the remote had an error")
	// ErrNoAnswer means that the listener did not answer: usually this identity is not allowed to ask.
	ErrNoAnswer = errors.New("no answer (probably not authorised)")
	// ErrTransfer means that the transfer broke off.
	ErrTransfer = errors.New("the transfer failed")
)

// Progress is how far a transfer is.
type Progress struct {
	// Size is that of the file in bytes, Done how much of it has been transferred.
	Size, Done int64
	// Rate is in byte/s, 0 if unknown.
	Rate float64
	// Link carries the transfer.
	Link *node.Link
}

// Result describes a finished copy.
type Result struct {
	// Path is the file that was sent, or the name a fetched one got.
	Path string
	Size int64
	Took time.Duration
}

// Sending says what to send to whom.
type Sending struct {
	To          stack.Peer // its Name is filled in
	File        string
	Compression node.Compression
	OnProgress  func(Progress)
}

// Send copies a file to a listener and returns when the listener has it. Errors are those of stack.Link, ErrNotFile,
// ErrNotAccepted and ErrTransfer.
func Send(ctx context.Context, n *node.Node, s Sending) (Result, error) {
	f, err := os.Open(s.File)
	if err != nil {
		return Result{}, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return Result{}, err
	}
	if !st.Mode().IsRegular() {
		return Result{}, fmt.Errorf("%w: %s", ErrNotFile, s.File)
	}
	s.To.Name = DestinationName
	l, err := stack.Link(ctx, n, s.To, node.LinkHandler{})
	if err != nil {
		return Result{}, err
	}
	defer l.Close()
	s.To.Told(stack.StepAsk)
	size, moving := st.Size(), false
	t, err := l.SendResource(ctx, f, size, node.ResourceOptions{
		Metadata: metadataOf(filepath.Base(s.File)), HasMetadata: true, Compression: s.Compression,
		OnProgress: func(p node.TransferStatus) {
			if p.Progress > 0 && !moving {
				moving = true
				s.To.Told(stack.StepTransfer)
			}
			if s.OnProgress != nil && moving {
				s.OnProgress(Progress{Size: size, Done: int64(float64(size) * p.Progress), Rate: p.Rate, Link: l})
			}
		},
	})
	if err != nil {
		return Result{}, fmt.Errorf("%w: %w", ErrTransfer, err)
	}
	err = t.Wait(ctx)
	status := t.Status()
	switch {
	case ctx.Err() != nil:
		_ = t.Cancel(context.WithoutCancel(ctx))
		return Result{}, context.Cause(ctx)
	case errors.Is(err, node.ErrRejected), errors.Is(err, node.ErrLinkClosed) && status.Progress == 0:
		return Result{}, fmt.Errorf("%w by %s", ErrNotAccepted, s.To.Addr)
	case err != nil:
		return Result{}, fmt.Errorf("%w: %w", ErrTransfer, err)
	}
	return Result{Path: s.File, Size: size, Took: status.Concluded.Sub(status.Started)}, nil
}

// Fetching says what to fetch from whom.
type Fetching struct {
	From stack.Peer // its Name is filled in
	// Path is the file at the listener.
	Path string
	// Save is the directory it goes to, empty for the working directory.
	Save       string
	Existing   Existing
	OnProgress func(Progress)
}

// fetch is one fetch under way.
type fetch struct {
	Fetching
	folder  *folder
	begun   bool // of the link's callbacks
	started time.Time
	ended   chan outcome
}

type outcome struct {
	result Result
	err    error
}

// Fetch asks a listener for a file and returns when it is on the disk. Errors are those of stack.Link, ErrNotFound,
// ErrNotAllowed, ErrRemote, ErrNoAnswer and ErrTransfer.
func Fetch(ctx context.Context, n *node.Node, c Fetching) (Result, error) {
	folder, err := openFolder(c.Save, c.Existing)
	if err != nil {
		return Result{}, err
	}
	f := &fetch{Fetching: c, folder: folder, ended: make(chan outcome, 1)}
	f.From.Name = DestinationName
	l, err := stack.Link(ctx, n, f.From, node.LinkHandler{OnResource: f.offered})
	if err != nil {
		return Result{}, errors.Join(err, folder.close())
	}
	r, err := f.run(ctx, l)
	if err == nil {
		linger(ctx, l)
	}
	l.Close()
	<-l.Done() // what has not ended uses the folder
	return r, errors.Join(err, folder.close())
}

// lingerTime is how long a link stays open after the last byte: the proof follows the return of the callback.
const lingerTime = 200 * time.Millisecond

func linger(ctx context.Context, l *node.Link) {
	t := time.NewTimer(lingerTime)
	defer t.Stop()
	select {
	case <-t.C:
	case <-l.Done():
	case <-ctx.Done():
	}
}

func (f *fetch) run(ctx context.Context, l *node.Link) (Result, error) {
	f.From.Told(stack.StepAsk)
	v, err := l.RequestValue(ctx, fetchPath, msgpack.Str(f.Path), node.RequestOptions{})
	switch {
	case ctx.Err() != nil:
		return Result{}, context.Cause(ctx)
	case err != nil:
		return Result{}, fmt.Errorf("%w: %w", ErrNoAnswer, err)
	}
	if err := answered(v); err != nil {
		return Result{}, err
	}
	select {
	case o := <-f.ended:
		return o.result, o.err
	case <-ctx.Done():
		return Result{}, context.Cause(ctx)
	case <-l.Done():
		select {
		case o := <-f.ended:
			return o.result, o.err
		default:
			return Result{}, fmt.Errorf("%w: the link was closed", ErrTransfer)
		}
	}
}

// answered reads the answer to a fetch request. spec: rns-link §13.2
func answered(v msgpack.Value) error {
	if found, ok := v.Bool(); ok {
		if found {
			return nil
		}
		return ErrNotFound
	}
	if code, ok := v.Int(); ok && code == notAllowed {
		return ErrNotAllowed
	}
	return ErrRemote
}

// offered takes the one file that was asked for; it may be offered before the answer.
func (f *fetch) offered(l *node.Link, o node.ResourceOffer) *node.ResourceAcceptance {
	if f.begun || !o.HasMetadata {
		return nil
	}
	in, err := f.folder.begin()
	if err != nil {
		f.ended <- outcome{err: err}
		return nil
	}
	f.begun, f.started = true, l.Node().Now()
	f.From.Told(stack.StepTransfer)
	return &node.ResourceAcceptance{
		Sink: in,
		Progress: func(p node.TransferStatus) {
			if f.OnProgress != nil {
				f.OnProgress(Progress{Size: o.Size, Done: p.Done(), Rate: p.Rate, Link: l})
			}
		},
		Conclude: func(l *node.Link, r node.IncomingResource) error {
			name, err := in.conclude(r)
			if err != nil {
				f.ended <- outcome{err: fmt.Errorf("%w: %w", ErrTransfer, err)}
				return err
			}
			f.ended <- outcome{result: Result{Path: filepath.Join(f.Save, name), Size: r.Size, Took: l.Node().Now().Sub(f.started)}}
			return nil
		},
	}
}

// AddrOf is the address of the listener of an identity.
func AddrOf(id *rns.Identity) rns.Addr { return rns.DestinationHash(DestinationName, id.Hash()) }
