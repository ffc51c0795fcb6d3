package httpd

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener of connections in memory, whose deadlines follow the time of the test.
type pipes struct {
	conns chan net.Conn
	ended chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.ended:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.ended); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }

// inMemory runs a server inside the virtual time of a test. dial sends the beginning of a
// request; stop ends the server.
func inMemory(t *testing.T, api http.HandlerFunc) (dial func(send string) net.Conn, stop func()) {
	t.Helper()
	params := DefaultParams()
	h, err := NewHandler(Parts{API: api, Static: built, Params: params})
	if err != nil {
		t.Fatal(err)
	}
	p := &pipes{conns: make(chan net.Conn), ended: make(chan struct{})}
	s := &Server{conf: Config{Host: "127.0.0.1", Params: params, Logger: slog.New(slog.DiscardHandler)}, listener: limit(p, params.Connections)}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, h) }()
	dial = func(send string) net.Conn {
		mine, theirs := net.Pipe()
		p.conns <- theirs
		if _, err := io.WriteString(mine, send); err != nil {
			t.Fatal(err)
		}
		return mine
	}
	return dial, func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

func TestHeadersThatNeverEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial, stop := inMemory(t, nil)
		defer stop()
		began := time.Now()
		c := dial("GET / HTTP/1.1\r\nHost: x\r\nX-Slow:")
		if _, err := io.ReadAll(c); err != nil {
			t.Errorf("%v", err)
		}
		if took := time.Since(began); took > DefaultParams().HeaderTimeout+time.Second {
			t.Errorf("hung up after %v", took)
		}
	})
}

func TestHeadersWithoutMeasure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial, stop := inMemory(t, nil)
		defer stop()
		c := dial("GET / HTTP/1.1\r\n")
		go func() { _, _ = io.WriteString(c, "X: "+strings.Repeat("y", 100_000)+"\r\n\r\n") }()
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("%v, %v", resp, err)
		}
		_ = c.Close()
	})
}

func TestBodyThatStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		result := make(chan error, 1)
		dial, stop := inMemory(t, func(w http.ResponseWriter, r *http.Request) {
			_, err := io.Copy(io.Discard, r.Body)
			result <- err
		})
		defer stop()
		c := dial("POST /api/x HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n")
		began := time.Now()
		for range 3 { // slow, but going on
			time.Sleep(DefaultParams().StallTimeout - time.Second)
			if _, err := io.WriteString(c, "abc"); err != nil {
				t.Fatal(err)
			}
		}
		err := <-result
		want := 4*DefaultParams().StallTimeout - 3*time.Second
		if took := time.Since(began); !isTimeout(err) || took != want {
			t.Errorf("%v after %v, want %v", err, took, want)
		}
		_ = c.Close()
	})
}

func TestAnswerNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		result := make(chan error, 1)
		dial, stop := inMemory(t, func(w http.ResponseWriter, _ *http.Request) {
			var err error
			for chunk := make([]byte, 1<<16); err == nil; {
				_, err = w.Write(chunk)
			}
			result <- err
		})
		defer stop()
		c := dial("GET /api/x HTTP/1.1\r\nHost: x\r\n\r\n")
		began := time.Now()
		if err := <-result; !isTimeout(err) || time.Since(began) != DefaultParams().StallTimeout {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		_ = c.Close()
	})
}

func TestLongWorkIsNotASlowPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial, stop := inMemory(t, func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				t.Error(err)
			}
			select {
			case <-r.Context().Done():
				t.Errorf("cancelled: %v", context.Cause(r.Context()))
			case <-time.After(10 * DefaultParams().StallTimeout):
			}
			_, _ = io.WriteString(w, "done")
		})
		defer stop()
		c := dial("POST /api/x HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody")
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(resp.Body); err != nil || string(b) != "done" {
			t.Errorf("%q, %v", b, err)
		}
		_ = c.Close()
	})
}
