package node_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/node"
	"meshchatx/rns/rnstest"
)

// loaded is what a node made of its files.
type loaded struct {
	paths, known, tunnels, hashes, black int
	complaints                           []string
}

// load starts a transport node on files, gives it the interface "end", and closes it.
func load(t *testing.T, s node.Storage, change ...func(*node.Config)) loaded {
	t.Helper()
	conf := node.DefaultConfig()
	conf.Transport = node.On
	for _, f := range change {
		f(&conf)
	}
	n, err := node.New(conf, node.WithStorage(s), node.WithRandom(rnstest.Random(1)))
	if err != nil {
		t.Fatal(err)
	}
	complaints := make(chan string, 100)
	n.OnEvent(func(e node.Event) {
		if e.Kind == node.EventStorage {
			complaints <- e.Name
		}
	})
	if err := n.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := n.AddInterface(mem.New("end"), rnstest.Open()); err != nil {
		t.Fatal(err)
	}
	var l loaded
	c, err := n.Counts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l.paths, l.known, l.hashes, l.tunnels = c.Paths, c.Known, c.PacketHashes, tunnels(t, n)
	black, err := n.Blackholed(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l.black = len(black)
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	for len(complaints) > 0 {
		l.complaints = append(l.complaints, <-complaints)
	}
	return l
}

// storedFiles are the files of a node that knows three destinations, has a tunnel with them, refuses an identity.
func storedFiles(t *testing.T) map[string][]byte {
	t.Helper()
	now := time.Now()
	label := rns.FullHash([]byte(mem.DefaultInfo("end").Label))
	var known []rns.KnownDestination
	var paths []rns.PathRecord
	files := make(map[string][]byte)
	announces := msgpack.AppendArrayHeader(nil, 3)
	for i := range 3 {
		id, err := rns.NewIdentity(rnstest.Random(uint64(50 + i)))
		if err != nil {
			t.Fatal(err)
		}
		a, err := rns.NewAnnounce(rnstest.Random(uint64(60+i)), id, rns.NameHashOf("test.x"), nil, nil, now)
		if err != nil {
			t.Fatal(err)
		}
		raw := pack(t, a.Packet(rns.ContextNone))
		announces = msgpack.AppendBin(announces, raw)
		known = append(known, rns.KnownDestination{Dest: a.Dest, LastAnnounce: now, PacketHash: rns.PacketHash(raw), Public: id.Public()})
		paths = append(paths, rns.PathRecord{
			Dest: a.Dest, Learned: now, NextHop: a.Dest, Hops: 1, Expires: now.Add(time.Hour),
			Blobs: [][rns.RandomBlobSize]byte{a.Random}, Interface: label, Announce: rns.PacketHash(raw),
		})
	}
	files["announces"] = announces
	files["known_destinations"] = rns.AppendKnownDestinations(nil, known)
	files["destination_table"] = rns.AppendPathTable(nil, paths)
	files["tunnels"] = rns.AppendTunnels(nil, []rns.TunnelRecord{{ID: rns.Hash{1}, Paths: paths, Expires: now.Add(time.Hour)}})
	files["packet_hashlist.raw"] = bytes.Repeat([]byte{7}, 32)
	files["blackhole/local"] = rns.AppendBlackholes(nil, []rns.Blackhole{{Identity: rns.Addr{9}, Reason: "spam"}})
	return files
}

// TestStoredFiles: what a file that is not as it should be costs: its own table at most, and one line in the log.
// spec: rns-core §3.6, §19.2 to §19.6
func TestStoredFiles(t *testing.T) {
	whole := loaded{paths: 3, known: 3, tunnels: 1, hashes: 1, black: 1}
	cut := func(b []byte) []byte { return b[:len(b)-7] }
	future := func(b []byte) []byte {
		return msgpack.Map(msgpack.Pair{Key: msgpack.Str("version"), Value: msgpack.Int(9)}).Append(nil)
	}
	for _, c := range []struct {
		name, file string
		change     func([]byte) []byte
		want       func(*loaded)
	}{
		{"as saved", "tunnels", func(b []byte) []byte { return b }, func(*loaded) {}},
		{"paths cut off", "destination_table", cut, func(l *loaded) { l.paths = 0 }},
		{"paths of the future", "destination_table", future, func(l *loaded) { l.paths = 0 }},
		{"paths empty", "destination_table", func([]byte) []byte { return nil }, func(l *loaded) { l.paths = 0 }},
		{"too many paths promised", "destination_table", func([]byte) []byte { return []byte{0xdd, 0xff, 0xff, 0xff, 0xff} }, func(l *loaded) { l.paths = 0 }},
		{"known cut off", "known_destinations", cut, func(l *loaded) { l.known = 0 }},
		{"known of the future", "known_destinations", future, func(l *loaded) { l.known = 0 }},
		{"tunnels cut off", "tunnels", cut, func(l *loaded) { l.tunnels = 0 }},
		{"tunnels of the future", "tunnels", future, func(l *loaded) { l.tunnels = 0 }},
		{"announces cut off", "announces", cut, func(l *loaded) { l.paths, l.tunnels = 0, 0 }},
		{"hashes cut off", "packet_hashlist.raw", func(b []byte) []byte { return append(b, 1, 2, 3) }, func(*loaded) {}},
		{"blackhole cut off", "blackhole/local", cut, func(l *loaded) { l.black = 0 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s node.MemStorage
			for name, b := range storedFiles(t) {
				if name == c.file {
					b = c.change(b)
				}
				if err := s.Write(name, b); err != nil {
					t.Fatal(err)
				}
			}
			want := whole
			c.want(&want)
			got := load(t, &s)
			complained := slices.Contains(got.complaints, c.file)
			got.complaints = nil
			if got.paths != want.paths || got.known != want.known || got.tunnels != want.tunnels || got.hashes != want.hashes || got.black != want.black {
				t.Errorf("got %+v, want %+v", got, want)
			}
			quiet := []string{"as saved", "hashes cut off", "known of the future"} // entries that mean nothing are left out
			if complained == slices.Contains(quiet, c.name) {
				t.Errorf("complained %v", complained)
			}
		})
	}
}

// TestLegacyKnownDestinations: files of older versions have four fields. spec: rns-core §3.6
func TestLegacyKnownDestinations(t *testing.T) {
	key := bytes.Repeat([]byte{3}, 64)
	b := msgpack.AppendMapHeader(nil, 2)
	b = msgpack.AppendBin(b, bytes.Repeat([]byte{1}, 16))
	b = msgpack.AppendArrayHeader(b, 4)
	b = msgpack.AppendFloat64(b, float64(time.Now().Unix()))
	b = msgpack.AppendBin(b, bytes.Repeat([]byte{2}, 32))
	b = msgpack.AppendNil(msgpack.AppendBin(b, key))
	b = msgpack.AppendInt(msgpack.AppendString(b, "not a hash"), 1)
	var s node.MemStorage
	if err := s.Write("known_destinations", b); err != nil {
		t.Fatal(err)
	}
	if l := load(t, &s); l.known != 1 || len(l.complaints) != 0 {
		t.Errorf("loaded %+v", l)
	}
}

// TestPathsOfABlackholedIdentity are not loaded. spec: rns-core §19.2
func TestPathsOfABlackholedIdentity(t *testing.T) {
	var s node.MemStorage
	files := storedFiles(t)
	known, err := rns.ParseKnownDestinations(files["known_destinations"])
	if err != nil {
		t.Fatal(err)
	}
	files["blackhole/local"] = rns.AppendBlackholes(nil, []rns.Blackhole{{Identity: known[0].Public.Hash()}})
	for name, b := range files {
		if err := s.Write(name, b); err != nil {
			t.Fatal(err)
		}
	}
	if l := load(t, &s); l.paths != 2 {
		t.Errorf("%d paths", l.paths)
	}
}

// TestNewerAnnounceServesAPath: a crash between two writes leaves a path whose announce was replaced by a newer one.
func TestNewerAnnounceServesAPath(t *testing.T) {
	var s node.MemStorage
	files := storedFiles(t)
	paths, err := rns.ParsePathTable(files["destination_table"])
	if err != nil {
		t.Fatal(err)
	}
	paths[0].Announce[0] ^= 1
	files["destination_table"] = rns.AppendPathTable(nil, paths)
	for name, b := range files {
		if err := s.Write(name, b); err != nil {
			t.Fatal(err)
		}
	}
	if l := load(t, &s); l.paths != 3 {
		t.Errorf("%d paths", l.paths)
	}
}

// TestOversizedFileIsNotRead: nobody's disk is read into memory without end.
func TestOversizedFileIsNotRead(t *testing.T) {
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "known_destinations"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Truncate(3<<30), f.Close()); err != nil { // sparse
		t.Skip(err)
	}
	s := node.NewDirStorage(dir)
	if _, err := s.Read("known_destinations"); !errors.Is(err, node.ErrFileSize) {
		t.Errorf("read: %v", err)
	}
	if l := load(t, s); l.known != 0 || !slices.Contains(l.complaints, "known_destinations") {
		t.Errorf("loaded %+v", l)
	}
}

// TestStoredPathsOfLostInterfacesEnd: paths whose interface never comes back are kept for the life of a path only.
func TestStoredPathsOfLostInterfacesEnd(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		n := w.Transport("n")
		far := w.Node("far")
		in := far.Inbox("test.inbox")
		w.Connect(n, far, mem.Conditions{})
		in.Announce()
		w.Run(5 * time.Second)
		n = n.Restart()
		w.Run(8 * 24 * time.Hour)
		if err := n.Save(context.Background()); err != nil {
			t.Fatal(err)
		}
		b, err := n.Storage.Read("destination_table")
		if err != nil {
			t.Fatal(err)
		}
		if paths, err := rns.ParsePathTable(b); err != nil || len(paths) != 0 {
			t.Errorf("%d paths: %v", len(paths), err)
		}
	})
}
