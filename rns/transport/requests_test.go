package transport

import (
	"testing"

	"meshchatx/rns"
)

func requestFor(dest rns.Addr, tag ...byte) []byte {
	return rns.PathRequest{Dest: dest, Tag: tag}.Packet().Append(nil)
}

// TestRequestPath checks spec: rns-core §15.2
func TestRequestPath(t *testing.T) {
	l := transportLab(t)
	l.add("a")
	l.add("b")
	l.add("mute", func(i *InterfaceInfo) { i.ReceiveOnly = true })
	dest := rns.Addr{1}
	l.apply(l.m.RequestPath(l.now, PathRequest{Destination: dest}))
	sent := l.take()
	equal(t, "frames", len(sent), 2)
	q, err := rns.ParsePathRequest(mustHex(t, sent[0].Raw)[rns.HeaderMinSize:])
	must(t, err)
	equal(t, "destination", q.Dest, dest)
	equal(t, "requestor", q.Requestor, vectorTransportID)
	equal(t, "tag", len(q.Tag), 16)
	l.apply(l.m.RequestPath(l.now, PathRequest{Destination: dest, Interface: l.ids["b"], Tag: []byte("0123456789abcdef")}))
	equal(t, "one interface", len(by(l.take())["b"]), 1)
	l.apply(l.m.RequestPath(l.now, PathRequest{Destination: dest, Interface: 99}))
	equal(t, "no interface", l.verdict, rns.VerdictNothingListening)
	l.run(119)
	equal(t, "recorded", l.m.requests.sent.len(), 1)
	l.run(121)
	equal(t, "forgotten", l.m.requests.sent.len(), 0)
}

func TestOwnDestinationIsAsked(t *testing.T) {
	l := newLab(t, Config{}) // without transport
	l.add("a")
	dest := rns.Addr{1}
	must(t, l.m.RegisterDestination(dest, rns.DestSingle))
	equal(t, "twice", l.m.RegisterDestination(dest, rns.DestSingle), ErrRegistered)
	equal(t, "asked", l.in("a", requestFor(dest, 1, 2)), rns.VerdictAnswered)
	e, ok := eventOf[PathRequested](l)
	equal(t, "event", ok && e.Destination == dest && e.Interface == l.ids["a"] && string(e.Tag) == "\x01\x02", true)
	equal(t, "same tag", l.in("a", requestFor(dest, 1, 2)), rns.VerdictAlreadyAsked)
	equal(t, "shorter tag", l.in("a", requestFor(dest, 1)), rns.VerdictAnswered)
	l.m.DeregisterDestination(dest)
	equal(t, "deregistered", l.in("a", requestFor(dest, 9)), rns.VerdictNoPath)
	equal(t, "no tag", l.in("a", requestFor(dest)), rns.VerdictNoTag)
}

// TestSearchPassesTheAnswerBack checks spec: rns-core §14.10, §15.4
func TestSearchPassesTheAnswerBack(t *testing.T) {
	l := transportLab(t)
	l.add("ask", withMode(ModeGateway))
	l.add("off", func(i *InterfaceInfo) { i.Offline = true })
	l.add("far")
	dest, raw := announceOf(t, testIdentity(t, 1), l.now, relayedBy(rns.Addr{5}, 3), func(p *rns.Packet) { p.Context = rns.ContextPathResponse })
	equal(t, "search", l.in("ask", requestFor(dest, 1)), rns.VerdictRelayed)
	equal(t, "only online ones", len(l.take()), 1)
	equal(t, "searching already", l.in("far", requestFor(dest, 2)), rns.VerdictNoPath)
	equal(t, "found", l.in("far", raw), rns.VerdictLearned)
	sent := l.take()
	equal(t, "answers", len(sent), 1)
	equal(t, "to", sent[0].Interface, "ask")
	p, err := rns.ParsePacket(mustHex(t, sent[0].Raw))
	must(t, err)
	equal(t, "context", p.Context, rns.ContextPathResponse)
	equal(t, "hops", p.Hops, 4)
	equal(t, "via", p.TransportID, vectorTransportID)
	l.run(16)
	equal(t, "search over", l.m.requests.search.len(), 0)
	equal(t, "not repeated", len(l.take()), 0)
}

func TestRequestTablesAreBounded(t *testing.T) {
	p := DefaultParams()
	p.Limits.RequestTags, p.Limits.Requests = 50, 20
	l := newLab(t, Config{TransportEnabled: true, TransportID: vectorTransportID, Params: &p})
	l.add("a", withMode(ModeGateway))
	l.add("b")
	for i := range 500 {
		l.in("a", requestFor(rns.Addr{byte(i), byte(i >> 8), 1}, 1))
	}
	equal(t, "tags", l.m.requests.tags.len(), 50)
	equal(t, "searches", l.m.requests.search.len(), 20)
	for i := range 500 {
		l.apply(l.m.RequestPath(l.now, PathRequest{Destination: rns.Addr{byte(i), byte(i >> 8), 2}}))
	}
	equal(t, "sent", l.m.requests.sent.len(), 20)
	equal(t, "newest tag kept", l.in("a", requestFor(rns.Addr{byte(499 & 0xFF), 1, 1}, 1)), rns.VerdictAlreadyAsked)
}

func TestControlDestinationsAreNotRelayed(t *testing.T) {
	l := newLab(t, Config{TransportID: vectorTransportID})
	l.add("a")
	l.add("client", localClient)
	l.in("a", rns.Packet{DestType: rns.DestPlain, Dest: rns.TunnelSynthesisDest(), Data: []byte("x")}.Append(nil))
	equal(t, "verdict", l.verdict, rns.VerdictWrongSize)
	equal(t, "sent", len(l.take()), 0)
}
