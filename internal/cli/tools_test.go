package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshchatx/rns"
	"meshchatx/rns/control"
	"meshchatx/rns/msgpack"
)

func TestUnits(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{sizeText(0), "0 B"}, {sizeText(999), "999 B"}, {sizeText(1234), "1.23 KB"}, {sizeText(5e12), "5.00 TB"},
		{speedText(1e6), "1.00 Mbps"}, {rateText(1200), "1.20 kbps"}, {rateText(10e6), "10.00 Mbps"},
		{frequencyText(0), "0 Hz"}, {frequencyText(0.26), "0.3 Hz"}, {frequencyText(2500), "2.5 KHz"},
		{durationText(0), "0s"}, {durationText(1500 * time.Millisecond), "1.5s"}, {durationText(-time.Minute), "-1m"},
		{durationText(26*time.Hour + 3*time.Minute + 4*time.Second), "1d, 2h, 3m and 4s"},
		{plural(1, "hop", "hops"), "1 hop"}, {plural(0, "hop", "hops"), "0 hops"},
		{trimmed(0), "0.0"}, {trimmed(33.333), "33.33"}, {trimmed(50), "50.0"}, {trimmed(12.5), "12.5"},
		{sinceText(90 * time.Second), "1 minute"}, {sinceText(3 * time.Hour), "3 hours"}, {sinceText(40 * 24 * time.Hour), "1 month"},
	} {
		if tt.got != tt.want {
			t.Errorf("%q, not %q", tt.got, tt.want)
		}
	}
}

func TestCalledByName(t *testing.T) {
	for program, want := range map[string][]string{
		"/usr/bin/rncp": {"rncp", "-l"}, "rnid.exe": {"rnid", "-l"}, "meshchatx": {"-l"}, "": {"-l"}, "/x/rnother": {"-l"},
	} {
		if got := called(program, []string{"-l"}); !slices.Equal(got, want) {
			t.Errorf("%s: %v", program, got)
		}
	}
}

func pointer[T any](v T) *T { return &v }

// The columns people and their scripts know.
func TestStatusPage(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	s := nodeStatus{links: 3, Stats: control.Stats{
		RxBytes: 1500, TxBytes: 20, RxRate: 800, Transport: &control.TransportStats{ID: rns.Addr{1}, Probe: rns.Addr{2}, Uptime: 61 * time.Second},
		Interfaces: []control.InterfaceStats{
			{Name: "Shared Instance[37428]", Clients: pointer(1), Online: true, Mode: 1, Bitrate: 1e9},
			{
				Name: "RNodeInterface[radio]", Mode: 3, Bitrate: 1200, RxBytes: 1500, TxBytes: 20, RxRate: 800, Gravity: 2, HeldAnnounces: 1,
				AccessCode:        &control.AccessCode{Signature: []byte{1, 2, 3, 4, 5, 6}, Size: 8, Network: "net"},
				OutgoingAnnounces: 0.5, AnnounceRateTarget: pointer(3600), AnnounceRatePenalty: pointer(0), AnnounceRateGrace: pointer(5),
				AnnounceBurst: control.Burst{Active: true, Since: now.Add(-3 * time.Second)},
				Device: control.DeviceStats{
					AirtimeShort: pointer(1.5), AirtimeLong: pointer(0.25), NoiseFloor: pointer(-110.0), BatteryPercent: pointer(80), BatteryState: pointer("charging"),
				},
			},
			{Name: "TCPInterface[Client on srv/127.0.0.1:5]", Online: true},
		},
	}}
	var out bytes.Buffer
	c := rnstatusCommand{Announces: true, Links: true, Totals: true}
	if err := c.print(&out, s, now); err != nil {
		t.Fatal(err)
	}
	want := `
 Shared Instance[37428]
    Status    : Up
    Serving   : 1 program
    Rate      : 1.00 Gbps
    Announces : 0 Hz↑       0 Hz/c
                0 Hz↓      
    Traffic   : ↑0 B        0 bps
                ↓0 B        0 bps

 RNodeInterface[radio]
    Network   : net
    Status    : Down, gravity 2
    Mode      : Access Point
    Rate      : 1.20 kbps
    Noise Fl. : -110 dBm
    Battery   : 80% (charging)
    Airtime   : 1.5% (15s), 0.25% (1h)
    Access    : 64-bit IFAC by <…0203040506>
    Held      : 1 announce
    Announces : 0.5 Hz↑     
                0 Hz↓      (t:1h/p:0s/g:5) burst for 3s
    Traffic   : ↑20 B       0 bps
                ↓1.50 KB    800 bps

 Totals       : ↑20 B     0 bps
                ↓1.50 KB  800 bps

 Transport Instance <01000000000000000000000000000000> running
 Probe responder at <02000000000000000000000000000000> active
 Uptime is 1m and 1s, 3 entries in link table

`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
	for _, tt := range []struct {
		c    rnstatusCommand
		want int
	}{{rnstatusCommand{}, 2}, {rnstatusCommand{All: true}, 3}, {rnstatusCommand{Filter: "RADIO"}, 1}, {rnstatusCommand{Bursts: true}, 1}} {
		n := 0
		for i := range s.Interfaces {
			if tt.c.shown(&s.Interfaces[i]) {
				n++
			}
		}
		if n != tt.want {
			t.Errorf("%+v shows %d", tt.c, n)
		}
	}
	for word, first := range map[string]string{"rate": "Shared", "traffic": "RNode", "gravity": "RNode", "": "Shared"} {
		list := slices.Clone(s.Interfaces)
		rnstatusCommand{Sort: word}.sort(list)
		if !strings.HasPrefix(list[0].Name, first) {
			t.Errorf("by %q the first is %s", word, list[0].Name)
		}
	}
}

