package transport

import (
	"crypto/ecdh"
	"testing"
	"time"

	"meshchatx/rns"
)

func linkPacket(id rns.Addr, hops uint8, body string) []byte {
	return rns.Packet{DestType: rns.DestLink, Dest: id, Hops: hops, Data: []byte(body)}.Append(nil)
}

// linkProofPacket proves a link as the owner of the identity does.
func linkProofPacket(id *rns.Identity, link rns.Addr, hops uint8) []byte {
	public := id.Public()
	signing := public.Signing()
	var key [rns.KeySize]byte
	key[1] = hops
	msg := append(append(append([]byte{}, link[:]...), key[:]...), signing[:]...)
	sig := id.Sign(msg)
	return rns.Packet{
		DestType: rns.DestLink, Type: rns.PacketProof, Context: rns.ContextLRProof, Dest: link, Hops: hops,
		Data: append(sig[:], key[:]...),
	}.Append(nil)
}

func TestLinkReceivesOnItsInterfaceOnly(t *testing.T) {
	l := transportLab(t)
	l.add("a")
	l.add("b")
	id := rns.Addr{1}
	must(t, l.m.RegisterLink(LocalLink{ID: id, Role: LinkResponder, Attached: l.ids["a"]}))
	equal(t, "twice", l.m.RegisterLink(LocalLink{ID: id}), ErrLinkKnown)
	raw := linkPacket(id, 0, "hello")
	equal(t, "wrong interface", l.in("b", raw), rns.VerdictWrongInterface)
	equal(t, "the copy on the right one", l.in("a", raw), rns.VerdictDelivered)
	equal(t, "repeat", l.in("a", raw), rns.VerdictDuplicate)
	d := l.delivered[0]
	if d.Kind != DeliverLink || d.Interface != l.ids["a"] || string(d.Packet.Data) != "hello" || d.Hash != rns.PacketHash(raw) {
		t.Errorf("delivery %+v", d)
	}
	l.apply(l.m.RemoveLink(l.now, id, LinkClosed))
	equal(t, "removed", l.in("a", linkPacket(id, 0, "more")), rns.VerdictLinkUnknown)
}

func TestLinkSendsOnItsInterfaceAndIgnoresTheEcho(t *testing.T) {
	l := transportLab(t)
	l.add("a")
	l.add("b")
	id := rns.Addr{1}
	equal(t, "unknown", l.out(OutPacket{Raw: linkPacket(id, 0, "x")}), rns.VerdictLinkUnknown)
	must(t, l.m.RegisterLink(LocalLink{ID: id, Role: LinkInitiator}))
	equal(t, "pending", l.out(OutPacket{Raw: linkPacket(id, 0, "x")}), rns.VerdictLinkState)
	equal(t, "no such interface", l.m.ActivateLink(id, 99), ErrNoInterface)
	equal(t, "no such link", l.m.ActivateLink(rns.Addr{2}, 1), ErrNoLink)
	must(t, l.m.ActivateLink(id, l.ids["b"]))
	raw := linkPacket(id, 0, "x")
	equal(t, "sent", l.out(OutPacket{Raw: raw}), rns.VerdictForwarded)
	equal(t, "where", l.take()[0].Interface, "b")
	equal(t, "echo", l.in("b", raw), rns.VerdictDuplicate)
}

func TestPendingLinkTakesItsProof(t *testing.T) {
	id, link := testIdentity(t, 1), rns.Addr{5}
	register := func(l *lab) {
		l.add("a")
		dest := rns.DestinationHash("test.t", id.Hash())
		l.path(dest, rns.Addr{9}, 3, "a")
		must(t, l.m.RegisterLink(LocalLink{ID: link, Destination: dest, ExpectedHops: 3, Peer: id.Public(), Mode: modeAES256}))
	}
	t.Run("expected hops", func(t *testing.T) {
		l := transportLab(t)
		register(l)
		equal(t, "data before", l.in("a", linkPacket(link, 2, "early")), rns.VerdictLinkState)
		equal(t, "proof", l.in("a", linkProofPacket(id, link, 2)), rns.VerdictDelivered)
		equal(t, "unchecked here, the link does it", l.checks, 0)
		equal(t, "repeat", l.in("a", linkProofPacket(id, link, 2)), rns.VerdictDuplicate)
	})
	t.Run("other hops", func(t *testing.T) {
		l := transportLab(t)
		register(l)
		equal(t, "forged", l.in("a", linkProofPacket(testIdentity(t, 2), link, 6)), rns.VerdictBadProof)
		equal(t, "nothing re-balanced", l.m.localLinks[link].expected, 3)
		equal(t, "good", l.in("a", linkProofPacket(id, link, 6)), rns.VerdictDelivered)
		dest := l.m.localLinks[link].dest
		equal(t, "path hops", l.m.HopsTo(dest), 7)
		equal(t, "only once", l.in("a", linkProofPacket(id, link, 8)), rns.VerdictWrongHops)
	})
	t.Run("wrong size", func(t *testing.T) {
		l := transportLab(t)
		register(l)
		raw := linkProofPacket(id, link, 6)
		equal(t, "verdict", l.in("a", raw[:len(raw)-1]), rns.VerdictWrongSize)
	})
}

