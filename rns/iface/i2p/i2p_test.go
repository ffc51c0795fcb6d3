package i2p_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"meshchatx/rns/iface"
	"meshchatx/rns/iface/i2p"
	"meshchatx/rns/iface/i2p/samtest"
	"meshchatx/rns/iface/ifacetest"
	"meshchatx/rns/iface/stream"
)

// quick shortens what a test would wait for.
func quick() *i2p.Params {
	p := i2p.DefaultParams()
	p.Retry, p.Check = time.Millisecond, time.Millisecond
	return &p
}

func open(t *testing.T, r *samtest.Router, c i2p.Config) (*i2p.Interface, *ifacetest.Host, func()) {
	t.Helper()
	c.Dial = r.Dial
	if c.Name == "" {
		c.Name = "i"
	}
	if c.Params == nil {
		c.Params = quick()
	}
	i, err := i2p.New(c)
	if err != nil {
		t.Fatal(err)
	}
	h, stop := ifacetest.Start(t, i)
	return i, h, stop
}

func router(t *testing.T) *samtest.Router {
	t.Helper()
	r := new(samtest.Router)
	t.Cleanup(r.Close)
	return r
}

// Two interfaces meet through the router; the endpoint has the same address again after a restart.
func TestEndpointAndPeer(t *testing.T) {
	r := router(t)
	file := filepath.Join(t.TempDir(), "i2p", "key")
	server, sh, stop := open(t, r, i2p.Config{Connectable: true, KeyFile: file})
	sh.WaitUp(t)
	e := server.Endpoint()
	if !e.Connectable || e.State != iface.TunnelActive || !strings.HasSuffix(e.Address, ".b32.i2p") || len(e.Address) != 60 || server.Address() != e.Address {
		t.Fatalf("endpoint %+v", e)
	}
	if st, err := os.Stat(file); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("key file: %v, %v", st.Mode(), err)
	}
	_, ch, stopClient := open(t, r, i2p.Config{Name: "c", Peers: []string{e.Address}})
	ch.WaitUp(t)
	out, in := ch.Peer(t), sh.Peer(t)
	ifacetest.Exchange(t, out, in, 1064)
	if info := out.Iface.Info(); info.Name != "c to "+e.Address || !info.Tunnel || info.Label != "I2PInterfacePeer["+info.Name+"]" {
		t.Errorf("%+v", info)
	}
	if info := in.Iface.Info(); info.Name != "Connected peer on i" || info.Tunnel || info.Role != iface.RolePeer {
		t.Errorf("%+v", info)
	}
	for _, h := range []*ifacetest.Host{out, in} {
		if s := h.Iface.(iface.Tunnelled).TunnelState(); s != iface.TunnelActive {
			t.Errorf("%s is %s", h.Iface.Info().Label, s)
		}
	}
	if err := out.Iface.Send(make([]byte, 1064+65)); !errors.Is(err, iface.ErrFrameSize) {
		t.Error(err)
	}
	stopClient()
	if err := in.Ended(t); !errors.Is(err, stream.ErrClosedByPeer) {
		t.Error(err)
	}
	stop()
	ifacetest.Await(t, "no session is left", func() bool { return r.Sessions() == 0 })
	again, h, _ := open(t, r, i2p.Config{Connectable: true, KeyFile: file})
	h.WaitUp(t)
	if got := again.Endpoint().Address; got != e.Address {
		t.Errorf("address changed from %s to %s", e.Address, got)
	}
}

// After a restart of the router endpoint and peer come back by themselves.
func TestRouterRestarts(t *testing.T) {
	r := router(t)
	server, sh, _ := open(t, r, i2p.Config{Connectable: true, KeyFile: filepath.Join(t.TempDir(), "key"), Peers: []string{"nobody.i2p"}})
	sh.WaitUp(t)
	nobody := <-sh.Peers // the configured peer, which nobody is
	if err := nobody.Noted(t); !errors.Is(err, i2p.ErrKeyNotFound) {
		t.Error(err)
	}
	_, ch, _ := open(t, r, i2p.Config{Name: "c", Peers: []string{server.Endpoint().Address}})
	out, in := ch.Peer(t), sh.Peer(t)
	ifacetest.Exchange(t, out, in, 500)
	r.Restart()
	in.Ended(t)
	out.WaitUp(t)
	ifacetest.Exchange(t, out, sh.Peer(t), 500)
}

