package bridge

import (
	"context"
	"fmt"
	"strings"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/node"
)

func mockCommands() map[string]handler {
	return map[string]handler{
		"behavioral_start":                       command(mockStart),
		"behavioral_stop":                        command(mockStop),
		"behavioral_attach_mock_interface":       onMock(mockAttach),
		"behavioral_detach_interface":            onMock(mockDetach),
		"behavioral_inject":                      onMock(mockInject),
		"behavioral_drain_tx":                    onMock(mockDrain),
		"behavioral_ifac_mask":                   onMock(mockMask),
		"behavioral_register_destination":        onMock(mockRegister),
		"behavioral_read_destination_deliveries": onMock(mockDeliveries),
		"behavioral_register_announce_handler":   onMock(mockHandler),
		"behavioral_read_announce_handler_calls": onMock(mockHandlerCalls),
	}
}

// onMock makes a handler of a function on one node with interfaces in memory.
func onMock[P any](f func(ctx context.Context, m *mock, p P) (any, error)) handler {
	return command(func(ctx context.Context, s *session, both withHandle[P]) (any, error) {
		m, ok := s.mocks[both.Handle]
		if !ok {
			return nil, fmt.Errorf("%w: %s", errHandle, both.Handle)
		}
		return f(ctx, m, both.P)
	})
}

// quiet keeps a node from announcing itself while the suite counts frames.
const quiet = 24 * time.Hour

func mockStart(ctx context.Context, s *session, p struct {
	attachParams
	Seed      hexed `json:"identity_seed"`
	Transport *bool `json:"enable_transport"`
	Client    bool  `json:"connected_to_shared_instance"`
}) (any, error) {
	var id *rns.Identity
	if len(p.Seed) > 0 {
		var err error
		if id, err = rns.ParseIdentity(p.Seed); err != nil {
			return nil, err
		}
	}
	c := node.DefaultConfig()
	c.Transport, c.StaticIdentity = node.Switch(p.Transport == nil || *p.Transport), node.On
	c.Management.PublishBlackhole, c.Params.ManagementFirst = node.On, quiet
	c.Params.Transport.AnnounceRound = time.Second // as the reference: the suite expects nothing earlier. spec: rns-core §14.8
	m, err := newMock(ctx, c, id)
	if err != nil {
		return nil, err
	}
	m.shape = p.attachParams
	if p.Client {
		if err := m.join(ctx); err != nil {
			m.close()
			return nil, err
		}
	}
	h := handle()
	s.mocks[h] = m
	return obj{"handle": h, "identity_hash": m.node.TransportID().Hex()}, nil
}

func mockStop(_ context.Context, s *session, p handleParam) (any, error) {
	m, ok := s.mocks[p.Handle]
	if !ok {
		return obj{"stopped": false}, nil
	}
	delete(s.mocks, p.Handle)
	m.close()
	return obj{"stopped": true}, nil
}

func mockAttach(ctx context.Context, m *mock, p attachParams) (any, error) {
	i, err := m.attach(ctx, p)
	if err != nil {
		return nil, err
	}
	key, _ := m.key(i.id)
	return obj{"iface_id": key, "interface_hash": i.hash.Hex(), "ifac_size": i.code.Size()}, nil
}

type ifaceParam struct {
	Iface string `json:"iface_id"`
	Raw   hexed
}

func mockDetach(ctx context.Context, m *mock, p ifaceParam) (any, error) {
	i, err := m.iface(p.Iface)
	if err != nil {
		return nil, err
	}
	if err := m.node.RemoveInterface(ctx, i.id); err != nil {
		return nil, err
	}
	return obj{"detached": true}, m.node.Quiesce(ctx)
}

func (m *mock) inject(ctx context.Context, i *mockInterface, raw []byte) error {
	i.end.Inject(raw)
	return m.node.Quiesce(ctx)
}

func mockInject(ctx context.Context, m *mock, p ifaceParam) (any, error) {
	i, err := m.iface(p.Iface)
	if err != nil {
		return nil, err
	}
	return nil, m.inject(ctx, i, p.Raw)
}

func mockDrain(ctx context.Context, m *mock, p ifaceParam) (any, error) {
	i, err := m.iface(p.Iface)
	if err != nil {
		return nil, err
	}
	if err := m.node.Quiesce(ctx); err != nil {
		return nil, err
	}
	packets := []hexed{}
	for _, sent := range i.end.Drain() {
		packets = append(packets, sent.Data)
	}
	return obj{"packets": packets}, nil
}

