package node_test

import (
	"context"
	"crypto/rand"
	"testing"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/node"
)

// manyPaths fills a storage with a path table.
func manyPaths(tb testing.TB, count int) *node.MemStorage {
	tb.Helper()
	s := new(node.MemStorage)
	now := time.Now()
	label := rns.FullHash([]byte(mem.DefaultInfo("end").Label))
	id := newIdentity(tb)
	known := make([]rns.KnownDestination, 0, count)
	paths := make([]rns.PathRecord, 0, count)
	announces := msgpack.AppendArrayHeader(nil, count)
	for range count {
		a := rns.Announce{Public: id.Public(), Name: rns.NameHashOf("test.x"), AppData: make([]byte, 40)}
		if _, err := rand.Read(a.Dest[:]); err != nil { // what is stored is not checked again
			tb.Fatal(err)
		}
		raw := a.Packet(rns.ContextNone).Append(nil)
		announces = msgpack.AppendBin(announces, raw)
		hash := rns.PacketHash(raw)
		known = append(known, rns.KnownDestination{Dest: a.Dest, LastAnnounce: now, PacketHash: hash, Public: a.Public})
		paths = append(paths, rns.PathRecord{
			Dest: a.Dest, Learned: now, NextHop: a.Dest, Hops: 1, Expires: now.Add(time.Hour),
			Blobs: [][rns.RandomBlobSize]byte{a.Random}, Interface: label, Announce: hash,
		})
	}
	for name, b := range map[string][]byte{
		"announces": announces, "known_destinations": rns.AppendKnownDestinations(nil, known),
		"destination_table": rns.AppendPathTable(nil, paths),
	} {
		if err := s.Write(name, b); err != nil {
			tb.Fatal(err)
		}
	}
	return s
}

// BenchmarkSave saves 100,000 destinations and reports how long the loop made others wait meanwhile.
func BenchmarkSave(b *testing.B) {
	const count = 100_000
	conf := node.DefaultConfig()
	conf.Transport = node.On
	n, err := node.New(conf, node.WithStorage(manyPaths(b, count)))
	if err != nil {
		b.Fatal(err)
	}
	if err := n.Start(context.Background()); err != nil {
		b.Fatal(err)
	}
	defer n.Close()
	if _, err := n.AddInterface(mem.New("end"), open()); err != nil {
		b.Fatal(err)
	}
	if c, err := n.Counts(b.Context()); err != nil || c.Paths != count {
		b.Fatal(c, err)
	}
	var worst time.Duration
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
			}
			begin := time.Now()
			n.HasPath(context.Background(), rns.Addr{})
			worst = max(worst, time.Since(begin))
			<-time.After(time.Millisecond)
		}
	}()
	for b.Loop() {
		if err := n.Save(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	close(stop)
	<-done
	b.ReportMetric(float64(worst.Microseconds())/1000, "ms-worst-wait")
}
