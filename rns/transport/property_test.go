package transport

import (
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"meshchatx/rns"
)

// TestMachineProperties runs random but well-formed traffic, time and changes of interfaces through a machine with tiny
// tables: bounds hold, whatever is sent parses, and deadlines always advance.
func TestMachineProperties(t *testing.T) {
	rapid.Check(t, machineProperty(t))
}

// FuzzMachine is the same under the fuzzer: announces, packets, proofs, link traffic, path requests, packets of its own, changes
// of interfaces, time and housekeeping in any order.
func FuzzMachine(f *testing.F) {
	f.Fuzz(func(t *testing.T, script []byte) {
		rapid.MakeFuzz(machineProperty(t))(t, script)
	})
}

func machineProperty(t *testing.T) func(*rapid.T) {
	var identities []*rns.Identity
	for n := range byte(12) {
		identities = append(identities, testIdentity(t, n+1))
	}
	return func(r *rapid.T) {
		l := fuzzLab(t, rapid.Bool().Draw(r, "transport"))
		dest := func() rns.Addr {
			id := rapid.SampledFrom(identities).Draw(r, "identity")
			return rns.DestinationHash("test.t", id.Hash())
		}
		on := func() string {
			return rapid.SampledFrom(slices.Sorted(maps.Keys(l.ids))).Draw(r, "interface")
		}
		hops := rapid.Uint8Range(0, 127)
		check := func() { checkBounds(t, l); checkSent(t, l) }
		next := len(l.ids)
		r.Repeat(map[string]func(*rapid.T){
			"announce": func(r *rapid.T) {
				id := rapid.SampledFrom(identities).Draw(r, "id")
				at := l.base.Add(time.Duration(rapid.IntRange(-100, 100).Draw(r, "emitted")) * time.Second)
				via := rns.Addr{rapid.Byte().Draw(r, "via")}
				_, raw := announceOf(t, id, at, relayedBy(via, hops.Draw(r, "hops")), func(p *rns.Packet) {
					if rapid.Bool().Draw(r, "response") {
						p.Context = rns.ContextPathResponse
					}
				})
				l.in(on(), raw)
				check()
			},
			"data": func(r *rapid.T) {
				p := rns.Packet{
					Type: rapid.SampledFrom([]rns.PacketType{rns.PacketData, rns.PacketLinkRequest, rns.PacketProof}).Draw(r, "type"),
					Dest: dest(), Hops: hops.Draw(r, "hops"), Data: make([]byte, rapid.SampledFrom([]int{0, 20, 64, 67, 96, 400}).Draw(r, "size")),
				}
				if rapid.Bool().Draw(r, "transport header") {
					p.HeaderType, p.TransportType, p.TransportID = rns.HeaderType2, rns.TransportTransport, vectorTransportID
				}
				if len(p.Data) > 0 {
					p.Data[0] = rapid.Byte().Draw(r, "content")
				}
				l.in(on(), p.Append(nil))
				check()
			},
			"proof of a forwarded packet": func(r *rapid.T) {
				for e := range l.m.ReverseEntries() {
					raw := rns.Packet{Type: rns.PacketProof, Dest: e.Packet, Data: make([]byte, 64)}.Append(nil)
					l.in(on(), raw)
					break
				}
				check()
			},
			"link traffic": func(r *rapid.T) {
				for e := range l.m.Links() {
					l.in(on(), linkPacket(e.Link, hops.Draw(r, "hops"), rapid.String().Draw(r, "body")))
					break
				}
				check()
			},
			"request": func(r *rapid.T) {
				l.in(on(), requestFor(dest(), rapid.SliceOfN(rapid.Byte(), 1, 3).Draw(r, "tag")...))
				check()
			},
			"own packet": func(r *rapid.T) {
				prover := identities[0].Public()
				l.out(OutPacket{Raw: rns.Packet{Dest: dest(), Data: rapid.SliceOf(rapid.Byte()).Draw(r, "data")}.Append(nil), Prover: &prover})
				l.apply(l.m.RequestPath(l.now, PathRequest{Destination: dest()}))
				check()
			},
			"interface": func(r *rapid.T) {
				gone := on()
				l.apply(l.m.RemoveInterface(l.now, l.ids[gone]))
				delete(l.names, l.ids[gone])
				delete(l.ids, gone)
				next++
				info := InterfaceInfo{ID: InterfaceID(next), Name: gone, Bitrate: 1200, Mode: ModeGateway}
				must(t, l.m.AddInterface(l.now, info))
				l.ids[gone], l.names[info.ID] = info.ID, gone
				check()
			},
			"time": func(r *rapid.T) {
				l.run(l.seconds() + float64(rapid.SampledFrom([]int{1, 7, 30, 700, 90_000}).Draw(r, "seconds")))
				check()
			},
			"maintain": func(*rapid.T) {
				l.apply(l.m.Maintain(l.now))
				check()
			},
		})
	}
}