func TestPathTables(t *testing.T) {
	env, out := environment(nil)
	now := time.Now()
	near := control.PathEntry{Hash: rns.Addr{1}, Via: rns.Addr{1}, Hops: 1, Interface: "b", Expires: now, Timestamp: now}
	far := control.PathEntry{Hash: rns.Addr{2}, Via: rns.Addr{9}, Hops: 3, Interface: "a", Expires: now, Timestamp: now}
	table := func() []control.PathEntry { return []control.PathEntry{near, far} }
	if err := (rnpathCommand{}).printTable(env, table(), nil); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[0], "<02") || !strings.Contains(lines[0], " is 3 hops away via <09") || !strings.Contains(lines[1], " is 1 hop  away") {
		t.Errorf("%s", out)
	}
	if err := (rnpathCommand{}).printTable(env, table(), &rns.Addr{7}); err == nil {
		t.Error("an unknown path is shown")
	}
	out.Reset()
	rates := []control.RateEntry{
		{Hash: rns.Addr{1}, Last: now.Add(-time.Minute), Violations: 2, BlockedUntil: now.Add(time.Hour), Timestamps: []time.Time{now.Add(-2 * time.Hour), now.Add(-time.Minute)}},
		{Hash: rns.Addr{2}, Last: now.Add(-2 * time.Minute)},
	}
	if err := (rnpathCommand{}).printRates(env, rates, nil); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.HasPrefix(got, "<02") ||
		!strings.Contains(got, "1 announces/hour in the last 2 hours, 2 active rate violations, new announces allowed in 59 minutes") {
		t.Errorf("%s", got)
	}
	out.Reset()
	list := []control.BlackholeEntry{
		{Identity: rns.Addr{1}, Source: rns.Addr{2}, Reason: strings.Repeat("x", 80)}, {Identity: rns.Addr{3}, Until: now.Add(90 * time.Minute)},
	}
	if err := (rnpathCommand{}).printBlackholed(env, list, ""); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.Contains(got, "blackholed indefinitely ("+strings.Repeat("x", 63)+"…) by <02") || !strings.Contains(got, "blackholed for 1h") {
		t.Errorf("%s", got)
	}
}

func TestPlainValue(t *testing.T) {
	v := msgpack.Map(
		msgpack.Pair{Key: msgpack.Str("a"), Value: msgpack.Array(msgpack.Bin([]byte{1}), msgpack.Nil(), msgpack.Bool(true), msgpack.Float(0.5))},
		msgpack.Pair{Key: msgpack.Bin([]byte{2}), Value: msgpack.Int(-1)}, msgpack.Pair{Key: msgpack.Int(3), Value: msgpack.Str("x")})
	want := map[string]any{"a": []any{"01", nil, true, 0.5}, "02": int64(-1), "3": "x"}
	if diff := cmp.Diff(want, plainValue(v)); diff != "" {
		t.Error(diff)
	}
}

// A tool that waits ends at once, and without an error, when it is told to stop; rnid says so by its code.
func TestToolsStop(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	env, out := environment(nil)
	env.Context = ctx
	dir := t.TempDir()
	if err := writeConfig(dir); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"rnpath", "00112233445566778899aabbccddeeff"}, {"rnprobe", "a.b", "00112233445566778899aabbccddeeff"},
		{"rncp", "tools_test.go", "00112233445566778899aabbccddeeff"}, {"rnx", "00112233445566778899aabbccddeeff", "ls"},
		{"rncp", "-l"}, {"rnx", "-l"}, {"rnsd"},
	} {
		if code := Main(append(args, "--config", dir), *env); code != exitOK {
			t.Errorf("%v: %d\n%s", args, code, out)
		}
	}
	if code := Main([]string{"rnid", "-i", "00112233445566778899aabbccddeeff", "-R", "-p", "--config", dir}, *env); code != rnidInterrupted {
		t.Errorf("rnid: %d\n%s", code, out)
	}
}

// writeConfig writes a configuration without interfaces.
func writeConfig(dir string) error {
	return os.WriteFile(filepath.Join(dir, "config"), []byte("[reticulum]\nshare_instance = no\n[interfaces]\n"), 0o600)
}