func mockMask(_ context.Context, m *mock, p ifaceParam) (any, error) {
	i, err := m.iface(p.Iface)
	if err != nil {
		return nil, err
	}
	if i.code == nil {
		return nil, rns.ErrIFACEmpty
	}
	return obj{"masked": hexed(i.code.Seal(nil, p.Raw))}, nil
}

func mockRegister(_ context.Context, m *mock, p struct {
	AppName string `json:"app_name"`
	Aspects names
	Seed    hexed  `json:"identity_seed"`
	Type    string `json:"type"`
	Proofs  string `json:"proof_strategy"`
}) (any, error) {
	name, err := rns.JoinName(p.AppName, p.Aspects...)
	if err != nil {
		return nil, err
	}
	kept := new(deliveries)
	c := node.DestinationConfig{Name: name, OnPacket: func(k *node.Packet) {
		kept.mu.Lock()
		defer kept.mu.Unlock()
		kept.data = append(kept.data, bin(k.Data))
	}}
	if p.Proofs != "" {
		number, ok := strategyNames[strings.ToLower(p.Proofs)]
		if !ok {
			return nil, fmt.Errorf("%w: proof strategy %q", errParam, p.Proofs)
		}
		c.Proofs = strategies[number]
	}
	switch kind := strings.ToLower(p.Type); kind {
	case "", "single", "group":
		if c.Identity, err = rns.ParseIdentity(p.Seed); err != nil {
			return nil, err
		}
		if kind == "group" {
			c.GroupKey = make([]byte, 64)
		}
	case "plain":
	default:
		return nil, fmt.Errorf("%w: type %q", errParam, p.Type)
	}
	d, err := m.node.Register(c)
	if err != nil {
		return nil, err
	}
	m.dests[d.Addr()] = kept
	return obj{"destination_hash": d.Addr().Hex()}, nil
}

type mockDest struct{ Dest hexed }

func mockDeliveries(ctx context.Context, m *mock, p mockDest) (any, error) {
	dest, err := address(p.Dest)
	if err != nil {
		return nil, err
	}
	if err := m.node.Quiesce(ctx); err != nil {
		return nil, err
	}
	out := []hexed{}
	if kept, ok := m.dests[dest]; ok {
		kept.mu.Lock()
		defer kept.mu.Unlock()
		out = append(out, kept.data...)
	}
	return obj{"count": len(out), "deliveries": out}, nil
}

// announceLog keeps what a handler of announces was told.
type announceLog struct {
	deliveries
	calls      []obj
	registered bool
}

// mockHandler registers a handler. A handler of the reference without the attribute of the filter is ignored; here there is
// no such handler, so it is not registered in the first place.
func mockHandler(_ context.Context, m *mock, p struct {
	Filter    *string `json:"aspect_filter"`
	Responses bool    `json:"receive_path_responses"`
	Params    int     `json:"num_params"`
	Raise     bool    `json:"raise_on_call"`
	Omit      bool    `json:"omit_aspect_filter"`
}) (any, error) {
	log := &announceLog{registered: !p.Omit}
	h := handle()
	m.heard[h] = log
	if p.Omit {
		return obj{"handler_id": h, "registered": false}, nil
	}
	m.stop = append(m.stop, m.node.OnAnnounce(node.AnnounceHandler{
		Name: value(p.Filter), PathResponses: node.Switch(p.Responses), Handle: func(a node.Announced) {
			call := obj{
				"destination_hash": a.Destination.Hex(), "announced_identity_hash": a.Identity.Hash().Hex(), "app_data": hexed(a.AppData),
			}
			if p.Params == 4 {
				call["announce_packet_hash"] = a.PacketHash.Hex()
			}
			log.mu.Lock()
			log.calls = append(log.calls, call)
			log.mu.Unlock()
			if p.Raise {
				panic("announce handler was told to panic")
			}
		},
	}))
	return obj{"handler_id": h, "registered": true}, nil
}

func mockHandlerCalls(ctx context.Context, m *mock, p struct {
	Handler string `json:"handler_id"`
}) (any, error) {
	log, ok := m.heard[p.Handler]
	if !ok {
		return nil, fmt.Errorf("%w of an announce handler: %s", errHandle, p.Handler)
	}
	if err := m.node.Quiesce(ctx); err != nil {
		return nil, err
	}
	log.mu.Lock()
	defer log.mu.Unlock()
	return obj{"calls": append([]obj{}, log.calls...), "registered": log.registered}, nil
}
