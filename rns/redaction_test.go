package rns_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"meshchatx/rns"
)

// Nothing that holds a secret shows it, whichever way it is printed.
func TestSecretsAreNeverPrinted(t *testing.T) {
	id, err := rns.NewIdentity(counting(1))
	check(t, err)
	ratchet, err := rns.NewRatchet(counting(2))
	check(t, err)
	access, err := rns.NewIFAC("a network", "a passphrase", 16)
	check(t, err)
	token, err := rns.NewToken(bytes.Repeat([]byte{0xA7}, 64))
	check(t, err)
	_, derived, _ := rns.IFACKeys("a network", "a passphrase", access)
	secrets := [][]byte{id.Bytes()[:32], id.Bytes()[32:], ratchet.Bytes(), derived[:32], derived[32:], bytes.Repeat([]byte{0xA7}, 32)}

	values := map[string]any{
		"identity": id, "identity value": reflect.ValueOf(id).Elem().Interface(), "struct": struct{ ID *rns.Identity }{id},
		"ratchet": ratchet, "ratchets": []rns.RatchetPrivate{ratchet}, "ratchet pointer": &ratchet,
		"unexported": struct {
			id      *rns.Identity
			ratchet rns.RatchetPrivate
			access  *rns.IFAC
			token   *rns.Token
		}{id, ratchet, access, token},
		"access code": access, "access code value": reflect.ValueOf(access).Elem().Interface(), "token": token,
	}
	for name, v := range values {
		for _, out := range printed(t, v) {
			for _, secret := range secrets {
				if strings.Contains(out, string(secret)) || strings.Contains(strings.ToLower(out), hex.EncodeToString(secret[:8])) ||
					strings.Contains(out, strings.Trim(fmt.Sprint(secret[:6]), "[]")) {
					t.Errorf("%s shows a key: %s", name, out)
				}
			}
		}
	}
}

func printed(t *testing.T, v any) []string {
	t.Helper()
	out := []string{fmt.Sprint(v)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		out = append(out, fmt.Sprintf(verb, v))
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
	out = append(out, log.String())
	if b, err := json.Marshal(v); err == nil {
		out = append(out, string(b))
	}
	return out
}

func TestSecretsAreNotComparable(t *testing.T) {
	for _, v := range []any{rns.Identity{}, rns.RatchetPrivate{}, rns.IFAC{}} {
		if reflect.TypeOf(v).Comparable() {
			t.Errorf("%T is comparable", v)
		}
	}
}

// A dry source of randomness is an error everywhere and never a weak key.
func TestRandomnessFailureIsReported(t *testing.T) {
	id, err := rns.NewIdentity(counting(1))
	check(t, err)
	token, err := rns.NewToken(make([]byte, 64))
	check(t, err)
	dry := func() io.Reader { return bytes.NewReader(make([]byte, 4)) }
	for name, draw := range map[string]func() error{
		"identity": func() error { _, err := rns.NewIdentity(dry()); return err },
		"ratchet":  func() error { _, err := rns.NewRatchet(dry()); return err },
		"encrypt":  func() error { _, err := id.Public().Encrypt(dry(), nil, nil); return err },
		"token":    func() error { _, err := token.Encrypt(dry(), nil, nil); return err },
		"announce": func() error {
			_, err := rns.NewAnnounce(dry(), id, rns.NameHash{}, nil, nil, epoch)
			return err
		},
		"path request": func() error { _, err := rns.NewPathRequest(dry(), rns.Addr{}, rns.Addr{}); return err },
		"tunnel":       func() error { _, err := rns.NewTunnelSynthesis(dry(), id, rns.Hash{}); return err },
	} {
		if err := draw(); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
