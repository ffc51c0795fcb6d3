// Command meshchatx is a Reticulum node, an LXMF messenger and the web
// application over both.
package main

import (
	"os"

	"meshchatx/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], cli.System()))
}
