package api

import (
	"bytes"
	"os"
	"testing"
)

// TestOpenAPICurrent fails when the committed document is not what the
// operations say; the browser's types are generated from it.
func TestOpenAPICurrent(t *testing.T) {
	want, err := Document()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatal("openapi.json is stale: run go generate ./internal/api")
	}
}
