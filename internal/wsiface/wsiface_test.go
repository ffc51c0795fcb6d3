package wsiface_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"meshchatx/internal/wsiface"
	"meshchatx/rns/iface"
	"meshchatx/rns/iface/ifacetest"
)

func listen(t *testing.T, most int) (*wsiface.Server, *ifacetest.Host) {
	t.Helper()
	s, err := wsiface.NewServer(wsiface.ServerConfig{Name: "ws", Host: "127.0.0.1", MaxPeers: most})
	if err != nil {
		t.Fatal(err)
	}
	h, _ := ifacetest.Open(t, s)
	return s, h
}

func client(t *testing.T, url string, web *http.Client) *wsiface.Client {
	t.Helper()
	c, err := wsiface.NewClient(wsiface.ClientConfig{Name: "c", URL: url, HTTP: web})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// dial connects by hand until the test ends.
func dial(t *testing.T, s *wsiface.Server) *websocket.Conn {
	t.Helper()
	socket, resp, err := websocket.Dial(t.Context(), "ws://"+s.Address(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp.Body != nil {
		_ = resp.Body.Close()
	}
	t.Cleanup(func() { _ = socket.CloseNow() })
	return socket
}

// refused is the status with which a connection is refused.
func refused(t *testing.T, s *wsiface.Server, header http.Header) int {
	t.Helper()
	_, resp, err := websocket.Dial(t.Context(), "ws://"+s.Address(), &websocket.DialOptions{HTTPHeader: header})
	if err == nil {
		t.Fatal("not refused")
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

func TestPacketsBothWays(t *testing.T) {
	s, h := listen(t, 0)
	c := client(t, "ws://"+s.Address(), nil)
	a, stop := ifacetest.Open(t, c)
	peer := h.Peer(t)
	ifacetest.Exchange(t, a, peer, 262_144+64)
	if err := c.Send(make([]byte, 262_144+65)); !errors.Is(err, iface.ErrFrameSize) {
		t.Error(err)
	}
	stop()
	if err := peer.Ended(t); err == nil {
		t.Error("the end of the connection has no reason")
	}
	if err := c.Send(make([]byte, 20)); !errors.Is(err, iface.ErrOffline) {
		t.Error(err)
	}
}

// One message is one packet without framing; text, short and empty messages are dropped, too long ones end the
// connection.
func TestMessages(t *testing.T) {
	s, h := listen(t, 0)
	socket := dial(t, s)
	peer := h.Peer(t)
	want := bytes.Repeat([]byte{0x7e}, 20)
	for _, m := range []struct {
		kind websocket.MessageType
		data []byte
	}{
		{websocket.MessageText, bytes.Repeat([]byte("x"), 30)}, {websocket.MessageBinary, make([]byte, 19)},
		{websocket.MessageBinary, nil}, {websocket.MessageBinary, want}, {websocket.MessageBinary, make([]byte, 262_144+65)},
	} {
		if err := socket.Write(t.Context(), m.kind, m.data); err != nil {
			t.Fatal(err)
		}
	}
	if got := peer.Frame(t); !bytes.Equal(got, want) {
		t.Errorf("%d bytes arrived", len(got))
	}
	if err := peer.Ended(t); err == nil {
		t.Error("a message that is too long does not end the connection")
	}
	if len(peer.Frames) != 0 {
		t.Errorf("%d more frames", len(peer.Frames))
	}
}

func TestTooManyPeersAndOtherOrigins(t *testing.T) {
	s, h := listen(t, 1)
	dial(t, s)
	h.Peer(t)
	if got := refused(t, s, nil); got != http.StatusServiceUnavailable {
		t.Error(got)
	}
	if err := h.Noted(t); !strings.Contains(err.Error(), "1 peers are connected") {
		t.Error(err)
	}

	s, _ = listen(t, 0)
	if got := refused(t, s, http.Header{"Origin": {"https://example.org"}}); got != http.StatusForbidden {
		t.Error("a page of another origin connects:", got)
	}
}

// A client speaks TLS and checks the certificate.
func TestTLS(t *testing.T) {
	web := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		socket, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = socket.CloseNow() }()
		kind, data, err := socket.Read(r.Context())
		if err == nil {
			_ = socket.Write(r.Context(), kind, data)
			_ = socket.Close(websocket.StatusNormalClosure, "")
		}
	}))
	defer web.Close()
	url := "wss" + strings.TrimPrefix(web.URL, "https")
	h, _ := ifacetest.Open(t, client(t, url, web.Client()))
	want := bytes.Repeat([]byte{7}, 100)
	if err := h.Iface.Send(want); err != nil {
		t.Fatal(err)
	}
	if got := h.Frame(t); !bytes.Equal(got, want) {
		t.Error("another packet came back")
	}
	if err := h.Ended(t); !errors.Is(err, wsiface.ErrClosedByPeer) {
		t.Error(err)
	}
	stranger, _ := ifacetest.Start(t, client(t, url, nil))
	if err := stranger.Ended(t); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("an unknown certificate is accepted: %v", err)
	}
}

func TestUnusableSettings(t *testing.T) {
	for _, url := range []string{"", "http://h:1", "ws://", "h:1", "ws://user:secret@h", "ws://h/%zz"} {
		if _, err := wsiface.NewClient(wsiface.ClientConfig{Name: "x", URL: url}); !errors.Is(err, wsiface.ErrURL) {
			t.Errorf("%q was accepted", url)
		}
	}
	for _, c := range []wsiface.ServerConfig{{Name: "x"}, {Name: "x", Host: "h", Port: 65536}} {
		if _, err := wsiface.NewServer(c); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
}

func TestProperties(t *testing.T) {
	c, s := client(t, "ws://h:1/p", nil), func() *wsiface.Server { s, _ := listen(t, 0); return s }()
	for _, tt := range []struct {
		info  iface.Info
		label string
	}{{c.Info(), "WebsocketClientInterface[c/ws://h:1/p]"}, {s.Info(), "WebsocketServerInterface[ws/127.0.0.1:0]"}} {
		if i := tt.info; i.Label != tt.label || i.MTU != 262_144 || i.MTUClass != iface.MTUNone || i.Bitrate != 1_000_000_000 || i.AccessCodeSize != 16 {
			t.Errorf("%+v", i)
		}
	}
}
