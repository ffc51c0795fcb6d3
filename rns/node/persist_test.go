package node_test

import (
	"testing"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/node"
	"meshchatx/rns/rnstest"
)

func TestRestartRemembers(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		hub, b := w.Transport("hub"), w.Node("b")
		w.Connect(hub, b, mem.Conditions{})
		in := b.Inbox("test.inbox", func(c *node.DestinationConfig) {
			c.Ratchets = node.Ratchets{Name: "own/ratchets"}
			c.AppData = func() []byte { return []byte("hello") }
		})
		in.Announce()
		w.Run(10 * time.Second)
		if _, err := hub.Recall(t.Context(), in.Addr()); err != nil { // marks it as used
			t.Fatal(err)
		}
		hub2 := hub.Restart()
		k, err := hub2.Recall(t.Context(), in.Addr())
		if err != nil || string(k.AppData) != "hello" || !k.Ratchet || k.Public != in.Identity().Public() {
			t.Errorf("recalled %+v: %v", k, err)
		}
		if hub2.HasPath(t.Context(), in.Addr()) {
			t.Error("path without its interface")
		}
		w.Connect(hub2, b, mem.Conditions{})
		if p, err := hub2.Path(t.Context(), in.Addr()); err != nil || p.Hops != 1 {
			t.Errorf("path after the interface came back: %+v, %v", p, err)
		}
		r, err := hub2.SendPacket(t.Context(), in.Addr(), []byte("still there"), node.SendOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		hub3 := hub2.Restart() // a restart without the interface must not lose the path
		hub4 := hub3.Restart()
		w.Connect(hub4, b, mem.Conditions{})
		if !hub4.HasPath(t.Context(), in.Addr()) {
			t.Error("path was lost by a restart without its interface")
		}
	})
}

// TestFilesOfTheReferenceAreRead checks spec: rns-core §10.2, §19.4, §23.2
func TestFilesOfTheReferenceAreRead(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		n := w.Transport("n")
		id := w.Identity(3)
		now := time.Now()
		ratchet, err := rns.NewRatchet(rnstest.Random(4))
		if err != nil {
			t.Fatal(err)
		}
		public := ratchet.Public()
		a, err := rns.NewAnnounce(rnstest.Random(5), id, rns.NameHashOf("test.inbox"), &public, []byte("hi"), now)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := a.Packet(rns.ContextNone).Pack(rns.MTU)
		if err != nil {
			t.Fatal(err)
		}
		hash := rns.PacketHash(raw)
		label := mem.DefaultInfo("e").Label
		files := map[string][]byte{
			"known_destinations": rns.AppendKnownDestinations(nil, []rns.KnownDestination{
				{Dest: a.Dest, LastAnnounce: now, PacketHash: hash, Public: id.Public(), AppData: []byte("hi")},
			}),
			"ratchets/" + a.Dest.Hex():      rns.AppendReceivedRatchet(nil, rns.ReceivedRatchet{Ratchet: public, Received: now}),
			"ratchets/nonsense":             []byte("left alone"),
			"cache/announces/" + hash.Hex(): rns.AppendCachedAnnounce(nil, rns.CachedAnnounce{Raw: raw, Interface: label}),
			"destination_table": rns.AppendPathTable(nil, []rns.PathRecord{{
				Dest: a.Dest, Learned: now, NextHop: a.Dest, Hops: 1, Expires: now.Add(time.Hour),
				Blobs: [][rns.RandomBlobSize]byte{a.Random}, Interface: rns.FullHash([]byte(label)), Announce: hash,
			}}),
			"packet_hashlist.raw": hash[:],
		}
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
		for name, b := range files {
			if err := n.Storage.Write(name, b); err != nil {
				t.Fatal(err)
			}
		}
		for _, name := range []string{"announces", "received_ratchets"} { // ours would win
			if err := n.Storage.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
		n = n.Restart()
		n.Add(mem.New("e"), rnstest.Open())
		k, err := n.Recall(t.Context(), a.Dest)
		if err != nil || !k.Ratchet || string(k.AppData) != "hi" {
			t.Errorf("recalled %+v: %v", k, err)
		}
		if !n.HasPath(t.Context(), a.Dest) || !n.Seen(t.Context(), hash) {
			t.Error("path or packet hash was not read")
		}
	})
}

