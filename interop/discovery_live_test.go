package interop

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"meshchatx/internal/event"
	"meshchatx/internal/interfaces"
	"meshchatx/internal/store"
	"meshchatx/rns/discovery"
	"meshchatx/rns/discovery/agent"
	"meshchatx/rns/node"
)

// discoveryScript runs the reference on a configuration directory, looks for what to publish every 6 s, so that somebody is there
// to hear the first, and answers each line with the list of discovered interfaces and the number of its interfaces that are online.
const discoveryScript = `
import os, sys, json, RNS
RNS.Discovery.InterfaceAnnouncer.JOB_INTERVAL = 6
RNS.Reticulum(sys.argv[1], loglevel=int(sys.argv[2]))
plain = lambda v: v.hex() if isinstance(v, bytes) else v
found = RNS.Discovery.InterfaceDiscovery(discover_interfaces=False)
print(json.dumps({"id": RNS.Transport.identity.hash.hex()}), flush=True)
for line in os.fdopen(os.dup(0), "rb", 0):  # without the lock of sys.stdin, for which forked searchers of stamps would wait
    rows = [{k: plain(v) for k, v in r.items()} for r in found.list_discovered_interfaces()]
    up = [str(i) for i in RNS.Transport.interfaces if i.online and hasattr(i, "autoconnect_hash")]
    print(json.dumps({"found": rows, "connected": up}), flush=True)
`

// pythonFound is what the reference tells of a discovered interface.
type pythonFound struct {
	Name        string   `json:"name"`
	Type        string   `json:"type"`
	Status      string   `json:"status"`
	Transport   bool     `json:"transport"`
	TransportID string   `json:"transport_id"`
	NetworkID   string   `json:"network_id"`
	ReachableOn string   `json:"reachable_on"`
	Port        int      `json:"port"`
	Value       int      `json:"value"`
	Hops        int      `json:"hops"`
	Latitude    *float64 `json:"latitude"`
	NetworkName string   `json:"ifac_netname"`
	Entry       string   `json:"config_entry"`
	Hash        string   `json:"discovery_hash"`
}

// discoverer is a running reference.
type discoverer struct {
	ID  string `json:"id"`
	dir string
	in  io.Writer
	out *bufio.Scanner
}

// startDiscoverer runs the reference with a configuration until the test ends.
func startDiscoverer(t *testing.T, dir, config string) *discoverer {
	t.Helper()
	writeConfig(t, dir, config)
	level := os.Getenv("MESHCHATX_LIVE_LOGLEVEL")
	if level == "" {
		level = "2"
	}
	cmd := exec.CommandContext(t.Context(), "python3", "-c", discoveryScript, dir, level)
	cmd.Env = append(os.Environ(), "PYTHONPATH="+pythonPath(t))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
	})
	d := &discoverer{dir: dir, in: in, out: bufio.NewScanner(out)}
	d.out.Buffer(nil, 1<<20)
	d.read(t, d)
	return d
}

func writeConfig(t *testing.T, dir, text string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// read decodes the next line of JSON; the reference also prints its log.
func (d *discoverer) read(t *testing.T, v any) {
	t.Helper()
	for d.out.Scan() {
		if strings.HasPrefix(d.out.Text(), "{") {
			if err := json.Unmarshal(d.out.Bytes(), v); err != nil {
				t.Fatalf("%s: %v", d.out.Text(), err)
			}
			return
		}
		t.Log(d.out.Text())
	}
	t.Fatalf("the reference ended: %v", d.out.Err())
}

func (d *discoverer) list(t *testing.T) (found []pythonFound, connected []string) {
	t.Helper()
	if _, err := fmt.Fprintln(d.in); err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Found     []pythonFound `json:"found"`
		Connected []string      `json:"connected"`
	}
	d.read(t, &answer)
	return answer.Found, answer.Connected
}