// What the router refuses is told by its name.
func TestRefusals(t *testing.T) {
	for result, want := range map[string]error{
		"CANT_REACH_PEER": i2p.ErrCantReachPeer, "DUPLICATED_DEST": i2p.ErrDuplicatedDest, "DUPLICATED_ID": i2p.ErrDuplicatedID,
		"I2P_ERROR": i2p.ErrI2P, "INVALID_ID": i2p.ErrInvalidID, "INVALID_KEY": i2p.ErrInvalidKey, "KEY_NOT_FOUND": i2p.ErrKeyNotFound,
		"PEER_NOT_FOUND": i2p.ErrPeerNotFound, "TIMEOUT": i2p.ErrTimeout, "NOVERSION": i2p.ErrNoVersion, "NEW_WORD": i2p.ErrI2P,
	} {
		for _, command := range []string{"HELLO", "SESSION CREATE", "DEST GENERATE", "STREAM ACCEPT"} {
			r := router(t)
			r.Refuse = func(line string) string {
				if strings.HasPrefix(line, command) {
					return result
				}
				return ""
			}
			_, h, stop := open(t, r, i2p.Config{Connectable: true, KeyFile: filepath.Join(t.TempDir(), "key")})
			if err := h.Ended(t); !errors.Is(err, want) || !strings.Contains(err.Error(), "as the test wants it") {
				t.Errorf("%s %s: %v", command, result, err)
			}
			stop()
		}
	}
}

