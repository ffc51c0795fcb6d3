package config_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/config"
	"meshchatx/rns/configobj"
	"meshchatx/rns/iface"
	"meshchatx/spec/vectortest"

	"github.com/google/go-cmp/cmp"
)

// effective is what the vectors tell about a file.
type effective struct {
	StartupFailed      bool     `json:"startup_failed"`
	LogLevel           int      `json:"loglevel"`
	LogTimestamps      bool     `json:"logtimestamps"`
	ShareInstance      bool     `json:"share_instance"`
	SharedPort         int      `json:"shared_instance_port"`
	ControlPort        int      `json:"instance_control_port"`
	SharedType         *string  `json:"shared_instance_type"`
	UseUnix            bool     `json:"use_af_unix"`
	InstanceName       *string  `json:"instance_name"`
	Transport          bool     `json:"transport_enabled"`
	StaticIdentity     bool     `json:"static_transport_identity"`
	HopsDelta          bool     `json:"local_hops_delta"`
	LinkMTUDiscovery   bool     `json:"link_mtu_discovery"`
	Remote             bool     `json:"remote_management_enabled"`
	RemoteAllowed      []string `json:"remote_management_allowed"`
	Probes             bool     `json:"respond_to_probes"`
	ImplicitProof      bool     `json:"use_implicit_proof"`
	Panic              bool     `json:"panic_on_interface_error"`
	RequiredValue      *int     `json:"required_discovery_value"`
	PublishBlackhole   bool     `json:"publish_blackhole"`
	BlackholeSources   []string `json:"blackhole_sources"`
	BlackholeInterval  float64  `json:"blackhole_update_interval_s"`
	DiscoverySources   []string `json:"interface_discovery_sources"`
	AutoconnectMax     int      `json:"autoconnect_max"`
	AutoconnectMode    *int     `json:"autoconnect_interface_mode"`
	AutoconnectGravity *int     `json:"autoconnect_interface_gravity"`
	AutoconnectToInt   *bool    `json:"autoconnect_announces_to_internal"`
	DefaultKey         bool     `json:"rpc_key_is_default"`
	StoredIdentity     bool     `json:"transport_identity_is_stored_one"`

	Interfaces map[string]effectiveInterface `json:"interfaces"`
}

type effectiveInterface struct {
	Mode              int            `json:"mode"`
	Gravity           int            `json:"gravity"`
	Out               bool           `json:"OUT"`
	Bitrate           int64          `json:"bitrate"`
	MTU               *int           `json:"HW_MTU"`
	Cap               float64        `json:"announce_cap"`
	RateTarget        *float64       `json:"announce_rate_target"`
	RateGrace         *int           `json:"announce_rate_grace"`
	RatePenalty       *float64       `json:"announce_rate_penalty"`
	IFACSize          int            `json:"ifac_size"`
	IFACName          *string        `json:"ifac_netname"`
	IFACKey           *string        `json:"ifac_netkey"`
	Signature         vectortest.Hex `json:"ifac_signature"`
	Ingress           bool           `json:"ingress_control"`
	Egress            bool           `json:"egress_control"`
	MaxHeld           int            `json:"ic_max_held_announces"`
	Hold              float64        `json:"ic_burst_hold"`
	FreqNew           float64        `json:"ic_burst_freq_new"`
	Freq              float64        `json:"ic_burst_freq"`
	RequestFreqNew    float64        `json:"ic_pr_burst_freq_new"`
	RequestFreq       float64        `json:"ic_pr_burst_freq"`
	EgressFreq        float64        `json:"ec_pr_freq"`
	NewTime           float64        `json:"ic_new_time"`
	Penalty           float64        `json:"ic_burst_penalty"`
	Release           float64        `json:"ic_held_release_interval"`
	Recursive         bool           `json:"recursive_prs"`
	FromInternal      bool           `json:"announces_from_internal"`
	ToInternal        *bool          `json:"announces_to_internal"`
	Bootstrap         bool           `json:"bootstrap_only"`
	Discoverable      bool           `json:"discoverable"`
	DiscoveryInterval *float64       `json:"discovery_announce_interval"`
	Hash              vectortest.Hex `json:"hash"`
	Label             string         `json:"string"`
}

