package node_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/config"
	"meshchatx/rns/discovery"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/iface/tcp"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/node"
	"meshchatx/rns/rnstest"
	"meshchatx/rns/transport"
)

// TestDefects: what the reference does wrong and is required to be right, the rows that need a whole node. The others are in
// TestDefects of rns/transport. spec: rns-core §25
func TestDefects(t *testing.T) {
	for _, row := range []struct {
		name string
		test func(t *testing.T)
	}{
		{"1 queued announces carry the access code", defectQueuedCode},
		{"2 released announces pass behind the access code", defectReleasedCode},
		{"4 connections inherit the options of their listener", defectInheritance},
		{"5 destinations never used linger", defectLinger},
		{"6 the number of retained ratchets is heeded", defectRetained},
		{"12 link_mtu_discovery can be switched off", defectDiscoveryOff},
		{"13 interface_mode takes gateway and internal", defectModes},
		{"14 received blackhole entries are checked", defectBlackholeEntries},
		{"16 modulation of a KISS interface is text or a number", defectModulation},
	} {
		t.Run(row.name, row.test)
	}
}

func coded(c *node.InterfaceConfig) { c.NetworkName, c.Passphrase = "net", "phrase" }

// openAll opens what an endpoint has sent, and fails where the code is missing.
func openAll(t *testing.T, end *mem.Endpoint) []rns.Packet {
	t.Helper()
	code, err := rns.NewIFAC("net", "phrase", end.Info().AccessCodeSize)
	if err != nil {
		t.Fatal(err)
	}
	var all []rns.Packet
	for _, s := range end.Drain() {
		raw, err := code.Open(nil, s.Data)
		if err != nil {
			t.Errorf("frame without its code: %v", err)
			continue
		}
		p, err := rns.ParsePacket(raw)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

// defectQueuedCode. spec: rns-core §9.4, §10.5
func defectQueuedCode(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		hub := w.Transport("hub")
		in, slow := mem.New("in", mem.WithMTU(rns.MTU)), mem.New("slow", mem.WithMTU(rns.MTU), mem.WithBitrate(2000))
		hub.Add(in, rnstest.Open())
		hub.Add(slow, rnstest.Open(coded))
		slow.Record()
		for i := range 4 {
			_, raw := announceOf(t, uint64(100+10*i))
			in.Inject(raw)
		}
		w.Run(10 * time.Minute)
		seen := make(map[rns.Addr]bool)
		for _, p := range openAll(t, slow) {
			seen[p.Dest] = true
		}
		if len(seen) != 4 {
			t.Errorf("%d announces left", len(seen))
		}
	})
}

// defectReleasedCode. spec: rns-core §10.4
func defectReleasedCode(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		hub := w.Transport("hub")
		end := mem.New("end", mem.WithMTU(rns.MTU))
		hub.Add(end, rnstest.Open(coded, func(c *node.InterfaceConfig) { c.IngressControl = transport.LimitOn }))
		code, err := rns.NewIFAC("net", "phrase", end.Info().AccessCodeSize)
		if err != nil {
			t.Fatal(err)
		}
		const count = 30
		for i := range count {
			_, raw := announceOf(t, uint64(100+10*i))
			end.Inject(code.Seal(nil, raw))
			w.Run(50 * time.Millisecond)
		}
		s, err := hub.Snapshot(t.Context())
		if err != nil || len(s.HeldAnnounces) == 0 {
			t.Fatalf("nothing was held: %v", err)
		}
		w.Run(time.Hour)
		if c, err := hub.Counts(t.Context()); err != nil || c.Paths != count {
			t.Errorf("%d of %d announces arrived: %v", c.Paths, count, err)
		}
	})
}

// defectInheritance. spec: rns-core §10.1
func defectInheritance(t *testing.T) {
	n, peer := startNode(t, transportOn), startNode(t)
	s, err := tcp.NewServer(tcp.ServerConfig{Name: "listener", Host: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	conf := open()
	conf.AnnounceCap, conf.RecursiveRequests, conf.BlockInternalAnnounces, conf.AnnouncesToInternal = 0.5, node.On, node.On, node.On
	conf.Mode, conf.Gravity = transport.ModeBoundary, 7
	conf.AnnounceRate = transport.AnnounceRate{Target: time.Minute, Grace: 3, Penalty: time.Second}
	parent, err := n.AddInterface(s, conf)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return s.Address() != "" })
	connect(t, peer, s.Address())
	var child node.InterfaceStatus
	eventually(t, func() bool {
		all, err := n.Interfaces(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range all {
			if i.Parent == parent {
				child = i
			}
		}
		return child.ID != 0
	})
	got := child.Transport.Info
	if got.AnnounceCap != 0.5 || !got.RecursiveRequests || !got.BlockInternalAnnounces || !got.AnnouncesToInternal ||
		got.Mode != transport.ModeBoundary || got.Gravity != 7 || got.AnnounceRate != conf.AnnounceRate || got.IngressControl != transport.LimitOff {
		t.Errorf("inherited %+v", got)
	}
}

// defectLinger. spec: rns-core §3.7
func defectLinger(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		a, b := w.Node("a"), w.Node("b")
		w.Connect(a, b, mem.Conditions{})
		in := b.Inbox("test.inbox")
		w.Run(2 * time.Minute)
		in.Announce()
		w.Run(time.Second)
		if err := a.DropPath(t.Context(), in.Addr()); err != nil {
			t.Fatal(err)
		}
		known := func() bool {
			s, err := a.Snapshot(t.Context()) // Recall would be a use
			return err == nil && len(s.Known) == 1
		}
		w.Run(5 * time.Minute)
		if !known() {
			t.Error("forgotten at the first cleaning")
		}
		w.Run(6 * time.Minute)
		if known() {
			t.Error("still known")
		}
	})
}

