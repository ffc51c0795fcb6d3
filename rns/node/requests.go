package node

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"slices"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/link"
	"meshchatx/rns/msgpack"
)

// valueLimits bound the msgpack values of requests and responses.
func valueLimits() msgpack.Limits { return msgpack.DefaultLimits() }

// requested answers a request of the peer, if it is allowed, by the handler of the destination. Refusals are silent.
// spec: rns-link §7.3
func (l *Link) requested(e link.RequestReceived) {
	decline := func() { l.later = append(l.later, func(time.Time) { l.m.Decline(e.ID) }) }
	if l.local == nil {
		decline()
		return
	}
	h, ok := l.local.handler(e.PathHash)
	remote, known := l.m.RemoteIdentity()
	if !ok || !h.admits(remote, known) || h.Serve == nil {
		decline()
		return
	}
	value, _, err := msgpack.Parse(e.Data, valueLimits())
	if err != nil {
		decline()
		return
	}
	r := &Request{
		Link: l, Path: h.Path, ID: e.ID, Data: value, Identity: remote, HasIdentity: known,
		At: time.UnixMicro(int64(e.Timestamp * 1e6)),
	}
	l.serve.do(func() { l.answer(h, r) })
}

// admits decides whether a peer may use the handler. spec: rns-link §7.3
func (h *RequestHandler) admits(remote rns.PublicKey, known bool) bool {
	switch h.Policy {
	case AllowAll:
		return true
	case AllowList:
		if !known {
			return false
		}
		if h.Allowed != nil {
			return h.Allowed(remote.Hash())
		}
		return slices.Contains(h.Allow, remote.Hash())
	default:
		return false
	}
}

// answer runs a handler and sends what it returns. It runs on the link's request executor.
func (l *Link) answer(h RequestHandler, r *Request) {
	res, err := h.Serve(r)
	if err != nil {
		l.node.env.log.Debug("request", slog.String("path", r.Path), slog.Any("error", err))
	}
	l.inbox.call(func(now time.Time) {
		if err != nil || res == nil {
			l.m.Decline(r.ID)
			return
		}
		l.respond(now, r.ID, res)
	})
}

// respond sends a response. It runs on the link's goroutine.
func (l *Link) respond(now time.Time, id link.RequestID, res *Response) {
	if res.File == nil {
		if fx, err := l.m.Respond(now, id, res.Value.Append(nil), compressor(res.Compression)); fx != nil {
			l.apply(now, fx)
			l.respondProblem(err)
		}
		return
	}
	t, fx, err := l.m.RespondResource(now, id, linkResource(res.File, res.Size, res.Metadata, true, res.Compression, 0))
	l.respondProblem(err)
	if err == nil {
		l.transfers[t] = &transfer{source: res.File}
	} else {
		closeSource(res.File)
	}
	l.apply(now, fx)
}

func (l *Link) respondProblem(err error) {
	if err != nil {
		l.node.env.log.Debug("response", slog.Any("link", l.id), slog.Any("error", err))
	}
}

// closeSource closes a source that can be closed.
func closeSource(src io.ReaderAt) {
	if c, ok := src.(io.Closer); ok {
		_ = c.Close()
	}
}

// requestHappened follows a request of this side. It runs on the link's goroutine.
func (l *Link) requestHappened(now time.Time, e link.Event) {
	switch e := e.(type) {
	case link.RequestSent:
		l.requestUpdate(e.ID, func(s *RequestStatus) { s.State = RequestDelivered })
	case link.RequestProgress:
		l.requestUpdate(e.ID, func(s *RequestStatus) {
			if e.Response {
				s.State, s.Progress, s.Size, s.TransferSize = RequestReceiving, e.Progress, e.Size, e.TransferSize
			}
		})
	case link.ResponseReceived:
		l.responded(now, e)
	case link.RequestFailed:
		if r, ok := l.requests[e.ID]; ok {
			delete(l.requests, e.ID)
			r.conclude(func(s *RequestStatus) { s.State, s.Concluded, s.Err = RequestFailed, now, e.Err })
		}
	}
}

func (l *Link) requestUpdate(id link.RequestID, f func(*RequestStatus)) {
	r, ok := l.requests[id]
	if !ok {
		return
	}
	r.update(f)
	if g := r.options.OnProgress; g != nil {
		s := r.get()
		l.calls.do(func() { g(s) })
	}
}

// responded concludes a request with its response. The conclusion follows the callbacks that stored a file response.
func (l *Link) responded(now time.Time, e link.ResponseReceived) {
	r, ok := l.requests[e.ID]
	if !ok {
		return
	}
	delete(l.requests, e.ID)
	l.calls.do(func() {
		encoded := e.Data
		if e.Transfer != 0 {
			encoded = e.Metadata
		}
		value, _, err := msgpack.Parse(encoded, valueLimits())
		r.conclude(func(s *RequestStatus) {
			s.Concluded, s.Size, s.TransferSize = now, e.Size, e.TransferSize
			if err != nil {
				s.State, s.Err = RequestFailed, metadataError(err)
				return
			}
			s.State, s.Progress, s.Response, s.IsFile, s.File = RequestReady, 1, value, e.Transfer != 0, r.file
		})
	})
}

// RequestValue opens nothing new: it asks over an open link and returns the value of the response.
func (l *Link) RequestValue(ctx context.Context, path string, data msgpack.Value, o RequestOptions) (msgpack.Value, error) {
	r, err := l.Request(ctx, path, data, o)
	if err != nil {
		return msgpack.Value{}, err
	}
	s, err := r.Wait(ctx)
	if err != nil && !isDone(r.Done()) {
		_ = r.Cancel(context.WithoutCancel(ctx)) // ctx ended first
	}
	return s.Response, err
}

func isDone(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// BytesResponse is a response of one byte string.
func BytesResponse(b []byte) *Response { return &Response{Value: msgpack.Bin(b)} }

// FileResponse is a file response from memory with metadata.
func FileResponse(b []byte, metadata msgpack.Value) *Response {
	return &Response{File: bytes.NewReader(b), Size: int64(len(b)), Metadata: metadata}
}
