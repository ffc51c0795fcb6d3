package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/iface"
	"meshchatx/rns/link"
	"meshchatx/rns/transport"
)

// SendPacket encrypts data for a SINGLE destination, with its ratchet if one is known, and sends it. The keys must be known
// from an announce, else the error is ErrUnknownIdentity. Without a path the packet goes out on all interfaces.
//
// rns.EncryptedMDU bytes fit on every way. One block of the cipher more, 16 bytes, is sent as in the reference, but exceeds
// rns.MTU where a transport node must be named on the way. Beyond that the error is ErrTooLarge. spec: rns-core §7.6
func (n *Node) SendPacket(ctx context.Context, dest rns.Addr, data []byte, o SendOptions) (*Receipt, error) {
	type keys struct {
		known   Known
		ok      bool
		ratchet *rns.RatchetPublic
		local   *Destination
	}
	k, err := ask(ctx, n, func(now time.Time) keys {
		k := keys{local: n.dests[dest]}
		if k.known, k.ok = n.known(now, dest); k.ok {
			n.m.MarkUsed(now, dest)
			if r, ok := n.m.Ratchet(now, dest); ok {
				k.ratchet = &r
			}
		}
		return k
	})
	if err != nil {
		return nil, err
	}
	if !k.ok {
		return nil, fmt.Errorf("send to %s: %w", dest, ErrUnknownIdentity)
	}
	if k.local != nil {
		k.ratchet = k.local.ratchets.newest()
	}
	sealed, err := n.seal(k.known.Public, data, k.ratchet)
	if err != nil {
		return nil, fmt.Errorf("encrypt for %s: %w", dest, err)
	}
	if k.local != nil {
		return n.sendLocal(ctx, rns.Packet{Dest: dest, Data: sealed}, o)
	}
	return n.sendRaw(ctx, rns.Packet{Dest: dest, Data: sealed}, &k.known.Public, o)
}

// seal encrypts a single packet. The mark tells our own kind that its proof may come at once: sendRaw knows the packet before
// it leaves.
func (n *Node) seal(to rns.PublicKey, data []byte, ratchet *rns.RatchetPublic) ([]byte, error) {
	if n.cfg.Params.Link.Marks == link.MarksOn {
		return to.EncryptMarked(n.env.rand, data, ratchet)
	}
	return to.Encrypt(n.env.rand, data, ratchet)
}

// SendPlain sends data unencrypted to a PLAIN destination: it reaches the direct neighbours.
func (n *Node) SendPlain(ctx context.Context, dest rns.Addr, data []byte, o SendOptions) error {
	o.Receipt = NoReceipt
	_, err := n.sendRaw(ctx, rns.Packet{DestType: rns.DestPlain, Dest: dest, Data: data}, nil, o)
	return err
}

// SendGroup encrypts data with a group's key and sends it to the direct neighbours. spec: rns-core §5.5
func (n *Node) SendGroup(ctx context.Context, dest rns.Addr, key, data []byte, o SendOptions) error {
	token, err := rns.NewToken(key)
	if err != nil {
		return err
	}
	sealed, err := token.Encrypt(n.env.rand, nil, data)
	if err != nil {
		return err
	}
	o.Receipt = NoReceipt
	_, err = n.sendRaw(ctx, rns.Packet{DestType: rns.DestGroup, Dest: dest, Data: sealed}, nil, o)
	return err
}

// sendRaw packs and sends a packet, with a receipt if one is wanted and prover can prove it.
func (n *Node) sendRaw(ctx context.Context, p rns.Packet, prover *rns.PublicKey, o SendOptions) (*Receipt, error) {
	raw, err := p.Pack(rns.MTU)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTooLarge, err)
	}
	if o.Receipt == NoReceipt {
		prover = nil
	}
	var extra time.Duration
	if prover != nil && o.Timeout <= 0 {
		extra = n.extraHop(ctx, p.Dest)
	}
	type result struct {
		r *Receipt
		v rns.Verdict
	}
	res, err := ask(ctx, n, func(now time.Time) result {
		if extra > 0 {
			o.Timeout = n.m.ReceiptTimeout(p.Dest) + extra
		}
		hash, v := n.out(now, transport.OutPacket{Raw: raw, Attached: o.Interface, Prover: prover, Timeout: o.Timeout})
		if !v.Accepted() || prover == nil {
			return result{v: v}
		}
		r := newReceipt(ReceiptStatus{Hash: hash, Sent: now, Timeout: o.Timeout})
		n.follow(&r.outcome, o.OnConclude)
		n.receipts[hash] = r
		return result{r: r, v: v}
	})
	if err != nil {
		return nil, err
	}
	if !res.v.Accepted() {
		return nil, fmt.Errorf("send to %s: %w: %w", p.Dest, ErrNotSent, res.v)
	}
	return res.r, nil
}

