package app

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"meshchatx/internal/api"
	"meshchatx/internal/auth"
)

const stranger = "00112233445566778899aabbccddeeff"

// TestOperations is a table of single requests against the whole program.
func TestOperations(t *testing.T) {
	s := run(t, options{})
	up := s.upload("note.txt", []byte("text"))
	message := s.send(stranger, "first")
	missing := strings.Repeat("ab", 32)
	tests := []struct {
		name, method, path string
		body               any
		status             int
		code               string // of a problem
		contains           string
	}{
		{"status is public and says little", "GET", "/status", nil, 200, "", `"ready":true`},
		{"identity", "GET", s.of(""), nil, 200, "", s.id.Address},
		{"unknown identity", "GET", "/identities/" + stranger, nil, 404, "identity_unknown", ""},
		{"unknown identity's data", "GET", "/identities/" + stranger + "/conversations", nil, 404, "identity_unknown", ""},
		{"malformed identity", "GET", "/identities/x", nil, 422, "invalid", ""},
		{"unknown path", "GET", "/nothing", nil, 404, "", ""},
		{"preview of a key", "POST", "/identities/preview", map[string]string{"data": strings.Repeat("11", 64)}, 200, "", `"exists":false`},
		{"preview of no key", "POST", "/identities/preview", map[string]string{"data": "hello"}, 422, "not_a_key", ""},
		{"export", "POST", s.of("/export"), map[string]string{"format": "base32"}, 200, "", `"checksum"`},
		{"rename", "PATCH", s.of(""), map[string]string{"display_name": "Ana"}, 200, "", `"display_name":"Ana"`},
		{"rename with a line break", "PATCH", s.of(""), map[string]string{"display_name": "A\nna"}, 422, "setting_text", ""},

		{"empty message", "POST", s.of("/messages"), api.SendMessage{Peer: stranger}, 422, "empty_message", ""},
		{"message to itself", "POST", s.of("/messages"), api.SendMessage{Peer: s.id.Address, Content: "x"}, 422, "own_address", ""},
		{"message with an unknown file", "POST", s.of("/messages"), api.SendMessage{Peer: stranger, Attachments: []string{stranger}}, 422, "upload_unknown", ""},
		{"message to no address", "POST", s.of("/messages"), map[string]string{"peer": "bob", "content": "x"}, 422, "invalid", "body.peer"},
		{"message with an unknown field", "POST", s.of("/messages"), map[string]string{"peer": stranger, "content": "x", "extra": "y"}, 422, "invalid", ""},
		{"no JSON", "POST", s.of("/messages"), []byte("{"), 415, "", ""},
		{"message", "GET", s.of("/messages/%s", message), nil, 200, "", `"direction":"out"`},
		{"unknown message", "GET", s.of("/messages/%s", missing), nil, 404, "not_found", ""},
		{"its log", "GET", s.of("/messages/%s/events", message), nil, 200, "", `"kind":"queued"`},
		{"log of an unknown message", "GET", s.of("/messages/%s/events", missing), nil, 404, "not_found", ""},
		{"diagnosis", "GET", s.of("/messages/%s/diagnosis", message), nil, 200, "", `"verdict":{"code":"never_heard"`},
		{"checks", "POST", s.of("/messages/%s/diagnosis", message), nil, 202, "", `"check":"interface_up"`},
		{"diagnosis of an unknown message", "GET", s.of("/messages/%s/diagnosis", missing), nil, 404, "not_found", ""},
		{"attachment that is not there", "GET", s.of("/messages/%s/attachments/0", message), nil, 404, "not_found", ""},
		{"conversations", "GET", s.of("/conversations"), nil, 200, "", stranger},
		{"conversations by a bad filter", "GET", s.of("/conversations?filter=x"), nil, 422, "invalid", ""},
		{"conversations, too many", "GET", s.of("/conversations?limit=10000"), nil, 422, "invalid", ""},
		{"conversations by a bad cursor", "GET", s.of("/conversations?cursor=x"), nil, 422, "cursor", ""},
		{"conversation", "GET", s.of("/conversations/%s", stranger), nil, 200, "", `"route":{"state":"unknown_peer"`},
		{"pin", "PATCH", s.of("/conversations/%s", stranger), map[string]bool{"pinned": true}, 200, "", `"pinned":true`},
		{"window", "GET", s.of("/conversations/%s/messages?around=%s", stranger, message), nil, 200, "", message},
		{"window around an unknown message", "GET", s.of("/conversations/%s/messages?around=%s", stranger, missing), nil, 404, "not_found", ""},
		{"read", "POST", s.of("/conversations/%s/read", stranger), map[string]string{}, 204, "", ""},
		{"search", "GET", s.of("/search?q=fir"), nil, 200, "", message},
		{"search for nothing", "GET", s.of("/search?q="), nil, 422, "invalid", ""},

		{"draft", "PUT", s.of("/conversations/%s/draft", stranger), map[string]any{"text": "d", "version": 0, "attachments": []string{up.ID}}, 200, "", `"version":1`},
		{"stale draft", "PUT", s.of("/conversations/%s/draft", stranger), map[string]any{"text": "e", "version": 0}, 409, "draft_conflict", ""},
		{"draft gone", "DELETE", s.of("/conversations/%s/draft", stranger), nil, 204, "", ""},
		{"no draft", "GET", s.of("/conversations/%s/draft", stranger), nil, 200, "", `"version":0`},
		{"upload gone with it", "GET", s.of("/uploads/%s", up.ID), nil, 404, "not_found", ""},

		{"contact", "POST", s.of("/contacts"), map[string]string{"address": "<" + stranger + ">", "name": "Mira"}, 201, "", `"name":"Mira"`},
		{"contact of nobody", "POST", s.of("/contacts"), map[string]string{"address": strings.Repeat("z", 32)}, 422, "not_an_address", ""},
		{"own contact", "POST", s.of("/contacts"), map[string]string{"address": s.id.Address}, 422, "own_address", ""},
		{"contacts", "GET", s.of("/contacts"), nil, 200, "", `"total":1`},
		{"person", "GET", s.of("/people/%s", stranger), nil, 200, "", `"contact":{`},
		{"people", "GET", s.of("/people?kind=person&sort=name"), nil, 200, "", `"counts"`},
		{"block", "PUT", s.of("/blocked/%s", stranger), nil, 204, "", ""},
		{"message to a blocked peer", "POST", s.of("/messages"), api.SendMessage{Peer: stranger, Content: "x"}, 409, "blocked_by_me", ""},
		{"blocked", "GET", s.of("/blocked"), nil, 200, "", `"name":"Mira"`},
		{"unblock", "DELETE", s.of("/blocked/%s", stranger), nil, 204, "", ""},
		{"contact gone", "DELETE", s.of("/contacts/%s", stranger), nil, 204, "", ""},
		{"contact gone twice", "DELETE", s.of("/contacts/%s", stranger), nil, 404, "not_found", ""},

		{"settings", "GET", s.of("/settings"), nil, 200, "", `"key":"stamp_cost"`},
		{"setting", "PATCH", s.of("/settings"), map[string]any{"items": []any{map[string]any{"key": "stamp_cost", "value": 8}}}, 200, "", `"modified":true`},
		{"setting out of bounds", "PATCH", s.of("/settings"), map[string]any{"items": []any{map[string]any{"key": "stamp_cost", "value": 99}}}, 422, "setting_bounds", `"stamp_cost"`},
		{"setting of another type", "PATCH", s.of("/settings"), map[string]any{"items": []any{map[string]any{"key": "stamp_cost", "value": "8"}}}, 422, "setting_kind", ""},
		{"unknown setting", "PATCH", "/settings", map[string]any{"items": []any{map[string]any{"key": "x", "value": true}}}, 422, "setting_unknown", ""},
		{"setting of the program", "PATCH", "/settings", map[string]any{"items": []any{map[string]any{"key": "instance_id", "value": "x"}}}, 422, "setting_read_only", ""},
		{"welcome", "GET", "/setup", nil, 200, "", `"kind":"nearby"`},
		{"welcome left", "PATCH", "/setup", map[string]bool{"done": true}, 200, "", `"step":"done"`},

		{"network", "GET", "/network", nil, 200, "", `"fact":"interface_up"`},
		{"hubs", "GET", "/network/hubs", nil, 200, "", `"as_of"`},
		{"devices", "GET", "/network/devices", nil, 200, "", `"items"`},
		{"paths", "GET", "/paths", nil, 200, "", `"total":0`},
		{"path wanted", "POST", "/paths/" + stranger + "/request", nil, 202, "", ""},
		{"path dropped", "DELETE", "/paths/" + stranger, nil, 204, "", ""},
		{"interfaces", "GET", "/interfaces", nil, 200, "", `"name":"Wire"`},
		{"interface", "GET", "/interfaces/Wire", nil, 200, "", `"state":"up"`},
		{"unknown interface", "GET", "/interfaces/None", nil, 404, "not_found", ""},
		{"interface that cannot be", "POST", "/interfaces", map[string]any{"name": "x", "type": "TCPClientInterface", "enabled": true}, 422, "interface_invalid", "body.target_host"},
		{"interface on a serial port", "POST", "/interfaces", map[string]any{"name": "x", "type": "KISSInterface", "enabled": false, "port": "/dev/ttyUSB0", "preamble": 0}, 201, "", `"preamble":0`},
		{"radio without a frequency", "POST", "/interfaces", map[string]any{"name": "y", "type": "RNodeInterface", "enabled": false, "port": "/dev/ttyUSB0"}, 422, "interface_invalid", "body.frequency"},
		{"interface that runs a command", "POST", "/interfaces", map[string]any{"name": "y", "type": "PipeInterface", "enabled": false}, 422, "", "body.type"},
		{"interface twice", "POST", "/interfaces", map[string]any{"name": "Wire", "type": "AutoInterface", "enabled": true}, 409, "interface_exists", ""},
		{"pasted interface", "POST", "/interfaces/parse", map[string]string{"text": "hub.example.org:4242"}, 200, "", `"target_port":4242`},
		{"test of settings", "POST", "/interfaces/test", map[string]any{"name": "y", "type": "TCPClientInterface", "enabled": true, "target_host": "", "target_port": 1}, 200, "", `"ok":false`},
		{"switched off", "PATCH", "/interfaces/Wire", map[string]bool{"enabled": false}, 200, "", `"state":"off"`},
		{"removed", "DELETE", "/interfaces/Wire", nil, 204, "", ""},
		{"announce without an interface", "POST", s.of("/announce"), nil, 409, "no_interface", ""},

		{"sessions", "GET", "/sessions", nil, 200, "", `"current":true`},
		{"unknown session", "DELETE", "/sessions/ffffffffffffffff", nil, 404, "not_found", ""},
		{"wrong start token", "POST", "/session", map[string]string{"token": "x"}, 401, "token_invalid", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := s.do(tt.method, tt.path, tt.body)
			if a.status != tt.status || !strings.Contains(string(a.body), tt.contains) || tt.code != "" && a.code() != tt.code {
				t.Fatalf("%d %s", a.status, a.body)
			}
			if a.status >= 400 && a.code() != "" && a.header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("content type %s", a.header.Get("Content-Type"))
			}
			if a.status < 300 && bytes.Contains(a.body, []byte(":null")) {
				t.Errorf("null in %s", a.body)
			}
		})
	}
}

