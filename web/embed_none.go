//go:build noweb

// Package web carries the built web application inside the binary. This build
// was made with the tag noweb and carries none.
package web

import (
	"embed"
	"io/fs"
)

// Dist returns an empty file system.
func Dist() fs.FS { return embed.FS{} }
