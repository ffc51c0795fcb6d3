package profile

import (
	"path/filepath"

	"meshchatx/rns"
)

// Layout is where the parts of an identity are kept, for programs that prepare a
// storage directory before it is opened.
type Layout struct {
	Dir      string // created with mode 0700
	Key      string // file of the private key
	Database string
	Blobs    string
}

// LayoutOf is the layout of an identity in a storage directory.
func LayoutOf(storageDir string, identity rns.Addr) Layout {
	dir := filepath.Join(storageDir, identitiesDir, identity.Hex())
	return Layout{
		Dir: dir, Key: filepath.Join(dir, keyName), Database: filepath.Join(dir, databaseName), Blobs: filepath.Join(dir, blobDir),
	}
}
