package lxmf_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/stamp"

	"github.com/google/go-cmp/cmp"
)

func TestDeliveryInfo(t *testing.T) {
	tests := []struct {
		name string
		data []byte
		want lxmf.DeliveryInfo
		err  error
	}{
		{"cost too high to announce", msgpack.Array(msgpack.Nil(), msgpack.Int(255)).Append(nil), lxmf.DeliveryInfo{Compression: lxmf.SupportYes}, nil},
		{"cost is a float", msgpack.Array(msgpack.Nil(), msgpack.Float(8)).Append(nil), lxmf.DeliveryInfo{Compression: lxmf.SupportYes}, nil},
		{"negative cost", msgpack.Array(msgpack.Nil(), msgpack.Int(-3)).Append(nil), lxmf.DeliveryInfo{Compression: lxmf.SupportYes}, nil},
		{"truncated list", []byte{0x93, 0xc4, 0x05}, lxmf.DeliveryInfo{}, lxmf.ErrDeliveryInfo},
		{"long list", []byte{0xdc, 0xff, 0xff}, lxmf.DeliveryInfo{}, lxmf.ErrDeliveryInfo},
		{"name that hides", msgpack.Array(msgpack.Bin([]byte("a\u202eb\x07\n"))).Append(nil), lxmf.DeliveryInfo{Name: "ab", Named: true, Compression: lxmf.SupportYes}, nil},
	}
	for _, tt := range tests {
		got, err := lxmf.ParseDeliveryInfo(tt.data)
		if got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%s: %+v, %v", tt.name, got, err)
		}
	}
	if d := (lxmf.DeliveryInfo{Compression: lxmf.SupportNo}); !bytes.Equal(d.Append(nil), []byte{0x93, 0xc0, 0xc0, 0x90}) || d.AcceptsCompressed() {
		t.Errorf("without compression: %x", d.Append(nil))
	}
	if !(lxmf.DeliveryInfo{}).AcceptsCompressed() {
		t.Error("unknown support is taken for none")
	}
}

// A node may announce anything; what is kept is bounded.
func TestPropagationInfoIsBounded(t *testing.T) {
	huge := msgpack.Uint(1 << 63)
	b := msgpack.Array(msgpack.Bool(false), huge, msgpack.Bool(true), msgpack.Float(1e300), msgpack.Int(-5),
		msgpack.Array(huge, msgpack.Float(-1), msgpack.Str(" 7 ")), msgpack.Map()).Append(nil)
	p, err := lxmf.ParsePropagationInfo(b)
	if err != nil {
		t.Fatal(err)
	}
	if p.StampCost != 256 || p.Flexibility != 0 || p.PeeringCost != 7 || p.SyncLimit != 0 || p.TransferLimit > 1<<31 || p.Timebase < 0 {
		t.Errorf("got %+v", p)
	}
	for _, f := range []msgpack.Value{msgpack.Str("1.5"), msgpack.Bin([]byte("1")), msgpack.Nil(), msgpack.Array()} {
		b := msgpack.Array(msgpack.Bool(false), f, msgpack.Bool(true), msgpack.Int(1), msgpack.Int(1),
			msgpack.Array(msgpack.Int(1), msgpack.Int(1), msgpack.Int(1)), msgpack.Map()).Append(nil)
		if _, err := lxmf.ParsePropagationInfo(b); !errors.Is(err, lxmf.ErrPropagationInfo) {
			t.Errorf("timebase %v: %v", f, err)
		}
	}
}

func TestPropagationInfoKeepsMetadata(t *testing.T) {
	p := lxmf.PropagationInfo{Timebase: 5, Name: "Node", Named: true, Metadata: msgpack.Map(
		msgpack.Pair{Key: msgpack.Int(lxmf.NodeMetaVersion), Value: msgpack.Str("1")},
		msgpack.Pair{Key: msgpack.Int(lxmf.NodeMetaName), Value: msgpack.Bin([]byte("old"))},
		msgpack.Pair{Key: msgpack.Int(lxmf.NodeMetaCustom), Value: msgpack.Nil()},
	)}
	got, err := lxmf.ParsePropagationInfo(p.Append(nil))
	if err != nil || got.Name != "Node" {
		t.Fatalf("got %+v, %v", got, err)
	}
	if m, _ := got.Metadata.Map(); m.Len() != 3 {
		t.Errorf("metadata %v", got.Metadata)
	}
	p.Named = false
	if got, err = lxmf.ParsePropagationInfo(p.Append(nil)); err != nil || got.Named {
		t.Errorf("got %+v, %v", got, err)
	}
}

