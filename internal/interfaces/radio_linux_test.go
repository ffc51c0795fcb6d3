package interfaces

import (
	"fmt"
	"path/filepath"
	"testing"

	"meshchatx/rns/iface/devicetest"
)

// A radio from the file, over a pseudo-terminal: it is up, its device is pulled out and put back, it is switched off and on.
func TestRadioFromTheFileToTheAir(t *testing.T) {
	radio := devicetest.NewRNode(devicetest.NewAir(), devicetest.DefaultRNodeParams())
	path := filepath.Join(t.TempDir(), "ttyACM0")
	port, err := devicetest.NewTerminalPort(radio, path)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	t.Cleanup(port.Close)
	s, _ := overNode(t, fmt.Sprintf(`[interfaces]
[[Ridge]]
type = RNodeInterface
enabled = yes
port = %s
frequency = 869525000
bandwidth = 125000
txpower = 14
spreadingfactor = 8
codingrate = 5
`, path))
	is := func(state State, code string) func() bool {
		return func() bool {
			st, err := s.Get(t.Context(), "Ridge")
			if err != nil {
				t.Fatal(err)
			}
			return st.State == state && (code == "" || st.Code == code)
		}
	}
	await(t, "the radio is up", is(StateUp, ""))
	if set, on := radio.Radio(0); !on || set.Frequency != 869_525_000 || set.TXPower != 14 {
		t.Errorf("the radio is set to %+v", set)
	}
	if st, err := s.Get(t.Context(), "Ridge"); err != nil || st.Bitrate != 3125 {
		t.Errorf("status %+v: %v", st, err)
	}
	port.Unplug()
	await(t, "the loss is told", func() bool { return is(StateError, "no_device")() || is(StateConnecting, "no_device")() })
	if err := port.Plug(); err != nil {
		t.Fatal(err)
	}
	await(t, "the radio is back", is(StateUp, ""))
	if _, err := s.SetEnabled(t.Context(), "Ridge", false); err != nil {
		t.Fatal(err)
	}
	await(t, "the radio is off", is(StateOff, ""))
	await(t, "the device was told", func() bool { _, on := radio.Radio(0); return !on })
	if _, err := s.SetEnabled(t.Context(), "Ridge", true); err != nil {
		t.Fatal(err)
	}
	await(t, "the radio is up again", is(StateUp, ""))
}
