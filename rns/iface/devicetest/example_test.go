package devicetest_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"meshchatx/rns/iface/devicetest"
	"meshchatx/rns/iface/rnode"
)

// Two simulated radios hear each other.
func Example() {
	air := devicetest.NewAir()
	params := rnode.DefaultParams()
	params.Boot, params.Online = 0, 0
	var hosts [2]*devicetest.Host
	for i := range hosts {
		port := devicetest.NewMemoryPort(devicetest.NewRNode(air, devicetest.DefaultRNodeParams()))
		defer port.Close()
		radio, err := rnode.New(rnode.Config{
			Name: "radio", Port: "simulated", Open: port.Open, Frequency: 2_400_000_000, Bandwidth: 812_500, TXPower: 10,
			SpreadingFactor: 5, CodingRate: 5, Params: &params,
		})
		if err != nil {
			log.Fatal(err)
		}
		hosts[i] = devicetest.Serve(context.Background(), radio)
		defer func() { _ = hosts[i].Stop() }()
		select {
		case <-hosts[i].Started:
		case <-time.After(10 * time.Second):
			log.Fatal("the radio does not start")
		}
	}
	if err := hosts[0].Driver.Send([]byte("a packet of at least 20 bytes")); err != nil {
		log.Fatal(err)
	}
	f := <-hosts[1].Frames
	fmt.Printf("%s at %.0f dBm\n", f.Data, f.Signal.RSSI)
	// Output: a packet of at least 20 bytes at -60 dBm
}
