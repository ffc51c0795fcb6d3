package discovery

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshchatx/rns"
	"meshchatx/spec/vectortest"
)

func seeds(f *testing.F) []announceVector {
	f.Helper()
	return vectortest.Group[announceVector](f, vectortest.Load(f, core), "discovery_announces")
}

// FuzzParseInfo: what is accepted is written again and reads the same, and is fit to be shown.
func FuzzParseInfo(f *testing.F) {
	for _, v := range seeds(f) {
		f.Add([]byte(v.Packed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		i, err := ParseInfo(b)
		if err != nil {
			return
		}
		back, err := ParseInfo(i.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(i, back); d != "" {
			t.Error(d)
		}
		r := NewRecord(i, rns.Addr{1}, [32]byte{}, 16, 1, time.Unix(1, 0))
		if strings.ContainsAny(r.Name, "\r\n\x00") || r.Name == "" {
			t.Errorf("name %q", r.Name)
		}
		if strings.Contains(r.ConfigEntry(), "\r") || strings.Count(r.ConfigEntry(), "\n") > 12 {
			t.Errorf("entry %q", r.ConfigEntry())
		}
		if r.ReachableOn != "" && !IsHost(r.ReachableOn) {
			t.Errorf("host %q", r.ReachableOn)
		}
	})
}

// FuzzParseAppData: a receiver without conditions takes what parses, once and the same again.
func FuzzParseAppData(f *testing.F) {
	for _, v := range seeds(f) {
		f.Add([]byte(v.AppData))
	}
	network := networkIdentity(f, "id7")
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := ParseAppData(b)
		if err == nil && !bytes.Equal(a.Append(nil)[1:], b[1:]) {
			t.Error("payload changed")
		}
		r := Receiver{Required: 1, Network: network}
		one, err1 := r.Receive(Heard{AppData: b}, time.Unix(1, 0))
		two, err2 := r.Receive(Heard{AppData: b}, time.Unix(1, 0))
		if (err1 == nil) != (err2 == nil) || !cmp.Equal(one, two) {
			t.Errorf("%v and then %v", err1, err2)
		}
	})
}

// FuzzParseRecord: what is read is written again and reads the same.
func FuzzParseRecord(f *testing.F) {
	for _, v := range seeds(f) {
		if i, err := ParseInfo(v.Packed); err == nil {
			f.Add(NewRecord(i, rns.Addr{1}, [32]byte{}, 16, 1, time.Unix(1_700_000_000, 0)).Append(nil))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseRecord(b)
		if err != nil {
			return
		}
		back, err := ParseRecord(r.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		near := cmp.Comparer(func(a, b time.Time) bool { return a.Sub(b).Abs() <= 32*time.Microsecond })
		if d := cmp.Diff(r, back, near, cmp.Transformer("access", func(a *Access) Access {
			if a == nil {
				return Access{} // files do not tell an empty access code from none
			}
			return *a
		})); d != "" {
			t.Error(d)
		}
	})
}

// FuzzParseLocation: what is read is a place.
func FuzzParseLocation(f *testing.F) {
	f.Add("47.5, 8.25, 600\n")
	f.Fuzz(func(t *testing.T, s string) {
		lat, lon, height, err := ParseLocation(s)
		if err == nil && !(lat >= -90 && lat <= 90 && lon >= -180 && lon <= 180 && height >= minHeight && height <= maxHeight) {
			t.Errorf("%v %v %v", lat, lon, height)
		}
	})
}
