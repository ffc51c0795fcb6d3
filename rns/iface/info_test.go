package iface_test

import (
	"errors"
	"testing"

	"meshchatx/rns/iface"
	"meshchatx/spec/vectortest"
)

func TestVectorOptimiseMTU(t *testing.T) {
	vectortest.Each(t, "rns-link.json", "optimise_mtu", func(t *testing.T, v struct {
		Bitrate int64
		MTU     *int `json:"hw_mtu"`
	}) {
		want := 0
		if v.MTU != nil {
			want = *v.MTU
		}
		if got := iface.OptimiseMTU(v.Bitrate); got != want {
			t.Errorf("%d bit/s gives %d, want %d", v.Bitrate, got, want)
		}
	})
}

func TestPermanentKeepsTheError(t *testing.T) {
	cause := errors.New("bad setting")
	err := iface.Permanent(cause)
	if !iface.IsPermanent(err) || !errors.Is(err, cause) || iface.IsPermanent(cause) {
		t.Error("permanent errors are not told apart")
	}
}
