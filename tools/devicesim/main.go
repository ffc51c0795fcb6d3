// Command devicesim simulates serial devices on pseudo-terminals, for trying out interfaces without hardware:
//
//	devicesim rnode  -n 2              two RNodes that hear each other
//	devicesim rnode  -chips 11,20      RNodes with several transceivers (codes of the chips in hexadecimal)
//	devicesim kiss   -n 2              two packet radio modems that hear each other
//	devicesim serial                   a cable between two serial ports
//
// It prints the path of each terminal, one per line, and serves until it is interrupted. With -link PREFIX the paths are
// PREFIX0, PREFIX1, … and stay the same when a device is unplugged and plugged in again. Lines on the standard input act on
// device N: "unplug N", "plug N", "noise N SHARE", and for RNodes "silent N", "repair N", "fail N CODE", "restart N".
//
// Linux only.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "devicesim:", err)
		os.Exit(1)
	}
}
