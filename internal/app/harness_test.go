package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"meshchatx/internal/api"
	"meshchatx/internal/auth"
	"meshchatx/internal/profile"
	"meshchatx/rns/config"
	"meshchatx/rns/iface"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/node"
)

// patience bounds what a test waits for; nothing sleeps.
const patience = 30 * time.Second

const wireConfig = `[reticulum]
share_instance = No
[interfaces]
[[Wire]]
type = TCPClientInterface
enabled = yes
target_host = simulated
target_port = 1
`

// site is a running program with a signed-in client.
type site struct {
	*App
	t    *testing.T
	http *http.Client
	next string // second token
	stop func() error
	id   api.IdentityView
}

type options struct {
	dir  string // storage; empty: a new one
	wire *mem.Endpoint
	file string // configuration file; empty: wireConfig

	change func(*Config)
}

func run(t *testing.T, o options) *site {
	t.Helper()
	if o.dir == "" {
		o.dir = t.TempDir()
	}
	if o.wire == nil {
		o.wire = mem.New("Wire")
	}
	if o.file == "" {
		o.file = wireConfig
	}
	reticulum := filepath.Join(o.dir, "reticulum")
	if err := os.MkdirAll(reticulum, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(reticulum, "config"), []byte(o.file), 0o600); err != nil {
		t.Fatal(err)
	}
	p := profile.DefaultParams()
	p.StartSpread, p.Offline = 0, 20*time.Millisecond
	p.Router.RetryWait, p.Router.PathWait = 200*time.Millisecond, 300*time.Millisecond
	conf := Config{
		StorageDir: filepath.Join(o.dir, "storage"), ReticulumDir: reticulum, PlainHTTP: true, Version: "test", Profile: p,
		Web: fstest.MapFS{"index.html": {Data: []byte("<!doctype html>")}}, Log: slog.New(slog.DiscardHandler),
		Build: func(c config.Interface) (iface.Interface, node.InterfaceConfig, error) {
			return o.wire, node.InterfaceConfig{}, nil
		},
	}
	conf.Tune = func(c *node.Config) {
		if c.Shared.Endpoint.Name == "default" {
			c.Shared = node.Shared{} // tests keep away from the programs of this machine
		}
	}
	if o.change != nil {
		o.change(&conf)
	}
	a, err := Open(t.Context(), conf)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	s := &site{App: a, t: t}
	stopped := false
	s.stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		s.http.CloseIdleConnections()
		cancel()
		return errors.Join(<-ended, a.Close())
	}
	s.signIn()
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	select {
	case <-a.Up():
	case <-time.After(patience):
		t.Fatal("not up")
	}
	s.id = s.identities()[0]
	return s
}

func (s *site) signIn() {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	s.http = &http.Client{Jar: jar, Transport: &http.Transport{}}
	url, err := s.StartURL()
	if err != nil {
		s.t.Fatal(err)
	}
	_, token, _ := strings.Cut(url, "#token=")
	var session api.NewSession
	s.must("POST", "/session", map[string]string{"token": token}, &session)
	s.next = session.SecondToken
}

func (s *site) identities() []api.IdentityView {
	s.t.Helper()
	var all struct{ Items []api.IdentityView }
	s.must("GET", "/identities", nil, &all)
	return all.Items
}

// answer is a response, read.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) code() string {
	var p api.Problem
	_ = json.Unmarshal(a.body, &p)
	return p.Code
}

// do sends a request below the prefix of the API. A []byte body travels as it is,
// anything else as JSON.
func (s *site) do(method, path string, body any, change ...func(*http.Request)) answer {
	s.t.Helper()
	var r io.Reader
	contentType := ""
	switch b := body.(type) {
	case nil:
	case []byte:
		r, contentType = bytes.NewReader(b), "application/octet-stream"
	default:
		j, err := json.Marshal(b)
		if err != nil {
			s.t.Fatal(err)
		}
		r, contentType = bytes.NewReader(j), "application/json"
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.URL()+api.Prefix+path, r)
	if err != nil {
		s.t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	req.Header.Set("Origin", s.URL())
	if s.next != "" {
		req.Header.Set(api.SecondTokenHeader, s.next)
	}
	for _, f := range change {
		f(req)
	}
	resp, err := s.http.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, b}
}

func (s *site) must(method, path string, body, out any) {
	s.t.Helper()
	a := s.do(method, path, body)
	if a.status >= 300 {
		s.t.Fatalf("%s %s: %d %s", method, path, a.status, a.body)
	}
	if out != nil {
		if err := json.Unmarshal(a.body, out); err != nil {
			s.t.Fatal(err)
		}
	}
}

// of is a path of the site's identity.
func (s *site) of(format string, args ...any) string {
	return "/identities/" + s.id.Hash + fmt.Sprintf(format, args...)
}

// watch opens the event socket.
func (s *site) watch() *websocket.Conn { return s.watchSince(0) }

func (s *site) watchSince(since uint64) *websocket.Conn {
	s.t.Helper()
	url := fmt.Sprintf("%s%s?since=%d", strings.Replace(s.URL(), "http", "ws", 1), api.SocketPath, since)
	conn, resp, err := websocket.Dial(s.t.Context(), url, &websocket.DialOptions{
		HTTPClient: s.http, HTTPHeader: http.Header{"Origin": {s.URL()}},
		Subprotocols: []string{auth.SocketProtocol, auth.SocketTokenPrefix + s.next},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	if resp.Body != nil {
		_ = resp.Body.Close()
	}
	s.t.Cleanup(func() { _ = conn.CloseNow() })
	return conn
}

// until asks again at every event, and once a second, until ok says so.
func (s *site) until(what string, ok func() bool) {
	s.t.Helper()
	conn := s.watch()
	defer conn.CloseNow()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	events := make(chan struct{}, 1)
	go func() {
		for {
			var e api.Event
			if wsjson.Read(ctx, conn, &e) != nil {
				return
			}
			select {
			case events <- struct{}{}:
			default:
			}
		}
	}()
	for !ok() {
		select {
		case <-events:
		case <-time.After(time.Second):
		case <-ctx.Done():
			s.t.Fatalf("%s: not within %s", what, patience)
		}
	}
}

func (s *site) state(id string) api.DeliveryView {
	s.t.Helper()
	var m api.MessageView
	s.must("GET", s.of("/messages/%s", id), nil, &m)
	return *m.Delivery
}

func (s *site) window(peer string) []api.MessageView {
	s.t.Helper()
	var w api.MessagePage
	s.must("GET", s.of("/conversations/%s/messages", peer), nil, &w)
	return w.Items
}

// heard waits until a peer's announce has come.
func (s *site) heard(peer string) {
	s.t.Helper()
	s.until("announce of "+peer, func() bool {
		var p api.PersonView
		s.must("GET", s.of("/people/%s", peer), nil, &p)
		return p.Heard != nil && p.Route.State == "path"
	})
}

// pair is two programs on one wire that have heard each other.
func pair(t *testing.T, c mem.Conditions) (a, b *site, ends [2]*mem.Endpoint) {
	t.Helper()
	x, y := mem.Pair("Wire", "Wire", c)
	a, b = run(t, options{wire: x}), run(t, options{wire: y})
	b.until("the wire", func() bool {
		var i api.InterfaceView
		b.must("GET", "/interfaces/Wire", nil, &i)
		return i.State == "up"
	})
	a.must("POST", a.of("/announce"), nil, nil) // the first one found nobody on the wire
	a.heard(b.id.Address)
	b.heard(a.id.Address)
	return a, b, [2]*mem.Endpoint{x, y}
}
