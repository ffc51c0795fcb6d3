package framing_test

import (
	"fmt"

	"meshchatx/rns/iface/framing"
)

func Example() {
	stream := framing.AppendHDLC(nil, []byte("first"))
	stream = framing.AppendHDLC(stream, []byte("sec~nd"))

	d := framing.NewHDLC(framing.Limits{Max: 500})
	for _, chunk := range [][]byte{stream[:9], stream[9:]} {
		d.Feed(chunk, func(packet []byte) { fmt.Printf("%s\n", packet) })
	}
	// Output:
	// first
	// sec~nd
}
