package config

import (
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/configobj"
)

// Config is the content of a configuration file. The zero value is not valid;
// [Default] gives that of an empty file.
type Config struct {
	Reticulum  Reticulum
	Logging    Logging
	Interfaces []Interface // in the order of the file, disabled and broken ones too
	// Warnings are about options of the general sections that were ignored. Each
	// is an [*OptionError].
	Warnings []error
}

// SharedType says how local programs share an instance.
type SharedType uint8

// The ways to share an instance. The zero value leaves the choice to the
// platform: a socket in the file system where there are such, else TCP.
const (
	SharedByPlatform SharedType = iota
	SharedByUnix
	SharedByTCP
)

// Reticulum is the section of that name. spec: rns-core §23.5
type Reticulum struct {
	EnableTransport         bool
	ShareInstance           bool
	InstanceName            string
	SharedInstanceType      SharedType
	SharedInstancePort      int
	InstanceControlPort     int
	RPCKey                  []byte // nil: derived from the transport identity
	StaticTransportIdentity bool
	LocalHopsDelta          bool
	NetworkIdentity         string // path, "~" not expanded; empty for none
	LinkMTUDiscovery        bool

	EnableRemoteManagement  bool
	RemoteManagementAllowed []rns.Addr
	RespondToProbes         bool

	ForceSharedInstanceBitrate int64 // bit/s; 0 for none
	PanicOnInterfaceError      bool
	UseImplicitProof           bool

	DiscoverInterfaces             bool
	RequiredDiscoveryValue         int
	InterfaceDiscoverySources      []rns.Addr
	AutoconnectDiscovered          int // most interfaces; 0 for off
	AutoconnectMode                Mode
	AutoconnectGravity             int
	AutoconnectAnnouncesToInternal bool

	PublishBlackhole        bool
	BlackholeSources        []rns.Addr
	BlackholeUpdateInterval time.Duration

	// Defaults for interfaces.
	DefaultGravity      int
	DefaultAnnounceRate AnnounceRate // for relayed announces, with transport only
	EgressControl       bool
	Limits              Limits
}

// AnnounceRate limits how often announces of one destination are relayed.
// A zero Target means no limit. spec: rns-core §14.7
type AnnounceRate struct {
	Target  time.Duration
	Grace   int // announces above the rate that are forgiven
	Penalty time.Duration
}

// Limits are the numbers of ingress and egress control. spec: rns-core §10.4
type Limits struct {
	NewTime              time.Duration // age up to which an interface is new
	BurstFreqNew         float64       // announces per second, new interface
	BurstFreq            float64
	PathRequestFreqNew   float64 // path requests per second, new interface
	PathRequestFreq      float64
	BurstHold            time.Duration
	BurstPenalty         time.Duration
	HeldReleaseInterval  time.Duration
	MaxHeldAnnounces     int
	EgressPathRequestMax float64 // outgoing path requests per second
}

// Logging is the section of that name.
type Logging struct {
	Level      int // 0 critical … 8 extreme
	Timestamps bool
}

// maxLogLevel is the most talkative level.
const maxLogLevel = 8

// Default returns the settings of an empty file. spec: rns-core §23.5
func Default() Config {
	return Config{
		Reticulum: Reticulum{
			ShareInstance:           true,
			InstanceName:            "default",
			SharedInstancePort:      37428,
			InstanceControlPort:     37429,
			LinkMTUDiscovery:        true,
			UseImplicitProof:        true,
			RequiredDiscoveryValue:  16,
			BlackholeUpdateInterval: time.Hour,
			DefaultAnnounceRate:     AnnounceRate{Target: time.Hour, Grace: 5},
			Limits:                  defaultLimits(),
		},
		Logging: Logging{Level: 3, Timestamps: true},
	}
}

