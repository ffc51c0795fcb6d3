package selfcert

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func load(t *testing.T, c Config) *Source {
	t.Helper()
	s, err := Load(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestCertificateStaysUntilItMustChange(t *testing.T) {
	dir := t.TempDir()
	now := start
	conf := Config{Dir: dir, Hosts: []string{"Mesh.Local.", "192.168.1.5", "0.0.0.0", "bad name", "localhost"}, Now: func() time.Time { return now }}
	first := load(t, conf)
	if again := load(t, conf); again.Fingerprint() != first.Fingerprint() {
		t.Error("the certificate changed from start to start")
	}
	leaf := first.current().Leaf
	for _, h := range []string{"localhost", "127.0.0.1", "::1", "mesh.local", "192.168.1.5"} {
		if err := leaf.VerifyHostname(h); err != nil {
			t.Error(err)
		}
	}
	if leaf.VerifyHostname("0.0.0.0") == nil || len(leaf.DNSNames) != 2 {
		t.Errorf("certificate for %v %v", leaf.DNSNames, leaf.IPAddresses)
	}
	more := conf
	more.Hosts = append(more.Hosts, "other.local")
	second := load(t, more)
	if second.Fingerprint() == first.Fingerprint() {
		t.Error("no new certificate for a new name")
	}
	if fewer := load(t, conf); fewer.Fingerprint() != second.Fingerprint() {
		t.Error("a new certificate although the old one covers every name")
	}
	now = second.Expires().Add(-31 * 24 * time.Hour)
	if load(t, more).Fingerprint() != second.Fingerprint() {
		t.Error("renewed too early")
	}
	now = second.Expires().Add(-29 * 24 * time.Hour)
	if second.Fingerprint() == load(t, conf).Fingerprint() && !second.Expires().After(now.Add(renewBefore)) {
		t.Error("not renewed while running")
	}
}

func TestClockThatWasWrong(t *testing.T) {
	dir := t.TempDir()
	now := start.AddDate(5, 0, 0)
	conf := Config{Dir: dir, Now: func() time.Time { return now }}
	future := load(t, conf).Fingerprint()
	now = start
	if load(t, conf).Fingerprint() == future {
		t.Error("a certificate that is not valid yet is kept")
	}
}

func TestDamagedFilesAreReplaced(t *testing.T) {
	for name, damage := range map[string]func(dir string) error{
		"no key": func(dir string) error { return os.Remove(filepath.Join(dir, KeyFile)) },
		"cut":    func(dir string) error { return os.WriteFile(filepath.Join(dir, CertFile), []byte("-----BEGIN"), 0o600) },
		"key of another": func(dir string) error {
			other := filepath.Join(dir, "other")
			if err := os.Mkdir(other, 0o700); err != nil {
				return err
			}
			if _, err := Load(Config{Dir: other}); err != nil {
				return err
			}
			return os.Rename(filepath.Join(other, KeyFile), filepath.Join(dir, KeyFile))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			before := load(t, Config{Dir: dir}).Fingerprint()
			if err := damage(dir); err != nil {
				t.Fatal(err)
			}
			after := load(t, Config{Dir: dir}).Fingerprint()
			if after == before || load(t, Config{Dir: dir}).Fingerprint() != after {
				t.Error("not replaced once and for all")
			}
		})
	}
}

func TestFilesArePrivate(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no file modes; access there is by ACL")
	}
	dir := t.TempDir()
	load(t, Config{Dir: dir})
	for _, name := range []string{CertFile, KeyFile} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

func TestServesTLS(t *testing.T) {
	dir := t.TempDir()
	s := load(t, Config{Dir: dir})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{TLSConfig: s.TLS(), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Proto)
	})}
	served := make(chan error, 1)
	go func() { served <- server.ServeTLS(listener, "", "") }()
	defer func() {
		_ = server.Close()
		<-served
	}()
	pool := x509.NewCertPool()
	pool.AddCert(s.current().Leaf)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}}
	defer client.CloseIdleConnections()
	resp, err := client.Get("https://" + listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if b, _ := io.ReadAll(resp.Body); string(b) != "HTTP/2.0" {
		t.Errorf("served by %s", b)
	}
	if f := s.Fingerprint().String(); len(f) != 95 || strings.Count(f, ":") != 31 || f != strings.ToUpper(f) {
		t.Errorf("fingerprint %s", f)
	}
	given, err := FromFiles(filepath.Join(dir, CertFile), filepath.Join(dir, KeyFile))
	if err != nil || given.Fingerprint() != s.Fingerprint() {
		t.Errorf("given certificate: %v", err)
	}
	if _, err := FromFiles(filepath.Join(dir, "none"), filepath.Join(dir, KeyFile)); err == nil {
		t.Error("missing file accepted")
	}
}
