package transport

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"time"

	"meshchatx/rns"
	"meshchatx/spec/vectortest"
)

// fuzzLimits are small, so that the fuzzer meets them.
func fuzzLimits() Params {
	p := DefaultParams()
	p.Limits = Limits{
		Paths: 8, Known: 8, Reverse: 8, Links: 4, Rates: 4, Requests: 4, Tunnels: 2, PendingAnnounces: 4,
		PacketHashes: 64, RequestTags: 8, Blackholed: 2,
	}
	p.MaxReceipts, p.MaxQueuedAnnounces, p.Ingress.MaxHeld, p.MaxSignals, p.MaxQueuedPathRequests = 4, 4, 2, 4, 3
	return p
}

// fuzzLab has one interface of each kind, and a destination, a link and receipts of its own.
func fuzzLab(t testing.TB, transport bool) *lab {
	p := fuzzLimits()
	l := newLab(t, Config{TransportID: vectorTransportID, TransportEnabled: transport, LocalHopsDelta: 3, Params: &p})
	for _, name := range slices.Sorted(maps.Keys(modeNames)) { // a fixed order, so that runs repeat
		mode := modeNames[name]
		l.add(name, withMode(mode), withMTU(1024, MTUAuto), func(i *InterfaceInfo) {
			i.IngressControl, i.EgressControl = LimitOn, LimitOn
			i.AnnounceRate = AnnounceRate{Target: time.Minute}
			i.Gravity = int(mode)
		})
	}
	l.add("client1", localClient)
	l.add("client2", localClient)
	l.add("slow", func(i *InterfaceInfo) { i.Bitrate = 5 })
	must(t, l.m.RegisterDestination(rns.Addr{1}, rns.DestSingle))
	must(t, l.m.RegisterDestination(rns.Addr{2}, rns.DestPlain))
	must(t, l.m.RegisterLink(LocalLink{ID: rns.Addr{3}, Role: LinkResponder, Attached: 1}))
	must(t, l.m.RegisterLink(LocalLink{ID: rns.Addr{4}, Role: LinkInitiator, ExpectedHops: 2, Peer: testIdentity(t, 1).Public()}))
	return l
}

// checkBounds holds the machine to its limits.
func checkBounds(t *testing.T, l *lab) {
	t.Helper()
	lim, p := l.m.p.Limits, l.m.p
	for name, c := range map[string][2]int{
		"paths": {l.m.paths.len(), lim.Paths}, "known": {l.m.known.len(), lim.Known}, "reverse": {l.m.reverse.len(), lim.Reverse},
		"links": {l.m.links.len(), lim.Links}, "rates": {l.m.rates.len(), lim.Rates}, "tunnels": {l.m.tunnels.len(), lim.Tunnels},
		"pending": {l.m.pending.len(), lim.PendingAnnounces}, "sent": {l.m.requests.sent.len(), lim.Requests},
		"search": {l.m.requests.search.len(), lim.Requests}, "clients": {l.m.requests.clients.len(), lim.Requests},
		"tags": {l.m.requests.tags.len(), lim.RequestTags}, "queue": {len(l.m.requests.queue), p.MaxQueuedPathRequests},
		"hashes": {l.m.seen.len(), lim.PacketHashes + 2}, "receipts": {l.m.receipts.len(), p.MaxReceipts},
		"signals": {l.m.signals.len(), p.MaxSignals}, "verifying": {len(l.m.verifying), 0},
	} {
		if c[0] > c[1] {
			t.Fatalf("%s: %d over %d", name, c[0], c[1])
		}
	}
	for _, n := range l.m.order {
		if n.held.len() > p.Ingress.MaxHeld || n.queue.waiting.len() > p.MaxQueuedAnnounces {
			t.Fatalf("%s: held %d, queued %d", n.info.Name, n.held.len(), n.queue.waiting.len())
		}
	}
	for _, e := range collect(l.m.PendingAnnounces()) {
		if e.Retries > p.RebroadcastRetries+1 {
			t.Fatalf("announce sent %d times", e.Retries)
		}
	}
}

