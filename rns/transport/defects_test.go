package transport

import (
	"testing"
	"time"

	"meshchatx/rns"
)

// TestDefects: what the reference does wrong and is required to be right, the rows that belong to this package. The others
// are in TestDefects of rns/node. spec: rns-core §25
func TestDefects(t *testing.T) {
	for _, row := range []struct {
		name string
		test func(t *testing.T)
	}{
		{"3 a newer announce replaces its own entry of the queue", defectQueueMatch},
		{"7 a tunnel has its own expiry, and an implausible one is clamped", defectTunnelExpiry},
		{"8 paths of refused identities are not loaded", defectBlackholedPath},
		{"9 the newest tag survives trimming", defectNewestTag},
		{"10 link id of a request whose signalling is removed", defectLinkID},
		{"11 one oversized announce does not stop the others", defectOversizedInBatch},
		{"15 unknown MTU of the interface before is no limit", defectPreviousMTU},
		{"17 an oversized announce leaves a path", defectOversizedPath},
		{"18 excluded interfaces belong to their own link", defectExclusion},
	} {
		t.Run(row.name, row.test)
	}
}

// defectQueueMatch. spec: rns-core §12.4
func defectQueueMatch(t *testing.T) {
	l := transportLab(t)
	l.add("in")
	l.add("slow", func(i *InterfaceInfo) { i.Bitrate = 1000 })
	dests := make([]rns.Addr, 3)
	announce := func(n int, emitted time.Time) {
		var raw []byte
		dests[n], raw = announceOf(t, testIdentity(t, byte(n+1)), emitted, relayedBy(rns.Addr{9}, 1))
		l.in("in", raw)
	}
	for n := range dests { // the first leaves at once, the others wait
		announce(n, l.now)
		l.run(l.seconds() + 1)
	}
	newer := l.now.Add(10 * time.Second)
	announce(1, newer)
	l.run(l.seconds() + 4000)
	count := make(map[rns.Addr]int)
	for _, f := range l.take() {
		if f.Interface != "slow" {
			continue
		}
		p, err := rns.ParsePacket(mustHex(t, f.Raw))
		must(t, err)
		count[p.Dest]++
		if p.Dest == dests[1] && Blob(p.Data[blobOffset:]).Emitted() != newer.Unix() {
			t.Error("the old emission left")
		}
	}
	for n, dest := range dests {
		if count[dest] == 0 {
			t.Errorf("announce %d never left", n)
		}
	}
}

// defectTunnelExpiry. spec: rns-core §19.5
func defectTunnelExpiry(t *testing.T) {
	l := transportLab(t)
	l.add("a")
	dest, raw := announceOf(t, testIdentity(t, 1), l.now)
	path := PathRecord{
		Destination: dest, Timestamp: l.now, Expires: l.now.Add(pathExpiry), NextHop: dest, Hops: 1,
		PacketHash: rns.PacketHash(raw), Announce: raw,
	}
	for _, c := range []struct{ stored, want time.Duration }{{pathExpiry, 8 * time.Hour}, {3 * time.Hour, 3 * time.Hour}} {
		must(t, l.m.SeedTunnel(l.now, TunnelRecord{ID: rns.Hash{1}, Expires: l.now.Add(c.stored), Paths: []PathRecord{path}}))
		r := collect(l.m.Tunnels())[0]
		equal(t, "expiry", r.Expires.Sub(l.now), c.want)
	}
	l.run(10)
	equal(t, "still there", len(collect(l.m.Tunnels())), 1)
}

// defectBlackholedPath. spec: rns-core §19.2
func defectBlackholedPath(t *testing.T) {
	l := transportLab(t)
	l.add("a")
	id := testIdentity(t, 1)
	dest, raw := announceOf(t, id, l.now)
	l.m.SeedBlackhole(l.now, Blackhole{Identity: id.Hash()})
	err := l.m.SeedPath(l.now, PathRecord{
		Destination: dest, Timestamp: l.now, Expires: l.now.Add(pathExpiry), NextHop: dest, Hops: 1, Interface: l.ids["a"],
		PacketHash: rns.PacketHash(raw), Announce: raw,
	})
	equal(t, "refused", err, error(rns.VerdictBlackholed))
}

// defectNewestTag. spec: rns-core §18
func defectNewestTag(t *testing.T) {
	p := DefaultParams()
	p.Limits.RequestTags = 3
	l := newLab(t, Config{TransportID: vectorTransportID, TransportEnabled: true, Params: &p})
	l.add("a")
	for tag := range byte(6) {
		l.in("a", requestFor(rns.Addr{1}, tag+1))
	}
	equal(t, "newest again", l.in("a", requestFor(rns.Addr{1}, 6)), rns.VerdictAlreadyAsked)
	if v := l.in("a", requestFor(rns.Addr{1}, 1)); v == rns.VerdictAlreadyAsked {
		t.Error("the oldest is still remembered")
	}
}

