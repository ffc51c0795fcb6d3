package i2p

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseReply(t *testing.T) {
	for _, tt := range []struct {
		line, topic string
		values      map[string]string
	}{
		{"HELLO REPLY RESULT=OK VERSION=3.1", "HELLO REPLY", map[string]string{"RESULT": "OK", "VERSION": "3.1"}},
		{
			`STREAM STATUS RESULT=I2P_ERROR  MESSAGE="a \"b\" \\ c" ID=x`, "STREAM STATUS",
			map[string]string{"RESULT": "I2P_ERROR", "MESSAGE": `a "b" \ c`, "ID": "x"},
		},
		{"DEST REPLY PUB=a== PRIV=", "DEST REPLY", map[string]string{"PUB": "a==", "PRIV": ""}},
		{"A B word C=d", "A B", map[string]string{"word": "", "C": "d"}},
	} {
		r, err := parseReply(tt.line)
		if err != nil || r.topic != tt.topic {
			t.Errorf("%s: %q, %v", tt.line, r.topic, err)
		}
		if diff := cmp.Diff(tt.values, r.values); diff != "" {
			t.Errorf("%s: %s", tt.line, diff)
		}
	}
	for _, line := range []string{"", "HELLO", " HELLO REPLY", `A B C="x`, `A B C="x\`} {
		if _, err := parseReply(line); !errors.Is(err, ErrReply) {
			t.Errorf("%q: %v", line, err)
		}
	}
}

func FuzzParseReply(f *testing.F) {
	f.Add(`STREAM STATUS RESULT=I2P_ERROR MESSAGE="a \"b\""`)
	f.Add("NAMING REPLY RESULT=OK NAME=x VALUE=y==")
	f.Fuzz(func(t *testing.T, line string) {
		r, err := parseReply(line)
		if err == nil && (len(r.topic) < 3 || r.values == nil) {
			t.Fatalf("%q: %+v", line, r)
		}
		_ = r.err()
	})
}

func FuzzAddress(f *testing.F) {
	f.Add("AAAA", "a.b32.i2p")
	f.Fuzz(func(t *testing.T, key, peer string) {
		if a, err := Address(key); err == nil && (len(a) != 60 || CheckPeer(a) != nil) {
			t.Fatalf("address %q", a)
		}
		if err := CheckPeer(peer); err == nil {
			for _, c := range peer {
				if c <= ' ' || c > '~' {
					t.Fatalf("%q could end a command", peer)
				}
			}
		}
	})
}
