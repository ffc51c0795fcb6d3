package node

import (
	"log/slog"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/transport"
)

// synthesizeTunnel tells the transport node behind a new connection who connected, so that it can give the paths of the last
// connection to this one. It runs on a goroutine of the driver. spec: rns-core §17, §17.1
func (p *port) synthesizeTunnel() {
	n := p.node
	s, err := rns.NewTunnelSynthesis(n.env.rand, n.ident.network, rns.FullHash([]byte(p.info.Label)))
	if err != nil {
		n.env.log.Warn("tunnel", slog.String("interface", p.info.Label), slog.Any("error", err))
		return
	}
	raw := s.Packet().Append(nil)
	n.post(func(now time.Time) {
		if n.ports[p.id] == p {
			_, _ = n.out(now, transport.OutPacket{Raw: raw, Attached: p.id})
		}
	})
}