func TestLinkRequestIsClampedToTheInterface(t *testing.T) {
	key, err := ecdh.X25519().NewPrivateKey(make([]byte, 32))
	must(t, err)
	dest := rns.Addr{1}
	request := func(mode uint8, mtu int) []byte {
		data := append(key.PublicKey().Bytes(), make([]byte, 35)...)
		putSignalling(data[64:], mode, mtu)
		return rns.Packet{Type: rns.PacketLinkRequest, Dest: dest, Data: data}.Append(nil)
	}
	cases := []struct {
		name   string
		mtu    int
		policy MTUPolicy
		mode   uint8
		size   int
		want   int
	}{
		{"fits", 16384, MTUAuto, 1, 67, 8192},
		{"clamped", 2048, MTUFixed, 1, 67, 2048},
		{"standard interface", 2048, MTUStandard, 1, 67, 500},
		{"no hardware MTU", 0, MTUStandard, 1, 64, 0},
		{"disabled mode that needs a clamp", 2048, MTUAuto, 2, 0, 0},
		{"disabled mode that fits", 16384, MTUAuto, 2, 67, 8192},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			l := transportLab(t)
			l.add("a", withMTU(c.mtu, c.policy))
			must(t, l.m.RegisterDestination(dest, rns.DestSingle))
			raw := request(c.mode, 8192)
			verdict := l.in("a", raw)
			if c.size == 0 {
				equal(t, "verdict", verdict, rns.VerdictBadMode)
				return
			}
			d := l.delivered[0]
			id, err := rns.LinkID(raw)
			must(t, err)
			equal(t, "link id", d.LinkID, id)
			equal(t, "size", len(d.Packet.Data), c.size)
			if c.size == 67 {
				mode, mtu := signalling(d.Packet.Data[64:])
				equal(t, "mode", mode, c.mode)
				equal(t, "mtu", mtu, c.want)
			}
		})
	}
	t.Run("not a request", func(t *testing.T) {
		l := transportLab(t)
		l.add("a")
		must(t, l.m.RegisterDestination(dest, rns.DestSingle))
		short := rns.Packet{Type: rns.PacketLinkRequest, Dest: dest, Data: make([]byte, 63)}.Append(nil)
		equal(t, "short", l.in("a", short), rns.VerdictWrongSize)
		wrong := rns.Packet{Type: rns.PacketLinkRequest, DestType: rns.DestLink, Dest: dest, Data: make([]byte, 64)}.Append(nil)
		equal(t, "type", l.in("a", wrong), rns.VerdictWrongDestination)
	})
}

func TestIdleLinksInTransitEnd(t *testing.T) {
	l := transportLab(t)
	l.add("a")
	l.add("b")
	id := rns.Addr{1}
	l.m.SeedLink(l.now, LinkRecord{Link: id, Timestamp: l.now, NextInterface: 2, Remaining: 1, Received: 1, Taken: 1, Validated: true})
	l.run(800)
	equal(t, "traffic", l.in("a", linkPacket(id, 0, "x")), rns.VerdictForwarded)
	l.run(1600)
	equal(t, "in use", l.m.links.len(), 1)
	l.run(1800)
	equal(t, "idle", l.m.links.len(), 0)
	equal(t, "then", l.in("a", linkPacket(id, 0, "y")), rns.VerdictLinkUnknown)
}

// TestLinkTrafficPassesOnce: the hash of link traffic is recorded when it is forwarded, so a copy on the wrong side does
// not stop it and a repeat is dropped.
func TestLinkTrafficPassesOnce(t *testing.T) {
	l := transportLab(t)
	for _, n := range []string{"a", "b", "c"} {
		l.add(n)
	}
	id := rns.Addr{1}
	l.m.SeedLink(l.now, LinkRecord{Link: id, Timestamp: l.now, NextInterface: 2, Remaining: 1, Received: 1, Taken: 1, Validated: true})
	raw := linkPacket(id, 0, "x")
	equal(t, "elsewhere", l.in("c", raw), rns.VerdictWrongInterface)
	equal(t, "right side", l.in("a", raw), rns.VerdictForwarded)
	equal(t, "again", l.in("a", raw), rns.VerdictDuplicate)
	part := rns.Packet{DestType: rns.DestLink, Dest: id, Context: rns.ContextResource, Data: []byte("part")}.Append(nil)
	for range 3 {
		equal(t, "parts may repeat", l.in("a", part), rns.VerdictForwarded)
	}
	l.apply(l.m.RemoveInterface(l.now, l.ids["b"]))
	equal(t, "side gone", l.in("a", linkPacket(id, 0, "z")), rns.VerdictLinkUnknown)
}

func TestUnprovedLinkIsReported(t *testing.T) {
	l := transportLab(t)
	l.add("a")
	l.add("b")
	dest := rns.Addr{7}
	l.path(dest, rns.Addr{9}, 1, "b")
	p := rns.Packet{
		HeaderType: rns.HeaderType2, TransportType: rns.TransportTransport, TransportID: vectorTransportID,
		Type: rns.PacketLinkRequest, Dest: dest, Data: make([]byte, 64),
	}
	equal(t, "request", l.in("a", p.Append(nil)), rns.VerdictForwarded)
	l.take()
	l.run(10)
	e, ok := eventOf[LinkUnproved](l)
	equal(t, "event", ok && e.Destination == dest, true)
	state, _ := l.m.Path(l.now, dest)
	equal(t, "state", state.State, PathUnresponsive)
	equal(t, "asked again", len(l.take()), 1)
	equal(t, "within", l.now.Sub(l.base), 10*time.Second)
}
