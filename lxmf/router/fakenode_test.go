package router_test

import (
	"slices"
	"sync"
	"testing/synctest"
	"time"

	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/node"
	"meshchatx/rns/rnstest"
)

// fakeNode is a propagation node that does what the protocol says, or what a test wants.
type fakeNode struct {
	world *world
	node  *rnstest.Node
	id    *rns.Identity
	dest  *node.Destination
	info  lxmf.PropagationInfo

	mu       sync.Mutex
	stored   [][]byte // stored form
	links    int      // opened to it
	gets     []lxmf.Get
	uploads  int                   // transfers taken
	refuse   bool                  // resources are refused
	deaf     bool                  // requests are not answered
	junk     func(lxmf.Get) []byte // answers instead; nil for none
	error    lxmf.ErrorCode
	identify []bool // of each upload: was the client known
}

// propagationNode starts a propagation node on a node.
func (w *world) propagationNode(n *rnstest.Node, change ...func(*fakeNode)) *fakeNode {
	w.t.Helper()
	w.users++
	f := &fakeNode{world: w, node: n, id: w.Identity(uint64(5000 + w.users)), info: lxmf.PropagationInfo{
		Active: true, TransferLimit: 256, SyncLimit: 10_240, StampCost: 1, Flexibility: 0, PeeringCost: 1, Name: n.Name, Named: true,
	}}
	for _, c := range change {
		c(f)
	}
	dest, err := n.Register(node.DestinationConfig{
		Identity: f.id, Name: lxmf.PropagationName, AppData: func() []byte { return f.info.Append(nil) }, OnLink: f.linked,
		Requests: []node.RequestHandler{{Path: lxmf.PathGet, Policy: node.AllowAll, Serve: f.serve}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	f.dest = dest
	return f
}

func (f *fakeNode) announce() {
	f.world.t.Helper()
	f.info.Timebase = f.node.Now().Unix()
	if err := f.dest.Announce(f.world.t.Context(), node.AnnounceOptions{}); err != nil {
		f.world.t.Fatal(err)
	}
	f.world.Run(2 * time.Second)
}

func (f *fakeNode) linked(*node.Link) node.LinkHandler {
	f.mu.Lock()
	f.links++
	f.mu.Unlock()
	return node.LinkHandler{
		OnPacket: func(l *node.Link, p *node.LinkPacket) {
			if f.take(l, p.Data) {
				_ = p.Prove()
				return
			}
			_, _ = l.Send(f.world.t.Context(), lxmf.InvalidStampSignal(), node.SendOptions{Receipt: node.NoReceipt})
			l.Close()
		},
		OnResource: func(*node.Link, node.ResourceOffer) *node.ResourceAcceptance {
			f.mu.Lock()
			defer f.mu.Unlock()
			if f.refuse {
				return nil
			}
			return &node.ResourceAcceptance{Conclude: func(l *node.Link, in node.IncomingResource) error {
				if in.Err == nil && !f.take(l, in.Data) {
					l.Close()
					return lxmf.ErrorInvalidStamp
				}
				return nil
			}}
		},
	}
}

// take stores a transfer if its stamps are good.
func (f *fakeNode) take(l *node.Link, b []byte) bool {
	t, err := lxmf.ParseTransfer(b)
	if err != nil || len(t.Stored) != 1 {
		f.world.t.Errorf("transfer of %d messages, %v", len(t.Stored), err)
		return false
	}
	s, err := lxmf.ParseStored(t.Stored[0])
	if err != nil {
		f.world.t.Error(err)
		return false
	}
	if valid, _ := s.Check(f.info.RequiredCost(), 1); !valid {
		return false
	}
	_, known := l.RemoteIdentity()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.uploads++
	f.identify = append(f.identify, known)
	if !slices.ContainsFunc(f.stored, func(o []byte) bool { return string(o) == string(t.Stored[0]) }) {
		f.stored = append(f.stored, slices.Clone(t.Stored[0]))
	}
	return true
}

// serve answers /get. spec: lxmf §11.5
func (f *fakeNode) serve(q *node.Request) (*node.Response, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	answer := func(b []byte) (*node.Response, error) {
		v, _, err := msgpack.Parse(b, msgpack.Limits{})
		return &node.Response{Value: v}, err
	}
	g, err := lxmf.ParseGet(q.Data.Append(nil))
	f.gets = append(f.gets, g)
	switch {
	case f.deaf:
		return nil, nil //nolint:nilnil // no answer
	case err != nil:
		return nil, err
	case f.error != 0:
		return answer(f.error.Append(nil))
	case f.junk != nil:
		return answer(f.junk(g))
	case !q.HasIdentity:
		return answer(lxmf.ErrorNoIdentity.Append(nil))
	}
	to := lxmf.DeliveryHash(q.Identity.Hash())
	var ids []rns.Hash
	var sealed [][]byte
	size := 24
	f.stored = slices.DeleteFunc(f.stored, func(b []byte) bool {
		s, _ := lxmf.ParseStored(b)
		return s.Destination() == to && slices.Contains(g.Haves, s.ID())
	})
	for _, b := range f.stored {
		s, _ := lxmf.ParseStored(b)
		if s.Destination() != to {
			continue
		}
		ids = append(ids, s.ID())
		if slices.Contains(g.Wants, s.ID()) && (g.Limit == 0 || float64(size+len(b)+16) <= g.Limit*1000) {
			size += len(b) + 16
			sealed = append(sealed, s.Sealed)
		}
	}
	if g.IsList() {
		return answer(lxmf.AppendIDs(nil, ids))
	}
	return answer(lxmf.AppendSealed(nil, sealed))
}

func (f *fakeNode) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.stored)
}

func (f *fakeNode) opened() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.links
}

func (f *fakeNode) set(change func(*fakeNode)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

// notices keeps what an application is told about the node.
type notices struct {
	mu  sync.Mutex
	all []router.Notice
}

func (n *notices) add(x router.Notice) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all = append(n.all, x)
}

// states are the states of fetching, repetitions in a row once.
func (n *notices) states() (out []router.SyncState) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, x := range n.all {
		if s, ok := x.(router.SyncChanged); ok && (len(out) == 0 || out[len(out)-1] != s.Status.State) {
			out = append(out, s.Status.State)
		}
	}
	return out
}

func (n *notices) choices() (out []router.NodeChosen) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, x := range n.all {
		if c, ok := x.(router.NodeChosen); ok {
			out = append(out, c)
		}
	}
	return out
}

// using makes a user use a node.
func using(f *fakeNode, n *notices) func(*router.Config) {
	return func(c *router.Config) {
		c.NodeMode, c.PropagationNode = router.NodeFixed, f.dest.Addr()
		if n != nil {
			c.Notices = n.add
		}
	}
}

func propagated(o *router.Outbound) { o.Method = lxmf.MethodPropagated }

// sync fetches and waits for the end.
func (u *user) sync(o router.SyncOptions) router.SyncStatus {
	u.world.t.Helper()
	if err := u.Sync(u.world.t.Context(), o); err != nil {
		u.world.t.Fatal(err)
	}
	for range 300 {
		synctest.Wait()
		s, err := u.SyncStatus(u.world.t.Context())
		if err != nil {
			u.world.t.Fatal(err)
		}
		if !s.State.Active() {
			return s
		}
		u.world.Run(time.Second)
	}
	u.world.t.Fatal("fetching does not end")
	return router.SyncStatus{}
}
