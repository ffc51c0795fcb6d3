package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"meshchatx/internal/auth"
	"meshchatx/internal/event"
)

// SocketPath is where the event socket is opened.
const SocketPath = "/ws"

const (
	pingEvery    = 25 * time.Second
	writeTimeout = 10 * time.Second
	readLimit    = 4 << 10
)

// socket sends events until the browser, the session or the program goes. The
// guard before it has checked session, second token and origin.
func (s *Server) socket(w http.ResponseWriter, r *http.Request) {
	session, ok := auth.SessionFrom(r.Context())
	if !ok {
		http.Error(w, "signed out", http.StatusUnauthorized)
		return
	}
	since, err := strconv.ParseUint(r.URL.Query().Get("since"), 10, 64)
	if err != nil {
		since = 0
	}
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols:       []string{auth.SocketProtocol},
		InsecureSkipVerify: true, //nolint:gosec // the guard compared the origin with host and scheme
		CompressionMode:    websocket.CompressionDisabled,
	})
	if err != nil {
		return // Accept has answered
	}
	conn.SetReadLimit(readLimit)
	ctx, cancel := context.WithCancel(conn.CloseRead(r.Context()))
	defer cancel()
	stop := context.AfterFunc(done(ctx, s.conf.Auth.Ended(session.ID)), cancel)
	defer stop()
	status, reason := s.pump(ctx, conn, since)
	_ = conn.Close(status, reason)
}

// done is a context that ends with ctx or with a channel.
func done(ctx context.Context, ended <-chan struct{}) context.Context {
	return endedContext{ctx, ended}
}

type endedContext struct {
	context.Context //nolint:containedctx // it is one
	ended           <-chan struct{}
}

func (c endedContext) Done() <-chan struct{} { return c.ended }
func (c endedContext) Err() error {
	select {
	case <-c.ended:
		return context.Canceled
	default:
		return nil
	}
}

// pump is the life of one socket: hello, then events and pings.
func (s *Server) pump(ctx context.Context, conn *websocket.Conn, since uint64) (websocket.StatusCode, string) {
	sub := s.conf.Bus.Subscribe(since)
	if err := send(ctx, conn, Event{Seq: sub.Seq(), Type: eventHello}); err != nil {
		return websocket.StatusNormalClosure, ""
	}
	for {
		batch, err := next(ctx, sub)
		switch {
		case ctx.Err() != nil:
			return websocket.StatusGoingAway, "signed out or stopping"
		case errors.Is(err, context.DeadlineExceeded):
			if err := send(ctx, conn, Event{Seq: sub.Seq(), Type: eventPing}); err != nil {
				return websocket.StatusNormalClosure, ""
			}
			continue
		case err != nil:
			return websocket.StatusGoingAway, "stopping"
		}
		if err := sendBatch(ctx, conn, batch); err != nil {
			return websocket.StatusNormalClosure, ""
		}
	}
}

// next waits for events, at most until the next ping is due.
func next(ctx context.Context, sub *event.Subscription) (event.Batch, error) {
	ctx, cancel := context.WithTimeout(ctx, pingEvery)
	defer cancel()
	return sub.Next(ctx)
}

func sendBatch(ctx context.Context, conn *websocket.Conn, b event.Batch) error {
	if b.Reset {
		return send(ctx, conn, Event{Seq: b.Seq, Type: eventReset})
	}
	for _, e := range b.Events {
		err := send(ctx, conn, Event{
			Seq: e.Seq, Identity: hexAddr(e.Identity), Type: EventType(e.Type),
			IDs: EventIDs{Peer: hexAddr(e.Peer), Message: hexHash(e.Message), Item: e.Item},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func send(ctx context.Context, conn *websocket.Conn, e Event) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	return wsjson.Write(ctx, conn, e)
}
