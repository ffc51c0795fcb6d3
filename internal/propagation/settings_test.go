package propagation

import (
	"context"
	"errors"
	"strings"
	"testing"

	"meshchatx/internal/settings"
	"meshchatx/lxmf/router"
)

type nowhere struct{}

func (nowhere) Load(context.Context) (map[string]string, error)         { return nil, nil }
func (nowhere) Save(context.Context, map[string]string, []string) error { return nil }

// Settings reach the hosted node in its units, and a list that is none is refused.
func TestHostSettings(t *testing.T) {
	set, err := settings.Open(t.Context(), settings.Server, nowhere{})
	if err != nil {
		t.Fatal(err)
	}
	set.Verify(verifyHost)
	peer := strings.Repeat("ab", 16)
	err = set.Change(t.Context(), settings.Changes{
		settings.KeyHostMessageLimit: settings.IntValue(512_500), settings.KeyHostStaticPeers: settings.StringValue(peer + ", " + peer),
	})
	if err != nil {
		t.Fatal(err)
	}
	got := HostSettings(set.Values())
	if got.TransferLimit != 512.5 || len(got.StaticPeers) != 2 || got.StaticPeers[0].Hex() != peer {
		t.Errorf("settings %+v", got)
	}
	err = set.Change(t.Context(), settings.Changes{settings.KeyHostStaticPeers: settings.StringValue("next door")})
	if !errors.Is(err, settings.ErrAddress) {
		t.Errorf("a list that is none: %v", err)
	}
}

// A chosen node without an address is none.
func TestMode(t *testing.T) {
	set, err := settings.Open(t.Context(), settings.Identity, nowhere{})
	if err != nil {
		t.Fatal(err)
	}
	c := NewClient(ClientConfig{Settings: set})
	if mode, _ := Mode(set.Values()); mode != router.NodeAuto {
		t.Errorf("at first %v", mode)
	}
	if err := c.Choose(t.Context(), router.NodeFixed, [16]byte{}); !errors.Is(err, settings.ErrAddress) {
		t.Errorf("fixed without an address: %v", err)
	}
	if err := c.Choose(t.Context(), router.NodeFixed, [16]byte{7}); err != nil {
		t.Fatal(err)
	}
	if mode, addr := Mode(set.Values()); mode != router.NodeFixed || addr != [16]byte{7} {
		t.Errorf("chosen: %v %v", mode, addr)
	}
	if err := c.Sync(t.Context(), 0); !errors.Is(err, router.ErrNoNode) {
		t.Errorf("fetching without a network: %v", err)
	}
}
