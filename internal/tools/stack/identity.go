package stack

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"meshchatx/internal/keyfile"
	"meshchatx/rns"
)

// Identity reads the identity of a tool, from a file if one is named, else from the storage of the configuration directory.
// It is made if there is none. spec: rns-link §13
func Identity(dir, tool, file string) (*rns.Identity, error) {
	if file == "" {
		file = filepath.Join(StorageDir(dir), "identities", tool)
	}
	id, err := keyfile.Read(file)
	if err == nil {
		return id, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("identity %s: %w", file, err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, err
	}
	if id, err = rns.NewIdentity(rand.Reader); err != nil {
		return nil, err
	}
	err = keyfile.Create(file, id)
	if errors.Is(err, fs.ErrExist) { // another tool was faster
		return keyfile.Read(file)
	}
	return id, err
}

// maxAllowed bounds a list of allowed identities.
const maxAllowed = 1 << 20

// Allowed reads the identities a tool takes requests of: those named, and those of the first file that exists of
// /etc/TOOL/allowed_identities, ~/.config/TOOL/allowed_identities and ~/.TOOL/allowed_identities. Lines that are no hash are
// skipped there. file is the one that was read, if any. spec: rns-link §13.2
func Allowed(tool, home string, named []string) (list []rns.Addr, file string, err error) {
	for _, s := range named {
		a, err := rns.ParseAddr(s)
		if err != nil {
			return nil, "", fmt.Errorf("allowed identity %q: %w", s, err)
		}
		list = append(list, a)
	}
	dirs := []string{filepath.Join("/etc", tool)}
	if home != "" {
		dirs = append(dirs, filepath.Join(home, ".config", tool), filepath.Join(home, "."+tool))
	}
	for _, dir := range dirs {
		name := filepath.Join(dir, "allowed_identities")
		more, err := readAllowed(name)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			continue
		}
		return append(list, more...), name, err
	}
	return list, "", nil
}

func readAllowed(name string) ([]rns.Addr, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var list []rns.Addr
	lines := bufio.NewScanner(io.LimitReader(f, maxAllowed))
	for lines.Scan() {
		if a, err := rns.ParseAddr(strings.TrimSpace(lines.Text())); err == nil {
			list = append(list, a)
		}
	}
	return list, lines.Err()
}