// TestDoors tries every way in that must be closed.
func TestDoors(t *testing.T) {
	s := run(t, options{})
	drop := func(name string) func(*http.Request) { return func(r *http.Request) { r.Header.Del(name) } }
	put := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	tests := []struct {
		name, method, path string
		change             func(*http.Request)
		status             int
		code               string
	}{
		{"change without the second token", "POST", s.of("/announce"), drop(api.SecondTokenHeader), 403, "second_token"},
		{"change with a wrong second token", "POST", s.of("/announce"), put(api.SecondTokenHeader, "x"), 403, "second_token"},
		{"change from another origin", "POST", s.of("/announce"), put("Origin", "https://evil.example"), 403, "origin_not_allowed"},
		{"change from nowhere", "POST", s.of("/announce"), drop("Origin"), 403, "origin_not_allowed"},
		{"reading from another origin", "GET", s.of("/conversations"), put("Origin", "https://evil.example"), 403, "origin_not_allowed"},
		{"another host name", "GET", s.of("/conversations"), func(r *http.Request) { r.Host = "evil.example" }, 421, "host_not_allowed"},
		{"bearer that nobody gave out", "GET", s.of("/conversations"), put("Authorization", "Bearer x"), 401, "signed_out"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if a := s.do(tt.method, tt.path, nil, tt.change); a.status != tt.status || a.code() != tt.code {
				t.Fatalf("%d %s", a.status, a.body)
			}
		})
	}
	t.Run("without a session everything but the probe is closed", func(t *testing.T) {
		jar := s.http.Jar
		s.http.Jar = nil
		defer func() { s.http.Jar = jar }()
		doc, err := api.Document()
		if err != nil {
			t.Fatal(err)
		}
		var d struct {
			Paths map[string]map[string]struct{ OperationID string }
		}
		if err := json.Unmarshal(doc, &d); err != nil {
			t.Fatal(err)
		}
		for path, ops := range d.Paths {
			for method, op := range ops {
				if op.OperationID == "get-status" || op.OperationID == "create-session" {
					continue
				}
				path := strings.NewReplacer("{identity}", s.id.Hash, "{peer}", stranger, "{message}", strings.Repeat("ab", 32),
					"{upload}", stranger, "{index}", "0", "{name}", "Wire", "{destination}", stranger, "{session}", "x").Replace(strings.TrimPrefix(path, api.Prefix))
				if a := s.do(strings.ToUpper(method), path, nil); a.status != http.StatusUnauthorized {
					t.Errorf("%s answers %d", op.OperationID, a.status)
				}
			}
		}
	})
}

