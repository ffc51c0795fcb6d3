package bridge

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"meshchatx/rns"
)

// hexed is a byte string that travels as hexadecimal text. nil stands for null and for no value.
type hexed []byte

func (h hexed) MarshalJSON() ([]byte, error) {
	if h == nil {
		return []byte("null"), nil
	}
	return json.Marshal(hex.EncodeToString(h))
}

func (h *hexed) UnmarshalJSON(b []byte) error {
	var text *string
	if err := json.Unmarshal(b, &text); err != nil {
		return err
	}
	if text == nil {
		*h = nil
		return nil
	}
	v, err := hex.DecodeString(strings.TrimSpace(*text))
	if err != nil {
		return err
	}
	if v == nil {
		v = []byte{}
	}
	*h = v
	return nil
}

// bin is for results: an empty byte string is "", never null.
func bin(b []byte) hexed {
	if b == nil {
		return hexed{}
	}
	return b
}

// names are the aspects of a destination: a list, or a text with commas.
type names []string

func (n *names) UnmarshalJSON(b []byte) error {
	var text *string
	if json.Unmarshal(b, &text) == nil {
		*n = nil
		if text != nil && *text != "" {
			*n = strings.Split(*text, ",")
		}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(n))
}

// number is 0 or 1 as the reference prints flags.
func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

// epoch is a time in seconds since 1970, null for the zero time.
func epoch(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return float64(t.UnixNano()) / 1e9
}

// fromEpoch is the reverse of epoch.
func fromEpoch(s float64) time.Time {
	whole, part := math.Modf(s)
	return time.Unix(int64(whole), int64(part*1e9))
}

// millis is a time in whole milliseconds since 1970.
func millis(t time.Time) int64 { return t.UnixMilli() }

// seconds is a duration as the suite writes it.
func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// milliseconds is a timeout as the suite writes it.
func milliseconds(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }

// handle makes a name for something that later commands refer to.
func handle() string {
	var b [8]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

var (
	errHandle = errors.New("unknown handle")
	errParam  = errors.New("parameter out of its range")
)

// address is a destination or identity hash of the suite, which must be whole.
func address(b []byte) (rns.Addr, error) {
	if len(b) != rns.AddrSize {
		return rns.Addr{}, fmt.Errorf("%w: hash of %d bytes", errParam, len(b))
	}
	return rns.Addr(b), nil
}

// wait polls until ok or the time is over. The suite asks for states that come about by themselves.
func wait(timeout time.Duration, ok func() bool) bool {
	end := time.Now().Add(timeout)
	for !ok() {
		if !time.Now().Before(end) {
			return false
		}
		time.Sleep(10 * time.Millisecond)
	}
	return true
}

// withHandle is the parameters of a command and the handle of the node it is for, in one object.
type withHandle[P any] struct {
	Handle string
	P      P
}

func (w *withHandle[P]) UnmarshalJSON(b []byte) error {
	var h struct{ Handle string }
	if err := json.Unmarshal(b, &h); err != nil {
		return err
	}
	w.Handle = h.Handle
	return json.Unmarshal(b, &w.P)
}
