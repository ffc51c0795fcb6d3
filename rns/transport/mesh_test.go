package transport

import (
	"encoding/hex"
	"math/rand/v2"
	"testing"
	"time"

	"meshchatx/rns"
)

// mesh is a network of machines joined by links without delay, in one thread.
type mesh struct {
	t     *testing.T
	now   time.Time
	nodes []*lab
	// wires lead from node and interface to the other end.
	wires map[end]end
	queue []flight
	sent  map[string]int // transmissions of a packet by one node on one interface
}

type end struct {
	node  int
	iface InterfaceID
}

type flight struct {
	to  end
	raw []byte
}

func newMesh(t *testing.T, nodes int) *mesh {
	m := &mesh{t: t, now: clockBase, wires: make(map[end]end), sent: make(map[string]int)}
	for n := range nodes {
		m.nodes = append(m.nodes, newLab(t, Config{TransportID: rns.Addr{0xF0, byte(n)}, TransportEnabled: true}))
	}
	return m
}

func (m *mesh) join(a, b int) {
	attach := func(n int) end {
		l := m.nodes[n]
		id := InterfaceID(len(l.ids) + 1)
		return end{n, l.add(string(rune('a'+id)), func(i *InterfaceInfo) { i.Bitrate = 100_000_000 })}
	}
	x, y := attach(a), attach(b)
	m.wires[x], m.wires[y] = y, x
}

// collect moves what a node sent onto the wires.
func (m *mesh) collect(n int) {
	for _, f := range m.nodes[n].take() {
		from := end{n, m.nodes[n].ids[f.Interface]}
		raw, _ := hex.DecodeString(f.Raw)
		h := rns.PacketHash(raw)
		m.sent[string(rune(n))+f.Interface+string(h[:])]++
		m.queue = append(m.queue, flight{m.wires[from], raw})
	}
}

// settle delivers everything that is on its way.
func (m *mesh) settle() {
	for steps := 0; len(m.queue) > 0; steps++ {
		if steps > 200_000 {
			m.t.Fatal("packets circulate")
		}
		f := m.queue[0]
		m.queue = m.queue[1:]
		l := m.nodes[f.to.node]
		l.now = m.now
		l.in(l.names[f.to.iface], f.raw)
		m.collect(f.to.node)
	}
}

// run lets time pass.
func (m *mesh) run(d time.Duration) {
	for end := m.now.Add(d); m.now.Before(end); m.now = m.now.Add(50 * time.Millisecond) {
		for n, l := range m.nodes {
			l.now = m.now
			l.expire()
			m.collect(n)
		}
		m.settle()
	}
}

func (m *mesh) send(n int, raw []byte, prover *rns.PublicKey) rns.Verdict {
	m.nodes[n].now = m.now
	v := m.nodes[n].out(OutPacket{Raw: raw, Prover: prover})
	m.collect(n)
	m.settle()
	return v
}

// TestMesh builds random connected networks with cycles. Every node learns a path; nobody repeats an announce more than
// twice per interface; a packet along the path arrives once and its proof returns.
func TestMesh(t *testing.T) {
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 1))
		nodes := 3 + r.IntN(18)
		m := newMesh(t, nodes)
		for n := 1; n < nodes; n++ {
			m.join(n, r.IntN(n))
		}
		for range nodes {
			if a, b := r.IntN(nodes), r.IntN(nodes); a != b {
				m.join(a, b)
			}
		}
		owner, id := r.IntN(nodes), testIdentity(t, 1)
		dest, announce := announceOf(t, id, m.now)
		must(t, m.nodes[owner].m.RegisterDestination(dest, rns.DestSingle))
		m.send(owner, announce, nil)
		m.run(30 * time.Second)
		for key, n := range m.sent {
			if n > 2 {
				t.Fatalf("seed %d: one packet sent %d times by %q", seed, n, key[:2])
			}
		}
		public := id.Public()
		for n, l := range m.nodes {
			if n == owner {
				equal(t, "path to oneself", l.m.HasPath(dest), false)
				continue
			}
			if !l.m.HasPath(dest) {
				t.Fatalf("seed %d: node %d has no path", seed, n)
			}
			m.nodes[owner].delivered = nil
			raw := rns.Packet{Dest: dest, Data: []byte{byte(n), byte(seed)}}.Append(nil)
			equal(t, "sent", m.send(n, raw, &public), rns.VerdictForwarded)
			got := m.nodes[owner].delivered
			if len(got) != 1 || string(got[0].Packet.Data) != string([]byte{byte(n), byte(seed)}) {
				t.Fatalf("seed %d: from node %d arrived %d", seed, n, len(got))
			}
			if hops := l.m.HopsTo(dest); got[0].Packet.Hops != hops {
				t.Errorf("seed %d: node %d: %d hops, path says %d", seed, n, got[0].Packet.Hops, hops)
			}
			proof := rns.ProofPacket(got[0].Hash, rns.BuildProof(id, got[0].Hash, rns.ProofImplicit)).Append(nil)
			ol := m.nodes[owner]
			ol.apply(ol.m.Outbound(m.now, OutPacket{Raw: proof, Attached: got[0].Interface}))
			m.collect(owner)
			m.settle()
			e, ok := eventOf[PacketProved](l)
			equal(t, "proved", ok && e.Hash == got[0].Hash, true)
		}
	}
}
