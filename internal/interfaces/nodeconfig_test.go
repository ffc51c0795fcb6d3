package interfaces

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshchatx/rns"
	"meshchatx/rns/config"
	"meshchatx/rns/node"
)

// TestManagementOptions: what the file says of management reaches the node. spec: rns-core §23.5
func TestManagementOptions(t *testing.T) {
	const a, b = "00112233445566778899aabbccddeeff", "ffeeddccbbaa99887766554433221100"
	c, err := config.Parse([]byte("[reticulum]\nenable_transport = yes\nenable_remote_management = yes\nremote_management_allowed = " + a + ", " + b +
		"\nrespond_to_probes = yes\nnetwork_identity = ~/net\npublish_blackhole = yes\nblackhole_sources = " + b + "\nblackhole_update_interval = 5\n"))
	if err != nil {
		t.Fatal(err)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		t.Skip("the file names a place below the home directory, and there is none:", err)
	}
	address := func(s string) rns.Addr {
		h, err := rns.ParseAddr(s)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	want := node.Management{
		Remote: node.On, Allowed: []rns.Addr{address(a), address(b)}, Probes: node.On, NetworkIdentity: filepath.Join(home, "net"),
		PublishBlackhole: node.On, BlackholeSources: []rns.Addr{address(b)}, BlackholeInterval: 5 * time.Minute,
	}
	if d := cmp.Diff(want, NodeConfig(c).Management); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(node.Management{BlackholeInterval: time.Hour}, NodeConfig(config.Default()).Management); d != "" {
		t.Errorf("by default: %s", d)
	}
	if got := inHome("~other/net"); got != "~other/net" {
		t.Errorf("another's home: %s", got)
	}
}
