package lxmd

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshchatx/lxmf/propagation"
	"meshchatx/rns"
)

var (
	one = rns.Addr{0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}
	two = rns.Addr{0xff}
)

// spec: lxmf §15
func TestParseReadsAllKeys(t *testing.T) {
	c, err := Parse([]byte(`
[propagation]
enable_node = yes
node_name = "A, B"
auth_required = yes
announce_at_start = yes
announce_interval = 90
autopeer = no
autopeer_maxdepth = 7
message_storage_limit = 0.5
propagation_transfer_max_accepted_size = 1
propagation_message_max_accepted_size = 100.5
propagation_sync_max_accepted_size = 5000
propagation_stamp_cost_target = 18
propagation_stamp_cost_flexibility = 2
peering_cost = 20
remote_peering_cost_max = 24
prioritise_destinations = ` + one.Hex() + `
control_allowed = ` + one.Hex() + `, ` + two.Hex() + `
static_peers = ` + two.Hex() + `,
max_peers = 9
from_static_only = True
sequential_pn_stamp_validation = no
static_peers_bypass_sequential = no
max_inbound_syncs = 1
[lxmf]
display_name = Somebody
announce_at_start = on
delivery_transfer_max_accepted_size = 0.1
stamp_cost = 8
on_inbound = rm -f
[logging]
loglevel = 6
`))
	if err != nil {
		t.Fatal(err)
	}
	s := propagation.DefaultSettings()
	s.Name, s.Auth, s.AutoPeer, s.AutoPeerDepth, s.StorageLimit = "A, B", propagation.Yes, propagation.No, 7, 500_000
	s.TransferLimit, s.SyncLimit, s.StampCost, s.Flexibility, s.PeeringCost, s.MaxPeeringCost = 100.5, 5000, 18, 2, 20, 24
	s.Prioritised, s.Control, s.StaticPeers = []rns.Addr{one}, []rns.Addr{one, two}, []rns.Addr{two}
	s.MaxPeers, s.StaticOnly, s.Sequential, s.StaticWait, s.MaxInboundSyncs = 9, propagation.Yes, propagation.No, propagation.Yes, 1
	want := Config{
		Node: true, Settings: s, NodeAnnounce: Announcing{true, 90 * time.Minute}, Announce: Announcing{AtStart: true},
		DisplayName: "Somebody", DeliveryLimit: 380, StampCost: 8, OnInbound: "rm -f", LogLevel: 6,
	}
	if len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0].Error(), "raised to 0.38") {
		t.Errorf("warnings are %v", c.Warnings)
	}
	c.Warnings = nil
	if d := cmp.Diff(want, c); d != "" {
		t.Error(d)
	}
}

func TestEmptyFileIsTheDefault(t *testing.T) {
	c, err := Parse(nil)
	if d := cmp.Diff(DefaultConfig(), c); d != "" || err != nil {
		t.Error(d, err)
	}
}

// What an operator got wrong is not guessed.
func TestParseRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"a word for a number": "[propagation]\npeering_cost = much\n",
		"no boolean":          "[propagation]\nauth_required = perhaps\n",
		"a short hash":        "[propagation]\nstatic_peers = 0011\n",
		"not a number":        "[propagation]\nmessage_storage_limit = NaN\n",
		"too much":            "[lxmf]\ndelivery_transfer_max_accepted_size = 1e300\n",
		"no syntax":           "[propagation\n",
	} {
		if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	c, err := Parse([]byte("[lxmf]\ndisplay_nmae = x\n"))
	if err != nil || len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0].Error(), "line 2: display_nmae") {
		t.Errorf("a misspelled key gives %v, %v", c.Warnings, err)
	}
}

func TestExampleIsUnderstood(t *testing.T) {
	c, err := Parse([]byte(Example))
	if err != nil || len(c.Warnings) > 0 {
		t.Fatal(err, c.Warnings)
	}
	// Every setting it only shows is understood, too.
	var shown []string
	for line := range strings.Lines(Example) {
		if s, ok := strings.CutPrefix(line, "# "); ok && strings.Contains(s, " = ") {
			line = s
		}
		shown = append(shown, line)
	}
	c, err = Parse([]byte(strings.Join(shown, "")))
	if err != nil || len(c.Warnings) > 0 {
		t.Error(err, c.Warnings)
	}
}

func TestLoad(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	if _, err := Load(dir); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, ConfigName)); err != nil || string(b) != Example {
		t.Errorf("a new directory gets no example: %v", err)
	}
	put(t, filepath.Join(dir, ignoredName), one.Hex()+"\r\nnonsense\n\n"+two.Hex())
	put(t, filepath.Join(dir, allowedName), two.Hex())
	c, err := Load(dir)
	if err != nil || !slices.Equal(c.Ignored, []rns.Addr{one, two}) || !slices.Equal(c.Settings.Allowed, []rns.Addr{two}) {
		t.Errorf("lists are %v and %v, %v", c.Ignored, c.Settings.Allowed, err)
	}
	put(t, filepath.Join(dir, ConfigName), "[propagation]\npeering_cost = much\n")
	if _, err := Load(dir); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("a wrong file gives %v", err)
	}
}

func TestDirIsWherePeopleHaveIt(t *testing.T) {
	home := t.TempDir()
	if got, want := Dir(home), filepath.Join(home, ".lxmd"); got != want {
		t.Errorf("without any it is %s", got)
	}
	put(t, filepath.Join(home, ".config", "lxmd", ConfigName), "")
	if got, want := Dir(home), filepath.Join(home, ".config", "lxmd"); got != want {
		t.Errorf("it is %s, want %s", got, want)
	}
}

func put(t *testing.T, name, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

// FuzzParse: no text makes the parser panic, and what it takes is within the bounds of the settings.
func FuzzParse(f *testing.F) {
	f.Add([]byte(Example))
	f.Add([]byte("[propagation]\npeering_cost = 3\nstatic_peers = ,\n[lxmf]\non_inbound = 'a b' c\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Parse(text)
		if err == nil && (c.Settings.StampCost < 13 || c.Settings.PeeringCost < 0 || c.DeliveryLimit < 380) {
			t.Errorf("settings are %+v", c.Settings)
		}
	})
}
