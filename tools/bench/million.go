package main

import (
	"fmt"
	"io"
	"io/fs"
	"net"
	"path/filepath"
	"time"
)

// crowdStep is how many people announce themselves at a time: what they say is made while the node works.
const crowdStep = 20_000

// million has a transport node hear of a million destinations, save them, and start again with them. The node connects to us:
// the interfaces a listener spawns are others after a restart, and their paths do not come back.
func (s *session) million() error {
	storage, err := mkdir(s.dir)
	if err != nil {
		return err
	}
	hub, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer hub.Close()
	if err := s.hear(hub, storage); err != nil {
		return err
	}
	size, err := diskUse(storage)
	if err != nil {
		return err
	}
	s.record("million-file", size/float64(s.destinations))
	begin := time.Now()
	n, c, err := s.join(hub, storage)
	if err != nil {
		return err
	}
	defer n.close()
	defer c.Close()
	a, err := n.do("wait_paths", order{"n": s.destinations, "stall": 30})
	if err != nil {
		return err
	}
	if a.Paths < s.destinations {
		return fmt.Errorf("%d paths of %d came back", a.Paths, s.destinations)
	}
	s.record("million-load", a.T-float64(begin.UnixNano())/1e9)
	s.record("million-loaded", n.peak()/mib)
	return nil
}

// join starts a node that connects to us.
func (s *session) join(hub net.Listener, storage string) (*process, net.Conn, error) {
	n, err := s.node(hub.Addr().(*net.TCPAddr).Port, false, true, storage)
	if err != nil {
		return nil, nil, err
	}
	c, err := hub.Accept()
	if err != nil {
		n.close()
		return nil, nil, err
	}
	go func() { _, _ = io.Copy(io.Discard, c) }()
	return n, c, nil
}

// hear sends the announces and measures what they cost.
func (s *session) hear(hub net.Listener, storage string) error {
	n, c, err := s.join(hub, storage)
	if err != nil {
		return err
	}
	defer n.close()
	defer c.Close()
	before, err := n.do("stats", nil)
	if err != nil {
		return err
	}
	for sent := 0; sent < s.destinations; sent += crowdStep {
		raw, err := crowd(min(crowdStep, s.destinations-sent))
		if err != nil {
			return err
		}
		if _, err := c.Write(raw); err != nil {
			return fmt.Errorf("after %d announces: %w", sent, err)
		}
	}
	a, err := n.do("wait_paths", order{"n": s.destinations, "stall": 10})
	if err != nil {
		return err
	}
	s.record("million-lost", float64(s.destinations-a.Paths))
	s.record("million-memory", n.memory()/mib)
	after, err := n.do("stats", nil)
	if err != nil {
		return err
	}
	s.record("million-known", (after.Heap-before.Heap)/float64(s.destinations))
	if a, err = n.do("stop", nil); err != nil {
		return err
	}
	s.record("million-save", a.Seconds[0])
	s.record("million-peak", n.peak()/mib)
	return nil
}

// diskUse is the size of the files below a directory, in bytes.
func diskUse(dir string) (sum float64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			sum += float64(info.Size())
		}
		return err
	})
	return sum, err
}