// Settings in effect.
// spec: rns-core §10.3, §23.5, §23.6
func TestVectorConfigEffective(t *testing.T) {
	type vector struct {
		Name      string    `json:"name"`
		Text      string    `json:"text"`
		Effective effective `json:"effective"`
	}
	vectortest.Each(t, "rns-core.json", "config_effective", func(t *testing.T, v vector) {
		c, err := config.Parse([]byte(v.Text))
		if v.Effective.StartupFailed {
			var option *config.OptionError
			if !errors.As(err, &option) || option.Line == 0 {
				t.Errorf("%s: accepted, or refused without a line: %v", v.Name, err)
			}
			return
		}
		if err != nil {
			t.Fatal(v.Name, err)
		}
		if v.Name == "instance options" {
			// The vector shows the reference ignoring the option. spec: rns-core §23.5
			v.Effective.LinkMTUDiscovery = false
		}
		if diff := cmp.Diff(v.Effective, summary(t, c)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", v.Name, diff)
		}
	})
}

// summary presents settings the way the vectors do, for the dummy driver they
// use: 10 Mbit/s, automatic MTU, access codes of 16 bytes.
func summary(t *testing.T, c config.Config) effective {
	t.Helper()
	r := c.Reticulum
	e := effective{
		LogLevel: c.Logging.Level, LogTimestamps: c.Logging.Timestamps,
		ShareInstance: r.ShareInstance, SharedPort: r.SharedInstancePort, ControlPort: r.InstanceControlPort,
		UseUnix: r.SharedInstanceType != config.SharedByTCP, Transport: r.EnableTransport,
		StaticIdentity: r.StaticTransportIdentity, HopsDelta: r.LocalHopsDelta, LinkMTUDiscovery: r.LinkMTUDiscovery,
		Remote: r.EnableRemoteManagement, RemoteAllowed: hexes(r.RemoteManagementAllowed), Probes: r.RespondToProbes,
		ImplicitProof: r.UseImplicitProof, Panic: r.PanicOnInterfaceError, PublishBlackhole: r.PublishBlackhole,
		BlackholeSources: hexes(r.BlackholeSources), BlackholeInterval: r.BlackholeUpdateInterval.Seconds(),
		DiscoverySources: hexes(r.InterfaceDiscoverySources), AutoconnectMax: r.AutoconnectDiscovered,
		DefaultKey: r.RPCKey == nil, StoredIdentity: r.EnableTransport || r.StaticTransportIdentity,
		AutoconnectMode:    nonzero(int(r.AutoconnectMode)),
		AutoconnectGravity: nonzero(r.AutoconnectGravity), AutoconnectToInt: nonzero(r.AutoconnectAnnouncesToInternal),
		Interfaces: map[string]effectiveInterface{},
	}
	if r.RequiredDiscoveryValue != config.Default().Reticulum.RequiredDiscoveryValue {
		e.RequiredValue = &r.RequiredDiscoveryValue
	}
	if e.UseUnix {
		e.InstanceName = &r.InstanceName
	} else {
		e.SharedType = new(string)
		*e.SharedType = "tcp"
	}
	for _, i := range c.Interfaces {
		if i.Err != nil {
			t.Errorf("interface %s: %v", i.Name, i.Err)
		}
		if i.Enabled {
			e.Interfaces[i.Name] = interfaceSummary(t, i)
		}
	}
	return e
}

