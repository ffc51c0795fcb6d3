package devicetest

import (
	"net"
	"sync"
)

// ServeTCP lets programs reach a device over the network, as RNodes with WLAN are, until the listener is closed. A new
// connection takes the device from the one before.
func ServeTCP(l net.Listener, d Device) error {
	var serving sync.WaitGroup
	var last net.Conn
	hangUp := func() {
		if last != nil {
			_ = last.Close()
		}
		serving.Wait()
	}
	defer hangUp()
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		hangUp()
		last = conn
		serving.Go(func() {
			_ = d.Serve(conn) // until either side hangs up
			_ = conn.Close()
		})
	}
}