// defaultLimits are the values of rns-core §10.4.
func defaultLimits() Limits {
	return Limits{
		NewTime:              2 * time.Hour,
		BurstFreqNew:         3,
		BurstFreq:            10,
		PathRequestFreqNew:   3,
		PathRequestFreq:      8,
		BurstHold:            15 * time.Second,
		BurstPenalty:         15 * time.Second,
		HeldReleaseInterval:  5 * time.Second,
		MaxHeldAnnounces:     256,
		EgressPathRequestMax: 5,
	}
}

// Parse reads a configuration file. Errors of syntax are of type
// [*configobj.SyntaxError], those of options [*OptionError].
func Parse(text []byte) (Config, error) {
	f, err := configobj.Parse(text)
	if err != nil {
		return Config{}, err
	}
	return Read(f)
}

// Read takes the settings out of a parsed file. See [Parse].
func Read(f *configobj.File) (Config, error) {
	c := Default()
	logging := reader{Options: Options{f.Section("logging")}}
	c.Logging.read(&logging)
	general := reader{Options: Options{f.Section("reticulum")}}
	c.Reticulum.read(&general)
	if err := errors.Join(append(logging.errs, general.errs...)...); err != nil {
		return Config{}, err
	}
	c.Warnings = append(logging.warnings, general.warnings...)
	for _, s := range f.Section("interfaces").Sections() {
		c.Interfaces = append(c.Interfaces, readInterface(s, &c.Reticulum))
	}
	return c, nil
}

func (l *Logging) read(r *reader) {
	if v, ok, err := r.Int("loglevel"); err != nil {
		r.fail(err)
	} else if ok {
		l.Level = int(min(max(v, 0), maxLogLevel))
	}
	r.bool(&l.Timestamps, "logtimestamps")
}

func (c *Reticulum) read(r *reader) {
	r.bool(&c.EnableTransport, "enable_transport")
	r.bool(&c.StaticTransportIdentity, "static_transport_identity")
	r.bool(&c.LocalHopsDelta, "local_hops_delta")
	r.filled(&c.NetworkIdentity, "network_identity")
	// differs: the reference ignores this option.
	r.bool(&c.LinkMTUDiscovery, "link_mtu_discovery")
	r.bool(&c.EnableRemoteManagement, "enable_remote_management")
	r.hashes(&c.RemoteManagementAllowed, "remote_management_allowed")
	r.bool(&c.RespondToProbes, "respond_to_probes")
	r.bool(&c.PanicOnInterfaceError, "panic_on_interface_error")
	r.bool(&c.UseImplicitProof, "use_implicit_proof")
	c.readShared(r)
	c.readDiscovery(r)
	c.readInterfaceDefaults(r)
}

func (c *Reticulum) readShared(r *reader) {
	r.bool(&c.ShareInstance, "share_instance")
	r.filled(&c.InstanceName, "instance_name")
	var kind string
	r.text(&kind, "shared_instance_type")
	switch strings.ToLower(kind) {
	case "tcp":
		c.SharedInstanceType = SharedByTCP
	case "unix":
		c.SharedInstanceType = SharedByUnix
	case "":
	default:
		r.warn("shared_instance_type", ErrUnknownName)
	}
	r.port(&c.SharedInstancePort, "shared_instance_port")
	r.port(&c.InstanceControlPort, "instance_control_port")
	if text, ok, err := r.Text("rpc_key"); err != nil {
		r.fail(err)
	} else if ok {
		key, err := hex.DecodeString(text)
		if err != nil {
			r.warn("rpc_key", ErrNotHex)
		} else if len(key) > 0 {
			c.RPCKey = key
		}
	}
	r.int64(&c.ForceSharedInstanceBitrate, 1, maxBitrate, "force_shared_instance_bitrate")
}

// port reads a port number; a wrong one is an error.
func (r *reader) port(to *int, key string) {
	v, ok, err := r.Int(key)
	r.fail(err)
	if !ok || err != nil {
		return
	}
	if v < 1 || v > 65535 {
		r.fail(r.Error(key, ErrOutOfRange))
		return
	}
	*to = int(v)
}