func interfaceSummary(t *testing.T, i config.Interface) effectiveInterface {
	t.Helper()
	label := i.Type + "[" + i.Name + "]"
	hash := rns.FullHash([]byte(label))
	l := i.Limits
	e := effectiveInterface{
		Mode: int(i.Mode), Gravity: i.Gravity, Out: i.Outgoing, Bitrate: i.Bitrate, Cap: i.AnnounceCap,
		IFACSize: i.AccessCodeSize, IFACName: nonzero(i.NetworkName), IFACKey: nonzero(i.Passphrase),
		Ingress: i.IngressControl, Egress: i.EgressControl, MaxHeld: l.MaxHeldAnnounces, Hold: l.BurstHold.Seconds(),
		FreqNew: l.BurstFreqNew, Freq: l.BurstFreq, RequestFreqNew: l.PathRequestFreqNew, RequestFreq: l.PathRequestFreq,
		EgressFreq: l.EgressPathRequestMax, NewTime: l.NewTime.Seconds(), Penalty: l.BurstPenalty.Seconds(),
		Release: l.HeldReleaseInterval.Seconds(), Recursive: i.RecursiveRequests, FromInternal: i.AnnouncesFromInternal,
		Bootstrap: i.BootstrapOnly, Discoverable: i.Discovery.Enabled, Hash: hash[:], Label: label,
	}
	if e.Bitrate == 0 {
		e.Bitrate = 10_000_000
	}
	if e.IFACSize == 0 {
		e.IFACSize = 16
	}
	e.MTU = nonzero(iface.OptimiseMTU(e.Bitrate))
	if i.AnnounceRate.Target > 0 {
		target, penalty := i.AnnounceRate.Target.Seconds(), i.AnnounceRate.Penalty.Seconds()
		e.RateTarget, e.RateGrace, e.RatePenalty = &target, &i.AnnounceRate.Grace, &penalty
	}
	if i.AnnouncesToInternal != config.Unset {
		yes := i.AnnouncesToInternal == config.Yes
		e.ToInternal = &yes
	}
	if i.NetworkName != "" || i.Passphrase != "" {
		code, err := rns.NewIFAC(i.NetworkName, i.Passphrase, e.IFACSize)
		if err != nil {
			t.Fatal(err)
		}
		sig := code.DisplaySignature()
		e.Signature = sig[:]
	}
	return e
}

func nonzero[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

func hexes(addrs []rns.Addr) []string {
	out := []string{}
	for _, a := range addrs {
		out = append(out, a.Hex())
	}
	return out
}

// A broken block never makes others unusable, and says everything that is wrong
// with it.
func TestBrokenInterfaces(t *testing.T) {
	text := `[interfaces]
[[no type]]
enabled = yes
[[two mistakes]]
type = TCPClientInterface
enabled = yes
outgoing = perhaps
bitrate = fast
[[list for a text]]
type = X
passphrase = a, b
[[reference]]
type = %(nothing)s
[[good]]
type = TCPClientInterface
enabled = yes
target_port = 4242
announce_cap = 200
mode = strange
`
	c, err := config.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		want  []error
		lines []string
	}{
		{[]error{config.ErrMissing}, []string{"line 2: [no type] type"}},
		{[]error{configobj.ErrNotBool, config.ErrNotInteger}, []string{"line 7: [two mistakes] outgoing = perhaps", "line 8"}},
		{[]error{config.ErrNotText}, []string{"line 11: [list for a text] passphrase: "}},
		{[]error{configobj.ErrReference}, []string{"line 13"}},
		{nil, nil},
	}
	for n, tt := range tests {
		i := c.Interfaces[n]
		for _, want := range tt.want {
			if !errors.Is(i.Err, want) {
				t.Errorf("%s: %v is missing in %v", i.Name, want, i.Err)
			}
		}
		for _, line := range tt.lines {
			if !strings.Contains(i.Err.Error(), line) {
				t.Errorf("%s: %q is missing in %v", i.Name, line, i.Err)
			}
		}
		if tt.want == nil && i.Err != nil {
			t.Errorf("%s: %v", i.Name, i.Err)
		}
	}
	good := c.Interfaces[4]
	if port, ok, err := good.Options.Int("port", "target_port"); port != 4242 || !ok || err != nil {
		t.Errorf("port %d, %v, %v", port, ok, err)
	}
	if good.Mode != config.ModeFull || good.AnnounceCap != 0.02 || len(good.Warnings) != 2 {
		t.Errorf("ignored options: mode %v, cap %v, warnings %v", good.Mode, good.AnnounceCap, good.Warnings)
	}
}

