package router

import (
	"context"
	"errors"
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
)

// receive checks arrivals of one source and gives them to the inbox, together where it can take them so. It returns how many of
// the first are settled, at least one: checking stamps takes so long that the first must not wait for all.
func (r *Router) receive(ctx context.Context, batch []*arrival) int {
	begin := r.cfg.Node.Now()
	var messages []Inbound
	waiting := make(map[rns.Hash][]*arrival) // with every copy
	n := 0
	for _, a := range batch {
		n++
		in, keep, err := r.check(ctx, a)
		if !keep {
			a.settled(err)
			continue
		}
		id := in.Message.Hash
		if waiting[id] = append(waiting[id], a); len(waiting[id]) == 1 {
			messages = append(messages, in)
		}
		if r.cfg.Node.Now().Sub(begin) >= r.cfg.Params.StoreDelay {
			break
		}
	}
	for i, err := range r.deliver(ctx, messages) {
		err = r.received(ctx, &messages[i], err)
		for _, a := range waiting[messages[i].Message.Hash] {
			a.settled(err)
		}
	}
	return n
}

// deliver gives messages to the inbox and returns what it says to each.
func (r *Router) deliver(ctx context.Context, messages []Inbound) []error {
	if b, ok := r.cfg.Inbox.(BatchInbox); ok && len(messages) > 1 {
		return b.ReceiveAll(ctx, messages)
	}
	said := make([]error, len(messages))
	for i, in := range messages {
		said[i] = r.cfg.Inbox.Receive(ctx, in)
	}
	return said
}

// check looks at one message, cheap refusals first. Without keep it is settled with err; nil releases the proof: the message is
// known already, or refused by policy; what cannot be read is proved too, since sending it again cannot help.
// spec: lxmf §9.6
func (r *Router) check(ctx context.Context, a *arrival) (in Inbound, keep bool, err error) {
	m, err := lxmf.Parse(a.packed)
	if err != nil || m.Destination != r.addr {
		return Inbound{}, false, nil //nolint:nilerr // nothing to be kept
	}
	if r.cfg.Ignored != nil && r.cfg.Ignored(m.Source) {
		a.answer = r.counted(Answer{ActionDiscard, CauseIgnored})
		return Inbound{}, false, nil
	}
	q := Query{Gate: GateSource, Source: m.Source, Message: m}
	if q.Relation, err = r.relation(ctx, m.Source); err != nil {
		return Inbound{}, false, err
	}
	if a.answer = r.judge(q); !a.answer.Accepted() {
		return Inbound{}, false, nil
	}
	author, unverified := r.verify(ctx, m, a.peer)
	q.Gate, q.Unverified = GateAuthor, unverified
	if !author.IsZero() {
		if q.Identity = author.Hash(); r.blackholed(ctx, q.Identity) {
			a.answer = r.counted(Answer{ActionDiscard, CauseBlackholed})
			return Inbound{}, false, nil
		}
	}
	if a.answer = r.judge(q); !a.answer.Accepted() {
		return Inbound{}, false, nil
	}
	if a.known, err = r.known(ctx, m.Hash); a.known || err != nil {
		return Inbound{}, false, err
	}
	in = Inbound{
		Message: m, Packed: a.packed, Method: a.method, Unverified: unverified, Ratchet: a.ratchet, Link: a.link, Hops: a.hops,
		Interface: r.in.interfaceName(a.on), Signal: a.signal, Received: a.received,
	}
	if a.method != lxmf.MethodPaper { // a person brought it: nobody floods that way, and it has no stamp. spec: lxmf §6.4
		if q.stranger() {
			r.stranger(a.received, m.Source)
		}
		if a.answer, err = r.checkStamp(ctx, &in, q.stranger()); err != nil || !a.answer.Accepted() {
			return Inbound{}, false, err
		}
	}
	r.takeTicket(m, unverified)
	return in, true, nil
}

// received notes what the inbox said to a message, and returns with what it is settled.
func (r *Router) received(ctx context.Context, in *Inbound, said error) error {
	if said != nil && !errors.Is(said, ErrDiscard) {
		return said
	}
	m := in.Message
	r.in.mu.Lock()
	r.in.recent.add(m.Hash)
	r.in.mu.Unlock()
	r.keep.received(m.Hash)
	if in.Unverified == lxmf.SourceUnknown {
		r.askSource(ctx, m.Source)
	}
	return nil
}

// Verify checks the signature of a message that was received, once more: 0 if it is good now. Applications call it for messages
// whose source was unknown, when the source is heard. spec: lxmf §3.4
func (r *Router) Verify(ctx context.Context, m *lxmf.Message) lxmf.Unverified {
	_, why := r.verify(ctx, m, rns.PublicKey{})
	return why
}

// verify checks the signature with the key of the link's peer if that is the author, or with what announces told. It returns
// the author's key, zero if it is not known.
func (r *Router) verify(ctx context.Context, m *lxmf.Message, peer rns.PublicKey) (key rns.PublicKey, why lxmf.Unverified) {
	key = peer
	if key.IsZero() || lxmf.DeliveryHash(key.Hash()) != m.Source {
		known, err := r.cfg.Node.Recall(ctx, m.Source)
		if err != nil {
			return rns.PublicKey{}, lxmf.SourceUnknown
		}
		key = known.Public
	}
	errors.As(m.Verify(key), &why)
	return key, why
}

