package interfaces

import "testing"

// What is pasted is meant to be used, unless the block says otherwise.
func TestPastedBlocksAreSwitchedOn(t *testing.T) {
	for _, tt := range []struct {
		line string
		on   bool
	}{
		{"", true}, {"enabled = yes", true}, {"enabled = no", false}, {"interface_enabled = no", false}, {"interface_enabled = yes", true},
	} {
		found, problems := new(Service).Parse("[[Hub]]\ntype = TCPClientInterface\ntarget_host = hub.example.org\ntarget_port = 4242\n" + tt.line + "\n")
		if len(found) != 1 || found[0].Enabled != tt.on {
			t.Errorf("%q: found %+v, %v; want it on: %v", tt.line, found, problems, tt.on)
		}
	}
}
