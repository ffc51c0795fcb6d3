package httpd

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"meshchatx/internal/selfcert"
)

var built = fstest.MapFS{
	"index.html":                {Data: []byte("<!doctype html>the page")},
	"index.html.br":             {Data: []byte("page in brotli")},
	"index.html.gz":             {Data: []byte("page in gzip")},
	"favicon.svg":               {Data: []byte("<svg/>")},
	".keep":                     {Data: []byte("")},
	"assets/app-B1xQ2.js":       {Data: []byte("console.log(1)")},
	"assets/app-B1xQ2.js.br":    {Data: []byte("script in brotli")},
	"assets/app-B1xQ2.js.gz":    {Data: []byte("script in gzip")},
	"assets/inter-Z9.woff2":     {Data: []byte("font")},
	"assets/unknown-Z9.strange": {Data: []byte("?")},
}

func handler(t *testing.T, p Parts) http.Handler {
	t.Helper()
	if p.Static == nil {
		p.Static = built
	}
	if p.API == nil {
		p.API = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "api "+r.URL.Path) })
	}
	h, err := NewHandler(p)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func get(h http.Handler, method, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestStaticFiles(t *testing.T) {
	h := handler(t, Parts{})
	const immutable = "public, max-age=31536000, immutable"
	for name, c := range map[string]struct {
		path, accept           string
		status                 int
		body, mime, enc, cache string
	}{
		"page":                    {"/", "", 200, "<!doctype html>the page", "text/html; charset=utf-8", "", "no-store"},
		"page, brotli":            {"/", "gzip, deflate, br", 200, "page in brotli", "text/html; charset=utf-8", "br", "no-store"},
		"page, gzip":              {"/", "gzip", 200, "page in gzip", "text/html; charset=utf-8", "gzip", "no-store"},
		"page, refusing":          {"/", "br;q=0, gzip;q=0.5", 200, "page in gzip", "text/html; charset=utf-8", "gzip", "no-store"},
		"address of the app":      {"/i/0011/chats/2233", "", 200, "<!doctype html>the page", "text/html; charset=utf-8", "", "no-store"},
		"address under /apis":     {"/apis", "", 200, "<!doctype html>the page", "text/html; charset=utf-8", "", "no-store"},
		"script":                  {"/assets/app-B1xQ2.js", "br", 200, "script in brotli", "text/javascript; charset=utf-8", "br", immutable},
		"font":                    {"/assets/inter-Z9.woff2", "br", 200, "font", "font/woff2", "", immutable},
		"unknown kind":            {"/assets/unknown-Z9.strange", "", 200, "?", "application/octet-stream", "", immutable},
		"icon":                    {"/favicon.svg", "", 200, "<svg/>", "image/svg+xml", "", "no-cache"},
		"missing script":          {"/assets/old-1a2b.js", "", 404, "not found\n", "text/plain; charset=utf-8", "", "no-store"},
		"compressed form by name": {"/index.html.br", "", 404, "not found\n", "text/plain; charset=utf-8", "", "no-store"},
		"hidden file":             {"/.keep", "", 404, "not found\n", "text/plain; charset=utf-8", "", "no-store"},
		"out of the directory":    {"/../../etc/passwd.txt", "", 404, "not found\n", "text/plain; charset=utf-8", "", "no-store"},
		"dots to the page":        {"/assets/../index.html", "", 200, "<!doctype html>the page", "text/html; charset=utf-8", "", "no-store"},
		"api":                     {"/api/v1/x", "br", 200, "api /api/v1/x", "text/plain; charset=utf-8", "", "no-store"},
		"unknown api":             {"/api/nothing", "", 200, "api /api/nothing", "text/plain; charset=utf-8", "", "no-store"},
		"socket":                  {"/ws", "", 200, "api /ws", "text/plain; charset=utf-8", "", "no-store"},
	} {
		t.Run(name, func(t *testing.T) {
			w := get(h, http.MethodGet, c.path, "Accept-Encoding", c.accept)
			head := w.Header()
			if w.Code != c.status || w.Body.String() != c.body || head.Get("Content-Type") != c.mime ||
				head.Get("Content-Encoding") != c.enc || head.Get("Cache-Control") != c.cache {
				t.Errorf("%d %q %v", w.Code, w.Body, head)
			}
			if c.enc != "" && head.Get("Vary") != "Accept-Encoding" {
				t.Error("a compressed answer does not vary")
			}
		})
	}
}

func TestStaticMethodsAndConditions(t *testing.T) {
	h := handler(t, Parts{})
	if w := get(h, http.MethodPost, "/"); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d", w.Code)
	}
	if w := get(h, http.MethodHead, "/favicon.svg"); w.Code != 200 || w.Body.Len() != 0 || w.Header().Get("Content-Length") != "6" {
		t.Errorf("HEAD: %d, %d bytes, %v", w.Code, w.Body.Len(), w.Header())
	}
	for _, path := range []string{"/favicon.svg", "/assets/app-B1xQ2.js"} {
		plain := get(h, http.MethodGet, path).Header().Get("ETag")
		packed := get(h, http.MethodGet, path, "Accept-Encoding", "br").Header().Get("ETag")
		if w := get(h, http.MethodGet, path, "If-None-Match", `"x", W/`+plain); plain == "" || w.Code != http.StatusNotModified || w.Body.Len() != 0 {
			t.Errorf("%s with its tag %s: %d", path, plain, w.Code)
		}
		if strings.HasSuffix(path, ".js") && packed == plain {
			t.Errorf("%s: both forms have the tag %s", path, plain)
		}
	}
	if w := get(h, http.MethodGet, "/", "If-None-Match", "*"); w.Code != 200 || w.Header().Get("ETag") != "" {
		t.Errorf("the page itself is never taken from a cache: %d", w.Code)
	}
}

