package httpd

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"
)

// bounded limits the size of bodies and cuts off peers that stop reading or writing.
func bounded(p Parts, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limit := p.Params.BodyBytes
		if p.BodyLimit != nil {
			if n := p.BodyLimit(r); n > 0 {
				limit = n
			}
		}
		c := http.NewResponseController(w)
		s := &stall{c: c, timeout: p.Params.StallTimeout}
		s.write()
		if r.Body != nil && r.Body != http.NoBody {
			s.read()
			r.Body = &slowBody{ReadCloser: http.MaxBytesReader(w, r.Body, limit), stall: s}
		}
		next.ServeHTTP(&slowWriter{ResponseWriter: w, stall: s}, r)
	})
}

// stall moves the deadlines of a connection on as long as there is progress. Connections without
// deadlines, as in tests, are left alone.
type stall struct {
	c       *http.ResponseController
	timeout time.Duration
}

func (s *stall) read()  { _ = s.c.SetReadDeadline(time.Now().Add(s.timeout)) }
func (s *stall) write() { _ = s.c.SetWriteDeadline(time.Now().Add(s.timeout)) }

// done lifts the limit of reading: the server goes on watching for the end of the connection.
func (s *stall) done() { _ = s.c.SetReadDeadline(time.Time{}) }

type slowBody struct {
	io.ReadCloser
	stall *stall
}

func (b *slowBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		b.stall.done()
	} else if n > 0 {
		b.stall.read()
	}
	return n, err
}

type slowWriter struct {
	http.ResponseWriter
	stall *stall
}

// Unwrap lets http.ResponseController reach the connection.
func (w *slowWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *slowWriter) Write(p []byte) (int, error) {
	w.stall.write()
	return w.ResponseWriter.Write(p)
}

// recovered turns a panic of a handler into an answer. The program goes on.
func recovered(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(v)
			}
			log.Error("request handler panicked", "method", r.Method, "path", r.URL.Path, "panic", v, "stack", string(debug.Stack()))
			if c, ok := w.(*counter); ok && c.status != 0 {
				panic(http.ErrAbortHandler) // part of an answer is out: only cutting it off is honest
			}
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, `{"type":"about:blank","title":"Internal Server Error","status":500,"code":"internal"}`)
		}()
		next.ServeHTTP(w, r)
	})
}

// counter remembers what was answered.
type counter struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// Unwrap lets http.ResponseController reach the connection.
func (c *counter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

func (c *counter) WriteHeader(status int) {
	if c.status == 0 && (status >= http.StatusOK || status == http.StatusSwitchingProtocols) {
		c.status = status
	}
	c.ResponseWriter.WriteHeader(status)
}

func (c *counter) Write(p []byte) (int, error) {
	if c.status == 0 {
		c.status = http.StatusOK
	}
	n, err := c.ResponseWriter.Write(p)
	c.bytes += int64(n)
	return n, err
}

// logged writes a line for each request: what was asked for, never with what.
func logged(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &counter{ResponseWriter: w}
		began := time.Now()
		defer func() {
			level := slog.LevelDebug
			if c.status >= http.StatusInternalServerError {
				level = slog.LevelWarn
			}
			log.LogAttrs(r.Context(), level, "request", slog.String("method", r.Method), slog.String("path", r.URL.Path),
				slog.Int("status", c.status), slog.Int64("bytes", c.bytes), slog.Duration("took", time.Since(began)), slog.String("from", r.RemoteAddr))
		}()
		next.ServeHTTP(c, r)
	})
}
