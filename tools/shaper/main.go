// Command shaper runs the bad medium of package shaper between two nodes. It prints {"port":N} and then takes one JSON
// object per line: {"set":{"bytes_per_second":N,"delay_ms":N,"loss":0.1}}, {"cut":true}, {"mend":true}, {"counters":true}.
// Every line is answered with one; it ends with its standard input. With -tap every frame becomes a line of a file.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"

	"meshchatx/interop/shaper"
	"meshchatx/rns"
)

type conditions struct {
	BytesPerSecond int     `json:"bytes_per_second"`
	DelayMS        int     `json:"delay_ms"`
	Loss           float64 `json:"loss"`
}

type command struct {
	Set                 *conditions `json:"set"`
	Cut, Mend, Counters bool
}

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address to listen on")
	target := flag.String("target", "", "address to connect to")
	seed := flag.Uint64("seed", 1, "which frames are lost")
	tap := flag.String("tap", "", "file for one line of JSON per frame")
	flag.Parse()
	p, err := shaper.Listen(*listen, *target, shaper.Conditions{}, *seed)
	if err != nil {
		fmt.Fprintln(os.Stderr, "shaper:", err)
		os.Exit(1)
	}
	defer p.Close()
	if *tap != "" {
		f, err := os.Create(*tap)
		if err != nil {
			fmt.Fprintln(os.Stderr, "shaper:", err)
			os.Exit(1)
		}
		defer f.Close()
		record(p, f)
	}
	out := json.NewEncoder(os.Stdout)
	_ = out.Encode(map[string]int{"port": p.Addr().Port})
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		var c command
		if err := json.Unmarshal(in.Bytes(), &c); err != nil {
			_ = out.Encode(map[string]string{"error": err.Error()})
			continue
		}
		apply(p, c)
		_ = out.Encode(p.Counters())
	}
}

func apply(p *shaper.Proxy, c command) {
	if c.Set != nil {
		p.Set(shaper.Conditions{
			BytesPerSecond: c.Set.BytesPerSecond, Delay: time.Duration(c.Set.DelayMS) * time.Millisecond, Loss: c.Set.Loss,
		})
	}
	if c.Cut {
		p.Cut()
	}
	if c.Mend {
		p.Mend()
	}
}

// tapped is a line of the tap: what the packet says of itself, and what became of it.
type tapped struct {
	At       int64  `json:"at"` // Unix milliseconds
	ToTarget bool   `json:"to_target"`
	Lost     bool   `json:"lost"`
	Size     int    `json:"size"`
	Type     uint8  `json:"type"`
	DestType uint8  `json:"dest_type"`
	Context  uint8  `json:"context"`
	Dest     string `json:"dest"`
	Error    string `json:"error,omitempty"`
}

func record(p *shaper.Proxy, w *os.File) {
	lines := json.NewEncoder(w)
	p.Tap(func(f shaper.Frame) {
		t := tapped{At: f.At.UnixMilli(), ToTarget: f.ToTarget, Lost: f.Lost, Size: len(f.Packet)}
		if packet, err := rns.ParsePacket(f.Packet); err != nil {
			t.Error = err.Error()
		} else {
			t.Type, t.DestType, t.Context, t.Dest = uint8(packet.Type), uint8(packet.DestType), uint8(packet.Context), packet.Dest.Hex()
		}
		_ = lines.Encode(t)
	})
}
