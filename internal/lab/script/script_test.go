package script

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

// session is a running laboratory.
type session struct {
	t    *testing.T
	in   *io.PipeWriter
	out  *bufio.Scanner
	done chan error
}

func start(t *testing.T, limit int) *session {
	t.Helper()
	ir, iw := io.Pipe()
	or, ow := io.Pipe()
	s := &session{t: t, in: iw, out: bufio.NewScanner(or), done: make(chan error, 1)}
	s.out.Buffer(nil, 16<<20)
	go func() {
		err := serve(context.Background(), ir, ow, limit)
		ow.CloseWithError(io.EOF)
		s.done <- err
	}()
	t.Cleanup(func() {
		iw.Close()
		or.Close()
	})
	return s
}

// ask writes a line and reads the answer.
func (s *session) ask(line string) map[string]any {
	s.t.Helper()
	if _, err := io.WriteString(s.in, line+"\n"); err != nil {
		s.t.Fatal(err)
	}
	if !s.out.Scan() {
		s.t.Fatalf("no answer to %.200s", line)
	}
	var a map[string]any
	if err := json.Unmarshal(s.out.Bytes(), &a); err != nil {
		s.t.Fatalf("answer %.200s: %v", s.out.Text(), err)
	}
	return a
}

// end closes the input and waits for the end, which comes within five seconds.
func (s *session) end() {
	s.t.Helper()
	s.in.Close()
	select {
	case err := <-s.done:
		if err != nil {
			s.t.Error(err)
		}
	case <-time.After(5 * time.Second):
		s.t.Error("still running five seconds after the end of the input")
	}
}

// match compares an answer with what the document shows of it, and keeps the values it names.
func match(want, got any, vars map[string]string, at string) error {
	switch want := want.(type) {
	case string:
		switch {
		case want == "…":
			return nil
		case strings.HasPrefix(want, "$"):
			text, ok := got.(string)
			if old, known := vars[want]; !ok || known && old != text {
				return fmt.Errorf("%s: %v, want %s = %s", at, got, want, old)
			}
			vars[want] = text
			return nil
		}
	case map[string]any:
		have, ok := got.(map[string]any)
		if !ok {
			return fmt.Errorf("%s: %v is no object", at, got)
		}
		for k, w := range want {
			if err := match(w, have[k], vars, at+"."+k); err != nil {
				return err
			}
		}
		return nil
	case []any:
		have, ok := got.([]any)
		if !ok || len(have) != len(want) {
			return fmt.Errorf("%s: %v, want %d entries", at, got, len(want))
		}
		for i, w := range want {
			if err := match(w, have[i], vars, fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return err
			}
		}
		return nil
	}
	if want != got {
		return fmt.Errorf("%s: %v, want %v", at, got, want)
	}
	return nil
}

// TestExampleOfTheDocument runs the session of docs/rnslab.md.
func TestExampleOfTheDocument(t *testing.T) {
	text, err := os.ReadFile("../../../docs/rnslab.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, ok := strings.Cut(string(text), "```lab\n")
	if !ok {
		t.Fatal("the document has no example")
	}
	example, _, _ = strings.Cut(example, "```")
	s := start(t, 1<<20)
	vars := make(map[string]string)
	var got map[string]any
	asked := 0
	for _, line := range strings.Split(strings.TrimSpace(example), "\n") {
		request, isRequest := strings.CutPrefix(line, "> ")
		if isRequest {
			for name, value := range vars {
				request = strings.ReplaceAll(request, `"`+name+`"`, `"`+value+`"`)
			}
			got = s.ask(request)
			asked++
			continue
		}
		var want any
		if err := json.Unmarshal([]byte(strings.TrimPrefix(line, "< ")), &want); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if err := match(want, got, vars, "answer"); err != nil {
			t.Fatalf("%s\n%v\nwhole answer %v", line, err, got)
		}
	}
	if asked < 20 {
		t.Errorf("only %d requests", asked)
	}
	s.end()
}

// TestEveryCommandIsDocumented keeps the table of the document and the dispatch table together.
func TestEveryCommandIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../../docs/rnslab.md")
	if err != nil {
		t.Fatal(err)
	}
	for name := range commands() {
		if !bytes.Contains(text, []byte("`"+name+"`")) {
			t.Errorf("%s is not in the document", name)
		}
	}
}

// TestBadLinesAreAnswered: whatever a line is, the next one is read.
func TestBadLinesAreAnswered(t *testing.T) {
	s := start(t, 4096)
	for _, c := range []struct{ line, want string }{
		{`{"cmd"`, "unexpected end of JSON input"},
		{`[1]`, "cannot unmarshal array"},
		{`{"id":7,"cmd":"nothing"}`, `unknown command: "nothing"`},
		{`{"cmd":"node.new","node":5}`, "parameters"},
		{`{"cmd":"node.new","node":"` + strings.Repeat("x", 5000) + `"}`, "line is too long"},
		{`{"cmd":"snapshot","node":"x"}`, `node "x": nothing has this name`},
		{`{"cmd":"node.new","node":"a","identity":"zz"}`, "invalid byte"},
		{`{"cmd":"medium.join","node":"a","medium":"m"}`, "nothing has this name"},
		{`{"cmd":"clock.advance","seconds":-1}`, "clocks do not go back"},
	} {
		a := s.ask(c.line)
		if text, _ := a["error"].(string); a["ok"] != false || !strings.Contains(text, c.want) {
			t.Errorf("%.60s: %v, want an error with %q", c.line, a, c.want)
		}
	}
	if a := s.ask(`{"id":{"any":1},"cmd":"node.list"}`); a["ok"] != true || fmt.Sprint(a["id"]) != "map[any:1]" {
		t.Errorf("after all that: %v", a)
	}
	s.end()
}

// TestEndInTheMiddleOfAWait: a command that waits longer than the program may is given up.
func TestEndInTheMiddleOfAWait(t *testing.T) {
	s := start(t, 4096)
	s.ask(`{"cmd":"node.new","node":"a"}`)
	d := s.ask(`{"cmd":"dest.new","node":"a","name":"lab.wait"}`)
	dest := d["result"].(map[string]any)["dest"].(string)
	go func() { // the answer is read by nobody
		for s.out.Scan() {
		}
	}()
	if _, err := fmt.Fprintf(s.in, `{"cmd":"received","node":"a","dest":%q,"timeout_s":60}`+"\n", dest); err != nil {
		t.Fatal(err)
	}
	s.end()
}
