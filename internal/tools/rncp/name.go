package rncp

import "path/filepath"

// localName reports whether a name stays a plain file on this system: Windows has device names.
func localName(name string) bool { return filepath.IsLocal(name) && filepath.Base(name) == name }
