package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"meshchatx/rns/iface/devicetest"
	"meshchatx/rns/iface/serial"
	"meshchatx/rns/iface/serialport"
)

const patience = 20 * time.Second

// simulate runs the command and returns the paths it prints and its standard input.
func simulate(t *testing.T, args ...string) (paths []string, in io.Writer) {
	t.Helper()
	if _, err := os.Stat("/dev/ptmx"); err != nil {
		t.Skip(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	inRead, inWrite := io.Pipe()
	outRead, outWrite := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- run(ctx, args, inRead, outWrite, io.Discard)
		_ = outWrite.Close()
	}()
	t.Cleanup(func() {
		cancel()
		_ = inWrite.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	lines := bufio.NewScanner(outRead)
	for len(paths) < 2 && lines.Scan() {
		paths = append(paths, lines.Text())
	}
	if len(paths) < 2 {
		t.Fatal(<-done)
	}
	return paths, inWrite
}

func TestCableOnTheCommandLine(t *testing.T) {
	prefix := filepath.Join(t.TempDir(), "tty")
	paths, in := simulate(t, "serial", "-link", prefix)
	if paths[0] != prefix+"0" || paths[1] != prefix+"1" {
		t.Errorf("paths %v", paths)
	}
	var hosts [2]*devicetest.Host
	for i, p := range paths {
		d, err := serial.New(serial.Config{Name: "x", Settings: serialport.Settings{Port: p}})
		if err != nil {
			t.Fatal(err)
		}
		hosts[i] = devicetest.Serve(t.Context(), d)
		t.Cleanup(func() { _ = hosts[i].Stop() })
		select {
		case <-hosts[i].Started:
		case <-time.After(patience):
			t.Fatal("not up")
		}
	}
	want := bytes.Repeat([]byte{1, 2, 3}, 20)
	if err := hosts[0].Driver.Send(want); err != nil {
		t.Fatal(err)
	}
	select {
	case f := <-hosts[1].Frames:
		if !bytes.Equal(f.Data, want) {
			t.Errorf("received %x", f.Data)
		}
	case <-time.After(patience):
		t.Fatal("nothing arrived")
	}
	if _, err := io.WriteString(in, "nonsense\nunplug 0\n"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-hosts[0].Done():
		if err := hosts[0].Wait(); !errors.Is(err, serialport.ErrUnplugged) {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Fatal("not unplugged")
	}
}

func TestArguments(t *testing.T) {
	for _, args := range [][]string{
		nil, {"toaster"}, {"rnode", "-n", "0"}, {"rnode", "-firmware", "new"}, {"rnode", "-chips", "xyz"}, {"kiss", "-n", "65"},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := run(ctx, args, bytes.NewReader(nil), io.Discard, io.Discard); err == nil {
			t.Errorf("%v: accepted", args)
		}
	}
}

func TestCommandsForDevices(t *testing.T) {
	s := &simulation{
		rnodes: map[int]*devicetest.RNode{0: devicetest.NewRNode(devicetest.NewAir(), devicetest.DefaultRNodeParams())},
		faults: make(map[int]devicetest.RNodeFaults), ports: make([]*devicetest.Port, 2),
	}
	for line, ok := range map[string]bool{
		"silent 0": true, "repair 0": true, "fail 0 5": true, "restart 0": true, "noise 0 0.5": true, "silent 1": false,
		"silent": false, "silent 7": false, "noise 0 much": false, "dance 0": false,
	} {
		if err := s.act(strings.Fields(line)); (err == nil) != ok {
			t.Errorf("%s: %v", line, err)
		}
	}
}
