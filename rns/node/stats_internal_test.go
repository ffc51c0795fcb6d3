package node

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshchatx/rns/control"
	"meshchatx/rns/transport"
)

// TestListenerShowsBurstsOfItsPeers: any peer counts, and of several the one that began first. spec: rns-interfaces §4
func TestListenerShowsBurstsOfItsPeers(t *testing.T) {
	began := time.Unix(1000, 0)
	peer := func(parent InterfaceID, s transport.InterfaceStatus) InterfaceStatus {
		return InterfaceStatus{Parent: parent, Transport: s}
	}
	all := []InterfaceStatus{
		{ID: 1}, {ID: 2}, {ID: 3},
		peer(1, transport.InterfaceStatus{AnnounceBurst: true, AnnounceBurstSince: began.Add(time.Second)}),
		peer(1, transport.InterfaceStatus{AnnounceBurst: true, AnnounceBurstSince: began}),
		peer(1, transport.InterfaceStatus{AnnounceBurstSince: began.Add(-time.Hour)}), // over
		peer(2, transport.InterfaceStatus{RequestBurst: true, RequestBurstSince: began}),
		peer(3, transport.InterfaceStatus{}),
		peer(0, transport.InterfaceStatus{AnnounceBurst: true, AnnounceBurstSince: began}), // nobody's
	}
	want := map[InterfaceID]bursts{
		1: {announces: control.Burst{Active: true, Since: began}}, 2: {requests: control.Burst{Active: true, Since: began}},
	}
	if diff := cmp.Diff(want, peerBursts(all), cmp.AllowUnexported(bursts{})); diff != "" {
		t.Error(diff)
	}
}