// A key file that is damaged is told and stays as it is.
func TestDamagedKeyIsNotReplaced(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	for _, damaged := range []string{"", "garbage", strings.Repeat("A", 10_000), samtest.NewKey()[:500]} {
		if err := os.WriteFile(file, []byte(damaged), 0o600); err != nil {
			t.Fatal(err)
		}
		_, h, _ := open(t, router(t), i2p.Config{Connectable: true, KeyFile: file})
		if err := h.Ended(t); !errors.Is(err, i2p.ErrKey) {
			t.Errorf("%.20q: %v", damaged, err)
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != damaged {
			t.Error("the file was changed", err)
		}
	}
}

func TestNoRouter(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	i, err := i2p.New(i2p.Config{Name: "i", Connectable: true, KeyFile: filepath.Join(t.TempDir(), "key"), Router: address})
	if err != nil {
		t.Fatal(err)
	}
	h, _ := ifacetest.Start(t, i)
	var refused *net.OpError
	if err := h.Ended(t); !errors.Is(err, i2p.ErrNoRouter) || !errors.As(err, &refused) {
		t.Error(err)
	}
}

// What answers but is no router ends the attempt.
func TestNotARouter(t *testing.T) {
	for _, answer := range []string{"HTTP/1.1 400 Bad Request\r\n", "\n", strings.Repeat("x", 20_000), "HELLO REPLY X=\"open\n", "DEST REPLY RESULT=OK\n"} {
		i, err := i2p.New(i2p.Config{
			Name: "i", Connectable: true, KeyFile: filepath.Join(t.TempDir(), "key"),
			Dial: func(context.Context, string, string) (net.Conn, error) {
				here, there := net.Pipe()
				go func() {
					_, _ = there.Read(make([]byte, 100))
					_, _ = there.Write([]byte(answer))
					_ = there.Close()
				}()
				return here, nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		h, _ := ifacetest.Start(t, i)
		if err := h.Ended(t); !errors.Is(err, i2p.ErrReply) {
			t.Errorf("%.20q: %v", answer, err)
		}
	}
}

func TestUnusableSettings(t *testing.T) {
	many := make([]string, 257)
	for n := range many {
		many[n] = "a.i2p"
	}
	for _, c := range []i2p.Config{
		{}, {Connectable: true}, {Peers: []string{"example.org"}}, {Peers: []string{"a b.i2p"}}, {Peers: []string{".i2p"}},
		{Peers: []string{"x\nSESSION.i2p"}}, {Peers: []string{"AAAA"}}, {Peers: many},
		{Peers: []string{samtest.NewKey()[:100] + "\n" + samtest.NewKey()[100:]}},
	} {
		if _, err := i2p.New(c); err == nil {
			t.Errorf("%.60v was accepted", c.Peers)
		}
	}
	if _, err := i2p.New(i2p.Config{Peers: []string{samtest.NewKey()}}); err != nil {
		t.Error(err)
	}
}

// The names of key files. spec: rns-interfaces §14
func TestKeyFile(t *testing.T) {
	dir := t.TempDir()
	identity := [16]byte{1, 2, 3}
	// SHA-256 of the joined hashes of the name and of the identity; the older name leaves the identity out.
	const now, before = "41737adbe53ec6d197e88fce62cd6a643a7ffbe190d5be391e5d207ad6f45cc8.i2p",
		"756eecb936d4a23ad3fdb46f0952c83ebf3aeb220a008c54d6052589706d3c7f.i2p"
	if got := i2p.KeyFile(dir, "name", identity); got != filepath.Join(dir, "i2p", now) {
		t.Error(got)
	}
	old := filepath.Join(dir, "i2p", before)
	if err := os.MkdirAll(filepath.Dir(old), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(old, []byte(samtest.NewKey()), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := i2p.KeyFile(dir, "name", identity); got != old {
		t.Error("the file with the older name is not used:", got)
	}
}

// Keepalives hold a quiet tunnel; one on which nothing is heard becomes unresponsive and is closed after 110 s.
// spec: rns-interfaces §14
func TestSupervision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := new(samtest.Router)
		defer r.Close()
		key := filepath.Join(t.TempDir(), "key")
		params := i2p.DefaultParams()
		server, sh, stopServer := open(t, r, i2p.Config{Connectable: true, KeyFile: key, Params: &params})
		defer stopServer()
		sh.WaitUp(t)
		_, ch, stop := open(t, r, i2p.Config{Name: "c", Peers: []string{server.Endpoint().Address}, Params: &params})
		defer stop()
		out, in := ch.Peer(t), sh.Peer(t)
		<-time.After(10 * time.Minute)
		for _, h := range []*ifacetest.Host{out, in} {
			if s := h.Iface.(iface.Tunnelled).TunnelState(); s != iface.TunnelActive || len(h.Frames) != 0 {
				t.Errorf("%s is %s after ten quiet minutes, %d frames", h.Iface.Info().Label, s, len(h.Frames))
			}
		}
		// A peer that sends nothing, not even keepalives.
		silent := mute(t, r, server.Endpoint().Address)
		defer silent()
		dumb := sh.Peer(t)
		began := time.Now()
		<-time.After(21 * time.Second)
		if s := dumb.Iface.(iface.Tunnelled).TunnelState(); s != iface.TunnelStale {
			t.Errorf("silent tunnel is %s", s)
		}
		err := <-dumb.Done
		if took := time.Since(began); !errors.Is(err, i2p.ErrSilent) || took < 110*time.Second || took > 112*time.Second {
			t.Errorf("silent tunnel ended after %v: %v", took, err)
		}
	})
}

// mute connects to an endpoint by hand and then only reads.
func mute(t *testing.T, r *samtest.Router, address string) (stop func()) {
	t.Helper()
	var conns []net.Conn
	ask := func(commands ...string) (answer string) {
		c, err := r.Dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
		lines := bufio.NewReader(c)
		for _, command := range append([]string{"HELLO VERSION MIN=3.1 MAX=3.1"}, commands...) {
			if _, err := io.WriteString(c, command+"\n"); err != nil {
				t.Fatal(err)
			}
			if answer, err = lines.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
		}
		go func() { _, _ = io.Copy(io.Discard, lines) }()
		return strings.TrimSpace(answer)
	}
	ask("SESSION CREATE STYLE=STREAM ID=mute DESTINATION=TRANSIENT")
	_, dest, _ := strings.Cut(ask("NAMING LOOKUP NAME="+address), "VALUE=")
	ask("STREAM CONNECT ID=mute DESTINATION=" + dest + " SILENT=false")
	return func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}
}
