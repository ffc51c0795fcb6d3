package control_test

import (
	"bytes"
	"errors"
	"testing"

	"meshchatx/rns"
	"meshchatx/rns/control"
	"meshchatx/spec/vectortest"
)

const linkVectors = "rns-link.json"

// TestVectorKey checks the default key. spec: rns-link §12.2
func TestVectorKey(t *testing.T) {
	vectortest.Each(t, linkVectors, "rpc_key", func(t *testing.T, v struct {
		Private vectortest.Hex `json:"transport_identity_private"`
		Key     vectortest.Hex `json:"key"`
	}) {
		id, err := rns.ParseIdentity(v.Private)
		if err != nil {
			t.Fatal(err)
		}
		if got := control.Key(id); !bytes.Equal(got, v.Key) {
			t.Errorf("key %x", got)
		}
	})
}

// TestVectorAuthentication replays whole conversations. Where both sides speak the new dialect the handshake must say the
// same bytes; of the old dialect the responses are checked. spec: rns-link §12.1, §12.3
func TestVectorAuthentication(t *testing.T) {
	type line struct {
		From    string         `json:"from"`
		Message vectortest.Hex `json:"message"`
		Framed  vectortest.Hex `json:"framed"`
	}
	vectortest.Each(t, linkVectors, "rpc_auth", func(t *testing.T, v struct {
		Dialect     string            `json:"dialect"`
		ListenerKey vectortest.Hex    `json:"listener_key"`
		ClientKey   vectortest.Hex    `json:"client_key"`
		Transcript  []line            `json:"transcript"`
		Result      map[string]string `json:"result"`
	}) {
		for _, l := range v.Transcript {
			if got := control.AppendMessage(nil, l.Message); !bytes.Equal(got, l.Framed) {
				t.Errorf("framed %x", got)
			}
			if got, err := control.ReadMessage(bytes.NewReader(l.Framed), control.MaxAuthMessage); err != nil || !bytes.Equal(got, l.Message) {
				t.Errorf("read %x, %v", got, err)
			}
		}
		challenge := v.Transcript[0].Message[len("#CHALLENGE#"):]
		got, err := control.Respond(v.ClientKey, challenge, control.AllowMD5)
		if err != nil || !bytes.Equal(got, v.Transcript[1].Message) {
			t.Errorf("response %x, %v", got, err)
		}
		if err := control.Verify(v.ListenerKey, challenge, got, control.AllowMD5); (err == nil) != (v.Result["listener"] == "ok") {
			t.Errorf("verdict %v, want %s", err, v.Result["listener"])
		}
		if v.Dialect != "python>=3.12" {
			return
		}
		own := v.Transcript[3].Message[len("#CHALLENGE#{sha256}"):]
		listener, first, err := control.NewListener(v.ListenerKey, control.AllowMD5, bytes.NewReader(challenge[len("{sha256}"):]))
		if err != nil {
			t.Fatal(err)
		}
		dialer, err := control.NewDialer(v.ClientKey, control.AllowMD5, bytes.NewReader(own))
		if err != nil {
			t.Fatal(err)
		}
		said := [][]byte{first}
		sides := map[bool]*control.Handshake{true: listener, false: dialer}
		toListener := false
		for i := 0; i < len(said); i++ {
			send, err := sides[toListener].Next(said[i])
			if err != nil {
				t.Fatal(err)
			}
			said = append(said, send...)
			toListener = !toListener
		}
		for i, l := range v.Transcript {
			if i >= len(said) || !bytes.Equal(said[i], l.Message) {
				t.Fatalf("message %d differs", i)
			}
		}
		if !listener.Done() || !dialer.Done() {
			t.Error("handshake is not finished")
		}
	})
}

// TestVectorResponses checks what is answered and accepted in the new dialect. spec: rns-link §12.3
func TestVectorResponses(t *testing.T) {
	type row struct {
		Name      string         `json:"name"`
		Challenge vectortest.Hex `json:"challenge"`
		Response  vectortest.Hex `json:"response"`
		Accepted  bool           `json:"accepted"`
	}
	vectortest.Each(t, linkVectors, "rpc_auth_response", func(t *testing.T, v struct {
		Key      vectortest.Hex `json:"key"`
		Cases    []row          `json:"cases"`
		Accepted []row          `json:"accepted_by_listener"`
	}) {
		for _, c := range v.Cases {
			if got, err := control.Respond(v.Key, c.Challenge, control.AllowMD5); err != nil || !bytes.Equal(got, c.Response) {
				t.Errorf("response %x, %v", got, err)
			}
		}
		for _, c := range v.Accepted {
			if err := control.Verify(v.Key, c.Challenge, c.Response, control.AllowMD5); (err == nil) != c.Accepted {
				t.Errorf("%s: %v", c.Name, err)
			}
		}
	})
}

// TestVectorCalls checks that requests and responses are understood and come out again byte for byte. spec: rns-link §12.6
func TestVectorCalls(t *testing.T) {
	vectortest.Each(t, linkVectors, "rpc_call", func(t *testing.T, v struct {
		Request   vectortest.Hex   `json:"request"`
		Responses []vectortest.Hex `json:"responses"`
	}) {
		r, err := control.ParseRequest(v.Request)
		if len(v.Responses) == 0 {
			if !errors.Is(err, control.ErrOperation) {
				t.Errorf("unknown operation gave %v", err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Append(nil); !bytes.Equal(got, v.Request) {
			t.Errorf("request %x", got)
		}
		for _, want := range v.Responses {
			got, err := control.Answer(t.Context(), control.Recorded(r.Op, want), r)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s: response %x, %v", r.Op, got, err)
			}
		}
	})
}
