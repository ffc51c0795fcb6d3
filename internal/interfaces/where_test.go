package interfaces

import (
	"fmt"
	"io/fs"
	"testing"

	"meshchatx/internal/wsiface"
	"meshchatx/rns/config"
	"meshchatx/rns/iface/i2p"
	"meshchatx/rns/iface/pipe"
)

// Where an interface leads is shown for every kind, without what nobody should see.
func TestWhereInterfacesLead(t *testing.T) {
	for _, tt := range []struct{ lines, want, class string }{
		{"type = TCPClientInterface\ntarget_host = h\ntarget_port = 1", "h:1", "internet"},
		{"type = BackboneInterface\nremote = 10.0.0.1\nport = 1", "10.0.0.1:1", "lan"},
		{"type = BackboneInterface\nlisten_on = 0.0.0.0\nport = 1", "0.0.0.0:1", "internet"},
		{"type = BackboneInterface\ndevice = eth0\nlisten_port = 1", "eth0:1", "internet"},
		{"type = BackboneClientInterface\ntarget_host = 2001:db8::1\ntarget_port = 1", "[2001:db8::1]:1", "internet"},
		{"type = I2PInterface\npeers = a.i2p, b.i2p", "a.i2p, b.i2p", "internet"},
		{"type = PipeInterface\ncommand = /usr/bin/ssh -i 'my key' host", "ssh", "other"},
		{"type = PipeInterface\ncommand = \"'\"", "", "other"},
		{"type = WebsocketClientInterface\ntarget_url = wss://h/p", "wss://h/p", "internet"},
		{"type = WebsocketClientInterface\ntarget_url = ws://127.0.0.1:1/p", "ws://127.0.0.1:1/p", "lan"},
		{"type = WebsocketClientInterface\ntarget_url = ws://user:secret@h", "", "internet"},
		{"type = WebsocketServerInterface\nlisten_ip = 127.0.0.1\nlisten_port = 1", "127.0.0.1:1", "lan"},
		{"type = TCPClientInterface\ntarget_host = h", "h", "internet"},
		{"type = TCPServerInterface", "", "internet"},
		{"type = BackboneInterface\nremote = 2001:db8::1", "2001:db8::1", "internet"},
		{"type = WeaveInterface\nport = x", "", "other"},
	} {
		c, err := config.Parse([]byte("[interfaces]\n[[X]]\n" + tt.lines + "\n"))
		if err != nil {
			t.Fatal(err)
		}
		i := c.Interfaces[0]
		st := Status{Type: i.Type, Endpoint: where(i)}
		if conf, ok := editable(i); ok {
			st.Config = &conf
		}
		if st.Endpoint != tt.want || classOf(st) != tt.class {
			t.Errorf("%s: %q, %s", tt.lines, st.Endpoint, classOf(st))
		}
	}
}

// What only waits for others is of use when somebody is there.
func TestUsefulInterfaces(t *testing.T) {
	up, waiting := []Peer{{State: StateUp}}, []Peer{{State: StateConnecting}}
	for _, tt := range []struct {
		kind  Type
		peers []Peer
		want  bool
	}{
		{TypeTCPClient, nil, true}, {TypeTCPServer, nil, false}, {TypeTCPServer, up, true}, {TypeI2P, waiting, false}, {TypeI2P, up, true},
		{TypeWebSocketServer, nil, false}, {TypePipe, nil, true}, {TypeBackboneClient, nil, true},
	} {
		if got := Useful(Status{Type: string(tt.kind), State: StateUp, Peers: tt.peers}); got != tt.want {
			t.Errorf("%s with %d peers: %v", tt.kind, len(tt.peers), got)
		}
	}
	if Useful(Status{Type: string(TypeBackbone), State: StateUp, Listens: true}) || !Useful(Status{Type: string(TypeBackbone), State: StateUp}) {
		t.Error("a Backbone that listens is not told from one that connects")
	}
}

// Every reason of the new media has a code.
func TestReasonsOfStreams(t *testing.T) {
	for err, want := range map[error]string{
		pipe.ErrExited: "exited", pipe.ErrNotStarted: "no_program", i2p.ErrNoRouter: "no_i2p", i2p.ErrReply: "no_i2p", i2p.ErrCantReachPeer: "unreachable",
		i2p.ErrTimeout: "timeout", i2p.ErrSilent: "closed", i2p.ErrKey: "bad_config", wsiface.ErrClosedByPeer: "closed", wsiface.ErrSilent: "closed",
	} {
		if got := Reason(fmt.Errorf("%w: %w", err, fs.ErrNotExist)); got != want {
			t.Errorf("%v: %s", err, got)
		}
	}
}
