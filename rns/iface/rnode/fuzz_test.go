package rnode

import (
	"bytes"
	"testing"
	"time"

	"meshchatx/rns/iface/framing"
)

// FuzzState feeds a device's stream in two pieces: nothing panics, what is remembered stays bounded, and signals do not
// outlive their packet.
func FuzzState(f *testing.F) {
	f.Add([]byte{0xc0, 0x08, 0x46, 0xc0, 0xc0, 0x50, 1, 82, 0xc0}, 3)
	f.Add([]byte{0xc0, 0x23, 0x41, 0xc0, 0xc0, 0x24, 0xec, 0xc0, 0xc0, 0x00, 1, 2, 3, 0xc0}, 6)
	f.Add([]byte{0xc0, 0x90, 5, 0xc0, 0x90, 6, 0xc0, 0x90, 1, 0xc0, 0x71, 0, 1, 1, 0x20, 0xc0}, 1)
	f.Add([]byte{0xc0, 0x25, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0xc0, 0x26, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 0xc0}, 9)
	f.Fuzz(func(t *testing.T, stream []byte, cut int) {
		frames := framing.NewKISS(framing.Limits{Max: maxReport})
		var s State
		at := min(max(cut, 0), len(stream))
		for _, part := range [][]byte{bytes.Clone(stream[:at]), bytes.Clone(stream[at:])} {
			frames.Feed(part, func(c byte, data []byte) {
				event, err := s.Apply(time.Unix(0, 0), Command(c), data)
				if (event == EventFault || event == EventFailure) != (Command(c) == CommandError && len(data) > 0) {
					t.Fatalf("event %d of command %x", event, c)
				}
				if event == EventFailure && err == nil {
					t.Fatal("failure without a reason")
				}
				if event == EventPacket {
					s.TakeSignal()
					if s.Signal.HasRSSI || s.Signal.HasSNR {
						t.Fatal("a signal outlives its packet")
					}
				}
			})
		}
		if len(s.Stats.Faults) > maxFaults || len(s.Transceivers) > maxInterfaces {
			t.Fatal("unbounded state")
		}
		st := s.Status(Setup{})
		if st.Bitrate < 0 || st.PacketQuality.Value < 0 || st.PacketQuality.Value > 100 {
			t.Fatalf("status %+v", st)
		}
		_ = Airtime(s.Radio, len(stream))
	})
}
