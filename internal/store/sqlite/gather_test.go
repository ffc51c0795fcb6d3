package sqlite

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

// A writer whom nobody accompanies does not wait for company.
func TestLoneWriterDoesNotWait(t *testing.T) {
	o := options(t, items)
	o.Params = DefaultParams()
	o.Params.GatherTime = time.Hour
	db, _ := open(t, o)
	for i := range 20 {
		if err := add(t.Context(), db, fmt.Sprint("alone", i)); err != nil {
			t.Fatal(err)
		}
	}
}

// The expectation of a crowd that has gone holds up nobody for good.
func TestCrowdThatEnds(t *testing.T) {
	o := options(t, items)
	o.Params = DefaultParams()
	o.Params.GatherTime = time.Millisecond
	db, _ := open(t, o)
	for _, crowd := range []int{16, 1, 5, 1, 1, 2} {
		var writers sync.WaitGroup
		for w := range crowd {
			writers.Go(func() {
				for i := range 5 {
					if err := add(t.Context(), db, fmt.Sprint(t.Name(), crowd, w, i, time.Now().UnixNano())); err != nil {
						t.Error(err)
					}
				}
			})
		}
		writers.Wait()
	}
}
