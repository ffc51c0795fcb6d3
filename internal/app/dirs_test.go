package app

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// spec: rns-core §23.1
func TestReticulumDirOrder(t *testing.T) {
	system, home := filepath.Join(t.TempDir(), "etc"), t.TempDir()
	want := func(dir string) {
		t.Helper()
		got, err := searchReticulumDir(system, home)
		if err != nil || got != dir {
			t.Fatalf("got %q, %v; want %q", got, err, dir)
		}
	}
	put := func(dir string) {
		t.Helper()
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "config"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want(filepath.Join(home, ".reticulum"))
	if err := os.MkdirAll(filepath.Join(home, ".config", "reticulum"), 0o700); err != nil {
		t.Fatal(err)
	}
	want(filepath.Join(home, ".reticulum")) // a directory without a config file does not count
	put(filepath.Join(home, ".config", "reticulum"))
	want(filepath.Join(home, ".config", "reticulum"))
	put(system)
	want(system)
	if _, err := searchReticulumDir(filepath.Join(home, "none"), ""); !errors.Is(err, errNoHome) {
		t.Fatal(err)
	}
}

func TestLockKeepsSecondOut(t *testing.T) {
	dir := t.TempDir()
	first, err := lockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lockDir(dir); !errors.Is(err, ErrInUse) {
		t.Fatalf("second: %v", err)
	}
	if err := first.release(); err != nil {
		t.Fatal(err)
	}
	again, err := lockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.release(); err != nil {
		t.Fatal(err)
	}
}
