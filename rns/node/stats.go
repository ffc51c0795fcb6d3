package node

import (
	"bytes"
	"context"
	"os"
	"strconv"
	"sync"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/control"
	"meshchatx/rns/iface"
	"meshchatx/rns/transport"
)

// InterfaceStats returns the state of all interfaces as control connections and remote management show it.
// spec: rns-core §21.1
func (n *Node) InterfaceStats(ctx context.Context) (control.Stats, error) {
	var s control.Stats
	all, err := n.Interfaces(ctx)
	if err != nil {
		return s, err
	}
	now := n.env.now()
	names, children := make(map[InterfaceID]string, len(all)), make(map[InterfaceID]int)
	for i := range all {
		names[all[i].ID] = all[i].Info.Label
		if all[i].Parent != 0 {
			children[all[i].Parent]++
		}
	}
	s.Interfaces = make([]control.InterfaceStats, 0, len(all))
	joined := peerBursts(all)
	for i := range all {
		one := interfaceStats(&all[i], children[all[i].ID])
		if all[i].Info.Role == iface.RoleListener {
			b := joined[all[i].ID]
			one.AnnounceBurst, one.RequestBurst = b.announces, b.requests
		}
		if parent := names[all[i].Parent]; parent != "" {
			one.Parent, one.ParentHash = parent, rns.FullHash([]byte(parent))
		} else { // those with a parent are counted there
			s.RxBytes, s.TxBytes = s.RxBytes+one.RxBytes, s.TxBytes+one.TxBytes
			s.RxRate, s.TxRate = s.RxRate+one.RxRate, s.TxRate+one.TxRate
		}
		s.Interfaces = append(s.Interfaces, one)
	}
	s.RSS = residentSet()
	if n.cfg.Transport {
		n.life.Lock()
		t := &control.TransportStats{ID: n.TransportID(), Uptime: now.Sub(n.life.since)}
		n.life.Unlock()
		t.Network, _ = n.Community()
		if probe, ok := n.ProbeResponder(); ok {
			t.Probe = probe
		}
		s.Transport = t
	}
	return s, nil
}

// bursts are the two bursts of a listener.
type bursts struct{ announces, requests control.Burst }

// peerBursts joins the bursts of peers for their listeners: one that began first counts. spec: rns-interfaces §4
func peerBursts(all []InterfaceStatus) map[InterfaceID]bursts {
	joined := make(map[InterfaceID]bursts)
	for i := range all {
		t := &all[i].Transport
		if all[i].Parent == 0 || !t.AnnounceBurst && !t.RequestBurst {
			continue
		}
		b := joined[all[i].Parent]
		joinBurst(&b.announces, t.AnnounceBurst, t.AnnounceBurstSince)
		joinBurst(&b.requests, t.RequestBurst, t.RequestBurstSince)
		joined[all[i].Parent] = b
	}
	return joined
}

func joinBurst(b *control.Burst, active bool, since time.Time) {
	if active && (!b.Active || since.Before(b.Since)) {
		*b = control.Burst{Active: true, Since: since}
	}
}

// interfaceStats translates the state of one interface with its number of peers.
func interfaceStats(st *InterfaceStatus, peers int) control.InterfaceStats {
	t := &st.Transport
	i := control.InterfaceStats{
		Name: st.Info.Label, ShortName: st.Info.Name, Type: st.Info.Type, Hash: rns.FullHash([]byte(st.Info.Label)),
		Online: st.State.Word == StateUp, Mode: int(max(st.Config.Mode, transport.ModeFull)), Gravity: st.Config.Gravity,
		Bitrate: st.Info.Bitrate, RxBytes: st.Count.RxBytes, TxBytes: st.Count.TxBytes, RxRate: st.RxRate, TxRate: st.TxRate,
		HeldAnnounces: t.Held, IncomingAnnounces: t.IncomingAnnounces, OutgoingAnnounces: t.OutgoingAnnounces,
		IncomingRequests: t.IncomingRequests, OutgoingRequests: t.OutgoingRequests,
		AnnounceBurst: control.Burst{Active: t.AnnounceBurst, Since: t.AnnounceBurstSince},
		RequestBurst:  control.Burst{Active: t.RequestBurst, Since: t.RequestBurstSince},
	}
	describeDevice(&i, st.Driver)
	switch {
	case st.Info.Type == "AutoInterface":
		i.Peers = &peers
	case st.Info.Role == iface.RoleListener:
		i.Clients = &peers
	}
	if st.Info.Locality == iface.Network {
		i.AnnounceQueue = &t.Queued
	}
	if r := st.Config.AnnounceRate; r.Target > 0 {
		target, penalty, grace := int(r.Target.Seconds()), int(r.Penalty.Seconds()), r.Grace
		i.AnnounceRateTarget, i.AnnounceRatePenalty, i.AnnounceRateGrace = &target, &penalty, &grace
	}
	if source := st.Config.AutoconnectSource; !source.IsZero() {
		i.AutoconnectSource = source.Hex()
	}
	if st.Config.AnnouncesToInternal {
		yes := true
		i.AnnouncesToInternal = &yes
	}
	if st.AccessCode != (rns.Signature{}) {
		i.AccessCode = &control.AccessCode{Signature: st.AccessCode[:], Size: st.AccessCodeSize, Network: st.Config.NetworkName}
	}
	return i
}