func (c *Reticulum) readDiscovery(r *reader) {
	r.bool(&c.DiscoverInterfaces, "discover_interfaces")
	r.int(&c.RequiredDiscoveryValue, 1, 256, "required_discovery_value")
	r.hashes(&c.InterfaceDiscoverySources, "interface_discovery_sources")
	r.int(&c.AutoconnectDiscovered, 0, maxCount, "autoconnect_discovered_interfaces")
	r.mode(&c.AutoconnectMode, "autoconnect_interface_mode")
	r.int(&c.AutoconnectGravity, -maxCount, maxCount, "autoconnect_interface_gravity")
	r.bool(&c.AutoconnectAnnouncesToInternal, "autoconnect_announces_to_internal")

	r.bool(&c.PublishBlackhole, "publish_blackhole")
	r.hashes(&c.BlackholeSources, "blackhole_sources")
	if v, ok, err := r.Float("blackhole_update_interval"); err != nil {
		r.fail(err)
	} else if ok {
		minutes := min(max(v, 2), maxSeconds/60)
		c.BlackholeUpdateInterval = fromSeconds(60 * minutes)
	}
}

// maxCount bounds numbers of things and weights.
const maxCount = 1 << 30

// readInterfaceDefaults reads what interfaces inherit. Here 0 means the built-in
// default. spec: rns-core §23.5
func (c *Reticulum) readInterfaceDefaults(r *reader) {
	r.int(&c.DefaultGravity, -maxCount, maxCount, "default_gravity")
	rate := &c.DefaultAnnounceRate
	builtIn := *rate
	r.wholeSeconds(&rate.Target, 0, "default_ar_target")
	r.wholeSeconds(&rate.Penalty, 0, "default_ar_penalty")
	r.int(&rate.Grace, 0, maxCount, "default_ar_grace")
	orDefault(&rate.Target, builtIn.Target)
	orDefault(&rate.Grace, builtIn.Grace)
	r.bool(&c.EgressControl, "egress_control")
	c.Limits.read(r)
	c.Limits.fill(defaultLimits())
}

func (l *Limits) read(r *reader) {
	const most = 1e6
	r.seconds(&l.NewTime, 0, "ic_new_time")
	r.float(&l.BurstFreqNew, 0, most, "ic_burst_freq_new")
	r.float(&l.BurstFreq, 0, most, "ic_burst_freq")
	r.float(&l.PathRequestFreqNew, 0, most, "ic_pr_burst_freq_new")
	r.float(&l.PathRequestFreq, 0, most, "ic_pr_burst_freq")
	r.seconds(&l.BurstHold, 0, "ic_burst_hold")
	r.seconds(&l.BurstPenalty, 0, "ic_burst_penalty")
	r.seconds(&l.HeldReleaseInterval, 0, "ic_held_release_interval")
	r.int(&l.MaxHeldAnnounces, 0, maxCount, "ic_max_held_announces")
	r.float(&l.EgressPathRequestMax, 0, most, "ec_pr_freq")
}

// fill replaces zeros.
func (l *Limits) fill(by Limits) {
	orDefault(&l.NewTime, by.NewTime)
	orDefault(&l.BurstFreqNew, by.BurstFreqNew)
	orDefault(&l.BurstFreq, by.BurstFreq)
	orDefault(&l.PathRequestFreqNew, by.PathRequestFreqNew)
	orDefault(&l.PathRequestFreq, by.PathRequestFreq)
	orDefault(&l.BurstHold, by.BurstHold)
	orDefault(&l.BurstPenalty, by.BurstPenalty)
	orDefault(&l.HeldReleaseInterval, by.HeldReleaseInterval)
	orDefault(&l.MaxHeldAnnounces, by.MaxHeldAnnounces)
	orDefault(&l.EgressPathRequestMax, by.EgressPathRequestMax)
}

func orDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}
