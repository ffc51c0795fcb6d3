package store

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"meshchatx/rns"
)

// benchWords make texts in which some words are common and some rare.
var benchWords = strings.Fields("the mesh path link hello tomorrow radio antenna meet at node nine weather storm café über 北京 天气 propagation signal battery " +
	"house river mountain bridge signal hop announce ticket stamp proof resource window letter photo voice summer winter night morning")

func benchText(n int) string {
	var b strings.Builder
	x := uint32(n)*2654435761 + 12345
	for range 12 {
		x = x*1664525 + 1013904223
		i := int(x>>16) % len(benchWords)
		i = i * int(x>>8&0xff) / 255 // the first words are more common
		b.WriteString(benchWords[i])
		b.WriteByte(' ')
	}
	if n%10_000 == 7 {
		b.WriteString("zanzibar")
	}
	return b.String()
}

// BenchmarkDurableMessages stores incoming messages as the router does, each answered when it is
// on the disk: message, search text, conversation and memory of the delivery in one transaction.
func BenchmarkDurableMessages(b *testing.B) {
	for _, flight := range []int{1, 16} {
		b.Run(fmt.Sprintf("in flight=%d", flight), func(b *testing.B) {
			db := openIdentity(b)
			packed := make([]byte, 300)
			var n atomic.Int64
			b.SetParallelism((flight + 1) / 2) // of 2 processors
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					i := int(n.Add(1))
					m := incoming(i, addr(i%50), benchText(i))
					err := db.Update(b.Context(), func(tx IdentityTables) error {
						if _, err := tx.Deliveries.Add(b.Context(), m.ID, m.StoredAt); err != nil {
							return err
						}
						_, err := tx.Messages.Insert(b.Context(), m, packed)
						return err
					})
					if err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
		})
	}
}

// BenchmarkHeard records announces in batches, new destinations and known ones.
func BenchmarkHeard(b *testing.B) {
	for _, known := range []int{1_000, 100_000} {
		b.Run(fmt.Sprintf("destinations=%d", known), func(b *testing.B) {
			db := openServer(b)
			const batch = 500
			rows := make([]Heard, batch)
			total := 0
			for i := 0; b.Loop(); i++ {
				for j := range rows {
					rows[j] = heard((i*batch + j) % known)
				}
				if err := db.Heard.Record(b.Context(), rows); err != nil {
					b.Fatal(err)
				}
				total += batch
			}
			b.ReportMetric(float64(total)/b.Elapsed().Seconds(), "announces/s")
		})
	}
}

// BenchmarkLarge measures what people wait for in a database of many messages: 50,000 unless
// MESHCHATX_BENCH_MESSAGES says otherwise.
func BenchmarkLarge(b *testing.B) {
	size := 50_000
	if v, err := strconv.Atoi(os.Getenv("MESHCHATX_BENCH_MESSAGES")); err == nil {
		size = v
	}
	const conversations = 5_000
	db := openIdentity(b)
	ctx := context.Background()
	for from := 0; from < size; from += 5_000 {
		must(b, db.Update(ctx, func(tx IdentityTables) error {
			for n := from; n < min(from+5_000, size); n++ {
				peer := addr(n % conversations)
				if n%2 == 0 {
					peer = addr(0) // one conversation holds half of everything
				}
				if _, err := tx.Messages.Insert(ctx, incoming(n, peer, benchText(n)), nil); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	b.Run("first page of a conversation", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			got(db.Messages.Page(ctx, addr(i%conversations), Window{Limit: 50}))(b)
		}
	})
	b.Run("page in the middle of a long one", func(b *testing.B) {
		for b.Loop() {
			got(db.Messages.Page(ctx, addr(0), Window{Around: int64(size / 2), Limit: 50}))(b)
		}
	})
	b.Run("pages by 4 readers", func(b *testing.B) {
		b.SetParallelism(2)
		var n atomic.Int64
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := db.Messages.Page(ctx, addr(int(n.Add(1))%conversations), Window{Limit: 50}); err != nil {
					b.Error(err)
				}
			}
		})
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pages/s")
	})
	b.Run("50 of 5,000 conversations", func(b *testing.B) {
		for b.Loop() {
			got(db.Conversations.List(ctx, ViewInbox, ConversationCursor{}, 50))(b)
		}
	})
	b.Run("totals", func(b *testing.B) {
		for b.Loop() {
			got(db.Conversations.Totals(ctx, start))(b)
		}
	})
	for _, q := range []string{"the", "the mesh", "zanz", "zanzibar", "hel", "hello bridge", "北京", "北", `"hello tomorrow"`, "nowhere"} {
		b.Run("search "+q, func(b *testing.B) {
			for b.Loop() {
				got(db.Messages.Search(ctx, Query{Text: q, Limit: 50}))(b)
			}
		})
	}
	for _, peer := range []rns.Addr{addr(0), addr(7)} {
		b.Run(fmt.Sprintf("search the, peer %x", peer[:2]), func(b *testing.B) {
			for b.Loop() {
				got(db.Messages.Search(ctx, Query{Text: "the", Peer: peer, Limit: 50}))(b)
			}
		})
	}
}
