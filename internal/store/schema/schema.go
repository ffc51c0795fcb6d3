// Package schema holds the SQL of the program's databases as numbered migrations: one directory
// per kind of database, files NNNN_name.sql applied in order, each once. A file is never edited
// after a release; a change is a new file.
package schema

import (
	"embed"
	"io/fs"
)

//go:embed identity/*.sql server/*.sql
var files embed.FS

// Application ids written into the database files, so that a file of the wrong kind is refused.
const (
	IdentityApplication int32 = 0x4d435849 // "MCXI"
	ServerApplication   int32 = 0x4d435853 // "MCXS"
)

// Identity returns the migrations of an identity's database.
func Identity() fs.FS { return sub("identity") }

// Server returns the migrations of the server's database.
func Server() fs.FS { return sub("server") }

func sub(dir string) fs.FS {
	f, err := fs.Sub(files, dir)
	if err != nil {
		panic(err) // the directory is a constant of this package
	}
	return f
}
