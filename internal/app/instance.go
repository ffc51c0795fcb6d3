package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const instanceName = "instance.json"

// Instance is what a running program leaves in its storage directory for the
// other commands. It holds no secret; the token that grants access is in a file
// of its own.
type Instance struct {
	URL         string `json:"url"`         // address of the web interface
	Fingerprint string `json:"fingerprint"` // SHA-256 of its certificate in hexadecimal; empty: plain HTTP
	PID         int    `json:"pid"`
	Version     string `json:"version"`
}

// ErrNotRunning means that no program works on the storage directory.
var ErrNotRunning = errors.New("no program is running on this storage directory")

func (i Instance) write(dir string) error {
	b, err := json.MarshalIndent(i, "", " ")
	if err != nil {
		return err
	}
	name := filepath.Join(dir, instanceName)
	tmp := name + ".tmp"
	if err := os.WriteFile(tmp, append(b, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, name)
}

// FindInstance reads what the program running on a storage directory says about
// itself.
func FindInstance(dir string) (Instance, error) {
	if running, err := locked(dir); err != nil || !running {
		return Instance{}, errors.Join(ErrNotRunning, err)
	}
	b, err := os.ReadFile(filepath.Join(dir, instanceName))
	if err != nil {
		return Instance{}, fmt.Errorf("%w, or it is starting: %w", ErrNotRunning, err)
	}
	var i Instance
	if err := json.Unmarshal(b, &i); err != nil {
		return Instance{}, fmt.Errorf("read %s: %w", instanceName, err)
	}
	return i, nil
}

// locked reports whether a process holds the directory.
func locked(dir string) (bool, error) {
	if _, err := os.Stat(filepath.Join(dir, lockName)); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	l, err := lockDir(dir)
	if errors.Is(err, ErrInUse) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return false, l.release()
}