// A start token is good once.
func TestStartTokenOnce(t *testing.T) {
	s := run(t, options{})
	token, err := s.StartToken()
	if err != nil {
		t.Fatal(err)
	}
	s.must("POST", "/session", map[string]string{"token": token}, nil)
	if a := s.do("POST", "/session", map[string]string{"token": token}); a.code() != "token_used" {
		t.Fatalf("%d %s", a.status, a.body)
	}
}

func TestAttachmentsAreHarmless(t *testing.T) {
	s := run(t, options{})
	page := s.upload("page.html", []byte("<!DOCTYPE html><script>alert(1)</script>"))
	name := s.upload("r%C3%A9sum%C3%A9%22%0D%0A.txt", []byte("0123456789"))
	picture := s.upload("p.png", []byte("\x89PNG\r\n\x1a\n0000000000"))
	get := func(u api.UploadView, change ...func(*http.Request)) answer {
		return s.do("GET", u.URL[len(api.Prefix):], nil, change...)
	}
	a := get(page)
	if a.header.Get("Content-Type") != "application/octet-stream" || !strings.HasPrefix(a.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("markup is served as %v", a.header)
	}
	if csp := a.header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "sandbox") || a.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers %v", a.header)
	}
	if d := get(name).header.Get("Content-Disposition"); !strings.EqualFold(d, `attachment; filename="r_sum__.txt"; filename*=utf-8''r%C3%A9sum%C3%A9%22.txt`) {
		t.Errorf("name: %s", d)
	}
	if a := get(picture); a.header.Get("Content-Type") != "image/png" || !strings.HasPrefix(a.header.Get("Content-Disposition"), "inline") {
		t.Errorf("picture: %v", a.header)
	}
	part := get(name, func(r *http.Request) { r.Header.Set("Range", "bytes=2-4") })
	if part.status != http.StatusPartialContent || string(part.body) != "234" {
		t.Errorf("range: %d %q", part.status, part.body)
	}
}

