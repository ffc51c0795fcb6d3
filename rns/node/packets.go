package node

import (
	"context"
	"errors"
	"sync"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/iface"
)

// Errors of sending.
var (
	// ErrNoPath means that no path to the destination is known.
	ErrNoPath = errors.New("no path to the destination")
	// ErrUnknownIdentity means that the keys of the destination are not known: no announce of it was heard.
	ErrUnknownIdentity = errors.New("identity of the destination is not known")
	// ErrNotSent means that no interface took the packet.
	ErrNotSent = errors.New("no interface took the packet")
	// ErrNoProof means that the receipt's time passed without a proof.
	ErrNoProof = errors.New("no proof of delivery within the timeout")
	// ErrCancelled means that the application gave the operation up.
	ErrCancelled = errors.New("cancelled")
	// ErrCulled means that the receipt was dropped because too many are outstanding.
	ErrCulled = errors.New("too many outstanding receipts")
)

// Packet is a data packet that arrived for a local destination, decrypted.
type Packet struct {
	// Destination is the destination it arrived for.
	Destination *Destination
	// Data is the plaintext; it belongs to the receiver of the callback.
	Data []byte
	// Hash is the packet's hash.
	Hash rns.Hash
	// Ratchet is the ratchet the sender used, nil when the identity key was used.
	Ratchet *rns.RatchetID
	// Hops is how far the packet came; 1 is a direct neighbour.
	Hops int
	// Interface is where it arrived, Signal what was measured there.
	Interface InterfaceID
	Signal    iface.Signal
	// Received is when it arrived.
	Received time.Time
	// PeerCopes tells that the sender takes a proof however early it comes: it is this implementation, or in this node. Others
	// lose a proof that comes within a fraction of a millisecond. spec: rns-link §6.1
	PeerCopes bool

	prove func() error
	once  sync.Once
	err   error
}

// Prove sends the proof of delivery. With ProveApp it is the application that calls it, once what the packet carried is
// safe; a second call does nothing. Destinations that prove everything have proved the packet already.
func (p *Packet) Prove() error {
	p.once.Do(func() {
		if p.prove != nil {
			p.err = p.prove()
		}
	})
	return p.err
}

// ReceiptState is how far the delivery of a packet has come.
type ReceiptState uint8

// States of a receipt. spec: rns-core §8.2
const (
	ReceiptSent ReceiptState = iota
	ReceiptDelivered
	ReceiptFailed
)

// String returns the state as a word.
func (s ReceiptState) String() string {
	switch s {
	case ReceiptSent:
		return "sent"
	case ReceiptDelivered:
		return "delivered"
	default:
		return "failed"
	}
}

// ReceiptStatus is a copy of a receipt.
type ReceiptStatus struct {
	State ReceiptState
	// Hash is the hash of the packet as sent.
	Hash rns.Hash
	// Sent is when the packet left, Concluded when the proof came or the wait ended.
	Sent, Concluded time.Time
	// Timeout is how long the proof is waited for.
	Timeout time.Duration
	// Explicit tells that the proof carried the packet's hash.
	Explicit bool
	// Err is why the delivery failed: ErrNoProof, ErrCulled, ErrLinkClosed, ErrClosed.
	Err error
}

// RTT is the time between sending and proof, 0 before.
func (s ReceiptStatus) RTT() time.Duration {
	if s.State != ReceiptDelivered {
		return 0
	}
	return s.Concluded.Sub(s.Sent)
}

// Receipt follows the delivery of one packet. It is safe for concurrent use.
type Receipt struct {
	outcome[ReceiptStatus]
}

// Hash is the hash of the packet as sent.
func (r *Receipt) Hash() rns.Hash { return r.get().Hash }

// Status is a copy of the present state.
func (r *Receipt) Status() ReceiptStatus { return r.get() }

// Wait returns nil when the packet was proved, and otherwise why it was not.
func (r *Receipt) Wait(ctx context.Context) error {
	s, err := r.wait(ctx)
	if err != nil {
		return err
	}
	return s.Err
}

// outcome is a value that changes until it is concluded once; waiting for the conclusion is a channel. The zero value is
// not valid.
type outcome[T any] struct {
	mu    sync.Mutex
	value T
	done  chan struct{}
	ended bool
	then  []func()
}

func (o *outcome[T]) init(v T) {
	o.value, o.done = v, make(chan struct{})
}

// Done is closed at the conclusion.
func (o *outcome[T]) Done() <-chan struct{} { return o.done }

func (o *outcome[T]) get() T {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.value
}

// update changes the value before its conclusion.
func (o *outcome[T]) update(f func(*T)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.ended {
		f(&o.value)
	}
}

// conclude changes the value for the last time. It reports whether this call was the one that concluded.
func (o *outcome[T]) conclude(f func(*T)) bool {
	o.mu.Lock()
	if o.ended {
		o.mu.Unlock()
		return false
	}
	f(&o.value)
	o.ended = true
	then := o.then
	o.then = nil
	close(o.done)
	o.mu.Unlock()
	for _, g := range then {
		g()
	}
	return true
}

// after runs f at the conclusion, at once if it has been reached.
func (o *outcome[T]) after(f func()) {
	o.mu.Lock()
	if !o.ended {
		o.then = append(o.then, f)
		o.mu.Unlock()
		return
	}
	o.mu.Unlock()
	f()
}

func (o *outcome[T]) wait(ctx context.Context) (T, error) {
	select {
	case <-o.done:
		return o.get(), nil
	case <-ctx.Done():
		var zero T
		return zero, context.Cause(ctx)
	}
}

// SendOptions are what a sender may say about one packet. The zero value asks for a receipt with the default timeout.
type SendOptions struct {
	// Receipt says whether a proof is waited for.
	Receipt ReceiptWish
	// Timeout replaces the default wait for the proof, 0 keeps it. spec: rns-core §8.2
	Timeout time.Duration
	// OnConclude is called once when the receipt concludes.
	OnConclude func(ReceiptStatus)
	// Interface sends on one interface only, 0 lets transport decide.
	Interface InterfaceID
}

// ReceiptWish says whether a sender wants a receipt.
type ReceiptWish uint8

// Wishes for a receipt.
const (
	WantReceipt ReceiptWish = iota
	NoReceipt
)
