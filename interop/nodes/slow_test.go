package nodes

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"meshchatx/interop/shaper"
	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns"
	"meshchatx/rns/iface"
	"meshchatx/rns/iface/tcp"
	"meshchatx/rns/node"
)

// modem is a connection that takes what it sends as slowly as a radio: nothing hides in the buffers of the system, so that
// the queue of the interface is where frames wait.
type modem struct {
	net.Conn
	bitrate int64
	once    sync.Once
	hungUp  chan struct{}
}

func newModem(c net.Conn, bitrate int64) *modem {
	return &modem{Conn: c, bitrate: bitrate, hungUp: make(chan struct{})}
}

func (m *modem) Write(b []byte) (int, error) {
	const piece = 64
	for sent := 0; sent < len(b); {
		next := b[sent:min(sent+piece, len(b))]
		airtime := time.NewTimer(time.Duration(8*len(next)) * time.Second / time.Duration(m.bitrate))
		select {
		case <-airtime.C:
		case <-m.hungUp:
			airtime.Stop()
			return sent, net.ErrClosed
		}
		n, err := m.Conn.Write(next)
		if sent += n; err != nil {
			return sent, err
		}
	}
	return len(b), nil
}

func (m *modem) Close() error {
	m.once.Do(func() { close(m.hungUp) })
	return m.Conn.Close()
}

// modems makes every accepted connection a modem.
type modems struct {
	net.Listener
	bitrate int64
}

func (l modems) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return newModem(c, l.bitrate), nil
}

// slowly joins two stations by modems, with a medium of these conditions between them.
func slowly(ctx context.Context, t *testing.T, from, to *station, bitrate int64, c shaper.Conditions) *shaper.Proxy {
	t.Helper()
	conf := node.InterfaceConfig{Bitrate: bitrate}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server, err := tcp.NewServer(tcp.ServerConfig{
		Name: "slow", Host: "127.0.0.1",
		Listen: func(context.Context, string, string) (net.Listener, error) { return modems{l, bitrate}, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := to.attach(ctx, server, conf); err != nil {
		t.Fatal(err)
	}
	p := startShaper(t, l.Addr().(*net.TCPAddr).Port, c, 6)
	client, err := tcp.NewClient(tcp.ClientConfig{
		Name: "slow", Host: "127.0.0.1", Port: p.Addr().Port,
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return newModem(c, bitrate), nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	mark := to.events.mark()
	if _, err := from.attach(ctx, client, conf); err != nil {
		t.Fatal(err)
	}
	to.awaitPeer(ctx, t, mark)
	return p
}

// TestSlowRadio: a pile of messages and a small file over 2 kbit/s, both ways. Each is sent once and arrives once, and no
// interface drops a packet of a link.
func TestSlowRadio(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute of real airtime")
	}
	t.Parallel()
	const bitrate, pile = 2000, 12
	ctx := limited(t, 58*time.Second)
	a, b := newStation(t, "a"), newStation(t, "b")
	slowly(ctx, t, a, b, bitrate, shaper.Conditions{Delay: 20 * time.Millisecond})
	introduce(ctx, t, a, b)
	introduce(ctx, t, b, a)
	mark := map[*station]uint64{a: lastSeen(a), b: lastSeen(b)}
	var there []*lxmf.Message
	for i := range pile {
		there = append(there, a.send(t, a.message(b.router.Address(), strconv.Itoa(i)+" "+string(noise(100, 1))), lxmf.MethodDirect))
	}
	file := a.send(t, a.message(b.router.Address(), "file "+fmt.Sprintf("%x", noise(750, 2))), lxmf.MethodDirect)
	back := b.send(t, b.message(a.router.Address(), "back"), lxmf.MethodOpportunistic)
	for _, m := range append(there, file) {
		steps, _ := a.delivered(ctx, t, b, m)
		if count(steps, router.KindAttemptFailed) > 0 {
			t.Errorf("more than one attempt:\n%s", dump(steps))
		}
	}
	b.delivered(ctx, t, a, back)
	b.once(t, append(there, file)...)
	a.once(t, back)
	packets := 0
	for s, since := range mark {
		noDrops(ctx, t, s)
		records, _ := s.tap.Since(since)
		for _, r := range records {
			if r.Direction != node.Out {
				continue
			}
			if r.Verdict != rns.VerdictForwarded {
				t.Errorf("%s dropped a packet before sending: %s, context %d", s.name, r.Verdict, r.Packet.Context)
			}
			if s == a && r.Packet.DestType == rns.DestLink && r.Packet.Type == rns.PacketData && r.Packet.Context == rns.ContextNone {
				packets++
			}
		}
	}
	if packets != pile {
		t.Errorf("%d packets for %d messages", packets, pile)
	}
}

// lastSeen is the newest number of a station's tap.
func lastSeen(s *station) uint64 {
	records, _ := s.tap.Since(0)
	if len(records) == 0 {
		return 0
	}
	return records[len(records)-1].Seq
}

// noDrops checks that no interface of a station refused a packet to be sent.
func noDrops(ctx context.Context, t *testing.T, s *station) {
	t.Helper()
	all, err := s.node.Interfaces(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		if n := i.Count.Verdicts[rns.VerdictQueueFull]; n > 0 && i.Info.Role != iface.RoleListener {
			t.Errorf("%s: %s dropped %d packets", s.name, i.Info.Label, n)
		}
	}
}
