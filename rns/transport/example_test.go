package transport_test

import (
	"fmt"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/transport"
)

// zeros is the randomness of the example.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// A node that hears an announce learns the path, and sends the announce on when its time has come.
func Example() {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	m := transport.New(transport.Config{TransportID: rns.Addr{1}, TransportEnabled: true, Rand: zeros{}})
	for id, name := range []string{"", "radio", "internet"} {
		if id > 0 {
			info := transport.InterfaceInfo{ID: transport.InterfaceID(id), Name: name, Bitrate: 1_000_000}
			if err := m.AddInterface(now, info); err != nil {
				fmt.Println(err)
			}
		}
	}

	identity, _ := rns.NewIdentity(zeros{})
	announce, _ := rns.NewAnnounce(zeros{}, identity, rns.NameHashOf("example.chat"), nil, []byte("hello"), now)
	raw := announce.Packet(rns.ContextNone).Append(nil)

	fx := m.Inbound(now, transport.Frame{Interface: 1, Raw: raw})
	for _, job := range fx.Verify { // a node checks signatures in a pool
		fx = m.Verified(now, job.Run())
	}
	for _, e := range fx.Events {
		if a, ok := e.(transport.AnnounceReceived); ok {
			fmt.Printf("heard %q, %d hop away\n", a.AppData, a.Hops)
		}
	}
	now = m.Deadline()
	for _, s := range m.Expire(now).Send {
		fmt.Printf("send %d bytes on interface %d\n", len(s.Raw), s.Interface)
	}
	// Output:
	// heard "hello", 1 hop away
	// send 188 bytes on interface 1
	// send 188 bytes on interface 2
}
