package api

//go:generate go run ./gen openapi.json

import (
	"bytes"
	"encoding/json"
	"net/http"
)

// Document returns the OpenAPI 3.1 document, indented, as it is committed in
// openapi.json.
func Document() ([]byte, error) {
	a := New(http.NewServeMux(), Config{Version: "1"})
	raw, err := json.Marshal(a.OpenAPI())
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", " "); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}