// blackholed tells whether the node refuses an identity. The list is looked up every few seconds. spec: lxmf §9.6
func (r *Router) blackholed(ctx context.Context, identity rns.Addr) bool {
	const every = 5 * time.Second
	now := r.cfg.Node.Now()
	r.in.mu.Lock()
	set, fresh := r.in.blackhole, now.Sub(r.in.blackholeAt) < every
	r.in.mu.Unlock()
	if !fresh {
		list, err := r.cfg.Node.Blackholed(ctx)
		if err != nil {
			return false
		}
		set = make(map[rns.Addr]time.Time, len(list))
		for _, b := range list {
			set[b.Identity] = b.Until
		}
		r.in.mu.Lock()
		r.in.blackhole, r.in.blackholeAt = set, now
		r.in.mu.Unlock()
	}
	until, listed := set[identity]
	return listed && (until.IsZero() || now.Before(until))
}

// known reports whether a message was received before.
func (r *Router) known(ctx context.Context, id rns.Hash) (bool, error) {
	r.in.mu.Lock()
	recent := r.in.recent.has(id)
	r.in.mu.Unlock()
	if recent {
		return true, nil
	}
	return r.cfg.State.Delivered(ctx, id)
}

// errFlood means that a stranger has not done the work that is asked for during a flood. No proof leaves: by the time it tries
// again it may have heard what is asked for, and the message is not lost.
var errFlood = errors.New("too little work for a message of a stranger during a flood")

// checkStamp looks at the stamp of a message, if we ask for any, and decides whether the message is kept. spec: lxmf §6.4
func (r *Router) checkStamp(ctx context.Context, in *Inbound, stranger bool) (said Answer, err error) {
	cost := r.baseCost()
	flooded := false
	if stranger {
		asked := r.stampCost()
		flooded, cost = asked > cost, asked
	}
	if cost == 0 {
		return Answer{}, nil
	}
	enforced := flooded || r.cfg.EnforceStamps != nil && r.cfg.EnforceStamps()
	type asked struct {
		issued []lxmf.Ticket
		now    time.Time
	}
	q, err := ask(ctx, r, func(m *machine, now time.Time) asked {
		return asked{m.tickets.issued[in.Message.Source], now}
	})
	if err != nil {
		return Answer{}, err
	}
	byWork := len(in.Message.Stamp) != lxmf.TicketSize && in.Message.Stamp != nil
	if byWork {
		switch done, err := r.stampTurn(ctx, in, q.now); {
		case err == nil:
			defer done()
		case !errors.Is(err, errOverload), enforced:
			return Answer{}, err
		default:
			in.Stamp = StampUnchecked
			return Answer{}, nil
		}
	}
	v := in.Message.CheckStamp(cost, q.issued, q.now, 1)
	in.StampValue = v.Value
	switch {
	case !v.Valid:
		in.Stamp = StampInvalid
	case v.Ticket:
		in.Stamp = StampTicket
	default:
		in.Stamp = StampValid
	}
	switch {
	case v.Valid || !enforced:
		return Answer{}, nil
	case flooded:
		return r.counted(Answer{ActionDefer, CauseFlood}), errFlood
	}
	return r.counted(Answer{ActionDiscard, CauseStamp}), nil
}

// stampTurn waits until a stamp may be checked: only so many at once, and so many for one source. Sources that nobody vouches for
// share one quota.
func (r *Router) stampTurn(ctx context.Context, in *Inbound, now time.Time) (done func(), err error) {
	source := in.Message.Source
	if in.Unverified != 0 {
		source = rns.Addr{}
	}
	r.in.mu.Lock()
	ok := r.in.quota.take(now, source)
	r.in.mu.Unlock()
	if !ok {
		return nil, errOverload
	}
	select {
	case r.in.stamps <- struct{}{}:
		return func() { <-r.in.stamps }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// takeTicket remembers the ticket that a verified message brings. spec: lxmf §7
func (r *Router) takeTicket(m *lxmf.Message, unverified lxmf.Unverified) {
	t, ok := m.Fields.Ticket()
	if !ok || unverified != 0 || !t.Usable(r.cfg.Node.Now()) {
		return
	}
	r.keep.ticket(Ticket{Peer: m.Source, Ticket: t})
	r.box.post(func(x *machine, now time.Time) { x.received(now, m.Source, t) })
}

// askSource asks for the announce of an unknown author, not more than once a minute.
func (r *Router) askSource(ctx context.Context, source rns.Addr) {
	const pause = time.Minute
	now := r.cfg.Node.Now()
	r.in.mu.Lock()
	due := now.Sub(r.in.asked[source]) >= pause
	if due {
		if len(r.in.asked) >= r.cfg.Params.MaxBacklog {
			clear(r.in.asked)
		}
		r.in.asked[source] = now
	}
	r.in.mu.Unlock()
	if due {
		_ = r.cfg.Node.RequestPath(ctx, source, 0) // without a path the author stays unknown, which is said
	}
}

// stampCost is what we announce that we ask for, 0 for nothing. spec: lxmf §6.3
func (r *Router) stampCost() int { return r.flood.cost(r.baseCost()) }

// baseCost is what we ask for without a flood.
func (r *Router) baseCost() int {
	if r.cfg.StampCost == nil {
		return 0
	}
	if cost := r.cfg.StampCost(); cost >= 1 && cost <= lxmf.MaxStampCost {
		return cost
	}
	return 0
}
