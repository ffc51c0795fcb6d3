package control

import (
	"math"
	"time"

	"meshchatx/rns/msgpack"
)

// ParseStats reads what Stats.Append wrote. What is missing or of another kind is left at its zero value, so that older
// and newer programs are understood.
func ParseStats(b []byte) (Stats, error) {
	v, err := parse(b)
	if err != nil {
		return Stats{}, err
	}
	m, ok := v.Map()
	if !ok {
		return Stats{}, ErrResponse
	}
	r := reader{m}
	s := Stats{
		RxBytes: r.uint("rxb"), TxBytes: r.uint("txb"), RxRate: r.number("rxs"), TxRate: r.number("txs"), RSS: r.int("rss"),
	}
	if id, ok := m.Text("transport_id"); ok && !id.IsNil() {
		t := &TransportStats{Uptime: time.Duration(min(r.number("transport_uptime"), 1<<32) * float64(time.Second))}
		r.fixed("transport_id", t.ID[:])
		r.fixed("network_id", t.Network[:])
		r.fixed("probe_responder", t.Probe[:])
		s.Transport = t
	}
	list, _ := m.Text("interfaces")
	items, ok := list.Array()
	if !ok {
		return Stats{}, ErrResponse
	}
	for _, item := range items {
		if im, ok := item.Map(); ok {
			s.Interfaces = append(s.Interfaces, reader{im}.interfaceStats())
		}
	}
	return s, nil
}

// reader takes values out of a map by their keys.
type reader struct{ m msgpack.Pairs }

func (r reader) get(k string) (msgpack.Value, bool) {
	v, ok := r.m.Text(k)
	return v, ok && !v.IsNil()
}

func (r reader) text(k string) string {
	v, _ := r.get(k)
	s, _ := v.Text()
	return s
}

func (r reader) number(k string) float64 {
	v, _ := r.get(k)
	f, _ := v.Number()
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	return f
}

func (r reader) int(k string) int64 {
	f := r.number(k)
	if v, _ := r.get(k); v.Kind() == msgpack.KindInt {
		i, _ := v.Int()
		return i
	}
	return int64(max(-1<<62, min(f, 1<<62)))
}

func (r reader) uint(k string) uint64 { return uint64(max(0, r.int(k))) }

func (r reader) flag(k string) bool {
	v, _ := r.get(k)
	yes, _ := v.Bool()
	return yes
}

func (r reader) time(k string) time.Time { return unixTime(r.number(k)) }

func (r reader) fixed(k string, dst []byte) {
	v, _ := r.get(k)
	fixed(v, dst)
}

// optional returns a pointer to what read returns for the key, nil without the key.
func optional[T any](r reader, k string, read func(string) T) *T {
	if _, ok := r.get(k); !ok {
		return nil
	}
	v := read(k)
	return &v
}

func (r reader) whole(k string) int { return int(r.int(k)) }

func (r reader) interfaceStats() InterfaceStats {
	i := InterfaceStats{
		Name: r.text("name"), ShortName: r.text("short_name"), Type: r.text("type"), Parent: r.text("parent_interface_name"),
		Clients: optional(r, "clients", r.whole), Peers: optional(r, "peers", r.whole), Online: r.flag("status"),
		Mode: r.whole("mode"), Gravity: r.whole("gravity"), Bitrate: r.int("bitrate"),
		RxBytes: r.uint("rxb"), TxBytes: r.uint("txb"), RxRate: r.number("rxs"), TxRate: r.number("txs"),
		AutoconnectSource: r.text("autoconnect_source"), AnnounceQueue: optional(r, "announce_queue", r.whole),
		HeldAnnounces: r.whole("held_announces"), BlockedIPs: optional(r, "blocked_ips", r.whole),
		IncomingAnnounces: r.number("incoming_announce_frequency"), OutgoingAnnounces: r.number("outgoing_announce_frequency"),
		IncomingRequests: r.number("incoming_pr_frequency"), OutgoingRequests: r.number("outgoing_pr_frequency"),
		AnnounceRateTarget:  optional(r, "announce_rate_target", r.whole),
		AnnounceRatePenalty: optional(r, "announce_rate_penalty", r.whole),
		AnnounceRateGrace:   optional(r, "announce_rate_grace", r.whole),
		AnnounceBurst:       Burst{Active: r.flag("burst_active"), Since: r.time("burst_activated")},
		RequestBurst:        Burst{Active: r.flag("pr_burst_active"), Since: r.time("pr_burst_activated")},
		AnnouncesToInternal: optional(r, "announces_to_internal", r.flag), Device: r.deviceStats(),
	}
	r.fixed("hash", i.Hash[:])
	r.fixed("parent_interface_hash", i.ParentHash[:])
	if sig, ok := r.get("ifac_signature"); ok {
		b, _ := sig.Bytes()
		i.AccessCode = &AccessCode{Signature: append([]byte(nil), b...), Size: r.whole("ifac_size"), Network: r.text("ifac_netname")}
	}
	list, _ := r.get("blocked_ip_list")
	ips, _ := list.Array()
	for _, ip := range ips {
		if s, ok := ip.Text(); ok {
			i.BlockedIPList = append(i.BlockedIPList, s)
		}
	}
	return i
}

func (r reader) deviceStats() DeviceStats {
	d := DeviceStats{
		AirtimeShort: optional(r, "airtime_short", r.number), AirtimeLong: optional(r, "airtime_long", r.number),
		ChannelLoadShort: optional(r, "channel_load_short", r.number), ChannelLoadLong: optional(r, "channel_load_long", r.number),
		NoiseFloor: optional(r, "noise_floor", r.number), Interference: optional(r, "interference", r.number),
		InterferenceLast: optional(r, "interference_last_dbm", r.number),
		CPUTemp:          optional(r, "cpu_temp", r.number), CPULoad: optional(r, "cpu_load", r.number), MemLoad: optional(r, "mem_load", r.number),
		BatteryState: optional(r, "battery_state", r.text), BatteryPercent: optional(r, "battery_percent", r.whole),
		SwitchID: optional(r, "switch_id", r.text), ViaSwitchID: optional(r, "via_switch_id", r.text),
		EndpointID: optional(r, "endpoint_id", r.text), I2PAddress: optional(r, "i2p_b32", r.text),
		I2PConnectable: optional(r, "i2p_connectable", r.flag), TunnelState: optional(r, "tunnelstate", r.text),
	}
	d.InterferenceLastAt = r.time("interference_last_ts")
	return d
}
