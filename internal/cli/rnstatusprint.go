package cli

import (
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"meshchatx/rns/control"
	"meshchatx/rns/discovery"
)

// modeNames are the modes as rnstatus shows them. spec: rns-core §10.3
var modeNames = map[int]string{
	2: "Point-to-Point", 3: "Access Point", 4: "Roaming", 5: "Boundary", 6: "Gateway", 7: "Internal",
}

// connections are the beginnings of names of what listeners have made.
var connections = []string{
	"LocalInterface[", "TCPInterface[Client", "BackboneInterface[Client on", "AutoInterfacePeer[", "WeaveInterfacePeer[",
	"I2PInterfacePeer[Connected peer",
}

const sharedPrefix = "Shared Instance["

// shown tells whether an interface is shown.
func (c rnstatusCommand) shown(i *control.InterfaceStats) bool {
	silent := strings.HasPrefix(i.Name, "I2PInterface[") && i.Device.I2PConnectable != nil && !*i.Device.I2PConnectable
	if silent {
		return false
	}
	if !c.All {
		for _, p := range connections {
			if strings.HasPrefix(i.Name, p) {
				return false
			}
		}
	}
	matches := strings.Contains(strings.ToLower(i.Name), strings.ToLower(c.Filter))
	if c.Bursts {
		return i.AnnounceBurst.Active || i.RequestBurst.Active || c.Filter != "" && matches
	}
	return matches
}

// print prints all interfaces, and what belongs to the whole node.
func (c rnstatusCommand) print(w io.Writer, s nodeStatus, now time.Time) error {
	p := &page{}
	for n := range s.Interfaces {
		if i := &s.Interfaces[n]; c.shown(i) {
			p.line("")
			c.printInterface(p, i, now)
		}
	}
	links := ""
	if c.Links && s.links >= 0 {
		links = plural(s.links, "entry", "entries") + " in link table"
	}
	if c.Totals {
		rx, tx := pad2("↓"+sizeText(float64(s.RxBytes)), "↑"+sizeText(float64(s.TxBytes)))
		p.line("")
		p.line(" Totals       : %s  %s", tx, speedText(s.TxRate))
		p.line("                %s  %s", rx, speedText(s.RxRate))
	}
	switch t := s.Transport; {
	case t != nil:
		p.line("")
		p.line(" Transport Instance %s running", pretty(t.ID))
		if !t.Network.IsZero() {
			p.line(" Network Identity   %s", pretty(t.Network))
		}
		if !t.Probe.IsZero() {
			p.line(" Probe responder at %s active", pretty(t.Probe))
		}
		if links != "" {
			links = ", " + links
		}
		p.line(" Uptime is %s%s", durationText(t.Uptime.Round(10*time.Millisecond)), links)
	case links != "":
		p.line("")
		p.line(" %s", links)
	}
	p.line("")
	_, err := io.WriteString(w, p.String())
	return err
}

// page is a text of lines.
type page struct{ strings.Builder }

func (p *page) line(format string, args ...any) { fmt.Fprintf(&p.Builder, format+"\n", args...) }

// field is a line of an interface.
func (p *page) field(name, format string, args ...any) {
	p.line("    %-10s: "+format, append([]any{name}, args...)...)
}

// more is a line that goes on with the field before.
func (p *page) more(format string, args ...any) { p.line("                "+format, args...) }

func pad2(a, b string) (string, string) {
	return padTo(a, utf8.RuneCountInString(b)), padTo(b, utf8.RuneCountInString(a))
}

// padTo adds blanks up to a number of characters.
func padTo(s string, n int) string {
	return s + strings.Repeat(" ", max(0, n-utf8.RuneCountInString(s)))
}

func (c rnstatusCommand) printInterface(p *page, i *control.InterfaceStats, now time.Time) {
	p.line(" %s", i.Name)
	if i.AutoconnectSource != "" {
		p.field("Source", "Auto-connect via <%s>", strings.Trim(i.AutoconnectSource, "<>"))
	}
	if i.AccessCode != nil && i.AccessCode.Network != "" {
		p.field("Network", "%s", i.AccessCode.Network)
	}
	status := "Down"
	if i.Online {
		status = "Up"
	}
	if i.Gravity != 0 {
		status += fmt.Sprintf(", gravity %d", i.Gravity)
	}
	p.field("Status", "%s", status)
	c.printClients(p, i)
	if !strings.HasPrefix(i.Name, sharedPrefix) && !strings.HasPrefix(i.Name, "TCPInterface[Client") && !strings.HasPrefix(i.Name, "LocalInterface[") {
		mode := modeNames[i.Mode]
		if mode == "" {
			mode = "Full"
		}
		if i.AnnouncesToInternal != nil && *i.AnnouncesToInternal {
			mode += " (a>i)"
		}
		p.field("Mode", "%s", mode)
	}
	if i.Bitrate > 0 {
		p.field("Rate", "%s", rateText(float64(i.Bitrate)))
	}
	printDevice(p, &i.Device, now)
	if i.Peers != nil {
		p.field("Peers", "%d reachable", *i.Peers)
	}
	if d := i.Device.TunnelState; d != nil {
		p.field("I2P", "%s", *d)
	}
	if a := i.AccessCode; a != nil && len(a.Signature) >= 5 {
		p.field("Access", "%d-bit IFAC by <…%s>", a.Size*8, hex.EncodeToString(a.Signature[len(a.Signature)-5:]))
	}
	if d := i.Device.I2PAddress; d != nil {
		p.field("I2P B32", "%s", *d)
	}
	c.printTraffic(p, i, now)
}

