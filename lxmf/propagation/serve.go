package propagation

import (
	"context"
	"errors"
	"slices"
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/node"
)

// register opens the destinations. spec: lxmf §11, §13
func (n *Node) register() error {
	dest, err := n.cfg.Node.Register(node.DestinationConfig{
		Identity: n.cfg.Identity, Name: lxmf.PropagationName, AppData: n.Announcement, OnLink: n.onLink,
		Requests: []node.RequestHandler{
			{Path: lxmf.PathOffer, Policy: node.AllowAll, Serve: n.serveOffer},
			{Path: lxmf.PathGet, Policy: node.AllowAll, Serve: n.serveGet},
		},
		MaxRequestSize: maxRequest,
	})
	if err != nil {
		return err
	}
	control, err := n.cfg.Node.Register(node.DestinationConfig{
		Identity: n.cfg.Identity, Name: lxmf.ControlName, Requests: n.controlRequests(),
	})
	if err != nil {
		return errors.Join(err, dest.Close(context.Background()))
	}
	n.life.Lock()
	n.life.dest, n.life.control = dest, control
	n.life.Unlock()
	return nil
}

// maxRequest bounds offers and lists of ids, in bytes: 32 thousand ids.
const maxRequest = 1_100_000

func (n *Node) deregister(ctx context.Context) error {
	n.life.Lock()
	dest, control := n.life.dest, n.life.control
	n.life.dest, n.life.control = nil, nil
	n.life.Unlock()
	links, err := n.cfg.Node.Links(ctx)
	for _, l := range links {
		if d := l.Destination(); d != nil && (d == dest || d == control) {
			l.Close()
		}
	}
	return errors.Join(err, dest.Close(ctx), control.Close(ctx))
}

// onLink serves a link of a client or peer.
func (n *Node) onLink(l *node.Link) node.LinkHandler {
	idle := time.AfterFunc(n.cfg.Params.IdleLink, l.Close)
	awake := func() { idle.Reset(n.cfg.Params.IdleLink) }
	return node.LinkHandler{
		OnClosed: func(l *node.Link, _ error) {
			idle.Stop()
			_ = n.on(func(time.Time) { n.m.linkClosed(l.ID()) }) // a closed node has forgotten it
		},
		OnIdentified: func(l *node.Link, who rns.PublicKey) {
			awake()
			_ = n.on(func(time.Time) { n.m.identified(l.ID(), who.Hash()) })
		},
		OnPacket: func(l *node.Link, p *node.LinkPacket) {
			awake()
			n.packet(l, p)
		},
		OnResource: func(l *node.Link, o node.ResourceOffer) *node.ResourceAcceptance {
			awake()
			return n.resource(l, o, awake)
		},
	}
}

// on runs f on the loop.
func (n *Node) on(f func(now time.Time)) error {
	_, err := ask(context.Background(), n, func(now time.Time) struct{} {
		f(now)
		return struct{}{}
	})
	return err
}

// refusal is an error code as a response.
func refusal(err error) (*node.Response, error) {
	var code lxmf.ErrorCode
	if errors.As(err, &code) {
		return &node.Response{Value: msgpack.Uint(uint64(code))}, nil
	}
	return nil, err
}

// encoded is a response that is encoded already.
func encoded(b []byte) (*node.Response, error) {
	v, _, err := msgpack.Parse(b, msgpack.Limits{})
	if err != nil {
		return nil, err
	}
	return &node.Response{Value: v}, nil
}

// serveOffer answers a peer. spec: lxmf §11.2
func (n *Node) serveOffer(r *node.Request) (*node.Response, error) {
	if !r.HasIdentity {
		return refusal(lxmf.ErrorNoIdentity)
	}
	who := r.Identity.Hash()
	verdict, err := ask(context.Background(), n, func(now time.Time) error { return n.m.admitOffer(now, r.Link.ID(), who) })
	if err = errors.Join(err, verdict); err != nil {
		return refusal(err)
	}
	offer, err := lxmf.ParseOffer(r.Data.Append(nil))
	if err != nil {
		return refusal(err)
	}
	cost, err := ask(context.Background(), n, func(time.Time) int { return n.m.set.PeeringCost })
	if err != nil {
		return nil, err
	}
	if !lxmf.PeeringWork(n.cfg.Identity.Hash(), who).Valid(offer.Key[:], cost) {
		return refusal(lxmf.ErrorInvalidKey)
	}
	answer, err := ask(context.Background(), n, func(time.Time) lxmf.OfferAnswer { return n.m.offered(r.Link.ID(), offer.IDs) })
	if err != nil {
		return nil, err
	}
	return encoded(answer.Append(nil))
}

// serveGet answers a recipient. What it has is deleted before anything else. spec: lxmf §11.5
func (n *Node) serveGet(r *node.Request) (*node.Response, error) {
	if !r.HasIdentity {
		return refusal(lxmf.ErrorNoIdentity)
	}
	who := r.Identity.Hash()
	get, bad := lxmf.ParseGet(r.Data.Append(nil))
	type result struct {
		err    error
		ids    []rns.Hash
		remove []string
		send   []message
	}
	dest := rns.DestinationHash(lxmf.DeliveryName, who)
	out, err := ask(context.Background(), n, func(time.Time) result {
		if err := n.m.mayGet(who); err != nil {
			return result{err: err}
		}
		if bad != nil {
			return result{err: bad}
		}
		if get.IsList() {
			return result{ids: n.m.index.of(dest)}
		}
		gone := n.m.delete(dest, get.Haves)
		return result{remove: gone, send: n.m.fetch(dest, get.Wants, get.Limit)}
	})
	if err = errors.Join(err, out.err); err != nil {
		return refusal(err)
	}
	for _, name := range out.remove {
		n.storage(n.cfg.Files.Remove(name))
	}
	if get.IsList() {
		return encoded(lxmf.AppendIDs(nil, out.ids))
	}
	return n.hand(out.send)
}

// hand reads messages for their recipient. One that cannot be read is left out.
func (n *Node) hand(messages []message) (*node.Response, error) {
	list := make([]msgpack.Value, 0, len(messages))
	for i := range messages {
		stored, err := n.read(&messages[i])
		if err != nil {
			n.storage(err)
			continue
		}
		list = append(list, msgpack.Bin(stored.Sealed))
	}
	if err := n.on(func(time.Time) { n.m.served(len(list)) }); err != nil {
		return nil, err
	}
	if len(list) > 0 {
		n.tell(Event{Kind: EventServed, Count: len(list)})
	}
	return &node.Response{Value: msgpack.Array(list...)}, nil
}

// read returns a stored message. A file that is not what the index says is forgotten.
func (n *Node) read(m *message) (lxmf.Stored, error) {
	b, err := n.cfg.Files.Read(m.name())
	if err == nil {
		var stored lxmf.Stored
		if stored, err = lxmf.ParseStored(b); err == nil && stored.ID() == m.id {
			return stored, nil
		}
	}
	_ = n.on(func(time.Time) {
		if _, slot, ok := n.m.index.get(m.id); ok {
			n.m.drop([]int32{slot})
			n.m.forget(m.id)
		}
	})
	return lxmf.Stored{}, errors.Join(errDamaged, err)
}

// errDamaged means that a stored file is not what its name says.
var errDamaged = errors.New("stored message is damaged or gone")

// names of peers for tests and statistics, sorted.
func sortedAddrs(peers map[rns.Addr]*peer) []rns.Addr {
	list := make([]rns.Addr, 0, len(peers))
	for a := range peers {
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b rns.Addr) int { return slices.Compare(a[:], b[:]) })
	return list
}
