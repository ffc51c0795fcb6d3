package app

import (
	"os"
	"testing"
)

// Environment variables that make the test binary something else.
const (
	envSave = "MESHCHATX_TEST_SAVE" // saves files in this directory until it is killed
	envDisk = "MESHCHATX_TEST_DISK" // runs in namespaces of its own and may mount a small disk here
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(envSave); dir != "" {
		saveForever(dir)
		return
	}
	os.Exit(m.Run())
}