func TestGeneralErrors(t *testing.T) {
	for _, line := range []string{
		"enable_transport = maybe", "remote_management_allowed = 00112233445566778899aabbccddeefg",
		"interface_discovery_sources = 00", "shared_instance_port = 0", "default_gravity = heavy",
		"blackhole_update_interval = nan", "instance_name = a, b",
	} {
		var option *config.OptionError
		if _, err := config.Parse([]byte("[reticulum]\n" + line)); !errors.As(err, &option) || option.Line != 2 {
			t.Errorf("%s: %v", line, err)
		}
	}
	var syntax *configobj.SyntaxError
	if _, err := config.Parse([]byte("[reticulum\n")); !errors.As(err, &syntax) {
		t.Errorf("syntax: %v", err)
	}
}

func TestIgnoredWithWarning(t *testing.T) {
	c, err := config.Parse([]byte("[reticulum]\nrpc_key = secret!\nshared_instance_type = pigeon\ndefault_ar_target = -1\n"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Reticulum.RPCKey != nil || c.Reticulum.SharedInstanceType != config.SharedByPlatform ||
		c.Reticulum.DefaultAnnounceRate.Target != time.Hour || len(c.Warnings) != 3 {
		t.Errorf("got %+v, warnings %v", c.Reticulum, c.Warnings)
	}
	for _, w := range c.Warnings {
		if strings.Contains(w.Error(), "secret!") {
			t.Errorf("a warning shows a key: %v", w)
		}
	}
}

// Options of published interfaces.
// spec: rns-core §23.6
func TestDiscovery(t *testing.T) {
	text := `[interfaces]
[[A]]
type = RNodeInterface
discoverable = yes
announce_interval = 1
latitude = -45.5
longitude = 500
[[B]]
type = BackboneInterface
discoverable = yes
mode = boundary
ignore_config_warnings = yes
[[C]]
type = BackboneInterface
discoverable = yes
mode = roaming
[[D]]
type = BackboneInterface
discoverable = yes
mode = internal
`
	c, err := config.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := []config.Mode{config.ModeAccessPoint, config.ModeBoundary, config.ModeGateway, config.ModeInternal}
	for n, i := range c.Interfaces {
		if i.Mode != want[n] || i.Err != nil || !i.Discovery.Enabled {
			t.Errorf("%s: mode %v, want %v; %v", i.Name, i.Mode, want[n], i.Err)
		}
	}
	d := c.Interfaces[0].Discovery
	if d.AnnounceInterval != 5*time.Minute || d.StampValue != 16 || *d.Latitude != -45.5 || d.Longitude != nil {
		t.Errorf("got %+v", d)
	}
}

// The file that is written where there is none.
// spec: rns-core §23.7
func TestDefaultText(t *testing.T) {
	c, err := config.Parse(config.DefaultText())
	if err != nil || len(c.Warnings) > 0 {
		t.Fatal(err, c.Warnings)
	}
	want := config.Default()
	want.Logging.Level = 4
	if diff := cmp.Diff(want.Reticulum, c.Reticulum); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if c.Logging != want.Logging || len(c.Interfaces) != 1 {
		t.Fatalf("logging %+v, %d interfaces", c.Logging, len(c.Interfaces))
	}
	if i := c.Interfaces[0]; i.Type != "AutoInterface" || !i.Enabled || i.Err != nil || i.Name != "Default Interface" {
		t.Errorf("got %+v", i)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(config.DefaultText())
	f.Add([]byte("[reticulum]\nblackhole_sources = a, b\n[interfaces]\n[[x]]\nenabled = yes\nbitrate = 9e9\nannounce_interval=-1\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := config.Parse(text)
		if err != nil {
			return
		}
		for _, i := range c.Interfaces {
			if i.Err == nil && i.Enabled && i.Type == "" {
				t.Fatalf("%q is enabled without a type", i.Name)
			}
			if i.AnnounceCap <= 0 || i.AnnounceCap > 1 || i.Bitrate < 0 || i.AnnounceRate.Target < 0 || i.Mode == 0 {
				t.Fatalf("out of range: %+v", i)
			}
		}
	})
}