// startConfigured runs our node from a configuration file, as the program does. It publishes and discovers from when serve is
// called.
func startConfigured(t *testing.T, dir, config string) (n *node.Node, s *interfaces.Service, serve func()) {
	t.Helper()
	writeConfig(t, dir, config)
	conf, err := interfaces.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	n, err = node.New(interfaces.NodeConfig(conf), node.WithStorage(node.NewDirStorage(filepath.Join(dir, "storage"))))
	if err != nil {
		t.Fatal(err)
	}
	db, _, err := store.OpenServer(t.Context(), filepath.Join(dir, "server.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	times := agent.DefaultParams()
	times.Publish = time.Second
	s = interfaces.New(interfaces.Options{
		Dir: dir, Node: n, Build: interfaces.Drivers, Bus: event.New(time.Now(), event.DefaultParams()), Events: db.InterfaceEvents,
		Now: time.Now, Params: interfaces.DefaultParams(), Discovery: times,
	})
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	if err := n.Start(ctx); err != nil {
		t.Fatal(err)
	}
	s.Start(ctx)
	var parts sync.WaitGroup
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(n.Close(), db.Close()); err != nil {
			t.Error(err)
		}
		parts.Wait()
	})
	return n, s, func() { parts.Go(func() { _ = s.Serve(ctx) }) } // ends with ctx
}

// peers counts the connections our listeners have.
func peers(ctx context.Context, t *testing.T, n *node.Node) int {
	t.Helper()
	all, err := n.Interfaces(ctx)
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, i := range all {
		if i.Parent != 0 && i.State.Word == node.StateUp {
			count++
		}
	}
	return count
}