func (c rnstatusCommand) printClients(p *page, i *control.InterfaceStats) {
	switch {
	case i.Clients == nil:
	case strings.HasPrefix(i.Name, sharedPrefix):
		p.field("Serving", "%s", plural(*i.Clients, "program", "programs"))
	case strings.HasPrefix(i.Name, "I2PInterface["):
		p.field("Peers", "%s", plural(*i.Clients, "connected I2P endpoint", "connected I2P endpoints"))
	default:
		p.field("Clients", "%d", *i.Clients)
		if i.BlockedIPs != nil && *i.BlockedIPs > 0 {
			p.field("Blocked", "%s", plural(*i.BlockedIPs, "IP", "IPs"))
		}
	}
}

// printDevice prints what a radio knows of its channel and itself.
func printDevice(p *page, d *control.DeviceStats, now time.Time) {
	if d.NoiseFloor != nil {
		text := fmt.Sprintf("%v dBm", *d.NoiseFloor)
		switch {
		case d.Interference != nil && *d.Interference != 0:
			text += fmt.Sprintf("\n    Intrfrnc. : %v dBm", *d.Interference)
		case d.InterferenceLast != nil:
			text += fmt.Sprintf("\n    Intrfrnc. : %v dBm %s ago", *d.InterferenceLast, durationText(now.Sub(d.InterferenceLastAt).Truncate(time.Second)))
		}
		p.field("Noise Fl.", "%s", text)
	}
	percent := func(name string, v *float64, unit string) {
		if v != nil {
			p.field(name, "%v %s", *v, unit)
		}
	}
	percent("CPU load", d.CPULoad, "%")
	percent("CPU temp", d.CPUTemp, "°C")
	percent("Mem usage", d.MemLoad, "%")
	if d.BatteryPercent != nil {
		state := ""
		if d.BatteryState != nil {
			state = " (" + *d.BatteryState + ")"
		}
		p.field("Battery", "%d%%%s", *d.BatteryPercent, state)
	}
	if d.AirtimeShort != nil && d.AirtimeLong != nil {
		p.field("Airtime", "%v%% (15s), %v%% (1h)", *d.AirtimeShort, *d.AirtimeLong)
	}
	if d.ChannelLoadShort != nil && d.ChannelLoadLong != nil {
		p.field("Ch. Load", "%v%% (15s), %v%% (1h)", *d.ChannelLoadShort, *d.ChannelLoadLong)
	}
	for _, id := range []struct {
		name string
		v    *string
	}{{"Switch ID", d.SwitchID}, {"Endpoint", d.EndpointID}, {"Via", d.ViaSwitchID}} {
		if id.v != nil {
			p.field(id.name, "%s", *id.v)
		}
	}
}

// printTraffic prints queues, announces, path requests and bytes, in columns.
func (c rnstatusCommand) printTraffic(p *page, i *control.InterfaceStats, now time.Time) {
	if c.Announces && i.AnnounceQueue != nil && *i.AnnounceQueue > 0 {
		p.field("Queued", "%s", plural(*i.AnnounceQueue, "announce", "announces"))
	}
	if c.Announces && i.HeldAnnounces > 0 {
		p.field("Held", "%s", plural(i.HeldAnnounces, "announce", "announces"))
	}
	rx, tx := "↓"+sizeText(float64(i.RxBytes)), "↑"+sizeText(float64(i.TxBytes))
	arx, atx := frequencyText(i.IncomingAnnounces)+"↓", frequencyText(i.OutgoingAnnounces)+"↑"
	prx, ptx := frequencyText(i.IncomingRequests)+"↓", frequencyText(i.OutgoingRequests)+"↑"
	if c.Announces { // with both, arrows stand where those of the traffic do
		prx, ptx = "↓"+frequencyText(i.IncomingRequests), "↑"+frequencyText(i.OutgoingRequests)
	}
	width := 10
	for _, s := range []string{rx, tx, arx, atx, prx, ptx} {
		width = max(width, utf8.RuneCountInString(s))
	}
	if c.Requests {
		p.field("Path Rqs.", "%s  %s", padTo(ptx, width), each(i, i.OutgoingRequests))
		p.more("%s  %s", padTo(prx, width), burstText(i.RequestBurst, now))
	}
	if c.Announces {
		p.field("Announces", "%s  %s", padTo(atx, width), each(i, i.OutgoingAnnounces))
		p.more("%s %s%s", padTo(arx, width), limitText(i), burstText(i.AnnounceBurst, now))
	}
	p.field("Traffic", "%s  %s", padTo(tx, width), speedText(i.TxRate))
	p.more("%s  %s", padTo(rx, width), speedText(i.RxRate))
}

