package bridge

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns"
	"meshchatx/rns/msgpack"
)

type mailMessage struct {
	Dest    hexed                      `json:"destination_hash"`
	Title   string                     `json:"title"`
	Content string                     `json:"content"`
	Fields  map[string]json.RawMessage `json:"fields"`
}

// errNotOpportunistic means that a message does not fit a packet: the suite wants to be told, not to see it go by a link.
var errNotOpportunistic = errors.New("message does not fit an opportunistic packet")

func (m *mail) sendOpportunistic(ctx context.Context, p mailMessage) (any, error) {
	return m.send(ctx, p, lxmf.MethodOpportunistic)
}

func (m *mail) sendDirect(ctx context.Context, p mailMessage) (any, error) {
	return m.send(ctx, p, lxmf.MethodDirect)
}

func (m *mail) sendPropagated(ctx context.Context, p mailMessage) (any, error) {
	return m.send(ctx, p, lxmf.MethodPropagated)
}

func (m *mail) send(ctx context.Context, p mailMessage, method lxmf.Method) (any, error) {
	to, err := addrIn(p.Dest)
	if err != nil {
		return nil, err
	}
	if _, err := m.node.Recall(ctx, to); err != nil {
		return nil, fmt.Errorf("%s has not announced itself: %w", to, err)
	}
	msg := lxmf.New(to, m.router.Address(), time.Now(), []byte(p.Title), []byte(p.Content))
	if err := fieldsIn(&msg.Fields, p.Fields); err != nil {
		return nil, err
	}
	msg.Sign(m.id)
	if method == lxmf.MethodOpportunistic {
		if chosen, _ := msg.Choose(method); chosen != method {
			return nil, errNotOpportunistic
		}
	}
	m.note(msg.Hash, "outbound")
	if err := m.router.Send(router.Outbound{Message: msg, Method: method}); err != nil {
		return nil, err
	}
	return obj{"message_hash": msg.Hash.Hex()}, nil
}

// happened follows the messages that were sent, in the words of the suite.
func (m *mail) happened(e router.Event) {
	switch e.Kind {
	case router.KindStampStart, router.KindPathRequest, router.KindLinkRequest:
		m.note(e.ID, "outbound")
	case router.KindLinkUp, router.KindProgress, router.KindProofWait:
		m.note(e.ID, "sending")
	case router.KindSent, router.KindPropagated:
		m.note(e.ID, "sent")
	case router.KindDelivered:
		m.note(e.ID, "delivered")
	case router.KindFailed, router.KindRejected, router.KindCancelled:
		m.note(e.ID, "failed")
	}
}

func (m *mail) note(id rns.Hash, state string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.states[id] = state
}

type stateParams struct {
	Message hexed `json:"message_hash"`
}

func (m *mail) stateOf(_ context.Context, p stateParams) (any, error) {
	if len(p.Message) != rns.HashSize {
		return nil, fmt.Errorf("message_hash has %d bytes", len(p.Message))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	state, ok := m.states[rns.Hash(p.Message)]
	if !ok {
		state = "unknown"
	}
	return obj{"state": state}, nil
}

// fieldsIn reads the fields of a message: numbers as text to values, of which those that JSON does not have are objects with
// their kind.
func fieldsIn(to *lxmf.Fields, from map[string]json.RawMessage) error {
	keys := make([]int, 0, len(from))
	for k := range from {
		n, err := strconv.Atoi(k)
		if err != nil || n < 0 || n > 0xFF {
			return fmt.Errorf("field %q is no number of a field", k)
		}
		keys = append(keys, n)
	}
	slices.Sort(keys)
	for _, k := range keys {
		v, err := valueIn(from[strconv.Itoa(k)])
		if err != nil {
			return fmt.Errorf("field %d: %w", k, err)
		}
		to.Set(lxmf.FieldID(k), v)
	}
	return nil
}

func valueIn(raw json.RawMessage) (msgpack.Value, error) {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil && list != nil {
		items := make([]msgpack.Value, len(list))
		for i, item := range list {
			var err error
			if items[i], err = valueIn(item); err != nil {
				return msgpack.Value{}, err
			}
		}
		return msgpack.Array(items...), nil
	}
	var tagged struct {
		Bytes *hexed  `json:"bytes"`
		Text  *string `json:"str"`
		Int   *int64  `json:"int"`
		Bool  *bool   `json:"bool"`
	}
	if json.Unmarshal(raw, &tagged) == nil {
		switch {
		case tagged.Bytes != nil:
			return msgpack.Bin(*tagged.Bytes), nil
		case tagged.Text != nil:
			return msgpack.Str(*tagged.Text), nil
		case tagged.Int != nil:
			return msgpack.Int(*tagged.Int), nil
		case tagged.Bool != nil:
			return msgpack.Bool(*tagged.Bool), nil
		}
	}
	var plain any
	if err := json.Unmarshal(raw, &plain); err != nil {
		return msgpack.Value{}, err
	}
	switch v := plain.(type) {
	case nil:
		return msgpack.Nil(), nil
	case string:
		return msgpack.Str(v), nil
	case bool:
		return msgpack.Bool(v), nil
	case float64:
		if v == float64(int64(v)) {
			return msgpack.Int(int64(v)), nil
		}
		return msgpack.Float(v), nil
	}
	return msgpack.Value{}, fmt.Errorf("value %s has no kind", raw)
}

// fieldsOut is the reverse, with bytes as digits.
func fieldsOut(f lxmf.Fields) obj {
	out := obj{}
	for k, v := range f.All() {
		out[k.String()] = valueOut(v)
	}
	return out
}

func valueOut(v msgpack.Value) any {
	if b, ok := v.Bytes(); ok {
		return hex.EncodeToString(b)
	}
	if s, ok := v.Text(); ok {
		return s
	}
	if b, ok := v.Bool(); ok {
		return b
	}
	if n, ok := v.Int(); ok {
		return n
	}
	if f, ok := v.Float(); ok {
		return f
	}
	if items, ok := v.Array(); ok {
		list := make([]any, len(items))
		for i, item := range items {
			list[i] = valueOut(item)
		}
		return list
	}
	if m, ok := v.Map(); ok {
		out := obj{}
		for k, item := range m.All() {
			out[k.String()] = valueOut(item)
		}
		return out
	}
	return nil
}
