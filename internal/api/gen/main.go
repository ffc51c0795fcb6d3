// Command gen writes the OpenAPI document of the program's HTTP interface to
// the file named by its argument, by default the committed one seen from the
// root of the module.
package main

import (
	"fmt"
	"os"

	"meshchatx/internal/api"
)

func main() {
	path := "internal/api/openapi.json"
	if len(os.Args) > 1 {
		path = os.Args[1]
	}
	doc, err := api.Document()
	if err == nil {
		err = os.WriteFile(path, doc, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}
