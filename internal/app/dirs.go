package app

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// errNoHome means that no directory can be chosen without being told.
var errNoHome = errors.New("no home directory is known: name a directory with --storage-dir and --reticulum-config-dir")

// DefaultStorageDir is the platform's place for a program's data.
func DefaultStorageDir(getenv func(string) string) (string, error) {
	home := getenv("HOME")
	switch runtime.GOOS {
	case "windows":
		if dir := getenv("LocalAppData"); dir != "" {
			return filepath.Join(dir, "MeshChatX"), nil
		}
		home = getenv("USERPROFILE")
	case "darwin":
		if home != "" {
			return filepath.Join(home, "Library", "Application Support", "MeshChatX"), nil
		}
	default:
		if dir := getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
			return filepath.Join(dir, "meshchatx"), nil
		}
	}
	if home == "" {
		return "", errNoHome
	}
	return filepath.Join(home, ".local", "share", "meshchatx"), nil
}

// DefaultReticulumDir is the configuration directory every Reticulum program on
// this machine would use. spec: rns-core §23.1
func DefaultReticulumDir(getenv func(string) string) (string, error) {
	return searchReticulumDir("/etc/reticulum", getenv("HOME"), getenv("USERPROFILE"))
}

func searchReticulumDir(system string, homes ...string) (string, error) {
	if hasConfig(system) {
		return system, nil
	}
	for _, home := range homes {
		if home == "" {
			continue
		}
		if dir := filepath.Join(home, ".config", "reticulum"); hasConfig(dir) {
			return dir, nil
		}
		return filepath.Join(home, ".reticulum"), nil
	}
	return "", errNoHome
}

func hasConfig(dir string) bool {
	st, err := os.Stat(filepath.Join(dir, "config"))
	return err == nil && st.Mode().IsRegular()
}

// ServerDatabase is the file of a storage directory that holds what belongs to
// no identity, for programs that prepare one before it is opened.
func ServerDatabase(storageDir string) string { return filepath.Join(storageDir, serverDatabase) }

// unfinishedAge is the age at which an unfinished file belongs to nobody any more.
const unfinishedAge = time.Hour

// sweepUnfinished removes files that a killed program has left half written. The directory may be shared with running ones.
func sweepUnfinished(dir string, patterns ...string) {
	for _, p := range patterns {
		names, _ := filepath.Glob(filepath.Join(dir, p)) // the patterns are well-formed
		for _, name := range names {
			if st, err := os.Lstat(name); err == nil && st.Mode().IsRegular() && time.Since(st.ModTime()) > unfinishedAge {
				_ = os.Remove(name) // the next start tries again
			}
		}
	}
}
