package bridge

import (
	"errors"
	"fmt"
	"time"

	"meshchatx/internal/interfaces"
	"meshchatx/rns"
	"meshchatx/rns/config"
	"meshchatx/rns/iface"
)

func configCommands() map[string]handler {
	return map[string]handler{"config_parse_interface": pure(parseInterface)}
}

// The suite parses blocks of a kind of interface that exists in its reference only, with these properties.
const (
	probeBitrate = 62_500
	probeIFAC    = 16
)

func parseInterface(p struct {
	Text string `json:"config_text"`
	Name string `json:"interface_name"`
}) (any, error) {
	c, err := config.Parse([]byte(p.Text))
	if err != nil {
		return nil, err
	}
	for _, i := range c.Interfaces {
		if i.Name == p.Name {
			return describeBlock(i)
		}
	}
	return obj{"error": fmt.Sprintf("no block %q below [interfaces]", p.Name)}, nil
}

func describeBlock(i config.Interface) (any, error) {
	if i.Err != nil {
		return nil, i.Err
	}
	out := obj{
		"selected_interface_mode": i.Mode, "configured_bitrate": nil, "mode": i.Mode, "mode_name": i.Mode.String(),
		"bitrate": probeBitrate, "announce_cap": i.AnnounceCap, "ifac_size": probeIFAC, "default_ifac_size": probeIFAC,
		"discoverable": i.Discovery.Enabled, "discovery_announce_interval": i.Discovery.AnnounceInterval / time.Second,
		"ifac_netname": nil, "ifac_netkey": nil, "ifac_active": false,
		"ic_max_held_announces": i.Limits.MaxHeldAnnounces, "ic_burst_hold": i.Limits.BurstHold.Seconds(),
		"ic_burst_freq_new": i.Limits.BurstFreqNew, "ic_burst_freq": i.Limits.BurstFreq, "ic_new_time": i.Limits.NewTime.Seconds(),
		"ic_burst_penalty": i.Limits.BurstPenalty.Seconds(), "ic_held_release_interval": i.Limits.HeldReleaseInterval.Seconds(),
	}
	if i.Bitrate > 0 {
		out["configured_bitrate"], out["bitrate"] = i.Bitrate, i.Bitrate
	}
	if i.AccessCodeSize > 0 {
		out["ifac_size"] = i.AccessCodeSize
	}
	if i.NetworkName != "" {
		out["ifac_netname"] = i.NetworkName
	}
	if i.Passphrase != "" {
		out["ifac_netkey"] = i.Passphrase
	}
	_, err := rns.NewIFAC(i.NetworkName, i.Passphrase, probeIFAC)
	if err != nil && !errors.Is(err, rns.ErrIFACEmpty) {
		return nil, err
	}
	out["ifac_active"] = err == nil
	return out, nil
}

// blocks are the least that every kind of interface wants to be told.
var blocks = map[string]string{
	"SerialInterface": "port = /dev/null", "KISSInterface": "port = /dev/null",
	"AX25KISSInterface": "port = /dev/null\ncallsign = N0CALL\nssid = 0",
	"RNodeInterface":    "port = /dev/null\nfrequency = 867200000\nbandwidth = 125000\ntxpower = 7\nspreadingfactor = 8\ncodingrate = 5",
	"PipeInterface":     "command = true", "TCPServerInterface": "listen_ip = 127.0.0.1\nlisten_port = 4242",
	"TCPClientInterface": "target_host = 127.0.0.1\ntarget_port = 4242",
	"UDPInterface":       "listen_ip = 127.0.0.1\nlisten_port = 4242\nforward_ip = 127.0.0.1\nforward_port = 4242",
}

// interfaceIFACSizes builds, without starting it, a driver of every kind and asks for its default.
func interfaceIFACSizes(struct{}) (any, error) {
	sizes := obj{}
	for kind, body := range blocks {
		i, err := fresh(kind, body)
		if err != nil {
			return nil, err
		}
		sizes[kind] = i.AccessCodeSize
	}
	return obj{"default_ifac_size": sizes, "ifac_min_size": rns.IFACMinSize}, nil
}

// fresh is what a driver of a kind says of itself before it is started.
func fresh(kind, body string) (iface.Info, error) {
	c, err := config.Parse([]byte("[interfaces]\n[[probe]]\ntype = " + kind + "\nenabled = yes\n" + body + "\n"))
	if err != nil {
		return iface.Info{}, err
	}
	if err := c.Interfaces[0].Err; err != nil {
		return iface.Info{}, err
	}
	d, _, err := interfaces.Drivers(c.Interfaces[0])
	if err != nil {
		return iface.Info{}, fmt.Errorf("%s: %w", kind, err)
	}
	return d.Info(), nil
}

// defaultConfig is a file that says nothing but that there is an interface.
func defaultConfig() (config.Config, error) {
	return config.Parse([]byte("[interfaces]\n[[probe]]\ntype = TCPServerInterface\n"))
}