// describeDevice adds what the driver knows of its medium. The driver is nil once the interface has ended.
func describeDevice(i *control.InterfaceStats, driver iface.Interface) {
	d := &i.Device
	if radio, ok := driver.(iface.Radio); ok {
		r := radio.RadioStatus()
		d.AirtimeShort, d.AirtimeLong = value(r.AirtimeShort), value(r.AirtimeLong)
		d.ChannelLoadShort, d.ChannelLoadLong = value(r.ChannelLoadShort), value(r.ChannelLoadLong)
		d.NoiseFloor, d.Interference, d.CPUTemp = value(r.NoiseFloor), value(r.Interference), value(r.Temperature)
		d.InterferenceLast, d.InterferenceLastAt = value(r.LastInterference), r.LastInterferenceAt
		if r.Battery != iface.BatteryUnknown {
			state, percent := r.Battery.String(), int(r.BatteryPercent.Value)
			d.BatteryState, d.BatteryPercent = &state, &percent
		}
	}
	if t, ok := driver.(iface.Tunnelled); ok {
		state := tunnelWords[t.TunnelState()]
		d.TunnelState = &state
	}
	if e, ok := driver.(iface.Reachable); ok {
		end := e.Endpoint()
		d.I2PConnectable = &end.Connectable
		if end.Address != "" {
			d.I2PAddress = &end.Address
		}
	}
	if b, ok := driver.(iface.Blocker); ok {
		blocked := b.Blocked()
		count := len(blocked)
		i.BlockedIPs = &count
		for _, a := range blocked {
			i.BlockedIPList = append(i.BlockedIPList, a.String())
		}
	}
}

// tunnelWords are the states as status programs show them.
var tunnelWords = map[iface.TunnelState]string{
	iface.TunnelInit: "Creating Tunnel", iface.TunnelActive: "Tunnel Active", iface.TunnelStale: "Tunnel Unresponsive",
}

func value(m iface.Measure) *float64 {
	if !m.Known {
		return nil
	}
	return &m.Value
}

// metered measures received frames, which count for the parent, too.
func (p *port) metered(frames []iface.Frame) {
	now, bytes := p.node.env.now(), 0
	for i := range frames {
		bytes += len(frames[i].Data)
	}
	p.rx.add(now, bytes)
	if p.parent != nil {
		p.parent.rx.add(now, bytes)
		p.parent.count.addReceived(frames)
	}
}

// residentSet is the memory of the process in bytes, 0 where the system does not tell in a file.
func residentSet() int64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(b)
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

// rateWindow is the least time that a rate is taken over.
const rateWindow = time.Second

// meter measures the traffic of one direction. It costs nothing while there is none. It is safe for concurrent use.
type meter struct {
	mu    sync.Mutex
	since time.Time // of the window under way
	bytes int
	rate  float64 // of the last window, in bit/s
}

func (m *meter) add(now time.Time, bytes int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.roll(now)
	m.bytes += bytes
}

// roll ends a window that is long enough. Of one that is much longer most was silence.
func (m *meter) roll(now time.Time) {
	d := now.Sub(m.since)
	if d >= 0 && d < rateWindow {
		return
	}
	m.rate = 0
	if d >= rateWindow && d < 2*rateWindow {
		m.rate = float64(8*m.bytes) / d.Seconds()
	}
	m.since, m.bytes = now, 0
}

func (m *meter) read(now time.Time) float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.roll(now)
	return m.rate
}