// signalled is a link request that asks for an MTU.
func signalled(dest rns.Addr, mtu int, change ...func(*rns.Packet)) rns.Packet {
	data := make([]byte, linkKeysSize+signallingSize)
	data[0] = 7
	putSignalling(data[linkKeysSize:], modeAES256, mtu)
	p := rns.Packet{Type: rns.PacketLinkRequest, Dest: dest, Data: data}
	for _, c := range change {
		c(&p)
	}
	return p
}

// defectLinkID. spec: rns-core §16.4
func defectLinkID(t *testing.T) {
	l := transportLab(t)
	l.add("a") // has no hardware MTU
	dest := rns.Addr{1}
	must(t, l.m.RegisterDestination(dest, rns.DestSingle))
	p := signalled(dest, 1000)
	want, err := p.LinkID()
	must(t, err)
	equal(t, "verdict", l.in("a", p.Append(nil)), rns.VerdictDelivered)
	d := l.delivered[0]
	equal(t, "link id", d.LinkID, want)
	equal(t, "signalling removed", len(d.Packet.Data), linkKeysSize)
}

// oversizedAnnounce does not fit once it names a transport node.
func oversizedAnnounce(t *testing.T, l *lab, n byte) (rns.Addr, []byte) {
	a, err := rns.NewAnnounce(&half{}, testIdentity(t, n), rns.NameHashOf("test.t"), nil, make([]byte, 333), l.now)
	must(t, err)
	return a.Dest, a.Packet(rns.ContextNone).Append(nil)
}

// defectOversizedInBatch. spec: rns-core §14.8
func defectOversizedInBatch(t *testing.T) {
	l := transportLab(t)
	l.add("a")
	_, first := announceOf(t, testIdentity(t, 1), l.now)
	_, large := oversizedAnnounce(t, l, 2)
	_, last := announceOf(t, testIdentity(t, 3), l.now)
	for _, raw := range [][]byte{first, large, last} {
		l.in("a", raw)
	}
	l.run(3)
	equal(t, "sent", len(l.take()), 2)
}

// defectPreviousMTU. spec: rns-core §16.1
func defectPreviousMTU(t *testing.T) {
	l := transportLab(t)
	l.add("a")
	l.add("b", withMTU(1024, MTUAuto))
	dest, next := rns.Addr{1}, rns.Addr{2}
	l.path(dest, next, 2, "b")
	p := signalled(dest, 8192, func(p *rns.Packet) {
		p.HeaderType, p.TransportType, p.TransportID = rns.HeaderType2, rns.TransportTransport, vectorTransportID
	})
	equal(t, "verdict", l.in("a", p.Append(nil)), rns.VerdictForwarded)
	out, err := rns.ParsePacket(mustHex(t, l.take()[0].Raw))
	must(t, err)
	_, mtu := signalling(out.Data[linkKeysSize:])
	equal(t, "clamped", mtu, 1024)
}

// defectOversizedPath. spec: rns-core §14.8 to §14.10
func defectOversizedPath(t *testing.T) {
	for _, waiting := range []string{"client", "search"} {
		t.Run(waiting, func(t *testing.T) {
			l := transportLab(t)
			l.add("a")
			l.add("gateway", withMode(ModeGateway))
			if waiting == "client" {
				l.add("client", localClient)
			}
			dest, raw := oversizedAnnounce(t, l, 1)
			if waiting == "search" {
				l.in("gateway", requestFor(dest, 1))
			}
			equal(t, "verdict", l.in("a", raw), rns.VerdictLearned)
			equal(t, "path", l.m.HasPath(dest), true)
		})
	}
}

// defectExclusion: of two links that fail in one round, one excludes its interface, and the other, without a path, excludes
// none. spec: rns-core §16.6
func defectExclusion(t *testing.T) {
	l := transportLab(t)
	l.add("a")
	l.add("b")
	near, gone := rns.Addr{1}, rns.Addr{2}
	l.path(near, near, 1, "b")
	for n, dest := range []rns.Addr{near, gone} {
		l.m.SeedLink(l.now, LinkRecord{
			Link: rns.Addr{10, byte(n)}, Timestamp: l.now, NextInterface: l.ids["b"], Remaining: 1, Received: l.ids["a"], Taken: 1,
			Destination: dest, ProofTimeout: l.now.Add(time.Second),
		})
	}
	l.run(10)
	asked := make(map[rns.Addr]map[string]bool)
	for _, f := range l.take() {
		p, err := rns.ParsePacket(mustHex(t, f.Raw))
		must(t, err)
		q, err := rns.ParsePathRequest(p.Data)
		must(t, err)
		if asked[q.Dest] == nil {
			asked[q.Dest] = make(map[string]bool)
		}
		asked[q.Dest][f.Interface] = true
	}
	equal(t, "near on the other interface", asked[near]["b"] && !asked[near]["a"], true)
	equal(t, "gone on all", asked[gone]["a"] && asked[gone]["b"], true)
}
