package config

import (
	"errors"
	"strings"
	"time"

	"meshchatx/rns/configobj"
)

// Interface is one block below [interfaces], with defaults of the instance
// applied. spec: rns-core §23.6
type Interface struct {
	Name    string
	Type    string
	Line    int // of the header in the file
	Enabled bool
	// Err says why the block cannot be used: all errors of its general options.
	// A disabled block can have one too.
	Err error
	// Warnings are about options that were ignored. Each is an [*OptionError].
	Warnings []error
	// Options gives the driver its own options.
	Options Options

	Mode           Mode
	Outgoing       bool
	NetworkName    string // empty for none
	Passphrase     string // empty for none
	AccessCodeSize int    // bytes; 0 for the driver's default
	Bitrate        int64  // bit/s; 0 for the driver's
	AnnounceCap    float64
	AnnounceRate   AnnounceRate
	Gravity        int

	IngressControl bool
	EgressControl  bool
	Limits         Limits

	RecursiveRequests     bool
	AnnouncesFromInternal bool
	AnnouncesToInternal   Choice
	BootstrapOnly         bool
	Discovery             Discovery
}

// Choice is an option that may be left open.
type Choice uint8

// The positions of a Choice.
const (
	Unset Choice = iota
	No
	Yes
)

// Discovery are the options for publishing an interface. spec: rns-core §22
type Discovery struct {
	Enabled          bool
	AnnounceInterval time.Duration
	StampValue       int
	Name             string
	Encrypt          bool
	ReachableOn      string
	PublishIFAC      bool
	LocationCommand  string
	Latitude         *float64 // degrees; nil if not given, like the others
	Longitude        *float64
	Height           *float64 // metres
	Frequency        int64    // Hz; 0 if not given, like the others
	Bandwidth        int64    // Hz
	Modulation       int64
}

// MinBitrate is the least bitrate that can be configured, in bit/s.
const MinBitrate = 5

const (
	defaultAnnounceCap = 0.02
	maxAccessCode      = 64 // bytes: a whole signature
	maxBitrate         = 1 << 50
)

// readInterface never fails: what is wrong is in Err.
func readInterface(s *configobj.Section, general *Reticulum) Interface {
	i := Interface{
		Name:                  s.Name(),
		Line:                  s.Line(),
		Options:               Options{s},
		Mode:                  ModeFull,
		Outgoing:              true,
		AnnounceCap:           defaultAnnounceCap,
		Gravity:               general.DefaultGravity,
		IngressControl:        true,
		EgressControl:         general.EgressControl,
		Limits:                general.Limits,
		AnnouncesFromInternal: true,
	}
	r := reader{Options: i.Options}
	for _, key := range []string{"enabled", "interface_enabled"} {
		var on bool
		r.bool(&on, key)
		i.Enabled = i.Enabled || on
	}
	// A switch that cannot be read is an error to be told; those of disabled blocks are not.
	i.Enabled = i.Enabled || len(r.errs) > 0
	r.text(&i.Type, "type")
	if i.Type == "" && i.Enabled {
		r.fail(r.Error("type", ErrMissing))
	}
	i.read(&r)
	i.readAnnounceRate(&r, general)
	i.readDiscovery(&r)
	i.Err, i.Warnings = errors.Join(r.errs...), r.warnings
	return i
}

func (i *Interface) read(r *reader) {
	r.mode(&i.Mode, "interface_mode", "mode")
	r.bool(&i.Outgoing, "outgoing")
	r.filled(&i.NetworkName, "network_name", "networkname")
	r.filled(&i.Passphrase, "pass_phrase", "passphrase")
	var bits int
	r.int(&bits, 8, 8*maxAccessCode, "ifac_size")
	i.AccessCodeSize = bits / 8
	r.int64(&i.Bitrate, MinBitrate, maxBitrate, "bitrate")
	percent := 0.0
	if r.float(&percent, 0, 100, "announce_cap") && percent > 0 {
		i.AnnounceCap = percent / 100
	}
	r.int(&i.Gravity, -maxCount, maxCount, "gravity")
	r.bool(&i.IngressControl, "ingress_control")
	r.bool(&i.EgressControl, "egress_control")
	i.Limits.read(r)
	r.bool(&i.RecursiveRequests, "recursive_prs")
	r.bool(&i.AnnouncesFromInternal, "announces_from_internal")
	if v, ok, err := r.Bool("announces_to_internal"); err != nil {
		r.fail(err)
	} else if ok {
		i.AnnouncesToInternal = No
		if v {
			i.AnnouncesToInternal = Yes
		}
	}
	r.bool(&i.BootstrapOnly, "bootstrap_only")
}

// readAnnounceRate applies the defaults of the instance, which hold only where
// transport is on, and not beside a target of the interface's own.
func (i *Interface) readAnnounceRate(r *reader, general *Reticulum) {
	rate := &i.AnnounceRate
	if !r.wholeSeconds(&rate.Target, 1, "announce_rate_target") && general.EnableTransport {
		*rate = general.DefaultAnnounceRate
	}
	r.int(&rate.Grace, 0, maxCount, "announce_rate_grace")
	r.wholeSeconds(&rate.Penalty, 0, "announce_rate_penalty")
}

func (i *Interface) readDiscovery(r *reader) {
	d := &i.Discovery
	*d = Discovery{AnnounceInterval: 360 * time.Minute, StampValue: 16}
	if r.bool(&d.Enabled, "discoverable"); !d.Enabled {
		return
	}
	if v, ok, err := r.Int("announce_interval"); err != nil {
		r.fail(err)
	} else if ok {
		d.AnnounceInterval = time.Duration(min(max(v, 5), maxSeconds/60)) * time.Minute
	}
	r.int(&d.StampValue, 0, 256, "discovery_stamp_value")
	r.text(&d.Name, "discovery_name")
	r.bool(&d.Encrypt, "discovery_encrypt")
	r.text(&d.ReachableOn, "reachable_on")
	r.bool(&d.PublishIFAC, "publish_ifac")
	r.text(&d.LocationCommand, "location_cmd")
	r.place(&d.Latitude, 90, "latitude")
	r.place(&d.Longitude, 180, "longitude")
	r.place(&d.Height, 1e6, "height")
	r.int64(&d.Frequency, 0, maxBitrate, "discovery_frequency")
	r.int64(&d.Bandwidth, 0, maxBitrate, "discovery_bandwidth")
	r.int64(&d.Modulation, 0, maxBitrate, "discovery_modulation")
	i.correctMode(r)
}

// place reads a coordinate.
func (r *reader) place(to **float64, most float64, key string) {
	var v float64
	if r.float(&v, -most, most, key) {
		*to = &v
	}
}

// correctMode gives a published interface a mode in which others can use it.
// spec: rns-core §23.6
func (i *Interface) correctMode(r *reader) {
	var ignore bool
	r.bool(&ignore, "ignore_config_warnings")
	switch i.Mode {
	case ModeGateway, ModeAccessPoint, ModeInternal:
		return
	}
	if ignore {
		return
	}
	mode := ModeGateway
	if strings.HasPrefix(i.Type, "RNode") {
		mode = ModeAccessPoint
	}
	r.warn("discoverable", errModeChanged{from: i.Mode, to: mode})
	i.Mode = mode
}

// errModeChanged tells that a published interface got another mode.
type errModeChanged struct{ from, to Mode }

func (e errModeChanged) Error() string {
	return "a published interface cannot have mode " + e.from.String() + ": " + e.to.String() + " is used"
}
