package bridge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/transport"
)

// Changing of tables and of time.
func mockSeedCommands() map[string]handler {
	return map[string]handler{
		"behavioral_force_cull":                onMock(mockMaintain),
		"behavioral_set_path_timestamp":        onMock(mockPathTimestamp),
		"behavioral_set_path_expires":          onMock(mockPathExpires),
		"behavioral_mark_path_unresponsive":    onMock(mockUnresponsive),
		"behavioral_set_announce_timestamp":    onMock(mockPendingTimes),
		"behavioral_seed_link_table":           onMock(mockSeedLink),
		"behavioral_seed_reverse_table":        onMock(mockSeedReverse),
		"behavioral_request_path":              onMock(mockRequest),
		"behavioral_synthesize_tunnel":         onMock(mockTunnel),
		"behavioral_hold_and_release_announce": onMock(mockHold),
	}
}

func mockMaintain(ctx context.Context, m *mock, _ none) (any, error) {
	m.advance(m.later)
	m.later = 0
	if err := m.sendDue(ctx); err != nil {
		return nil, err
	}
	if err := m.node.Maintain(ctx); err != nil {
		return nil, err
	}
	return obj{"culled": true}, m.node.Quiesce(ctx)
}

// sendDue lets the machine send the announces that the suite made due, all in one round.
func (m *mock) sendDue(ctx context.Context) error {
	due := m.due
	m.due = make(map[rns.Addr]bool)
	var serr error
	err := m.drive(ctx, func(now time.Time, t *transport.Machine) *transport.Effects {
		for _, r := range slices.Collect(t.PendingAnnounces()) {
			path, ok := t.Path(now, r.Destination)
			if !ok || r.Parked || !due[r.Destination] {
				continue
			}
			r.Retransmit = now.Add(-time.Second)
			serr = errors.Join(serr, t.SeedPendingAnnounce(now, r, path.Announce))
		}
		return t.Maintain(now)
	})
	return errors.Join(err, serr)
}

// changePath replaces a path by a changed copy.
func (m *mock) changePath(ctx context.Context, dest []byte, change func(r *transport.PathRecord)) (any, error) {
	set := false
	var serr error
	err := m.drive(ctx, func(now time.Time, t *transport.Machine) *transport.Effects {
		for r := range t.Paths(now) {
			if string(r.Destination[:]) == string(dest) {
				change(&r)
				set, serr = true, t.SeedPath(now, r)
				break
			}
		}
		return nil
	})
	return obj{"set": set}, errors.Join(err, serr)
}

func mockPathTimestamp(ctx context.Context, m *mock, p struct {
	Dest      hexed
	Timestamp float64
}) (any, error) {
	return m.changePath(ctx, p.Dest, func(r *transport.PathRecord) { r.Timestamp = fromEpoch(p.Timestamp) })
}

func mockPathExpires(ctx context.Context, m *mock, p struct {
	Dest    hexed
	Expires float64
}) (any, error) {
	return m.changePath(ctx, p.Dest, func(r *transport.PathRecord) { r.Expires = fromEpoch(p.Expires) })
}

func mockUnresponsive(ctx context.Context, m *mock, p mockDest) (any, error) {
	dest, err := address(p.Dest)
	if err != nil {
		return nil, err
	}
	if err := m.node.SetPathState(ctx, dest, transport.PathUnresponsive); err != nil {
		return nil, err
	}
	s, err := m.snapshot(ctx)
	r, _ := find(s.Paths, func(r transport.PathRecord) bool { return r.Destination == dest })
	return obj{"marked": r.State == transport.PathUnresponsive}, err
}

func mockPendingTimes(ctx context.Context, m *mock, p struct {
	Dest       hexed
	Timestamp  *float64
	Retransmit *float64 `json:"retransmit_timeout"`
}) (any, error) {
	s, err := m.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	r, ok := m.pending(&s, p.Dest)
	path, known := find(s.Paths, func(t transport.PathRecord) bool { return t.Destination == r.Destination })
	if !ok || !known {
		return obj{"set": false}, nil
	}
	if p.Timestamp != nil {
		r.Added = fromEpoch(*p.Timestamp)
	}
	if p.Retransmit != nil {
		r.Retransmit = fromEpoch(*p.Retransmit)
		if far := m.node.Now().Add(farAhead); r.Retransmit.After(far) {
			m.far, r.Retransmit = *p.Retransmit, far
		}
		delete(m.due, r.Destination)
		if r.Retransmit.Before(m.node.Now()) {
			m.due[r.Destination], r.Retransmit = true, m.node.Now().Add(time.Hour)
		}
	}
	var serr error
	err = m.node.Drive(ctx, func(now time.Time, t *transport.Machine) *transport.Effects {
		serr = t.SeedPendingAnnounce(now, r, path.Announce)
		return nil
	})
	return obj{"set": true}, errors.Join(err, serr)
}

// farAhead stands for never: a duration reaches no more than 292 years.
const farAhead = 200 * 365 * 24 * time.Hour

type seedParams struct {
	Dest, Key    hexed
	Next         string   `json:"nh_iface_id"`
	Received     string   `json:"rcvd_iface_id"`
	Outbound     string   `json:"outb_iface_id"`
	Remaining    *uint8   `json:"rem_hops"`
	Hops         *uint8   `json:"hops"`
	Age          float64  `json:"timestamp_age_s"`
	Validated    *bool    `json:"validated"`
	ProofTimeout *float64 `json:"proof_timeout_in_s"`
}

