package control

import (
	"time"

	"meshchatx/rns/msgpack"
)

// fields writes the entries of a map and counts them.
type fields struct {
	b []byte
	n int
}

func (f *fields) key(k string) {
	f.b = msgpack.AppendString(f.b, k)
	f.n++
}

func (f *fields) none(k string)              { f.key(k); f.b = msgpack.AppendNil(f.b) }
func (f *fields) text(k, v string)           { f.key(k); f.b = msgpack.AppendString(f.b, v) }
func (f *fields) textOrNil(k, v string)      { f.key(k); f.b = appendTextOrNil(f.b, v) }
func (f *fields) bin(k string, v []byte)     { f.key(k); f.b = msgpack.AppendBin(f.b, v) }
func (f *fields) int(k string, v int64)      { f.key(k); f.b = msgpack.AppendInt(f.b, v) }
func (f *fields) uint(k string, v uint64)    { f.key(k); f.b = msgpack.AppendUint(f.b, v) }
func (f *fields) flag(k string, v bool)      { f.key(k); f.b = msgpack.AppendBool(f.b, v) }
func (f *fields) number(k string, v float64) { f.key(k); f.b = appendNumber(f.b, v) }
func (f *fields) time(k string, v time.Time) { f.key(k); f.b = appendTime(f.b, v) }

// intOrNil writes the key in any case.
func (f *fields) intOrNil(k string, v *int) {
	if v == nil {
		f.none(k)
		return
	}
	f.int(k, int64(*v))
}

// some writes the key only if there is a value.
func some[T any](f func(string, T), k string, v *T) {
	if v != nil {
		f(k, *v)
	}
}

func (f *fields) whole(k string, v int) { f.int(k, int64(v)) }

// appendTo appends the map.
func (f *fields) appendTo(b []byte) []byte { return append(msgpack.AppendMapHeader(b, f.n), f.b...) }

// Append appends the response to a call for the interface statistics. spec: rns-core §21.1
func (s *Stats) Append(b []byte) []byte {
	var f fields
	f.key("interfaces")
	f.b = msgpack.AppendArrayHeader(f.b, len(s.Interfaces))
	for i := range s.Interfaces {
		var i2 fields
		s.Interfaces[i].write(&i2)
		f.b = i2.appendTo(f.b)
	}
	f.uint("rxb", s.RxBytes)
	f.uint("txb", s.TxBytes)
	f.number("rxs", s.RxRate)
	f.number("txs", s.TxRate)
	if t := s.Transport; t != nil {
		f.bin("transport_id", t.ID[:])
		if t.Network.IsZero() {
			f.none("network_id")
		} else {
			f.bin("network_id", t.Network[:])
		}
		f.key("transport_uptime")
		f.b = msgpack.AppendFloat64(f.b, t.Uptime.Seconds())
		if t.Probe.IsZero() {
			f.none("probe_responder")
		} else {
			f.bin("probe_responder", t.Probe[:])
		}
	}
	if s.RSS > 0 {
		f.int("rss", s.RSS)
	} else {
		f.none("rss")
	}
	return f.appendTo(b)
}

// write writes the entries in the order of the reference.
func (i *InterfaceStats) write(f *fields) {
	f.intOrNil("clients", i.Clients)
	if i.Parent != "" {
		f.text("parent_interface_name", i.Parent)
		f.bin("parent_interface_hash", i.ParentHash[:])
	}
	i.Device.write(f)
	if i.Bitrate > 0 {
		f.int("bitrate", i.Bitrate)
	} else {
		f.none("bitrate")
	}
	f.number("rxs", i.RxRate)
	f.number("txs", i.TxRate)
	some(f.whole, "peers", i.Peers)
	if c := i.AccessCode; c != nil {
		f.bin("ifac_signature", c.Signature)
		f.whole("ifac_size", c.Size)
		f.textOrNil("ifac_netname", c.Network)
	} else {
		f.none("ifac_signature")
		f.none("ifac_size")
		f.none("ifac_netname")
	}
	f.textOrNil("autoconnect_source", i.AutoconnectSource)
	some(f.whole, "announce_queue", i.AnnounceQueue)
	some(f.whole, "blocked_ips", i.BlockedIPs)
	if i.BlockedIPs != nil {
		f.key("blocked_ip_list")
		f.b = msgpack.AppendArrayHeader(f.b, len(i.BlockedIPList))
		for _, ip := range i.BlockedIPList {
			f.b = msgpack.AppendString(f.b, ip)
		}
	}
	f.text("name", i.Name)
	f.text("short_name", i.ShortName)
	f.bin("hash", i.Hash[:])
	f.text("type", i.Type)
	f.uint("rxb", i.RxBytes)
	f.uint("txb", i.TxBytes)
	f.number("incoming_announce_frequency", i.IncomingAnnounces)
	f.number("outgoing_announce_frequency", i.OutgoingAnnounces)
	f.number("incoming_pr_frequency", i.IncomingRequests)
	f.number("outgoing_pr_frequency", i.OutgoingRequests)
	f.intOrNil("announce_rate_target", i.AnnounceRateTarget)
	f.intOrNil("announce_rate_penalty", i.AnnounceRatePenalty)
	f.intOrNil("announce_rate_grace", i.AnnounceRateGrace)
	f.whole("held_announces", i.HeldAnnounces)
	f.flag("burst_active", i.AnnounceBurst.Active)
	f.time("burst_activated", i.AnnounceBurst.Since)
	f.flag("pr_burst_active", i.RequestBurst.Active)
	f.time("pr_burst_activated", i.RequestBurst.Since)
	f.flag("status", i.Online)
	f.whole("mode", i.Mode)
	f.whole("gravity", i.Gravity)
	if i.AnnouncesToInternal == nil {
		f.none("announces_to_internal")
	} else {
		f.flag("announces_to_internal", *i.AnnouncesToInternal)
	}
}

func (d *DeviceStats) write(f *fields) {
	some(f.flag, "i2p_connectable", d.I2PConnectable)
	some(f.text, "i2p_b32", d.I2PAddress)
	some(f.text, "tunnelstate", d.TunnelState)
	some(f.number, "airtime_short", d.AirtimeShort)
	some(f.number, "airtime_long", d.AirtimeLong)
	some(f.number, "channel_load_short", d.ChannelLoadShort)
	some(f.number, "channel_load_long", d.ChannelLoadLong)
	some(f.number, "noise_floor", d.NoiseFloor)
	some(f.number, "interference", d.Interference)
	some(f.number, "cpu_temp", d.CPUTemp)
	some(f.number, "cpu_load", d.CPULoad)
	some(f.number, "mem_load", d.MemLoad)
	if d.InterferenceLast != nil {
		f.time("interference_last_ts", d.InterferenceLastAt)
		f.number("interference_last_dbm", *d.InterferenceLast)
	}
	some(f.text, "switch_id", d.SwitchID)
	some(f.text, "via_switch_id", d.ViaSwitchID)
	some(f.text, "endpoint_id", d.EndpointID)
	some(f.text, "battery_state", d.BatteryState)
	some(f.whole, "battery_percent", d.BatteryPercent)
}
