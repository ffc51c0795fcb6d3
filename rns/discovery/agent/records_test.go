package agent_test

import (
	"fmt"
	"testing"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/discovery"
	"meshchatx/rns/discovery/agent"
	"meshchatx/rns/node"
	"meshchatx/rns/rnstest"
	"meshchatx/rns/transport"
)

func record(n byte) discovery.Record {
	return discovery.NewRecord(discovery.Info{
		Type: discovery.TypeBackbone, Transport: true, TransportID: rns.Addr{n}, Name: fmt.Sprint("Hub ", n),
		ReachableOn: fmt.Sprint("192.0.2.", n), Port: 4242,
	}, rns.Addr{n}, [32]byte{n}, 16, 1, time.Now())
}

func write(t *testing.T, n *rnstest.Node, r discovery.Record) {
	t.Helper()
	if err := n.Storage.Write(agent.Directory+"/"+r.Hash().Hex(), r.Append(nil)); err != nil {
		t.Fatal(err)
	}
}

func blackhole(id rns.Addr) transport.Blackhole { return transport.Blackhole{Identity: id} }

// TestFailureDamagedRecords: a damaged record is skipped and left alone, a useless one deleted, the others are read.
// spec: rns-core §22.5
func TestFailureDamagedRecords(t *testing.T) {
	s := new(node.MemStorage)
	good, misplaced := record(1), record(2)
	radio := record(3)
	radio.Type = "TCPClientInterface"
	for name, b := range map[string][]byte{
		good.Hash().Hex(): good.Append(nil), rns.Hash{9}.Hex(): misplaced.Append(nil), rns.Hash{8}.Hex(): good.Append(nil)[:40],
		radio.Hash().Hex(): radio.Append(nil), "notes.txt": []byte("mine"),
	} {
		if err := s.Write(agent.Directory+"/"+name, b); err != nil {
			t.Fatal(err)
		}
	}
	all, err := agent.ReadRecords(s)
	if len(all) != 1 || all[0].Name != "Hub 1" || err == nil {
		t.Errorf("%+v, %v", all, err)
	}
	names, err := s.List(agent.Directory)
	if err != nil || len(names) != 3 {
		t.Errorf("left %v, %v", names, err)
	}
}