// manyHops is the suite's hop count of a link that it seeds to be in nobody's way.
const manyHops = 99

func mockSeedLink(ctx context.Context, m *mock, p seedParams) (any, error) {
	id, err := address(p.Dest)
	next, nerr := m.iface(p.Next)
	received, rerr := m.iface(p.Received)
	if err := errors.Join(err, nerr, rerr); err != nil {
		return nil, err
	}
	r := transport.LinkRecord{
		Link: id, Destination: id, NextInterface: next.id, Received: received.id, Remaining: manyHops, Taken: manyHops,
		Validated: p.Validated == nil || *p.Validated,
	}
	if p.Remaining != nil {
		r.Remaining = *p.Remaining
	}
	if p.Hops != nil {
		r.Taken = *p.Hops
	}
	left := time.Minute
	if p.ProofTimeout != nil {
		left = seconds(*p.ProofTimeout)
	}
	m.later = max(m.later, seconds(p.Age), 2*time.Second-left)
	err = m.drive(ctx, func(now time.Time, t *transport.Machine) *transport.Effects {
		r.Timestamp, r.ProofTimeout = now, now.Add(max(left, time.Second))
		t.SeedLink(now, r)
		return nil
	})
	return obj{"seeded": true, "dest": id.Hex()}, err
}

func mockSeedReverse(ctx context.Context, m *mock, p seedParams) (any, error) {
	key, err := address(p.Key)
	received, rerr := m.iface(p.Received)
	outbound, oerr := m.iface(p.Outbound)
	if err := errors.Join(err, rerr, oerr); err != nil {
		return nil, err
	}
	m.later = max(m.later, seconds(p.Age))
	err = m.drive(ctx, func(now time.Time, t *transport.Machine) *transport.Effects {
		t.SeedReverse(now, transport.ReverseRecord{
			Packet: key, Received: received.id, Outbound: outbound.id, Timestamp: now,
		})
		return nil
	})
	return obj{"seeded": true, "key": key.Hex()}, err
}

func mockRequest(ctx context.Context, m *mock, p struct {
	Iface string `json:"iface_id"`
	Dest  hexed
	Tag   hexed
}) (any, error) {
	i, err := m.iface(p.Iface)
	dest, derr := address(p.Dest)
	if err := errors.Join(err, derr); err != nil {
		return nil, err
	}
	if len(p.Tag) == 0 {
		r, err := rns.NewPathRequest(m.node.Random(), dest, rns.Addr{})
		if err != nil {
			return nil, err
		}
		p.Tag = r.Tag
	}
	err = m.drive(ctx, func(now time.Time, t *transport.Machine) *transport.Effects {
		return t.RequestPath(now, transport.PathRequest{Destination: dest, Interface: i.id, Tag: p.Tag})
	})
	return obj{"tag": p.Tag}, err
}

// mockTunnel sends the synthesis that interfaces with tunnels send when they connect.
func mockTunnel(ctx context.Context, m *mock, p ifaceParam) (any, error) {
	i, err := m.iface(p.Iface)
	if err != nil {
		return nil, err
	}
	s, err := rns.NewTunnelSynthesis(m.node.Random(), m.node.NetworkIdentity(), i.hash)
	if err != nil {
		return nil, err
	}
	raw, err := s.Packet().Pack(rns.MTU)
	if err != nil {
		return nil, err
	}
	err = m.drive(ctx, func(now time.Time, t *transport.Machine) *transport.Effects {
		return t.Outbound(now, transport.OutPacket{Raw: raw, Attached: i.id})
	})
	return obj{"iface_id": p.Iface, "tunnel_id": s.ID().Hex()}, err
}

// mockHold keeps announces back on an interface and lets one round of housekeeping release what it may.
func mockHold(ctx context.Context, m *mock, p struct {
	Iface     string `json:"iface_id"`
	Announces []hexed
}) (any, error) {
	i, err := m.iface(p.Iface)
	if err != nil {
		return nil, err
	}
	hops := obj{}
	held := func(t *transport.Machine) []string {
		list := []string{}
		for h := range t.HeldAnnounces() {
			if h.Interface == i.id {
				list = append(list, h.Destination.Hex())
			}
		}
		return list
	}
	m.advance(m.node.Config().Params.Transport.Ingress.HeldRelease)
	var before, after []string
	var serr error
	err = m.drive(ctx, func(now time.Time, t *transport.Machine) *transport.Effects {
		for _, raw := range p.Announces {
			packet, err := rns.ParsePacket(raw)
			if err != nil {
				serr = errors.Join(serr, fmt.Errorf("announce: %w", err))
				continue
			}
			hops[packet.Dest.Hex()] = packet.Hops
			serr = errors.Join(serr, t.SeedHeld(now, transport.HeldAnnounce{
				Interface: i.id, Destination: packet.Dest, Hops: packet.Hops, Raw: raw,
			}))
		}
		before = held(t)
		fx := t.Maintain(now)
		after = held(t)
		return fx
	})
	released := []string{}
	for _, d := range before {
		if _, kept := find(after, func(k string) bool { return k == d }); !kept {
			released = append(released, d)
		}
	}
	return obj{"held_before": before, "held_after": after, "released": released, "hops": hops}, errors.Join(err, serr)
}
