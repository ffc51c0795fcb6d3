package bridge

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	"meshchatx/rns"
	"meshchatx/rns/node"
)

func destinationCommands() map[string]handler {
	return map[string]handler{
		"destination_hash":                              pure(destinationHash),
		"hash_from_name_and_identity":                   pure(hashFromName),
		"app_and_aspects_from_name":                     pure(splitName),
		"destination_expand_name":                       pure(expandName),
		"destination_construct":                         command(destinationConstruct),
		"destination_announce_attempt":                  command(destinationAnnounce),
		"destination_set_proof_strategy_raw":            command(destinationProofs),
		"destination_rotate_ratchets":                   command(destinationRotate),
		"destination_group_encrypt":                     command(destinationGroup),
		"destination_default_app_data":                  command(destinationAppData),
		"destination_register_request_handler_validate": command(destinationHandler),
		"destination_path_response_cache":               command(destinationCache),
	}
}

func destinationHash(p struct {
	Identity hexed  `json:"identity_hash"`
	AppName  string `json:"app_name"`
	Aspects  names
}) (any, error) {
	name, err := rns.JoinName(p.AppName, p.Aspects...)
	if err != nil {
		return nil, err
	}
	return hashFromName(nameParams{name, p.Identity})
}

type nameParams struct {
	Name     string `json:"full_name"`
	Identity hexed  `json:"identity_hash"`
}

func hashFromName(p nameParams) (any, error) {
	id, err := address(p.Identity)
	if err != nil {
		return nil, err
	}
	return obj{"destination_hash": rns.DestinationHash(p.Name, id).Hex()}, nil
}

func splitName(p nameParams) (any, error) {
	app, rest, _ := strings.Cut(p.Name, ".")
	aspects := []string{}
	if rest != "" {
		aspects = strings.Split(rest, ".")
	}
	return obj{"app_name": app, "aspects": aspects}, nil
}

// Numbers of the reference. Types are those on the wire.
const (
	directionIn  = 0x11
	directionOut = 0x12
	proveNone    = 0x21
	proveApp     = 0x22
	proveAll     = 0x23
)

var strategies = map[int]node.ProofStrategy{proveNone: node.ProveNone, proveApp: node.ProveApp, proveAll: node.ProveAll}

// strategyNumber is the number of the reference for a proof strategy.
func strategyNumber(s node.ProofStrategy) int {
	for number, t := range strategies {
		if s == t {
			return number
		}
	}
	return 0
}

type destParams struct {
	Type      any
	Direction any
	AppName   string `json:"app_name"`
	Aspects   names
	Key       hexed `json:"identity_private_key"`

	Strategy     int    `json:"strategy_value"`
	Enable       bool   `json:"enable"`
	CreateKeys   bool   `json:"create_keys"`
	Plaintext    hexed  `json:"plaintext"`
	DefaultKind  string `json:"default_kind"`
	DefaultValue hexed  `json:"default_value"`
	Override     hexed  `json:"override_app_data"`
	Path         *string
	Generator    *bool `json:"generator_valid"`
	Allow        *int
	Tag          hexed
	Advance      float64 `json:"advance_seconds"`
}

// built is a destination of the suite. Only incoming ones exist here as objects; an outgoing one is an address and a key.
type built struct {
	id        *rns.Identity
	generated bool
	name      string // without the suffix of the identity
	addr      rns.Addr
	kind      int
	direction int
}

func choice(v any, words map[string]int, preset int) (int, error) {
	switch v := v.(type) {
	case nil:
		return preset, nil
	case string:
		if n, ok := words[v]; ok {
			return n, nil
		}
	case float64:
		for _, n := range words {
			if float64(n) == v {
				return n, nil
			}
		}
	}
	return 0, fmt.Errorf("%w: %v", errParam, v)
}

func (p destParams) build() (b built, err error) {
	b.kind, err = choice(p.Type, map[string]int{"single": 0, "group": 1, "plain": 2, "link": 3}, 0)
	if err != nil {
		return b, err
	}
	b.direction, err = choice(p.Direction, map[string]int{"in": directionIn, "out": directionOut}, directionIn)
	if err != nil {
		return b, err
	}
	if p.Key != nil {
		if b.id, err = rns.ParseIdentity(p.Key); err != nil {
			return b, err
		}
	}
	plain := b.kind == int(rns.DestPlain)
	switch {
	case plain && b.id != nil:
		return b, fmt.Errorf("%w: a plain destination has no identity", errParam)
	case !plain && b.id == nil && b.direction == directionOut:
		return b, node.ErrNeedsIdentity
	case !plain && b.id == nil:
		if b.id, err = rns.NewIdentity(rand.Reader); err != nil {
			return b, err
		}
		b.generated = true
		p.Aspects = append(p.Aspects, b.id.Hash().Hex())
	}
	if b.name, err = rns.JoinName(p.AppName, p.Aspects...); err != nil {
		return b, err
	}
	b.addr = rns.PlainHash(b.name)
	if b.id != nil {
		b.addr = rns.DestinationHash(b.name, b.id.Hash())
	}
	return b, nil
}

