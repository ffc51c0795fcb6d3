package store

import (
	"context"
	"time"

	"meshchatx/internal/store/sqlite"
	"meshchatx/rns"
)

// PropagationNode is what is known of a propagation node: its last announce and our experience with it.
type PropagationNode struct {
	Node                     rns.Addr
	Name                     string
	HeardAt                  time.Time
	Hops                     int
	Interface                string
	Active                   bool
	TransferLimit, SyncLimit int64 // bytes, 0 unknown
	StampCost, Flexibility   int   // bits
	// Successes and Failures count links that came up and that did not, Streak the failures since the last success.
	Successes, Failures, Streak int
	SuccessAt, FailureAt        time.Time
	Latency                     time.Duration // until the last link was up
}

const (
	// NodeMemory is how long a propagation node that is not heard is remembered.
	NodeMemory = 30 * 24 * time.Hour
	// SealedMemory is how long a sealed message is remembered. spec: lxmf §9.1
	SealedMemory = 30 * 24 * time.Hour
	// nodesKept bounds the nodes remembered, those heard last.
	nodesKept = 512
)

// PropagationNodes are the propagation nodes that were heard.
type PropagationNodes struct{ h sqlite.Handle }

const (
	nodeColumns = `node, name, heard_at, hops, interface, active, transfer_limit, sync_limit, stamp_cost, flexibility,
		successes, failures, streak, success_at, failure_at, latency`

	qNodePut     = `INSERT OR REPLACE INTO propagation_nodes (` + nodeColumns + `) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`
	qNodesAll    = `SELECT ` + nodeColumns + ` FROM propagation_nodes ORDER BY node`
	qNodesExpire = `DELETE FROM propagation_nodes WHERE heard_at < ?`
	qNodesTrim   = `DELETE FROM propagation_nodes WHERE heard_at < (SELECT heard_at FROM propagation_nodes ORDER BY heard_at DESC LIMIT 1 OFFSET ?)`
)

// Put remembers nodes in one transaction, replacing what was known of them.
func (t PropagationNodes) Put(ctx context.Context, nodes ...PropagationNode) error {
	return t.h.Write(ctx, func(tx *sqlite.Tx) error {
		for _, n := range nodes {
			if _, err := tx.Exec(ctx, qNodePut, n.Node[:], n.Name, ms(n.HeardAt), n.Hops, n.Interface, n.Active, n.TransferLimit, n.SyncLimit,
				n.StampCost, n.Flexibility, n.Successes, n.Failures, n.Streak, msOrNull(n.SuccessAt), msOrNull(n.FailureAt),
				n.Latency.Milliseconds()); err != nil {
				return err
			}
		}
		return nil
	})
}

// All returns every remembered node.
func (t PropagationNodes) All(ctx context.Context) ([]PropagationNode, error) {
	return sqlite.Collect(ctx, t.h, scanNode, qNodesAll)
}

// Expire forgets nodes that were not heard for NodeMemory, and the oldest of too many.
func (t PropagationNodes) Expire(ctx context.Context, now time.Time) error {
	if _, err := sqlite.Exec(ctx, t.h, qNodesExpire, ms(now.Add(-NodeMemory))); err != nil {
		return err
	}
	_, err := sqlite.Exec(ctx, t.h, qNodesTrim, nodesKept-1)
	return err
}

func scanNode(r sqlite.Row) (PropagationNode, error) {
	var n PropagationNode
	var latency int64
	err := r.Scan(bytesInto(n.Node[:]), &n.Name, timeInto{&n.HeardAt}, &n.Hops, &n.Interface, &n.Active, &n.TransferLimit, &n.SyncLimit,
		&n.StampCost, &n.Flexibility, &n.Successes, &n.Failures, &n.Streak, timeInto{&n.SuccessAt}, timeInto{&n.FailureAt}, &latency)
	n.Latency = time.Duration(latency) * time.Millisecond
	return n, err
}

// SealedMessage is a message as it is handed to a propagation node.
type SealedMessage struct {
	Message rns.Hash
	// Packed is the hash of the packed message it was made of.
	Packed rns.Hash
	Stored []byte
	At     time.Time
}

// SealedMessages are those of messages that are not final.
type SealedMessages struct{ h sqlite.Handle }

const (
	sealedColumns = `message, packed, stored, at`

	qSealedPut    = `INSERT OR REPLACE INTO sealed_messages (` + sealedColumns + `) VALUES (?,?,?,?)`
	qSealedGet    = `SELECT ` + sealedColumns + ` FROM sealed_messages WHERE message = ?`
	qSealedDelete = `DELETE FROM sealed_messages WHERE message = ?`
	qSealedExpire = `DELETE FROM sealed_messages WHERE at < ?`
)

// Put remembers a sealed message, replacing an earlier one of the same message.
func (t SealedMessages) Put(ctx context.Context, s SealedMessage) error {
	_, err := sqlite.Exec(ctx, t.h, qSealedPut, s.Message[:], s.Packed[:], s.Stored, ms(s.At))
	return err
}

// Get returns the sealed form of a message, or ErrNotFound.
func (t SealedMessages) Get(ctx context.Context, message rns.Hash) (SealedMessage, error) {
	return sqlite.One(ctx, t.h, scanSealed, qSealedGet, message[:])
}

// Delete forgets sealed messages in one transaction.
func (t SealedMessages) Delete(ctx context.Context, messages ...rns.Hash) error {
	return t.h.Write(ctx, func(tx *sqlite.Tx) error {
		for _, id := range messages {
			if _, err := tx.Exec(ctx, qSealedDelete, id[:]); err != nil {
				return err
			}
		}
		return nil
	})
}

// Expire forgets those older than SealedMemory.
func (t SealedMessages) Expire(ctx context.Context, now time.Time) error {
	_, err := sqlite.Exec(ctx, t.h, qSealedExpire, ms(now.Add(-SealedMemory)))
	return err
}

func scanSealed(r sqlite.Row) (SealedMessage, error) {
	var s SealedMessage
	err := r.Scan(bytesInto(s.Message[:]), bytesInto(s.Packed[:]), &s.Stored, timeInto{&s.At})
	return s, err
}
