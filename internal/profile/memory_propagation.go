package profile

import (
	"context"
	"errors"

	"meshchatx/internal/store"
	"meshchatx/lxmf/router"
	"meshchatx/rns"
)

// PutNodes implements router.State.
func (m memory) PutNodes(ctx context.Context, nodes ...router.NodeRecord) error {
	rows := make([]store.PropagationNode, len(nodes))
	for i, n := range nodes {
		rows[i] = store.PropagationNode{
			Node: n.Node, Name: n.Name, HeardAt: n.Heard, Hops: n.Hops, Interface: n.Interface, Active: n.Active,
			TransferLimit: n.TransferLimit, SyncLimit: n.SyncLimit, StampCost: n.StampCost, Flexibility: n.Flexibility,
			Successes: n.Successes, Failures: n.Failures, Streak: n.Streak, SuccessAt: n.LastSuccess, FailureAt: n.LastFailure,
			Latency: n.Latency,
		}
	}
	return m.db.PropagationNodes.Put(ctx, rows...)
}

func nodeRecords(rows []store.PropagationNode) []router.NodeRecord {
	out := make([]router.NodeRecord, len(rows))
	for i, n := range rows {
		out[i] = router.NodeRecord{
			Node: n.Node, Name: n.Name, Heard: n.HeardAt, Hops: n.Hops, Interface: n.Interface, Active: n.Active,
			TransferLimit: n.TransferLimit, SyncLimit: n.SyncLimit, StampCost: n.StampCost, Flexibility: n.Flexibility,
			Successes: n.Successes, Failures: n.Failures, Streak: n.Streak, LastSuccess: n.SuccessAt, LastFailure: n.FailureAt,
			Latency: n.Latency,
		}
	}
	return out
}

// PutSealed implements router.State.
func (m memory) PutSealed(ctx context.Context, s router.Sealed) error {
	return m.db.SealedMessages.Put(ctx, store.SealedMessage{Message: s.Message, Packed: s.Packed, Stored: s.Stored, At: s.At})
}

// Sealed implements router.State.
func (m memory) Sealed(ctx context.Context, message rns.Hash) (router.Sealed, bool, error) {
	s, err := m.db.SealedMessages.Get(ctx, message)
	if errors.Is(err, store.ErrNotFound) {
		return router.Sealed{}, false, nil
	}
	return router.Sealed{Message: s.Message, Packed: s.Packed, Stored: s.Stored, At: s.At}, err == nil, err
}

// DropSealed implements router.State.
func (m memory) DropSealed(ctx context.Context, messages ...rns.Hash) error {
	return m.db.SealedMessages.Delete(ctx, messages...)
}