// full is the name as the reference shows it, the identity at its end.
func (b built) full() string {
	if b.id == nil {
		return b.name
	}
	return b.name + "." + b.id.Hash().Hex()
}

func expandName(p destParams) (any, error) {
	name, err := rns.JoinName(p.AppName, p.Aspects...)
	if err != nil || p.Key == nil {
		return obj{"name": name}, err
	}
	id, err := rns.ParseIdentity(p.Key)
	if err != nil {
		return nil, err
	}
	return obj{"name": name + "." + id.Hash().Hex(), "identity_hexhash": id.Hash().Hex()}, nil
}

func destinationConstruct(ctx context.Context, s *session, p destParams) (any, error) {
	b, err := p.build()
	if err != nil {
		return nil, err
	}
	hash := rns.NameHashOf(b.name)
	out := obj{
		"destination_hash": b.addr.Hex(), "name": b.full(), "name_hash": hash.Hex(),
		"proof_strategy": strategyNumber(node.DestinationConfig{}.Proofs),
		"type":           b.kind, "direction": b.direction,
	}
	if b.generated {
		out["auto_identity_hexhash"] = b.id.Hash().Hex()
	}
	if b.direction == directionIn && b.kind == int(rns.DestSingle) {
		err = s.register(ctx, b, node.DestinationConfig{}, func(m *mock, d *node.Destination) error {
			st, err := m.destination(ctx, d)
			out["destination_hash"], out["proof_strategy"] = st.Addr.Hex(), strategyNumber(st.Proofs)
			return err
		})
	}
	return out, err
}

// register makes a node with one interface in memory and the destination, and closes it after f.
func (s *session) register(ctx context.Context, b built, c node.DestinationConfig, f func(m *mock, d *node.Destination) error) error {
	if b.direction != directionIn {
		return fmt.Errorf("%w: not an incoming destination", errParam)
	}
	m, err := newMock(ctx, node.DefaultConfig(), nil)
	if err != nil {
		return err
	}
	defer m.close()
	if _, err := m.attach(ctx, attachParams{Name: "solo"}); err != nil {
		return err
	}
	c.Identity, c.Name = b.id, b.name
	d, err := m.node.Register(c)
	if err != nil {
		return err
	}
	return f(m, d)
}

func destinationAnnounce(ctx context.Context, s *session, p destParams) (any, error) {
	b, err := p.build()
	if err != nil {
		return nil, err
	}
	c := node.DestinationConfig{}
	switch rns.DestType(b.kind) {
	case rns.DestGroup:
		c.GroupKey = make([]byte, 64)
	case rns.DestLink:
		return nil, fmt.Errorf("%w: links are not registered as destinations", errParam)
	}
	err = s.register(ctx, b, c, func(_ *mock, d *node.Destination) error { return d.Announce(ctx, node.AnnounceOptions{}) })
	return obj{"ok": true, "destination_hash": b.addr.Hex()}, err
}

func destinationProofs(ctx context.Context, s *session, p destParams) (any, error) {
	b, err := p.build()
	if err != nil {
		return nil, err
	}
	strategy, ok := strategies[p.Strategy]
	if !ok {
		return nil, fmt.Errorf("%w: proof strategy %#x", errParam, p.Strategy)
	}
	out := obj{}
	err = s.register(ctx, b, node.DestinationConfig{}, func(m *mock, d *node.Destination) error {
		d.SetProofs(strategy)
		st, err := m.destination(ctx, d)
		out["set"], out["proof_strategy"] = st.Proofs == strategy, strategyNumber(st.Proofs)
		return err
	})
	return out, err
}

func destinationRotate(ctx context.Context, s *session, p destParams) (any, error) {
	b, err := p.build()
	if err != nil {
		return nil, err
	}
	c := node.DestinationConfig{}
	if p.Enable {
		c.Ratchets.Name = "ratchets"
	}
	out := obj{}
	err = s.register(ctx, b, c, func(m *mock, d *node.Destination) error {
		if err := d.RotateRatchet(); err != nil {
			return err
		}
		st, err := m.destination(ctx, d)
		out["rotated"], out["has_ratchets"] = !st.Rotated.IsZero(), st.Ratchets > 0
		return err
	})
	return out, err
}
