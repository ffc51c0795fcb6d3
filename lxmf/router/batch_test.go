package router_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"meshchatx/lxmf/router"
	"meshchatx/rns"
)

// batches is an inbox that takes several messages at once and is as slow as a disk. fail, if set, decides the fate of a batch.
type batches struct {
	*inbox
	sizes []int
	fail  func(call int) error
}

func (b *batches) Receive(ctx context.Context, m router.Inbound) error {
	return b.ReceiveAll(ctx, []router.Inbound{m})[0]
}

func (b *batches) ReceiveAll(ctx context.Context, all []router.Inbound) []error {
	<-time.After(100 * time.Millisecond) // of the simulated clock
	b.sizes = append(b.sizes, len(all))
	said := make([]error, len(all))
	for i, m := range all {
		if said[i] = b.fail(len(b.sizes)); said[i] == nil {
			said[i] = b.inbox.Receive(ctx, m)
		}
	}
	return said
}

// TestMessagesAreStoredTogether: what comes while the store is busy is stored at once; where that fails no proof
// leaves, and everything arrives once all the same.
func TestMessagesAreStoredTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var kept *batches
		w, a, b, _ := pair(t, 66, delay, func(c *router.Config) {
			kept = &batches{inbox: c.Inbox.(*inbox), fail: func(call int) error {
				if call == 2 {
					return errors.New("the disk is full")
				}
				return nil
			}}
			c.Inbox = kept
			c.Params = router.DefaultParams()
			c.Params.StoreBatch = 8
		})
		const n = 30
		var ids []rns.Hash
		var want []string
		for i := range n {
			want = append(want, fmt.Sprint(i))
			ids = append(ids, a.send(b, want[i]))
		}
		w.Run(10 * time.Minute)
		for _, id := range ids {
			a.expect(id, router.KindDelivered, "")
		}
		got := b.inbox.contents()
		if slices.Sort(got); len(got) != n {
			t.Errorf("%d arrived: %q", len(got), got)
		}
		if m := slices.Max(kept.sizes); m < 2 || m > 8 {
			t.Errorf("stored in batches of %v", kept.sizes)
		}
	})
}
