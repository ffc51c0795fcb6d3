// Command gen writes the OpenAPI document of the program's HTTP interface to
// the file named by its argument, or to standard output.
package main

import (
	"fmt"
	"os"

	"meshchatx/internal/api"
)

func main() {
	doc, err := api.Document()
	if err == nil && len(os.Args) > 1 {
		err = os.WriteFile(os.Args[1], doc, 0o644)
	} else if err == nil {
		_, err = os.Stdout.Write(doc)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}
