package sqlite

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
)

// BenchmarkDurableWrites measures rows stored and synchronised one by one, by so many writers at
// a time; the writers of one moment share a commit.
func BenchmarkDurableWrites(b *testing.B) {
	for _, writers := range []int{1, 4, 16, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			db, _ := open(b, options(b, items))
			text := strings.Repeat("x", 300)
			var n atomic.Int64
			b.SetParallelism((writers + 1) / 2) // of 2 processors
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := add(b.Context(), db, fmt.Sprint(n.Add(1), text)); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