// checkSent: every frame is a packet that the next node would parse, for an interface that exists.
func checkSent(t *testing.T, l *lab) {
	t.Helper()
	for _, f := range l.take() {
		if f.Interface == "" {
			t.Fatal("sent to nobody")
		}
		if _, err := rns.ParsePacket(mustHex(t, f.Raw)); err != nil {
			t.Fatalf("sent %v", err)
		}
	}
}

// FuzzInbound feeds a sequence of frames, each preceded by an interface, a wait and a length, and holds the machine to
// its bounds. The seeds are the packets of the vectors.
func FuzzInbound(f *testing.F) {
	var script []byte
	add := func(raw []byte) {
		if len(raw) > 0 && len(raw) < 600 {
			script = append(script, byte(len(script)), byte(len(script)/7), byte(len(raw)>>8), byte(len(raw)))
			script = append(script, raw...)
		}
	}
	file := vectortest.Load(f, coreVectors)
	for _, group := range []string{
		"local_clients", "inbound_local_delivery", "tunnel_restore", "transport_forwarding", "link_proof_transport", "announces",
		"path_requests", "path_update_scenarios", "proof_transport", "link_traffic_transport",
	} {
		for n := range file.Len(group) {
			var v any
			must(f, json.Unmarshal(file.Raw(group, n), &v))
			eachPacket(v, add)
			if len(script) > 1200 {
				f.Add(script, len(script)%2 == 0)
				script = nil
			}
		}
	}
	f.Fuzz(func(t *testing.T, script []byte, transport bool) {
		l := fuzzLab(t, transport)
		for len(script) > 4 {
			on, wait, size := script[0], script[1], int(script[2])<<8|int(script[3])
			script = script[4:]
			size = min(size, len(script))
			name := l.names[InterfaceID(int(on)%len(l.ids)+1)]
			l.now = l.now.Add(time.Duration(wait) * 100 * time.Millisecond)
			l.expire()
			l.in(name, script[:size])
			if on > 250 {
				l.apply(l.m.Maintain(l.now))
			}
			script = script[size:]
			checkBounds(t, l)
			checkSent(t, l)
		}
		l.run(l.seconds() + 3600)
		checkBounds(t, l)
		checkSent(t, l)
	})
}

// eachPacket finds the byte strings of a vector.
func eachPacket(v any, add func([]byte)) {
	switch v := v.(type) {
	case string:
		var h vectortest.Hex
		if len(v) >= 2*rns.HeaderMinSize && h.UnmarshalJSON([]byte(`"`+v+`"`)) == nil {
			add(h)
		}
	case []any:
		for _, e := range v {
			eachPacket(e, add)
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			eachPacket(v[k], add)
		}
	}
}

// FuzzAnnounce changes bytes of valid announces: whatever is accepted verifies.
func FuzzAnnounce(f *testing.F) {
	f.Add(uint16(3), byte(1), uint16(0), false)
	f.Add(uint16(90), byte(0), uint16(5), true)
	f.Fuzz(func(t *testing.T, at uint16, change byte, cut uint16, flag bool) {
		l := transportLab(t)
		l.add("a")
		dest, raw := announceOf(t, testIdentity(t, 1), l.now)
		original := string(raw)
		raw[int(at)%len(raw)] ^= change
		raw = raw[:len(raw)-int(cut)%len(raw)]
		if flag && len(raw) > 0 {
			raw[0] ^= flagContext
		}
		l.in("a", raw)
		p, err := rns.ParsePacket(raw)
		if err != nil || !l.m.HasPath(p.Dest) {
			return
		}
		a, err := rns.ParseAnnounce(p)
		must(t, err)
		must(t, a.Verify())
		must(t, a.VerifyHash())
		if string(raw[2:]) != original[2:] && p.Dest == dest && raw[18] == original[18] {
			t.Error("changed announce accepted")
		}
	})
}