func newReceipt(s ReceiptStatus) *Receipt {
	r := new(Receipt)
	r.init(s)
	return r
}

// follow calls f with the concluded status, on a goroutine of its own.
func (n *Node) follow(o *outcome[ReceiptStatus], f func(ReceiptStatus)) {
	if f == nil {
		return
	}
	run := newSerial(&n.crew, 0)
	o.after(func() { run.do(func() { f(o.get()) }) })
}

// proved concludes a receipt. It runs on the loop.
func (n *Node) proved(now time.Time, e transport.PacketProved) {
	if r, ok := n.receipts[e.Hash]; ok {
		delete(n.receipts, e.Hash)
		r.conclude(func(s *ReceiptStatus) {
			s.State, s.Concluded = ReceiptDelivered, now
			s.Explicit = len(e.Proof) == rns.ExplicitProofSize
		})
	}
}

// unproved concludes a receipt without a proof. It runs on the loop.
func (n *Node) unproved(now time.Time, e transport.ReceiptFailed) {
	if r, ok := n.receipts[e.Hash]; ok {
		delete(n.receipts, e.Hash)
		err := ErrNoProof
		if e.Reason == transport.ReceiptCulled {
			err = ErrCulled
		}
		r.conclude(func(s *ReceiptStatus) { s.State, s.Concluded, s.Err = ReceiptFailed, now, err })
	}
}

// deliver hands a packet for this node to its destination or link. It runs on the loop and never blocks.
func (n *Node) deliver(now time.Time, d *transport.Delivery) {
	switch d.Kind {
	case transport.DeliverPacket:
		n.deliverPacket(now, d)
	case transport.DeliverLinkRequest:
		n.deliverLinkRequest(now, d)
	case transport.DeliverLink, transport.DeliverLinkProof:
		n.deliverLink(now, d)
	}
}

// refused counts a packet that could not be handed over.
func (n *Node) refused(on InterfaceID, v rns.Verdict) {
	if p, ok := n.ports[on]; ok {
		p.count.verdict(v)
	}
}

func (n *Node) deliverPacket(now time.Time, d *transport.Delivery) {
	dest, ok := n.dests[d.Packet.Dest]
	if !ok {
		n.refused(d.Interface, rns.VerdictUnknownDestination)
		return
	}
	if len(d.Packet.Data) > rns.MTU { // only links carry more, whatever the interface could
		n.refused(d.Interface, rns.VerdictTooLong)
		return
	}
	a := arrived{
		data: append([]byte(nil), d.Packet.Data...), hash: d.Hash, hops: int(d.Packet.Hops), on: d.Interface,
		signal: iface.Signal(d.Signal), at: now,
	}
	if !dest.inbox.do(func() { dest.receive(a) }) {
		n.refused(d.Interface, rns.VerdictOverload)
	}
}

// arrived is a packet on its way to a destination's executor.
type arrived struct {
	data   []byte
	hash   rns.Hash
	hops   int
	on     InterfaceID
	signal iface.Signal
	at     time.Time
	hold   time.Duration // how long after at its proof leaves at the earliest
}

