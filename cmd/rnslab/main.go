// Command rnslab drives Reticulum nodes for laboratories, interoperability work and bug reports.
package main

import (
	"context"
	"os"

	"meshchatx/internal/lab"
)

func main() {
	os.Exit(lab.Main(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
