package propagation

import "os"

// WriteUnsynced stores a file without waiting for the disk.
func WriteUnsynced(d *DirFiles, name string, data []byte) error {
	return os.WriteFile(d.dir+"/"+name, data, 0o600)
}

// Save writes the state of a node that is not served.
func (n *Node) Save() error { return n.save(n.cfg.Node.Now()) }
