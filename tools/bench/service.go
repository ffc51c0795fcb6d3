package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/coder/websocket"

	"meshchatx/internal/api"
	"meshchatx/internal/app"
	"meshchatx/internal/auth"
	"meshchatx/internal/store"
	"meshchatx/rns"
)

// service is the finished program with a signed-in client.
type service struct {
	*usage
	base, second, identity string
	http                   *http.Client
	begun                  time.Duration // until the first answer
	stop                   func() error
}

func mkdir(in string) (string, error) { return os.MkdirTemp(in, "dir-") }

const serviceConfig = `[reticulum]
  share_instance = No
[interfaces]
  [[bench]]
    type = TCPServerInterface
    enabled = Yes
    listen_ip = 127.0.0.1
    listen_port = %d
    ingress_control = No
`

// launch starts the program on a directory and measures the time until it answers a request.
func (s *session) launch(dir string, port int) (*service, error) {
	reticulum := filepath.Join(dir, "reticulum")
	if err := os.MkdirAll(reticulum, 0o700); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(reticulum, "config"), fmt.Appendf(nil, serviceConfig, port), 0o600); err != nil {
		return nil, err
	}
	storage, web := filepath.Join(dir, "storage"), freePort()
	out, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd := exec.Command(s.program, "serve", "--no-https", "--port", fmt.Sprint(web), "--storage-dir", storage,
		"--reticulum-config-dir", reticulum)
	cmd.Stdout, cmd.Stderr = out, out
	begin := time.Now()
	wait, err := spawn(cmd)
	if err != nil {
		return nil, err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	p := &service{
		usage: usageOf(cmd.Process.Pid), base: fmt.Sprintf("http://127.0.0.1:%d", web),
		http: &http.Client{Jar: jar, Transport: &http.Transport{MaxIdleConnsPerHost: 16}},
	}
	p.stop = func() error {
		p.http.CloseIdleConnections()
		return errors.Join(cmd.Process.Signal(syscall.SIGTERM), wait())
	}
	if err := p.first(begin); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	if err := p.signIn(storage); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

// first waits for the first page.
func (p *service) first(begin time.Time) error {
	for time.Since(begin) < 30*time.Second {
		resp, err := p.http.Get(p.base + "/")
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				p.begun = time.Since(begin)
				return nil
			}
		}
		time.Sleep(time.Millisecond)
	}
	return errors.New("no answer from the program")
}

func (p *service) signIn(storage string) error {
	var i app.Instance
	var err error
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if i, err = app.FindInstance(storage); err == nil {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", i.URL, err)
	}
	secret, err := auth.ReadSecret(storage)
	if err != nil {
		return err
	}
	token, err := secret.StartToken(random{}, time.Now())
	if err != nil {
		return err
	}
	var session api.NewSession
	if err := p.call(http.MethodPost, "/session", map[string]string{"token": token}, &session); err != nil {
		return err
	}
	p.second = session.SecondToken
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		var all struct {
			Items []api.IdentityView `json:"items"`
		}
		if err := p.call(http.MethodGet, "/identities", nil, &all); err != nil {
			return err
		}
		if len(all.Items) > 0 && all.Items[0].Online {
			p.identity = all.Items[0].Hash
			return nil
		}
	}
	return errors.New("no identity is online")
}

func (p *service) call(method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequest(method, p.base+api.Prefix+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Origin", p.base)
	req.Header.Set(api.SecondTokenHeader, p.second)
	resp, err := p.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, b)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(b, out)
}

func (p *service) of(path string, args ...any) string {
	return "/identities/" + p.identity + fmt.Sprintf(path, args...)
}

// service measures the finished program: start, memory, quiet, announces, acceptance.
func (s *session) service() error {
	dir, err := mkdir(s.dir)
	if err != nil {
		return err
	}
	port := freePort()
	p, err := s.launch(dir, port)
	if err != nil {
		return err
	}
	s.record("service-start", p.begun.Seconds())
	err = errors.Join(s.quiet(p), s.heard(p, port), s.accept(p))
	return errors.Join(err, p.stop())
}

// quiet has one browser that only listens.
func (s *session) quiet(p *service) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	conn, _, err := websocket.Dial(ctx, strings.Replace(p.base, "http", "ws", 1)+api.SocketPath, &websocket.DialOptions{
		HTTPClient: p.http, HTTPHeader: http.Header{"Origin": {p.base}},
		Subprotocols: []string{auth.SocketProtocol, auth.SocketTokenPrefix + p.second},
	})
	if err != nil {
		return err
	}
	var reader sync.WaitGroup
	reader.Go(func() {
		for {
			if _, _, err := conn.Read(ctx); err != nil {
				return
			}
		}
	})
	time.Sleep(4 * time.Second)
	s.record("service-idle", p.memory()/mib)
	cpu, begin := p.cpu(), time.Now()
	time.Sleep(10 * time.Second)
	s.record("service-cpu", (p.cpu()-cpu).Seconds()/time.Since(begin).Seconds()*100)
	cancel()
	reader.Wait()
	return nil
}

