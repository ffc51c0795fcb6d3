package api

import "meshchatx/internal/interfaces"

func configView(c interfaces.Config) InterfaceConfig {
	return InterfaceConfig{
		Name: c.Name, Type: string(c.Type), Enabled: c.Enabled, Mode: c.Mode, TargetHost: c.TargetHost, TargetPort: c.TargetPort,
		ListenIP: c.ListenIP, ListenPort: c.ListenPort, Device: c.Device, ForwardIP: c.ForwardIP, ForwardPort: c.ForwardPort,
		GroupID: c.GroupID, Scope: c.Scope, Devices: c.Devices, IgnoredDevices: c.IgnoredDevices, KISSFraming: c.KISSFraming,
		NetworkName: c.NetworkName, Passphrase: c.Passphrase, HasPassphrase: c.HasPassphrase, Bitrate: c.Bitrate,
		InterfaceStreams: InterfaceStreams{PreferIPv6: c.PreferIPv6, TargetURL: c.TargetURL, Peers: c.Peers, Connectable: c.Connectable},
		InterfaceDevice:  deviceView(c),
	}
}

func deviceView(c interfaces.Config) InterfaceDevice {
	d := InterfaceDevice{
		Port: c.Line.Port, Speed: c.Line.Speed, DataBits: c.Line.DataBits, StopBits: c.Line.StopBits, Parity: c.Line.Parity,
		FlowControl: c.FlowControl, Preamble: c.Modem.Preamble, Tail: c.Modem.Tail, SlotTime: c.Modem.SlotTime,
		Persistence: c.Modem.Persistence, Callsign: c.Modem.Callsign, SSID: c.Modem.SSID,
		IDInterval: c.Beacon.Interval, IDCallsign: c.Beacon.Callsign, InterfaceRadio: InterfaceRadio(c.Radio),
	}
	for _, r := range c.Radios {
		d.Radios = append(d.Radios, InterfaceTransceiver{
			Name: r.Name, Enabled: r.Enabled, ReceiveOnly: r.ReceiveOnly, FlowControl: r.FlowControl, VPort: r.VPort,
			InterfaceRadio: InterfaceRadio(r.Radio),
		})
	}
	return d
}

func configOf(v InterfaceConfig) interfaces.Config {
	c := interfaces.Config{
		Name: v.Name, Type: interfaces.Type(v.Type), Enabled: v.Enabled, Mode: v.Mode, TargetHost: v.TargetHost,
		TargetPort: v.TargetPort, ListenIP: v.ListenIP, ListenPort: v.ListenPort, Device: v.Device, ForwardIP: v.ForwardIP,
		ForwardPort: v.ForwardPort, GroupID: v.GroupID, Scope: v.Scope, Devices: v.Devices, IgnoredDevices: v.IgnoredDevices,
		KISSFraming: v.KISSFraming, NetworkName: v.NetworkName, Passphrase: v.Passphrase, HasPassphrase: v.HasPassphrase,
		Bitrate: v.Bitrate, PreferIPv6: v.PreferIPv6, TargetURL: v.TargetURL, Peers: v.Peers, Connectable: v.Connectable,
		Line:        interfaces.Line{Port: v.Port, Speed: v.Speed, DataBits: v.DataBits, StopBits: v.StopBits, Parity: v.Parity},
		FlowControl: v.FlowControl,
		Modem: interfaces.Modem{
			Preamble: v.Preamble, Tail: v.Tail, SlotTime: v.SlotTime, Persistence: v.Persistence, Callsign: v.Callsign, SSID: v.SSID,
		},
		Beacon: interfaces.Beacon{Interval: v.IDInterval, Callsign: v.IDCallsign}, Radio: interfaces.Radio(v.InterfaceRadio),
	}
	for _, r := range v.Radios {
		c.Radios = append(c.Radios, interfaces.Transceiver{
			Name: r.Name, Enabled: r.Enabled, ReceiveOnly: r.ReceiveOnly, FlowControl: r.FlowControl, VPort: r.VPort,
			Radio: interfaces.Radio(r.InterfaceRadio),
		})
	}
	return c
}