// receive decrypts a packet, proves it if all are proved, and gives it to the application. spec: rns-core §5.4
func (d *Destination) receive(a arrived) {
	o, err := d.decrypt(a.data)
	if err != nil {
		v := rns.VerdictUndecryptable
		if errors.Is(err, rns.ErrNoRatchetMatched) {
			v = rns.VerdictRatchetRequired
		}
		d.node.post(func(time.Time) { d.node.refused(a.on, v) })
		return
	}
	p := &Packet{
		Destination: d, Data: o.Plaintext, Hash: a.hash, Ratchet: o.Ratchet, Hops: a.hops, Interface: a.on, Signal: a.signal,
		Received: a.at, PeerCopes: o.Marked || a.on == 0,
	}
	if d.conf.Identity != nil && d.conf.Proofs != ProveNone {
		p.prove = func() error { return d.prove(a) }
	}
	if d.conf.Proofs == ProveAll {
		if !p.PeerCopes {
			a.hold = d.node.cfg.Params.EarlyProof
		}
		_ = p.Prove()
	}
	if d.conf.OnPacket != nil {
		d.conf.OnPacket(p)
	}
}

func (d *Destination) decrypt(data []byte) (rns.Opened, error) {
	switch d.kind {
	case rns.DestSingle:
		keys := d.trials.limit(d.node.env.now(), d.ratchets.all())
		o, err := d.conf.Identity.Open(data, keys, d.ratchets.policy())
		if err != nil {
			d.trials.failed++
		}
		return o, err
	case rns.DestGroup:
		plain, err := d.group.Decrypt(nil, data)
		return rns.Opened{Plaintext: plain}, err
	default:
		return rns.Opened{Plaintext: data}, nil
	}
}

// trials bounds the work for packets that no key opens: each costs a key agreement for every retained ratchet, some 25 ms
// for all of them, and a stranger can send as many as there is bandwidth for. After a number of them in a period only the
// newest ratchets are tried, which all but those who have not heard an announce for hours use. The zero value is ready.
type trials struct {
	since  time.Time
	failed int
}

const (
	trialPeriod = 10 * time.Second
	trialsFull  = 64 // packets in a period for which every ratchet is tried
	trialsFew   = 8  // ratchets tried for the others
)

// limit returns the ratchets to try, newest first.
func (t *trials) limit(now time.Time, keys []rns.RatchetPrivate) []rns.RatchetPrivate {
	if now.Sub(t.since) >= trialPeriod {
		t.since, t.failed = now, 0
	}
	if t.failed >= trialsFull {
		return keys[:min(len(keys), trialsFew)]
	}
	return keys
}

// prove sends the proof of a packet on the interface it came from. spec: rns-core §8.1
func (d *Destination) prove(a arrived) error {
	if a.on == 0 {
		return d.node.proveLocal(a.hash)
	}
	proof := rns.BuildProof(d.conf.Identity, a.hash, d.node.cfg.proofForm())
	raw, err := rns.ProofPacket(a.hash, proof).Pack(rns.MTU)
	if err != nil {
		return err
	}
	out := transport.OutPacket{Raw: raw, Attached: a.on}
	if !d.node.post(func(now time.Time) { d.node.sendProof(now, heldProof{due: a.at.Add(a.hold), out: out}) }) {
		return ErrClosed
	}
	return nil
}

// heldProof is a proof that waits until its receiver is ready for it. spec: rns-link §6.1
type heldProof struct {
	due time.Time
	out transport.OutPacket
}

// sendProof sends a proof, now or when it is due. It runs on the loop.
func (n *Node) sendProof(now time.Time, p heldProof) {
	if p.due.After(now) {
		n.proofs = append(n.proofs, p)
		return
	}
	_, _ = n.out(now, p.out) // a proof that finds no way is lost like one on the air: the sender sends again
}

// releaseProofs sends the proofs that are due. All wait equally long, so they wait in the order of their times, but for
// what executors of several destinations overtake each other.
func (n *Node) releaseProofs(now time.Time) {
	for len(n.proofs) > 0 && !n.proofs[0].due.After(now) {
		p := n.proofs[0]
		n.proofs = n.proofs[1:]
		_, _ = n.out(now, p.out)
	}
	if len(n.proofs) == 0 {
		n.proofs = nil
	}
}

// deadline is when the loop has something to do by itself, zero for never.
func (n *Node) deadline() time.Time {
	next := n.m.Deadline()
	if len(n.proofs) > 0 && (next.IsZero() || n.proofs[0].due.Before(next)) {
		return n.proofs[0].due
	}
	return next
}
