package propagation_test

import (
	"crypto/rand"
	"encoding/binary"
	"testing"
	"time"

	"meshchatx/lxmf"
	"meshchatx/lxmf/propagation"
	"meshchatx/rns"
	"meshchatx/rns/node"
)

// BenchmarkOpen opens a store of 100,000 messages, as after a proper stop and as taken over from another program.
func BenchmarkOpen(b *testing.B) {
	const messages = 100_000
	files := propagation.NewDirFiles(b.TempDir())
	body := make([]byte, 300)
	for i := range messages {
		binary.BigEndian.PutUint32(body, uint32(i))
		name := lxmf.StoredName{ID: rns.FullHash(body), Received: float64(time.Now().Unix()), Value: 16}
		if err := propagation.WriteUnsynced(files, name.String(), body); err != nil {
			b.Fatal(err)
		}
	}
	id, err := rns.NewIdentity(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	state := new(node.MemStorage)
	open := func(b *testing.B) *propagation.Node {
		n, err := node.New(node.DefaultConfig())
		if err != nil {
			b.Fatal(err)
		}
		p, err := propagation.New(propagation.Config{Node: n, Identity: id, Files: files, State: state})
		if err != nil {
			b.Fatal(err)
		}
		return p
	}
	b.Run("foreign", func(b *testing.B) {
		for b.Loop() {
			open(b)
		}
	})
	if err := open(b).Save(); err != nil {
		b.Fatal(err)
	}
	b.Run("own", func(b *testing.B) {
		for b.Loop() {
			open(b)
		}
	})
}