// heard announces 5,000 people for the memory, and then more for the rate at which they are stored.
func (s *session) heard(p *service, port int) error {
	c, err := dial(port)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := s.announceTo(p, c, 5_000); err != nil {
		return err
	}
	time.Sleep(3 * time.Second)
	s.record("service-heard", p.memory()/mib)
	const many = 40_000
	cpu := p.cpu()
	took, err := s.announceTo(p, c, many)
	if err != nil {
		return err
	}
	s.record("service-announces", many/took.Seconds())
	s.record("service-announces-cpu", (p.cpu()-cpu).Seconds()*1e6/many)
	return nil
}

// announceTo announces people and waits until the last of them is stored and shown.
func (s *session) announceTo(p *service, to io.Writer, n int) (time.Duration, error) {
	raw, err := crowd(n)
	if err != nil {
		return 0, err
	}
	type people struct {
		Counts api.HeardCounts `json:"counts"`
	}
	var before, now people
	if err := p.call(http.MethodGet, p.of("/people?limit=1"), nil, &before); err != nil {
		return 0, err
	}
	begin := time.Now()
	go func() { _, _ = to.Write(raw) }()
	for time.Since(begin) < time.Minute {
		if err := p.call(http.MethodGet, p.of("/people?limit=1"), nil, &now); err != nil {
			return 0, err
		}
		if now.Counts.All >= before.Counts.All+n {
			return time.Since(begin), nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return 0, errors.New("announces are not stored")
}

// accept writes messages to somebody who does not answer; each is answered when it is on the disk.
func (s *session) accept(p *service) error {
	var took []float64
	for i := range 500 {
		begin := time.Now()
		err := p.call(http.MethodPost, p.of("/messages"), api.SendMessage{
			Peer: rns.TruncatedHash([]byte{byte(i % 20)}).Hex(), Content: fmt.Sprintf("message %d", i),
		}, nil)
		if err != nil {
			return err
		}
		took = append(took, time.Since(begin).Seconds()*1e3)
	}
	slices.Sort(took)
	s.record("accept", took[len(took)*99/100])
	return nil
}

// filled measures the program on a store of 50,000 messages in 5,000 conversations.
func (s *session) filled() error {
	dir, err := mkdir(s.dir)
	if err != nil {
		return err
	}
	port := freePort()
	p, err := s.launch(dir, port)
	if err != nil {
		return err
	}
	identity := p.identity
	if err := p.stop(); err != nil {
		return err
	}
	if err := fill(filepath.Join(dir, "storage", "identities", identity, "messages.db"), 50_000); err != nil {
		return err
	}
	if p, err = s.launch(dir, port); err != nil {
		return err
	}
	s.record("service-start-filled", p.begun.Seconds())
	err = s.load(p)
	return errors.Join(err, p.stop())
}

// load asks for pages with eight clients.
func (s *session) load(p *service) error {
	var done sync.WaitGroup
	var next atomic.Int64
	errs := make([]error, 8)
	for w := range errs {
		done.Go(func() {
			for i := next.Add(1); i <= 4000 && errs[w] == nil; i = next.Add(1) {
				path := p.of("/conversations/%s/messages?limit=50", peer(int(i)%5_000).Hex())
				if i%4 == 0 {
					path = p.of("/conversations?limit=50")
				}
				errs[w] = p.call(http.MethodGet, path, nil, nil)
			}
		})
	}
	done.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	time.Sleep(time.Second)
	s.record("service-load", p.memory()/mib)
	return nil
}

func peer(n int) rns.Addr { return rns.TruncatedHash(fmt.Appendf(nil, "peer %d", n)) }

func fill(file string, n int) (err error) {
	ctx := context.Background()
	db, _, err := store.OpenIdentity(ctx, file, store.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	start := time.Now().Add(-time.Duration(n) * time.Second)
	return db.Update(ctx, func(tx store.IdentityTables) error {
		for i := range n {
			at := start.Add(time.Duration(i) * time.Second)
			m := store.Message{
				ID: rns.FullHash(fmt.Appendf(nil, "message %d", i)), Peer: peer(i % 5_000), Source: peer(i % 5_000),
				Direction: store.Incoming, Content: fmt.Sprintf("What is told in message %d to fill a line or two of a page", i),
				SentAt: at, StoredAt: at, ChangedAt: at, Status: store.StatusReceived, Method: store.MethodDirect, Size: 100,
			}
			if _, err := tx.Messages.Insert(ctx, m, nil); err != nil {
				return err
			}
		}
		return nil
	})
}
