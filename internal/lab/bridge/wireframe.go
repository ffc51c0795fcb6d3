package bridge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/iface"
	"meshchatx/rns/node"
	"meshchatx/rns/transport"
)

func frameCommands() map[string]handler {
	return map[string]handler{"wire_inject_raw_frame": onPeer(injectFrame)}
}

type frameParams struct {
	Variant string
	Raw     hexed
	Dest    hexed   `json:"dest_hash"`
	AppName *string `json:"app_name"`
	Aspects names
	AppData hexed `json:"app_data"`
	Trim    *int  `json:"trim_to"`
}

// foreign is an announce of somebody who is not there.
func (p frameParams) foreign(n *peer) (rns.Addr, []byte, error) {
	app, aspects, data := "rawframe", p.Aspects, []byte(p.AppData)
	if p.AppName != nil {
		app = *p.AppName
	}
	if len(aspects) == 0 {
		aspects = names{"inject"}
	}
	if len(data) == 0 {
		data = []byte("probe")
	}
	name, err := rns.JoinName(app, aspects...)
	if err != nil {
		return rns.Addr{}, nil, err
	}
	id, err := rns.NewIdentity(n.node.Random())
	if err != nil {
		return rns.Addr{}, nil, err
	}
	a, err := rns.NewAnnounce(n.node.Random(), id, rns.NameHashOf(name), nil, data, n.node.Now())
	if err != nil {
		return rns.Addr{}, nil, err
	}
	raw, err := a.Packet(rns.ContextNone).Pack(rns.MTU)
	return a.Dest, raw, err
}

// injectFrame gives a frame to a live interface: through its access code, then to the machine, as the port of the interface
// does it.
func injectFrame(ctx context.Context, n *peer, p frameParams) (any, error) {
	code, size, err := n.code()
	if err != nil && !errors.Is(err, rns.ErrIFACEmpty) {
		return nil, err
	}
	dest, frame, err := p.foreign(n)
	if err != nil {
		return nil, err
	}
	needsCode, needsOpen := false, false
	switch p.Variant {
	case "build_masked":
		needsCode, frame = true, code.Seal(nil, frame)
	case "masked_full":
		needsCode, frame = true, code.Seal(nil, frame)
	case "masked_short":
		needsCode = true
		frame = code.Seal(nil, frame)[:2+size]
	case "plain_on_ifac":
		needsCode = true
	case "plain_on_open":
		needsOpen = true
	case "inject_external":
		needsOpen, frame = true, p.Raw
		if dest, err = address(p.Dest); err != nil {
			return nil, err
		}
	case "min_short":
		trim := 2
		if p.Trim != nil {
			trim = *p.Trim
		}
		frame = frame[:max(0, min(trim, len(frame)))]
	default:
		return nil, fmt.Errorf("%w: variant %q", errParam, p.Variant)
	}
	if needsCode && code == nil || needsOpen && code != nil {
		return nil, fmt.Errorf("%w: variant %q on this interface", errParam, p.Variant)
	}
	out := obj{"dest_hash": dest.Hex(), "frame_len": len(frame)}
	if code != nil {
		out["ifac_size"] = size
	}
	if p.Variant == "build_masked" {
		out["raw"] = hexed(frame)
		return out, nil
	}
	if err := n.hear(ctx, code, frame); err != nil {
		return nil, err
	}
	out["learned"] = n.node.HasPath(ctx, dest)
	return out, nil
}

func (p *peer) hear(ctx context.Context, code *rns.IFAC, frame []byte) error {
	raw, err := code.Open(nil, slices.Clone(frame))
	if err != nil {
		return nil //nolint:nilerr // a refused frame is nothing but not heard
	}
	all, err := p.node.Interfaces(ctx)
	if err != nil {
		return err
	}
	i, ok := find(all, func(s node.InterfaceStatus) bool { return s.Info.Role != iface.RoleListener })
	if !ok && len(all) > 0 {
		i = all[0]
	}
	err = p.node.Drive(ctx, func(now time.Time, m *transport.Machine) *transport.Effects {
		return m.Inbound(now, transport.Frame{Interface: i.ID, Raw: raw})
	})
	return errors.Join(err, p.node.Quiesce(ctx))
}