func TestBuildWithoutApplication(t *testing.T) {
	for name, files := range map[string]fstest.MapFS{"empty": {}, "marker only": {".keep": {}}} {
		if w := get(handler(t, Parts{Static: files}), http.MethodGet, "/"); w.Code != 404 || !strings.Contains(w.Body.String(), "no web application") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

func TestSecurityHeaders(t *testing.T) {
	h := handler(t, Parts{API: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "sandbox")
		w.Header().Set("Cache-Control", "private")
	})})
	page := get(h, http.MethodGet, "/").Header()
	csp := page.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self';", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'", "connect-src 'self'"} {
		if !strings.Contains(csp, want) {
			t.Errorf("policy lacks %s", want)
		}
	}
	if strings.Contains(csp, "unsafe-eval") || strings.Contains(csp, "script-src 'self' 'unsafe-inline'") || strings.Contains(csp, "http") {
		t.Errorf("policy %s", csp)
	}
	for key, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "Strict-Transport-Security": "",
	} {
		if page.Get(key) != want {
			t.Errorf("%s: %q", key, page.Get(key))
		}
	}
	own := get(h, http.MethodGet, "/api/v1/blob").Header()
	if own.Get("Content-Security-Policy") != "sandbox" || own.Get("Cache-Control") != "private" || own.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("a handler's own headers: %v", own)
	}
}

func TestGuardStandsBeforeEverything(t *testing.T) {
	h := handler(t, Parts{Guard: func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusTeapot) })
	}})
	for _, path := range []string{"/", "/assets/app-B1xQ2.js", "/api/v1/x", "/ws"} {
		if w := get(h, http.MethodGet, path); w.Code != http.StatusTeapot || w.Header().Get("X-Content-Type-Options") == "" {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func TestBodiesAreLimited(t *testing.T) {
	api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		}
		_, _ = fmt.Fprint(w, len(b))
	})
	p := DefaultParams()
	p.BodyBytes = 10
	h := handler(t, Parts{API: api, Params: p, BodyLimit: func(r *http.Request) int64 {
		if r.URL.Path == "/api/upload" {
			return 100
		}
		return 0
	}})
	for _, c := range []struct {
		path         string
		size, status int
	}{{"/api/x", 10, 200}, {"/api/x", 11, 413}, {"/api/upload", 100, 200}, {"/api/upload", 101, 413}} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, c.path, strings.NewReader(strings.Repeat("x", c.size))))
		if w.Code != c.status {
			t.Errorf("%s with %d bytes: %d", c.path, c.size, w.Code)
		}
	}
}

