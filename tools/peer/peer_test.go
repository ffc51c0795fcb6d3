package peer

import (
	"encoding/json"
	"testing"
)

// The figures are those that peer.py answers to the command gen.
func TestGenerate(t *testing.T) {
	for _, c := range []struct {
		size int
		seed string
		kind Kind
		want string
	}{
		{0, "0", Random, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{100, "a", Random, "1ff985214815bc7379dfab9b5af6427f9e6eefd624c68d3003a1be71a9e1b5d2"},
		{100, "a", Text, "8ce9db250db77f06d2172ce4b0efed6db2d8e3dcb43cd48b420dced1c9dbac86"},
	} {
		if got := Digest(Generate(c.size, c.seed, c.kind)); got != c.want {
			t.Errorf("%d bytes of %s/%s: %s, want %s", c.size, c.seed, c.kind, got, c.want)
		}
	}
}

func TestEventDecodes(t *testing.T) {
	const line = `{"event":"channel","link":"ab","msgtype":257,"data":{"b":"0102"},"metadata":{"m":[]},"t":1.5}`
	var e Event
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		t.Fatal(err)
	}
	if e.Data.Hex != "0102" || e.Data.Length != 2 || e.MsgType != 257 || e.T != 1.5 {
		t.Errorf("%+v", e)
	}
	if err := json.Unmarshal([]byte(`{"event":"request","data":[1,"x"]}`), &e); err != nil {
		t.Error("data of another form was not left out:", err)
	}
}
