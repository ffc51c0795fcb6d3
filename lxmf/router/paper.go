package router

import (
	"context"
	"errors"
	"fmt"

	"meshchatx/lxmf"
	"meshchatx/rns"
)

// Reasons for not reading a paper message. Those of lxmf.ParsePaperURI, lxmf.Parse and rns.Identity.Open come on top.
var (
	// ErrNotAddressed means that it is for somebody else. The error is a *NotAddressed.
	ErrNotAddressed = errors.New("paper message is addressed to somebody else")
	// ErrRefused means that policy does not want it. The error is a *Refused.
	ErrRefused = errors.New("message is refused by policy")
)

// NotAddressed says whom a paper message is for. It is an ErrNotAddressed.
type NotAddressed struct{ Destination rns.Addr }

func (e *NotAddressed) Error() string {
	return fmt.Sprintf("paper message is addressed to %s", e.Destination)
}

// Is implements errors.Is.
func (e *NotAddressed) Is(target error) bool { return target == ErrNotAddressed }

// Refused says why policy does not want a message. It is an ErrRefused.
type Refused struct{ Cause Cause }

func (e *Refused) Error() string { return "message is refused by policy: " + string(e.Cause) }

// Is implements errors.Is.
func (e *Refused) Is(target error) bool { return target == ErrRefused }

// Paper is a paper message that was read.
type Paper struct {
	ID     rns.Hash
	Source rns.Addr
	// Known tells that the message was received before, by whatever way; nothing was stored again.
	Known bool
}

// ReadPaper takes a paper message, as lxmf.ParsePaperURI returns it, the way of any other: signature and policy are checked, no
// stamp is asked for, and it is stored when ReadPaper returns nil. spec: lxmf §5.6, §9.7
func (r *Router) ReadPaper(ctx context.Context, sealed []byte) (Paper, error) {
	r.life.Lock()
	dest := r.life.dest
	r.life.Unlock()
	switch {
	case dest == nil:
		return Paper{}, ErrClosed
	case len(sealed) < lxmf.MinSealed:
		return Paper{}, fmt.Errorf("read paper message: %w", lxmf.ErrShort)
	case rns.Addr(sealed[:rns.AddrSize]) != r.addr:
		return Paper{}, &NotAddressed{rns.Addr(sealed[:rns.AddrSize])}
	}
	r.papers.Lock() // opening one costs up to a key agreement for each ratchet
	opened, err := dest.Decrypt(sealed[rns.AddrSize:])
	r.papers.Unlock()
	if err != nil {
		return Paper{}, fmt.Errorf("read paper message: %w", err)
	}
	packed := append(append(make([]byte, 0, rns.AddrSize+len(opened.Plaintext)), r.addr[:]...), opened.Plaintext...)
	m, err := lxmf.Parse(packed)
	if err != nil {
		return Paper{}, fmt.Errorf("read paper message: %w", err)
	}
	settled := make(chan error, 1)
	a := &arrival{
		packed: packed, method: lxmf.MethodPaper, ratchet: opened.Ratchet, hops: -1, received: r.cfg.Node.Now(),
		settled: func(err error) { settled <- err },
	}
	r.in.put(a)
	select {
	case err = <-settled:
	case <-ctx.Done():
		return Paper{}, context.Cause(ctx)
	}
	switch {
	case err != nil:
		return Paper{}, fmt.Errorf("read paper message: %w", err)
	case !a.answer.Accepted():
		return Paper{}, &Refused{a.answer.Cause}
	}
	return Paper{ID: m.Hash, Source: m.Source, Known: a.known}, nil
}