// defectRetained. spec: rns-core §4.2
func defectRetained(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		n := w.Node("n")
		in := n.Inbox("test.inbox", func(c *node.DestinationConfig) {
			c.Ratchets = node.Ratchets{Name: "own/ratchets", Retained: 3}
		})
		for range 7 {
			if err := in.RotateRatchet(); err != nil {
				t.Fatal(err)
			}
		}
		b, err := n.Storage.Read("own/ratchets")
		if err != nil {
			t.Fatal(err)
		}
		if keys, err := rns.ParseRatchetFile(b, in.Identity().Public()); err != nil || len(keys) != 3 {
			t.Errorf("%d ratchets: %v", len(keys), err)
		}
	})
}

// defectDiscoveryOff. spec: rns-core §23.5
func defectDiscoveryOff(t *testing.T) {
	for _, value := range []string{"no", "yes"} {
		c, err := config.Parse([]byte("[reticulum]\nlink_mtu_discovery = " + value + "\n"))
		if err != nil || c.Reticulum.LinkMTUDiscovery != (value == "yes") {
			t.Errorf("%s: %v, %v", value, c.Reticulum.LinkMTUDiscovery, err)
		}
		bubble(t, func(t *testing.T, w *rnstest.Network) {
			a, b := w.Node("a", func(n *node.Config) { n.LinkMTUDiscovery = node.Switch(c.Reticulum.LinkMTUDiscovery) }), w.Node("b")
			w.Connect(a, b, mem.Conditions{})
			in := b.Inbox("test.inbox")
			in.Announce()
			w.Run(time.Second)
			l, err := a.OpenLink(t.Context(), in.Addr(), node.LinkHandler{})
			if err != nil {
				t.Fatal(err)
			}
			if small := l.MTU() == rns.MTU; small != (value == "no") {
				t.Errorf("%s: MTU of %d", value, l.MTU())
			}
		})
	}
}

// defectModes. spec: rns-core §23.6
func defectModes(t *testing.T) {
	for name, want := range map[string]config.Mode{
		"gateway": config.Mode(transport.ModeGateway), "gw": config.Mode(transport.ModeGateway), "internal": config.Mode(transport.ModeInternal),
	} {
		text := fmt.Sprintf("[interfaces]\n[[a]]\ntype = UDPInterface\nenabled = yes\ninterface_mode = %s\n", name)
		c, err := config.Parse([]byte(text))
		if err != nil || len(c.Interfaces) != 1 || c.Interfaces[0].Err != nil || c.Interfaces[0].Mode != want {
			t.Errorf("%s: %+v, %v", name, c.Interfaces, err)
		}
	}
}

// defectBlackholeEntries. spec: rns-core §21.4
func defectBlackholeEntries(t *testing.T) {
	good := bytes.Repeat([]byte{1}, 16)
	entry := func(source, until, reason msgpack.Value) msgpack.Value {
		return msgpack.Map(
			msgpack.Pair{Key: msgpack.Str("source"), Value: source}, msgpack.Pair{Key: msgpack.Str("until"), Value: until},
			msgpack.Pair{Key: msgpack.Str("reason"), Value: reason},
		)
	}
	source := msgpack.Bin(good)
	list := msgpack.Map(
		msgpack.Pair{Key: msgpack.Bin(good), Value: entry(source, msgpack.Nil(), msgpack.Str("fine"))},
		msgpack.Pair{Key: msgpack.Bin(good[:15]), Value: entry(source, msgpack.Nil(), msgpack.Nil())},
		msgpack.Pair{Key: msgpack.Str("0123456789abcdef"), Value: entry(source, msgpack.Nil(), msgpack.Nil())},
		msgpack.Pair{Key: msgpack.Bin(bytes.Repeat([]byte{2}, 16)), Value: msgpack.Int(1)},
		msgpack.Pair{Key: msgpack.Bin(bytes.Repeat([]byte{3}, 16)), Value: entry(msgpack.Bin(good[:3]), msgpack.Nil(), msgpack.Nil())},
		msgpack.Pair{Key: msgpack.Bin(bytes.Repeat([]byte{4}, 16)), Value: entry(source, msgpack.Str("soon"), msgpack.Nil())},
	)
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		id := w.Identity(5)
		liar := w.Node("liar")
		if _, err := liar.Register(node.DestinationConfig{
			Identity: id, Name: "rnstransport.info.blackhole", Requests: []node.RequestHandler{{
				Path: "/list", Policy: node.AllowAll,
				Serve: func(*node.Request) (*node.Response, error) { return &node.Response{Value: list}, nil },
			}},
		}); err != nil {
			t.Fatal(err)
		}
		reader := w.Node("reader", managed(func(m *node.Management) { m.BlackholeSources = []rns.Addr{id.Hash()} }))
		w.Connect(liar, reader, mem.Conditions{})
		w.Run(time.Minute)
		all, err := reader.Blackholed(t.Context())
		if err != nil || len(all) != 1 || all[0].Reason != "fine" || all[0].Source != id.Hash() {
			t.Errorf("taken over %+v: %v", all, err)
		}
	})
}

// defectModulation. spec: rns-core §22.2
func defectModulation(t *testing.T) {
	number := int64(4)
	for _, m := range []discovery.Modulation{{Text: "AFSK"}, {Number: &number}} {
		i, err := discovery.ParseInfo(discovery.Info{Type: discovery.TypeKISS, Modulation: m}.Append(nil))
		if err != nil || i.Modulation.String() != m.String() {
			t.Errorf("%v: %+v, %v", m, i, err)
		}
	}
}
