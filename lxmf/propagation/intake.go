package propagation

import (
	"context"
	"errors"
	"sync"
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns/node"
)

// Reasons for refusing a transfer.
var (
	ErrNotValidated = errors.New("several messages without a peering key")
	ErrBadStamp     = errors.New("propagation stamp not good enough")
	ErrFull         = errors.New("message store is full")
	// ErrPending means that the same message arrives by another way at this moment and is not on the disk yet.
	ErrPending = errors.New("message is being stored")
)

// packet takes a message that came as a packet. It is proved when it is on disk. spec: lxmf §11.4
func (n *Node) packet(l *node.Link, p *node.LinkPacket) {
	t, err := lxmf.ParseTransfer(p.Data)
	if err != nil {
		n.tell(Event{Kind: EventRefused, Err: err})
		return
	}
	err = n.intake(l, t.Stored)
	switch {
	case errors.Is(err, ErrBadStamp):
		n.tell(Event{Kind: EventRefused, Err: err})
		if l.SendContext(context.Background(), 0, lxmf.InvalidStampSignal()) == nil {
			l.Close()
		}
	case errors.Is(err, ErrPending): // the sender repeats it, and then it is stored
	case err != nil:
		n.storage(err)
	default:
		_ = p.Prove() // the link has gone: the sender repeats
	}
}

// resource decides about a transfer and takes it. spec: lxmf §11.3
func (n *Node) resource(l *node.Link, o node.ResourceOffer, awake func()) *node.ResourceAcceptance {
	ok, err := ask(context.Background(), n, func(time.Time) bool { return n.m.admitTransfer(l.ID(), o.Size) })
	if err != nil || !ok {
		return nil
	}
	return &node.ResourceAcceptance{
		Progress: func(node.TransferStatus) { awake() },
		Conclude: func(l *node.Link, r node.IncomingResource) error {
			awake()
			if r.Err != nil {
				_ = n.on(func(time.Time) { n.m.linkOf(l.ID()).state = inboundNone })
				return r.Err
			}
			return n.transfer(l, r.Data)
		},
	}
}

// transfer takes the messages of a complete transfer. An error withholds the proof: the sender keeps what it has.
func (n *Node) transfer(l *node.Link, data []byte) error {
	t, err := lxmf.ParseTransfer(data)
	if err == nil {
		err = n.batch(l, t.Stored)
	}
	if err != nil {
		n.tell(Event{Kind: EventRefused, Err: err})
		if errors.Is(err, ErrBadStamp) || errors.Is(err, ErrNotValidated) {
			n.crew.Go(l.Close) // after the answer
		}
	}
	return err
}

func (n *Node) batch(l *node.Link, stored [][]byte) error {
	ok, err := ask(context.Background(), n, func(now time.Time) bool { return n.m.admitBatch(now, l.ID(), len(stored)) })
	if err != nil {
		return err
	}
	if !ok {
		return ErrNotValidated
	}
	err = n.intake(l, stored)
	bad := 0
	if errors.Is(err, ErrBadStamp) {
		bad = 1
	}
	return errors.Join(err, n.on(func(now time.Time) { n.m.checked(now, l.ID(), bad) }))
}

// checked is a message whose stamp was looked at.
type checked struct {
	stored lxmf.Stored
	raw    []byte
	value  int
	err    error
}

// intake checks stamps and keeps the good messages; it returns when they are on disk. spec: lxmf §9.7, §11.3
func (n *Node) intake(l *node.Link, list [][]byte) error {
	type limits struct {
		required int
		full     bool
	}
	lim, err := ask(context.Background(), n, func(time.Time) limits { return limits{n.m.set.required(), n.m.full()} })
	if err != nil {
		return err
	}
	if lim.full {
		return ErrFull
	}
	var errs []error
	count := 0
	for _, c := range n.checkAll(list, lim.required) {
		if c.err != nil {
			errs = append(errs, c.err)
			continue
		}
		kept, err := n.keep(l, c)
		errs = append(errs, err)
		if kept {
			count++
		}
	}
	errs = append(errs, n.cfg.Files.Sync())
	if count > 0 {
		n.tell(Event{Kind: EventStored, Count: count})
	}
	return errors.Join(errs...)
}

// checkAll looks at the stamps, with as many goroutines as there are places.
func (n *Node) checkAll(list [][]byte, required int) []checked {
	out := make([]checked, len(list))
	var all sync.WaitGroup
	for i, raw := range list {
		n.check <- struct{}{}
		all.Go(func() {
			defer func() { <-n.check }()
			out[i] = check(raw, required)
		})
	}
	all.Wait()
	return out
}

func check(raw []byte, required int) checked {
	s, err := lxmf.ParseStored(raw)
	if err != nil {
		return checked{err: errors.Join(ErrBadStamp, err)}
	}
	valid, value := s.Check(required, 1)
	if !valid {
		return checked{err: ErrBadStamp}
	}
	return checked{stored: s, raw: raw, value: value}
}

// keep gives a message to its recipient here, or to the store. It reports whether it was new. spec: lxmf §9.7
func (n *Node) keep(l *node.Link, c checked) (bool, error) {
	id := c.stored.ID()
	var now time.Time
	verdict, err := ask(context.Background(), n, func(at time.Time) claimed {
		now = at
		n.m.arrived(l.ID(), int64(len(c.raw)))
		v := n.m.claim(at, id)
		if v == claimKnown {
			n.m.seen(l.ID(), id)
		}
		return v
	})
	switch {
	case err != nil || verdict == claimKnown:
		return false, err
	case verdict == claimPending:
		return false, ErrPending
	}
	if n.cfg.Local != nil {
		if mine, err := n.cfg.Local(c.stored.Sealed); mine {
			return err == nil, errors.Join(err, n.on(func(time.Time) { n.m.settle(id, err == nil) }))
		}
	}
	m := message{id: id, dest: c.stored.Destination(), received: seconds(now), size: int64(len(c.raw)), value: c.value}
	if err := n.cfg.Files.Write(m.name(), c.raw); err != nil {
		return false, errors.Join(err, n.on(func(time.Time) { n.m.settle(id, false) }))
	}
	return true, n.on(func(time.Time) {
		n.m.settle(id, true)
		n.m.stored(l.ID(), m)
	})
}