// The event socket says what changed, resumes, and ends with its session.
func TestSocket(t *testing.T) {
	s := run(t, options{})
	conn := s.watch()
	next := func(c *websocket.Conn) api.Event {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		var e api.Event
		if err := wsjson.Read(ctx, c, &e); err != nil {
			t.Fatal(err)
		}
		return e
	}
	hello := next(conn)
	if hello.Type != "hello" || hello.Seq == 0 {
		t.Fatalf("%+v", hello)
	}
	id := s.send(stranger, "hi")
	var added api.Event
	for added = next(conn); added.Type != "message.added"; added = next(conn) {
	}
	if added.IDs.Message != id || added.IDs.Peer != stranger || added.Identity != s.id.Hash {
		t.Fatalf("%+v", added)
	}
	// A second socket that knows less hears the same; one that knows too little starts over.
	for since, want := range map[uint64]api.EventType{added.Seq - 1: "message.added", 5: "reset"} {
		c := s.watchSince(since)
		next(c)
		if e := next(c); e.Type != want {
			t.Errorf("since %d: %+v", since, e)
		}
		_ = c.CloseNow()
	}
	s.must("DELETE", "/session", nil, nil)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		var e api.Event
		if err := wsjson.Read(ctx, conn, &e); err != nil {
			if ctx.Err() != nil {
				t.Fatal("the socket outlives its session")
			}
			break
		}
	}
	_, resp, err := websocket.Dial(t.Context(), strings.Replace(s.URL(), "http", "ws", 1)+api.SocketPath, &websocket.DialOptions{
		HTTPClient: s.http, HTTPHeader: http.Header{"Origin": {s.URL()}}, Subprotocols: []string{auth.SocketProtocol, auth.SocketTokenPrefix + s.next},
	})
	if resp != nil && resp.Body != nil {
		_ = resp.Body.Close()
	}
	if err == nil || resp == nil || resp.StatusCode != http.StatusUnauthorized {
		t.Fatalf("signed out, the socket opens: %v", err)
	}
	s.next = ""
	s.signIn()
}
