package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"meshchatx/internal/tools/lxmd"
)

// unknownHops is the distance of a peer to which no path is known.
const unknownHops = 128

// nodeParts are the parts of a report that are wanted.
type nodeParts struct{ status, peers, json bool }

// printNode prints what a propagation node says about itself.
func printNode(w io.Writer, r lxmd.Report, parts nodeParts, now time.Time) error {
	if parts.json {
		if !parts.peers {
			r.Peers = nil
		}
		return printJSON(w, r)
	}
	var p page
	p.line("\nLXMF Propagation Node running on %s, uptime is %s", pretty(r.Destination), durationText(seconds(r.Uptime)))
	if parts.status {
		printNodeStatus(&p, &r)
	}
	if parts.peers {
		if !parts.status {
			p.line("")
		}
		for i := range r.Peers {
			printNodePeer(&p, &r.Peers[i], now)
		}
	}
	_, err := io.WriteString(w, p.String())
	return err
}

func printNodeStatus(p *page, r *lxmd.Report) {
	var available, incoming, outgoing int64
	var rx, tx float64
	for i := range r.Peers {
		peer := &r.Peers[i]
		incoming, outgoing, rx, tx = incoming+peer.Incoming, outgoing+peer.Outgoing, rx+peer.RxBytes, tx+peer.TxBytes
		if peer.Alive {
			available++
		}
	}
	room := "no limit"
	if r.Limit > 0 {
		room = fmt.Sprintf("%.2f%% utilised of %s", r.Bytes/r.Limit*100, sizeText(r.Limit))
	}
	from := "all nodes"
	if r.StaticOnly {
		from = "static peers only"
	}
	received := incoming + r.Unpeered + r.Received
	factor := 0.0
	if received > 0 {
		factor = float64(outgoing) / float64(received)
	}
	p.line("Messagestore contains %d messages, %s (%s)", r.Messages, sizeText(r.Bytes), room)
	p.line("Required propagation stamp cost is %d, flexibility is %d", r.StampCost, r.Flexibility)
	p.line("Peering cost is %d, max remote peering cost is %d", r.PeeringCost, r.MaxPeeringCost)
	p.line("Accepting propagated messages from %s", from)
	p.line("%s message limit, %s sync limit\n", sizeText(r.TransferLimit*1000), sizeText(r.SyncLimit*1000))
	p.line("Peers   : %d total (peer limit is %d)", len(r.Peers), r.MaxPeers)
	p.line("          %d discovered, %d static", r.Discovered, r.Static)
	p.line("          %d available, %d unreachable\n", available, int64(len(r.Peers))-available)
	p.line("Traffic : %d messages received in total (%s)", received, sizeText(rx+r.UnpeeredBytes))
	p.line("          %d messages received from peered nodes (%s)", incoming, sizeText(rx))
	p.line("          %d messages received from unpeered nodes (%s)", r.Unpeered, sizeText(r.UnpeeredBytes))
	p.line("          %d messages transferred to peered nodes (%s)", outgoing, sizeText(tx))
	p.line("          %d propagation messages received directly from clients", r.Received)
	p.line("          %d propagation messages served to clients", r.Served)
	p.line("          Distribution factor is %.2f\n", factor)
}

func printNodePeer(p *page, peer *lxmd.PeerReport, now time.Time) {
	kind := "Unknown peer   "
	switch peer.Type {
	case "static":
		kind = "Static peer    "
	case "discovered":
		kind = "Discovered peer"
	}
	available := "Unreachable"
	if peer.Alive {
		available = "Available"
	}
	distance := plural(int(peer.Hops), "hop away", "hops away")
	if peer.Hops >= unknownHops {
		distance = "hops unknown"
	}
	key := "not generated"
	if peer.Key != nil {
		key = fmt.Sprintf("generated, value is %d", *peer.Key)
	}
	limit := func(kb float64) string {
		if kb <= 0 {
			return "unknown"
		}
		return sizeText(kb * 1000)
	}
	p.line("  %s %s", kind, pretty(peer.Destination))
	if name := oneLine(peer.Name); name != "" {
		p.line("    Name       : %s", name)
	}
	p.line("    Status     : %s, %s, last heard %s", available, distance, ago(peer.Heard, now))
	p.line("    Costs      : Propagation %s (flex %s), peering %s", cost(peer.StampCost), cost(peer.Flexibility), cost(peer.PeeringCost))
	p.line("    Sync key   : %s", capital(key))
	p.line("    Speeds     : %s STR, %s LER", speedText(peer.TransferRate), speedText(peer.LinkRate))
	p.line("    Limits     : %s message limit, %s sync limit", limit(peer.TransferLimit), limit(peer.SyncLimit))
	p.line("    Messages   : %d offered, %d outgoing, %d incoming, %.2f%% acceptance rate", peer.Offered, peer.Outgoing, peer.Incoming, peer.Acceptance*100)
	p.line("    Traffic    : %s received, %s sent", sizeText(peer.RxBytes), sizeText(peer.TxBytes))
	p.line("    Sync state : %s, last synced %s\n", plural(int(peer.Unhandled), "unhandled message", "unhandled messages"), ago(peer.Synced, now))
}

func cost(n *int64) string {
	if n == nil {
		return "unknown"
	}
	return fmt.Sprint(*n)
}

// ago prints the time since a moment in seconds since 1970.
func ago(at float64, now time.Time) string {
	if at <= 0 {
		return "never"
	}
	return durationText(max(0, now.Sub(time.UnixMilli(int64(at*1000))).Round(time.Second))) + " ago"
}

// maxName is how much of a name is shown.
const maxName = 45

// oneLine makes a name of others fit to be printed: one line, without control characters.
func oneLine(s string) string {
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "")))
	if runes := []rune(s); len(runes) > maxName {
		return string(runes[:maxName]) + "…"
	}
	return s
}
