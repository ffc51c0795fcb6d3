//go:build !noweb

// Package web carries the built web application inside the binary.
//
// The directory dist is written by `npm run build`; without a build it holds
// only a marker file, so that the module always compiles. Build with the tag
// noweb for a binary without the application.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Dist returns the built web application: index.html, hashed files under
// assets/, and next to each compressible file its .br and .gz forms.
// Without a build the file system holds no index.html.
func Dist() fs.FS {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		// The directory is named by the embed directive above.
		panic(err)
	}
	return sub
}
