package router

// check looks at what must always hold.
func (d *driver) check() {
	m := d.m
	counts, uploads := make(map[*peer]int), make(map[*peer]int)
	for id, x := range m.messages {
		counts[x.peer]++
		if x.up.via != nil {
			uploads[x.up.via]++
		}
		places := 0
		for _, in := range []bool{
			x.peer.loose[id] == x, x.peer.heard[id] == x, x.channel != nil, contains(m.stampLine, x),
			x.up.lack != nil && x.up.lack.keyless[id] == x,
			contains(x.hop().packets.waiting, x) || contains(x.hop().resources.waiting, x),
		} {
			if in {
				places++
			}
		}
		if places != 1 {
			d.t.Fatalf("message in stage %s stands in %d places", x.stage, places)
		}
		if x.channel != nil && (m.channels[x.channel.ref] != x.channel || x.channel.inflight[id] != x) {
			d.t.Fatal("message on a link that is gone")
		}
	}
	for addr, p := range m.peers {
		if p.count != counts[p] || p.addr != addr {
			d.t.Fatalf("peer counts %d messages, has %d", p.count, counts[p])
		}
		if p.uploads != uploads[p] {
			d.t.Fatalf("node counts %d messages, has %d", p.uploads, uploads[p])
		}
		if p.idle() && m.nodes.chosen.Node != p.addr && !m.wantsLink(p) {
			d.t.Fatal("peer without anything is kept")
		}
	}
	for _, x := range m.stampLine {
		if m.messages[x.id] != x {
			d.t.Fatal("a message that has ended waits for its stamp")
		}
	}
	opening := 0
	for _, ch := range m.channels {
		packets := len(ch.inflight)
		if ch.resource != nil {
			packets--
		}
		if packets != ch.packets {
			d.t.Fatalf("link counts %d packets, has %d", ch.packets, packets)
		}
		if !ch.up {
			opening++
		}
	}
	if opening != m.opening {
		d.t.Fatalf("counts %d links being opened, has %d", m.opening, opening)
	}
}

func contains(list []*delivery, x *delivery) bool {
	for _, o := range list {
		if o == x {
			return true
		}
	}
	return false
}
