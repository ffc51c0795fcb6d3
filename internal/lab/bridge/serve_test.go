package bridge

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// bridged is a running bridge.
type bridged struct {
	t    *testing.T
	in   *io.PipeWriter
	out  *bufio.Scanner
	done chan error
	n    int
}

func start(t *testing.T) *bridged {
	t.Helper()
	ir, iw := io.Pipe()
	or, ow := io.Pipe()
	b := &bridged{t: t, in: iw, out: bufio.NewScanner(or), done: make(chan error, 1)}
	b.out.Buffer(nil, 64<<20)
	go func() {
		err := Serve(context.Background(), ir, ow)
		ow.CloseWithError(io.EOF)
		b.done <- err
	}()
	t.Cleanup(func() {
		iw.Close()
		or.Close()
	})
	if !b.out.Scan() || b.out.Text() != "READY" {
		t.Fatalf("first line %q", b.out.Text())
	}
	return b
}

func (b *bridged) line(text string) map[string]any {
	b.t.Helper()
	if _, err := io.WriteString(b.in, text+"\n"); err != nil {
		b.t.Fatal(err)
	}
	if !b.out.Scan() {
		b.t.Fatalf("no answer to %.100s", text)
	}
	var a map[string]any
	if err := json.Unmarshal(b.out.Bytes(), &a); err != nil {
		b.t.Fatalf("%.100s: %v", b.out.Text(), err)
	}
	return a
}

// do runs a command that must succeed.
func (b *bridged) do(command string, params obj) map[string]any {
	b.t.Helper()
	b.n++
	text, err := json.Marshal(obj{"id": fmt.Sprint("req-", b.n), "command": command, "params": params})
	if err != nil {
		b.t.Fatal(err)
	}
	a := b.line(string(text))
	if a["success"] != true || a["id"] != fmt.Sprint("req-", b.n) {
		b.t.Fatalf("%s: %v", command, a)
	}
	return a["result"].(map[string]any)
}

func (b *bridged) end() {
	b.t.Helper()
	b.in.Close()
	select {
	case err := <-b.done:
		if err != nil {
			b.t.Error(err)
		}
	case <-time.After(5 * time.Second):
		b.t.Error("still running five seconds after the end of the input")
	}
}

// TestBadRequestsAreAnswered: an error in one line is no error in the next.
func TestBadRequestsAreAnswered(t *testing.T) {
	b := start(t)
	for _, c := range []struct{ line, id, want string }{
		{`{"id":"a","command":"sha256"`, "parse_error", "JSON parse error"},
		{`nonsense`, "parse_error", "JSON parse error"},
		{`{"id":"b","command":"wire_no_such_thing","params":{}}`, "b", "unknown command: wire_no_such_thing"},
		{`{"id":"c","command":"sha256","params":{"data":"xyz"}}`, "c", "parameters"},
		{`{"id":"d","command":"wire_announce","params":{"handle":"none"}}`, "d", "unknown handle"},
		{`{"command":"wire_stop"}`, "unknown", ""},
		{`{"id":"e","command":"token_decrypt","params":{"key":"00","token":"00"}}`, "e", "token key"},
		{`{"id":"f","command":"destination_hash","params":{"identity_hash":"00","app_name":"a"}}`, "f", "out of its range"},
	} {
		a := b.line(c.line)
		text, _ := a["error"].(string)
		if a["id"] != c.id || !strings.Contains(text, c.want) || a["success"] != (c.want == "") {
			t.Errorf("%s: %v", c.line, a)
		}
	}
	huge := `{"id":"g","command":"sha256","params":{"data":"` + strings.Repeat("00", 33<<20) + `"}}`
	if a := b.line(huge); a["success"] != false || !strings.Contains(fmt.Sprint(a["error"]), "line is too long") {
		t.Errorf("a huge line: %.200v", a)
	}
	sum := b.do("sha256", obj{"data": hex.EncodeToString([]byte("abc"))})["hash"]
	if sum != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" {
		t.Errorf("after all that: %v", sum)
	}
	b.end()
}

// TestTwoBridgedNodesTalk is the way of the suite: a server, a client, an announce, a link, data, an end without a stop.
func TestTwoBridgedNodesTalk(t *testing.T) {
	server, client := start(t), start(t)
	s := server.do("wire_start_tcp_server", obj{"network_name": "lab", "passphrase": "secret"})
	c := client.do("wire_start_tcp_client", obj{
		"target_host": "127.0.0.1", "target_port": s["port"], "network_name": "lab", "passphrase": "secret",
	})
	l := server.do("wire_listen", obj{"handle": s["handle"], "app_name": "test", "aspects": []string{"bridge"}, "proof_strategy": "all"})
	dest := l["destination_hash"]
	if p := client.do("wire_poll_path", obj{"handle": c["handle"], "destination_hash": dest, "timeout_ms": 10000}); p["found"] != true || p["hops"] != 1.0 {
		t.Fatalf("path: %v", p)
	}
	k := client.do("wire_link_open", obj{
		"handle": c["handle"], "destination_hash": dest, "app_name": "test", "aspects": []string{"bridge"}, "timeout_ms": 10000,
	})
	client.do("wire_link_send", obj{"handle": c["handle"], "link_id": k["link_id"], "data": "c0ffee"})
	got := server.do("wire_link_poll", obj{"handle": s["handle"], "destination_hash": dest, "timeout_ms": 10000})
	if fmt.Sprint(got["packets"]) != "[c0ffee]" {
		t.Errorf("link data: %v", got)
	}
	o := client.do("wire_send_opportunistic", obj{
		"handle": c["handle"], "destination_hash": dest, "app_name": "test", "aspects": []string{"bridge"}, "data": "00", "timeout_ms": 10000,
	})
	if o["delivered"] != true {
		t.Errorf("single packet: %v", o)
	}
	client.end()
	server.end()
}

// TestMockNodesKeepTheirClock: housekeeping sees the time that the suite says has passed.
func TestMockNodesKeepTheirClock(t *testing.T) {
	b := start(t)
	h := b.do("behavioral_start", obj{"identity_seed": strings.Repeat("01", 64)})["handle"]
	i := b.do("behavioral_attach_mock_interface", obj{"handle": h, "name": "a"})["iface_id"]
	key := strings.Repeat("ab", 16)
	b.do("behavioral_seed_reverse_table", obj{"handle": h, "key": key, "rcvd_iface_id": i, "outb_iface_id": i, "timestamp_age_s": 100000})
	if r := b.do("behavioral_read_reverse_table", obj{"handle": h, "dest": key}); r["found"] != true {
		t.Errorf("before: %v", r)
	}
	b.do("behavioral_force_cull", obj{"handle": h})
	if r := b.do("behavioral_read_reverse_table", obj{"handle": h, "dest": key}); r["found"] != false {
		t.Errorf("after: %v", r)
	}
	b.end()
}