// Malformed requests and answers.
// spec: lxmf §11.1, §11.2, §11.5
func TestRequestsRefuse(t *testing.T) {
	ids := msgpack.Array(msgpack.Bin(make([]byte, 32)))
	if _, err := lxmf.ParseOffer(msgpack.Array(msgpack.Bin(make([]byte, 31)), ids).Append(nil)); !errors.Is(err, lxmf.ErrorInvalidKey) {
		t.Errorf("short key: %v", err)
	}
	for _, v := range []msgpack.Value{msgpack.Nil(), msgpack.Array(ids), msgpack.Array(msgpack.Bin(make([]byte, 32)), msgpack.Int(1))} {
		if _, err := lxmf.ParseOffer(v.Append(nil)); !errors.Is(err, lxmf.ErrorInvalidData) {
			t.Errorf("offer %v: %v", v, err)
		}
	}
	for _, v := range []msgpack.Value{msgpack.Nil(), msgpack.Array(msgpack.Nil()), msgpack.Array(msgpack.Nil(), msgpack.Int(1))} {
		if _, err := lxmf.ParseGet(v.Append(nil)); !errors.Is(err, lxmf.ErrorInvalidData) {
			t.Errorf("get %v: %v", v, err)
		}
	}
	for _, v := range []msgpack.Value{msgpack.Nil(), msgpack.Str("no"), msgpack.Int(-1), msgpack.Int(300)} {
		if _, err := lxmf.ParseOfferAnswer(v.Append(nil)); !errors.Is(err, lxmf.ErrRequest) {
			t.Errorf("offer answer %v: %v", v, err)
		}
		if _, err := lxmf.ParseIDs(v.Append(nil)); !errors.Is(err, lxmf.ErrRequest) {
			t.Errorf("list answer %v: %v", v, err)
		}
		if _, err := lxmf.ParseSealed(v.Append(nil)); !errors.Is(err, lxmf.ErrRequest) {
			t.Errorf("messages answer %v: %v", v, err)
		}
	}
	// false and 0, true and 1 are different answers.
	if _, err := lxmf.ParseOfferAnswer([]byte{0x01}); !errors.Is(err, lxmf.ErrorCode(1)) {
		t.Errorf("the number one: %v", err)
	}
	for _, b := range [][]byte{nil, {0x90}, {0xcc, 0xf5}, {0x91, 0xcc, 0xf6}, {0x91, 0xc3}} {
		if lxmf.IsInvalidStampSignal(b) {
			t.Errorf("%x taken for the signal", b)
		}
	}
}

func TestGetKinds(t *testing.T) {
	if !(lxmf.Get{}).IsList() {
		t.Error("the zero value does not ask for the list")
	}
	g := lxmf.Get{Wants: []rns.Hash{}, Haves: []rns.Hash{{1}}, Limit: 0.5}
	got, err := lxmf.ParseGet(g.Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(g, got); diff != "" || got.IsList() {
		t.Errorf("(-want +got):\n%s", diff)
	}
	odd := msgpack.Array(msgpack.Nil(), msgpack.Nil(), msgpack.Str("much")).Append(nil)
	if got, err := lxmf.ParseGet(odd); err != nil || got.Limit != 0 {
		t.Errorf("a limit that is no number: %+v, %v", got, err)
	}
}

// Damaged files are told apart from empty ones.
// spec: lxmf §14
func TestDamagedFiles(t *testing.T) {
	bad := [][]byte{nil, {0xc1}, {0x90}, {0xc0}, []byte("text")}
	for _, b := range bad {
		for name, err := range map[string]error{
			"costs": second(lxmf.ParseStampCosts(b)), "tickets": second(lxmf.ParseTickets(b)), "deliveries": second(lxmf.ParseDeliveries(b)),
			"stats": second(lxmf.ParseNodeStats(b)), "container": second(lxmf.ParseContainer(b)), "peer": second(lxmf.ParsePeer(b)),
		} {
			if !errors.Is(err, lxmf.ErrFile) {
				t.Errorf("%s, %x: %v", name, b, err)
			}
		}
	}
	if _, err := lxmf.ParsePeers([]byte{0xc0}); !errors.Is(err, lxmf.ErrFile) {
		t.Errorf("peers: %v", err)
	}
	if peers, err := lxmf.ParsePeers(msgpack.Array(msgpack.Bin([]byte{0x80})).Append(nil)); err != nil || len(peers) != 0 {
		t.Errorf("a peer without anything: %v, %v", peers, err)
	}
	if _, err := lxmf.ParseContainer([]byte{0x80}); !errors.Is(err, lxmf.ErrFile) {
		t.Errorf("a container without a message: %v", err)
	}
	empty := []byte{0x80}
	if x, err := lxmf.ParseTickets(empty); err != nil || x.Outbound != nil {
		t.Errorf("tickets without parts: %v, %v", x, err)
	}
}

// One bad entry does not spoil the others.
func TestBadEntriesAreLeftOut(t *testing.T) {
	addr := rns.Addr{1}
	good := lxmf.StampCost{Destination: addr, Heard: written, Cost: 9}
	b := msgpack.AppendMapHeader(nil, 4)
	b = msgpack.AppendNil(msgpack.AppendString(b, "no hash"))
	b = msgpack.AppendNil(msgpack.AppendBin(b, make([]byte, 16)))
	b = msgpack.Array(msgpack.Nil(), msgpack.Nil()).Append(msgpack.AppendBin(b, bytes.Repeat([]byte{9}, 16)))
	b = append(b, lxmf.AppendStampCosts(nil, []lxmf.StampCost{good})[1:]...)
	got, err := lxmf.ParseStampCosts(b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]lxmf.StampCost{good}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if good.Forgettable(written.Add(lxmf.StampCostMemory)) || !good.Forgettable(written.Add(lxmf.StampCostMemory+1)) {
		t.Error("costs are forgotten at the wrong time")
	}
	d := lxmf.Delivery{ID: rns.Hash{1}, At: written}
	if d.Forgettable(written.Add(180*24*time.Hour)) || !d.Forgettable(written.Add(180*24*time.Hour+1)) {
		t.Error("deliveries are forgotten at the wrong time")
	}
}

func TestPeerDefaults(t *testing.T) {
	p := lxmf.Peer{Destination: rns.Addr{7}, Timebase: 100, LastHeard: 5.5, Strategy: lxmf.SyncLazy, Handled: []rns.Hash{}, Unhandled: []rns.Hash{{1}}}
	got, err := lxmf.ParsePeer(p.Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	limit := 300.0
	p.TransferLimit, p.Key = &limit, &lxmf.PeeringKey{Stamp: stamp.Stamp{1}, Value: 20}
	if got, err = lxmf.ParsePeer(p.Append(nil)); err != nil || got.SyncLimit == nil || *got.SyncLimit != limit || *got.Key != *p.Key {
		t.Errorf("got %+v, %v", got, err)
	}
}
