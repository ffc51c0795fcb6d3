package app

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"meshchatx/internal/api"
	"meshchatx/internal/httpd"
	"meshchatx/rns/iface/mem"
)

// TestFailureDamagedDatabases: a damaged database is kept beside a new one. Identities are found again by their
// directories, and the program is as usable as a new one.
func TestFailureDamagedDatabases(t *testing.T) {
	dir := t.TempDir()
	a := run(t, options{dir: dir})
	hash := a.id.Hash
	if err := a.stop(); err != nil {
		t.Fatal(err)
	}
	storage := filepath.Join(dir, "storage")
	files := []string{filepath.Join(storage, serverDatabase), filepath.Join(storage, "identities", hash, "messages.db")}
	for _, name := range files {
		if err := os.WriteFile(name, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a = run(t, options{dir: dir})
	if a.id.Hash != hash || !a.id.Online {
		t.Errorf("identity %s of %s is online: %v", a.id.Hash, hash, a.id.Online)
	}
	var status api.Status
	a.must("GET", "/status", nil, &status)
	if len(status.Problems) != len(files) {
		t.Errorf("status tells of %+v", status.Problems)
	}
	for i, name := range files {
		aside, _ := filepath.Glob(name + ".corrupt-*")
		if len(aside) != 1 {
			t.Fatalf("%s: kept as %v", name, aside)
		}
		if want := (api.StatusProblem{Code: "database_set_aside", Detail: filepath.Base(aside[0])}); !slices.Contains(status.Problems, want) {
			t.Errorf("file %d: status tells of %+v, not %+v", i, status.Problems, want)
		}
		if b, err := os.ReadFile(aside[0]); err != nil || !strings.HasPrefix(string(b), "no database") {
			t.Errorf("%s: %.20q, %v", aside[0], b, err)
		}
	}
	if id := a.send(strings.Repeat("ab", 16), "still usable"); a.state(id).State == "" {
		t.Error("message has no state")
	}
}

// TestFailureDamagedIdentity: an identity whose key, directory or database cannot be used says so in the list; the others
// come online.
func TestFailureDamagedIdentity(t *testing.T) {
	for name, damage := range map[string]func(dir string) error{
		"key is no key":    func(dir string) error { return os.WriteFile(filepath.Join(dir, "identity"), []byte("x"), 0o600) },
		"key is gone":      func(dir string) error { return os.Remove(filepath.Join(dir, "identity")) },
		"key of another":   func(dir string) error { return os.WriteFile(filepath.Join(dir, "identity"), make([]byte, 64), 0o600) },
		"directory a file": func(dir string) error { return errors.Join(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o600)) },
		"database a directory": func(dir string) error {
			db := filepath.Join(dir, "messages.db")
			return errors.Join(os.Remove(db), os.MkdirAll(filepath.Join(db, "x"), 0o700))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			a := run(t, options{dir: dir})
			var second api.IdentityView
			a.must("POST", "/identities", map[string]string{"display_name": "Second"}, &second)
			if err := a.stop(); err != nil {
				t.Fatal(err)
			}
			if err := damage(filepath.Join(dir, "storage", "identities", second.Hash)); err != nil {
				t.Fatal(err)
			}
			a = run(t, options{dir: dir})
			all := a.identities()
			if len(all) != 2 || !all[0].Online || all[1].Online || all[1].Code != "not_opened" {
				t.Errorf("%+v", all)
			}
			if got := a.do("GET", "/identities/"+second.Hash+"/conversations", nil); got.status != http.StatusConflict || got.code() != "identity_offline" {
				t.Errorf("%d %s", got.status, got.body)
			}
		})
	}
}

