package script

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"meshchatx/internal/interfaces"
	"meshchatx/rns/config"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/node"
	"meshchatx/rns/transport"
)

func interfaceCommands() map[string]handler {
	return map[string]handler{
		"medium.new":   command(mediumNew),
		"medium.set":   command(mediumSet),
		"medium.join":  command(mediumJoin),
		"iface.add":    command(ifaceAdd),
		"iface.remove": command(ifaceRemove),
		"iface.list":   command(ifaceList),
	}
}

// conditions describe a medium in the words of package mem; times are in milliseconds, the bandwidth in bit/s.
type conditions struct {
	Medium    string
	Loss      float64
	Duplicate float64
	Reorder   float64
	Delay     float64 `json:"delay_ms"`
	Jitter    float64 `json:"jitter_ms"`
	Bandwidth int64
	Seed      uint64
}

func (c conditions) mem() mem.Conditions {
	return mem.Conditions{
		Loss: c.Loss, Duplicate: c.Duplicate, Reorder: c.Reorder, Delay: milliseconds(c.Delay), Jitter: milliseconds(c.Jitter),
		Bandwidth: c.Bandwidth, Seed: c.Seed,
	}
}

func milliseconds(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }

func mediumNew(_ context.Context, l *lab, c conditions) (any, error) {
	if _, taken := l.media[c.Medium]; taken {
		return nil, fmt.Errorf("medium %q: %w", c.Medium, errTaken)
	}
	l.media[c.Medium] = mem.NewHub(c.mem())
	return nil, nil
}

func mediumSet(_ context.Context, l *lab, c conditions) (any, error) {
	h, ok := l.media[c.Medium]
	if !ok {
		return nil, fmt.Errorf("medium %q: %w", c.Medium, errName)
	}
	h.SetConditions(c.mem())
	return nil, nil
}

func mediumJoin(ctx context.Context, l *lab, p struct {
	Medium, Node, Name string
	Mode               string
	Bitrate            int64
	MTU                int
	NetworkName        string `json:"network_name"`
	Passphrase         string
}) (any, error) {
	n, err := l.station(p.Node)
	if err != nil {
		return nil, err
	}
	h, ok := l.media[p.Medium]
	if !ok {
		return nil, fmt.Errorf("medium %q: %w", p.Medium, errName)
	}
	c := node.InterfaceConfig{NetworkName: p.NetworkName, Passphrase: p.Passphrase}
	if p.Mode != "" {
		m, ok := config.ParseMode(p.Mode)
		if !ok {
			return nil, fmt.Errorf("mode %q: %w", p.Mode, errName)
		}
		c.Mode = transport.Mode(m)
	}
	var o []mem.Option
	if p.Bitrate > 0 {
		o = append(o, mem.WithBitrate(p.Bitrate))
	}
	if p.MTU > 0 {
		o = append(o, mem.WithMTU(p.MTU))
	}
	id, err := n.AddInterface(h.Attach(cmp.Or(p.Name, p.Node+"@"+p.Medium), o...), c)
	if err != nil {
		return nil, err
	}
	return obj{"iface": id}, n.up(ctx, id)
}

var errNotUp = errors.New("interface did not come up within 5 seconds")

// up waits until an interface is open. One that stays closed is an error, with its reason.
func (n *station) up(ctx context.Context, id node.InterfaceID) error {
	end := time.Now().Add(5 * time.Second)
	for {
		s, err := n.InterfaceStatus(ctx, id)
		switch {
		case err != nil:
			return err
		case s.State.Word == node.StateUp:
			return nil
		case !time.Now().Before(end):
			return errors.Join(errNotUp, s.State.Err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// ifaceAdd adds the interfaces of a configuration text, as it stands in a file below [interfaces].
func ifaceAdd(ctx context.Context, l *lab, p struct{ Node, Config string }) (any, error) {
	n, err := l.station(p.Node)
	if err != nil {
		return nil, err
	}
	c, err := config.Parse([]byte("[interfaces]\n" + p.Config))
	if err != nil {
		return nil, err
	}
	var added []obj
	for _, i := range c.Interfaces {
		if i.Err != nil {
			return nil, i.Err
		}
		d, conf, err := interfaces.Drivers(i)
		if err != nil {
			return nil, err
		}
		id, err := n.AddInterface(d, conf)
		if err != nil {
			return nil, err
		}
		if err := n.up(ctx, id); err != nil {
			return nil, err
		}
		s, err := n.InterfaceStatus(ctx, id)
		if err != nil {
			return nil, err
		}
		added = append(added, obj{"iface": id, "name": i.Name, "address": s.Address})
	}
	return obj{"ifaces": added}, nil
}

func ifaceRemove(ctx context.Context, l *lab, p struct {
	Node  string
	Iface node.InterfaceID
}) (any, error) {
	n, err := l.station(p.Node)
	if err != nil {
		return nil, err
	}
	return nil, n.RemoveInterface(ctx, p.Iface)
}

func ifaceList(ctx context.Context, l *lab, p nodeParam) (any, error) {
	n, err := l.station(p.Node)
	if err != nil {
		return nil, err
	}
	all, err := n.Interfaces(ctx)
	out := []obj{}
	for _, s := range all {
		out = append(out, obj{
			"iface": s.ID, "parent": s.Parent, "name": s.Info.Name, "label": s.Info.Label, "state": s.State.Word.String(),
			"mode": s.Config.Mode.String(), "address": s.Address, "rx_bytes": s.Count.RxBytes, "tx_bytes": s.Count.TxBytes,
			"rx_packets": s.Count.RxPackets, "tx_packets": s.Count.TxPackets,
		})
	}
	return obj{"ifaces": out}, err
}
