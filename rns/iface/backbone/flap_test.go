package backbone

import (
	"net/netip"
	"testing"
	"time"
)

func TestFlapsExpireAndAreBounded(t *testing.T) {
	var f Flaps
	rules := DefaultFlapping()
	now := time.Unix(1e9, 0)
	one := netip.MustParseAddr("192.0.2.1")
	for n := range 6 {
		if f.blocked(one, rules, now) {
			t.Fatalf("blocked after %d short connections", n)
		}
		f.add(one, now)
	}
	if !f.blocked(one, rules, now.Add(12*time.Hour)) || f.blocked(one, rules, now.Add(12*time.Hour+time.Second)) {
		t.Error("an address is blocked for 720 minutes after its last short connection")
	}
	if len(f.known) != 0 {
		t.Error("what has expired is still remembered")
	}
	for n := range maxFlaps + 100 {
		f.add(netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}), now.Add(time.Duration(n)))
	}
	if len(f.known) != maxFlaps {
		t.Errorf("%d addresses are remembered", len(f.known))
	}
	if _, kept := f.known[netip.AddrFrom4([4]byte{10, 0, 0, 0})]; kept {
		t.Error("the oldest was kept")
	}
}