// eventually asks until the answer is yes.
func eventually(ctx context.Context, t *testing.T, what string, ask func() bool) {
	t.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for !ask() {
		select {
		case <-ctx.Done():
			t.Fatalf("%s: %v", what, context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// gateway publishes a backbone interface, and has another door by which it is heard.
func gateway(door, gate int, more string) string {
	return fmt.Sprintf(`[reticulum]
  enable_transport = yes
  share_instance = no
%s
[interfaces]
  [[Door]]
    type = TCPServerInterface
    enabled = yes
    listen_ip = 127.0.0.1
    listen_port = %d
  [[Gate]]
    type = BackboneInterface
    enabled = yes
    listen_on = 127.0.0.1
    port = %d
    network_name = club
    passphrase = secret
    publish_ifac = yes
    discoverable = yes
    discovery_name = Gate of the club
    discovery_stamp_value = 10
    announce_interval = 5
    reachable_on = 127.0.0.1
    latitude = 47.5
`, more, door, gate)
}

// seeker discovers and connects.
func seeker(door int, more string) string {
	return fmt.Sprintf(`[reticulum]
  enable_transport = no
  share_instance = no
  discover_interfaces = yes
  required_discovery_value = 10
  autoconnect_discovered_interfaces = 2
%s
[interfaces]
  [[Way]]
    type = TCPClientInterface
    enabled = yes
    target_host = 127.0.0.1
    target_port = %d
`, more, door)
}

// discoveryWays are the ways an interface is published.
var discoveryWays = map[string]struct{ reticulum, extra string }{
	"clear": {}, "encrypted": {"  network_identity = %s", "    discovery_encrypt = yes\n"},
}

// TestLiveDiscovery: what one side publishes the other lists, connects to, and stores in files that both read, in the clear and
// encrypted for a network identity. spec: rns-core §22, §21.3
func TestLiveDiscovery(t *testing.T) {
	pythonPath(t)
	for name, w := range discoveryWays {
		for _, publisher := range []string{"Python", "ours"} {
			t.Run(name+" by "+publisher, func(t *testing.T) {
				dir := t.TempDir()
				door, gate := freePort(t), freePort(t)
				general := w.reticulum
				if general != "" {
					general = fmt.Sprintf(general, filepath.Join(dir, "network")) // whoever starts first makes it
				}
				out, in := gateway(door, gate, general)+w.extra, seeker(door, general)
				record(t, "interface discovery "+name, publisher+" publishes", 90*time.Second, func(ctx context.Context) []string {
					if publisher == "Python" {
						return discoverPython(ctx, t, dir, gate, out, in)
					}
					return discoverOurs(ctx, t, dir, gate, out, in)
				})
			})
		}
	}
}

// discoverPython: the reference publishes, we list and connect.
func discoverPython(ctx context.Context, t *testing.T, dir string, gate int, out, in string) []string {
	t.Helper()
	partner := startDiscoverer(t, filepath.Join(dir, "python"), out)
	n, s, serve := startConfigured(t, filepath.Join(dir, "ours"), in)
	serve()
	var got interfaces.Discovered
	eventually(ctx, t, "our node discovers and connects", func() bool {
		l, err := s.Discovered(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if len(l.Items) > 0 {
			got = l.Items[0]
		}
		return got.Connected == interfaces.StateUp
	})
	if got.Name != "Gate of the club" || got.Type != string(discovery.TypeBackbone) || got.TransportID.Hex() != partner.ID || !got.Transport ||
		got.Endpoint != fmt.Sprintf("127.0.0.1:%d", gate) || got.Latitude == nil || *got.Latitude != 47.5 || !got.IFAC || got.Value < 10 || got.Hops != 1 {
		t.Errorf("discovered %+v", got)
	}
	// The reference reads the file we wrote, in a directory of its own.
	readers := filepath.Join(dir, "reader")
	copyRecords(t, n.Storage(), node.NewDirStorage(filepath.Join(readers, "storage")))
	reader := startDiscoverer(t, readers, "[reticulum]\n share_instance = no\n[interfaces]\n")
	rows, _ := reader.list(t)
	if len(rows) != 1 || rows[0].Name != got.Name || rows[0].Entry != got.Entry || rows[0].Status != "available" || rows[0].Value != got.Value {
		t.Errorf("the reference reads %+v", rows)
	}
	return []string{fmt.Sprintf("stamp value %d", got.Value)}
}

// discoverOurs: we publish, the reference lists and connects.
func discoverOurs(ctx context.Context, t *testing.T, dir string, gate int, out, in string) []string {
	t.Helper()
	n, _, serve := startConfigured(t, filepath.Join(dir, "ours"), out)
	partner := startDiscoverer(t, filepath.Join(dir, "python"), in)
	eventually(ctx, t, "the reference comes to the door", func() bool { return peers(ctx, t, n) == 1 })
	serve() // what is published earlier would be published again after minutes only
	var got pythonFound
	eventually(ctx, t, "the reference discovers and connects", func() bool {
		rows, connected := partner.list(t)
		if len(rows) > 0 {
			got = rows[0]
		}
		return len(connected) > 0
	})
	if got.Name != "Gate of the club" || got.Type != string(discovery.TypeBackbone) || got.TransportID != n.TransportID().Hex() || !got.Transport ||
		got.ReachableOn != "127.0.0.1" || got.Port != gate || got.Latitude == nil || *got.Latitude != 47.5 || got.NetworkName != "club" ||
		got.Value < 10 || got.Hops != 1 || got.Status != "available" {
		t.Errorf("discovered %+v", got)
	}
	eventually(ctx, t, "our listener takes the connection", func() bool { return peers(ctx, t, n) == 2 })
	// We read the file that the reference wrote.
	records, err := agent.ReadRecords(node.NewDirStorage(filepath.Join(partner.dir, "storage")))
	if err != nil || len(records) != 1 || records[0].Hash().Hex() != got.Hash || records[0].ConfigEntry() != got.Entry {
		t.Errorf("read %+v, %v", records, err)
	}
	return []string{fmt.Sprintf("stamp value %d", got.Value)}
}

func copyRecords(t *testing.T, from, to node.Storage) {
	t.Helper()
	names, err := from.List(agent.Directory)
	if err != nil || len(names) == 0 {
		t.Fatalf("records %v, %v", names, err)
	}
	for _, name := range names {
		b, err := from.Read(agent.Directory + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := to.Write(agent.Directory+"/"+name, b); err != nil {
			t.Fatal(err)
		}
	}
}
