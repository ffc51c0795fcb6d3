package auth

import (
	"fmt"
	"testing"
	"time"
)

// TestFailureAddressesAreBounded: however many addresses fail, a bounded number is remembered, and one that fails again and
// again among them is still locked out.
func TestFailureAddressesAreBounded(t *testing.T) {
	var l limiter
	l.init(DefaultParams(), nil)
	now := time.Unix(1_780_000_000, 0)
	for i := range 3 * maxAddresses {
		l.add(fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255), now)
	}
	if n := len(l.failed); n > maxAddresses {
		t.Errorf("%d addresses are remembered", n)
	}
	for range l.params.FailMax {
		l.add("192.0.2.1", now)
	}
	if l.wait("192.0.2.1", now) == 0 {
		t.Error("not locked out")
	}
	for range 10 * l.params.FailMax {
		l.add("192.0.2.1", now)
	}
	if n := len(l.failed["192.0.2.1"]); n > 11*l.params.FailMax {
		t.Errorf("%d failures of one address", n)
	}
	l.sweep(now.Add(l.params.FailWindow + time.Second))
	if n := len(l.failed); n != 0 {
		t.Errorf("%d addresses after the window", n)
	}
}
