package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"time"

	"meshchatx/internal/api"
	"meshchatx/internal/app"
)

// client talks to a running program the way a browser does. It trusts exactly
// the certificate the program wrote into its storage directory.
type client struct {
	base   string
	second string
	http   *http.Client
}

var errCertificate = errors.New("the program's certificate is not the one in the storage directory")

// dial exchanges a start token for a session.
func dial(ctx context.Context, i app.Instance, token string) (*client, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{ForceAttemptHTTP2: true}
	if i.Fingerprint != "" {
		transport.TLSClientConfig = pinned(i.Fingerprint)
	}
	c := &client{base: strings.TrimRight(i.URL, "/"), http: &http.Client{Jar: jar, Transport: transport}}
	var session api.NewSession
	if err := c.call(ctx, http.MethodPost, "/session", map[string]string{"token": token}, &session); err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	c.second = session.SecondToken
	return c, nil
}

func pinned(fingerprint string) *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, //nolint:gosec // the certificate itself is compared below
		VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {
			if len(raw) == 0 {
				return errCertificate
			}
			sum := sha256.Sum256(raw[0])
			if !strings.EqualFold(hex.EncodeToString(sum[:]), strings.ReplaceAll(fingerprint, ":", "")) {
				return errCertificate
			}
			return nil
		},
	}
}

const (
	readyEvery = 100 * time.Millisecond
	readyWait  = 15 * time.Second
)

// ready waits until the program has brought its identities online.
func (c *client) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWait)
	defer cancel()
	again := time.NewTicker(readyEvery)
	defer again.Stop()
	for {
		var s api.Status
		if err := c.call(ctx, http.MethodGet, "/status", nil, &s); err != nil || s.Ready {
			return err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return fmt.Errorf("the program does not come up: %w", context.Cause(ctx))
		}
	}
}

// close ends the session.
func (c *client) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_ = c.call(ctx, http.MethodDelete, "/session", nil, nil) // it would expire anyway
	c.http.CloseIdleConnections()
}

// call sends a JSON request below the API's prefix and reads a JSON answer.
func (c *client) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	return c.send(ctx, method, path, "application/json", body, out)
}

func (c *client) send(ctx context.Context, method, path, contentType string, body io.Reader, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, c.base+api.Prefix+path, body)
	if err != nil {
		return err
	}
	if body != nil {
		req.Header.Set("Content-Type", contentType)
	}
	req.Header.Set("Origin", c.base)
	req.Header.Set("User-Agent", "meshchatx-cli/"+version)
	if c.second != "" {
		req.Header.Set(api.SecondTokenHeader, c.second)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= http.StatusBadRequest {
		return problemOf(resp)
	}
	if out == nil || resp.StatusCode == http.StatusNoContent {
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	}
	return json.NewDecoder(resp.Body).Decode(out)
}

const maxProblem = 64 << 10

func problemOf(resp *http.Response) error {
	p := &api.Problem{Status: resp.StatusCode, Code: "http_" + resp.Status}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxProblem))
	if err != nil {
		return err
	}
	if json.Unmarshal(b, p) != nil {
		p.Detail = strings.TrimSpace(string(b))
	}
	return p
}
