package cli

import (
	"context"
	"net/http"
	"strings"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"meshchatx/internal/api"
	"meshchatx/internal/auth"
)

// events is the event socket of a program.
type events struct{ conn *websocket.Conn }

func (c *client) subscribe(ctx context.Context) (*events, error) {
	conn, resp, err := websocket.Dial(ctx, strings.Replace(c.base, "http", "ws", 1)+api.SocketPath, &websocket.DialOptions{
		HTTPClient:   c.http,
		HTTPHeader:   http.Header{"Origin": {c.base}},
		Subprotocols: []string{auth.SocketProtocol, auth.SocketTokenPrefix + c.second},
	})
	if resp != nil && resp.Body != nil {
		_ = resp.Body.Close()
	}
	if err != nil {
		return nil, err
	}
	e := &events{conn}
	if _, err := e.next(ctx); err != nil { // hello
		return nil, err
	}
	return e, nil
}

func (e *events) next(ctx context.Context) (api.Event, error) {
	var v api.Event
	err := wsjson.Read(ctx, e.conn, &v)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return v, err
}

// until waits for an event about a message, or for one that means that some were
// missed.
func (e *events) until(ctx context.Context, message string) error {
	for {
		v, err := e.next(ctx)
		if err != nil || v.Type == "reset" || v.IDs.Message == message {
			return err
		}
	}
}

func (e *events) close() { _ = e.conn.Close(websocket.StatusNormalClosure, "") }
