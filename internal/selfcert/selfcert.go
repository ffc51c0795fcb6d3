// Package selfcert keeps the certificate of a program that serves HTTPS on its own: ECDSA P-256,
// signed by itself, valid for this machine's names and addresses. The certificate lies in the storage
// directory (key 0600), stays the same from start to start, and is replaced before it expires or
// when a name is missing from it.
//
// Browsers warn once about such a certificate; people compare its fingerprint with the one the
// program prints.
package selfcert

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Names of the files in the storage directory.
const (
	CertFile = "certificate.pem"
	KeyFile  = "certificate-key.pem"
)

const (
	// life is as long as browsers accept a certificate somebody trusted by hand.
	life = 825 * 24 * time.Hour
	// renewBefore is how long before its end a certificate is replaced.
	renewBefore = 30 * 24 * time.Hour
	// backdate allows for clocks that are behind.
	backdate   = 24 * time.Hour
	serialBits = 128
)

// Fingerprint is the SHA-256 of a certificate.
type Fingerprint [sha256.Size]byte

// String returns the fingerprint as browsers show it: 32 pairs of digits with colons.
func (f Fingerprint) String() string {
	pairs := make([]string, len(f))
	for i, b := range f {
		pairs[i] = strings.ToUpper(hex.EncodeToString([]byte{b}))
	}
	return strings.Join(pairs, ":")
}

// Config says where the certificate lies and for what it must be valid.
type Config struct {
	// Dir is the storage directory; it must exist.
	Dir string
	// Hosts are names and addresses besides localhost, 127.0.0.1 and ::1.
	Hosts []string
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Source hands the certificate to a TLS server and renews it when its time comes. It is safe for
// concurrent use. Use Load, or FromFiles for a certificate of the owner's.
type Source struct {
	conf Config
	own  bool // made by us: may be renewed

	mu   sync.Mutex // guards cert
	cert *tls.Certificate
}

// Load returns the certificate of a directory, making a new one if there is none that serves.
func Load(c Config) (*Source, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	c.Hosts = names(c.Hosts)
	s := &Source{conf: c, own: true}
	cert, err := s.read()
	if err != nil || !s.serves(cert) {
		if cert, err = s.create(); err != nil {
			return nil, fmt.Errorf("make certificate: %w", err)
		}
	}
	s.cert = cert
	return s, nil
}

// FromFiles returns a source for a certificate given by the owner. It is read once.
func FromFiles(certFile, keyFile string) (*Source, error) {
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("read certificate %s: %w", certFile, err)
	}
	return &Source{conf: Config{Now: time.Now}, cert: &cert}, nil
}

// TLS returns the settings of a server with this certificate.
func (s *Source) TLS() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.current(), nil },
		NextProtos:     []string{"h2", "http/1.1"},
	}
}

// Fingerprint returns the fingerprint of the present certificate.
func (s *Source) Fingerprint() Fingerprint { return sha256.Sum256(s.current().Certificate[0]) }

// Expires returns when the present certificate ends.
func (s *Source) Expires() time.Time { return s.current().Leaf.NotAfter }

// current renews a certificate that is about to end; if that fails the old one is used on.
func (s *Source) current() *tls.Certificate {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.own && !s.serves(s.cert) {
		if cert, err := s.create(); err == nil {
			s.cert = cert
		}
	}
	return s.cert
}

// read loads the files. Anything wrong with them makes a new certificate, which is why the error
// needs no detail.
func (s *Source) read() (*tls.Certificate, error) {
	certPEM, err := os.ReadFile(filepath.Join(s.conf.Dir, CertFile))
	if err != nil {
		return nil, err
	}
	keyPEM, err := os.ReadFile(filepath.Join(s.conf.Dir, KeyFile))
	if err != nil {
		return nil, err
	}
	cert, err := tls.X509KeyPair(certPEM, keyPEM)
	return &cert, err
}

// serves reports whether a certificate is valid for long enough and for every name.
func (s *Source) serves(cert *tls.Certificate) bool {
	now := s.conf.Now()
	leaf := cert.Leaf
	if now.Before(leaf.NotBefore) || now.After(leaf.NotAfter.Add(-renewBefore)) {
		return false
	}
	return !slices.ContainsFunc(s.conf.Hosts, func(h string) bool { return leaf.VerifyHostname(h) != nil })
}

func (s *Source) create() (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), serialBits))
	if err != nil {
		return nil, err
	}
	now := s.conf.Now()
	t := x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "MeshChatX on this machine"},
		NotBefore: now.Add(-backdate), NotAfter: now.Add(life - backdate),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	for _, h := range s.conf.Hosts {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, &t, &t, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	if err := errors.Join(s.write(KeyFile, keyPEM), s.write(CertFile, certPEM)); err != nil {
		return nil, err
	}
	cert, err := tls.X509KeyPair(certPEM, keyPEM)
	return &cert, err
}

// write replaces a file at once; a crash between the two leaves files that do not fit together,
// which read notices.
func (s *Source) write(name string, content []byte) error {
	f, err := os.CreateTemp(s.conf.Dir, name+"-*") // 0600
	if err != nil {
		return err
	}
	_, err = io.Copy(f, bytes.NewReader(content))
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), filepath.Join(s.conf.Dir, name))
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// names returns the names a certificate must carry, without repetition and without what stands
// for "any address".
func names(hosts []string) []string {
	out := []string{"localhost", "127.0.0.1", "::1"}
	for _, h := range hosts {
		h = strings.ToLower(strings.TrimSuffix(strings.TrimSpace(h), "."))
		ip := net.ParseIP(h)
		if h == "" || ip != nil && ip.IsUnspecified() || ip == nil && !validName(h) {
			continue
		}
		if ip != nil {
			h = ip.String()
		}
		if !slices.Contains(out, h) {
			out = append(out, h)
		}
	}
	return out
}

// validName accepts what a certificate can name: letters, digits, hyphens and dots.
func validName(h string) bool {
	return len(h) <= 253 && !strings.ContainsFunc(h, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '.'
	})
}
