package bridge

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"meshchatx/rns"
	"meshchatx/rns/node"
)

var errNoGroupKey = errors.New("no key held by the group destination")

func destinationGroup(ctx context.Context, s *session, p destParams) (any, error) {
	p.Type = "group"
	b, err := p.build()
	if err != nil {
		return nil, err
	}
	if !p.CreateKeys {
		return nil, errNoGroupKey
	}
	key := make([]byte, 64)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	token, err := rns.NewToken(key)
	if err != nil {
		return nil, err
	}
	sealed, err := token.Encrypt(rand.Reader, nil, p.Plaintext)
	if err != nil {
		return nil, err
	}
	plain, err := token.Decrypt(nil, sealed)
	if err != nil {
		return nil, err
	}
	has := false
	err = s.register(ctx, b, node.DestinationConfig{GroupKey: key}, func(m *mock, d *node.Destination) error {
		st, err := m.destination(ctx, d)
		has = st.Type == rns.DestGroup
		return err
	})
	return obj{"ciphertext": hexed(sealed), "roundtrip": bin(plain), "has_key": has}, err
}

// destinationAppData reads application data back from the announce that leaves.
func destinationAppData(ctx context.Context, s *session, p destParams) (any, error) {
	b, err := p.build()
	if err != nil {
		return nil, err
	}
	c := node.DestinationConfig{}
	if p.DefaultKind != "none" {
		c.AppData = func() []byte { return p.DefaultValue }
	}
	out := obj{"default_app_data_set": c.AppData != nil}
	err = s.register(ctx, b, c, func(m *mock, d *node.Destination) error {
		if err := d.Announce(ctx, node.AnnounceOptions{AppData: p.Override}); err != nil {
			return err
		}
		a, err := m.announced(ctx)
		if err != nil {
			return err
		}
		parsed, err := rns.ParseAnnounce(a)
		out["app_data"] = bin(parsed.AppData)
		return err
	})
	return out, err
}

// destinationHandler refuses here what the types of the stack do not let one say by mistake: a handler is a struct with a
// function and one of three policies.
func destinationHandler(ctx context.Context, s *session, p destParams) (any, error) {
	b, err := p.build()
	if err != nil {
		return nil, err
	}
	h := node.RequestHandler{Path: "/test/echo", Policy: node.AllowAll}
	if p.Path != nil {
		h.Path = *p.Path
	}
	if p.Generator == nil || *p.Generator {
		h.Serve = func(r *node.Request) (*node.Response, error) { return &node.Response{Value: r.Data}, nil }
	}
	if p.Allow != nil {
		if *p.Allow < int(node.AllowNone) || *p.Allow > int(node.AllowList) {
			return nil, fmt.Errorf("%w: request policy %#x", errParam, *p.Allow)
		}
		h.Policy = node.RequestPolicy(*p.Allow)
	}
	if h.Path == "" || h.Serve == nil {
		return nil, fmt.Errorf("%w: handler without path or function", errParam)
	}
	n := 0
	err = s.register(ctx, b, node.DestinationConfig{}, func(m *mock, d *node.Destination) error {
		d.Handle(h)
		snap, err := m.node.Snapshot(ctx)
		if err == nil && len(snap.Destinations) == 1 {
			n = len(snap.Destinations[0].Requests)
		}
		return err
	})
	return obj{"registered": err == nil, "handler_count": n}, err
}

// destinationCache answers the same path request twice, with time in between.
func destinationCache(ctx context.Context, s *session, p destParams) (any, error) {
	b, err := p.build()
	if err != nil {
		return nil, err
	}
	out := obj{}
	err = s.register(ctx, b, node.DestinationConfig{}, func(m *mock, d *node.Destination) error {
		var answers [2]rns.Packet
		for i := range answers {
			if err := d.Announce(ctx, node.AnnounceOptions{Answer: p.Tag}); err != nil {
				return err
			}
			if answers[i], err = m.announced(ctx); err != nil {
				return err
			}
			m.advance(seconds(p.Advance))
		}
		out["first_announce_data"], out["second_announce_data"] = bin(answers[0].Data), bin(answers[1].Data)
		out["reused"] = bytes.Equal(answers[0].Data, answers[1].Data)
		out["pr_tag_window"] = int(m.node.Config().Params.PathResponseMemory.Seconds())
		out["first_is_path_response"] = answers[0].Context == rns.ContextPathResponse
		return nil
	})
	return out, err
}
