package httpd

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// Names of the built application.
const (
	indexFile = "index.html"
	assetsDir = "assets/" // names there contain a hash of the content
)

// asset is one file of the application with its compressed forms.
type asset struct {
	mime    string
	cache   string
	etag    string // without quotes
	size    int64
	packed  map[string]int64 // by encoding: length of the compressed file
	varies  bool
	nostore bool
}

// static serves the application.
type static struct {
	files  fs.FS
	assets map[string]*asset
}

// encodings in the order of preference, with the suffix of their files.
var encodings = []struct{ name, suffix string }{{"br", ".br"}, {"gzip", ".gz"}}

// types of files by extension; the operating system's table is not asked, so that all answer alike.
var types = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8",
	".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".png": "image/png", ".ico": "image/x-icon", ".webp": "image/webp",
	".json": "application/json", ".webmanifest": "application/manifest+json", ".woff2": "font/woff2", ".txt": "text/plain; charset=utf-8",
	".wasm": "application/wasm", ".map": "application/json",
}

// newStatic lists the files once; they do not change while the program runs.
func newStatic(files fs.FS) (*static, error) {
	s := &static{files: files, assets: make(map[string]*asset)}
	if files == nil {
		return s, nil
	}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && name == "." {
			return nil
		}
		if err != nil || d.IsDir() || strings.HasPrefix(path.Base(name), ".") || suffixOf(name) != "" {
			return err
		}
		a, err := s.describe(name, d)
		s.assets[name] = a
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list web application: %w", err)
	}
	return s, nil
}

func suffixOf(name string) string {
	for _, e := range encodings {
		if strings.HasSuffix(name, e.suffix) {
			return e.suffix
		}
	}
	return ""
}

func (s *static) describe(name string, d fs.DirEntry) (*asset, error) {
	info, err := d.Info()
	if err != nil {
		return nil, err
	}
	a := &asset{mime: types[path.Ext(name)], size: info.Size(), packed: make(map[string]int64)}
	if a.mime == "" {
		a.mime = "application/octet-stream"
	}
	for _, e := range encodings {
		if packed, err := fs.Stat(s.files, name+e.suffix); err == nil {
			a.packed[e.name] = packed.Size()
			a.varies = true
		}
	}
	switch {
	case path.Ext(name) == ".html":
		a.cache, a.nostore = "no-store", true
	case strings.HasPrefix(name, assetsDir):
		a.cache, a.etag = "public, max-age=31536000, immutable", path.Base(name)
	default:
		content, err := fs.ReadFile(s.files, name)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(content)
		a.cache, a.etag = "no-cache", hex.EncodeToString(sum[:8])
	}
	return a, nil
}

// ServeHTTP finds the file of a path. Pages of the application have addresses without an
// extension and are all the one document.
func (s *static) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	if name == "" || s.assets[name] == nil && path.Ext(name) == "" {
		name = indexFile
	}
	a := s.assets[name]
	switch {
	case a != nil:
		s.serve(w, r, name, a)
	case name == indexFile:
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, "This build of MeshChatX carries no web application. Build it with `make build`; the API is under /api/v1.", http.StatusNotFound)
	default:
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, "not found", http.StatusNotFound)
	}
}

func (s *static) serve(w http.ResponseWriter, r *http.Request, name string, a *asset) {
	h := w.Header()
	h.Set("Content-Type", a.mime)
	h.Set("Cache-Control", a.cache)
	if a.varies {
		h.Set("Vary", "Accept-Encoding")
	}
	size, encoding, etag := a.size, "", a.etag
	for _, e := range encodings {
		if n, ok := a.packed[e.name]; ok && accepts(r.Header.Get("Accept-Encoding"), e.name) {
			name, size, encoding, etag = name+e.suffix, n, e.name, etag+"-"+e.name
			break
		}
	}
	if !a.nostore {
		h.Set("ETag", `"`+etag+`"`)
		if matches(r.Header.Get("If-None-Match"), etag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	f, err := s.files.Open(name)
	if err != nil {
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	defer func() { _ = f.Close() }()
	if encoding != "" {
		h.Set("Content-Encoding", encoding)
	}
	h.Set("Content-Length", strconv.FormatInt(size, 10))
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodGet {
		_, _ = io.Copy(w, f)
	}
}

// accepts reports whether an Accept-Encoding header allows an encoding.
func accepts(header, encoding string) bool {
	for item := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(strings.TrimSpace(item), ";")
		if !strings.EqualFold(strings.TrimSpace(name), encoding) {
			continue
		}
		q, ok := strings.CutPrefix(strings.TrimSpace(params), "q=")
		if !ok {
			return true
		}
		v, err := strconv.ParseFloat(q, 64)
		return err == nil && v > 0
	}
	return false
}

// matches reports whether an If-None-Match header names a tag.
func matches(header, etag string) bool {
	for item := range strings.SplitSeq(header, ",") {
		item = strings.TrimPrefix(strings.TrimSpace(item), "W/")
		if item == `"`+etag+`"` || item == "*" {
			return true
		}
	}
	return false
}
