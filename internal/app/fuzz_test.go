package app

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"meshchatx/internal/api"
	"meshchatx/internal/interfaces"
	"meshchatx/rns/config"
	"meshchatx/rns/iface"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/node"
)

// operation is one entry of the API's own description.
type operation struct{ method, path string }

// operations lists what a fuzzer may call: all but what would sign it out or make ever more identities.
func operations(f *testing.F) []operation {
	f.Helper()
	b, err := os.ReadFile("../api/openapi.json")
	if err != nil {
		f.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		f.Fatal(err)
	}
	spared := []operation{
		{"post", "/identities"}, {"post", "/identities/import"}, {"patch", "/identities/{identity}"},
		{"post", "/session"}, {"delete", "/session"}, {"delete", "/sessions/{session}"},
	}
	var all []operation
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(doc.Paths[path])) {
			o := operation{method, strings.TrimPrefix(path, api.Prefix)}
			if !slices.Contains(spared, o) {
				all = append(all, o)
			}
		}
	}
	return all
}

// caller is a signed-in client of a running program, without a network.
type caller struct {
	app    *App
	cookie *http.Cookie
	second string
	hash   string
}

func newCaller(f *testing.F) *caller {
	f.Helper()
	dir := f.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "config"), []byte(wireConfig), 0o600); err != nil {
		f.Fatal(err)
	}
	a, err := Open(f.Context(), Config{
		StorageDir: filepath.Join(dir, "storage"), ReticulumDir: dir, PlainHTTP: true,
		Build: func(c config.Interface) (iface.Interface, node.InterfaceConfig, error) {
			return mem.New(c.Name), node.InterfaceConfig{}, nil
		},
		Try: func(context.Context, interfaces.Config, func(string, func() error) bool) {},
	})
	if err != nil {
		f.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	<-a.Up()
	f.Cleanup(func() {
		cancel()
		<-ended
		_ = a.Close()
	})
	c := &caller{app: a}
	token, err := a.StartToken()
	if err != nil {
		f.Fatal(err)
	}
	w := c.call("POST", "/session", `{"token":"`+token+`"}`, "application/json")
	var s api.NewSession
	if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil || len(w.Result().Cookies()) == 0 {
		f.Fatalf("%d %s", w.Code, w.Body)
	}
	c.cookie, c.second = w.Result().Cookies()[0], s.SecondToken
	var all struct{ Items []api.IdentityView }
	if err := json.Unmarshal(c.call("GET", "/identities", "", "").Body.Bytes(), &all); err != nil || len(all.Items) != 1 {
		f.Fatal(err)
	}
	c.hash = all.Items[0].Hash
	return c
}

func (c *caller) call(method, path, body, contentType string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), method, api.Prefix+path, bytes.NewReader([]byte(body)))
	r.Host = strings.TrimPrefix(c.app.URL(), "http://")
	r.Header.Set("Origin", c.app.URL())
	r.Header.Set("Content-Type", contentType)
	r.Header.Set(api.SecondTokenHeader, c.second)
	if c.cookie != nil {
		r.AddCookie(c.cookie)
	}
	w := httptest.NewRecorder()
	c.app.handle.ServeHTTP(w, r)
	return w
}

// FuzzOperations calls every operation with any parameters and any body. Whatever is wrong with a request, the answer is
// one of those the API describes, and never an error of the program.
func FuzzOperations(f *testing.F) {
	all := operations(f)
	peer := strings.Repeat("ab", 16)
	for i := range all {
		f.Add(uint8(i), peer, "", "{}", true)
		f.Add(uint8(i), "..%2f\x00", "cursor=AAAA&limit=-1&since=x&q=%22&name=%2e%2e", `{"peer":"`+peer+`","content":"x","text":"x","name":"\u0000"}`, true)
		f.Add(uint8(i), strings.Repeat("cd", 32), "limit=99999999999999999999", `[[[[`, false)
	}
	c := newCaller(f)
	f.Fuzz(func(t *testing.T, n uint8, param, query, body string, own bool) {
		o := all[int(n)%len(all)]
		path := o.path
		if own {
			path = strings.ReplaceAll(path, "{identity}", c.hash)
		}
		for {
			from := strings.IndexByte(path, '{')
			if from < 0 {
				break
			}
			to := from + strings.IndexByte(path[from:], '}')
			path = path[:from] + url.PathEscape(strings.NewReplacer("{", "", "}", "").Replace(param)) + path[to+1:]
		}
		contentType := "application/json"
		if strings.HasSuffix(path, "/uploads") {
			contentType = "application/octet-stream"
		}
		target := path
		if _, err := url.ParseQuery(query); err == nil && query != "" {
			target += "?" + url.PathEscape(query)
			target = strings.NewReplacer("%3D", "=", "%26", "&", "%25", "%").Replace(target)
		}
		if _, err := url.ParseRequestURI(api.Prefix + target); err != nil {
			return
		}
		w := c.call(strings.ToUpper(o.method), target, body, contentType)
		switch {
		case w.Code == http.StatusInternalServerError || w.Code == http.StatusBadGateway || w.Code < 200:
			t.Fatalf("%s %s %q: %d %s", o.method, target, body, w.Code, w.Body)
		case w.Code >= 400:
			var p api.Problem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Code == "" || p.Status != w.Code {
				t.Fatalf("%s %s %q: %d without a problem: %s", o.method, target, body, w.Code, w.Body)
			}
		}
	})
}
