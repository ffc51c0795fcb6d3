package node_test

import (
	"cmp"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"meshchatx/rns"
	"meshchatx/rns/node"
	"meshchatx/rns/rnstest"
)

// TestSnapshotPolicies: a snapshot tells what the node offers about itself and what its destinations do. spec: rns-core §21
func TestSnapshotPolicies(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		friend := w.Identity(1)
		hub := w.Transport("hub", managed(func(m *node.Management) {
			m.Remote, m.Probes, m.Allowed = node.On, node.On, []rns.Addr{friend.Hash()}
		}))
		d, err := hub.Register(node.DestinationConfig{Identity: w.Identity(2), Name: "test.own", Requests: []node.RequestHandler{
			{Path: "/all", Policy: node.AllowAll, Serve: func(*node.Request) (*node.Response, error) { return nil, nil }},
		}})
		if err != nil {
			t.Fatal(err)
		}
		d.SetProofs(node.ProveApp)
		if err := hub.Quiesce(t.Context()); err != nil {
			t.Fatal(err)
		}
		s, err := hub.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		type policy struct {
			Name     string
			Proofs   node.ProofStrategy
			Refuses  bool
			Service  bool
			Requests []node.HandlerStatus
		}
		var got []policy
		for _, d := range s.Destinations {
			slices.SortFunc(d.Requests, func(a, b node.HandlerStatus) int { return cmp.Compare(a.Path, b.Path) })
			got = append(got, policy{d.Name, d.Proofs, d.Links == node.RefuseLinks, d.Service, d.Requests})
		}
		slices.SortFunc(got, func(a, b policy) int { return cmp.Compare(a.Name, b.Name) })
		listed := func(path string) node.HandlerStatus {
			return node.HandlerStatus{Path: path, Policy: node.AllowList, Allow: []rns.Addr{friend.Hash()}}
		}
		want := []policy{
			{Name: rns.NameProbe, Proofs: node.ProveAll, Refuses: true, Service: true},
			{Name: rns.NameRemoteManagement, Service: true, Requests: []node.HandlerStatus{listed("/path"), listed("/status")}},
			{Name: "test.own", Proofs: node.ProveApp, Requests: []node.HandlerStatus{{Path: "/all", Policy: node.AllowAll}}},
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}
