package node

import (
	"errors"
	"os"
	"path/filepath"

	"meshchatx/rns"
)

// The reference keeps a file for each cached announce and each received ratchet, this implementation one for all. In a
// directory that the reference has used, the files of the reference are kept up as well, so that either can go on where the
// other stopped. spec: rns-core §4.5, §19.4

// folder is the ability of a storage to keep many small files that are cheap to lose.
type folder interface {
	// has tells whether there is a directory.
	has(dir string) bool
	// put replaces a file at once, but unlike Write does not wait until it is on disk.
	put(name string, data []byte) error
}

// exchange brings the files of the reference up to date: missing ones are written, those of nothing known are removed.
func (n *Node) exchange(t *tables) error {
	s, ok := n.env.storage.(folder)
	if !ok {
		return nil
	}
	var errs []error
	if t.set&setPaths != 0 && s.has(dirAnnounces) {
		wanted := make(map[string][]byte)
		t.announces(func(hash rns.Hash, raw []byte, label string) {
			wanted[hash.Hex()] = rns.AppendCachedAnnounce(nil, rns.CachedAnnounce{Raw: raw, Interface: label})
		})
		errs = append(errs, n.exchangeFolder(s, dirAnnounces, wanted, func(name string) bool {
			_, err := rns.ParseHash(name)
			return err == nil
		}))
	}
	if t.set&setKnown != 0 && s.has(dirRatchets) {
		wanted, keys := make(map[string][]byte), make(map[string]rns.RatchetPublic)
		for _, r := range t.ratchets.list {
			name := r.Destination.Hex()
			keys[name] = r.Ratchet
			wanted[name] = rns.AppendReceivedRatchet(nil, rns.ReceivedRatchet{Ratchet: r.Ratchet, Received: r.Received})
		}
		// A ratchet file keeps its name when the ratchet changes. The time belongs to the key: hearing it again renews nothing.
		changed := func(name string) bool {
			b, err := n.env.storage.Read(dirRatchets + "/" + name)
			if err != nil {
				return true
			}
			old, err := rns.ParseReceivedRatchet(b)
			key, known := keys[name]
			return err != nil || !known || old.Ratchet != key
		}
		errs = append(errs, n.exchangeFolder(s, dirRatchets, wanted, func(name string) bool {
			_, err := rns.ParseAddr(name)
			return err == nil && changed(name)
		}))
	}
	return errors.Join(errs...)
}

// exchangeFolder makes a directory hold the wanted files. stale tells which of the names that are there may be replaced or
// removed.
func (n *Node) exchangeFolder(s folder, dir string, wanted map[string][]byte, stale func(name string) bool) error {
	names, err := n.env.storage.List(dir)
	if err != nil {
		n.storageProblem(dir, err)
		return err
	}
	for _, name := range names {
		_, keep := wanted[name]
		switch {
		case !stale(name):
			delete(wanted, name)
		case !keep:
			if err := n.env.storage.Remove(dir + "/" + name); err != nil {
				n.storageProblem(dir, err)
				return err
			}
		case dir == dirAnnounces:
			delete(wanted, name) // the name says what is in it
		}
	}
	for name, b := range wanted {
		if err := s.put(dir+"/"+name, b); err != nil {
			n.storageProblem(dir, err)
			return err
		}
	}
	return nil
}

func (d *DirStorage) has(dir string) bool {
	p, err := d.path(dir)
	if err != nil {
		return false
	}
	st, err := os.Stat(p)
	return err == nil && st.IsDir()
}

func (d *DirStorage) put(name string, data []byte) error {
	p, err := d.path(name)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(p), tempPrefix+"*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(data)
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), p)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return nil
}
