package script

import (
	"context"
	"encoding/hex"
	"errors"
	"time"

	"meshchatx/rns/node"
	"meshchatx/rns/transport"
)

func watchCommands() map[string]handler {
	return map[string]handler{
		"tap.open":  command(tapOpen),
		"tap.since": command(tapSince),
		"snapshot":  command(snapshot),
	}
}

var errNoTap = errors.New("the node has no tap: tap.open first")

// defaultTap is how many frames a tap keeps that does not say.
const defaultTap = 10_000

func tapOpen(_ context.Context, l *lab, p struct {
	Node string
	Size int
}) (any, error) {
	n, err := l.station(p.Node)
	if err != nil {
		return nil, err
	}
	if n.tap != nil {
		n.tap.Close()
	}
	if p.Size <= 0 {
		p.Size = defaultTap
	}
	n.tap = n.OpenTap(p.Size, nil)
	return nil, nil
}

// tapSince shows the frames after a sequence number; the number of the last one is for the next call.
func tapSince(_ context.Context, l *lab, p struct {
	Node string
	Seq  uint64
}) (any, error) {
	n, err := l.station(p.Node)
	if err != nil {
		return nil, err
	}
	if n.tap == nil {
		return nil, errNoTap
	}
	records, _ := n.tap.Since(p.Seq)
	frames := []obj{}
	for _, r := range records {
		p.Seq = r.Seq
		f := obj{
			"seq": r.Seq, "at": stamp(r.At), "direction": "in", "iface": r.Interface, "label": r.Name,
			"raw": hex.EncodeToString(r.Raw), "verdict": r.Verdict.String(),
		}
		if r.Direction == node.Out {
			f["direction"] = "out"
		}
		if r.Wire != nil {
			f["wire"] = hex.EncodeToString(r.Wire)
		}
		if r.ParseErr != nil {
			f["error"] = r.ParseErr.Error()
		} else {
			f["type"], f["context"], f["dest"], f["hops"] = r.Packet.Type.String(), r.Packet.Context.String(), r.Packet.Dest.Hex(), r.Packet.Hops
		}
		frames = append(frames, f)
	}
	return obj{"frames": frames, "seq": p.Seq}, nil
}

// stamp is a time in seconds since 1970, null for the zero time.
func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return float64(t.UnixMicro()) / 1e6
}

// rows describes the rows of a table.
func rows[T any](table []T, f func(T) obj) []obj {
	out := []obj{}
	for _, r := range table {
		out = append(out, f(r))
	}
	return out
}

func snapshot(ctx context.Context, l *lab, p nodeParam) (any, error) {
	n, err := l.station(p.Node)
	if err != nil {
		return nil, err
	}
	s, err := n.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	return obj{
		"at": stamp(s.At), "transport_id": s.TransportID.Hex(), "transport": s.Config.Transport,
		"counts": obj{
			"interfaces": s.Counts.Interfaces, "destinations": s.Counts.Destinations, "links": s.Counts.Links, "paths": s.Counts.Paths,
			"known": s.Counts.Known, "packet_hashes": s.Counts.PacketHashes, "receipts": s.Counts.Receipts,
		},
		"destinations": rows(s.Destinations, func(d node.DestinationStatus) obj {
			return obj{"dest": d.Addr.Hex(), "name": d.Name, "type": d.Type.String(), "announced": stamp(d.Announced), "ratchets": d.Ratchets}
		}),
		"paths": rows(s.Paths, func(r transport.PathRecord) obj {
			return obj{
				"dest": r.Destination.Hex(), "hops": r.Hops, "next_hop": r.NextHop.Hex(), "iface": r.Interface, "learned": stamp(r.Timestamp),
				"expires": stamp(r.Expires), "announce": r.PacketHash.Hex(), "emissions": len(r.Blobs),
			}
		}),
		"announces": rows(s.PendingAnnounces, func(r transport.PendingAnnounce) obj {
			return obj{"dest": r.Destination.Hex(), "hops": r.Hops, "retries": r.Retries, "due": stamp(r.Retransmit), "heard": r.LocalRebroadcasts}
		}),
		"reverse": rows(s.Reverse, func(r transport.ReverseRecord) obj {
			return obj{"packet": r.Packet.Hex(), "received": r.Received, "outbound": r.Outbound, "at": stamp(r.Timestamp)}
		}),
		"links_in_transit": rows(s.LinksInTransit, func(r transport.LinkRecord) obj {
			return obj{"link": r.Link.Hex(), "dest": r.Destination.Hex(), "validated": r.Validated, "received": r.Received, "next": r.NextInterface}
		}),
		"requests": rows(s.Requests, func(r transport.RequestRecord) obj {
			return obj{"dest": r.Destination.Hex(), "kind": r.Kind, "at": stamp(r.At), "iface": r.Interface}
		}),
		"tunnels": rows(s.Tunnels, func(r transport.TunnelRecord) obj {
			return obj{"tunnel": r.ID.Hex(), "iface": r.Interface, "expires": stamp(r.Expires), "paths": len(r.Paths)}
		}),
		"held": rows(s.HeldAnnounces, func(r transport.HeldAnnounce) obj {
			return obj{"dest": r.Destination.Hex(), "hops": r.Hops, "iface": r.Interface}
		}),
	}, nil
}
