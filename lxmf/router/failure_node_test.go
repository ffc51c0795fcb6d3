package router_test

import (
	"testing"
	"testing/synctest"
	"time"

	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns"
	"meshchatx/rns/msgpack"
)

// Answers of a propagation node that are not of the expected form end the fetch, whatever they are; the next one works.
// spec: lxmf §11.6
func TestFailureNodeAnswers(t *testing.T) {
	list := func(g lxmf.Get, then msgpack.Value) []byte {
		if g.IsList() {
			return lxmf.AppendIDs(nil, []rns.Hash{{1}, {2}})
		}
		return then.Append(nil)
	}
	for name, junk := range map[string]func(lxmf.Get) []byte{
		"text for a list":      func(lxmf.Get) []byte { return msgpack.Str("hello").Append(nil) },
		"unknown error":        func(lxmf.Get) []byte { return msgpack.Int(0x17).Append(nil) },
		"map for messages":     func(g lxmf.Get) []byte { return list(g, msgpack.Map()) },
		"numbers for messages": func(g lxmf.Get) []byte { return list(g, msgpack.Array(msgpack.Int(1))) },
		"nil for messages":     func(g lxmf.Get) []byte { return list(g, msgpack.Nil()) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPost(t, 500)
				p.fill(1, 100)
				p.f.set(func(f *fakeNode) { f.junk = junk })
				if s := p.b.sync(router.SyncOptions{}); !s.State.Failed() || s.Stored != 0 {
					t.Errorf("fetched %+v", s)
				}
				p.f.set(func(f *fakeNode) { f.junk = nil })
				if s := p.b.sync(router.SyncOptions{}); s.State != router.SyncComplete || s.Stored != 1 {
					t.Errorf("fetched again %+v", s)
				}
			})
		})
	}
}

// What a node gives that is no message for us is counted and deleted there; of a flood of it only a part is looked at.
// spec: lxmf §9.7
func TestFailureNodeGivesJunk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t, 501)
		p.fill(1, 100)
		mine := p.b.Address()
		var deleted []rns.Hash
		p.f.set(func(f *fakeNode) {
			f.junk = func(g lxmf.Get) []byte {
				switch {
				case g.IsList() && len(deleted) > 0:
					return lxmf.AppendIDs(nil, nil)
				case g.IsList():
					return lxmf.AppendIDs(nil, []rns.Hash{{1}, {2}, {3}, {4}})
				case g.Wants == nil:
					deleted = append(deleted, g.Haves...)
					return lxmf.AppendSealed(nil, nil)
				}
				good, _ := lxmf.ParseStored(f.stored[0])
				foreign := append(make([]byte, rns.AddrSize), random(200)...)
				unreadable := append(mine[:len(mine):len(mine)], random(200)...)
				return lxmf.AppendSealed(nil, [][]byte{{1, 2, 3}, foreign, unreadable, good.Sealed})
			}
		})
		s := p.b.sync(router.SyncOptions{})
		p.w.Run(time.Second)
		if s.State != router.SyncComplete || s.Stored != 1 || s.Unreadable != 3 || len(deleted) != 4 {
			t.Errorf("fetched %+v, deleted %d", s, len(deleted))
		}
		if len(p.b.inbox.all()) != 1 {
			t.Errorf("%d messages", len(p.b.inbox.all()))
		}
	})
}

// A node that gives nothing but junk keeps us busy only so long.
func TestFailureNodeFloods(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t, 502)
		mine := p.b.Address()
		asked := 0
		p.f.set(func(f *fakeNode) {
			f.junk = func(g lxmf.Get) []byte {
				switch {
				case g.IsList():
					asked++
					ids := make([]rns.Hash, 2_000)
					for i := range ids {
						ids[i] = rns.Hash{byte(asked), byte(i), byte(i >> 8)}
					}
					return lxmf.AppendIDs(nil, ids)
				case g.Wants == nil:
					return lxmf.AppendSealed(nil, nil)
				case len(g.Wants) > 1_024:
					t.Errorf("%d messages asked for at once", len(g.Wants))
				}
				out := make([][]byte, 300)
				for i := range out {
					out[i] = append(mine[:len(mine):len(mine)], random(150)...)
					out[i][20], out[i][21], out[i][22] = byte(asked), byte(i), byte(i>>8)
				}
				return lxmf.AppendSealed(nil, out)
			}
		})
		s := p.b.sync(router.SyncOptions{})
		if s.State != router.SyncComplete || asked != 1 || s.Unreadable > 64+32 || s.Left < 1_900 {
			t.Errorf("asked %d times: %+v", asked, s)
		}
	})
}

// A message without a propagation node in reach, a dead node and a refused one end with a reason, see TestPropagatedRefusals; an
// announce that makes no sense is not a node.
func TestFailureNodeAnnounces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t, 503, func(f *fakeNode) { f.info.StampCost = 200 })
		nodes, mode, choice, err := p.a.Nodes(t.Context())
		if err != nil || len(nodes) != 1 || mode != router.NodeFixed || choice.Reason != router.ReasonFixed || nodes[0].StampCost != 200 {
			t.Fatalf("%+v, %v, %+v, %v", nodes, mode, choice, err)
		}
		p.a.UseNode(router.NodeAuto, rns.Addr{})
		id := p.a.send(p.b, "x", propagated)
		p.w.Run(time.Second)
		p.a.expect(id, router.KindFailed, router.CodePropagationNone)
		if c := p.an.choices(); len(c) == 0 || c[len(c)-1].Choice.Reason != router.ReasonNone {
			t.Errorf("choices %+v", c)
		}
	})
}
