package node_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/node"
	"meshchatx/rns/rnstest"
)

// TestDirectoryOfTheReference: where the reference has been, it finds its files again: cached announces and ratchets one by
// one, and none of destinations long gone. Elsewhere there are no such files. spec: rns-core §4.5, §19.4
func TestDirectoryOfTheReference(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		dir := t.TempDir()
		announces, ratchets := filepath.Join(dir, "cache", "announces"), filepath.Join(dir, "ratchets")
		for _, d := range []string{announces, ratchets} {
			if err := os.MkdirAll(d, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		gone := filepath.Join(announces, rns.Hash{1}.Hex())
		foreign := filepath.Join(announces, "README")
		for _, name := range []string{gone, foreign, filepath.Join(ratchets, rns.Addr{1}.Hex()), filepath.Join(ratchets, "note")} {
			if err := os.WriteFile(name, []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		conf := node.DefaultConfig()
		conf.Transport = node.On
		n, err := node.New(conf, node.WithStorage(node.NewDirStorage(dir)), node.WithRandom(rnstest.Random(7)))
		if err != nil {
			t.Fatal(err)
		}
		if err := n.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		far := w.Node("far")
		in := far.Inbox("test.inbox", func(c *node.DestinationConfig) { c.Ratchets = node.Ratchets{Name: "own"} })
		x, y := mem.Pair("n-far", "far-n", mem.Conditions{})
		if _, err := n.AddInterface(x, rnstest.Open()); err != nil {
			t.Fatal(err)
		}
		far.Add(y, rnstest.Open())
		check := func(want int) {
			t.Helper()
			in.Announce()
			w.Run(2 * time.Second)
			if err := n.Save(t.Context()); err != nil {
				t.Fatal(err)
			}
			s, err := n.Snapshot(t.Context())
			if err != nil || len(s.Paths) != 1 || len(s.Ratchets) != 1 {
				t.Fatalf("%d paths, %d ratchets: %v", len(s.Paths), len(s.Ratchets), err)
			}
			names, err := os.ReadDir(announces)
			if err != nil || len(names) != want {
				t.Errorf("%d announces: %v", len(names), err)
			}
			b, err := os.ReadFile(filepath.Join(announces, s.Paths[0].PacketHash.Hex()))
			if err != nil {
				t.Fatal(err)
			}
			if a, err := rns.ParseCachedAnnounce(b); err != nil || rns.PacketHash(a.Raw) != s.Paths[0].PacketHash || a.Interface != mem.DefaultInfo("n-far").Label {
				t.Errorf("cached %+v: %v", a, err)
			}
			if b, err = os.ReadFile(filepath.Join(ratchets, in.Addr().Hex())); err != nil {
				t.Fatal(err)
			}
			if r, err := rns.ParseReceivedRatchet(b); err != nil || r.Ratchet != s.Ratchets[0].Ratchet {
				t.Errorf("ratchet %+v: %v", r, err)
			}
			if left, err := os.ReadDir(ratchets); err != nil || len(left) != 2 { // and the note
				t.Errorf("%d ratchets: %v", len(left), err)
			}
		}
		check(2) // and the README
		if err := in.RotateRatchet(); err != nil {
			t.Fatal(err)
		}
		check(2)
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestNewerRatchetCounts: of our file and that of the reference, which may have run later. spec: rns-core §4.5
func TestNewerRatchetCounts(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	for _, c := range []struct {
		name  string
		later time.Duration
		want  byte
	}{{"theirs is newer", time.Hour, 2}, {"ours is newer", -time.Hour, 1}} {
		t.Run(c.name, func(t *testing.T) {
			var s node.MemStorage
			files := storedFiles(t)
			known, err := rns.ParseKnownDestinations(files["known_destinations"])
			if err != nil {
				t.Fatal(err)
			}
			dest := known[0].Dest
			files["received_ratchets"] = ratchetsFile(dest, rns.RatchetPublic{1}, now.Add(-2*time.Hour))
			files["ratchets/"+dest.Hex()] = rns.AppendReceivedRatchet(nil, rns.ReceivedRatchet{
				Ratchet: rns.RatchetPublic{2}, Received: now.Add(-2*time.Hour + c.later),
			})
			for name, b := range files {
				if err := s.Write(name, b); err != nil {
					t.Fatal(err)
				}
			}
			n, err := node.New(node.DefaultConfig(), node.WithStorage(&s))
			if err != nil {
				t.Fatal(err)
			}
			if err := n.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			defer n.Close()
			snap, err := n.Snapshot(t.Context())
			if err != nil || len(snap.Ratchets) != 1 || snap.Ratchets[0].Ratchet != (rns.RatchetPublic{c.want}) {
				t.Errorf("ratchets %+v: %v", snap.Ratchets, err)
			}
		})
	}
}

// ratchetsFile is our file of received ratchets.
func ratchetsFile(dest rns.Addr, key rns.RatchetPublic, at time.Time) []byte {
	b := msgpack.AppendArrayHeader(msgpack.AppendArrayHeader(nil, 1), 3)
	return msgpack.AppendInt(msgpack.AppendBin(msgpack.AppendBin(b, dest[:]), key[:]), at.Unix())
}