func TestExportIsReadAgain(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		hub, b := w.Transport("hub"), w.Node("b")
		w.Connect(hub, b, mem.Conditions{})
		in := b.Inbox("test.inbox", func(c *node.DestinationConfig) { c.Ratchets = node.Ratchets{Name: "own/ratchets"} })
		in.Announce()
		w.Run(10 * time.Second)
		var out node.MemStorage
		if err := hub.Export(t.Context(), &out); err != nil {
			t.Fatal(err)
		}
		for _, dir := range []string{"ratchets", "cache/announces"} {
			if names, _ := out.List(dir); len(names) != 1 {
				t.Errorf("%d files in %s", len(names), dir)
			}
		}
		conf := hub.Config()
		if err := hub.Close(); err != nil {
			t.Fatal(err)
		}
		again, err := node.New(conf, node.WithStorage(&out), node.WithRandom(rnstest.Random(9)))
		if err != nil {
			t.Fatal(err)
		}
		if err := again.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if again.TransportID() != hub.TransportID() {
			t.Error("another identity")
		}
		x, _ := mem.Pair("hub-b", "b-hub", mem.Conditions{})
		if _, err := again.AddInterface(x, rnstest.Open()); err != nil {
			t.Fatal(err)
		}
		if k, err := again.Recall(t.Context(), in.Addr()); err != nil || !k.Ratchet || !again.HasPath(t.Context(), in.Addr()) {
			t.Errorf("recalled %+v: %v", k, err)
		}
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestDamagedFilesAreReportedAndTolerated(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		n := w.Transport("n")
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
		damaged := []string{
			"known_destinations", "destination_table", "announces", "received_ratchets", "blackhole/local",
		}
		for _, name := range append(damaged, "transport_identity", "packet_hashlist.raw") {
			if err := n.Storage.Write(name, []byte{0xc1, 0xff, 0x00}); err != nil {
				t.Fatal(err)
			}
		}
		conf := node.DefaultConfig()
		conf.Transport = node.On
		m, err := node.New(conf, node.WithStorage(n.Storage), node.WithRandom(rnstest.Random(1)))
		if err != nil {
			t.Fatal(err)
		}
		reported := make(map[string]bool)
		m.OnEvent(func(e node.Event) {
			if e.Kind == node.EventStorage {
				reported[e.Name] = true
			}
		})
		if err := m.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.Settle()
		for _, name := range damaged {
			if !reported[name] {
				t.Errorf("%s was not reported", name)
			}
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		if b, err := n.Storage.Read("transport_identity"); err != nil || len(b) != 64 {
			t.Errorf("identity of %d bytes: %v", len(b), err)
		}
	})
}

func TestTablesAreSavedWhileRunning(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		a, b := w.Node("a"), w.Node("b")
		w.Connect(a, b, mem.Conditions{})
		in := b.Inbox("test.inbox")
		in.Announce()
		w.Run(11 * time.Minute)
		file, err := a.Storage.Read("known_destinations")
		if err != nil {
			t.Fatal(err)
		}
		known, err := rns.ParseKnownDestinations(file)
		if err != nil || len(known) != 1 || known[0].Dest != in.Addr() {
			t.Errorf("saved %+v: %v", known, err)
		}
	})
}

func FuzzStoredTables(f *testing.F) {
	f.Add([]byte{0x90}, []byte{0x91, 0x93, 0xc0, 0xc0, 0xc0})
	f.Fuzz(func(t *testing.T, announces, ratchets []byte) {
		var s node.MemStorage
		_ = s.Write("announces", announces)
		_ = s.Write("received_ratchets", ratchets)
		_ = s.Write("destination_table", announces)
		_ = s.Write("tunnels", announces)
		_ = s.Write("blackhole/local", announces)
		_ = s.Write("known_destinations", ratchets)
		conf := node.DefaultConfig()
		conf.Transport = node.On
		n, err := node.New(conf, node.WithStorage(&s))
		if err != nil {
			t.Fatal(err)
		}
		if err := n.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