// each shows a frequency for each client or peer.
func each(i *control.InterfaceStats, f float64) string {
	switch {
	case i.Clients != nil && *i.Clients > 0:
		return frequencyText(f/float64(*i.Clients)) + "/c"
	case i.Clients == nil && i.Peers != nil && *i.Peers > 0:
		return frequencyText(f/float64(*i.Peers)) + "/p"
	}
	return ""
}

func burstText(b control.Burst, now time.Time) string {
	if !b.Active {
		return ""
	}
	return "burst for " + durationText(now.Sub(b.Since).Round(10*time.Millisecond))
}

// limitText shows the announce rate an interface allows.
func limitText(i *control.InterfaceStats) string {
	if i.AnnounceRateTarget == nil || *i.AnnounceRateTarget == 0 {
		return ""
	}
	of := func(s int) string { return durationText(time.Duration(s) * time.Second) }
	text := "(t:" + of(*i.AnnounceRateTarget)
	if i.AnnounceRatePenalty != nil {
		text += "/p:" + of(*i.AnnounceRatePenalty)
		if i.AnnounceRateGrace != nil && *i.AnnounceRateGrace > 0 {
			text += fmt.Sprintf("/g:%d", *i.AnnounceRateGrace)
		}
	}
	return text + ") "
}

// agoText is a time that has passed, roughly.
func agoText(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "Just now"
	case d < time.Hour:
		return fmt.Sprintf("%dm ago", int(d/time.Minute))
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh ago", int(d/time.Hour))
	}
	return fmt.Sprintf("%dd ago", int(d/(24*time.Hour)))
}

func locationText(e discovery.Entry, none string) string {
	if e.Latitude == nil || e.Longitude == nil {
		return none
	}
	return fmt.Sprintf("%.4f, %.4f", *e.Latitude, *e.Longitude)
}

// statusText is the state of a discovered interface with a sign.
func statusText(e discovery.Entry) string {
	sign := map[string]string{"available": "✓", "unknown": "?", "stale": "×"}[e.Status.String()]
	return sign + " " + capital(e.Status.String())
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func printDiscovered(w io.Writer, list []discovery.Entry, now time.Time) error {
	p := &page{}
	p.line("")
	row := func(cells ...string) {
		for i, width := range []int{25, 12, 12, 12, 8, 15} {
			cells[i] = padTo(cells[i], width)
		}
		p.line("%s", strings.Join(cells, " "))
	}
	row("Name", "Type", "Status", "Last Heard", "Value", "Location")
	p.line("%s", strings.Repeat("-", 89))
	for _, e := range list {
		name := []rune(e.Name)
		if len(name) > 24 {
			name = append(name[:24], '…')
		}
		row(string(name), strings.ReplaceAll(string(e.Type), "Interface", ""), statusText(e), agoText(now.Sub(e.LastHeard)), fmt.Sprint(e.Value), locationText(e, "N/A"))
	}
	_, err := io.WriteString(w, p.String())
	return err
}

func printDiscoveredDetails(w io.Writer, list []discovery.Entry, now time.Time) error {
	p := &page{}
	p.line("")
	for n, e := range list {
		if n > 0 {
			p.line("\n%s\n", strings.Repeat("=", 32))
		}
		if !e.NetworkID.IsZero() && e.NetworkID != e.TransportID {
			p.line("Network   ID : %s", digits(e.NetworkID))
		}
		transport := "Disabled"
		if e.Transport {
			transport = "Enabled"
		}
		for _, f := range [][2]string{
			{"Transport ID", digits(e.TransportID)}, {"Name", e.Name}, {"Type", string(e.Type)}, {"Status", capital(e.Status.String())},
			{"Transport", transport}, {"Distance", plural(e.Hops, "hop", "hops")},
			{"Discovered", durationText(now.Sub(e.Discovered).Truncate(time.Second)) + " ago"},
			{"Last Heard", durationText(now.Sub(e.LastHeard).Truncate(time.Second)) + " ago"}, {"Location", locationText(e, "Unknown")},
			{"Frequency", number(e.Frequency, " Hz")}, {"Bandwidth", number(e.Bandwidth, " Hz")}, {"Sprd. Factor", number(e.SpreadingFactor, "")},
			{"Coding Rate", number(e.CodingRate, "")}, {"Address", e.ReachableOn}, {"Stamp Value", fmt.Sprint(e.Value)},
		} {
			if f[1] != "" {
				p.line("%-13s: %s", f[0], f[1])
			}
		}
		if e.Port > 0 {
			p.line("%-13s: %d", "Port", e.Port)
		}
		p.line("\nConfiguration Entry:")
		for line := range strings.Lines(e.ConfigEntry()) {
			p.line("  %s", strings.TrimRight(line, "\n"))
		}
	}
	_, err := io.WriteString(w, p.String())
	return err
}

func number(n *int64, unit string) string {
	if n == nil {
		return ""
	}
	return fmt.Sprint(*n) + unit
}
