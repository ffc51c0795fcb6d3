// Package devicetest simulates serial devices: RNodes with one or several radios, packet radio modems that speak KISS, and
// a cable between two serial ports. The simulated radios hear each other over an [Air] that takes the time the radio
// parameters say.
//
// A device is plugged into a [Port]. A memory port is opened through its Open method, which fits the Open field of the
// drivers, and works under testing/synctest. A terminal port is a pseudo-terminal with a path, for any program that opens
// serial ports; it exists on Linux only. Unplug and Plug pull the device out and put it back.
//
//	air := devicetest.NewAir()
//	port := devicetest.NewMemoryPort(devicetest.NewRNode(air, devicetest.DefaultRNodeParams()))
//	defer port.Close()
//	d, err := rnode.New(rnode.Config{Name: "radio", Port: "simulated", Open: port.Open, …})
//
// The package belongs to tests and to the command tools/devicesim; it is kept compatible like any other.
//
// spec: rns-interfaces §10, §12, §13
package devicetest