// TestFailureUnreadableDirectory: what cannot be opened at all ends the start with the name of the place, and nothing is
// left behind that would hinder the next one.
func TestFailureUnreadableDirectory(t *testing.T) {
	base, err := os.MkdirTemp("", "meshchatx-*") //nolint:usetesting // unlike those of t.TempDir, its parents let others pass
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(base) })
	if err := os.Chmod(base, 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(base, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, storage := range map[string]string{"a file": file, "below a file": filepath.Join(file, "storage")} {
		a, err := Open(t.Context(), Config{StorageDir: storage, ReticulumDir: base, PlainHTTP: true})
		if err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", name, err)
		}
		if err := a.Close(); err != nil {
			t.Errorf("%s: close: %v", name, err)
		}
	}
	dir := filepath.Join(base, "forbidden")
	if err := os.Mkdir(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	asNobody(t, func() {
		a, err := Open(t.Context(), Config{StorageDir: filepath.Join(dir, "storage"), ReticulumDir: base, PlainHTTP: true})
		if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), dir) {
			t.Errorf("forbidden: %v", err)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestFailureTakenPort: the message names the address and a free port; the storage directory is free again.
func TestFailureTakenPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	dir := t.TempDir()
	conf := Config{StorageDir: filepath.Join(dir, "storage"), ReticulumDir: dir, PlainHTTP: true, Port: port}
	a, err := Open(t.Context(), conf)
	var taken *httpd.PortError
	if !errors.As(err, &taken) || !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), strconv.Itoa(port)) {
		t.Fatalf("%v", err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	conf.Port = 0
	a, err = Open(t.Context(), conf)
	if err != nil {
		t.Fatalf("after the refusal: %v", err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}

// TestFailureUnreadableConfiguration: a configuration file that cannot be read stops no identity and no page, is told, and is
// never overwritten.
func TestFailureUnreadableConfiguration(t *testing.T) {
	for name, text := range map[string]string{
		"not closed": "[interfaces\n", "not text": "[interfaces]\n\xff\xfe = 1\n", "deep": strings.Repeat("[", 2000) + "x" + strings.Repeat("]", 2000),
		"large": "# " + strings.Repeat("x", 2<<20),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			a := run(t, options{dir: dir, file: text})
			if !a.id.Online {
				t.Error("identity is offline")
			}
			got := a.do("GET", "/interfaces", nil)
			if got.status != http.StatusOK || !strings.Contains(string(got.body), "config_unreadable") {
				t.Errorf("%d %.300s", got.status, got.body)
			}
			add := map[string]any{"name": "New", "type": "AutoInterface", "enabled": true}
			if got := a.do("POST", "/interfaces", add); got.code() != "config_unreadable" {
				t.Errorf("adding: %d %.300s", got.status, got.body)
			}
			if b, err := os.ReadFile(filepath.Join(dir, "reticulum", "config")); err != nil || string(b) != text {
				t.Errorf("the file was changed: %v", err)
			}
		})
	}
}

// TestFailureHostileFileNames: names are labels. They reach no path, no header and no disposition but as text.
func TestFailureHostileFileNames(t *testing.T) {
	dir := t.TempDir()
	a := run(t, options{dir: dir})
	for _, name := range []string{
		"../../../../etc/passwd", "/etc/passwd", `..\..\windows\system32\x.exe`, "a\r\nSet-Cookie: x=y", "\"; filename=\"b.exe",
		"CON", "a\x00b.txt", ".", "..", strings.Repeat("x", 5000), "invoice\u202egpj.exe", "<script>alert(1)</script>.html",
	} {
		var u api.UploadView
		got := a.do("POST", a.of("/uploads?name=%s", url.QueryEscape(name)), []byte("<script>alert(1)</script>"))
		if got.status >= 500 {
			t.Errorf("%q: %d %s", name, got.status, got.body)
		}
		if got.status >= 300 {
			continue
		}
		if err := json.Unmarshal(got.body, &u); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(u.Name, "/\\\x00\r\n\u202e") || u.Name == "." || u.Name == ".." || len(u.Name) > 255 || u.Name == "" {
			t.Errorf("%q became %q", name, u.Name)
		}
		got = a.do("GET", strings.TrimPrefix(u.URL, api.Prefix), nil)
		h := got.header
		if got.status != http.StatusOK || !strings.HasPrefix(h.Get("Content-Disposition"), "attachment") || h.Get("Set-Cookie") != "" ||
			h.Get("Content-Type") != "application/octet-stream" || h.Get("X-Content-Type-Options") != "nosniff" ||
			!strings.HasPrefix(h.Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("%q: %d %v", name, got.status, h)
		}
	}
	err := filepath.WalkDir(filepath.Join(dir, "storage", "identities", a.id.Hash, "blobs"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.Trim(d.Name(), "0123456789abcdef") != "" {
			t.Errorf("file %s", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestFailureOversizedUpload: more than the limit is refused by name, and nothing of it stays.
func TestFailureOversizedUpload(t *testing.T) {
	dir := t.TempDir()
	a := run(t, options{dir: dir, change: func(c *Config) { c.Profile.Chat.MaxUpload = 100_000 }})
	got := a.do("POST", a.of("/uploads?name=large.bin"), make([]byte, 300_000))
	if got.status != http.StatusRequestEntityTooLarge || got.code() != "too_large" {
		t.Errorf("%d %s", got.status, got.body)
	}
	left := 0
	err := filepath.WalkDir(filepath.Join(dir, "storage", "identities", a.id.Hash, "blobs"), func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			left++
		}
		return err
	})
	if err != nil || left != 0 {
		t.Errorf("%d files are left, %v", left, err)
	}
	if got := a.do("POST", a.of("/messages"), map[string]string{"peer": strings.Repeat("ab", 16), "content": strings.Repeat("x", api.MaxBody)}); got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("a long message: %d %.200s", got.status, got.body)
	}
	a.upload("small.bin", make([]byte, 1000))
}

// TestFailureForeignRequests: without session, from another origin, for another host or without the second token nothing is
// done and nothing is told.
func TestFailureForeignRequests(t *testing.T) {
	a := run(t, options{wire: mem.New("Wire")})
	for name, c := range map[string]struct {
		change func(*http.Request)
		status int
		code   string
	}{
		"another origin":  {func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, http.StatusForbidden, "origin_not_allowed"},
		"no origin":       {func(r *http.Request) { r.Header.Del("Origin") }, http.StatusForbidden, "origin_not_allowed"},
		"another host":    {func(r *http.Request) { r.Host = "evil.example" }, http.StatusMisdirectedRequest, "host_not_allowed"},
		"no second token": {func(r *http.Request) { r.Header.Del(api.SecondTokenHeader) }, http.StatusForbidden, "second_token"},
		"a wrong one":     {func(r *http.Request) { r.Header.Set(api.SecondTokenHeader, "x") }, http.StatusForbidden, "second_token"},
	} {
		got := a.do("POST", "/identities", map[string]string{"display_name": "Eve"}, c.change)
		if got.status != c.status || got.code() != c.code {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	jar := a.http.Jar
	a.http.Jar = nil
	for _, path := range []string{"/identities", a.of("/conversations"), "/settings", "/interfaces"} {
		if got := a.do("GET", path, nil); got.status != http.StatusUnauthorized || got.code() != "signed_out" {
			t.Errorf("%s without session: %d %s", path, got.status, got.body)
		}
	}
	a.http.Jar = jar
	if n := len(a.identities()); n != 1 {
		t.Errorf("%d identities", n)
	}
}
