package chat

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"meshchatx/internal/store"
	"meshchatx/lxmf"
)

// Messages that come together are stored in their order; one that is there already, without the note of its id, holds up none.
func TestReceiveAllTogether(t *testing.T) {
	id, mira := newIdentity(t), newIdentity(t)
	d := newDesk(t, t.TempDir(), id)
	peer := lxmf.DeliveryHash(mira.Hash())
	in := make([]Inbound, 4)
	for i := range in {
		in[i] = letter(t, mira, d.Address(), fmt.Sprint(i), nil)
	}
	old := d.incoming(in[1])
	if _, err := d.db.Messages.Insert(t.Context(), old, in[1].Packed); err != nil {
		t.Fatal(err)
	}
	for i, err := range d.ReceiveAll(t.Context(), append(in, in[0])) {
		if err != nil {
			t.Errorf("message %d: %v", i, err)
		}
	}
	var got []string
	for _, m := range d.window(peer) {
		got = append(got, m.Content)
	}
	if want := []string{"1", "0", "2", "3"}; !slices.Equal(got, want) {
		t.Fatalf("stored %q, want %q", got, want)
	}
	if err := d.db.Blocked.Add(t.Context(), store.BlockedAddr{Addr: peer}); err != nil {
		t.Fatal(err)
	}
	for _, err := range d.ReceiveAll(t.Context(), []Inbound{letter(t, mira, d.Address(), "a", nil), letter(t, mira, d.Address(), "b", nil)}) {
		if !errors.Is(err, ErrDiscard) {
			t.Errorf("from a blocked address: %v", err)
		}
	}
	if err := d.db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, err := range d.ReceiveAll(t.Context(), []Inbound{letter(t, mira, d.Address(), "c", nil), letter(t, mira, d.Address(), "d", nil)}) {
		if err == nil || errors.Is(err, ErrDiscard) {
			t.Errorf("proof released: %v", err)
		}
	}
}