// log collects what is logged.
type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *log) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func TestPanicIsAnAnswerAndALine(t *testing.T) {
	var l log
	h := handler(t, Parts{Logger: l.logger(), API: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/late" {
			_, _ = io.WriteString(w, "half of it")
		}
		panic("oops")
	})})
	if w := get(h, http.MethodGet, "/api/x"); w.Code != 500 || !strings.Contains(w.Body.String(), `"code":"internal"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if out := l.String(); !strings.Contains(out, "oops") || !strings.Contains(out, "status=500") || !strings.Contains(out, "level=WARN") {
		t.Errorf("log %s", out)
	}
	defer func() {
		if v := recover(); v != http.ErrAbortHandler {
			t.Errorf("a started answer ended with %v", v)
		}
	}()
	get(h, http.MethodGet, "/api/late")
}

func TestLogHoldsNoSecrets(t *testing.T) {
	var l log
	h := handler(t, Parts{Logger: l.logger()})
	get(h, http.MethodGet, "/?token=hunter2", "Cookie", "a=hunter2", "Authorization", "Bearer hunter2", "X-Second-Token", "hunter2", "User-Agent", "hunter2")
	if out := l.String(); strings.Contains(out, "hunter2") || !strings.Contains(out, "path=/ ") {
		t.Errorf("log %s", out)
	}
}

func TestAddresses(t *testing.T) {
	ctx := t.Context()
	for _, host := range []string{"0.0.0.0", "::", "192.0.2.1", "mesh.local"} {
		if _, err := Listen(ctx, Config{Host: host}); !errors.Is(err, ErrPlainHTTP) {
			t.Errorf("plain HTTP on %s: %v", host, err)
		}
	}
	s, err := Listen(ctx, Config{Host: "0.0.0.0", Plain: PlainAnywhere})
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("http://127.0.0.1:%d", s.Port()); s.URL() != want {
		t.Errorf("%s, want %s", s.URL(), want)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if s, err = Listen(ctx, Config{TLS: &tls.Config{}}); err != nil || !strings.HasPrefix(s.URL(), "https://127.0.0.1:") {
		t.Fatalf("default host: %v", err)
	}
	_ = s.Close()
}

func TestTakenPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	port := l.Addr().(*net.TCPAddr).Port
	_, err = Listen(t.Context(), Config{Port: port})
	var taken *PortError
	if !errors.As(err, &taken) || !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), fmt.Sprintf("127.0.0.1:%d is taken", port)) {
		t.Fatalf("got %v", err)
	}
	if taken.Next != 0 {
		s, err := Listen(t.Context(), Config{Port: taken.Next})
		if err != nil {
			t.Skipf("port %d was taken meanwhile: %v", taken.Next, err)
		}
		_ = s.Close()
	}
}

// serve runs a server until the test ends and returns its address and what stops it.
func serve(t *testing.T, c Config, h http.Handler) (*Server, func() error) {
	t.Helper()
	s, err := Listen(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, h) }()
	stop := sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() { _ = stop() })
	return s, stop
}

func TestServesHTTPSAndStops(t *testing.T) {
	cert, err := selfcert.Load(selfcert.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	entered, release := make(chan struct{}), make(chan struct{})
	s, stop := serve(t, Config{TLS: cert.TLS()}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-release
		if err := r.Context().Err(); err != nil {
			t.Errorf("a running request was cancelled: %v", err)
		}
		_, _ = io.WriteString(w, "done")
	}))
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	defer client.CloseIdleConnections()
	answer := make(chan string, 1)
	go func() {
		resp, err := client.Get(s.URL())
		if err != nil {
			answer <- err.Error()
			return
		}
		defer func() { _ = resp.Body.Close() }()
		b, _ := io.ReadAll(resp.Body)
		answer <- string(b)
	}()
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	for { // the address is given back while the request still runs
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.Port()))
		if err != nil {
			break
		}
		_ = c.Close()
	}
	close(release)
	if got := <-answer; got != "done" {
		t.Errorf("running request got %q", got)
	}
	if err := <-stopped; err != nil {
		t.Errorf("stopping: %v", err)
	}
}

func TestStoppingEndsRequestsThatGoOn(t *testing.T) {
	p := DefaultParams()
	p.StopTimeout = time.Millisecond
	entered := make(chan struct{})
	s, stop := serve(t, Config{Params: p}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
	}))
	go func() {
		if resp, err := http.Get(s.URL()); err == nil {
			_ = resp.Body.Close()
		}
	}()
	<-entered
	if err := stop(); err != nil {
		t.Errorf("stopping: %v", err)
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	p := DefaultParams()
	p.Connections = 2
	s, _ := serve(t, Config{Params: p}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))
	addr := fmt.Sprintf("127.0.0.1:%d", s.Port())
	ask := func(c net.Conn) error {
		if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			return err
		}
		_, err := http.ReadResponse(bufio.NewReader(c), nil)
		return err
	}
	var open []net.Conn
	for range 3 {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		open = append(open, c)
	}
	if err := errors.Join(ask(open[0]), ask(open[1])); err != nil {
		t.Fatal(err)
	}
	waiting := make(chan error, 1)
	go func() { waiting <- ask(open[2]) }()
	_ = open[0].Close()
	if err := <-waiting; err != nil {
		t.Errorf("the third connection after the first was closed: %v", err)
	}
}
