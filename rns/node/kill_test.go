package node_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/node"
	"meshchatx/rns/rnstest"
	"meshchatx/rns/transport"
)

// killVariable makes the test binary save tables in a directory until it is killed.
const killVariable = "MESHCHATX_TEST_SAVE_UNTIL_KILLED"

func TestMain(m *testing.M) {
	if dir := os.Getenv(killVariable); dir != "" {
		fmt.Fprintln(os.Stderr, saveForEver(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// saveForEver runs a transport node whose every table changes from save to save: paths, known destinations, ratchets, packet
// hashes, tunnels, the blackhole list, own ratchets. It says when it begins.
func saveForEver(dir string) error {
	storage := node.NewDirStorage(dir)
	conf := node.DefaultConfig()
	conf.Transport = node.On
	n, err := node.New(conf, node.WithStorage(storage))
	if err != nil {
		return err
	}
	ctx := context.Background()
	if err := n.Start(ctx); err != nil {
		return err
	}
	end := mem.New("end", mem.WithMTU(rns.MTU))
	if _, err := n.AddInterface(end, rnstest.Open()); err != nil {
		return err
	}
	own := n.PersistentIdentity()
	dest, err := n.Register(node.DestinationConfig{
		Identity: own, Name: "test.own", Ratchets: node.Ratchets{Name: "own/ratchets", Retained: 8},
	})
	if err != nil {
		return err
	}
	peer, err := rns.NewIdentity(n.Random())
	if err != nil {
		return err
	}
	for round := 0; ; round++ {
		s, err := rns.NewTunnelSynthesis(n.Random(), peer, rns.Hash{byte(round)})
		if err != nil {
			return err
		}
		end.Inject(s.Packet().Append(nil))
		if err := injectAnnounces(n, end, 20); err != nil {
			return err
		}
		if err := n.Quiesce(ctx); err != nil {
			return err
		}
		if err := n.Blackhole(ctx, transport.Blackhole{Identity: rns.Addr{byte(round), byte(round >> 8), 1}, Reason: "spam"}); err != nil {
			return err
		}
		if err := errors.Join(dest.RotateRatchet(), n.Save(ctx)); err != nil {
			return err
		}
		if round == 0 {
			fmt.Println("saving")
		}
	}
}

func injectAnnounces(n *node.Node, end *mem.Endpoint, count int) error {
	for range count {
		id, err := rns.NewIdentity(n.Random())
		if err != nil {
			return err
		}
		r, err := rns.NewRatchet(n.Random())
		if err != nil {
			return err
		}
		public := r.Public()
		a, err := rns.NewAnnounce(n.Random(), id, rns.NameHashOf("test.far"), &public, bytes.Repeat([]byte("x"), 64), n.Now())
		if err != nil {
			return err
		}
		end.Inject(a.Packet(rns.ContextNone).Append(nil))
	}
	return nil
}

// TestKillWhileSaving: whenever a process is killed, each of its files is an old or a new one, never a torn one, and the
// next start has no complaint. spec: rns-core §19.1
func TestKillWhileSaving(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for round := range 12 {
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), killVariable+"="+dir)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if !bufio.NewScanner(out).Scan() {
			t.Fatal("the child said nothing")
		}
		<-time.After(time.Duration(rand.IntN(40_000)) * time.Microsecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed
		checkSaved(t, dir, round)
	}
}

// checkSaved looks at every file and starts a node on them.
func checkSaved(t *testing.T, dir string, round int) {
	t.Helper()
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	owner, err := rns.ParseIdentity(read("transport_identity"))
	if err != nil {
		t.Fatal(err)
	}
	paths, err1 := rns.ParsePathTable(read("destination_table"))
	known, err2 := rns.ParseKnownDestinations(read("known_destinations"))
	tunnels, err3 := rns.ParseTunnels(read("tunnels"))
	black, err4 := rns.ParseBlackholes(read("blackhole/local"))
	ratchets, err5 := rns.ParseRatchetFile(read("own/ratchets"), owner.Public())
	hashes := read("packet_hashlist.raw")
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		t.Errorf("round %d: %v", round, err)
	}
	if len(paths) < 20 || len(known) < 20 || len(tunnels) == 0 || len(black) == 0 || len(ratchets) == 0 || len(hashes)%rns.HashSize != 0 {
		t.Errorf("round %d: %d paths, %d known, %d tunnels, %d blackholed, %d ratchets, %d bytes of hashes", round,
			len(paths), len(known), len(tunnels), len(black), len(ratchets), len(hashes))
	}
	var problems []string
	conf := node.DefaultConfig()
	conf.Transport = node.On
	n, err := node.New(conf, node.WithStorage(node.NewDirStorage(dir)))
	if err != nil {
		t.Fatal(err)
	}
	n.OnEvent(func(e node.Event) {
		if e.Kind == node.EventStorage {
			problems = append(problems, e.Name)
		}
	})
	if err := n.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	end := mem.New("end")
	if _, err := n.AddInterface(end, rnstest.Open()); err != nil {
		t.Fatal(err)
	}
	if c, err := n.Counts(t.Context()); err != nil || c.Paths != len(paths) {
		t.Errorf("round %d: %d of %d paths: %v", round, c.Paths, len(paths), err)
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	if len(problems) > 0 {
		t.Errorf("round %d: complaints about %v", round, problems)
	}
	left := 0
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasPrefix(d.Name(), ".tmp-") {
			left++
		}
		return nil
	})
	if left > round+1 { // each kill leaves one at most, for an hour
		t.Errorf("round %d: %d unfinished files", round, left)
	}
}
